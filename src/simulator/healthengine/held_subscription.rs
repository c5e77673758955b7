//! A webhook subscription, and how the API reads and writes it.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::body::{Fields, Wrong, write_moment};

const TOPICS: [&str; 11] = [
    "requests.*",
    "requests.bookings",
    "requests.bookingUpdates",
    "requests.availability",
    "requests.pmsAppointmentChanges",
    "requests.pmsResources",
    "requests.pmsAppointmentTypes",
    "requests.availableDocuments",
    "requests.uploadDocuments",
    "requests.clientSnapshots",
    "requests.attachDocuments",
];

/// A webhook subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldSubscription {
    /// What the consumer called it.
    pub client_id: Option<String>,
    /// Such as `requests.*`.
    pub topic: String,
    /// Where to call.
    pub callback_url: String,
    /// From when.
    pub start_at: DateTime<Utc>,
    /// Until when; for ever if `None`.
    pub expire_at: Option<DateTime<Utc>>,
}

impl HeldSubscription {
    /// True if it wants to be told of this kind.
    pub(super) fn covers(&self, kind: &str, now: DateTime<Utc>) -> bool {
        let topic = self.topic == "requests.*" || self.topic.strip_prefix("requests.") == Some(kind);
        topic && self.start_at <= now && self.is_standing(now)
    }

    /// True until it is over.
    pub(super) fn is_standing(&self, now: DateTime<Utc>) -> bool {
        self.expire_at.is_none_or(|end| end > now)
    }

    /// Reads one that is wanted from this moment on.
    pub(super) fn read(body: &Value, now: DateTime<Utc>, notes: &mut Vec<String>) -> Result<Self, Wrong> {
        let known = ["id", "clientId", "topic", "callbackUrl", "startAt", "expireAt"];
        let fields = Fields::of(body, "the subscription", &known, notes)?;
        let (topic, callback_url) = (fields.text("topic")?, fields.text("callbackUrl")?);
        let expire_at = fields.optional_moment("expireAt")?;
        if !TOPICS.contains(&topic.as_str()) {
            return Err(Wrong("topic is unknown".to_owned()));
        }
        if !callback_url.starts_with("https://") && !callback_url.starts_with("http://") {
            return Err(Wrong("callbackUrl must be a URL".to_owned()));
        }
        if expire_at.is_some_and(|end| end <= now) {
            return Err(Wrong("expireAt is over".to_owned()));
        }
        let start_at = fields.optional_moment("startAt")?.unwrap_or(now);
        Ok(Self { client_id: fields.optional_text("clientId")?, topic, callback_url, start_at, expire_at })
    }

    /// As the API writes it.
    pub(super) fn json(&self, id: &str) -> Value {
        let Self { client_id, topic, callback_url, start_at, expire_at } = self;
        json!({
            "id": id,
            "clientId": client_id,
            "topic": topic,
            "callbackUrl": callback_url,
            "startAt": write_moment(*start_at),
            "expireAt": expire_at.map(write_moment),
        })
    }
}
