//! What follows when a person says what became of a booking: the ledger takes it, then Healthengine
//! hears of it.
//!
//! The state is durable before Healthengine is told, and what Healthengine is owed with it
//! ([`super::debt`]).

use super::events::{Notice, Resolved, ResolvedAs, Step};
use super::transition::Transition;
use crate::booking::answered::{Acknowledged, Owed};
use crate::booking::entry::{Place, State};
use crate::booking::state_reason::StateReason;
use crate::ids::BookingReference;

impl Transition<'_> {
    pub(super) fn resolved(mut self, resolved: Resolved) -> Step {
        let now = self.context.now;
        if let Some(note) = &resolved.note {
            // It stands in the history for people, and goes nowhere else.
            let state = self.entry.state;
            self.entry.enter(state, now, StateReason::Note(note.clone()));
        }
        self.entry.post.lost_answer = None;
        (self.entry.post.without_effect, self.entry.post.not_before) = (0, None);
        self.entry.diary.cancel_refusals = 0;
        let answered = &mut self.entry.answered;
        (answered.refusals, answered.unlisted) = (0, false);
        (answered.rejection_lost_at, answered.unseen_since) = (None, None);
        self.notices.push(Notice::FreshDays);
        let is_over = self.entry.state == State::Cancelled && self.entry.is_acknowledged();
        match resolved.outcome {
            ResolvedAs::Confirmed { reference, place } => self.stands(reference, place, resolved.listed),
            // Healthengine has it as cancelled: there is nobody to tell.
            ResolvedAs::Rejected | ResolvedAs::Cancelled if is_over => self.paid(),
            ResolvedAs::Rejected => {
                self.entry.enter(State::Rejected, now, StateReason::MissedByPerson);
                self.entry.answered.acknowledged = Acknowledged::Owed(Owed::Answer);
                match resolved.listed {
                    Some(true) => self.tell(),
                    Some(false) => self.owe_and_cancel(),
                    None => self.still_owed(false),
                }
            }
            ResolvedAs::Cancelled => {
                self.entry.enter(State::Cancelled, now, StateReason::CancelledByPerson);
                self.owe_and_cancel()
            }
        }
    }

    fn stands(mut self, reference: Option<BookingReference>, place: Option<Place>, listed: Option<bool>) -> Step {
        let now = self.context.now;
        self.entry.refer_to(reference);
        self.entry.place = place.or(self.entry.place);
        self.entry.diary.inserted_at = Some(now);
        (self.entry.diary.cancellation_suspended, self.entry.diary.out_of_sight) = (false, false);
        self.entry.given_up = false;
        self.entry.enter(State::Inserted, now, StateReason::SeenByPerson);
        self.entry.answered.acknowledged = Acknowledged::Owed(Owed::Answer);
        match listed {
            Some(true) => self.tell(),
            Some(false) => self.paid(),
            None => self.still_owed(false),
        }
    }

    /// Nothing was settled. A flag that stands says why, so that the next person does not try in
    /// the dark.
    pub(super) fn unresolved(mut self, why: &str) -> Step {
        if let Some(flagged) = &self.entry.needs_attention {
            self.entry.needs_attention = Some(flagged.after_failed_resolution(why));
        }
        self.rest()
    }
}
