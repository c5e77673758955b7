//! A booking that another bridge on the practice deals with at the same time
//! ([`crate::booking::other_bridge_suspicion`]).

use super::events::{Notice, Step};
use super::transition::Transition;
use crate::booking::answered::Acknowledged;
use crate::booking::entry::State;
use crate::booking::flag::Flag;
use crate::booking::state_reason::StateReason;

impl Transition<'_> {
    /// Somebody else answered within seconds, and an appointment that is not ours takes the time:
    /// it is this booking's in all likelihood.
    pub(super) fn answered_elsewhere(mut self) -> Step {
        if !self.has_made_nothing() {
            return self.rest();
        }
        let now = self.context.now;
        (self.entry.post.lost_answer, self.entry.post.submitted_at, self.entry.diary.inserted_at) =
            (None, None, Some(now));
        (self.entry.answered.acknowledged, self.entry.answered.unlisted) = (Acknowledged::Yes, true);
        self.entry.enter(State::InDoubt, now, StateReason::AnsweredElsewhere);
        self.entry.flag(Flag::AnsweredElsewhere, self.context.zone);
        self.notices.push(Notice::FreshDays);
        self.rest()
    }

    /// The time is taken, perhaps by this booking's own appointment, which the other bridge made.
    /// No POST of ours is under way.
    pub(super) fn nothing_is_on_its_way(mut self, reason: StateReason) -> Step {
        if self.has_made_nothing() {
            self.entry.post.submitted_at = None;
            self.entry.enter(State::Received, self.context.now, reason);
        }
        self.rest()
    }

    /// Nobody said so for a minute. The pet owner was told yes, and an appointment stands there.
    pub(super) fn nobody_says_whose(self) -> Step {
        if self.has_made_nothing() { self.doubtful(StateReason::PerhapsAnothers) } else { self.rest() }
    }

    /// True if no POST of ours can have left anything: none has left, or OpenVPMS refused it.
    fn has_made_nothing(&self) -> bool {
        matches!(self.entry.state, State::Received | State::Submitting) && self.entry.post.lost_answer.is_none()
    }
}
