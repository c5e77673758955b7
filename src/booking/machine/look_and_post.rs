//! The look before a POST, the POST, and what OpenVPMS answers to it.

use chrono::TimeDelta;

use super::events::{Action, Notice, SlotLook, Step, Submission};
use super::lost_answer_looks::{LOOK_RETRY, LOOK_RETRY_MAX};
use super::transition::Transition;
use crate::booking::entry::State;
use crate::booking::flag::Flag;
use crate::booking::post_record::LostAnswer;
use crate::booking::problem::BookingProblem;
use crate::booking::state_reason::{PostRefusal, StateReason};

/// Staff move no appointment that is younger than this.
const MOVED_AFTER: TimeDelta = TimeDelta::minutes(1);

impl Transition<'_> {
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
            // Nobody was offered it. After the deadline its pet owner has been told yes.
            (State::Received, SlotLook::Seen { withheld: Some(rule), .. }) if self.may_turn_away() => {
                self.reject_and_refresh(StateReason::NotOffered(rule))
            }
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
}
