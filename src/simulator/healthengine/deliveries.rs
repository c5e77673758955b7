//! Webhook delivery: what happens at Healthengine is told to every subscription that covers it.
//!
//! A delivery is due at once. One that is not answered with 200 within five seconds is sent again
//! after 10, 100 and 1,000 seconds, then given up; what went wrong is in the log of failed
//! deliveries. Deliveries of a subscription that was deleted or is over are dropped, those that
//! wait to be sent again too.
//!
//! The model only says what is due: [`HealthengineModel::deliver_webhooks`] carries it with a
//! [`Courier`], over HTTP ([`super::HttpCourier`]) or in memory. Time is the model's clock and
//! tokio's, so it can be paused.
//!
//! Assumptions: the times of resending count from the failure; a redirect is a failure, as is any
//! status but 200; a delivery leaves once per subscription, not once per event.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::HealthengineModel;
use super::body::write_moment;
use super::settings::ErrorLog;
use super::state::{ModelState, PracticeAccount};
use super::subscriptions::{DeliveryFailure, HeldSubscription};
use super::unknown::Unknown;
use crate::ids::{BookingId, PracticeId, RequestId};

/// How long an answer is waited for.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// After so long a failed delivery is sent again; then it is given up.
pub const RESENT_AFTER: [Duration; 3] = [Duration::from_secs(10), Duration::from_secs(100), Duration::from_secs(1_000)];
/// So many calls are under way at one time.
const AT_ONCE: usize = 64;
/// Deliveries that nobody takes are dropped, oldest first.
const WAITING_MAX: usize = 20_000;

/// Carries a webhook to where a subscription wants it.
#[async_trait]
pub trait Courier: Send + Sync {
    /// Posts a JSON body. Time is kept by the caller.
    async fn post(&self, callback_url: &str, body: Vec<u8>) -> Delivered;
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

/// A call that has to be made.
#[derive(Debug, Clone)]
pub(super) struct WebhookDelivery {
    /// Of the delivery, over all its attempts.
    number: u64,
    practice: PracticeId,
    subscription: String,
    kind: String,
    booking: Option<BookingId>,
    request: Option<RequestId>,
    /// When it happened.
    called_at: DateTime<Utc>,
    /// From 1.
    attempt: u32,
    due: DateTime<Utc>,
}

/// A delivery with its address and body.
struct DeliveryCall {
    delivery: WebhookDelivery,
    callback_url: String,
    body: Vec<u8>,
}

/// The deliveries of all practices.
#[derive(Default)]
pub(super) struct DeliveryQueue {
    count: u64,
    waiting: VecDeque<WebhookDelivery>,
    under_way: usize,
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

impl PracticeAccount {
    /// Notes what happened, for its subscriptions.
    pub(super) fn announce(&mut self, event: AnnouncedEvent) {
        if !self.subscriptions.is_empty() {
            self.events.push(event);
        }
    }
}

impl HeldSubscription {
    fn covers(&self, kind: &str, now: DateTime<Utc>) -> bool {
        let topic = self.topic == "requests.*" || self.topic.strip_prefix("requests.") == Some(kind);
        topic && self.start_at <= now && self.is_standing(now)
    }

    /// True until it is over.
    pub(super) fn is_standing(&self, now: DateTime<Utc>) -> bool {
        self.expire_at.is_none_or(|end| end > now)
    }
}

impl ModelState {
    /// Makes deliveries of what happened. True if there are any to be made.
    pub(super) fn collect_events(&mut self, now: DateTime<Utc>) -> bool {
        let Self { practices, deliveries, .. } = self;
        let mut any = false;
        for (id, practice) in practices.iter_mut() {
            for event in std::mem::take(&mut practice.events) {
                for (subscription, own) in &practice.subscriptions {
                    if own.covers(&event.kind, now) {
                        deliveries.add(id, subscription, &event, now);
                        any = true;
                    }
                }
            }
        }
        any
    }

    /// What is due, and when the next one is.
    fn due(&mut self, now: DateTime<Utc>) -> (Vec<DeliveryCall>, Option<DateTime<Utc>>) {
        let waiting = std::mem::take(&mut self.deliveries.waiting);
        let (due, later): (Vec<WebhookDelivery>, Vec<WebhookDelivery>) =
            waiting.into_iter().partition(|own| own.due <= now);
        self.deliveries.waiting = later.into();
        let next = self.deliveries.waiting.iter().map(|own| own.due).min();
        let ready: Vec<_> = due.into_iter().filter_map(|own| self.ready(own, now)).collect();
        self.deliveries.under_way += ready.len();
        (ready, next)
    }

    /// Address and body, unless the subscription has ended.
    fn ready(&self, delivery: WebhookDelivery, now: DateTime<Utc>) -> Option<DeliveryCall> {
        let practice = self.practices.get(&delivery.practice)?;
        let own = practice.subscriptions.get(&delivery.subscription).filter(|own| own.is_standing(now))?;
        let body = json!({
            "timestamp": write_moment(delivery.called_at),
            "id": delivery.subscription,
            "clientId": own.client_id,
            "topic": format!("requests.{}", delivery.kind),
            "data": delivery.data(),
        });
        let callback_url = own.callback_url.clone();
        Some(DeliveryCall { delivery, callback_url, body: body.to_string().into_bytes() })
    }

    /// An attempt ended. A failed one is logged, and made again unless it was the last.
    fn attempted(&mut self, delivery: WebhookDelivery, delivered: Delivered, now: DateTime<Utc>) {
        self.deliveries.under_way -= 1;
        if delivered == Delivered::Answered(200) {
            return;
        }
        let mode = self.settings.error_log;
        let Some(practice) = self.practices.get_mut(&delivery.practice) else { return };
        let Some(own) = practice.subscriptions.get(&delivery.subscription).cloned() else { return };
        let id = match mode {
            ErrorLog::LastAttempt => format!("f0fc5931-678a-4152-9b45-{:012x}", delivery.number),
            ErrorLog::EveryAttempt => format!("f0fc5931-678a-4152-{:04x}-{:012x}", delivery.attempt, delivery.number),
        };
        practice.delivery_failures.retain(|failure| failure.id != id);
        practice.delivery_failures.push(delivery.failure(id, &own, delivered, now));
        if let Some(after) = RESENT_AFTER.get(delivery.attempt as usize - 1) {
            let due = now + TimeDelta::from_std(*after).unwrap_or(TimeDelta::MAX);
            let again = WebhookDelivery { attempt: delivery.attempt + 1, due, ..delivery };
            self.deliveries.waiting.push_back(again);
        }
    }
}

impl DeliveryQueue {
    fn add(&mut self, practice: &PracticeId, subscription: &str, event: &AnnouncedEvent, now: DateTime<Utc>) {
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
    fn data(&self) -> Value {
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
    fn failure(&self, id: String, own: &HeldSubscription, delivered: Delivered, at: DateTime<Utc>) -> DeliveryFailure {
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

impl HealthengineModel {
    /// Delivers webhooks until it is told to stop. One task does it for a server.
    pub async fn deliver_webhooks(&self, courier: Arc<dyn Courier>, stop: CancellationToken) {
        let places = Arc::new(Semaphore::new(AT_ONCE));
        loop {
            let (due, wait) = self.with(|state, now| {
                let (due, next) = state.due(now);
                (due, next.map(|next| (next - now).to_std().unwrap_or_default()))
            });
            for DeliveryCall { delivery, callback_url, body } in due {
                let (model, courier, stop) = (self.clone(), Arc::clone(&courier), stop.clone());
                let places = Arc::clone(&places);
                tokio::spawn(stop.run_until_cancelled_owned(async move {
                    let Ok(_place) = places.acquire_owned().await else { return };
                    let answer = tokio::time::timeout(ANSWER_WITHIN, courier.post(&callback_url, body)).await;
                    let delivered = answer.unwrap_or(Delivered::TimedOut);
                    model.with(|state, now| state.attempted(delivery, delivered, now));
                    model.stirred.notify_one();
                }));
            }
            let later = async {
                match wait {
                    Some(wait) => tokio::time::sleep(wait).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.stirred.notified() => {}
                () = later => {}
            }
        }
    }

    /// How many deliveries wait to be made, or made again, or are under way.
    pub fn open_deliveries(&self) -> usize {
        self.with(|state, _| state.deliveries.waiting.len() + state.deliveries.under_way)
    }

    /// The log of failed deliveries of a practice, oldest first.
    pub fn delivery_failures(&self, practice: &PracticeId) -> Result<Vec<DeliveryFailure>, Unknown> {
        self.at_practice(practice, |practice, _, _| practice.delivery_failures.clone())
    }

    /// A webhook for a practice out of the blue: what happens happens `times` times, and nothing
    /// waits.
    pub fn announce(&self, practice: &PracticeId, kind: &str, times: usize) -> Result<(), Unknown> {
        self.at_practice(practice, |practice, ids, _| {
            for _ in 0..times {
                let request = ids.event();
                practice.announce(AnnouncedEvent::new(kind, None, Some(request)));
            }
        })
    }
}
