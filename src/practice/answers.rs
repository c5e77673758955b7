//! Answers to bookings that Healthengine did not take. They are given again until it does, by whoever gave them: here is only
//! noted that they are missing, so that the problem stands as long as they are.

use std::collections::BTreeSet;

use super::Practice;
use super::calls::Call;
use crate::booking::desk::Reply;
use crate::ids::BookingId;
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
        if error.class == ErrorClass::Refused {
            tracing::debug!(practice = %self.id(), "Healthengine refused an answer: {error}.");
            self.answer_heard(booking);
            return Reply::Refused;
        }
        self.heard(Call::Answer(booking), Err(&error));
        if error.is_access() {
            return Reply::Outside;
        }
        if matches!(error.class, ErrorClass::NotSent | ErrorClass::TooMany) { Reply::Outside } else { Reply::Away }
    }

    /// Healthengine heard our answer, or wants none any more.
    pub(super) fn answer_heard(&self, booking: BookingId) {
        self.heard(Call::Answer(booking), Ok(()));
    }

    /// Healthengine lists these bookings and no others. Of one that is settled in the ledger too, the answer had arrived.
    pub(super) fn answers_asked_for(&self, listed: &BTreeSet<BookingId>) {
        let is_open = |id| self.shared.ledger.get(id).ok().flatten().is_some_and(|entry| entry.is_open());
        self.calls_wanted(|call| !matches!(call, Call::Answer(id) if !listed.contains(id) && !is_open(*id)));
    }
}
