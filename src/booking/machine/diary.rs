//! What happens to an appointment once it stands: the pet owner or staff cancel it, staff move it
//! or give it to somebody else.

use super::events::{Notice, Step};
use super::transition::Transition;
use crate::booking::answered::{Acknowledged, Owed};
use crate::booking::entry::{Place, State};
use crate::booking::flag::Flag;
use crate::booking::problem::WhyNotCancelled;
use crate::booking::state_reason::StateReason;

impl Transition<'_> {
    /// The appointment stands no longer. `told` if Healthengine knows already.
    pub(super) fn cancelled(mut self, reason: StateReason, told: bool) -> Step {
        self.entry.post.lost_answer = None;
        self.entry.answered.refusals = 0;
        // What a person said of an appointment that stood is overtaken, and so is what it was
        // flagged for: at once if nobody has to be told, else once Healthengine knows.
        if told || self.entry.owed().is_some() {
            self.entry.needs_attention = None;
        }
        self.entry.answered.acknowledged = if told { Acknowledged::Yes } else { Acknowledged::Owed(Owed::Cancel) };
        self.entry.enter(State::Cancelled, self.context.now, reason);
        self.notices.push(Notice::FreshDays);
        if told { self.rest() } else { self.due() }
    }

    pub(super) fn cannot_cancel(mut self, why: WhyNotCancelled) -> Step {
        if !self.entry.given_up {
            self.entry.note(self.context.now, StateReason::OwnerCancelledInVain(why.to_string()));
        }
        self.entry.given_up = true;
        self.flagged(Flag::CannotCancel(why))
    }

    /// It may pass. After some of them the update is rejected ([`crate::booking::update::plan`]).
    pub(super) fn cancel_refused(mut self) -> Step {
        self.entry.diary.cancel_refusals = self.entry.diary.cancel_refusals.saturating_add(1);
        self.owner_cancelled()
    }

    /// OpenVPMS could not be asked. It is noted once, also if it stays so for hours.
    pub(super) fn owner_cancelled(mut self) -> Step {
        if self.entry.stands() && !self.entry.owner_cancelled() {
            self.entry.note(self.context.now, StateReason::OwnerCancelled);
        }
        self.rest()
    }

    pub(super) fn flagged(mut self, flag: Flag) -> Step {
        // Not to be cleared with what a person settled before.
        if self.entry.owed().is_some() {
            self.entry.answered.acknowledged = Acknowledged::NotYet;
        }
        self.entry.flag(flag, self.context.zone);
        self.rest()
    }

    pub(super) fn moved(mut self, place: Place) -> Step {
        // Two looks at once see one move.
        if self.entry.place == Some(place) {
            return self.rest();
        }
        let from = self.entry.place.replace(place);
        let other_clinician = from.is_some_and(|from| from.user != place.user);
        let only_clinician = from.is_some_and(|from| Place { user: place.user, ..from } == place);
        // Who chose a vet and sees another one is surprised, and only once.
        let surprised =
            other_clinician && from.is_some_and(|from| from.user.is_some()) && !self.entry.diary.clinician_by_staff;
        if other_clinician {
            self.entry.diary.clinician_by_staff = true;
            self.entry.diary.clinician_named = place.user.is_some();
        }
        let wall = |place: Place| self.context.zone.wall(place.span.start);
        let reason = match from {
            _ if only_clinician => StateReason::ClinicianChangedByStaff,
            Some(from) => StateReason::MovedByStaffTo { from: wall(from), to: wall(place) },
            None => StateReason::MovedByStaff,
        };
        self.entry.note(self.context.now, reason);
        self.notices.extend(from.map(Notice::FreedDays));
        self.notices.push(Notice::FreshDays);
        if only_clinician {
            return if surprised { self.flagged(Flag::AnotherClinician) } else { self.rest() };
        }
        self.flagged(Flag::Moved { from: from.map(|from| from.span.start), other_clinician: surprised })
    }

    pub(super) fn clinician_named(mut self) -> Step {
        self.entry.diary.clinician_named = self.entry.place.is_some_and(|place| place.user.is_some());
        self.rest()
    }

    pub(super) fn out_of_sight(mut self) -> Step {
        if self.entry.diary.out_of_sight {
            return self.rest();
        }
        self.entry.diary.out_of_sight = true;
        self.flagged(Flag::OutOfSight)
    }

    pub(super) fn gone_with_many(mut self) -> Step {
        self.entry.diary.cancellation_suspended = true;
        self.flagged(Flag::GoneWithMany)
    }
}
