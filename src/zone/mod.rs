//! Time zones: that of the OpenVPMS server, and that of a practice as Healthengine sees it.
//!
//! OpenVPMS reports the default zone of its Java machine: the IANA name of a place as a rule, but
//! `GMT+10:00` or `Etc/UTC` is possible, which says nothing about where the clinic is. Local times
//! that do not exist, or that happen twice, are a fact of two days a year; [`Zone::instant`] says
//! so instead of guessing.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Days, FixedOffset, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeZone, Utc};
use chrono_tz::Tz;

use crate::span::Span;

pub mod typed_zones;
pub mod zones;

/// A zone with the rules compiled into chrono-tz, or a fixed offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    /// An IANA zone such as `Australia/Sydney`.
    Iana(Tz),
    /// An offset that never changes, such as Java's `GMT+10:00`.
    Fixed(FixedOffset),
}

/// A zone id that is neither an IANA name nor a Java offset id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no time zone: an IANA name such as \"Australia/Sydney\" is needed")]
pub struct UnknownZone(pub String);

impl FromStr for Zone {
    type Err = UnknownZone;

    fn from_str(text: &str) -> Result<Self, UnknownZone> {
        if let Ok(zone) = text.parse::<Tz>() {
            return Ok(Self::Iana(zone));
        }
        // Java's custom ids: GMT+10:00, UTC+10, +10:00.
        let offset = ["GMT", "UTC", "UT", ""].iter().find_map(|prefix| text.strip_prefix(prefix)).unwrap_or(text);
        let offset = if offset.len() == 3 { format!("{offset}:00") } else { offset.to_owned() };
        offset.parse::<FixedOffset>().map(Self::Fixed).map_err(|_| UnknownZone(text.to_owned()))
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Iana(zone) => f.write_str(zone.name()),
            Self::Fixed(offset) => write!(f, "GMT{offset}"),
        }
    }
}

impl Zone {
    /// What a clock on the wall of this zone shows at `at`.
    pub fn wall(&self, at: DateTime<Utc>) -> NaiveDateTime {
        self.at(at).naive_local()
    }

    /// The instant with this zone's offset of that moment.
    pub fn at(&self, at: DateTime<Utc>) -> DateTime<FixedOffset> {
        match self {
            Self::Iana(zone) => {
                let local = at.with_timezone(zone);
                local.with_timezone(&local.offset().fix())
            }
            Self::Fixed(offset) => at.with_timezone(offset),
        }
    }

    /// The instants that a wall time stands for: one, none (a gap) or two (the doubled hour).
    pub fn instants(&self, wall: NaiveDateTime) -> LocalResult<DateTime<Utc>> {
        match self {
            Self::Iana(zone) => zone.from_local_datetime(&wall).map(|at| at.with_timezone(&Utc)),
            Self::Fixed(offset) => offset.from_local_datetime(&wall).map(|at| at.with_timezone(&Utc)),
        }
    }

    /// The one instant of a wall time, or `None` where it does not exist or happens twice.
    pub fn instant(&self, wall: NaiveDateTime) -> Option<DateTime<Utc>> {
        self.instants(wall).single()
    }

    /// When a day begins: its first instant, also where midnight itself is skipped or happens
    /// twice.
    pub fn day_start(&self, day: NaiveDate) -> DateTime<Utc> {
        let midnight = day.and_time(NaiveTime::MIN);
        match self.instants(midnight) {
            LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => at,
            // No zone skips more than a day and a bit; walk to the first minute that exists.
            LocalResult::None => (1..=26 * 60)
                .find_map(|minutes| self.instants(midnight + chrono::TimeDelta::minutes(minutes)).earliest())
                .unwrap_or_else(|| midnight.and_utc()),
        }
    }

    /// The last midnight that a clock on the wall shows, when a day begins or before: where the
    /// clocks jump over midnight, that of the day before.
    pub fn midnight_before(&self, day: NaiveDate) -> DateTime<Utc> {
        let is_skipped = self.instants(day.and_time(NaiveTime::MIN)) == LocalResult::None;
        self.day_start(if is_skipped { day - Days::new(1) } else { day })
    }

    /// A whole day of this zone: 24 hours as a rule, 23, 25 or 23½ when the clocks change.
    pub fn day(&self, day: NaiveDate) -> Span {
        Span { start: self.day_start(day), end: self.day_start(day + Days::new(1)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(name: &str) -> Zone {
        name.parse().unwrap()
    }

    fn day(y: i32, m: u32, d: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(y, m, d).unwrap()
    }

    #[test]
    fn java_offset_ids_are_zones_without_rules() {
        for text in ["GMT+10:00", "UTC+10", "+10:00"] {
            assert_eq!(zone(text), Zone::Fixed(FixedOffset::east_opt(36_000).unwrap()), "{text}");
        }
        assert!(zone("Australia/ACT").names_a_place() && !zone("Etc/UTC").names_a_place());
        assert_eq!("Sydney".parse::<Zone>(), Err(UnknownZone("Sydney".into())));
    }

    #[test]
    fn days_have_the_length_that_the_clocks_give_them() {
        let sydney = zone("Australia/Sydney");
        assert_eq!(sydney.day(day(2026, 10, 4)).minutes(), 23 * 60);
        assert_eq!(sydney.day(day(2027, 4, 4)).minutes(), 25 * 60);
        assert_eq!(zone("Australia/Lord_Howe").day(day(2026, 10, 4)).minutes(), 23 * 60 + 30);
        assert_eq!(zone("Australia/Brisbane").day(day(2026, 10, 4)).minutes(), 24 * 60);
    }

    #[test]
    fn a_wall_time_that_is_skipped_or_doubled_has_no_instant() {
        let sydney = zone("Australia/Sydney");
        assert_eq!(sydney.instant(day(2026, 10, 4).and_hms_opt(2, 30, 0).unwrap()), None);
        assert_eq!(sydney.instant(day(2027, 4, 4).and_hms_opt(2, 30, 0).unwrap()), None);
        let noon = sydney.instant(day(2027, 4, 4).and_hms_opt(12, 0, 0).unwrap()).unwrap();
        assert_eq!(sydney.wall(noon).time(), NaiveTime::from_hms_opt(12, 0, 0).unwrap());
    }
}
