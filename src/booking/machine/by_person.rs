//! What follows when a person says what became of a booking: the ledger takes it, then Healthengine
//! hears of it.
//!
//! The state is durable before Healthengine is told, and what Healthengine is owed with it
//! ([`super::debt`]).

use super::events::{Notice, Resolved, ResolvedAs, Step};
use super::transition::Transition;
use crate::booking::answered::{Acknowledged, Owed};
use crate::booking::entry::{Place, State};
use crate::booking::flag::Flag;
use crate::booking::state_reason::StateReason;
use crate::ids::BookingReference;

/// What a person found out of an appointment that stands.
struct Stands {
    reference: Option<BookingReference>,
    place: Option<Place>,
    listed: Option<bool>,
}

/// How Healthengine has a booking that a person settles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SettledThere {
    /// It took the confirmation.
    Confirmed,
    /// Its pet owner cancelled there.
    Cancelled,
    /// As it was settled there, whatever the ledger says.
    AsItWas,
}

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
        let reason = self.settled_as(&resolved.outcome);
        match resolved.outcome {
            ResolvedAs::Confirmed { reference, place } => {
                let stands = Stands { reference, place, listed: resolved.listed };
                self.stands(stands, reason)
            }
            // Healthengine has it as cancelled: there is nobody to tell.
            ResolvedAs::Rejected | ResolvedAs::Cancelled if is_over => {
                if self.entry.needs_attention.is_some() {
                    self.entry.note(now, reason);
                }
                self.paid(StateReason::NotAskedAnyMore)
            }
            ResolvedAs::Rejected => {
                self.entry.enter(State::Rejected, now, reason);
                self.entry.answered.acknowledged = Acknowledged::Owed(Owed::Answer);
                match resolved.listed {
                    Some(true) => self.tell(),
                    Some(false) => self.owe_and_cancel(),
                    None => self.still_owed(false),
                }
            }
            ResolvedAs::Cancelled => {
                self.entry.enter(State::Cancelled, now, reason);
                self.owe_and_cancel()
            }
        }
    }

    /// What a person did, in the history: the flag says what they were asked to do.
    fn settled_as(&self, outcome: &ResolvedAs) -> StateReason {
        let flag = self.entry.needs_attention.as_ref().and_then(|flagged| flagged.flag());
        // Flagged because the diary may have an appointment that the ledger does not know of.
        let perhaps_there = matches!(
            flag,
            Some(
                Flag::PerhapsMadeLate
                    | Flag::PredatesStoreAndCancelled
                    | Flag::PredatesStoreAndRejected
                    | Flag::CannotCancel(_)
            )
        );
        // Healthengine is told once more of what a person did before.
        if let (Some(Flag::NewsIsOwed { .. }), Some(former)) = (flag, self.entry.last_reason())
            && former.is_by_person()
        {
            return former.clone();
        }
        match (outcome, flag) {
            (ResolvedAs::Confirmed { reference: None, .. }, _) if !self.entry.stands() => StateReason::MadeByHand,
            (ResolvedAs::Confirmed { reference: None, .. }, _) if self.entry.reference.is_some() => {
                StateReason::MadeByHand
            }
            (ResolvedAs::Confirmed { .. }, Some(Flag::Moved { from: Some(from), .. })) => {
                StateReason::OwnerKnowsOfMove(self.context.zone.wall(*from))
            }
            (
                ResolvedAs::Confirmed { .. },
                Some(Flag::Moved { from: None, .. } | Flag::AnotherClinician | Flag::OutOfSight | Flag::NeverTold),
            ) => StateReason::OwnerKnows,
            (ResolvedAs::Confirmed { .. }, _) => StateReason::SeenByPerson,
            (ResolvedAs::Rejected, Some(Flag::RejectedTooLate | Flag::NeverTold)) => StateReason::OwnerCalled,
            (ResolvedAs::Rejected, Some(Flag::SettledByHand)) => StateReason::NotNeeded,
            (ResolvedAs::Rejected, _) => StateReason::MissedByPerson,
            (ResolvedAs::Cancelled, _) if self.entry.stands() || perhaps_there => StateReason::CancelledByPerson,
            (ResolvedAs::Cancelled, _) => StateReason::NotNeeded,
        }
    }

    /// How Healthengine has a booking of which it asks for no answer.
    fn as_it_is_there(&self) -> SettledThere {
        let flag = self.entry.needs_attention.as_ref().and_then(|flagged| flagged.flag());
        let is_doubtful =
            matches!(flag, Some(Flag::NotExpected | Flag::Unseen | Flag::AnsweredElsewhere | Flag::NewsIsOwed { .. }));
        match self.entry.state {
            _ if self.entry.given_up => SettledThere::Cancelled,
            State::Confirmed | State::InDoubt if self.entry.is_acknowledged() && !is_doubtful => {
                SettledThere::Confirmed
            }
            State::Received
            | State::Submitting
            | State::Inserted
            | State::Confirmed
            | State::Rejected
            | State::InDoubt
            | State::Cancelled => SettledThere::AsItWas,
        }
    }

    fn stands(mut self, Stands { reference, place, listed }: Stands, reason: StateReason) -> Step {
        let there = self.as_it_is_there();
        let now = self.context.now;
        self.entry.refer_to(reference);
        self.entry.place = place.or(self.entry.place);
        self.entry.diary.inserted_at = Some(now);
        (self.entry.diary.cancellation_suspended, self.entry.diary.out_of_sight) = (false, false);
        self.entry.given_up = false;
        self.entry.enter(State::Inserted, now, reason);
        self.entry.answered.acknowledged = Acknowledged::Owed(Owed::Answer);
        match (listed, there) {
            (Some(true), _) => self.tell(),
            // It took the confirmation earlier, so that there is no news for it. Should it ask
            // again, the next poll says so.
            (Some(false) | None, SettledThere::Confirmed) => self.paid(StateReason::HeardFromPerson),
            (Some(false), SettledThere::Cancelled) => self.paid(StateReason::CancelledThere),
            (Some(false), SettledThere::AsItWas) => self.paid(StateReason::NotAskedAnyMore),
            (None, SettledThere::Cancelled | SettledThere::AsItWas) => self.still_owed(false),
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
