//! When every day is sent again, whatever was sent of it.
//!
//! A full resync makes everything count for nothing that was sent before the moment at which it
//! begins; it is sent again when it is next read. Only that moment is remembered. A schedule that
//! cannot be read, a Healthengine that goes away and a restart in the middle leave just what is
//! still to be sent, and nothing is sent twice.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};

use crate::zone::Zone;

/// True if the last one began before the latest moment at which the set time of day began. `last`
/// is absent if there was none that counts: the first sending of all days is one.
pub fn is_due(last: Option<DateTime<Utc>>, at: NaiveTime, zone: &Zone, now: DateTime<Utc>) -> bool {
    let Some(last) = last else { return true };
    let today = zone.wall(now).date();
    let latest = [Some(today), today.pred_opt()].into_iter().flatten().find_map(|day| {
        let began = first_instant_from(zone, day, at);
        (began <= now).then_some(began)
    });
    latest.is_some_and(|latest| last < latest)
}

/// The first instant of a day at or after a time on the wall, also where that time is skipped or
/// doubled.
fn first_instant_from(zone: &Zone, day: NaiveDate, time: NaiveTime) -> DateTime<Utc> {
    let wall = day.and_time(time);
    (0..=180)
        .find_map(|minutes| zone.instants(wall + TimeDelta::minutes(minutes)).earliest())
        .unwrap_or_else(|| zone.day_start(day))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_due_once_a_day_at_its_time_on_the_wall_also_where_that_is_skipped_or_doubled() {
        let zone: Zone = "Australia/Sydney".parse().unwrap();
        let at = NaiveTime::from_hms_opt(2, 30, 0).unwrap();
        let utc = |text: &str| DateTime::parse_from_rfc3339(text).unwrap().to_utc();
        assert!(is_due(None, at, &zone, utc("2026-11-29T00:00:00Z")));
        // 02:30 in Sydney is 15:30 UTC in summer. On 4 October 2026 it is skipped: 03:00 is 16:00
        // UTC.
        for (last, now, expected) in [
            ("2026-11-28T15:30:00Z", "2026-11-29T15:29:59Z", false),
            ("2026-11-28T15:30:00Z", "2026-11-29T15:30:00Z", true),
            ("2026-10-02T17:00:00Z", "2026-10-03T15:59:59Z", false),
            ("2026-10-02T17:00:00Z", "2026-10-03T16:00:00Z", true),
            // On 5 April 2026 it comes twice; the first time counts.
            ("2026-04-03T16:00:00Z", "2026-04-04T15:30:00Z", true),
            ("2026-04-04T15:30:00Z", "2026-04-04T16:30:00Z", false),
        ] {
            assert_eq!(is_due(Some(utc(last)), at, &zone, utc(now)), expected, "{last} {now}");
        }
    }
}
