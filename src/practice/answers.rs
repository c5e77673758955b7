//! Answers to bookings, to their updates and to questions about them that Healthengine did not take. They are given again until it
//! does, by whoever gave them: here is only noted that they are missing, so that the problem stands as long as they are.

use std::collections::BTreeSet;

use super::Practice;
use super::calls::Call;
use super::health::Subject;
use crate::booking::machine::Reply;
use crate::booking::remote_answers::failed_answer;
use crate::ids::BookingId;
use crate::messages::booking as say;
use crate::remote::{Answer, ErrorClass};

/// After so many refused answers to one request an administrator hears of it.
const REFUSALS_BEFORE_PROBLEM: u32 = 3;

impl Practice {
    /// What Healthengine made of an answer of ours to a booking.
    pub(super) fn reply(&self, booking: BookingId, answer: Answer<()>) -> Reply {
        let error = match answer {
            Ok(()) => {
                self.answer_heard(booking);
                return Reply::Accepted;
            }
            Err(error) => error,
        };
        if error.class == ErrorClass::Refused {
            tracing::debug!(practice = %self.id(), "Healthengine refused an answer: {error}.");
            self.answer_heard(booking);
            return Reply::Refused;
        }
        self.heard(Call::Answer(booking), Err(&error));
        failed_answer(&error)
    }

    /// Healthengine heard our answer, or wants none any more.
    pub(super) fn answer_heard(&self, booking: BookingId) {
        self.heard(Call::Answer(booking), Ok(()));
    }

    /// What Healthengine made of an answer to an update of a booking, or to a question about its appointment. A refused one was perhaps
    /// given already: the next poll shows whether it is still asked for.
    pub(super) fn answered(&self, call: Call, booking: BookingId, answer: Answer<()>) {
        let refused = match answer {
            Ok(()) => false,
            Err(error) if error.class == ErrorClass::Refused => true,
            Err(error) => return self.heard(call, Err(&error)),
        };
        self.heard(call, Ok(()));
        let mut all = self.locked(&self.refused_answers);
        if !refused {
            all.remove(&call);
            return;
        }
        let times = all.entry(call).or_default();
        *times = times.saturating_add(1);
        if *times == REFUSALS_BEFORE_PROBLEM {
            self.health.raise(Subject::Booking(booking), say::answer_refused(booking), self.now());
        }
    }

    /// Of Healthengine nothing is wanted any more but this, and of our answers no others.
    pub(super) fn answers_wanted(&self, wanted: impl Fn(&Call) -> bool) {
        self.locked(&self.refused_answers).retain(|call, _| wanted(call));
        self.calls_wanted(wanted);
    }

    /// Healthengine lists these bookings and no others. Of one that is settled in the ledger too, the answer had arrived.
    pub(super) fn answers_asked_for(&self, listed: &BTreeSet<BookingId>) {
        let is_open = |id| self.shared.ledger.get(id).ok().flatten().is_some_and(|entry| entry.is_open());
        self.calls_wanted(|call| !matches!(call, Call::Answer(id) if !listed.contains(id) && !is_open(*id)));
    }
}
