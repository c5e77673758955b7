//! Times of appointments as operators read them: on the pages, in commands, in sentences. The
//! search over all bookings looks for what these functions write.

use chrono::{DateTime, NaiveDateTime, Utc};

use crate::booking::entry::Entry;
use crate::zone::Zone;

/// When an appointment begins, as far as that is known.
pub(super) fn when(entry: &Entry, zone: Zone) -> String {
    entry.begins(zone).map_or_else(|| "an unknown time".into(), |start| dated(start, zone))
}

/// The same behind the number of a booking: a booking is for a time, and is settled at another.
pub(super) fn for_when(entry: &Entry, zone: Zone) -> String {
    format!("for {}", when(entry, zone))
}

/// A time on a wall. The sentence that has it is kept, so it says neither "today" nor "tomorrow".
pub(super) fn on_wall(at: NaiveDateTime) -> String {
    at.format("%a %-d %b %Y %H:%M").to_string()
}

/// A moment on the practice's wall, as commands have it: `2027-02-15 09:15`.
pub fn wall(at: DateTime<Utc>, zone: Zone) -> String {
    zone.wall(at).format("%Y-%m-%d %H:%M").to_string()
}

/// The same for whoever points at a time: `Monday 15 February 2027, 09:15`.
pub fn in_full(at: DateTime<Utc>, zone: Zone) -> String {
    zone.wall(at).format("%A %-d %B %Y, %H:%M").to_string()
}

/// The same as the pages have it of days that are not near: `Mon 15 Feb 2027 09:15`.
pub fn dated(at: DateTime<Utc>, zone: Zone) -> String {
    on_wall(zone.wall(at))
}

/// A time of an appointment as people say it: `tomorrow 09:15`, and further away [`dated`].
pub fn spoken(at: DateTime<Utc>, now: DateTime<Utc>, zone: Zone) -> String {
    let day = match (zone.wall(at).date() - zone.wall(now).date()).num_days() {
        0 => "today",
        1 => "tomorrow",
        -1 => "yesterday",
        _ => return dated(at, zone),
    };
    format!("{day} {}", zone.wall(at).format("%H:%M"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_days_have_names_and_the_others_their_date() {
        let zone: Zone = "Australia/Perth".parse().unwrap();
        let now: DateTime<Utc> = "2027-02-14T15:59:00Z".parse().unwrap();
        let says = |at: &str| spoken(at.parse().unwrap(), now, zone);
        assert_eq!(says("2027-02-14T15:00:00Z"), "today 23:00");
        assert_eq!(says("2027-02-14T16:00:00Z"), "tomorrow 00:00");
        assert_eq!(says("2027-02-13T01:15:00Z"), "yesterday 09:15");
        assert_eq!(says("2027-02-16T01:15:00Z"), "Tue 16 Feb 2027 09:15");
        let at = "2027-02-16T01:15:00Z".parse().unwrap();
        assert_eq!(
            (wall(at, zone).as_str(), in_full(at, zone).as_str()),
            ("2027-02-16 09:15", "Tuesday 16 February 2027, 09:15")
        );
    }
}
