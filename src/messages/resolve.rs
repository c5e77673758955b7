//! What is said when a person settles a booking: in its history, in its flag, and to the person.

use std::fmt::{self, Display};

use crate::booking::entry::{Entry, State};
use crate::booking::flag::FailedAttempt;
use crate::booking::resolution::{Objection, ScheduleAndTime};
use crate::ids::{BookingId, PracticeId};
use crate::zone::Zone;

use super::appointment_times::{for_when, on_wall};

/// How a flag ends. Said beside what the flag says itself, wherever somebody can read that:
/// `booking` is its number, or stands for it.
pub fn how_to_settle(booking: impl Display) -> String {
    format!(
        "Once that is done, `vetbridge bookings resolve {booking}` settles it, with --confirmed, --rejected or \
         --cancelled as the diary has it"
    )
}

/// Beside a booking whose pet owner's cancellation waits for OpenVPMS.
pub const CANCELLATION_WAITS: &str =
    "The pet owner has cancelled, and OpenVPMS has not cancelled the appointment yet: vetbridge goes on asking it.";
/// The same once OpenVPMS will not.
pub const CANCELLATION_REFUSED: &str =
    "The pet owner has cancelled, and vetbridge cannot cancel the appointment in OpenVPMS.";

/// Healthengine's silence.
pub const NO_ANSWER: &str = "Healthengine does not answer";
/// Healthengine's refusal.
pub const REFUSED: &str = "Healthengine refuses the answer and keeps asking";

/// Settled here, and Healthengine does not know.
pub fn unheard(entry: &Entry, zone: Zone, why: &str) -> String {
    let (booking, at) = (entry.booking_id, for_when(entry, zone));
    let outcome = match entry.state {
        State::Inserted | State::Confirmed | State::InDoubt => "confirmed",
        State::Cancelled => "cancelled",
        State::Rejected | State::Received | State::Submitting => "rejected",
    };
    format!(
        "Healthengine booking {booking} {at} is {outcome} here, and Healthengine does not know ({why}). vetbridge \
         goes on telling it while the practice is on; if this stays, look at the booking in Healthengine's portal."
    )
}

const ATTEMPT: &str = " An attempt to resolve it failed: ";

/// True if the sentence says that an attempt failed.
pub(super) fn tells_of_an_attempt(sentence: &str) -> bool {
    sentence.contains(ATTEMPT)
}

/// The sentence that stands, with what went wrong last.
impl fmt::Display for FailedAttempt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sentence = self.sentence.split(ATTEMPT).next().unwrap_or_default();
        write!(f, "{sentence}{ATTEMPT}OpenVPMS did not answer as it should ({}).", self.why)
    }
}

/// For whoever typed the command.
impl fmt::Display for Objection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sentence = match self {
            Self::OnItsWay => {
                "The booking is on its way to OpenVPMS, and vetbridge still finds out whether the \
                 appointment was made. It settles by itself, or is flagged, once OpenVPMS can be read"
            }
            Self::IsCancelled => {
                "Healthengine has the booking as cancelled, and that cannot be taken back: the pet owner \
                 has to book again"
            }
            Self::IsGivenUp => {
                "The pet owner cancelled this booking at Healthengine: resolve with --cancelled, which \
                 cancels the appointment too. If the visit takes place all the same, add --force"
            }
            Self::IsRejected => {
                "The booking was rejected and the pet owner was told so, which cannot be taken back: an \
                 appointment in the diary is the practice's own"
            }
            Self::NeedsReference => {
                "The ledger knows no appointment of this booking: give its reference, as --confirmed REFERENCE. One \
                 that was made by hand in OpenVPMS has no such reference: then resolve with --confirmed --force"
            }
            Self::BadReference => {
                "That is no booking reference: it has 1 to 200 visible ASCII characters, as \
                 603:be08f3c6-3a0e-4bb9-a8a1-8d6b7d3ec1a2"
            }
            Self::IsGone => {
                "OpenVPMS has no such booking: it was cancelled or never made. If there is no appointment, \
                 resolve with --rejected or --cancelled. If somebody made another one by hand, resolve with \
                 --confirmed --force, without a reference"
            }
            Self::Foreign => {
                "OpenVPMS did not write this reference. Copy the whole of it, or leave it out. An appointment that \
                 was made by hand has none: then resolve with --confirmed --force"
            }
            Self::Unseen => {
                "OpenVPMS does not say where this booking stands (status 500). Some servers answer so for \
                 every booking that stands; if you saw it in the diary at its time, add --force"
            }
            Self::ItStands => {
                "OpenVPMS has the appointment in the diary. If it is to go, resolve with --cancelled, \
                 which cancels it in both systems; if it is right, with --confirmed"
            }
            Self::PerhapsItStands => {
                "OpenVPMS does not say whether the appointment stands (status 500), and some \
                 servers answer so for every one that does. Resolve with --cancelled, which makes sure of it"
            }
            Self::VisitHasBegun => {
                "OpenVPMS does not cancel the appointment, because the visit has begun or is over. \
                 If the visit takes place, resolve with --confirmed; else cancel it in OpenVPMS first"
            }
            Self::StandsElsewhere { there, here } => {
                let elsewhere = reference_elsewhere(there, here.as_ref());
                return write!(f, "{elsewhere}. If it is the right one all the same, add --force");
            }
        };
        f.write_str(sentence)
    }
}

/// A reference of another place or time.
pub(super) fn reference_elsewhere(there: &ScheduleAndTime, here: Option<&ScheduleAndTime>) -> String {
    let at = |own: &ScheduleAndTime| format!("schedule {} at {}", own.schedule, on_wall(own.start));
    let booked = here.map_or_else(
        || "vetbridge does not know for when the booking is".to_owned(),
        |here| format!("the booking is for {}", at(here)),
    );
    format!("OpenVPMS has this reference on {}, and {booked}", at(there))
}

/// It went to OpenVPMS after the person had looked.
pub const OVERTAKEN: &str = "vetbridge sent this booking to OpenVPMS while this answer waited, so the diary can have \
     changed: look into it again";
/// Somebody is at it.
pub const BUSY: &str = "vetbridge is dealing with this booking at this moment. Try again in a minute";
/// The task ended.
pub const INTERRUPTED: &str = "The booking was not resolved, because vetbridge was stopped. Look at it, and try again";
/// One appointment for two pet owners.
pub fn taken_by(other: BookingId) -> String {
    format!("This reference is the appointment of Healthengine booking {other}")
}

/// Nobody has the practice's key.
pub fn practice_gone(practice: &PracticeId) -> String {
    format!(
        "The booking belongs to practice {}, which is not in the configuration any more, so that vetbridge has no key \
         to tell Healthengine with. Put its [[practice]] back with enabled = false, and settle the booking then",
        super::plain(&practice.0)
    )
}

/// OpenVPMS did not answer.
pub fn openvpms_failed(why: impl Display) -> String {
    format!("OpenVPMS did not answer as it should ({why}). Nothing was settled; try again when it can be reached")
}
