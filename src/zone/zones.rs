//! The two zones of a practice.
//!
//! OpenVPMS thinks in the zone of its server: the slot grid and the walk over days are its wall
//! clock. Healthengine thinks in the zone of the practice: days, and the `HH:MM` of a range. The
//! two are equal as a rule and never assumed to be.

use chrono::{DateTime, LocalResult, NaiveDateTime, NaiveTime, TimeDelta, Utc};

use super::Zone;
use crate::span::{Span, normalised};

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
    /// OpenVPMS keeps wall times: a moment whose wall time at the server is doubled would come back
    /// as another one.
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
        let at_server = doubled_in(&self.server, within);
        let at_practice = if self.practice == self.server { Vec::new() } else { doubled_in(&self.practice, within) };
        normalised(at_server.into_iter().chain(at_practice))
    }
}

/// So large a difference between diary and practice is no daylight saving: whoever reads the diary
/// means other times.
const SHIFT_IS_WRONG: TimeDelta = TimeDelta::hours(2);

/// What becomes of the diary's times where the server's zone names no place, so that nobody knows
/// what its staff mean by them.
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
    /// `None` where the server's zone is that of a place, or shows the practice's times all the
    /// year.
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

/// Where a zone's clocks are put back within the span, both passes of the doubled time.
fn doubled_in(zone: &Zone, within: Span) -> Vec<Span> {
    let Zone::Iana(_) = zone else { return Vec::new() };
    let offset = |at: DateTime<Utc>| zone.wall(at) - at.naive_utc();
    let mut doubled = Vec::new();
    // A day more on each side: the change may lie just outside and its second pass inside. No zone
    // changes twice in a day.
    let (mut from, end) = (within.start - TimeDelta::days(1), within.end + TimeDelta::days(1));
    let mut before = offset(from);
    while from < end {
        let to = from + TimeDelta::days(1);
        let after = offset(to);
        let back = before - after;
        if back > TimeDelta::zero() {
            let change = change_between(from, to, |at| offset(at) == before);
            doubled.push(Span::new(change - back, change + back).cut(&within));
        }
        (from, before) = (to, after);
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
