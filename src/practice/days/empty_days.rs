//! Sends empty days of what is not offered.

use chrono::NaiveDate;

use super::publisher::{Publisher, Sent};
use crate::healthengine::AvailabilitySnapshot;
use crate::ids::ResourceId;
use crate::messages::practice as say;
use crate::polling::failed_calls::Call;
use crate::publishing::DayKey;
use crate::publishing::batches::CallQueue;
use crate::remote::{Answer, CallError, ErrorClass};

impl Publisher {
    /// True if a day of this resource is inside the horizon, and is offered or kept as it was told.
    fn may_offer(&self, resource: &str, day: NaiveDate) -> bool {
        let (Some(offering), Ok(resource)) = (self.context.offering.accepted(), resource.parse::<ResourceId>()) else {
            return false;
        };
        let is_known = offering.mapping.resource(resource).is_some() || self.accepted.protected().contains(&resource);
        is_known && self.context.horizon(&offering).holds(day)
    }

    /// Sends empty days of what is not offered, and says which of them were accepted. What is offered by the time that it is its turn is
    /// left out. Of a day of which times were told before it is then unknown what Healthengine has: it is sent again once it is offered.
    pub(in crate::practice) async fn publish_empty(
        &self,
        snapshots: Vec<AvailabilitySnapshot>,
    ) -> Answer<Vec<(String, NaiveDate)>> {
        let mut waiting = CallQueue::new(snapshots);
        let mut arrived = Vec::new();
        loop {
            let _turn = self.turn().await;
            if self.context.stop.is_cancelled() {
                return Err(CallError::new(ErrorClass::NotSent, say::STOPPING));
            }
            let size = self.call_size();
            let batch =
                waiting.take(size.unwrap_or(1), |own| (!self.may_offer(&own.pms_resource_id, own.date)).then_some(own));
            if batch.is_empty() {
                self.unsent_now(|_| {});
                return Ok(arrived);
            }
            let keys = batch.iter().filter_map(|own| Some((own.pms_resource_id.parse().ok()?, own.date)));
            let keys: Vec<DayKey> = keys.filter(|(resource, date)| self.sent.offers(*resource, *date)).collect();
            if !keys.is_empty() {
                self.leave(&keys).await?;
            }
            match self.send_call(&batch, size.is_some()).await {
                Sent::Apart(apart) => waiting.put_back(batch, apart),
                Sent::Answered(outcome) => {
                    let now = self.context.now();
                    self.unsent.note(|unsent| {
                        for own in outcome.accepted.iter().filter_map(|index| batch.get(*index)) {
                            unsent.done_empty(&own.pms_resource_id, own.date);
                            arrived.push((own.pms_resource_id.clone(), own.date));
                        }
                        for (index, reason) in &outcome.failed {
                            if let Some(own) = batch.get(*index) {
                                unsent.refused_empty(&own.pms_resource_id, own.date, reason, now);
                            }
                        }
                    });
                    self.calls.heard(Call::Snapshots, Ok(()));
                }
                Sent::Failed(error) => {
                    let days = batch.into_iter().chain(waiting.rest()).map(|own| (own.pms_resource_id, own.date));
                    self.unsent_now(|unsent| unsent.failed_empty(days, &error));
                    self.calls.heard(Call::Snapshots, Err(&error));
                    return Err(error);
                }
            }
        }
    }
}
