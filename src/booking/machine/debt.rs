//! What Healthengine is owed: the news of a booking that a person settled, or that staff cancelled
//! in the diary.
//!
//! What is owed is durable with the state, so that a message that is interrupted, or not heard,
//! goes on by itself: at the next poll that lists the booking or does not, or with
//! [`super::Event::Due`]. The flag goes when Healthengine knows. A pet owner who cancels meanwhile,
//! or staff who do, come to the same end: there is nothing left to tell, and a refusal followed by
//! a list without the booking says so.

use super::events::{Action, Notice, Reply, Step};
use super::transition::{REFUSALS_BEFORE_PROBLEM, Transition};
use crate::booking::answered::{Acknowledged, Owed};
use crate::booking::entry::State;
use crate::booking::flag::Flag;
use crate::booking::problem::BookingProblem;
use crate::booking::state_reason::StateReason;

impl Transition<'_> {
    /// The appointment does not stand, and Healthengine has it as standing.
    pub(super) fn owe_and_cancel(mut self) -> Step {
        self.entry.answered.acknowledged = Acknowledged::Owed(Owed::Cancel);
        let reason = self.last_reason();
        self.then(Action::Cancel(reason))
    }

    /// Healthengine lists it: it waits for an answer, whatever it was told before.
    pub(super) fn owed_asked(mut self) -> Step {
        self.entry.answered.acknowledged = Acknowledged::Owed(Owed::Answer);
        self.tell()
    }

    /// How Healthengine took the news.
    pub(super) fn owed_replied(mut self, owed: Owed, reply: Reply) -> Step {
        let now = self.context.now;
        match (reply, owed) {
            (Reply::NoAnswer | Reply::NotDelivered, _) => self.still_owed(false),
            (Reply::Refused, Owed::Cancel | Owed::CancelRefused) => {
                self.entry.answered.acknowledged = Acknowledged::Owed(Owed::CancelRefused);
                self.then(Action::Relist)
            }
            // It can only be told otherwise.
            (Reply::Refused, Owed::Answer) if self.entry.state == State::Cancelled => self.owe_and_cancel(),
            (Reply::Refused, Owed::Answer) => self.then(Action::Relist),
            // A rejection that comes too late ends the asking and leaves the pet owner with a yes.
            (Reply::Accepted, Owed::Answer) if !self.entry.stands() && self.deadline().is_over(now) => {
                self.owe_and_cancel()
            }
            (Reply::Accepted, _) => self.paid(StateReason::HeardFromPerson),
        }
    }

    /// It refused the news and goes on asking.
    pub(super) fn owed_still_listed(mut self, owed: Owed) -> Step {
        self.entry.answered.refusals = self.entry.answered.refusals.saturating_add(1);
        if self.entry.answered.refusals == REFUSALS_BEFORE_PROBLEM {
            self.notices.push(Notice::Problem(BookingProblem::AnswerRefused));
        }
        // A cancellation that is refused because an answer is wanted. Not for ever: both can be
        // refused.
        if owed == Owed::CancelRefused && self.entry.answered.refusals < REFUSALS_BEFORE_PROBLEM {
            return self.owed_asked();
        }
        self.still_owed(true)
    }

    /// It does not ask any more.
    pub(super) fn owed_unlisted(self, owed: Owed) -> Step {
        match owed {
            // It wants no answer, and has the booking as settled: an appointment that does not
            // stand is cancelled there.
            Owed::Answer | Owed::Cancel if !self.entry.stands() => self.owe_and_cancel(),
            Owed::Answer | Owed::Cancel | Owed::CancelRefused => self.paid(StateReason::NotAskedAnyMore),
        }
    }

    /// Both systems follow. A booking that stands is confirmed, for the reason that is true of
    /// Healthengine.
    pub(super) fn paid(mut self, confirmed: StateReason) -> Step {
        (self.entry.answered.acknowledged, self.entry.answered.refusals) = (Acknowledged::Yes, 0);
        self.entry.needs_attention = None;
        if self.entry.state == State::Inserted {
            self.entry.enter(State::Confirmed, self.context.now, confirmed);
        }
        self.rest()
    }

    /// A booking that is flagged stays so until Healthengine knows. One that is not, as when staff
    /// cancelled, goes on by itself, until Healthengine has refused the news too often.
    pub(super) fn still_owed(mut self, is_refused: bool) -> Step {
        if self.entry.needs_attention.is_some() || self.entry.answered.refusals >= REFUSALS_BEFORE_PROBLEM {
            self.entry.flag(Flag::NewsIsOwed { is_refused }, self.context.zone);
        }
        self.rest()
    }
}
