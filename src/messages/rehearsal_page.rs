//! What the pages of a rehearsal say.

use super::{counted, ended, plain};
use crate::ids::{BookingId, BookingReference, PracticeId};
use crate::mapping::LeftOut;

/// The same on the page, with what to type.
pub const ONLY_READS_HERE: &str =
    "This rehearsal only reads OpenVPMS. Start it with `vetbridge rehearse --book` to book.";
/// The name of the first page.
pub const TITLE: &str = "Rehearsal";
/// On every page, also on those that a service has, first.
pub const BANNER: &str = "Nothing on this page is at Healthengine.";
/// Heads the findings.
pub const WRONG: &str = "What is wrong";
/// No finding.
pub const NOTHING_WRONG: &str = "Nothing was found.";
/// A finding that keeps something from working.
pub const PROBLEM: &str = "problem";
/// A finding that is worth knowing.
pub const NOTE: &str = "note";
/// Heads the table of resources.
pub const OFFERED: &str = "What pet owners would be offered";
/// A resource without times.
pub const NO_TIME: &str = "no time within the horizon";
/// Opens what was sent.
pub const WOULD_BE_SENT: &str = "What would be sent to Healthengine";
/// Heads the liveness contract.
pub const LIVENESS: &str = "Liveness contract";
/// Heads the resources.
pub const RESOURCES: &str = "Resources";
/// Heads the appointment types.
pub const TYPES: &str = "Appointment types";
/// Nothing was sent.
pub const NOT_SENT_YET: &str = "Nothing was sent yet.";
/// A day without live hours.
pub const NO_HOURS: &str = "none";
/// Heads the bookings of the round.
pub const ROUND: &str = "Bookings that were made and cancelled again";
/// An appointment that OpenVPMS shows as it was booked.
pub const AS_BOOKED: &str = "reads back as booked, its time taken";
/// An appointment that OpenVPMS does not show.
pub const TAKEN_ONLY: &str = "its time taken (this server shows no booking that stands: 500)";
/// What the times of a day are.
pub const AS_A_PET_OWNER: &str = "Each time is one that a pet owner could choose.";
/// What a remedy in the configuration needs.
pub const READ_ONCE: &str = "The configuration was read at the start: after a change of it start the rehearsal again.";
/// Which times can be booked here.
pub const A_DAY_AWAY: &str = "A time that is a day away or more is a button that books it.";
/// A query without a day.
pub const NO_DATE: &str = "The day is to be written as 2027-02-16.";
/// A day without times.
pub const NOTHING_OFFERED: &str = "Nothing is offered.";
/// The way to the picture of the day.
pub const WHY: &str = "Why the other times are not offered";
/// The same of a day without any.
pub const WHY_NOTHING: &str = "Why";
/// A choice that is none.
pub const NO_CHOICE: &str = "Appointment type and time are not as the page writes them.";
/// A choice that is gone.
pub const NOT_OFFERED_NOW: &str = "This time is no longer offered.";
/// A choice that comes too late.
pub const ENDING: &str = "The rehearsal is about to end.";
/// What a press does.
pub const BOOKING: &str = "An appointment is made in OpenVPMS, for a person who does not exist, with the notes \
     \"vetbridge rehearsal\". The rehearsal cancels it at its end if nobody does before.";
/// What the two buttons differ in.
pub const NEW_OR_KNOWN: &str = "A new client is one of whom Healthengine says so with the booking (isNewPatient). A \
     rule with new_patients = \"reject\" turns them away, and no appointment is made.";
/// The button.
pub const BOOK_AS_KNOWN: &str = "Book as a known client";
/// The same as somebody else.
pub const BOOK_AS_NEW: &str = "Book as a new client";
/// The other button.
pub const CANCEL: &str = "Cancel this booking";
/// A booking that does not stand.
pub const NOTHING_TO_CANCEL: &str = "This booking does not stand.";
/// Heads what the pet owner sees.
pub const PET_OWNER: &str = "What the pet owner sees";
/// Heads what the bridge did.
pub const BRIDGE: &str = "What vetbridge did";
/// No entry in the ledger.
pub const NOT_POLLED_YET: &str = "It has not heard of it yet: it asks Healthengine every few seconds.";
/// The way to the ledger's story.
pub const STORY: &str = "The booking in the ledger";
/// They wait.
pub const PET_OWNER_WAITS: &str = "The booking is being made.";
/// They were told yes.
pub const PET_OWNER_CONFIRMED: &str = "The booking is confirmed.";
/// They were told no.
pub const PET_OWNER_REJECTED: &str = "The booking is rejected: other times are shown.";
/// They gave it up.
pub const PET_OWNER_CANCELLED: &str = "The booking is cancelled; the clinic has not taken it out of the diary yet.";
/// They gave it up, and it is out of the diary.
pub const PET_OWNER_DONE: &str = "The booking is cancelled.";

/// How the diary had it, and whether it was seen to be out of it again.
pub fn in_the_diary(shown: &str, is_free_again: bool) -> String {
    if is_free_again { format!("{shown}, then free again") } else { shown.to_owned() }
}

/// A practice without a name.
pub fn practice(id: &PracticeId) -> String {
    format!("Practice {}", plain(&id.0))
}

/// What the times are.
pub fn times_of(zone: &str) -> String {
    format!("Times are those of {}.", plain(zone))
}

/// What the page is, with and without bookings.
pub fn banner(books: bool) -> &'static str {
    if books {
        "The built-in Healthengine stands in its place. Bookings are made in the clinic's own OpenVPMS and cancelled \
         again."
    } else {
        "The built-in Healthengine stands in its place, and the clinic's own OpenVPMS is only read."
    }
}

/// How far the first sending is.
pub fn publishing(done: usize, all: usize) -> String {
    format!("{done} of {} were sent so far; the rest follows.", counted(all, "day"))
}

/// A resource that is not offered.
pub fn left_out(left_out: &LeftOut) -> String {
    super::configuration_sync::left_out(left_out)
}

/// A practice that is not rehearsed.
pub fn no_such_practice(id: &PracticeId) -> String {
    format!("Practice {} is not rehearsed.", plain(&id.0))
}

/// A resource that is not offered.
pub fn no_such_resource(resource: &str, practice: &PracticeId) -> String {
    format!("Practice {} offers no resource {}.", plain(&practice.0), plain(resource))
}

/// A booking that was never made.
pub fn no_such_booking(id: BookingId) -> String {
    format!("There is no booking {id} in this rehearsal.")
}

/// The heading of a booking.
pub fn booking(id: BookingId) -> String {
    format!("Booking {id}")
}

/// Asked once more.
pub fn book_question(kind: &str, resource: &str) -> String {
    format!("Book {}, {}?", plain(kind), plain(resource))
}

/// Healthengine does not take it.
pub fn not_booked(why: &str) -> String {
    format!("It was not booked: {}", ended(why))
}

/// The appointment in OpenVPMS.
pub fn reference(reference: &BookingReference) -> String {
    format!("Booking reference in OpenVPMS: {}", plain(&reference.0))
}
