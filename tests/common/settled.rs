//! Bookings of long ago, as nearly every one is remembered.
//!
//! Included by path (`#[path = "common/settled.rs"] mod settled;`).

use chrono::TimeDelta;
use vetbridge::booking::answered::Acknowledged;
use vetbridge::booking::entry::{Entry, HistoryItem, Place, State};
use vetbridge::booking::state_reason::StateReason;
use vetbridge::clock::Clock;
use vetbridge::ids::{AppointmentTypeId, BookingId, BookingReference, LocationId, PracticeId, ScheduleId};
use vetbridge::span::Span;

/// A booking of a hundred days ago. Those with greater numbers are later ones.
pub(crate) fn settled(practice: &str, number: i64) -> Entry {
    let end = Clock::system().now() - TimeDelta::days(100) + TimeDelta::seconds(number);
    let id = BookingId(36_000_000 + number);
    let mut entry = Entry::received(id, PracticeId(practice.into()), None, "p".repeat(32), end);
    let (start, appointment_type) = (end - TimeDelta::minutes(15), AppointmentTypeId(66));
    let span = Span::new(start, end);
    entry.place =
        Some(Place { location: LocationId(98), schedule: ScheduleId(136), user: None, appointment_type, span });
    entry.reference = Some(BookingReference(format!("{number}:be08d2d4-3f4f-4b1e-8b0a-2f6a3a6f4b61")));
    entry.booked_at = Some(start);
    (entry.state, entry.answered.acknowledged, entry.diary.inserted_at) =
        (State::Confirmed, Acknowledged::Yes, Some(start));
    let came = [
        (State::Submitting, StateReason::SlotIsFree),
        (State::Inserted, StateReason::Inserted),
        (State::Confirmed, StateReason::ConfirmationTaken),
    ];
    entry.history.extend(came.map(|(state, reason)| HistoryItem { state, at: start, reason }));
    entry
}
