//! Sends empty days of what is not offered.

use chrono::NaiveDate;

use super::publisher::{Publisher, Sent};
use crate::call_error::{Answer, CallError, ErrorClass};
use crate::healthengine::AvailabilitySnapshot;
use crate::ids::ResourceId;
use crate::messages::practice as say;
use crate::polling::failed_calls::Call;
use crate::publishing::DayKey;
use crate::publishing::batches::CallQueue;

impl Publisher {
    /// True if a day of this resource is inside the horizon, and is offered or kept as it was told.
    fn may_offer(&self, resource: &str, day: NaiveDate) -> bool {
        let (Some(offering), Ok(resource)) = (self.context.offering.accepted(), resource.parse::<ResourceId>()) else {
            return false;
        };
        let is_known = offering.mapping.resource(resource).is_some() || self.accepted.protected().contains(&resource);
        is_known && self.context.horizon(&offering).holds(day)
    }

    /// The days among these that are noted before they leave, and where they stand: those of
    /// resources that Healthengine has, or that were ever sent. It refuses any others.
    fn to_be_noted(&self, batch: &[AvailabilitySnapshot]) -> (Vec<usize>, Vec<DayKey>) {
        let known = self.accepted.resources_at_healthengine();
        let keyed = batch.iter().enumerate().filter_map(|(index, own)| {
            let key: DayKey = (own.pms_resource_id.parse().ok()?, own.date);
            (known.contains(&key.0) || self.sent.was_sent(key)).then_some((index, key))
        });
        keyed.unzip()
    }

    /// Sends empty days of what is not offered, and says which of them were accepted. What is
    /// offered by the time that it is its turn is left out. Of a day of which times were told
    /// before it is then unknown what Healthengine has: it is sent again once it is offered. So it
    /// is of one whose answer got lost, which can arrive after what is offered by then.
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
            let (indexes, keys) = self.to_be_noted(&batch);
            let before = if keys.is_empty() { Vec::new() } else { self.leave(&keys).await? };
            let sent = self.send_call(&batch, size.is_some()).await;
            let is_heard = |index: usize, (resource, date): DayKey| match &sent {
                Sent::Answered(outcome) => !outcome.accepted.contains(&index) || !self.sent.offers(resource, date),
                Sent::Apart(_) => true,
                Sent::Failed(error) => error.nothing_was_done(),
            };
            let heard = indexes.into_iter().zip(keys).zip(before).filter(|((index, key), _)| is_heard(*index, *key));
            self.sent.only_unacknowledged(heard.map(|((_, key), before)| (key, before)).collect());
            match sent {
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
