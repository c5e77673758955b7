//! Single days that Healthengine asks for: read and sent, or answered at once where there is
//! nothing to read.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::NaiveDate;

use tokio::sync::Mutex as AsyncMutex;

use super::queue::DayQueue;
use super::single::SingleDays;
use crate::availability::{Day, ResourceDay};
use crate::healthengine::{AvailabilityRequest, AvailabilitySnapshot};
use crate::ids::{ResourceId, ScheduleId};
use crate::messages;
use crate::polling::lists::Coverage;
use crate::practice::configuration::accepted::AcceptedConfiguration;
use crate::practice::context::Context;
use crate::practice::offering::Offering;
use crate::publishing::{ReadDays, SendIf};
use crate::supervisor;

/// So many days without a reading are sent for one poll; what is still wanted is listed again.
const AT_ONCE_MAX: usize = 500;

/// Days that are asked for and need no reading.
#[derive(Debug, Default)]
struct AnsweredAtOnce {
    /// What Healthengine last accepted, once more.
    again: Vec<ResourceDay>,
    /// Days of which nothing is offered.
    empty: Vec<AvailabilitySnapshot>,
}

impl AnsweredAtOnce {
    fn len(&self) -> usize {
        self.again.len() + self.empty.len()
    }
}

/// Sends the days that Healthengine asks for.
pub(in crate::practice) struct AskedDays {
    context: Arc<Context>,
    accepted: Arc<AcceptedConfiguration>,
    single: Arc<SingleDays>,
    queue: DayQueue,
    /// Held while days that need no reading are sent.
    answering_at_once: Arc<AsyncMutex<()>>,
}

impl AskedDays {
    pub(in crate::practice) fn new(
        context: Arc<Context>,
        accepted: Arc<AcceptedConfiguration>,
        single: Arc<SingleDays>,
    ) -> Self {
        let (queue, answering_at_once) = (DayQueue::default(), Arc::default());
        Self { context, accepted, single, queue, answering_at_once }
    }

    /// Sends the days that Healthengine asks for.
    pub(in crate::practice) async fn asked_days_loop(self: Arc<Self>) {
        let mut clock = self.context.shared.leaps.listen();
        loop {
            self.single.send_due(&self.queue).await;
            let wait = self.single.wait_for_due(&self.queue);
            let due = supervisor::rest(async {
                tokio::select! {
                    biased;
                    () = self.context.stop.cancelled() => false,
                    () = self.queue.woken() => true,
                    () = tokio::time::sleep(wait) => true,
                    () = clock.leaped() => {
                        self.queue.locked().wait_no_longer();
                        true
                    }
                }
            });
            if !due.await {
                return;
            }
        }
    }

    /// Healthengine asks for these days; so much of its list was read.
    pub(in crate::practice) fn asked(self: &Arc<Self>, requests: Vec<AvailabilityRequest>, coverage: Coverage) {
        let Some(offering) = self.context.offering.accepted() else { return };
        let requests: BTreeSet<AvailabilityRequest> = requests.into_iter().collect();
        let protected = self.accepted.protected();
        let is_asked = |resource: &str, day| {
            let is_meant = |own: &AvailabilityRequest| own.pms_resource_id.as_deref().is_none_or(|id| id == resource);
            requests.iter().any(|own| own.day == day && is_meant(own))
        };
        if coverage != Coverage::Part {
            self.single.publisher.unsent_now(|unsent| unsent.keep_empty(is_asked));
        }
        let of_all = requests.iter().filter(|request| request.pms_resource_id.is_none()).map(|request| request.day);
        self.queue.locked().asked_of_all(&of_all.collect());
        let mut at_once = AnsweredAtOnce::default();
        for request in requests {
            self.want_day(&offering, &protected, request, &mut at_once);
        }
        // A question for one resource and one for all of them can be about the same day.
        let empty = &mut at_once.empty;
        empty.sort_by(|a, b| (a.date, &a.pms_resource_id).cmp(&(b.date, &b.pms_resource_id)));
        empty.dedup_by(|a, b| (a.date, &a.pms_resource_id) == (b.date, &b.pms_resource_id));
        self.queue.wake();
        self.answer_at_once(at_once);
    }

    /// Healthengine asks for no day at all.
    pub(in crate::practice) fn none_asked(&self) {
        self.queue.locked().asked_of_all(&BTreeSet::new());
        self.single.publisher.unsent_now(|unsent| unsent.keep_empty(|_, _| false));
    }

    /// Sends what needs no reading, in a task of its own: the poll goes on. What is still asked for
    /// when it is done is asked again.
    fn answer_at_once(self: &Arc<Self>, AnsweredAtOnce { again, empty }: AnsweredAtOnce) {
        if again.is_empty() && empty.is_empty() {
            return;
        }
        let Ok(turn) = Arc::clone(&self.answering_at_once).try_lock_owned() else { return };
        let own = Arc::clone(self);
        self.context.spawn("days that need no reading", async move {
            let mut done: Vec<(String, NaiveDate)> =
                again.iter().map(|day| (day.resource.to_string(), day.date)).collect();
            let again = ReadDays { began: own.context.now(), days: again };
            let sent = match own.single.publisher.publish(again, SendIf::Always, &|_| {}).await {
                Ok(_) => own.single.publisher.publish_empty(empty).await,
                Err(error) => Err(error),
            };
            // What was not sent, or refused, is asked for again.
            if let Ok(arrived) = sent {
                done.extend(arrived);
                let mut asked = own.queue.locked();
                done.iter().for_each(|(resource, date)| asked.answered(resource, *date));
            }
            drop(turn);
        });
    }

    /// True while a day that is asked for, and of which nothing is offered, would only be refused
    /// again.
    fn is_refused_empty(&self, resource: &str, day: NaiveDate) -> bool {
        let now = self.context.now();
        self.single.publisher.unsent.look(|unsent| unsent.is_refused_empty(resource, day, now))
    }

    /// A day that cannot be offered is asked for.
    fn say_not_offered(&self, what: &str) {
        if self.context.said.is_due(what) {
            let what: String = messages::plain(what).chars().take(80).collect();
            tracing::info!(practice = %self.context.id(), "Healthengine asks for {what}, which is not offered; it \
                                                           gets an empty day.");
        }
    }

    /// Notes a day that is to be read and sent, or what can be said about it without reading.
    fn want_day(
        &self,
        offering: &Offering,
        protected: &BTreeSet<ResourceId>,
        request: AvailabilityRequest,
        at_once: &mut AnsweredAtOnce,
    ) {
        let resources = &offering.mapping.resources;
        let asked: Vec<String> = match request.pms_resource_id {
            Some(id) => vec![id],
            None => {
                let all = resources.iter().map(|resource| resource.id).chain(protected.iter().copied());
                let all = all.map(|id| id.to_string()).collect();
                self.queue.locked().unanswered(request.day, all)
            }
        };
        let offered_day = self.context.horizon(offering).holds(request.day);
        for id in asked {
            let known = id.parse::<ResourceId>().ok();
            let offered = known.filter(|known| offering.mapping.resource(*known).is_some());
            match (offered, known) {
                (Some(resource), _) if offered_day => {
                    self.queue.locked().add(resource, request.day, SendIf::Always);
                }
                // What is beyond this is asked for again.
                _ if at_once.len() >= AT_ONCE_MAX => return,
                // Held back by the guard: what Healthengine has is as good as anything.
                (None, Some(resource)) if protected.contains(&resource) && offered_day => {
                    at_once.again.extend(self.single.publisher.sent.accepted(resource, request.day));
                }
                _ if self.is_refused_empty(&id, request.day) => {}
                _ => {
                    self.say_not_offered(&format!("{id} on {}", request.day));
                    let mut empty = Day::empty(1).snapshot(ResourceId::schedule(ScheduleId(0)), request.day);
                    empty.pms_resource_id = id;
                    at_once.empty.push(empty);
                }
            }
        }
    }
}
