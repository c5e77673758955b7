//! The other way round: what staff did in the diary to appointments that pet owners booked.
//!
//! A free slot where an appointment of ours should stand is a reason to ask for the booking itself
//! ([`is_suspect`]); only the server's own "not found" means that it is gone. Many at once are not
//! believed: a database restored from yesterday looks just like a day on which staff cancelled
//! everything ([`judge`]). One that the server does not answer for holds up no other.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::entry::{Entry, Place};
use super::machine::Event;
use crate::call_error::{Answer, ErrorClass};
use crate::dates;
use crate::ids::{BookingId, UserId};
use crate::openvpms::{BOOKING_NOT_FOUND, Booking};
use crate::span::{self, Span};
use crate::zone::Zone;

/// What asking for a booking brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DiaryAnswer {
    /// Cancelled or deleted.
    Gone,
    /// It stands, here.
    Stands(Booking),
    /// 500: some servers answer so for every booking that stands.
    Silent,
    /// The server cannot be reached, or what it says means nothing.
    Unknown,
}

impl From<Answer<Booking>> for DiaryAnswer {
    fn from(answer: Answer<Booking>) -> Self {
        match answer {
            Ok(booking) => Self::Stands(booking),
            Err(error) if error.is_refusal(404, BOOKING_NOT_FOUND) => Self::Gone,
            Err(error) if error.class == ErrorClass::Unavailable && error.status == Some(500) => Self::Silent,
            Err(_) => Self::Unknown,
        }
    }
}

/// One booking of a round.
#[derive(Debug, Clone)]
pub struct Sighting {
    /// The ledger's entry.
    pub entry: Entry,
    /// What asking for it brought.
    pub found: DiaryAnswer,
    /// True if a reading showed its slot free.
    pub slot_is_free: bool,
    /// True if an earlier pass found many gone and did not hear of this one.
    pub with_many: bool,
}

/// What one pass over a practice's bookings brought: one reading's suspects, or one round.
#[derive(Debug, Clone, Default)]
pub struct Pass {
    /// Those that were asked for.
    pub sightings: Vec<Sighting>,
    /// How many others were to be asked for, and may be gone as well: nobody heard. One that fails
    /// again and again is not counted.
    pub unheard: usize,
    /// How many bookings are upcoming in all.
    pub upcoming: usize,
    /// True if there were more to ask for than one pass takes.
    pub is_cut: bool,
}

impl Pass {
    /// True if some of them were not answered for.
    pub fn is_unanswered(&self) -> bool {
        self.sightings.iter().any(|sighting| sighting.found == DiaryAnswer::Unknown)
    }

    /// How many bookings the pass speaks for. Of one that was cut short nobody knows how many of
    /// the others are gone too, so it is measured by itself.
    fn measure(&self) -> usize {
        if self.is_cut { self.sightings.len() } else { self.upcoming.max(self.sightings.len()) }
    }
}

/// More than this many cancellations in one round,
const MANY: usize = 3;
/// if they are more than one in this many of all upcoming bookings, are not believed.
const MANY_SHARE: usize = 4;
/// Bookings that are not near are asked for this often.
const DAILY: TimeDelta = TimeDelta::days(1);

/// True for a booking whose appointment should stand in the future and can be asked for.
pub fn is_watched(entry: &Entry, now: DateTime<Utc>) -> bool {
    entry.stands()
        && entry.reference.is_some()
        && !entry.diary.cancellation_suspended
        && entry.place.as_ref().is_some_and(|place| now < place.span.start)
}

/// The bookings of a round, the one first that was not asked for the longest: the near ones each
/// time, the others once a day. Those that one pass has no room for are first in the next round.
pub fn round(
    entries: Vec<Entry>,
    asked_at: &BTreeMap<BookingId, DateTime<Utc>>,
    near_end: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Vec<Entry> {
    // An appointment that was made a moment ago is as good as asked for.
    let last = |entry: &Entry| asked_at.get(&entry.booking_id).copied().or(entry.diary.inserted_at);
    let is_due = |entry: &Entry| {
        let near = entry.place.as_ref().is_some_and(|place| place.span.start < near_end);
        let today = |at: DateTime<Utc>| dates::age(at, now).is_some_and(|age| age < DAILY);
        is_watched(entry, now) && (near || !last(entry).is_some_and(today))
    };
    let mut round: Vec<Entry> = entries.into_iter().filter(is_due).collect();
    round.sort_by_key(|entry| (last(entry), entry.booking_id));
    round
}

/// True if the reading shows an appointment's time as free although it began after the appointment
/// was made.
pub fn is_suspect(entry: &Entry, schedule_free: &[Span], reading_began: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    is_watched(entry, now)
        && entry.diary.inserted_at.is_none_or(|at| at < reading_began || dates::age(at, now).is_none())
        && entry.place.as_ref().is_some_and(|place| span::touches(schedule_free, &place.span))
}

/// What follows from a pass.
pub fn judge(pass: &Pass, server: Zone) -> Vec<(BookingId, Event)> {
    let gone = pass.sightings.iter().filter(|sighting| sighting.found == DiaryAnswer::Gone).count();
    let too_many = |gone: usize| gone > MANY && gone * MANY_SHARE > pass.measure();
    let verdict = |sighting: &Sighting| match &sighting.found {
        DiaryAnswer::Gone if sighting.with_many || too_many(gone) => Some(Event::GoneWithMany),
        // Perhaps too many, and nobody knows yet: the next pass asks for all of them again.
        DiaryAnswer::Gone if too_many(gone + pass.unheard) => None,
        DiaryAnswer::Gone => Some(Event::Gone),
        DiaryAnswer::Stands(booking) => changed(&sighting.entry, booking, server),
        DiaryAnswer::Silent if sighting.slot_is_free => Some(Event::OutOfSight),
        DiaryAnswer::Silent | DiaryAnswer::Unknown => None,
    };
    pass.sightings.iter().filter_map(|sighting| Some((sighting.entry.booking_id, verdict(sighting)?))).collect()
}

/// What staff changed, if they did. Times are compared on the server's wall, which is what its
/// database holds: on the day with 25 hours the same booking reads back as another instant.
fn changed(entry: &Entry, booking: &Booking, server: Zone) -> Option<Event> {
    let place = entry.place.as_ref()?;
    // A user who is no clinician stands in the notes and not in the appointment. So one whom the
    // diary never named can be there all the same; one whom it did name, and names no longer, was
    // taken off.
    let unnamed = place.user.filter(|_| !entry.diary.clinician_named);
    if !is_there(place, booking, server) || place.user != booking.user.or(unnamed) {
        return place_of(booking, unnamed, server).map(Event::Moved);
    }
    (booking.user.is_some() && !entry.diary.clinician_named).then_some(Event::ClinicianNamed)
}

/// True if the booking stands at the time and on the schedule where the ledger has it, with
/// whomever.
pub fn is_there(place: &Place, booking: &Booking, server: Zone) -> bool {
    let same_time = server.wall(place.span.start) == booking.start && server.wall(place.span.end) == booking.end;
    same_time && place.schedule == booking.schedule
}

/// A booking's place as the ledger writes it; `user` if the diary names nobody.
pub fn place_of(booking: &Booking, user: Option<UserId>, server: Zone) -> Option<Place> {
    // A wall time that happens twice is stored without saying which; the server reads it as the
    // later one.
    let start = server.instants(booking.start).latest()?;
    let end = server.instants(booking.end).latest()?;
    Some(Place {
        location: booking.location,
        schedule: booking.schedule,
        user: booking.user.or(user),
        appointment_type: booking.appointment_type,
        span: Span::new(start, end),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{AppointmentTypeId, BookingReference, LocationId, PracticeId, ScheduleId};

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes)
    }

    fn standing(id: i64, start: i64) -> Entry {
        let place = Place {
            location: LocationId(98),
            schedule: ScheduleId(136),
            user: None,
            appointment_type: AppointmentTypeId(66),
            span: Span::new(at(start), at(start + 15)),
        };
        let reference = BookingReference(format!("{id}:x"));
        Entry::adopted(BookingId(id), PracticeId("1".into()), reference, Some(place), "p".into(), at(0))
    }

    #[test]
    fn every_booking_has_its_turn_however_many_there_are() {
        let days = |days: i64| days * 24 * 60;
        let entries: Vec<Entry> = (0..500).map(|id| standing(id, days(1) + id)).collect();
        let mut asked_at = BTreeMap::new();
        let mut times: BTreeMap<BookingId, u32> = BTreeMap::new();
        for minute in 1..=6 {
            let round = round(entries.clone(), &asked_at, at(days(7)), at(minute));
            assert_eq!(round.len(), 500);
            for entry in round.into_iter().take(200) {
                asked_at.insert(entry.booking_id, at(minute));
                *times.entry(entry.booking_id).or_default() += 1;
            }
            if minute == 3 {
                assert_eq!(times.len(), 500, "three rounds have asked for all");
            }
        }
        assert!(times.values().all(|times| *times >= 2));
    }

    #[test]
    fn what_is_not_near_is_asked_for_once_a_day() {
        let entries = vec![standing(1, 60), standing(2, 60 * 24 * 10)];
        let ids = |asked_at: &[(i64, i64)], now: i64| -> Vec<i64> {
            let asked_at = asked_at.iter().map(|(id, minute)| (BookingId(*id), at(*minute))).collect();
            let found = round(entries.clone(), &asked_at, at(now + 60 * 24 * 7), at(now));
            found.iter().map(|entry| entry.booking_id.0).collect()
        };
        assert_eq!(ids(&[], 0), [1], "both were made this moment");
        assert_eq!(ids(&[], 60 * 24), [2], "a day later; the first is over");
        assert_eq!(ids(&[(1, 0), (2, 0)], 10), [1]);
        assert_eq!(ids(&[(2, 100)], 10), [1, 2], "the clock was set back");
        assert_eq!(ids(&[(2, 0)], 60 * 24), [2], "the first is over");
    }

    fn pass(found: &[DiaryAnswer], unheard: usize, upcoming: usize) -> Vec<Event> {
        pass_of(found, unheard, upcoming, false)
    }

    fn pass_of(found: &[DiaryAnswer], unheard: usize, upcoming: usize, is_cut: bool) -> Vec<Event> {
        let sighting = |(id, found): (usize, &DiaryAnswer)| Sighting {
            entry: standing(id as i64, 60),
            found: found.clone(),
            slot_is_free: false,
            with_many: false,
        };
        let sightings = found.iter().enumerate().map(sighting).collect();
        let pass = Pass { sightings, unheard, upcoming, is_cut };
        judge(&pass, Zone::Iana(chrono_tz::UTC)).into_iter().map(|(_, event)| event).collect()
    }

    #[test]
    fn many_that_are_gone_are_not_believed_and_many_that_may_be_are_waited_for() {
        assert_eq!(pass(&vec![DiaryAnswer::Gone; 3], 0, 3), vec![Event::Gone; 3]);
        assert_eq!(pass(&vec![DiaryAnswer::Gone; 4], 0, 15), vec![Event::GoneWithMany; 4]);
        assert_eq!(pass(&vec![DiaryAnswer::Gone; 4], 0, 16), vec![Event::Gone; 4]);
        assert_eq!(pass(&[DiaryAnswer::Gone, DiaryAnswer::Unknown], 1, 8), [Event::Gone], "three at most");
        assert_eq!(pass(&[DiaryAnswer::Gone, DiaryAnswer::Gone], 2, 8), []);
        assert_eq!(pass(&[DiaryAnswer::Gone, DiaryAnswer::Gone], 2, 16), [Event::Gone, Event::Gone]);
    }

    #[test]
    fn a_pass_that_was_cut_short_is_measured_by_itself() {
        let mut found = vec![DiaryAnswer::Gone; 60];
        found.resize(200, DiaryAnswer::Silent);
        assert_eq!(pass_of(&found, 0, 400, false), vec![Event::Gone; 60], "60 of 400");
        assert_eq!(
            pass_of(&found, 0, 400, true),
            vec![Event::GoneWithMany; 60],
            "60 of 200, and nobody knows of the others"
        );
        found[50..60].fill(DiaryAnswer::Silent);
        assert_eq!(pass_of(&found, 0, 400, true), vec![Event::Gone; 50], "a quarter is believed");
        assert_eq!(pass_of(&found, 1, 400, true), [], "unless one more may be gone");
    }
}
