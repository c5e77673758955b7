//! Times of appointments as operators read them, in the form of the pages.

use chrono::{DateTime, NaiveDateTime, Utc};

use crate::booking::entry::Entry;
use crate::zone::Zone;

/// When an appointment begins, as far as that is known.
pub(super) fn when(entry: &Entry, zone: Zone) -> String {
    entry.begins(zone).map_or_else(|| "an unknown time".into(), |start| wall(start, zone))
}

/// The same behind the number of a booking: a booking is for a time, and is settled at another.
pub(super) fn for_when(entry: &Entry, zone: Zone) -> String {
    format!("for {}", when(entry, zone))
}

/// A moment on the practice's wall.
pub(super) fn wall(at: DateTime<Utc>, zone: Zone) -> String {
    on_wall(zone.wall(at))
}

/// A time on a wall. The sentence that has it is kept, so it says neither "today" nor "tomorrow".
pub(super) fn on_wall(at: NaiveDateTime) -> String {
    at.format("%a %-d %b %Y %H:%M").to_string()
}
