//! The days of a practice, and the window that has to be read for them.

use chrono::{DateTime, Days as CalendarDays, NaiveDate, NaiveTime, TimeDelta, Timelike, Utc};

use crate::openvpms::Window;
use crate::span::Span;
use crate::zone::Zone;
use crate::zone::zones::Zones;

/// Whole days at the practice, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Days {
    /// The first of them.
    pub first: NaiveDate,
    /// How many.
    pub count: u32,
}

impl Days {
    /// A single day.
    pub fn one(day: NaiveDate) -> Self {
        Self { first: day, count: 1 }
    }

    /// Today, as the practice's wall calendar has it, and the days after it: `count` in all.
    pub fn from_today(now: DateTime<Utc>, practice: &Zone, count: u32) -> Self {
        Self { first: practice.wall(now).date(), count }
    }

    /// The days without the first `count`: what is left of the horizon after the near days.
    #[must_use]
    pub fn skip(self, count: u32) -> Self {
        let count = count.min(self.count);
        Self { first: self.first + CalendarDays::new(count.into()), count: self.count - count }
    }

    /// Those of them that are among others too.
    #[must_use]
    pub fn within(self, others: Self) -> Self {
        let end = |days: Self| days.first + CalendarDays::new(days.count.into());
        let (first, end) = (self.first.max(others.first), end(self).min(end(others)));
        Self { first, count: u32::try_from((end - first).num_days()).unwrap_or(0) }
    }

    /// Each day, in order.
    pub fn iter(self) -> impl Iterator<Item = NaiveDate> {
        (0..u64::from(self.count)).map(move |days| self.first + CalendarDays::new(days))
    }

    /// True if the day is one of them.
    pub fn holds(&self, day: NaiveDate) -> bool {
        (0..i64::from(self.count)).contains(&(day - self.first).num_days())
    }

    /// From the beginning of the first to the end of the last, in a zone.
    pub fn span(&self, zone: &Zone) -> Span {
        Span::new(zone.day_start(self.first), zone.day_start(self.first + CalendarDays::new(self.count.into())))
    }
}

/// What to read in order to know these days at the practice: midnight to midnight of the server's
/// zone, because the server walks from the *time of day* of `from` (guide to the Booking API, as
/// recorded: "How schedule free/busy is computed"). Where the clocks jump over midnight, as in
/// Havana or Beirut, a day begins at 01:00, and from there the walk would miss the first hour of
/// every day after it: the window begins at the midnight before.
///
/// One more day than the practice's days touch is asked for, so that it is known whether an
/// appointment that begins late on the last day can run past midnight. Without it such a day would
/// look different in a reading of the near days and in one of the horizon, and be sent to and fro.
pub fn window(days: Days, zones: &Zones) -> Span {
    let wanted = days.span(&zones.practice);
    let from = zones.server.midnight_before(zones.server.wall(wanted.start).date());
    let last = zones.server.wall(wanted.end - TimeDelta::nanoseconds(1)).date();
    Span::new(from, zones.server.day_start(last + CalendarDays::new(2)))
}

/// A window as OpenVPMS is asked for it: with the server's own offsets, as ranges.
pub fn question(window: Span, server: &Zone) -> Window {
    Window { from: server.at(window.start), to: server.at(window.end), slots: false }
}

/// The first minute of `day` at the practice that is not before `at`: 0 when `at` is earlier than
/// the day, 1440 when the day is over. Minutes that happen twice are never offered, so the wall
/// clock orders all that are.
pub(crate) fn first_minute_from(at: DateTime<Utc>, day: NaiveDate, practice: &Zone) -> u32 {
    let wall = practice.wall(at);
    if wall.date() != day {
        return if wall.date() < day { 0 } else { MINUTES_A_DAY };
    }
    let seconds = wall.num_seconds_from_midnight() + u32::from(wall.nanosecond() > 0);
    seconds.div_ceil(60)
}

/// As a clock on the wall counts them, whatever the clocks do that day.
pub(crate) const MINUTES_A_DAY: u32 = 24 * 60;

/// A time of day from minutes, `None` from 24:00 on.
pub(crate) fn time_of_minute(minute: u32) -> Option<NaiveTime> {
    NaiveTime::from_num_seconds_from_midnight_opt(minute.checked_mul(60)?, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_within_others_are_those_that_both_have() {
        let days = |first: u32, count| Days { first: NaiveDate::from_ymd_opt(2027, 2, first).unwrap(), count };
        assert_eq!(days(1, 10).within(days(5, 10)), days(5, 6));
        assert_eq!(days(5, 2).within(days(1, 20)), days(5, 2));
        assert_eq!(days(1, 4).within(days(5, 10)).count, 0);
        assert_eq!(days(20, 1).within(days(1, 19)).count, 0);
    }
}
