//! One step of a booking, and the rules for a new booking and its POST.

use chrono::TimeDelta;

use super::events::{Action, Ask, Event, MachineContext, Notice, Reply, SlotLook, Step, Submission};
use super::lost_answer_looks::{LOOK_RETRY, LOOK_RETRY_MAX, next_look, rest_until};
use crate::booking::answered::{Acknowledged, Owed};
use crate::booking::deadline::Deadline;
use crate::booking::entry::{Entry, State};
use crate::booking::flag::Flag;
use crate::booking::post_record::LostAnswer;
use crate::booking::problem::{BookingProblem, Unplaceable};
use crate::booking::state_reason::{PostRefusal, StateReason};

/// After this many refused answers an administrator hears of it.
pub(super) const REFUSALS_BEFORE_PROBLEM: u32 = 3;
/// A booking of which every answer was refused is missing for this long from lists that cannot be
/// read whole, before a person is told.
pub(super) const UNSEEN_BEFORE_FLAG: TimeDelta = TimeDelta::minutes(10);
/// Staff move no appointment that is younger than this.
const MOVED_AFTER: TimeDelta = TimeDelta::minutes(1);
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
            Ask::Insert(place) => {
                (self.entry.place, self.entry.wanted) = (Some(place), None);
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

    /// OpenVPMS did not answer about this booking: the pause until it is asked again grows.
    pub(super) fn unanswered(&mut self) {
        let doublings = self.entry.post.unanswered_looks.min(4);
        self.entry.post.unanswered_looks = self.entry.post.unanswered_looks.saturating_add(1);
        let pause = (LOOK_RETRY * 2_i32.pow(doublings)).min(LOOK_RETRY_MAX);
        self.entry.post.not_before = Some(self.context.measured.now + pause);
    }

    pub(super) fn looked(mut self, look: SlotLook) -> Step {
        match look {
            SlotLook::Unreachable(_) => self.unanswered(),
            SlotLook::Seen { .. } | SlotLook::Closed(_) => {
                (self.entry.post.unanswered_looks, self.entry.post.not_before) = (0, None)
            }
        }
        match (self.entry.state, look) {
            (State::Received, SlotLook::Unreachable(detail)) => self.out_of_reach(&detail),
            (State::Received, SlotLook::Closed(reason)) => {
                self.notices.push(Notice::FreshDays);
                self.reject_unseen(reason.into())
            }
            (State::Received, SlotLook::Seen { taken, .. }) if self.may_be_ours_already(taken) => {
                let reason = if self.entry.post.without_effect > 0 {
                    StateReason::ProbablyOurs
                } else {
                    StateReason::PredatesStore
                };
                self.doubtful(reason)
            }
            (State::Received, SlotLook::Seen { refusal: Some(reason), .. }) => self.reject_and_refresh(reason.into()),
            (State::Received, SlotLook::Seen { refusal: None, .. }) => {
                self.entry.post.submitted_at = Some(self.context.now);
                self.entry.enter(State::Submitting, self.context.now, StateReason::SlotIsFree);
                self.then(Action::Submit)
            }
            (State::Submitting, look) => self.settle(look),
            // A look that came too late to matter.
            (State::Inserted | State::Confirmed | State::Rejected | State::InDoubt | State::Cancelled, _) => {
                self.rest()
            }
        }
    }

    pub(super) fn submitted(mut self, submission: Submission) -> Step {
        let now = self.context.now;
        match submission {
            Submission::Created(reference) => {
                self.entry.reference = Some(reference);
                self.entry.diary.inserted_at = Some(now);
                self.entry.enter(State::Inserted, now, StateReason::Inserted);
                // The slot was free; but staff may have moved what a forgotten store had made.
                // Without a time of booking nobody can tell, and not every such booking is worth a
                // person's while.
                let may_be_moved = self.deadline().age(now).is_some_and(|age| age >= MOVED_AFTER);
                if self.entry.post.predates_store && may_be_moved {
                    self.entry.flag(Flag::PerhapsMadeBefore, self.context.zone);
                }
                self.notices.push(Notice::FreshDays);
                self.tell()
            }
            // An earlier POST of ours may be what stands there.
            Submission::Refused(PostRefusal::AlreadyScheduled) if self.entry.post.without_effect > 0 => {
                self.doubtful(StateReason::ProbablyOurs)
            }
            Submission::Refused(refusal) => {
                if let PostRefusal::Other(text) = &refusal {
                    self.notices.push(Notice::Problem(BookingProblem::UnexpectedRefusal(text.clone())));
                }
                self.reject_and_refresh(StateReason::Refused(refusal))
            }
            Submission::NothingDone(detail) => {
                self.notices.push(Notice::Problem(BookingProblem::PostNotTaken(detail.clone())));
                self.unanswered();
                self.entry.post.submitted_at = None;
                self.entry.enter(State::Received, now, StateReason::NotSent(detail.clone()));
                self.out_of_reach(&detail)
            }
            Submission::Lost { server_is_through, detail } => {
                let since = self.context.measured.now;
                self.entry.post.lost_answer = Some(LostAnswer::new(since, server_is_through));
                self.entry.enter(State::Submitting, now, StateReason::AnswerLost(detail));
                self.then(Action::LookAgain)
            }
        }
    }

    /// OpenVPMS cannot be asked. While a rejection helps the pet owner it is better than silence,
    /// unless the clinic wants to hold.
    pub(super) fn out_of_reach(self, detail: &str) -> Step {
        if !self.context.hold
            && self.deadline().rejection_counts(self.context.now)
            && self.entry.post.without_effect == 0
        {
            return self.reject_unseen(StateReason::OutOfReach(detail.to_owned()));
        }
        self.rest()
    }

    /// Rejects without having seen the time. Of a booking that is older than the store nobody knows
    /// then whether an earlier one had made its appointment.
    pub(super) fn reject_unseen(mut self, reason: StateReason) -> Step {
        if self.entry.post.predates_store {
            self.entry.flag(Flag::PredatesStoreAndRejected, self.context.zone);
        }
        self.reject(reason)
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
