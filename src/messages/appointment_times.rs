//! Times of appointments as operators read them.

use chrono::{DateTime, Utc};

use crate::booking::entry::Entry;
use crate::zone::Zone;

/// When an appointment begins, as far as that is known.
pub(super) fn when(entry: &Entry, zone: Zone) -> String {
    entry.begins(zone).map_or_else(|| "an unknown time".into(), |start| wall(start, zone))
}

/// A moment on the practice's wall.
pub(super) fn wall(at: DateTime<Utc>, zone: Zone) -> String {
    zone.wall(at).format("%Y-%m-%d %H:%M").to_string()
}
