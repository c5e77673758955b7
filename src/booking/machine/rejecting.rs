//! How a booking is rejected: by the clinic, or because its pet owner gave it up.

use super::events::{Notice, Step};
use super::transition::Transition;
use crate::booking::answered::Acknowledged;
use crate::booking::entry::State;
use crate::booking::flag::Flag;
use crate::booking::state_reason::StateReason;

impl Transition<'_> {
    /// Rejects without having seen the time. Of a booking that is older than the store nobody knows
    /// then whether an earlier one had made its appointment.
    pub(super) fn reject_unseen(mut self, reason: StateReason) -> Step {
        if self.entry.post.predates_store {
            self.entry.flag(Flag::PredatesStoreAndRejected, self.context.zone);
        }
        self.reject(reason)
    }

    /// True while a rule of the practice may reject a booking that could be made: its pet owner
    /// hears of it in time, and nothing of it was ever on its way.
    pub(super) fn may_turn_away(&self) -> bool {
        self.deadline().rejection_counts(self.context.now) && self.entry.post.without_effect == 0
    }

    pub(super) fn reject_and_refresh(mut self, reason: StateReason) -> Step {
        self.notices.push(Notice::FreshDays);
        self.reject(reason)
    }

    pub(super) fn reject(mut self, reason: StateReason) -> Step {
        self.entry.post.lost_answer = None;
        self.entry.enter(State::Rejected, self.context.now, reason);
        if self.entry.answered.unlisted {
            self.entry.answered.acknowledged = Acknowledged::Yes;
            return self.settled_by_hand();
        }
        self.tell()
    }

    pub(super) fn withdrawn(self) -> Step {
        if self.entry.state == State::Received { self.give_up() } else { self.rest() }
    }

    /// The pet owner cancelled before anything was made, as far as the ledger knows. One that is
    /// younger than the booking cannot tell whether an earlier one had made the appointment, and
    /// nobody would ever cancel that.
    pub(super) fn give_up(mut self) -> Step {
        self.entry.withdrawn = true;
        if self.entry.post.predates_store {
            self.entry.flag(Flag::PredatesStoreAndCancelled, self.context.zone);
        }
        self.reject(StateReason::Withdrawn)
    }
}
