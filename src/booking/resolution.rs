//! A person looked into the diary and says what became of a booking. What is asked of OpenVPMS
//! before that is believed, and what its answers make of it.
//!
//! | said | asked | believed |
//! | --- | --- | --- |
//! | confirmed | GET the reference | if schedule and start are the ledger's and the pet owner did not cancel; else by force |
//! | confirmed, made by hand | GET the reference that the ledger has, if it has one | by force, unless that one stands: then it is confirmed |
//! | rejected | GET the reference, if one is known | unless it stands: that would be cancelled, not rejected |
//! | cancelled | DELETE the reference, if one is known | if it is gone, then or already |
//!
//! What Healthengine has settled for its pet owner in time cannot be taken back, whatever the diary
//! says; and a booking whose POST is under way settles itself first. Every other booking can be
//! resolved, flagged or not: whoever cancels an appointment by this command need not wait until
//! something is wrong with it. Nothing is changed here: the ledger and Healthengine follow in
//! [`super::machine`].

use std::fmt;
use std::str::FromStr;

use chrono::NaiveDateTime;

use super::diary_watch;
use super::entry::{Entry, State};
use super::machine::ResolvedAs;
use super::problem::WhyItStands;
use super::update::{AfterCancel, after_cancel};
use crate::call_error::{Answer, ErrorClass};
use crate::ids::{BookingReference, ScheduleId};
use crate::openvpms::{BOOKING_NOT_FOUND, Booking, INVALID_REFERENCE};
use crate::zone::Zone;

/// What a person says became of a booking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolution {
    /// The appointment stands.
    Confirmed {
        /// Its reference in OpenVPMS; absent: the one that the ledger has.
        reference: Option<BookingReference>,
        /// Also if OpenVPMS has it elsewhere, or does not show it.
        force: bool,
    },
    /// There is no appointment.
    Rejected,
    /// The appointment is to be cancelled, or was.
    Cancelled,
}

/// What is asked of OpenVPMS before a resolution is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DiaryCheck {
    /// GET.
    Get(BookingReference),
    /// DELETE.
    Delete(BookingReference),
    /// Nothing: this is all there is to know.
    Nothing(ResolvedAs),
    /// Nothing, and nothing is to be done: both systems have it so.
    AlreadySettled,
}

impl DiaryCheck {
    /// In a few words, for the log.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Get(_) => "ask for the appointment",
            Self::Delete(_) => "cancel the appointment",
            Self::Nothing(_) => "nothing to ask",
            Self::AlreadySettled => "already settled",
        }
    }
}

/// Why a booking is not resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unresolved {
    /// It would be wrong, for this reason; nothing was changed.
    Refused(Objection),
    /// OpenVPMS did not answer as it should.
    Failed(String),
}

/// Why what a person says of a booking would be wrong. `messages` has a sentence for whoever typed
/// it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Objection {
    /// The reference is none that OpenVPMS writes.
    BadReference,
    /// The booking's POST is under way, or its outcome is not known yet.
    OnItsWay,
    /// Healthengine has it as cancelled.
    IsCancelled,
    /// It was rejected in time.
    IsRejected,
    /// The pet owner cancelled, and the appointment could not be.
    IsGivenUp,
    /// No appointment of it is known.
    NeedsReference,
    /// OpenVPMS has no such booking.
    IsGone,
    /// OpenVPMS did not write the reference.
    Foreign,
    /// OpenVPMS does not say where it stands.
    Unseen,
    /// OpenVPMS has the appointment in the diary.
    ItStands,
    /// OpenVPMS does not say whether it stands.
    PerhapsItStands,
    /// OpenVPMS does not cancel it.
    VisitHasBegun,
    /// OpenVPMS has it in another place or at another time.
    StandsElsewhere {
        /// As OpenVPMS has it.
        there: ScheduleAndTime,
        /// As the ledger has it, if it does.
        here: Option<ScheduleAndTime>,
    },
}

/// A schedule, and a time by the server's clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScheduleAndTime {
    /// The schedule.
    pub schedule: ScheduleId,
    /// The time.
    pub start: NaiveDateTime,
}

/// A line that a person leaves in the history of a booking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note(String);

/// The longest note.
pub const NOTE_CHARS_MAX: usize = 200;

/// A text that is no note.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a note is one line of 1 to {NOTE_CHARS_MAX} characters")]
pub struct BadNote;

impl FromStr for Note {
    type Err = BadNote;

    fn from_str(text: &str) -> Result<Self, BadNote> {
        let text = text.trim();
        let fits = !text.is_empty() && text.chars().count() <= NOTE_CHARS_MAX && !text.contains(char::is_control);
        if fits { Ok(Self(text.to_owned())) } else { Err(BadNote) }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The longest reference that a person can give; OpenVPMS's have some fifty characters.
const REFERENCE_BYTES_MAX: usize = 200;

/// A reference as a person gives it. That it is one of OpenVPMS's only OpenVPMS can say.
///
/// # Errors
/// It is empty, too long, or has characters that no reference has.
pub fn reference(text: &str) -> Result<BookingReference, Unresolved> {
    let text = text.trim();
    let fits =
        !text.is_empty() && text.len() <= REFERENCE_BYTES_MAX && text.bytes().all(|byte| byte.is_ascii_graphic());
    if fits { Ok(BookingReference(text.to_owned())) } else { Err(Unresolved::Refused(Objection::BadReference)) }
}

/// An appointment that staff made in OpenVPMS: it has no online booking reference, so Healthengine
/// is told none, and nobody can cancel it online.
const MADE_BY_HAND: ResolvedAs = ResolvedAs::Confirmed { reference: None, place: None };

/// What to ask first.
///
/// # Errors
/// The resolution cannot be true, or not be carried out.
pub fn diary_check(entry: &Entry, said: &Resolution) -> Result<DiaryCheck, Unresolved> {
    if entry.state == State::Submitting {
        return Err(Unresolved::Refused(Objection::OnItsWay));
    }
    let is_over = entry.is_acknowledged() && matches!(entry.state, State::Rejected | State::Cancelled);
    let is_flagged = entry.needs_attention.is_some();
    match said {
        Resolution::Confirmed { .. } if is_over && entry.state == State::Cancelled => {
            Err(Unresolved::Refused(Objection::IsCancelled))
        }
        Resolution::Confirmed { .. } if is_over && (!is_flagged || entry.answered.rejected_in_time) => {
            Err(Unresolved::Refused(Objection::IsRejected))
        }
        Resolution::Confirmed { force: false, .. } if entry.given_up => Err(Unresolved::Refused(Objection::IsGivenUp)),
        Resolution::Confirmed { reference, force } => match reference.as_ref().or(entry.reference.as_ref()) {
            Some(reference) => Ok(DiaryCheck::Get(reference.clone())),
            // The ledger takes it for standing, and a person has seen it.
            None if entry.stands() => Ok(DiaryCheck::Nothing(MADE_BY_HAND)),
            // Nobody but this person can say so: OpenVPMS has no reference for what staff make.
            None if *force => Ok(DiaryCheck::Nothing(MADE_BY_HAND)),
            None => Err(Unresolved::Refused(Objection::NeedsReference)),
        },
        Resolution::Rejected | Resolution::Cancelled if is_over && !is_flagged => Ok(DiaryCheck::AlreadySettled),
        Resolution::Rejected => Ok(match &entry.reference {
            Some(reference) if entry.state != State::Cancelled => DiaryCheck::Get(reference.clone()),
            Some(_) | None => DiaryCheck::Nothing(ResolvedAs::Rejected),
        }),
        Resolution::Cancelled => Ok(match &entry.reference {
            Some(reference) if entry.state != State::Cancelled => DiaryCheck::Delete(reference.clone()),
            Some(_) | None => DiaryCheck::Nothing(ResolvedAs::Cancelled),
        }),
    }
}

/// What follows from where OpenVPMS has the booking. `server` is the zone of its wall times.
///
/// # Errors
/// What OpenVPMS says is not what the person says, or it says nothing.
pub fn after_get(
    entry: &Entry,
    said: &Resolution,
    asked: &BookingReference,
    answer: &Answer<Booking>,
    server: Zone,
) -> Result<ResolvedAs, Unresolved> {
    let stands = |place| Ok(ResolvedAs::Confirmed { reference: Some(asked.clone()), place });
    match (said, answer) {
        (Resolution::Confirmed { force, .. }, Ok(booking)) => {
            let user = entry.place.as_ref().and_then(|place| place.user);
            let there = entry.place.filter(|place| diary_watch::is_there(place, booking, server));
            let found = there.or_else(|| diary_watch::place_of(booking, user, server));
            let agrees = entry.place.as_ref().is_some_and(|place| {
                place.schedule == booking.schedule && server.wall(place.span.start) == booking.start
            });
            if agrees || *force {
                stands(found)
            } else {
                Err(Unresolved::Refused(stands_elsewhere(entry, booking, server)))
            }
        }
        (Resolution::Rejected, Ok(_)) => Err(Unresolved::Refused(Objection::ItStands)),
        // On servers that answer so for every live booking it exists and is not cancelled; on
        // others it says nothing.
        (Resolution::Confirmed { force, .. }, Err(error)) if is_silent(error) => {
            if *force {
                stands(entry.place)
            } else {
                Err(Unresolved::Refused(Objection::Unseen))
            }
        }
        (Resolution::Rejected, Err(error)) if is_silent(error) => Err(Unresolved::Refused(Objection::PerhapsItStands)),
        // What was made through us is gone, and staff made another one by hand.
        (Resolution::Confirmed { reference: None, force: true }, Err(error))
            if error.is_refusal(404, BOOKING_NOT_FOUND) =>
        {
            Ok(MADE_BY_HAND)
        }
        (Resolution::Confirmed { .. }, Err(error)) if error.is_refusal(404, BOOKING_NOT_FOUND) => {
            Err(Unresolved::Refused(Objection::IsGone))
        }
        (Resolution::Confirmed { .. }, Err(error)) if error.is_refusal(400, INVALID_REFERENCE) => {
            Err(Unresolved::Refused(Objection::Foreign))
        }
        (Resolution::Rejected, Err(error))
            if error.is_refusal(404, BOOKING_NOT_FOUND) || error.is_refusal(400, INVALID_REFERENCE) =>
        {
            Ok(ResolvedAs::Rejected)
        }
        (Resolution::Confirmed { .. } | Resolution::Rejected, Err(error)) => Err(Unresolved::Failed(error.to_string())),
        // It is not asked for where it stands.
        (Resolution::Cancelled, _) => Ok(ResolvedAs::Cancelled),
    }
}

fn stands_elsewhere(entry: &Entry, booking: &Booking, server: Zone) -> Objection {
    let there = ScheduleAndTime { schedule: booking.schedule, start: booking.start };
    let here =
        entry.place.map(|place| ScheduleAndTime { schedule: place.schedule, start: server.wall(place.span.start) });
    Objection::StandsElsewhere { there, here }
}

fn is_silent(error: &crate::call_error::CallError) -> bool {
    error.class == ErrorClass::Unavailable && error.status == Some(500)
}

/// What follows from OpenVPMS's answer to the cancellation.
///
/// # Errors
/// The appointment stands, or nobody knows.
pub fn after_delete(answer: &Answer<()>) -> Result<ResolvedAs, Unresolved> {
    let Err(error) = answer else { return Ok(ResolvedAs::Cancelled) };
    match after_cancel(answer) {
        AfterCancel::Cancelled => Ok(ResolvedAs::Cancelled),
        // No appointment of this server is meant; the person has seen that there is none.
        AfterCancel::Stands(WhyItStands::ForeignReference) => Ok(ResolvedAs::Cancelled),
        AfterCancel::Stands(WhyItStands::VisitHasBegun) => Err(Unresolved::Refused(Objection::VisitHasBegun)),
        AfterCancel::Refused | AfterCancel::Again => Err(Unresolved::Failed(error.to_string())),
    }
}
