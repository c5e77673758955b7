//! The two zones of a practice, its days, and the window that has to be read for them.
//!
//! OpenVPMS thinks in the zone of its server: the slot grid and the walk over days are its wall clock. Healthengine
//! thinks in the zone of the practice: days, and the `HH:MM` of a range. The two are equal as a rule and never assumed
//! to be.

use chrono::{
    DateTime, Days as CalendarDays, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike, Utc,
};

use crate::openvpms::Window;
use crate::span::{Span, normalised};
use crate::zone::Zone;

/// The zone of the OpenVPMS server and the zone in which Healthengine sees the practice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Zones {
    /// Slot grid and midnights of the diary.
    pub server: Zone,
    /// Days and times as pet owners read them.
    pub practice: Zone,
}

/// Why a local time names no single moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClockFault {
    /// The clocks jump over it.
    Skipped,
    /// The clocks are put back and show it a second time.
    Doubled,
}

impl Zones {
    /// The moment that a time at the practice names, if it is one time and no other in both zones.
    ///
    /// OpenVPMS keeps wall times: a moment whose wall time at the server is doubled would come back as another one.
    pub fn moment(&self, practice_wall: NaiveDateTime) -> Result<DateTime<Utc>, ClockFault> {
        match self.practice.instants(practice_wall) {
            LocalResult::None => Err(ClockFault::Skipped),
            LocalResult::Ambiguous(..) => Err(ClockFault::Doubled),
            LocalResult::Single(at) => match self.fault(at) {
                None => Ok(at),
                Some(fault) => Err(fault),
            },
        }
    }

    /// What is wrong with the local times of a moment, in either zone. A moment is never skipped.
    pub fn fault(&self, at: DateTime<Utc>) -> Option<ClockFault> {
        let doubled = |zone: &Zone| zone.instant(zone.wall(at)).is_none();
        (doubled(&self.server) || doubled(&self.practice)).then_some(ClockFault::Doubled)
    }

    /// The set of moments inside `within` whose local time happens twice in either zone.
    pub fn doubled(&self, within: Span) -> Vec<Span> {
        normalised(doubled_in(&self.server, within).into_iter().chain(doubled_in(&self.practice, within)))
    }
}

/// So large a difference between diary and practice is no daylight saving: whoever reads the diary means other times.
const SHIFT_IS_WRONG: TimeDelta = TimeDelta::hours(2);

/// What becomes of the diary's times where the server's zone names no place, so that nobody knows what its staff mean by them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiaryShift {
    /// What is 09:00 in the diary of today, as pet owners read it.
    pub nine_today: NaiveTime,
    /// The same half a year later.
    pub nine_later: NaiveTime,
    /// True if it is more than the hour of daylight saving.
    pub is_wrong: bool,
}

impl Zones {
    /// `None` where the server's zone is that of a place, or shows the practice's times all the year.
    pub fn diary_shift(&self, now: DateTime<Utc>) -> Option<DiaryShift> {
        const HALF_A_YEAR: TimeDelta = TimeDelta::days(182);
        let shift = |at: DateTime<Utc>| self.practice.wall(at) - self.server.wall(at);
        let (today, later) = (shift(now), shift(now + HALF_A_YEAR));
        if self.server.names_a_place() || (today.is_zero() && later.is_zero()) {
            return None;
        }
        let nine = NaiveTime::MIN + TimeDelta::hours(9);
        let is_wrong = today.abs().max(later.abs()) >= SHIFT_IS_WRONG;
        Some(DiaryShift { nine_today: nine + today, nine_later: nine + later, is_wrong })
    }
}

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

/// What to read in order to know these days at the practice: midnight to midnight of the server's zone, because the
/// server walks from the *time of day* of `from` (guide to the Booking API, as recorded: "How schedule free/busy is
/// computed"). Where the clocks jump over midnight, as in Havana or Beirut, a day begins at 01:00, and from there the
/// walk would miss the first hour of every day after it: the window begins at the midnight before.
///
/// One more day than the practice's days touch is asked for, so that it is known whether an appointment that begins
/// late on the last day can run past midnight. Without it such a day would look different in a reading of the near days
/// and in one of the horizon, and be sent to and fro.
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

/// The first minute of `day` at the practice that is not before `at`: 0 when `at` is earlier than the day, 1440 when
/// the day is over. Minutes that happen twice are never offered, so the wall clock orders all that are.
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

/// Where a zone's clocks are put back within the span, both passes of the doubled time.
fn doubled_in(zone: &Zone, within: Span) -> Vec<Span> {
    let Zone::Iana(_) = zone else { return Vec::new() };
    let offset = |at: DateTime<Utc>| zone.wall(at) - at.naive_utc();
    let mut doubled = Vec::new();
    // A day more on each side: the change may lie just outside and its second pass inside. No zone changes twice in a
    // day.
    let (mut from, end) = (within.start - TimeDelta::days(1), within.end + TimeDelta::days(1));
    while from < end {
        let to = from + TimeDelta::days(1);
        let back = offset(from) - offset(to);
        if back > TimeDelta::zero() {
            let change = change_between(from, to, |at| offset(at) == offset(from));
            doubled.push(Span::new(change - back, change + back).cut(&within));
        }
        from = to;
    }
    doubled
}

/// The first second between two moments at which a condition that holds at first no longer does.
fn change_between(from: DateTime<Utc>, to: DateTime<Utc>, holds: impl Fn(DateTime<Utc>) -> bool) -> DateTime<Utc> {
    let (mut holds_at, mut seconds) = (from, (to - from).num_seconds());
    // Zones change on whole seconds; `from` need not be one.
    holds_at -= TimeDelta::nanoseconds(i64::from(holds_at.timestamp_subsec_nanos()));
    while seconds > 1 {
        let half = seconds / 2;
        let middle = holds_at + TimeDelta::seconds(half);
        if holds(middle) {
            holds_at = middle;
            seconds -= half;
        } else {
            seconds = half;
        }
    }
    holds_at + TimeDelta::seconds(1)
}

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
