//! Answers to bookings that Healthengine did not take. They are given again until it does, by whoever gave them: here is only
//! kept that they are missing, so that the problem stands as long as they are.

use std::collections::BTreeSet;

use super::Practice;
use super::health::Subject;
use crate::booking::desk::Reply;
use crate::ids::BookingId;
use crate::messages::practice as say;
use crate::remote::{Answer, ErrorClass};

impl Practice {
    /// What Healthengine made of an answer of ours to a booking.
    pub(super) fn reply(&self, booking: BookingId, answer: Answer<()>) -> Reply {
        let error = match answer {
            Ok(()) => {
                self.answer_heard(booking);
                return Reply::Taken;
            }
            Err(error) => error,
        };
        match error.class {
            ErrorClass::Refused => {
                tracing::debug!(practice = %self.id(), "Healthengine refused an answer: {error}.");
                self.answer_heard(booking);
                return Reply::Refused;
            }
            ErrorClass::Credentials | ErrorClass::Forbidden => {
                self.healthengine_failed(&error);
                return Reply::Outside;
            }
            ErrorClass::NotSent
            | ErrorClass::Lost
            | ErrorClass::Unavailable
            | ErrorClass::TooMany
            | ErrorClass::Contract => {
                let mut missing = self.locked(&self.unheard_answers);
                missing.insert(booking);
                let text = say::answers_not_taken(missing.len(), &error);
                self.health.raise(Subject::Answers, text, self.now());
            }
        }
        if matches!(error.class, ErrorClass::NotSent | ErrorClass::TooMany) { Reply::Outside } else { Reply::Away }
    }

    /// Healthengine heard our answer, or wants none any more.
    pub(super) fn answer_heard(&self, booking: BookingId) {
        self.answers_missing(|id| id != booking);
    }

    /// Healthengine lists these bookings and no others. Of one that is settled in the ledger too, the answer had arrived.
    pub(super) fn answers_asked_for(&self, listed: &BTreeSet<BookingId>) {
        let is_open = |id| self.shared.ledger.get(id).ok().flatten().is_some_and(|entry| entry.is_open());
        self.answers_missing(|id| listed.contains(&id) || is_open(id));
    }

    fn answers_missing(&self, still: impl Fn(BookingId) -> bool) {
        let mut missing = self.locked(&self.unheard_answers);
        missing.retain(|id| still(*id));
        if missing.is_empty() {
            self.health.clear(&Subject::Answers);
        }
    }
}
