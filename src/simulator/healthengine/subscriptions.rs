//! Webhook subscriptions and the log of deliveries that failed. Delivery itself is in
//! `deliveries.rs`.
//!
//! Assumptions: a subscription with the topic, the URL and the client id of a present one renews
//! it, or does not, as [`super::Renewal`] says ("create or update"); expired ones are gone; a date
//! of expiry in the past is refused.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::body::{Fields, read_moment, write_moment};
use super::requests::paged;
use super::settings::Renewal;
use super::visit::{HandlerOutcome, HandlerRefusal, HandlerReply, Visit};
use crate::ids::{BookingId, RequestId};

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

/// A delivery that failed, as the log has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryFailure {
    /// Of this entry.
    pub id: String,
    /// When it was written.
    pub at: DateTime<Utc>,
    /// Of which subscription.
    pub subscription_id: String,
    /// Its topic.
    pub topic: String,
    /// What the consumer called it.
    pub client_id: Option<String>,
    /// Where the call went.
    pub callback_url: String,
    /// When the webhook was first called.
    pub called_at: DateTime<Utc>,
    /// The list to fetch, such as `/requests/bookings`.
    pub target: Option<String>,
    /// The kind, such as `bookings`.
    pub request_type: String,
    /// The booking, if it was about one.
    pub booking_id: Option<BookingId>,
    /// The request, if it was about one.
    pub request_id: Option<RequestId>,
    /// Which attempt it was, from 1.
    pub attempt: u32,
    /// What kind of error.
    pub error_type: String,
    /// For people.
    pub error_message: String,
}

/// `GET subscription`
pub(super) fn all(visit: &mut Visit<'_>) -> HandlerOutcome {
    forget_expired(visit);
    HandlerReply::with(visit.practice.subscriptions.iter().map(|(id, own)| own.json(id)).collect())
}

/// `POST subscription`
pub(super) fn create(visit: &mut Visit<'_>) -> HandlerOutcome {
    forget_expired(visit);
    let body = visit.required_body()?;
    let mut wanted = HeldSubscription::read(&body, visit.now, visit.notes)?;
    if let Some(latest) = visit.settings.subscription_life_max.map(|life| visit.now + life) {
        wanted.expire_at = Some(wanted.expire_at.map_or(latest, |end| end.min(latest)));
    }
    let same = |own: &HeldSubscription| {
        (&own.topic, &own.callback_url, &own.client_id) == (&wanted.topic, &wanted.callback_url, &wanted.client_id)
    };
    let mut present = visit.practice.subscriptions.iter().find(|(_, own)| same(own)).map(|(id, _)| id.clone());
    if visit.settings.renewal == Renewal::AnotherOne {
        present = None;
    }
    let id = present.unwrap_or_else(|| visit.ids.subscription());
    let body = wanted.json(&id);
    visit.practice.subscriptions.insert(id, wanted);
    Ok(HandlerReply { status: 201, body: Some(body), verbatim: false })
}

/// `GET subscription/{id}`
pub(super) fn one(visit: &mut Visit<'_>) -> HandlerOutcome {
    forget_expired(visit);
    let id = visit.params.first().map_or("", String::as_str);
    let own = visit.practice.subscriptions.get(id).ok_or_else(|| HandlerRefusal::fair(404, "no such subscription"))?;
    HandlerReply::with(own.json(id))
}

/// `DELETE subscription/{id}`
pub(super) fn delete(visit: &mut Visit<'_>) -> HandlerOutcome {
    forget_expired(visit);
    let id = visit.params.first().map_or("", String::as_str);
    visit.practice.subscriptions.remove(id).ok_or_else(|| HandlerRefusal::fair(404, "no such subscription"))?;
    Ok(HandlerReply { status: 204, body: None, verbatim: false })
}

/// `GET subscriptionErrorLog?subscriptionId=&from=&to=&page=`
pub(super) fn error_log(visit: &mut Visit<'_>) -> HandlerOutcome {
    let moment = |name| match visit.asked_for(name) {
        None => Ok(None),
        Some(text) => {
            read_moment(text).map(Some).ok_or_else(|| HandlerRefusal::mistake(400, format!("{name} is no time")))
        }
    };
    let (from, to) = (moment("from")?, moment("to")?);
    let wanted = visit.asked_for("subscriptionId");
    let log = &visit.practice.delivery_failures;
    if let Some(id) = wanted {
        let known = visit.practice.subscriptions.contains_key(id) || log.iter().any(|own| own.subscription_id == id);
        known.then_some(()).ok_or_else(|| HandlerRefusal::fair(404, "no such subscription"))?;
    }
    let fits = |own: &&DeliveryFailure| {
        wanted.is_none_or(|id| own.subscription_id == id)
            && from.is_none_or(|from| own.at >= from)
            && to.is_none_or(|to| own.at <= to)
    };
    paged(visit, log.iter().filter(fits), DeliveryFailure::json)
}

fn forget_expired(visit: &mut Visit<'_>) {
    let now = visit.now;
    visit.practice.subscriptions.retain(|_, own| own.is_standing(now));
}

impl HeldSubscription {
    fn read(body: &Value, now: DateTime<Utc>, notes: &mut Vec<String>) -> Result<Self, HandlerRefusal> {
        let known = ["id", "clientId", "topic", "callbackUrl", "startAt", "expireAt"];
        let fields = Fields::of(body, "the subscription", &known, notes)?;
        let (topic, callback_url) = (fields.text("topic")?, fields.text("callbackUrl")?);
        let expire_at = fields.optional_moment("expireAt")?;
        if !TOPICS.contains(&topic.as_str()) {
            return Err(HandlerRefusal::mistake(400, "topic is unknown"));
        }
        if !callback_url.starts_with("https://") && !callback_url.starts_with("http://") {
            return Err(HandlerRefusal::mistake(400, "callbackUrl must be a URL"));
        }
        if expire_at.is_some_and(|end| end <= now) {
            return Err(HandlerRefusal::mistake(400, "expireAt is over"));
        }
        let start_at = fields.optional_moment("startAt")?.unwrap_or(now);
        Ok(Self { client_id: fields.optional_text("clientId")?, topic, callback_url, start_at, expire_at })
    }

    fn json(&self, id: &str) -> Value {
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

impl DeliveryFailure {
    fn json(&self) -> Value {
        let mut data = json!({ "target": self.target, "requestType": self.request_type });
        if let Some(id) = self.booking_id {
            data["bookingId"] = json!(id);
        }
        if let Some(id) = self.request_id {
            data["requestId"] = json!(id);
        }
        json!({
            "timestamp": write_moment(self.at),
            "id": self.id,
            "subscriptionId": self.subscription_id,
            "subscriptionTopic": self.topic,
            "clientId": self.client_id,
            "callbackUrl": self.callback_url,
            "payload": {
                "id": self.subscription_id,
                "data": data,
                "topic": self.topic,
                "clientId": self.client_id,
                "timestamp": write_moment(self.called_at),
            },
            "attempt": self.attempt,
            "errorType": self.error_type,
            "errorMessage": self.error_message,
        })
    }
}
