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

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::body::write_moment;
use super::delivery_queue::{AnnouncedEvent, Delivered, DeliveryFailure, WebhookDelivery};
use super::model::HealthengineModel;
use super::settings::ErrorLog;
use super::state::ModelState;
use super::unknown::Unknown;
use crate::ids::PracticeId;

/// How long an answer is waited for.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// After so long a failed delivery is sent again; then it is given up.
pub const RESENT_AFTER: [Duration; 3] = [Duration::from_secs(10), Duration::from_secs(100), Duration::from_secs(1_000)];
/// So many calls are under way at one time.
const AT_ONCE: usize = 64;

/// Carries a webhook to where a subscription wants it.
#[async_trait]
pub trait Courier: Send + Sync {
    /// Posts a JSON body. Time is kept by the caller.
    async fn post(&self, callback_url: &str, body: Vec<u8>) -> Delivered;
}

/// A delivery with its address and body.
struct DeliveryCall {
    delivery: WebhookDelivery,
    callback_url: String,
    body: Vec<u8>,
}

impl ModelState {
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
