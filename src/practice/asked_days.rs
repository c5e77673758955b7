//! Single days that Healthengine asks for: read and sent, or answered at once where there is nothing to read.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::NaiveDate;

use super::lists;
use super::lists::Absence;
use super::publishing::{ReadDays, Which};
use super::{Offering, Practice};
use crate::availability::{Day, ResourceDay};
use crate::healthengine::{AvailabilityRequest, AvailabilitySnapshot};
use crate::ids::{ResourceId, ScheduleId};
use crate::remote::Answer;
use crate::supervisor;

/// So many days without a reading are sent for one poll; what is still wanted is listed again.
const AT_ONCE_MAX: usize = 500;

/// Days that are asked for and need no reading.
#[derive(Debug, Default)]
struct AtOnce {
    /// What Healthengine last accepted, once more.
    again: Vec<ResourceDay>,
    /// Days of which nothing is offered.
    empty: Vec<AvailabilitySnapshot>,
}

impl AtOnce {
    fn len(&self) -> usize {
        self.again.len() + self.empty.len()
    }
}

impl Practice {
    /// Sends the days that Healthengine asks for.
    pub(super) async fn asked_days_loop(self: Arc<Self>) {
        let mut clock = self.shared.leaps.listen();
        loop {
            self.send_due(&self.asked_days).await;
            let wait = self.wait_for_due(&self.asked_days);
            let due = supervisor::rest(async {
                tokio::select! {
                    biased;
                    () = self.stop.cancelled() => false,
                    () = self.asked_days.woken() => true,
                    () = tokio::time::sleep(wait) => true,
                    () = clock.leaped() => {
                        self.asked_days.locked().wait_no_longer();
                        true
                    }
                }
            });
            if !due.await {
                return;
            }
        }
    }

    /// Days that Healthengine asks for.
    pub(super) async fn availability_requests(self: &Arc<Self>) -> Answer<()> {
        let read = self.all_pages(lists::DAYS, |page| self.healthengine.availability_requests(page)).await;
        self.days_wait(read.as_ref().map(|(requests, _)| requests.as_slice()).map_err(Clone::clone));
        let (requests, absence) = read?;
        let Some(offering) = self.offered() else { return Ok(()) };
        let requests: BTreeSet<AvailabilityRequest> = requests.into_iter().collect();
        let protected = self.configuration.protected();
        let is_asked = |resource: &str, day| {
            let is_meant = |own: &AvailabilityRequest| own.pms_resource_id.as_deref().is_none_or(|id| id == resource);
            requests.iter().any(|own| own.day == day && is_meant(own))
        };
        if absence != Absence::MeansNothing {
            self.unsent_now(|unsent| unsent.keep_empty(is_asked));
        }
        let of_all = requests.iter().filter(|request| request.pms_resource_id.is_none()).map(|request| request.day);
        self.asked_days.locked().asked_of_all(&of_all.collect());
        let mut at_once = AtOnce::default();
        for request in requests {
            self.want_day(&offering, &protected, request, &mut at_once);
        }
        // A question for one resource and one for all of them can be about the same day.
        let empty = &mut at_once.empty;
        empty.sort_by(|a, b| (a.date, &a.pms_resource_id).cmp(&(b.date, &b.pms_resource_id)));
        empty.dedup_by(|a, b| (a.date, &a.pms_resource_id) == (b.date, &b.pms_resource_id));
        self.asked_days.wake();
        self.answer_at_once(at_once);
        Ok(())
    }

    /// Healthengine asks for no day at all.
    pub(super) fn no_day_is_asked_for(&self) {
        self.asked_days.locked().asked_of_all(&BTreeSet::new());
        self.unsent_now(|unsent| unsent.keep_empty(|_, _| false));
    }

    /// Sends what needs no reading, in a task of its own: the poll goes on. What is still asked for when it is done is asked again.
    fn answer_at_once(self: &Arc<Self>, AtOnce { again, empty }: AtOnce) {
        if again.is_empty() && empty.is_empty() {
            return;
        }
        let Ok(turn) = Arc::clone(&self.answering_at_once).try_lock_owned() else { return };
        let practice = Arc::clone(self);
        self.spawn("days that need no reading", async move {
            let mut done: Vec<(String, NaiveDate)> =
                again.iter().map(|own| (own.resource.to_string(), own.date)).collect();
            let again = ReadDays { began: practice.now(), days: again };
            let sent = match practice.publish(again, Which::All, &|_| {}).await {
                Ok(_) => practice.publish_empty(empty).await,
                Err(error) => Err(error),
            };
            // What was not sent, or refused, is asked for again.
            if let Ok(arrived) = sent {
                done.extend(arrived);
                let mut asked = practice.asked_days.locked();
                done.iter().for_each(|(resource, date)| asked.answered(resource, *date));
            }
            drop(turn);
        });
    }

    /// True if a day of this resource is inside the horizon, and is offered or kept as it was told.
    pub(super) fn may_offer(&self, resource: &str, day: NaiveDate) -> bool {
        let (Some(offering), Ok(resource)) = (self.offered(), resource.parse::<ResourceId>()) else { return false };
        let is_known =
            offering.mapping.resource(resource).is_some() || self.configuration.protected().contains(&resource);
        is_known && self.horizon(&offering).holds(day)
    }

    /// Notes a day that is to be read and sent, or what can be said about it without reading.
    fn want_day(
        &self,
        offering: &Offering,
        protected: &BTreeSet<ResourceId>,
        request: AvailabilityRequest,
        at_once: &mut AtOnce,
    ) {
        let resources = &offering.mapping.resources;
        let asked: Vec<String> = match request.pms_resource_id {
            Some(id) => vec![id],
            None => {
                let all = resources.iter().map(|resource| resource.id).chain(protected.iter().copied());
                let all = all.map(|id| id.to_string()).collect();
                self.asked_days.locked().unanswered(request.day, all)
            }
        };
        let (offered_day, now) = (self.horizon(offering).holds(request.day), self.now());
        for id in asked {
            let known = id.parse::<ResourceId>().ok();
            let offered = known.filter(|known| offering.mapping.resource(*known).is_some());
            match (offered, known) {
                (Some(resource), _) if offered_day => {
                    self.asked_days.locked().add(resource, request.day, Which::All);
                }
                // What is beyond this is asked for again.
                _ if at_once.len() >= AT_ONCE_MAX => return,
                // Held back by the guard: what Healthengine has is as good as anything.
                (None, Some(resource)) if protected.contains(&resource) && offered_day => {
                    at_once.again.extend(self.publisher.accepted(resource, request.day));
                }
                _ if self.publisher.is_refused_empty(&id, request.day, now) => {}
                _ => {
                    self.said_once(&format!("{id} on {}", request.day));
                    let mut empty = Day::empty(1).snapshot(ResourceId::schedule(ScheduleId(0)), request.day);
                    empty.pms_resource_id = id;
                    at_once.empty.push(empty);
                }
            }
        }
    }
}
