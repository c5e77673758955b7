//! The other way round: what staff did in the diary to appointments that pet owners booked.
//!
//! A free slot where an appointment of ours should stand is a reason to ask for the booking itself ([`is_suspect`]); only the
//! server's own "not found" means that it is gone. Many at once are not believed: a database restored from yesterday looks just
//! like a day on which staff cancelled everything ([`judge`]).

use chrono::{DateTime, Utc};

use super::desk::Event;
use super::ledger::{Entry, Place};
use crate::ids::BookingId;
use crate::openvpms::{BOOKING_NOT_FOUND, Booking};
use crate::remote::{Answer, ErrorClass};
use crate::span::{self, Span};
use crate::zone::Zone;

/// What asking for a booking brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Cancelled or deleted.
    Gone,
    /// It stands, here.
    Stands(Booking),
    /// 500: some servers answer so for every booking that stands.
    Silent,
    /// The server cannot be reached, or what it says means nothing.
    Unknown,
}

impl From<Answer<Booking>> for Found {
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
    pub found: Found,
    /// True if a reading showed its slot free.
    pub slot_is_free: bool,
}

/// More than this many cancellations in one round,
const MANY: usize = 3;
/// if they are more than one in this many of all upcoming bookings, are not believed.
const MANY_SHARE: usize = 4;

/// True for a booking whose appointment should stand in the future and can be asked for.
pub fn is_watched(entry: &Entry, now: DateTime<Utc>) -> bool {
    entry.stands()
        && entry.reference.is_some()
        && !entry.left_alone
        && entry.place.as_ref().is_some_and(|place| now < place.span.start)
}

/// True if the reading shows an appointment's time as free although it began after the appointment was made.
pub fn is_suspect(entry: &Entry, schedule_free: &[Span], reading_began: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    is_watched(entry, now)
        && entry.inserted_at.is_none_or(|at| at < reading_began)
        && entry.place.as_ref().is_some_and(|place| span::touches(schedule_free, &place.span))
}

/// What follows from one round, over all of a practice's upcoming bookings.
pub fn judge(round: Vec<Sighting>, upcoming: usize, server: Zone) -> Vec<(BookingId, Event)> {
    let gone = round.iter().filter(|sighting| sighting.found == Found::Gone).count();
    let too_many = gone > MANY && gone * MANY_SHARE > upcoming;
    let verdict = |sighting: &Sighting| match &sighting.found {
        Found::Gone if too_many => Some(Event::GoneWithMany),
        Found::Gone => Some(Event::Gone),
        Found::Stands(booking) => moved(&sighting.entry, booking, server).map(Event::Moved),
        Found::Silent if sighting.slot_is_free => Some(Event::OutOfSight),
        Found::Silent | Found::Unknown => None,
    };
    round.iter().filter_map(|sighting| Some((sighting.entry.booking_id, verdict(sighting)?))).collect()
}

/// Where staff moved it, if they did. Times are compared on the server's wall, which is what its database holds: on the day with
/// 25 hours the same booking reads back as another instant.
fn moved(entry: &Entry, booking: &Booking, server: Zone) -> Option<Place> {
    let place = entry.place.as_ref()?;
    if is_there(place, booking, server) {
        return None;
    }
    place_of(booking, place.user, server)
}

/// True if the booking stands where the ledger has it.
pub fn is_there(place: &Place, booking: &Booking, server: Zone) -> bool {
    let same_time = server.wall(place.span.start) == booking.start && server.wall(place.span.end) == booking.end;
    same_time && place.schedule == booking.schedule
}

/// A booking's place as the ledger writes it.
pub fn place_of(booking: &Booking, user: Option<crate::ids::UserId>, server: Zone) -> Option<Place> {
    // A wall time that happens twice is stored without saying which; the server reads it as the later one.
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
