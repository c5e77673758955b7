//! Which rule answers which event, and what becomes of a booking that nothing was done about yet.

use chrono::TimeDelta;

use super::events::{Action, Ask, Event, MachineContext, Notice, Reply, Step};
use super::lost_answer_looks::{next_look, rest_until};
use crate::booking::answered::{Acknowledged, Owed};
use crate::booking::deadline::Deadline;
use crate::booking::entry::{Entry, State};
use crate::booking::flag::Flag;
use crate::booking::post_record::LostAnswer;
use crate::booking::problem::{BookingProblem, Unplaceable};
use crate::booking::state_reason::StateReason;
use crate::booking::wanted::WantedPlace;

/// After this many refused answers an administrator hears of it.
pub(super) const REFUSALS_BEFORE_PROBLEM: u32 = 3;
/// A booking of which every answer was refused is missing for this long from lists that cannot be
/// read whole, before a person is told.
pub(super) const UNSEEN_BEFORE_FLAG: TimeDelta = TimeDelta::minutes(10);

/// What to do next about a booking.
pub fn step(entry: Entry, event: Event, context: &MachineContext) -> Step {
    let mut transition = Transition { entry, context, notices: Vec::new() };
    transition.owe_the_cancellation();
    let owed = transition.entry.owed();
    match (event, owed) {
        // What Healthengine says of a booking while it is owed news, and while it is not.
        (Event::Asked(_), Some(_)) => transition.owed_asked(),
        (Event::Asked(ask), None) => transition.asked(ask),
        (Event::Replied(reply), Some(owed)) => transition.owed_replied(owed, reply),
        (Event::Replied(reply), None) => transition.replied(reply),
        (Event::StillListed, Some(owed)) => transition.owed_still_listed(owed),
        (Event::StillListed, None) => transition.still_listed(),
        (Event::Unlisted, Some(owed)) => transition.owed_unlisted(owed),
        (Event::Unlisted, None) => transition.unlisted(),
        (Event::NotRelisted, Some(owed)) => transition.owed_replied(owed, Reply::NoAnswer),
        (Event::NotRelisted, None) => transition.not_relisted(),
        (Event::Unseen, _) => transition.unseen(),
        // What the diary and the POST show.
        (Event::Looked(look), _) => transition.looked(look),
        (Event::Submitted(submission), _) => transition.submitted(submission),
        (Event::Gone, _) => transition.cancelled(StateReason::CancelledByStaff, false),
        (Event::Moved(place), _) => transition.moved(place),
        (Event::ClinicianNamed, _) => transition.clinician_named(),
        (Event::OutOfSight, _) => transition.out_of_sight(),
        (Event::GoneWithMany, _) => transition.gone_with_many(),
        // What the pet owner does.
        (Event::Withdrawn, _) => transition.withdrawn(),
        (Event::CancelledForOwner, _) => transition.cancelled(StateReason::CancelledForOwner, true),
        (Event::OwnerCancelled, _) => transition.owner_cancelled(),
        (Event::CannotCancel(why), _) => transition.cannot_cancel(why),
        (Event::CancelRefused, _) => transition.cancel_refused(),
        // What a person says.
        (Event::Resolved(resolved), _) => transition.resolved(resolved),
        (Event::Unresolved(reason), _) => transition.unresolved(&reason),
        // Time, and the practice being switched off.
        (Event::Due, _) => transition.due(),
        (Event::SwitchedOff, _) => transition.switched_off(),
        // What another bridge does.
        (Event::AnsweredElsewhere, _) => transition.answered_elsewhere(),
        (Event::LeftToAnother, _) => transition.nothing_is_on_its_way(StateReason::LeftToAnother),
        (Event::RefusedAsTaken, _) => transition.nothing_is_on_its_way(StateReason::RefusedAsTaken),
        (Event::NobodySaysWhose, _) => transition.nobody_says_whose(),
    }
}

pub(super) struct Transition<'a> {
    pub(super) entry: Entry,
    pub(super) context: &'a MachineContext,
    pub(super) notices: Vec<Notice>,
}

impl Transition<'_> {
    /// Healthengine is owed the cancellation of every cancelled booking that it did not
    /// acknowledge.
    pub(super) fn owe_the_cancellation(&mut self) {
        if self.entry.state == State::Cancelled && self.entry.answered.acknowledged == Acknowledged::NotYet {
            self.entry.answered.acknowledged = Acknowledged::Owed(Owed::Cancel);
        }
    }

    pub(super) fn asked(mut self, ask: Ask) -> Step {
        self.seen_again();
        match self.entry.state {
            State::Received => self.decide(ask),
            // Its outcome is unknown, and settling that goes its own pace.
            State::Submitting => {
                self.entry.withdrawn |= ask == Ask::Nothing;
                self.due()
            }
            // Our answer was lost, or Healthengine did not keep it: the same answer again.
            State::Inserted | State::Confirmed | State::InDoubt | State::Rejected => {
                self.entry.answered.acknowledged = Acknowledged::NotYet;
                self.tell()
            }
            State::Cancelled => self.owed_asked(),
        }
    }

    /// A booking that nothing was done about yet.
    pub(super) fn decide(mut self, ask: Ask) -> Step {
        match ask {
            Ask::Nothing => self.give_up(),
            Ask::Impossible(reason) => {
                if let Unplaceable::NotOffered(why) = &reason {
                    self.notices.push(Notice::Problem(BookingProblem::NotOffered(why.clone())));
                }
                self.reject_unseen(StateReason::Unplaceable(reason))
            }
            Ask::Unread(detail) => self.out_of_reach(&detail),
            Ask::TurnAway(place, message, by) if self.may_turn_away() => {
                (self.entry.place, self.entry.wanted) = (Some(place), WantedPlace::default());
                self.entry.note(self.context.now, StateReason::TurnedAwayBy(by));
                self.reject_unseen(StateReason::NewClient(message))
            }
            Ask::Insert(place) | Ask::TurnAway(place, ..) => {
                (self.entry.place, self.entry.wanted) = (Some(place), WantedPlace::default());
                if self.is_left_alone() { self.rest() } else { self.then(Action::LookAndHold) }
            }
        }
    }

    /// True while OpenVPMS has a rest from this booking, and no pet owner waits for a rejection.
    pub(super) fn is_left_alone(&self) -> bool {
        let hurry = !self.context.hold && self.deadline().rejection_counts(self.context.now);
        !hurry && rest_until(&self.entry, self.context.measured.now).is_some_and(|at| self.context.measured.now < at)
    }

    pub(super) fn deadline(&self) -> Deadline {
        Deadline::new(self.entry.booked_at, self.context.healthengine_ahead)
    }

    /// Goes on with what was interrupted.
    pub(super) fn due(mut self) -> Step {
        if self.entry.state == State::Submitting && self.entry.post.lost_answer.is_none() {
            // Its POST left before the process started; when exactly, nobody can tell.
            let since = self.context.measured.now;
            self.entry.post.lost_answer = Some(LostAnswer::new(since, false));
            self.entry.enter(State::Submitting, self.context.now, StateReason::Interrupted);
        }
        if self.entry.owes_a_cancellation() {
            let reason = self.last_reason();
            return self.then(Action::Cancel(reason));
        }
        match next_look(&self.entry, self.context.request_timeout, &self.context.measured) {
            Some(due) if due <= self.context.measured.now => self.then(Action::LookAgain),
            _ => self.rest(),
        }
    }

    /// What was not made will not be, and what nobody could find out a person has to.
    pub(super) fn switched_off(mut self) -> Step {
        match self.entry.state {
            State::Received => self.reject_unseen(StateReason::SwitchedOff),
            State::Submitting => self.doubtful(StateReason::CannotLook),
            State::Inserted | State::Confirmed | State::Rejected | State::InDoubt | State::Cancelled => {
                if self.entry.is_open() && self.entry.needs_attention.is_none() {
                    self.entry.flag(Flag::NeverTold, self.context.zone);
                }
                self.rest()
            }
        }
    }

    pub(super) fn rest(self) -> Step {
        self.then(Action::Rest)
    }

    pub(super) fn then(self, action: Action) -> Step {
        Step { entry: self.entry, action, notices: self.notices }
    }
}
