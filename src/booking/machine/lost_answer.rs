//! A POST whose answer was lost: what the slot itself tells of it.

use chrono::{DateTime, Utc};

use super::events::{Action, Notice, SlotLook, SlotTaken, Step};
use super::transition::Transition;
use crate::booking::answered::Acknowledged;
use crate::booking::entry::State;
use crate::booking::flag::Flag;
use crate::booking::post_record::{LostAnswer, LostRequest};
use crate::booking::problem::BookingProblem;
use crate::booking::state_reason::StateReason;

/// After this many POSTs that left nothing there will be no other.
const SUBMISSIONS_MAX: u32 = 3;

impl Transition<'_> {
    /// True if what takes the slot can be an appointment of ours that the ledger does not know of.
    pub(super) fn may_be_ours_already(&self, taken: SlotTaken) -> bool {
        match taken {
            SlotTaken::All | SlotTaken::Unseen => self.entry.post.predates_store || self.entry.post.without_effect > 0,
            SlotTaken::ByAnother => self.entry.post.without_effect > 0,
            SlotTaken::None | SlotTaken::Part => false,
        }
    }

    /// Reads the traces of a POST whose answer was lost.
    pub(super) fn settle(mut self, look: SlotLook) -> Step {
        let measured = self.context.measured;
        let now = measured.now;
        let mut lost = self.entry.post.lost_answer.unwrap_or_else(|| LostAnswer::new(now, false));
        lost.looked_at = Some(now);
        self.entry.post.lost_answer = Some(lost);
        match look {
            SlotLook::Unreachable(_) => self.rest(),
            // Nobody can look any more. The pet owner was told yes, so a person has to.
            SlotLook::Closed(_) => self.doubtful(StateReason::CannotLook),
            SlotLook::Seen { taken: SlotTaken::Unseen, .. } => self.doubtful(StateReason::CannotLook),
            // The other booking's appointment may be gone, unnoticed: it was looked at before the
            // POST, and the slot was free.
            SlotLook::Seen { taken: SlotTaken::All | SlotTaken::ByAnother, .. } => {
                self.doubtful(StateReason::ProbablyOurs)
            }
            SlotLook::Seen { taken: SlotTaken::Part, began, .. } => {
                // An appointment there would have the request refused, however late it is carried
                // out; a calendar block would not, and nobody can tell them apart. The pet owner
                // can still be told no: a person looks whether it came to stand.
                let may_come_late = lost.request != LostRequest::IsOver;
                if may_come_late && began < measured.counted(lost.since) + self.context.request_timeout * 2 {
                    self.entry.flag(Flag::PerhapsMadeLate, self.context.zone);
                }
                self.reject_and_refresh(StateReason::TakenByAnother)
            }
            SlotLook::Seen { taken: SlotTaken::None, began, .. } => {
                if self.is_settled_as_free(&mut lost, began) {
                    self.post_without_effect()
                } else {
                    self.entry.post.lost_answer = Some(lost);
                    self.rest()
                }
            }
        }
    }

    /// Notes a reading that said free; true if the request cannot be carried out any more.
    fn is_settled_as_free(&self, lost: &mut LostAnswer, began: DateTime<Utc>) -> bool {
        let (timeout, measured) = (self.context.request_timeout, self.context.measured);
        let since = measured.counted(lost.since);
        match &mut lost.request {
            LostRequest::IsOver => began >= since,
            LostRequest::MayComeLate { free_at: Some(free_at) } => began >= measured.counted(*free_at) + timeout,
            LostRequest::MayComeLate { free_at } => {
                if began >= since + timeout * 2 {
                    *free_at = Some(began);
                }
                false
            }
        }
    }

    /// A POST left nothing in the diary: once more, but not for ever.
    pub(super) fn post_without_effect(mut self) -> Step {
        self.entry.post.lost_answer = None;
        self.entry.post.without_effect += 1;
        if self.entry.answered.unlisted {
            self.entry.answered.acknowledged = Acknowledged::Yes;
            return self.settled_by_hand();
        }
        if self.entry.withdrawn {
            return self.reject(StateReason::Withdrawn);
        }
        if self.entry.post.without_effect >= SUBMISSIONS_MAX {
            let submissions = self.entry.post.without_effect;
            self.notices.push(Notice::Problem(BookingProblem::NothingArrives { submissions }));
            return self.reject_and_refresh(StateReason::NothingArrives);
        }
        self.entry.enter(State::Received, self.context.now, StateReason::PostWithoutEffect);
        self.then(Action::LookAndHold)
    }

    /// The slot is wholly taken and it was we who asked for it: the appointment stands with near
    /// certainty, but without a name.
    pub(super) fn doubtful(mut self, reason: StateReason) -> Step {
        let now = self.context.now;
        self.entry.post.lost_answer = None;
        self.entry.diary.inserted_at = Some(now);
        let may_be_anothers = reason.may_be_anothers();
        self.entry.enter(State::InDoubt, now, reason);
        self.entry.flag(Flag::CheckTheDiary { may_be_anothers }, self.context.zone);
        self.notices.push(Notice::FreshDays);
        if self.entry.answered.unlisted {
            self.entry.answered.acknowledged = Acknowledged::Yes;
            return self.rest();
        }
        self.tell()
    }
}
