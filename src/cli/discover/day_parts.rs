//! Spans of time as parts of the days of the week, at the place of a clinic.

use chrono::{Datelike, NaiveDate, NaiveTime, Timelike};

use crate::config::live_hours::DayKind;
use crate::span::Span;
use crate::zone::Zone;

/// Where a day ends.
pub(super) const DAY_MINUTES: u16 = 24 * 60;

/// A part of a span on one day of the week, in minutes of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DayPart {
    pub(super) day: DayKind,
    pub(super) start: u16,
    pub(super) end: u16,
}

/// The span cut at the midnights of the zone.
pub(super) fn day_parts(zone: &Zone, span: &Span) -> Vec<DayPart> {
    let mut parts = Vec::new();
    let mut day = zone.wall(span.start).date();
    while !span.is_empty() && zone.day_start(day) < span.end {
        let part = zone.day(day).cut(span);
        if !part.is_empty() {
            let start = minute_of(zone.wall(part.start).time());
            let end = if part.end == zone.day(day).end { DAY_MINUTES } else { minute_of(zone.wall(part.end).time()) };
            parts.push(DayPart { day: DayKind::of(day.weekday()), start, end });
        }
        day = day.succ_opt().unwrap_or(NaiveDate::MAX);
        if day == NaiveDate::MAX {
            break;
        }
    }
    parts
}

fn minute_of(time: NaiveTime) -> u16 {
    u16::try_from(time.hour() * 60 + time.minute()).unwrap_or(0)
}
