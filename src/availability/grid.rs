//! The slot grid: at which moments an appointment may begin and end.
//!
//! OpenVPMS refuses a booking whose start or end is "not on a slot boundary". The grid is the
//! minute of the day *on the wall clock of the server*, modulo the slot size: it begins anew at
//! each midnight and follows the clocks when they change. So a slot is not always as long as the
//! slot size: the last one of a day is shorter where the size does not divide 24 hours, and a
//! change of the clocks can shift the grid in the middle of one.
//!
//! Lengths of appointments are real minutes. An appointment takes its length, rounded up to the
//! next moment on the grid.

use chrono::{DateTime, Days, LocalResult, NaiveDate, NaiveDateTime, TimeDelta, Timelike, Utc};

use super::window::{MINUTES_A_DAY, time_of_minute};
use crate::span::Span;
use crate::zone::Zone;
use crate::zone::zones::{ClockFault, Zones};

/// True if an appointment may begin or end at this moment.
pub fn is_on_grid(at: DateTime<Utc>, slot_size_minutes: u32, server: &Zone) -> bool {
    Beyond::new(at, slot_size_minutes, server).is_nothing()
}

/// When an appointment ends that begins at `start` and takes `length_minutes` real minutes, rounded
/// up to the grid.
pub fn appointment_end(
    start: DateTime<Utc>,
    length_minutes: u32,
    slot_size_minutes: u32,
    server: &Zone,
) -> DateTime<Utc> {
    grid_from(start + TimeDelta::minutes(length_minutes.into()), slot_size_minutes, server)
}

/// The first moment on the grid that is not before `at`.
pub fn grid_from(at: DateTime<Utc>, slot_size_minutes: u32, server: &Zone) -> DateTime<Utc> {
    let slot = slot_size_minutes.max(1);
    let beyond = Beyond::new(at, slot, server);
    if beyond.is_nothing() {
        return at;
    }
    let next = beyond.next_from(at, slot);
    if is_on_grid(next, slot, server) && same_offset(server, at, next) {
        return next;
    }
    let whole_minute = at - beyond.part_of_minute;
    walk(if beyond.part_of_minute.is_zero() { whole_minute } else { whole_minute + MINUTE }, MINUTE, slot, server)
}

/// The last moment on the grid that is not after `at`.
pub fn grid_to(at: DateTime<Utc>, slot_size_minutes: u32, server: &Zone) -> DateTime<Utc> {
    let slot = slot_size_minutes.max(1);
    let beyond = Beyond::new(at, slot, server);
    let place = at - beyond.time;
    if beyond.is_nothing() || is_on_grid(place, slot, server) && same_offset(server, place, at) {
        return place;
    }
    walk(at - beyond.part_of_minute, -MINUTE, slot, server)
}

/// How far the wall clock is beyond the last place on the grid.
#[derive(Clone, Copy)]
struct Beyond {
    /// Minute of the day of that place.
    place: u32,
    /// Since that place, as the wall clock counts.
    time: TimeDelta,
    /// Since the last whole minute.
    part_of_minute: TimeDelta,
}

impl Beyond {
    fn new(at: DateTime<Utc>, slot_size_minutes: u32, server: &Zone) -> Self {
        Self::of_wall(server.wall(at), slot_size_minutes)
    }

    fn of_wall(wall: NaiveDateTime, slot_size_minutes: u32) -> Self {
        let minute = wall.hour() * 60 + wall.minute();
        let beyond_minutes = minute % slot_size_minutes.max(1);
        let part_of_minute =
            TimeDelta::seconds(wall.second().into()) + TimeDelta::nanoseconds(wall.nanosecond().into());
        let time = TimeDelta::minutes(beyond_minutes.into()) + part_of_minute;
        Self { place: minute - beyond_minutes, time, part_of_minute }
    }

    fn is_nothing(&self) -> bool {
        self.time.is_zero()
    }

    /// The next place, or midnight, where every grid begins anew, unless the clocks change before.
    fn next_from(&self, at: DateTime<Utc>, slot: u32) -> DateTime<Utc> {
        at - self.time + TimeDelta::minutes(slot.min(MINUTES_A_DAY - self.place).into())
    }
}

/// A set of spans, each drawn in to the grid; what holds no two moments of the grid is gone.
pub fn snapped(set: &[Span], slot_size_minutes: u32, server: &Zone) -> Vec<Span> {
    let slot = slot_size_minutes.max(1);
    let mut clock = SteadyClock::new(server);
    let draw_in = |span: &Span| Span::new(clock.grid_from(span.start, slot), clock.grid_to(span.end, slot));
    set.iter().map(draw_in).filter(|span| !span.is_empty()).collect()
}

/// The grid along the wall clock of a server, for moments that follow each other. How far the clock
/// is ahead of UTC is looked up once for each stretch of about a day in which it does not change,
/// because in a time zone's history that takes longer than all of the rest.
struct SteadyClock<'a> {
    server: &'a Zone,
    /// Within it the clocks do not change.
    stretch: Span,
    offset: TimeDelta,
}

impl<'a> SteadyClock<'a> {
    fn new(server: &'a Zone) -> Self {
        let nothing = Span::new(DateTime::UNIX_EPOCH, DateTime::UNIX_EPOCH);
        Self { server, stretch: nothing, offset: TimeDelta::zero() }
    }

    /// As [`grid_from`].
    fn grid_from(&mut self, at: DateTime<Utc>, slot: u32) -> DateTime<Utc> {
        let beyond = self.beyond(at, slot);
        let next = beyond.filter(|beyond| !beyond.is_nothing()).map_or(at, |beyond| beyond.next_from(at, slot));
        if beyond.is_some() && self.stretch.holds(next) { next } else { grid_from(at, slot, self.server) }
    }

    /// As [`grid_to`].
    fn grid_to(&mut self, at: DateTime<Utc>, slot: u32) -> DateTime<Utc> {
        let place = self.beyond(at, slot).map(|beyond| at - beyond.time);
        place.filter(|place| self.stretch.holds(*place)).unwrap_or_else(|| grid_to(at, slot, self.server))
    }

    /// `None` around a change of the clocks.
    fn beyond(&mut self, at: DateTime<Utc>, slot: u32) -> Option<Beyond> {
        if !self.stretch.holds(at) {
            // No zone changes twice within so short a time.
            let around = Span::new(at - TimeDelta::hours(3), at + TimeDelta::hours(27));
            if !same_offset(self.server, around.start, around.end) {
                return None;
            }
            (self.stretch, self.offset) = (around, self.server.wall(at) - at.naive_utc());
        }
        Some(Beyond::of_wall(at.naive_utc() + self.offset, slot))
    }
}

/// A place on the grid, as one day at the practice sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GridSlot {
    /// Minute of the day on the practice's wall clock.
    pub minute: u32,
    /// When it begins. For a skipped time: when it would, had the clocks not changed.
    pub start: DateTime<Utc>,
    /// Set if the local time of `start` happens twice or not at all, in either zone: then it is
    /// never offered.
    pub fault: Option<ClockFault>,
}

/// All places on the grid that fall on one day at the practice, by the wall clock of the practice.
pub fn day_grid(day: NaiveDate, slot_size_minutes: u32, zones: &Zones) -> Vec<GridSlot> {
    let span = zones.practice.day(day);
    let last = zones.server.wall(span.end - TimeDelta::nanoseconds(1)).date();
    let mut server_day = zones.server.wall(span.start).date();
    let mut slots = Vec::new();
    while server_day <= last {
        server_day_grid(server_day, slot_size_minutes.max(1), zones, |start, wall, fault| {
            if wall.date() == day && wall.second() == 0 {
                slots.push(GridSlot { minute: wall.hour() * 60 + wall.minute(), start, fault });
            }
        });
        server_day = server_day + Days::new(1);
    }
    slots
}

const MINUTE: TimeDelta = TimeDelta::minutes(1);

/// Minute by minute to the grid: for the stretch around a change of the clocks, where nothing can
/// be computed ahead. A midnight is never further than two days away, and is on every grid.
fn walk(from: DateTime<Utc>, step: TimeDelta, slot: u32, server: &Zone) -> DateTime<Utc> {
    let mut at = from;
    for _ in 0..2 * MINUTES_A_DAY {
        if is_on_grid(at, slot, server) {
            break;
        }
        at += step;
    }
    at
}

fn same_offset(zone: &Zone, a: DateTime<Utc>, b: DateTime<Utc>) -> bool {
    zone.wall(a) - a.naive_utc() == zone.wall(b) - b.naive_utc()
}

/// Hands out the grid of one day of the server: the moment, the practice's wall clock at it, what
/// is wrong with it.
fn server_day_grid(
    day: NaiveDate,
    slot: u32,
    zones: &Zones,
    mut hand_out: impl FnMut(DateTime<Utc>, NaiveDateTime, Option<ClockFault>),
) {
    let span = zones.server.day(day);
    // As the clocks go at the beginning of the day; no zone changes twice in a day.
    let server_offset = zones.server.wall(span.start) - span.start.naive_utc();
    let practice_offset = zones.practice.wall(span.start) - span.start.naive_utc();
    let around = Span::new(span.start - TimeDelta::hours(3), span.end + TimeDelta::hours(3));
    let steady = [zones.server, zones.practice].iter().all(|zone| same_offset(zone, around.start, around.end));

    let walls =
        (0..MINUTES_A_DAY).step_by(slot as usize).filter_map(|minute| Some(day.and_time(time_of_minute(minute)?)));
    for wall in walls {
        let unchanged = (wall - server_offset).and_utc();
        if steady {
            hand_out(unchanged, unchanged.naive_utc() + practice_offset, None);
            continue;
        }
        match zones.server.instants(wall) {
            LocalResult::Single(at) => hand_out(at, zones.practice.wall(at), zones.fault(at)),
            LocalResult::Ambiguous(first, second) => {
                hand_out(first, zones.practice.wall(first), Some(ClockFault::Doubled));
                hand_out(second, zones.practice.wall(second), Some(ClockFault::Doubled));
            }
            LocalResult::None => {
                // Worth a word only if the practice's clocks jump over it too; else its own clock
                // shows nothing odd.
                let practice_wall = unchanged.naive_utc() + practice_offset;
                if zones.practice.instants(practice_wall) == LocalResult::None {
                    hand_out(unchanged, practice_wall, Some(ClockFault::Skipped));
                }
            }
        }
    }
}
