//! The hours of the week during which a practice promises to answer Healthengine.
//!
//! Healthengine calls a practice unhealthy, and may hide its times, when a request inside these
//! hours stays open for ten minutes (PMS API, liveness contract). vetbridge polls faster inside
//! them. Ranges are wall time of the practice.
//!
//! Two spellings differ between us and them. Midnight at the end of a day is `24:00` in the file;
//! Healthengine has no 24:00 and gets `23:59`. And which days are holidays nobody tells us: hours
//! under `public_holidays` count as live on every day.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{Datelike, NaiveDateTime, Timelike, Weekday};

use super::toml_reader::Table;
use crate::healthengine::{LiveRange, LivenessContract};
use crate::messages::config_file as say;

/// Minutes of a whole day: what `24:00` stands for.
const DAY_MINUTES: u16 = 24 * 60;

/// Live hours by kind of day; ranges sorted, apart from each other, none empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LiveHours(BTreeMap<DayKind, Vec<HoursRange>>);

/// A kind of day, in the order of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DayKind {
    /// Monday.
    Monday,
    /// Tuesday.
    Tuesday,
    /// Wednesday.
    Wednesday,
    /// Thursday.
    Thursday,
    /// Friday.
    Friday,
    /// Saturday.
    Saturday,
    /// Sunday.
    Sunday,
    /// Any day that is a public holiday.
    PublicHolidays,
}

/// A range of a day, in minutes since midnight: `start < end <= 1440`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct HoursRange {
    start: u16,
    end: u16,
}

impl LiveHours {
    /// Sets the ranges of one kind of day. Ranges may be given in any order; what overlaps or
    /// touches becomes one, which is what a list of hours says.
    pub fn set(&mut self, day: DayKind, mut ranges: Vec<HoursRange>) {
        ranges.sort_unstable();
        let mut merged: Vec<HoursRange> = Vec::with_capacity(ranges.len());
        for range in ranges {
            match merged.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => merged.push(range),
            }
        }
        self.0.insert(day, merged);
    }

    /// Every day, day and night.
    pub fn always() -> Self {
        let whole = || vec![HoursRange { start: 0, end: DAY_MINUTES }];
        Self(DayKind::ALL.into_iter().take(7).map(|day| (day, whole())).collect())
    }

    /// True if no day has any hours.
    pub fn is_empty(&self) -> bool {
        self.0.values().all(Vec::is_empty)
    }

    /// True if the practice is live at this wall time of its zone.
    pub fn is_live(&self, wall: NaiveDateTime) -> bool {
        let minute = u16::try_from(wall.hour() * 60 + wall.minute()).unwrap_or(0);
        [DayKind::of(wall.weekday()), DayKind::PublicHolidays]
            .iter()
            .filter_map(|day| self.0.get(day))
            .flatten()
            .any(|range| range.start <= minute && minute < range.end)
    }

    /// What of a range of a day lies outside of the hours.
    pub fn outside(&self, day: DayKind, range: HoursRange) -> Vec<HoursRange> {
        let mut live: Vec<&HoursRange> =
            [day, DayKind::PublicHolidays].iter().filter_map(|day| self.0.get(day)).flatten().collect();
        live.sort_unstable();
        let (mut from, mut outside) = (range.start, Vec::new());
        for own in live.into_iter().filter(|own| own.start < range.end) {
            outside.extend(HoursRange::new(from, own.start));
            from = from.max(own.end);
        }
        outside.extend(HoursRange::new(from, range.end));
        outside
    }

    /// What Healthengine is told. Every kind of day is in it, so that hours which were removed from
    /// the file are removed there.
    pub fn contract(&self) -> LivenessContract {
        let ranges = |day| self.0.get(day).into_iter().flatten().map(HoursRange::for_healthengine).collect();
        LivenessContract {
            live_hours: DayKind::ALL.iter().map(|day| (day.wire_name().to_owned(), ranges(day))).collect(),
        }
    }
}

impl fmt::Display for LiveHours {
    /// `monday 08:00-12:00 and 13:00-18:00, tuesday 08:00-12:00`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = self.0.iter().filter(|(_, ranges)| !ranges.is_empty());
        for (at, (day, ranges)) in days.enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            let ranges: Vec<String> = ranges.iter().map(HoursRange::to_string).collect();
            write!(f, "{comma}{} {}", day.key(), ranges.join(" and "))?;
        }
        Ok(())
    }
}

impl DayKind {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Monday,
        Self::Tuesday,
        Self::Wednesday,
        Self::Thursday,
        Self::Friday,
        Self::Saturday,
        Self::Sunday,
        Self::PublicHolidays,
    ];

    /// The kind of an ordinary day.
    pub fn of(day: Weekday) -> Self {
        match day {
            Weekday::Mon => Self::Monday,
            Weekday::Tue => Self::Tuesday,
            Weekday::Wed => Self::Wednesday,
            Weekday::Thu => Self::Thursday,
            Weekday::Fri => Self::Friday,
            Weekday::Sat => Self::Saturday,
            Weekday::Sun => Self::Sunday,
        }
    }

    /// The key in the configuration file.
    pub fn key(self) -> &'static str {
        match self {
            Self::Monday => "monday",
            Self::Tuesday => "tuesday",
            Self::Wednesday => "wednesday",
            Self::Thursday => "thursday",
            Self::Friday => "friday",
            Self::Saturday => "saturday",
            Self::Sunday => "sunday",
            Self::PublicHolidays => "public_holidays",
        }
    }

    /// The key in the liveness contract.
    pub fn wire_name(self) -> &'static str {
        match self {
            Self::PublicHolidays => "publicHolidays",
            Self::Monday
            | Self::Tuesday
            | Self::Wednesday
            | Self::Thursday
            | Self::Friday
            | Self::Saturday
            | Self::Sunday => self.key(),
        }
    }
}

/// Why a text is no range of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadRange {
    /// Not two times with a hyphen between.
    #[error("hours are written like \"08:00-18:00\"")]
    Form,
    /// The end is not after the start.
    #[error(
        "the end must be after the start; hours over midnight are two ranges, up to \"24:00\" and, the next day, \
         from \"00:00\""
    )]
    Backwards,
}

impl HoursRange {
    /// A range between two minutes of the day, if it is one.
    pub fn new(start_minute: u16, end_minute: u16) -> Option<Self> {
        (start_minute < end_minute && end_minute <= DAY_MINUTES)
            .then_some(Self { start: start_minute, end: end_minute })
    }

    /// Its first minute, and the first after it.
    pub fn minutes(self) -> (u16, u16) {
        (self.start, self.end)
    }

    fn for_healthengine(&self) -> LiveRange {
        LiveRange { start: clock_time(self.start), end: clock_time(self.end.min(DAY_MINUTES - 1)) }
    }
}

impl std::str::FromStr for HoursRange {
    type Err = BadRange;

    fn from_str(text: &str) -> Result<Self, BadRange> {
        let (start, end) = text.split_once('-').ok_or(BadRange::Form)?;
        let start = minute_of_day(start.trim()).ok_or(BadRange::Form)?;
        let end = minute_of_day(end.trim()).ok_or(BadRange::Form)?;
        Self::new(start, end).ok_or(BadRange::Backwards)
    }
}

impl fmt::Display for HoursRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", clock_time(self.start), clock_time(self.end))
    }
}

/// Reads `[practice.live_hours]`. What is wrong is reported and left out.
pub(super) fn read(table: Table<'_>) -> LiveHours {
    let mut hours = LiveHours::default();
    let mut given = false;
    for day in DayKind::ALL {
        let Some(items) = table.get(day.key()).and_then(|value| value.items()) else { continue };
        given |= !items.is_empty();
        hours.set(day, items.iter().filter_map(|item| item.parsed(str::parse)).collect());
    }
    if !given {
        table.report(say::no_live_hours());
    }
    table.finish();
    hours
}

fn clock_time(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

/// `HH:MM` from `00:00` to `24:00`, as minutes since midnight.
pub(super) fn minute_of_day(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !(1..=2).contains(&hours.len()) || minutes.len() != 2 || !digits(hours) || !digits(minutes) {
        return None;
    }
    let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.parse().ok()?);
    let minute = hours * 60 + minutes;
    (minutes < 60 && minute <= DAY_MINUTES).then_some(minute)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(day: DayKind, ranges: &[&str]) -> LiveHours {
        let mut hours = LiveHours::default();
        hours.set(day, ranges.iter().map(|range| range.parse().unwrap()).collect());
        hours
    }

    fn wall(text: &str) -> NaiveDateTime {
        text.parse().unwrap()
    }

    #[test]
    fn a_minute_is_live_from_the_start_of_a_range_to_just_before_its_end() {
        // 16 February 2026 is a Monday.
        let hours = hours(DayKind::Monday, &["13:00-18:00", "08:00-12:00"]);
        for (at, live) in
            [("07:59:59", false), ("08:00:00", true), ("11:59:59", true), ("12:00:00", false), ("17:59:59", true)]
        {
            assert_eq!(hours.is_live(wall(&format!("2026-02-16T{at}"))), live, "{at}");
            assert!(!hours.is_live(wall(&format!("2026-02-17T{at}"))), "Tuesday {at}");
        }
    }

    #[test]
    fn hours_of_public_holidays_count_on_every_day() {
        let hours = hours(DayKind::PublicHolidays, &["10:00-12:00"]);
        assert!((16..23).all(|day| hours.is_live(wall(&format!("2026-02-{day}T10:00:00")))));
        assert!(!hours.is_live(wall("2026-02-16T09:00:00")));
    }

    #[test]
    fn what_lies_outside_of_the_hours_is_what_none_of_the_days_ranges_covers() {
        let mut week = hours(DayKind::Monday, &["13:00-18:00", "08:00-12:00"]);
        week.set(DayKind::PublicHolidays, vec!["17:00-19:00".parse().unwrap()]);
        let outside = |day, range: &str| {
            let ranges = week.outside(day, range.parse().unwrap());
            ranges.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(outside(DayKind::Monday, "07:00-20:00"), "07:00-08:00 12:00-13:00 19:00-20:00");
        assert_eq!(outside(DayKind::Monday, "09:00-12:00"), "");
        assert_eq!(outside(DayKind::Sunday, "16:00-18:00"), "16:00-17:00");
        assert_eq!(week.to_string(), "monday 08:00-12:00 and 13:00-18:00, public_holidays 17:00-19:00");
    }

    #[test]
    fn midnight_is_live_to_the_last_second_and_sent_as_one_minute_before() {
        let hours = hours(DayKind::Monday, &["22:00-24:00", "00:00-06:00"]);
        assert!(hours.is_live(wall("2026-02-16T23:59:59")));
        let monday = &hours.contract().live_hours["monday"];
        assert_eq!(monday[0], LiveRange { start: "00:00".into(), end: "06:00".into() });
        assert_eq!(monday[1], LiveRange { start: "22:00".into(), end: "23:59".into() });
    }

    #[test]
    fn overlapping_and_touching_ranges_are_one() {
        let merged = hours(DayKind::Friday, &["12:00-13:00", "08:00-12:00", "12:30-18:00"]);
        assert_eq!(merged, hours(DayKind::Friday, &["08:00-18:00"]));
    }

    #[test]
    fn the_contract_names_every_kind_of_day() {
        let contract = hours(DayKind::PublicHolidays, &["10:00-12:00"]).contract();
        assert_eq!(contract.live_hours.len(), 8);
        assert_eq!(contract.live_hours["publicHolidays"].len(), 1);
        assert!(contract.live_hours["sunday"].is_empty());
    }

    #[test]
    fn what_is_no_range_says_why() {
        for text in
            ["", "08:00", "08:00-", "8-18", "08:00-25:00", "08:60-09:00", "08:00-24:01", "08:00–18:00", "+8:00-09:00"]
        {
            assert_eq!(text.parse::<HoursRange>(), Err(BadRange::Form), "{text}");
        }
        assert_eq!("18:00-08:00".parse::<HoursRange>(), Err(BadRange::Backwards));
        assert_eq!("08:00-08:00".parse::<HoursRange>(), Err(BadRange::Backwards));
        assert_eq!("8:00 - 18:00".parse::<HoursRange>().unwrap().to_string(), "08:00-18:00");
    }
}
