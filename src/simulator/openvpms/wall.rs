//! How the server turns wall time into instants and back: as Java's calendar does.

use chrono::{DateTime, LocalResult, NaiveDateTime, TimeDelta, Utc};

use crate::zone::Zone;

/// The instant that Java takes a wall time for: in the hour that happens twice the second pass, and
/// in the hour that does not exist the time as the old offset has it (02:30 becomes 03:30).
pub(super) fn instant(zone: &Zone, wall: NaiveDateTime) -> DateTime<Utc> {
    match zone.instants(wall) {
        LocalResult::Single(at) => at,
        LocalResult::Ambiguous(a, b) => a.max(b),
        LocalResult::None => {
            // No zone is further than 14 hours from UTC, so this is before the gap, and no zone has
            // two changes within two days.
            let before = zone.at(wall.and_utc() - TimeDelta::hours(30));
            (wall - *before.offset()).and_utc()
        }
    }
}

/// The wall time that the database keeps of an instant: in whole seconds.
pub(super) fn stored(zone: &Zone, at: DateTime<Utc>) -> NaiveDateTime {
    let at = DateTime::from_timestamp(at.timestamp(), 0).unwrap_or(at);
    zone.wall(at)
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::*;

    fn at(zone: &str, day: (i32, u32, u32), hour: u32, minute: u32) -> String {
        let wall = NaiveDate::from_ymd_opt(day.0, day.1, day.2).unwrap().and_hms_opt(hour, minute, 0).unwrap();
        let zone: Zone = zone.parse().unwrap();
        zone.at(instant(&zone, wall)).to_rfc3339()
    }

    #[test]
    fn a_doubled_wall_time_is_the_second_and_a_skipped_one_is_carried_forward() {
        assert_eq!(at("Australia/Sydney", (2027, 4, 4), 2, 30), "2027-04-04T02:30:00+10:00");
        assert_eq!(at("Australia/Sydney", (2027, 10, 3), 2, 30), "2027-10-03T03:30:00+11:00");
        assert_eq!(at("Australia/Lord_Howe", (2027, 4, 4), 1, 45), "2027-04-04T01:45:00+10:30");
        assert_eq!(at("Australia/Lord_Howe", (2027, 10, 3), 2, 10), "2027-10-03T02:40:00+11:00");
        assert_eq!(at("GMT+10:00", (2027, 4, 4), 2, 30), "2027-04-04T02:30:00+10:00");
    }
}
