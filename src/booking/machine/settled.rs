//! What follows when a person says what became of a booking: the ledger takes it, then Healthengine hears of it. What staff cancelled
//! in the diary goes the same way.
//!
//! The state is durable before Healthengine is told, and [`Owed`] with it, so that what is interrupted, or not heard, goes on
//! by itself: at the next poll that lists the booking or does not, or with [`super::Event::Due`]. The flag goes when Healthengine
//! knows. A pet owner who cancels meanwhile, or staff who do, come to the same end: there is nothing left to tell, and a refusal
//! followed by a list without the booking says so.

use super::{Action, Notice, REFUSALS_BEFORE_PROBLEM, Reply, Step, Transition};
use crate::booking::entry::{Owed, Place, State};
use crate::ids::BookingReference;
use crate::messages::booking as say_booking;
use crate::messages::resolve as say;

/// What a person said, after OpenVPMS was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// What became of it.
    pub outcome: ResolvedAs,
    /// Whether Healthengine still lists the booking as outstanding; `None` if it did not say.
    pub listed: Option<bool>,
    /// A line of the person's for the history.
    pub note: Option<String>,
}

/// What became of a booking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResolvedAs {
    /// The appointment stands.
    Confirmed {
        /// Under this reference; without one it cannot be cancelled online.
        reference: Option<BookingReference>,
        /// Here, if that is known.
        place: Option<Place>,
    },
    /// There is none, and there was none.
    Rejected,
    /// It is cancelled in the diary.
    Cancelled,
}

impl Transition<'_> {
    pub(super) fn resolved(mut self, resolved: Resolved) -> Step {
        let now = self.context.now;
        if let Some(note) = &resolved.note {
            let state = self.entry.state;
            self.entry.enter(state, now, say::note(note));
        }
        self.entry.doubt = None;
        (self.entry.refusals, self.entry.posts_without_effect, self.entry.unlisted) = (0, 0, false);
        (self.entry.rejection_lost_at, self.entry.not_before) = (None, None);
        (self.entry.unseen_since, self.entry.cancel_refusals) = (None, 0);
        self.notices.push(Notice::FreshDays);
        let is_over = self.entry.state == State::Cancelled && self.entry.told;
        match resolved.outcome {
            ResolvedAs::Confirmed { reference, place } => self.stands(reference, place, resolved.listed),
            // Healthengine has it as cancelled: there is nobody to tell.
            ResolvedAs::Rejected | ResolvedAs::Cancelled if is_over => self.heard(),
            ResolvedAs::Rejected => {
                self.entry.enter(State::Rejected, now, say::REJECTED);
                self.entry.told = false;
                self.entry.owed = Some(Owed::Answer);
                match resolved.listed {
                    Some(true) => self.tell(),
                    Some(false) => self.cancel(),
                    None => self.unheard(say::NO_ANSWER),
                }
            }
            ResolvedAs::Cancelled => {
                self.entry.enter(State::Cancelled, now, say::CANCELLED);
                self.entry.told = false;
                self.cancel()
            }
        }
    }

    fn stands(mut self, reference: Option<BookingReference>, place: Option<Place>, listed: Option<bool>) -> Step {
        let now = self.context.now;
        self.entry.refer_to(reference);
        self.entry.place = place.or(self.entry.place);
        self.entry.inserted_at = Some(now);
        (self.entry.cancellation_suspended, self.entry.out_of_sight, self.entry.given_up) = (false, false, false);
        self.entry.enter(State::Inserted, now, say::CONFIRMED);
        self.entry.told = false;
        self.entry.owed = Some(Owed::Answer);
        match listed {
            Some(true) => self.tell(),
            Some(false) => self.heard(),
            None => self.unheard(say::NO_ANSWER),
        }
    }

    fn cancel(mut self) -> Step {
        self.entry.owed = Some(Owed::Cancel);
        let reason = self.last_reason();
        self.then(Action::Cancel(reason))
    }

    /// Healthengine lists it: it waits for an answer, whatever it was told before.
    pub(super) fn owed_asked(mut self) -> Step {
        self.entry.owed = Some(Owed::Answer);
        self.tell()
    }

    pub(super) fn owed_replied(mut self, reply: Reply) -> Step {
        let now = self.context.now;
        match (reply, self.entry.owed) {
            (Reply::NoAnswer | Reply::NotDelivered, _) => self.unheard(say::NO_ANSWER),
            (Reply::Refused, Some(Owed::Cancel | Owed::CancelRefused)) => {
                self.entry.owed = Some(Owed::CancelRefused);
                self.then(Action::Relist)
            }
            // It can only be told otherwise.
            (Reply::Refused, Some(Owed::Answer) | None) if self.entry.state == State::Cancelled => self.cancel(),
            (Reply::Refused, Some(Owed::Answer) | None) => self.then(Action::Relist),
            // A rejection that comes too late ends the asking and leaves the pet owner with a yes.
            (Reply::Accepted, Some(Owed::Answer)) if !self.is_standing() && self.deadline().is_over(now) => {
                self.cancel()
            }
            (Reply::Accepted, _) => self.heard(),
        }
    }

    pub(super) fn owed_still_listed(mut self) -> Step {
        self.entry.refusals = self.entry.refusals.saturating_add(1);
        if self.entry.refusals == REFUSALS_BEFORE_PROBLEM {
            self.notices.push(Notice::Problem(say_booking::answer_refused(self.entry.booking_id)));
        }
        // A cancellation that is refused because an answer is wanted. Not for ever: both can be refused.
        if self.entry.owed == Some(Owed::CancelRefused) && self.entry.refusals < REFUSALS_BEFORE_PROBLEM {
            return self.owed_asked();
        }
        self.unheard(say::REFUSED)
    }

    pub(super) fn owed_unlisted(self) -> Step {
        match self.entry.owed {
            // It wants no answer, and has the booking as settled: an appointment that does not stand is cancelled there.
            Some(Owed::Answer | Owed::Cancel) if !self.is_standing() => self.cancel(),
            Some(Owed::Answer | Owed::Cancel | Owed::CancelRefused) | None => self.heard(),
        }
    }

    fn is_standing(&self) -> bool {
        self.entry.stands()
    }

    /// Both systems follow.
    fn heard(mut self) -> Step {
        (self.entry.told, self.entry.refusals) = (true, 0);
        (self.entry.owed, self.entry.needs_attention) = (None, None);
        if self.entry.state == State::Inserted {
            self.entry.enter(State::Confirmed, self.context.now, say::HEARD);
        }
        self.rest()
    }

    /// What is flagged stays so until Healthengine knows. What is not, as when staff cancelled, goes on by itself, until Healthengine
    /// has refused it too often.
    fn unheard(mut self, why: &str) -> Step {
        if self.entry.needs_attention.is_some() || self.entry.refusals >= REFUSALS_BEFORE_PROBLEM {
            let sentence = say::unheard(&self.entry, self.context.zone, why);
            self.entry.flag(sentence);
        }
        self.rest()
    }

    /// Nothing was settled. A flag that stands says why, so that the next person does not try in the dark.
    pub(super) fn unresolved(mut self, why: &str) -> Step {
        if let Some(sentence) = self.entry.needs_attention.take() {
            self.entry.flag(say::unresolved(&sentence, why));
        }
        self.rest()
    }
}
