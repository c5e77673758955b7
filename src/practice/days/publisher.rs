//! Sends days that differ from what Healthengine was last sent.
//!
//! One snapshot of a resource and day is in flight at a time: whoever publishes holds a lock for
//! one call, decides *then* what differs, and notes what was accepted before the next. So a fresh
//! day after a booking overtakes a long reading between two of its calls, and the older reading
//! does not undo it: a day is never replaced by one that was read earlier. Where the earlier one
//! says something else, the day is read again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use parking_lot::Mutex;
use tokio::sync::{Mutex as AsyncMutex, MutexGuard as AsyncMutexGuard};
use tokio::time::Instant;

use super::queue::DayQueue;
use super::sent::SentDays;
use crate::availability::{Moment, ResourceDay, SentDay};
use crate::call_error::{Answer, CallError, ErrorClass};
use crate::healthengine::{AvailabilitySnapshot, BatchOutcome};
use crate::ids::ResourceId;
use crate::messages::practice as say;
use crate::polling::failed_calls::Call;
use crate::practice::configuration::accepted::AcceptedConfiguration;
use crate::practice::context::Context;
use crate::practice::health::calls::CallHealth;
use crate::practice::health::findings::Findings;
use crate::practice::health::subject::Subject;
use crate::publishing::batches::{self, Apart, Batches, Next};
use crate::publishing::last_sent::{DayAction, DayJudgement, Known, LastSent, Present, Unacknowledged, judge};
use crate::publishing::put_aside::Aside;
use crate::publishing::unsent::{Unsent, UnsentProblem};
use crate::publishing::{DayKey, ReadDay, ReadDays, SendIf};
use crate::supervisor;

/// What came of one call.
pub(super) enum Sent {
    /// The answer says what became of each snapshot.
    Answered(BatchOutcome),
    /// It was refused as a whole, and its snapshots are sent otherwise.
    Apart(Apart),
    /// It failed, and so would the others.
    Failed(CallError),
}

/// Sends days, one call at a time.
pub(in crate::practice) struct Publisher {
    pub(super) context: Arc<Context>,
    pub(super) calls: Arc<CallHealth>,
    pub(super) accepted: Arc<AcceptedConfiguration>,
    pub(in crate::practice) sent: SentDays,
    /// Single days that changed, to which goes what cannot be sent yet.
    pub(in crate::practice) changed: Arc<DayQueue>,
    turn: AsyncMutex<()>,
    /// What Healthengine did not take and has not taken since.
    pub(in crate::practice) unsent: Findings<Unsent>,
    /// What it does not take while it takes others.
    pub(in crate::practice) aside: Findings<Aside>,
    batches: Mutex<Batches>,
}

impl Publisher {
    pub(in crate::practice) fn new(
        context: Arc<Context>,
        calls: Arc<CallHealth>,
        accepted: Arc<AcceptedConfiguration>,
    ) -> Self {
        let at_start = context.shared.days_at_start.lock().as_ref().map(|days| days.take(context.id()));
        let sent = SentDays::open(&context.shared.store, context.id(), at_start);
        let aside = Aside::new(sent.refused(), Instant::now().into_std());
        Self {
            context,
            calls,
            accepted,
            sent,
            changed: Arc::default(),
            turn: AsyncMutex::default(),
            unsent: Findings::default(),
            aside: Findings::new(aside),
            batches: Mutex::default(),
        }
    }

    /// The turn to send something. No call is under way until it is dropped.
    pub(in crate::practice) async fn turn(&self) -> AsyncMutexGuard<'_, ()> {
        supervisor::wait(self.turn.lock()).await
    }

    /// A person may have put right what Healthengine did not take.
    pub(in crate::practice) fn forget_batches(&self) {
        *self.batches.lock() = Batches::default();
    }

    /// The days of a reading that differ from what Healthengine was sent.
    pub(in crate::practice) fn changed(&self, read: &ReadDays, send: SendIf) -> Vec<ResourceDay> {
        let now = self.context.now();
        let sent = |day: &&ResourceDay| self.judge(day, read.began, send, now).action == DayAction::Send;
        read.days.iter().filter(sent).cloned().collect()
    }

    /// What is to be done with a day that was read at this time.
    pub(super) fn judge(
        &self,
        day: &ResourceDay,
        read_at: DateTime<Utc>,
        send: SendIf,
        now: DateTime<Utc>,
    ) -> DayJudgement {
        let (key, instant) = ((day.resource, day.date), Instant::now().into_std());
        let unacknowledged = self.sent.unacknowledged(key);
        let (refused_is_due, fails_and_waits) =
            self.aside.look(|aside| (aside.refused_is_due(key, instant), aside.fails_and_waits(key, instant)));
        let full_resync_at = self.sent.full_resync_at();
        let last = self.sent.last_of(key);
        let known = Known {
            last: last.as_ref(),
            unacknowledged: unacknowledged.as_ref(),
            full_resync_at,
            refused_is_due,
            fails_and_waits,
        };
        let context = &self.context;
        let moment = Moment { now, min_notice: context.min_notice() };
        let present = Present { moment, measured: context.measured(), zone: context.zone() };
        judge(day, read_at, send, known, &present)
    }

    /// Something was found out of what is not sent, and is told.
    pub(in crate::practice) fn unsent_now(&self, change: impl FnOnce(&mut Unsent)) {
        let now = self.context.now();
        self.unsent.change(change, |unsent| {
            let problem = unsent.problem();
            let outage = problem.as_ref().and_then(UnsentProblem::outage);
            self.context.health.set_in(outage, Subject::Days, problem.map(|own| own.to_string()), now);
            if unsent.is_empty() {
                // No day is wanted any more of those that were refused.
                self.calls.keep(|call| *call != Call::Snapshots);
            }
        });
    }

    /// One call: for several snapshots, or for the only one.
    pub(super) async fn send_call(&self, snapshots: &[AvailabilitySnapshot], by_batch: bool) -> Sent {
        let healthengine = &self.context.healthengine;
        let answer = match snapshots {
            [only] if !by_batch => {
                let one = BatchOutcome { accepted: vec![0], ..BatchOutcome::default() };
                healthengine.send_availability(only).await.map(|()| one)
            }
            several => healthengine.send_availability_batch(several).await,
        };
        let count = snapshots.len();
        let error = match answer {
            Ok(outcome) => {
                if by_batch {
                    self.batches.lock().accepted(count);
                }
                return Sent::Answered(outcome);
            }
            Err(error) => error,
        };
        let next = if by_batch {
            self.batches.lock().after(&error, count, Instant::now().into_std())
        } else {
            batches::after_one_call(&error, count)
        };
        let practice = self.context.id();
        tracing::trace!(%practice, by_batch, count, next = next.name(), "a call with snapshots failed");
        match next {
            Next::Apart(apart) => {
                let text = match apart {
                    Apart::OneByOne(pause) => Some(say::days_one_by_one(&error, pause)),
                    Apart::Halves if error.status == Some(413) => Some(say::shorter_calls(count)),
                    Apart::Halves => None,
                };
                if let Some(text) = text {
                    tracing::info!(practice = %self.context.id(), "{text}");
                }
                Sent::Apart(apart)
            }
            Next::Refused => {
                Sent::Answered(BatchOutcome { failed: vec![(0, error.detail)], ..BatchOutcome::default() })
            }
            Next::Fail => Sent::Failed(error),
        }
    }

    /// How many snapshots a call may hold; `None` where there is no call for several.
    pub(super) fn call_size(&self) -> Option<usize> {
        self.batches.lock().size(Instant::now().into_std())
    }

    /// Snapshots of these days are about to leave. A crash does not leave Healthengine with a day
    /// that nobody knows of.
    pub(super) async fn leave(&self, keys: &[DayKey]) -> Answer<Vec<Option<Unacknowledged>>> {
        let context = &self.context;
        let noted = self.sent.leave(keys, context.now(), &context.measured()).await;
        noted.map_err(|error| {
            let failure = CallError::new(ErrorClass::NotSent, error.to_string());
            context.stop_on_store_failure(Err(error.into()));
            failure
        })
    }

    pub(super) fn acknowledge(
        &self,
        read: &[ReadDay],
        before: Vec<Option<Unacknowledged>>,
        outcome: &BatchOutcome,
        failure: Option<&CallError>,
    ) {
        self.sent.acknowledge(read, before, outcome, failure, &self.context.measured());
    }

    /// Healthengine answered a call. `before` is what was unacknowledged when it left.
    pub(super) fn note_answer(&self, read: &[ReadDay], before: &[Option<Unacknowledged>], outcome: &BatchOutcome) {
        if outcome.accepted.is_empty() && outcome.failed.is_empty() {
            return;
        }
        let now = self.context.now();
        let metrics = &self.context.shared.metrics.practices;
        metrics.snapshots(self.context.id(), outcome.accepted.len(), outcome.failed.len());
        let refused: BTreeMap<usize, &String> = outcome.failed.iter().map(|(index, reason)| (*index, reason)).collect();
        let accepted: BTreeSet<usize> = outcome.accepted.iter().copied().collect();
        let (mut answered, mut example) = (Vec::new(), None);
        for (index, read) in read.iter().enumerate() {
            let day = &read.day;
            if let Some(reason) = refused.get(&index) {
                example.get_or_insert_with(|| format!("{} on {}: {reason}", day.resource, day.date));
            } else if !accepted.contains(&index) {
                // A snapshot that the answer does not mention was not accepted, and is sent again.
                continue;
            }
            let sent = SentDay { day: day.day.clone(), at: now, accepted: accepted.contains(&index) };
            // Without rules nobody asks what was offered before.
            let has_rules = !self.context.config.rules.is_empty();
            let lost = before.get(index).and_then(Option::as_ref);
            let before = has_rules.then(|| self.sent.before(read.key(), lost, now));
            answered.push((read.key(), LastSent { sent, read_at: read.as_of, before }));
        }
        self.sent.answered(answered);
        if !accepted.is_empty() {
            self.context.last_done.lock().sent_at = Some(now);
        }
        self.note_aside(read, &accepted, refused.keys());
        self.tell_refused(example);
    }

    /// What Healthengine took is put aside no longer, and what it refused is.
    fn note_aside<'a>(&self, read: &[ReadDay], accepted: &BTreeSet<usize>, refused: impl Iterator<Item = &'a usize>) {
        let key = |index: &usize| read.get(*index).map(ReadDay::key);
        let again = self.aside.note(|aside| {
            let again = aside.taken(accepted.iter().filter_map(key));
            refused.filter_map(key).for_each(|key| aside.refused(key, Instant::now().into_std()));
            again
        });
        for (resource, date) in again {
            self.changed.add(resource, date, SendIf::Changed);
        }
    }

    /// The problem that days are refused, of which this is one that was refused this moment.
    fn tell_refused(&self, example: Option<String>) {
        let health = &self.context.health;
        // There can be hundreds of thousands of days; they are looked through only where it
        // matters.
        if example.is_none() && !health.has(&Subject::RefusedDays) {
            return;
        }
        match (example, self.sent.refused().len()) {
            (Some(example), count) => {
                health.raise(Subject::RefusedDays, say::refused_days(count, &example), self.context.now());
            }
            (None, 0) => health.clear(&Subject::RefusedDays, self.context.now()),
            (None, _) => {}
        }
    }

    /// What Healthengine refused before this process or this configuration began waits for a person
    /// all the same.
    pub(in crate::practice) fn tell_of_days_refused_before(&self) {
        let refused = self.sent.refused();
        if let Some((resource, date)) = refused.first() {
            let text = say::refused_days(refused.len(), &format!("{resource} on {date}"));
            self.context.health.raise(Subject::RefusedDays, text, self.context.now());
        }
    }

    /// Nothing of what was sent counts any longer: whatever comes next is sent whole.
    pub(in crate::practice) fn forget_all_days(&self) {
        self.forget_days(|_, _| false);
    }

    /// Forgets days that are past, and those of resources that Healthengine deleted.
    pub(in crate::practice) fn forget_days(&self, keep: impl Fn(ResourceId, NaiveDate) -> bool) {
        self.sent.forget(&keep);
        self.aside.note(|aside| aside.keep(&keep));
    }
}
