//! What comes of calls to Healthengine, as the practice's problems tell it.
//!
//! Answers to bookings, to their updates and to questions about them that Healthengine did not take
//! are given again until it does, by whoever gave them. Here is only noted that they are missing,
//! so that the problem stands as long as they are.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::TimeDelta;
use parking_lot::Mutex;

use super::attempts::Attempt;
use super::findings::Findings;
use super::subject::Subject;
use crate::booking::machine::Reply;
use crate::booking::remote_answers::failed_answer;
use crate::call_error::{Answer, CallError, ErrorClass, ServerOutage};
use crate::ids::BookingId;
use crate::messages::{booking as say_booking, practice as say};
use crate::polling::failed_calls::{Call, FailedCalls};
use crate::practice::context::Context;

/// Over this a clock is a health problem: deadlines are counted in seconds.
const CLOCK_DIFFERENCE_MAX: TimeDelta = TimeDelta::seconds(30);
/// After so many refused answers to one request an administrator hears of it.
const REFUSALS_BEFORE_PROBLEM: u32 = 3;

/// What failed and has not succeeded since.
pub(in crate::practice) struct CallHealth {
    context: Arc<Context>,
    failed: Findings<FailedCalls>,
    /// How often Healthengine refused an answer to an update, or to a question about an
    /// appointment.
    refused_answers: Mutex<BTreeMap<Call, u32>>,
}

impl CallHealth {
    pub(in crate::practice) fn new(context: Arc<Context>) -> Self {
        Self { context, failed: Findings::default(), refused_answers: Mutex::default() }
    }

    /// A call to Healthengine was answered as it should be, or was not.
    pub(in crate::practice) fn heard(&self, call: Call, answer: Result<(), &CallError>) {
        let now = self.context.now();
        let is_accepted_again = self.change(|calls| {
            let was_shut_out = calls.is_shut_out();
            match answer {
                Ok(()) => calls.succeeded(call),
                Err(error) => calls.failed(call, error, now),
            }
            let is_accepted_again = was_shut_out && !calls.is_shut_out();
            if is_accepted_again {
                calls.lift();
            }
            is_accepted_again
        });
        if is_accepted_again {
            self.context.signals.configuration.soon();
        }
    }

    /// Nothing else is wanted of Healthengine any more.
    pub(in crate::practice) fn keep(&self, wanted: impl Fn(&Call) -> bool) {
        self.change(|calls| calls.keep(wanted));
    }

    /// The same, and no other answers of ours are wanted.
    pub(in crate::practice) fn keep_answers(&self, wanted: impl Fn(&Call) -> bool) {
        self.refused_answers.lock().retain(|call, _| wanted(call));
        self.keep(wanted);
    }

    /// Healthengine lists these bookings and no others. Of one that is settled in the ledger too,
    /// the answer had arrived.
    pub(in crate::practice) fn keep_bookings(&self, listed: &BTreeSet<BookingId>) {
        let ledger = &self.context.shared.ledger;
        let is_open = |id| ledger.get(id).ok().flatten().is_some_and(|entry| entry.is_open());
        self.keep(|call| !matches!(call, Call::Answer(id) if !listed.contains(id) && !is_open(*id)));
    }

    /// What was refused may be asked again at once: a person may just have put it right.
    pub(in crate::practice) fn lift(&self) {
        self.failed.note(FailedCalls::lift);
    }

    /// The poll was answered.
    pub(in crate::practice) fn polled(&self) {
        let (context, now) = (&self.context, self.context.now());
        context.last_done.lock().polled_at = Some(now);
        context.health.note(Attempt::Poll);
        self.heard(Call::Poll, Ok(()));
        if let Some(ahead) = context.healthengine.sure_clock_difference(now) {
            context.shared.store.note_healthengine_clock(ahead, now);
        }
        let difference = context.healthengine.clock_difference();
        let wrong = difference.abs() > CLOCK_DIFFERENCE_MAX;
        context.health.set(Subject::Clock, wrong.then(|| say::clock_differs(difference)), now);
    }

    /// What Healthengine made of an answer of ours to a booking.
    pub(in crate::practice) fn reply(&self, booking: BookingId, answer: Answer<()>) -> Reply {
        let error = match answer {
            Ok(()) => {
                self.answer_heard(booking);
                return Reply::Accepted;
            }
            Err(error) => error,
        };
        if error.class == ErrorClass::Refused {
            tracing::debug!(practice = %self.context.id(), "Healthengine refused an answer: {error}.");
            self.answer_heard(booking);
            return Reply::Refused;
        }
        self.heard(Call::Answer(booking), Err(&error));
        failed_answer(&error)
    }

    /// Healthengine heard our answer, or wants none any more.
    pub(in crate::practice) fn answer_heard(&self, booking: BookingId) {
        self.heard(Call::Answer(booking), Ok(()));
    }

    /// What Healthengine made of an answer to an update of a booking, or to a question about its
    /// appointment. A refused one was perhaps given already: the next poll shows whether it is
    /// still asked for.
    pub(in crate::practice) fn answered(&self, call: Call, booking: BookingId, answer: Answer<()>) {
        let refused = match answer {
            Ok(()) => false,
            Err(error) if error.class == ErrorClass::Refused => true,
            Err(error) => return self.heard(call, Err(&error)),
        };
        self.heard(call, Ok(()));
        let mut all = self.refused_answers.lock();
        if !refused {
            all.remove(&call);
            return;
        }
        let times = all.entry(call).or_default();
        *times = times.saturating_add(1);
        if *times == REFUSALS_BEFORE_PROBLEM {
            let context = &self.context;
            context.health.raise(Subject::Booking(booking), say_booking::answer_refused(booking), context.now());
        }
    }

    /// True if Healthengine would only refuse every call.
    pub(in crate::practice) fn is_shut_out(&self) -> bool {
        self.failed.look(FailedCalls::is_shut_out)
    }

    /// True if Healthengine would only refuse this call again.
    pub(in crate::practice) fn is_refused(&self, call: Call) -> bool {
        let now = self.context.now();
        self.failed.look(|calls| calls.is_refused(call, now))
    }

    /// The same of any call of its kind.
    pub(in crate::practice) fn is_blocked(&self, call: Call) -> bool {
        let now = self.context.now();
        self.failed.look(|calls| calls.is_blocked(call, now))
    }

    /// Why Healthengine would only refuse a call of this kind again, if it refused us a moment ago.
    pub(in crate::practice) fn refusal_of(&self, call: Call) -> Option<CallError> {
        let now = self.context.now();
        self.failed.look(|calls| calls.refusal().filter(|_| calls.is_blocked(call, now)).cloned())
    }

    /// True if the call was not answered, and we are not refused.
    pub(in crate::practice) fn fails(&self, call: Call) -> bool {
        self.failed.look(|calls| calls.fails(call))
    }

    /// True if the last poll, or a list of it, was not answered.
    pub(in crate::practice) fn poll_fails(&self) -> bool {
        self.failed.look(FailedCalls::poll_fails)
    }

    /// Something was found out of what failed, and is told.
    fn change<R>(&self, change: impl FnOnce(&mut FailedCalls) -> R) -> R {
        self.failed.change(change, |calls| self.tell(calls))
    }

    /// Problems are read off what failed.
    fn tell(&self, calls: &FailedCalls) {
        let context = &self.context;
        let access = calls
            .refusal()
            .map(|error| format!("{} {}", say::healthengine_refuses(error, context.id()), say::TRIED_AGAIN));
        let answers = calls.answers();
        let not_taken = answers.map(|(count, error)| say::answers_not_taken(count, error));
        // What tells of an outage comes first: the log has what follows from it beside it.
        let texts = [
            (Subject::Access, calls.refusal(), access),
            (Subject::Healthengine, calls.asking(), calls.asking().map(say::healthengine_unasked)),
            (Subject::Answers, answers.map(|(_, error)| error), not_taken),
            (Subject::Configuration, calls.configuration(), calls.configuration().map(say::configuration_not_taken)),
        ];
        let now = context.now();
        for (subject, error, text) in texts {
            context.health.set_in(error.and_then(ServerOutage::of_healthengine), subject, text, now);
        }
    }
}
