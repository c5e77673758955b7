//! A running rehearsal: the steps from the first time that is offered to the last appointment that
//! is gone, and what is said of them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::directory::RehearsalDirectory;
use super::facts::RehearsalFacts;
use super::leftovers::Leftovers;
use super::removal::{RemovedLeftovers, remove_all};
use super::report;
use super::round::{NotBooked, RehearsedBooking, WITHDRAWN_WITHIN, book_all, choose, eventually_within};
use super::simulated::{self, SimulatedScenarios};
use super::stand::Stand;
use crate::findings::report::{Finding, Level};
use crate::mapping::Mapping;
use crate::messages::rehearsal as say;
use crate::messages::typed_commands::TypedCommands;
use crate::openvpms::OpenVpmsWriter;
use crate::service::Service;

/// The first sending of all days may take so long.
const PUBLISHED_WITHIN: Duration = Duration::from_secs(300);
/// Between two looks at how far it is.
const LOOK: Duration = Duration::from_millis(100);
/// Nobody books sooner. Healthengine tells in whole seconds when a booking was made; of one that
/// seems older than the store the bridge must suppose that it was made before.
const STORE_IS_OLDER: Duration = Duration::from_secs(2);

/// A running rehearsal.
pub struct Rehearsal {
    pub(super) stand: Stand,
    pub(super) facts: Arc<RehearsalFacts>,
    pub(super) service: Service,
    pub(super) writer: OpenVpmsWriter,
    pub(super) leftovers: Option<Arc<Leftovers>>,
    pub(super) commands: TypedCommands,
    /// Goes after the service has.
    pub(super) _directory: RehearsalDirectory,
}

/// How a rehearsal ended.
pub struct RehearsalEnd {
    /// The last words.
    pub summary: String,
    /// What stands in the diary or may stand there.
    pub left: Vec<String>,
    /// False if something went wrong.
    pub is_well: bool,
}

impl Rehearsal {
    /// How commands are typed that this rehearsal names: those that ask a running service ask it.
    pub fn commands(&self) -> TypedCommands {
        self.commands.clone()
    }

    /// What everybody should know before it begins.
    pub fn opening(&self) -> String {
        let facts = &self.facts;
        let mut text = say::opening(&say::Opening {
            link: &self.service.admin_link(),
            commands: &self.commands,
            openvpms: &facts.openvpms_url,
            per_second: facts.requests_per_second,
            service_per_second: facts.service_requests_per_second,
            books: facts.books,
            has_rules: facts.has_rules,
            practices: &self.stand.practices().map(|(id, ..)| id.clone()).collect::<Vec<_>>(),
        });
        for line in &facts.removed {
            text.push_str(&format!("{line}\n"));
        }
        if !facts.left.is_empty() {
            text.push_str(&say::left_behind(&facts.left, facts.books));
        }
        for Finding { level, place, message, remedy } in &facts.findings {
            text.push_str(&say::finding(*level == Level::Problem, place, message, remedy.as_deref()));
        }
        if !facts.lacking.is_empty() {
            text.push_str(&say::lacking(&facts.lacking));
        }
        text
    }

    /// Waits until Healthengine shows every day. False if that takes too long, or nothing can be
    /// offered at all.
    pub async fn published(&self, stop: &CancellationToken) -> bool {
        let began = Instant::now();
        let all = async {
            loop {
                let (done, all) = self.stand.published();
                if done == all && began.elapsed() >= STORE_IS_OLDER {
                    return;
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        let waited = tokio::time::timeout(PUBLISHED_WITHIN, stop.run_until_cancelled(all)).await;
        waited.is_ok() && self.stand.practices().next().is_some()
    }

    /// What is offered, practice by practice.
    pub fn offer(&self) -> String {
        if self.stand.practices().next().is_none() {
            return say::NOTHING_REHEARSED.to_owned();
        }
        let practice = |(id, mapping): (_, &Mapping)| {
            let types = mapping.resources.iter().map(|resource| resource.types.len()).sum();
            let starts: BTreeSet<_> =
                self.stand.all_offered(id).into_iter().map(|own| (own.kind.resource, own.start)).collect();
            say::offered(id, mapping.resources.len(), types, starts.len(), self.stand.horizon_days)
        };
        let all = self.stand.practices().map(|(id, mapping, _)| practice((id, mapping)));
        all.collect::<Vec<_>>().join("\n")
    }

    /// Books and cancels at every resource, if this rehearsal books. `tell` hears what was seen of
    /// each.
    pub async fn book(&self, stop: &CancellationToken, mut tell: impl FnMut(String)) {
        if self.facts.books {
            let (chosen, not_booked) = choose(&self.stand);
            if !stop.is_cancelled() {
                not_booked.iter().for_each(|own| tell(self.left_out(own)));
                self.facts.not_booked.lock().extend(not_booked);
            }
            let mut gone = Vec::new();
            let hear = |own: RehearsedBooking| {
                tell(self.told(&own));
                gone.extend(own.reference.clone().filter(|_| own.cancelled_after.is_some()));
                self.facts.round.lock().push(own);
            };
            book_all(&self.stand, chosen, stop, hear).await;
            for (leftovers, reference) in self.leftovers.iter().flat_map(|own| gone.iter().map(move |gone| (own, gone)))
            {
                leftovers.cancelled(reference).await;
            }
        }
        self.facts.is_round_over.store(true, Ordering::Relaxed);
    }

    fn left_out(&self, own: &NotBooked) -> String {
        say::not_booked_resource(&self.stand.resource_name(&own.practice, own.resource), own.why)
    }

    fn told(&self, own: &RehearsedBooking) -> String {
        let (name, kind) = self.stand.names(&own.choice);
        let what = format!("{name}, {kind}, {}", own.choice.start.format("%a %-d %b %Y %H:%M"));
        let broken_off = own.broken_off.then_some(say::INTERRUPTED);
        say::rehearsed(&what, own.confirmed_after, own.cancelled_after, broken_off, own.wrong.as_deref())
    }

    /// Tries the scenarios that need faults, between both models.
    pub async fn simulate(&self, stop: &CancellationToken) -> SimulatedScenarios {
        simulated::all_quietly(stop.clone()).await
    }

    /// Somebody ends it, before everything was seen that the report has.
    pub fn break_off(&self) {
        *self.facts.broken_off_at.lock() = Some(self.stand.now());
    }

    /// True once somebody has ended it.
    pub fn is_broken_off(&self) -> bool {
        self.facts.broken_off_at.lock().is_some()
    }

    /// What was seen, for Healthengine's go-live team.
    pub fn report(&self, simulated: &SimulatedScenarios) -> String {
        report::markdown(&self.stand, &self.facts, simulated)
    }

    /// Ends when the service cannot go on.
    pub async fn failed(&self) -> String {
        self.service.failed().await.to_string()
    }

    /// Cancels whatever still stands, and stops.
    pub async fn end(self) -> RehearsalEnd {
        self.stand.closing.cancel();
        let standing = self.stand.standing();
        for booking in &standing {
            self.stand.give_up(*booking);
        }
        if !standing.is_empty() {
            let _late = eventually_within(WITHDRAWN_WITHIN, || self.stand.are_settled(&standing).then_some(())).await;
        }
        let leftovers = match &self.leftovers {
            Some(leftovers) => remove_all(leftovers, &self.stand.reader, &self.writer, self.stand.now()).await,
            None => RemovedLeftovers::default(),
        };
        let round = std::mem::take(&mut *self.facts.round.lock());
        let count = |is_so: fn(&&RehearsedBooking) -> bool| round.iter().filter(is_so).count();
        let failed = count(|own| own.wrong.is_some());
        let counts = say::RoundCounts {
            made: count(|own| own.is_made()),
            cancelled: count(|own| own.is_made() && own.cancelled_after.is_some()),
            left_out: self.facts.not_booked.lock().len(),
            failed,
            broken_off: count(|own| own.broken_off),
            withdrawn: standing.len(),
        };
        let in_the_diary = match &self.leftovers {
            Some(_) => say::InTheDiary::Left { here: leftovers.left.len(), elsewhere: leftovers.elsewhere.len() },
            None => say::InTheDiary::NotWritten { left_before: self.facts.left.len() },
        };
        let violations: Vec<String> = self.stand.model.violations().iter().map(ToString::to_string).collect();
        let summary = say::summary(&counts, &violations, in_the_diary);
        // What an earlier rehearsal left elsewhere says nothing of this one.
        let is_well = failed == 0 && violations.is_empty() && leftovers.left.is_empty();
        self.service.stop().await;
        let mut left = leftovers.not_removed();
        left.sort();
        RehearsalEnd { summary, left, is_well }
    }
}
