//! Telling Healthengine what became of a booking, and what it makes of that.

use chrono::{DateTime, TimeDelta, Utc};

use super::events::{Action, Notice, Reply, Step};
use super::transition::{REFUSALS_BEFORE_PROBLEM, Transition, UNSEEN_BEFORE_FLAG};
use crate::booking::answered::{Acknowledged, Delivery};
use crate::booking::deadline::Deadline;
use crate::booking::entry::{Entry, State};
use crate::booking::flag::Flag;
use crate::booking::problem::BookingProblem;
use crate::booking::state_reason::StateReason;
use crate::healthengine::ConfirmInsert;
use crate::ids::BookingReference;

impl Transition<'_> {
    /// The answer that belongs to the state.
    pub(super) fn tell(mut self) -> Step {
        self.entry.answered.rejection_lost_at = None;
        let action = match self.entry.state {
            State::Inserted | State::Confirmed | State::InDoubt => Action::Confirm(confirmation(&self.entry)),
            State::Rejected | State::Cancelled => Action::Reject(self.last_reason()),
            State::Received | State::Submitting => return self.rest(),
        };
        self.entry.answered.delivery = match self.entry.answered.delivery {
            Delivery::Nothing => Delivery::Underway,
            Delivery::Underway | Delivery::Perhaps => Delivery::Perhaps,
        };
        self.then(action)
    }

    pub(super) fn last_reason(&self) -> String {
        self.entry.last_reason().map(ToString::to_string).unwrap_or_default()
    }

    pub(super) fn replied(mut self, reply: Reply) -> Step {
        self.entry.answered.delivery = match (reply, self.entry.answered.delivery) {
            (Reply::Refused | Reply::NotDelivered, Delivery::Nothing | Delivery::Underway) => Delivery::Nothing,
            (Reply::Refused | Reply::NotDelivered | Reply::Accepted | Reply::NoAnswer, _) => Delivery::Perhaps,
        };
        match (reply, self.entry.state) {
            (Reply::NoAnswer | Reply::NotDelivered, state) => {
                // This one, or an earlier one, may have arrived by now.
                if state == State::Rejected && self.entry.answered.delivery != Delivery::Nothing {
                    self.entry.answered.rejection_lost_at = self.now_at_healthengine();
                }
                self.rest()
            }
            (Reply::Refused, _) => self.then(Action::Relist),
            (Reply::Accepted, _) => {
                self.entry.answered.acknowledged = Acknowledged::Yes;
                self.entry.answered.refusals = 0;
                let now = self.now_at_healthengine();
                let in_time = now.is_some_and(|now| !self.is_over_at(now));
                if matches!(self.entry.last_reason(), Some(StateReason::NewClient(_))) {
                    self.notices.push(Notice::OfferAgain);
                }
                self.entry.answered.rejected_in_time =
                    self.entry.state == State::Rejected && !self.entry.withdrawn && in_time;
                self.answered(StateReason::ConfirmationTaken, now)
            }
        }
    }

    /// The present by Healthengine's clock, by which a deadline can be held against a moment that
    /// was noted long ago: our own may have been set since. `None` while nobody can tell, because
    /// it was set a moment ago.
    fn now_at_healthengine(&self) -> Option<DateTime<Utc>> {
        let now = self.context.now.checked_add_signed(self.context.healthengine_ahead);
        now.filter(|_| self.context.ahead_is_sure)
    }

    /// True of a moment by Healthengine's clock at which the pet owner was, or may have been, told
    /// yes.
    fn is_over_at(&self, at: DateTime<Utc>) -> bool {
        Deadline::new(self.entry.booked_at, TimeDelta::zero()).is_over(at)
    }

    /// Healthengine knows, or stopped asking. `at` is when our answer reached it by its own clock,
    /// as far as anybody can tell.
    pub(super) fn answered(mut self, confirmed: StateReason, at: Option<DateTime<Utc>>) -> Step {
        let now = self.context.now;
        match self.entry.state {
            State::Inserted => self.entry.enter(State::Confirmed, now, confirmed),
            State::Rejected if !self.entry.withdrawn => {
                // What is flagged already is to be looked up first, and says whom to tell.
                if at.is_none_or(|at| self.is_over_at(at)) && self.entry.needs_attention.is_none() {
                    self.rejected_too_late();
                }
            }
            State::Rejected
            | State::Confirmed
            | State::InDoubt
            | State::Cancelled
            | State::Received
            | State::Submitting => {}
        }
        self.rest()
    }

    pub(super) fn still_listed(mut self) -> Step {
        self.seen_again();
        self.entry.answered.refusals = self.entry.answered.refusals.saturating_add(1);
        if self.entry.answered.refusals == REFUSALS_BEFORE_PROBLEM {
            self.notices.push(Notice::Problem(BookingProblem::AnswerRefused));
        }
        // A rejection that is refused because it came too late: the pet owner was told yes,
        // whatever becomes of the list.
        let may_be_late = !self.context.ahead_is_sure || self.deadline().is_over(self.context.now);
        if self.entry.state == State::Rejected && !self.entry.withdrawn && may_be_late {
            self.rejected_too_late();
        }
        self.rest()
    }

    /// The pet owner counts on an appointment that does not exist.
    fn rejected_too_late(&mut self) {
        let is_flagged = self.entry.needs_attention.as_ref().and_then(|flagged| flagged.flag());
        if is_flagged != Some(&Flag::RejectedTooLate) {
            self.entry.note(self.context.now, StateReason::ToldYes);
        }
        self.entry.flag(Flag::RejectedTooLate, self.context.zone);
    }

    /// Nobody can tell yet whether it wants an answer still.
    pub(super) fn not_relisted(mut self) -> Step {
        if self.entry.state == State::Rejected && self.entry.answered.delivery != Delivery::Nothing {
            self.entry.answered.rejection_lost_at = self.now_at_healthengine();
        }
        self.unseen()
    }

    /// It is on no part of the list that could be read, and all our answers were refused: it is
    /// settled in all likelihood, and not by us. A list that is never whole never says so.
    pub(super) fn unseen(mut self) -> Step {
        if !self.entry.is_refused_throughout() {
            return self.rest();
        }
        let measured = self.context.measured;
        let since = measured.counted(*self.entry.answered.unseen_since.get_or_insert(measured.now));
        let is_expected = self.entry.state == State::Rejected && self.entry.withdrawn;
        if measured.now - since >= UNSEEN_BEFORE_FLAG && self.entry.needs_attention.is_none() && !is_expected {
            self.entry.flag(Flag::Unseen, self.context.zone);
        }
        self.rest()
    }

    /// It is on the list after all, and goes on as any other.
    pub(super) fn seen_again(&mut self) {
        let was_unseen = self.entry.answered.unseen_since.take().is_some();
        if was_unseen {
            self.entry.needs_attention.take_if(|flagged| flagged.goes_by_itself());
        }
    }

    /// Somebody else settled it, or our lost answer did.
    pub(super) fn unlisted(mut self) -> Step {
        (self.entry.answered.refusals, self.entry.answered.unseen_since) = (0, None);
        match self.entry.state {
            State::Received => {
                self.entry.answered.unlisted = true;
                self.entry.answered.acknowledged = Acknowledged::Yes;
                self.entry.enter(State::Rejected, self.context.now, StateReason::Unlisted);
                self.settled_by_hand()
            }
            State::Submitting => {
                self.entry.answered.unlisted = true;
                self.due()
            }
            // Refused from the first time on, and no longer asked for: whatever it was told, it was
            // not by us.
            State::Rejected if self.entry.answered.delivery == Delivery::Nothing => {
                self.entry.answered.acknowledged = Acknowledged::Yes;
                self.settled_by_hand()
            }
            // It took no confirmation of ours, and was settled all the same: by its staff, or
            // because the pet owner gave it up there.
            State::Inserted | State::InDoubt if self.entry.answered.delivery == Delivery::Nothing => {
                self.not_expected()
            }
            State::Inserted | State::Rejected | State::InDoubt => {
                self.entry.answered.acknowledged = Acknowledged::Yes;
                // As a rule it was our answer, which nobody heard arrive.
                let at = self.entry.answered.rejection_lost_at.or_else(|| self.now_at_healthengine());
                self.answered(StateReason::Unlisted, at)
            }
            State::Cancelled => {
                self.entry.answered.acknowledged = Acknowledged::Yes;
                self.rest()
            }
            State::Confirmed => self.rest(),
        }
    }

    /// An appointment stands that Healthengine never heard of, and it does not ask any more.
    fn not_expected(mut self) -> Step {
        self.entry.answered.acknowledged = Acknowledged::Yes;
        let state = if self.entry.state == State::InDoubt { State::InDoubt } else { State::Confirmed };
        self.entry.enter(state, self.context.now, StateReason::SettledWithoutUs);
        self.entry.flag(Flag::NotExpected, self.context.zone);
        self.rest()
    }

    /// Nothing stands in the diary although Healthengine counts the booking as settled.
    pub(super) fn settled_by_hand(mut self) -> Step {
        if self.entry.state != State::Rejected {
            self.entry.enter(State::Rejected, self.context.now, StateReason::Unlisted);
        }
        if !self.entry.withdrawn {
            self.entry.flag(Flag::SettledByHand, self.context.zone);
        }
        self.rest()
    }
}

/// What Healthengine is told about an appointment that stands.
fn confirmation(entry: &Entry) -> ConfirmInsert {
    let reference = entry.reference.as_ref().filter(|_| entry.state != State::InDoubt);
    ConfirmInsert {
        pms_appointment_ids: reference.map(|reference| reference.0.clone()).into_iter().collect(),
        pms_patient_id: match reference.and_then(BookingReference::customer) {
            Some(customer) => customer.to_string(),
            None => entry.patient.clone(),
        },
    }
}
