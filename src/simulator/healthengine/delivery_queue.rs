//! What happened and is to be told, the deliveries that wait, and the log of those that failed.

use std::collections::VecDeque;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::body::write_moment;
use super::held_subscription::HeldSubscription;
use crate::ids::{BookingId, PracticeId, RequestId};

/// Deliveries that nobody takes are dropped, oldest first.
const WAITING_MAX: usize = 20_000;

/// The deliveries of all practices.
#[derive(Default)]
pub(super) struct DeliveryQueue {
    count: u64,
    pub(super) waiting: VecDeque<WebhookDelivery>,
    pub(super) under_way: usize,
}

/// What happened.
pub(super) struct AnnouncedEvent {
    pub(super) kind: String,
    pub(super) booking: Option<BookingId>,
    pub(super) request: Option<RequestId>,
}

impl AnnouncedEvent {
    /// Something of a kind, such as `bookings`.
    pub(super) fn new(kind: &str, booking: Option<BookingId>, request: Option<RequestId>) -> Self {
        Self { kind: kind.to_owned(), booking, request }
    }
}

/// A call that has to be made.
#[derive(Debug, Clone)]
pub(super) struct WebhookDelivery {
    /// Of the delivery, over all its attempts.
    pub(super) number: u64,
    pub(super) practice: PracticeId,
    pub(super) subscription: String,
    pub(super) kind: String,
    pub(super) booking: Option<BookingId>,
    pub(super) request: Option<RequestId>,
    /// When it happened.
    pub(super) called_at: DateTime<Utc>,
    /// From 1.
    pub(super) attempt: u32,
    pub(super) due: DateTime<Utc>,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivered {
    /// With this status.
    Answered(u16),
    /// No answer came in time.
    TimedOut,
    /// Nobody listens there.
    Refused,
    /// The connection ended without an answer.
    HungUp,
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

impl DeliveryQueue {
    /// Adds the first attempt to tell this subscription.
    pub(super) fn add(
        &mut self,
        practice: &PracticeId,
        subscription: &str,
        event: &AnnouncedEvent,
        now: DateTime<Utc>,
    ) {
        if self.waiting.len() >= WAITING_MAX {
            self.waiting.pop_front();
        }
        self.count += 1;
        self.waiting.push_back(WebhookDelivery {
            number: self.count,
            practice: practice.clone(),
            subscription: subscription.to_owned(),
            kind: event.kind.clone(),
            booking: event.booking,
            request: event.request,
            called_at: now,
            attempt: 1,
            due: now,
        });
    }
}

impl WebhookDelivery {
    /// What the payload says of the event.
    pub(super) fn data(&self) -> Value {
        let mut data = json!({ "target": self.target(), "requestType": self.kind });
        if let Some(id) = self.booking {
            data["bookingId"] = json!(id);
        }
        if let Some(id) = self.request {
            data["requestId"] = json!(id);
        }
        data
    }

    /// The two kinds of configuration have no list to fetch.
    fn target(&self) -> Option<String> {
        let has_list = !matches!(self.kind.as_str(), "pmsResources" | "pmsAppointmentTypes");
        has_list.then(|| format!("/requests/{}", self.kind))
    }

    /// The entry of the log. As that of the real server, its message comes from an HTTP client and
    /// repeats the address.
    pub(super) fn failure(
        &self,
        id: String,
        own: &HeldSubscription,
        delivered: Delivered,
        at: DateTime<Utc>,
    ) -> DeliveryFailure {
        let url = &own.callback_url;
        let (kind, error_message) = match delivered {
            Delivered::Answered(status) => {
                ("BadResponseException", format!("Client error: `POST {url}` resulted in a `{status}` response"))
            }
            Delivered::TimedOut => (
                "ConnectException",
                format!("cURL error 28: Operation timed out after 5001 milliseconds with 0 bytes received for {url}"),
            ),
            Delivered::Refused => {
                ("ConnectException", format!("cURL error 7: Failed to connect: Connection refused for {url}"))
            }
            Delivered::HungUp => ("RequestException", format!("cURL error 52: Empty reply from server for {url}")),
        };
        DeliveryFailure {
            id,
            at,
            subscription_id: self.subscription.clone(),
            topic: own.topic.clone(),
            client_id: own.client_id.clone(),
            callback_url: url.clone(),
            called_at: self.called_at,
            target: self.target(),
            request_type: self.kind.clone(),
            booking_id: self.booking,
            request_id: self.request,
            attempt: self.attempt,
            error_type: format!("GuzzleHttp\\Exception\\{kind}"),
            error_message,
        }
    }
}

impl DeliveryFailure {
    /// An entry of the log, as the API writes it.
    pub(super) fn json(&self) -> Value {
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
