//! Free and busy time of a schedule.
//!
//! The server walks from `from` to `to` a day at a time, at the time of day of `from`, and looks at
//! the hours of each day it stands on. So the last day is missed when `to` has the earlier time of
//! day; a schedule without hours is free from the time of day of `from` only, on every day; and the
//! seconds of `from` are those of every opening and closing.
//!
//! Within the hours of a day, appointments that are not cancelled and calendar blocks are busy, cut
//! to the hours. Those that touch become one, but not over midnight. One that only touches the
//! hours leaves an empty range at their edge (recorded for the opening; assumed for the closing).

use chrono::{DateTime, Datelike, Days, FixedOffset, NaiveDateTime, NaiveTime, TimeDelta, Timelike, Utc};

use crate::ids::ScheduleId;
use crate::span::Span;
use crate::zone::Zone;

use super::wall;
use super::world::{AppointmentStatus, ScheduleEntity, World};

/// How many days one question can walk over. The real server has no limit that is known.
const DAYS_MAX: u64 = 3660;

/// The stretch of time that a question is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct AskedWindow {
    pub(super) from: DateTime<FixedOffset>,
    pub(super) to: DateTime<FixedOffset>,
    /// True if ranges are to be cut into slots.
    pub(super) slots: bool,
}

impl AskedWindow {
    pub(super) fn span(&self) -> Span {
        Span { start: self.from.with_timezone(&Utc), end: self.to.with_timezone(&Utc) }
    }
}

/// Ranges in the order of time.
#[derive(Debug, Default)]
pub(super) struct FreeAndBusy {
    pub(super) free: Vec<Span>,
    pub(super) busy: Vec<Span>,
}

impl World {
    /// Free and busy time of a schedule.
    pub(super) fn free_busy(&self, schedule: &ScheduleEntity, window: AskedWindow) -> FreeAndBusy {
        let events = self.events(schedule.id);
        let mut found = FreeAndBusy::default();
        for day in walk(&self.zone, window) {
            let Some(hours) = opening(&self.zone, schedule, day).map(|hours| hours.cut(&window.span())) else {
                continue;
            };
            if !hours.is_empty() {
                let today = whole_day(&self.zone, day);
                cut_up(hours, events.iter().filter(|event| belongs_to(event, &today)), &mut found);
            }
        }
        if window.slots {
            let minutes = schedule.slot_size.minutes();
            found.free = found.free.iter().flat_map(|span| whole_slots(&self.zone, minutes, *span)).collect();
            found.busy = found.busy.iter().flat_map(|span| touched_slots(&self.zone, minutes, *span)).collect();
        }
        found
    }

    /// Everything that takes time on a schedule, by start.
    fn events(&self, schedule: ScheduleId) -> Vec<Span> {
        let appointments = self.appointments.values();
        let appointments =
            appointments.filter(|own| own.schedule == schedule && own.status != AppointmentStatus::Cancelled);
        let blocks = self.blocks.values().filter(|own| own.schedule == schedule);
        let blocks = blocks.map(|block| self.span(block.start, block.end));
        let mut events: Vec<Span> = appointments.map(|own| own.cached).chain(blocks).collect();
        events.sort_unstable();
        events
    }

    /// The span between two wall times. Around a change of the clocks the end can be the earlier
    /// instant; such an entry is assumed to take no time.
    pub(super) fn span(&self, start: NaiveDateTime, end: NaiveDateTime) -> Span {
        let start = wall::instant(&self.zone, start);
        Span { start, end: wall::instant(&self.zone, end).max(start) }
    }
}

/// The wall times on which the walk stands: `from`, then a day later each, up to and including
/// `to`.
fn walk(zone: &Zone, window: AskedWindow) -> impl Iterator<Item = NaiveDateTime> {
    let Span { start, end } = window.span();
    let first = zone.wall(start);
    let steps = (0..DAYS_MAX).map_while(move |days| first.checked_add_days(Days::new(days)));
    steps.take_while(move |day| wall::instant(zone, *day) <= end)
}

/// The hours of the day on which the walk stands; `None` on a closed day.
fn opening(zone: &Zone, schedule: &ScheduleEntity, day: NaiveDateTime) -> Option<Span> {
    let hours = schedule.hours_on(day.weekday())?;
    // Only hour and minute are set, the rest stays that of `from`.
    let at = |time: NaiveTime| {
        let rest = TimeDelta::seconds(i64::from(day.second())) + TimeDelta::nanoseconds(i64::from(day.nanosecond()));
        day.date().and_time(time) + rest
    };
    let start = hours.start.map_or(day, at);
    let end = hours.end.map_or_else(|| midnight_after(day), at);
    Some(Span { start: wall::instant(zone, start), end: wall::instant(zone, end) })
}

fn midnight_after(day: NaiveDateTime) -> NaiveDateTime {
    (day.date() + Days::new(1)).and_time(NaiveTime::MIN)
}

/// From midnight to midnight.
fn whole_day(zone: &Zone, day: NaiveDateTime) -> Span {
    let midnight = day.date().and_time(NaiveTime::MIN);
    Span { start: wall::instant(zone, midnight), end: wall::instant(zone, midnight_after(day)) }
}

/// True for an event that takes time of a day, or that has no length and lies in it.
fn belongs_to(event: &Span, day: &Span) -> bool {
    event.start < day.end && event.end > day.start || event.start == event.end && day.holds(event.start)
}

/// Adds what the events, sorted by start, leave of the hours of a day, and what they take.
fn cut_up<'a>(hours: Span, events: impl Iterator<Item = &'a Span>, found: &mut FreeAndBusy) {
    let mut free_from = hours.start;
    let mut busy: Vec<Span> = Vec::new();
    for event in events.filter(|event| event.start <= hours.end && event.end >= hours.start) {
        let event = event.cut(&hours);
        if free_from < event.start {
            found.free.push(Span { start: free_from, end: event.start });
        }
        free_from = free_from.max(event.end);
        match busy.last_mut() {
            Some(last) if event.start <= last.end => last.end = last.end.max(event.end),
            _ => busy.push(event),
        }
    }
    if free_from < hours.end {
        found.free.push(Span { start: free_from, end: hours.end });
    }
    found.busy.extend(busy);
}

/// How many minutes past the grid a time is. The grid is the wall-clock minute of the day, seconds
/// left out.
pub(super) fn minutes_off_grid(wall: NaiveDateTime, slot_size_minutes: u32) -> u32 {
    (wall.hour() * 60 + wall.minute()) % slot_size_minutes.max(1)
}

/// The whole slots in a free range.
fn whole_slots(zone: &Zone, slot_size_minutes: u32, range: Span) -> Vec<Span> {
    let slot = TimeDelta::minutes(i64::from(slot_size_minutes));
    let mut slots = Vec::new();
    let mut start = range.start;
    loop {
        let off = minutes_off_grid(zone.wall(start), slot_size_minutes);
        if off > 0 {
            start += TimeDelta::minutes(i64::from(slot_size_minutes - off));
        }
        if start + slot > range.end {
            return slots;
        }
        slots.push(Span { start, end: start + slot });
        start += slot;
    }
}

/// The slots that a busy range touches. Not recorded: assumed to be the counterpart of the whole
/// free ones.
fn touched_slots(zone: &Zone, slot_size_minutes: u32, range: Span) -> Vec<Span> {
    let slot = TimeDelta::minutes(i64::from(slot_size_minutes));
    let off = minutes_off_grid(zone.wall(range.start), slot_size_minutes);
    let first = range.start - TimeDelta::minutes(i64::from(off));
    let starts = std::iter::successors(Some(first), |start| Some(*start + slot));
    starts.take_while(|start| *start < range.end).map(|start| Span { start, end: start + slot }).collect()
}
