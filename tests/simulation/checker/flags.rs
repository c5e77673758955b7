//! Each flag has a cause, and the cause concerns its booking.

use chrono::{DateTime, TimeDelta, Utc};
use vetbridge::booking::entry::Entry;
use vetbridge::ids::{BookingId, ResourceId};
use vetbridge::simulator::healthengine::MarketplaceBooking;

use super::{Wrong, of};
use crate::life::{Deed, Life};
use crate::story::Purpose;

/// So many bookings within seconds of each other are not all answered in time.
const CROWD: usize = 5;

/// What a flag asks a person to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flag {
    CheckTheDiary,
    CannotCancel,
    Moved,
    OutOfSight,
    GoneWithMany,
    TooLate,
    SettledByHand,
    AnsweredElsewhere,
    NotExpected,
    MaybeForgotten,
    SwitchedOff,
    Unheard,
    Other,
}

impl Flag {
    /// By its sentence.
    pub(crate) fn of(sentence: &str) -> Self {
        let marks = [
            ("Check the diary", Self::CheckTheDiary),
            ("cannot cancel the appointment", Self::CannotCancel),
            ("The practice moved", Self::Moved),
            ("does not say where", Self::OutOfSight),
            ("gone together with many", Self::GoneWithMany),
            ("call them", Self::TooLate),
            ("settled by hand", Self::SettledByHand),
            ("another vetbridge may have answered", Self::AnsweredElsewhere),
            ("Healthengine does not expect it", Self::NotExpected),
            ("memory is younger", Self::MaybeForgotten),
            ("Online booking was switched off before", Self::SwitchedOff),
            ("Healthengine does not know", Self::Unheard),
        ];
        marks.into_iter().find(|(mark, _)| sentence.contains(mark)).map_or(Self::Other, |(_, flag)| flag)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::CheckTheDiary => "in doubt: check the diary",
            Self::CannotCancel => "cannot be cancelled online",
            Self::Moved => "moved by staff",
            Self::OutOfSight => "moved out of sight",
            Self::GoneWithMany => "gone with many others",
            Self::TooLate => "rejected too late",
            Self::SettledByHand => "settled by hand",
            Self::AnsweredElsewhere => "answered by somebody else",
            Self::NotExpected => "stands, and is not expected",
            Self::MaybeForgotten => "cancelled, and perhaps forgotten",
            Self::SwitchedOff => "never told before the practice was switched off",
            Self::Unheard => "resolved, and Healthengine does not know",
            Self::Other => "another",
        }
    }
}

impl Life {
    /// A flag has its cause, and the cause concerns this booking.
    pub(super) fn check_flag(&mut self, booking: &MarketplaceBooking, entry: &Entry) -> Result<(), Wrong> {
        let (id, now) = (booking.id, self.world.clock.now());
        let sentence = entry.needs_attention.as_deref().unwrap_or_default();
        let flagged = *self.flagged.entry(id).or_insert(now);
        let booked = self.booked.get(&id).copied().unwrap_or(now);
        let story = &self.world.story;
        // The task that deals with it can die alone, and leaves no more behind than a process does.
        let schedule = booking.resource.parse::<ResourceId>().unwrap().schedule;
        let alone = story.panicked(id, schedule);
        let died = self.deaths.iter().chain(&alone).any(|at| *at >= booked && *at <= flagged);
        // A store that a clock made that was ahead, and that no poll has dated, counts from a later
        // start, or by as much later as the machine slept: what was booked until then seems older
        // than the store.
        let set_back = self.store_went_back_since(id) || self.is_before_one_of(id, &self.dated_anew);
        let disturbed = story.disturbed_until().is_some_and(|until| until >= booked);
        // When it was booked nobody could read, so nobody could tell whether the store is old enough to know it.
        let ageless = !story.struck(id, Purpose::BookedTime).is_empty();
        let switched = self.was_off_since(&booking.practice, booked);
        let flag = Flag::of(sentence);
        let has_cause = match flag {
            Flag::CheckTheDiary => {
                let by_another = sentence.contains("may be somebody else's") && self.somebody_was_quick();
                died || set_back || ageless || by_another || !story.struck(id, Purpose::Submission).is_empty()
            }
            Flag::CannotCancel => {
                let in_doubt = died || set_back || ageless || !story.struck(id, Purpose::Submission).is_empty();
                // Whoever settled it by hand, when its time was taken, may have made its appointment.
                let by_hand = self.was(id, Deed::SettledByHand);
                // That we cancelled it ourselves an old store does not know.
                let cancelled = self.given_up.contains_key(&id) || set_back && booking.cancelled_by.is_some();
                cancelled && (in_doubt || switched || by_hand || self.was(id, Deed::CheckedIn))
            }
            Flag::Moved => self.was(id, Deed::Moved) || self.was(id, Deed::Restored),
            Flag::OutOfSight => {
                // A server that answers 500 to this question once looks like one that does so always.
                let silent = !story.struck(id, Purpose::Question).is_empty();
                self.was(id, Deed::Moved) || silent && (self.was(id, Deed::Cancelled) || self.was(id, Deed::Restored))
            }
            Flag::GoneWithMany => {
                // Several that we cancelled ourselves, and whose answers got lost, are gone at one time too.
                let cancelled = !story.struck(id, Purpose::Cancellation).is_empty();
                cancelled || self.was(id, Deed::Restored) || self.was(id, Deed::Cancelled)
            }
            Flag::TooLate => {
                let asked_again = self.was(id, Deed::Repeated);
                // It was left to another bridge, as it seemed, for half a minute.
                let was_left = self.somebody_was_quick();
                disturbed || set_back || switched || asked_again || was_left || self.waited_in_a_crowd(id)
            }
            Flag::SettledByHand => self.was(id, Deed::SettledByHand) || set_back || self.was(id, Deed::Repeated),
            // Quicker than people are as a rule, and the time was taken meanwhile.
            Flag::AnsweredElsewhere => self.was(id, Deed::SettledByHand),
            Flag::NotExpected => self.was(id, Deed::SettledByHand) || set_back,
            Flag::MaybeForgotten => set_back || ageless,
            Flag::SwitchedOff => switched,
            // Also of what was flagged for something else when staff cancelled it.
            // Or of what its pet owner gave up, and our own cancellation had removed without an answer.
            Flag::Unheard => {
                let by_us = self.given_up.contains_key(&id) && !story.struck(id, Purpose::Cancellation).is_empty();
                by_us
                    || set_back
                    || [Deed::Resolved, Deed::Cancelled, Deed::Restored].into_iter().any(|deed| self.was(id, deed))
            }
            Flag::Other => false,
        };
        if has_cause {
            Ok(())
        } else {
            Err(of(id, format!("booking {id} is flagged without cause ({flag:?}): {sentence}")))
        }
    }

    /// Of many who want times of the same few schedules at one moment the last wait for the first,
    /// and a practice that holds bookings does not reject them meanwhile.
    fn waited_in_a_crowd(&self, id: BookingId) -> bool {
        let Some(booked) = self.booked.get(&id).copied() else { return false };
        let near = |at: &&DateTime<Utc>| (**at - booked).abs() <= TimeDelta::seconds(15);
        self.world.shape.hold && self.booked.values().filter(near).count() >= CROWD
    }
}
