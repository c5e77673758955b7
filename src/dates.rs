//! Dates as others write them, and which of them count.
//!
//! A date from outside counts from 2000-01-01 to 2199-12-31; anything else is a mistake and is
//! taken for absent. A busy time is cut to those years instead ([`span_end`]), because a diary with
//! one wrong time is still a diary; a free time with such an end is absent. Every date that comes
//! over the network or with a state file is read here, so that no arithmetic behind it (a clock
//! difference taken off, a day added) can leave the range that dates have. A leap second counts as
//! the second before it: nothing here is measured more finely.

pub mod kept;
mod plain;

use std::ops::RangeInclusive;

use chrono::{DateTime, Datelike as _, FixedOffset, NaiveDate, NaiveDateTime, TimeDelta, Timelike as _, Utc};
use serde::Deserializer;
use serde_json::Value;

pub use plain::Fraction;

/// The years that count.
const YEARS: RangeInclusive<i32> = 2000..=2199;
/// `2027-02-15 09:00:00`, at practice time or in UTC as the field has it.
pub const DATE_TIME: &str = "%Y-%m-%d %H:%M:%S";

/// `YYYY-MM-DD`.
pub fn day(text: &str) -> Option<NaiveDate> {
    let text = text.trim();
    let day = plain::day(text.as_bytes()).or_else(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok());
    day.filter(|day| YEARS.contains(&day.year()))
}

/// `YYYY-MM-DD HH:MM:SS` without a zone.
pub fn wall(text: &str) -> Option<NaiveDateTime> {
    let text = text.trim();
    let plain = plain::wall(text.as_bytes(), b' ').filter(|(_, rest)| rest.is_empty() && text.len() == 19);
    let wall = match plain {
        Some((wall, _)) => wall,
        None => NaiveDateTime::parse_from_str(text, DATE_TIME).ok()?.with_nanosecond(0)?,
    };
    YEARS.contains(&wall.year()).then_some(wall)
}

/// RFC 3339 with its own offset.
pub fn with_offset(text: &str) -> Option<DateTime<FixedOffset>> {
    let text = text.trim();
    let at = plain::with_offset(text.as_bytes()).or_else(|| DateTime::parse_from_rfc3339(text).ok())?;
    let at = if at.nanosecond() < 1_000_000_000 { at } else { at.with_nanosecond(0)? };
    counts(at.to_utc()).then_some(at)
}

/// An end of a span as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpanEnd {
    /// The date, or the nearest one that counts.
    pub at: DateTime<Utc>,
    /// True if the date itself counts.
    pub counts: bool,
}

/// The first moment that counts: 2000-01-01 in UTC.
pub const FIRST: DateTime<Utc> = at_second(946_684_800);
/// The last one, to the second: 2199-12-31 in UTC.
pub const LAST: DateTime<Utc> = at_second(7_258_118_399);

const fn at_second(timestamp: i64) -> DateTime<Utc> {
    match DateTime::from_timestamp(timestamp, 0) {
        Some(at) => at,
        None => DateTime::UNIX_EPOCH,
    }
}

/// RFC 3339 with its own offset, in whatever year.
pub fn span_end(text: &str) -> Option<SpanEnd> {
    let text = text.trim();
    if let Some(at) = with_offset(text) {
        return Some(SpanEnd { at: at.to_utc(), counts: true });
    }
    let is_early = match DateTime::parse_from_rfc3339(text) {
        Ok(at) => at < FIRST,
        Err(_) => is_long_before(text)?,
    };
    Some(SpanEnd { at: if is_early { FIRST } else { LAST }, counts: false })
}

/// Whether a date lies before those that count rather than after them, for a year that RFC 3339 has
/// no room for: as Java writes it, with a sign or with more than four digits.
fn is_long_before(text: &str) -> Option<bool> {
    let negative = text.strip_prefix('-');
    let (year, rest) = negative.or(text.strip_prefix('+')).unwrap_or(text).split_once('-')?;
    // 2000 has the 29th of February.
    let is_date = DateTime::parse_from_rfc3339(&format!("2000-{rest}")).is_ok();
    let year: u32 = year.parse().ok().filter(|_| is_date && (4..=9).contains(&year.len()))?;
    let is_late = negative.is_none() && year > YEARS.end().unsigned_abs();
    (negative.is_some() || is_late).then_some(!is_late)
}

/// `YYYY-MM-DD HH:MM:SS` in UTC, or RFC 3339 with its own offset.
pub fn utc(text: &str) -> Option<DateTime<Utc>> {
    wall(text).map(|at| at.and_utc()).or_else(|| with_offset(text).map(|at| at.to_utc()))
}

/// As HTTP headers have it: `Fri, 15 Feb 2019 01:00:00 GMT`.
pub fn of_header(text: &str) -> Option<DateTime<Utc>> {
    let at = DateTime::<Utc>::from(httpdate::parse_http_date(text.trim()).ok()?);
    counts(at).then_some(at)
}

/// True for a date that counts.
pub fn counts(at: DateTime<Utc>) -> bool {
    YEARS.contains(&at.year())
}

/// A date from outside as an older version may have kept it: one that does not count is absent.
///
/// # Errors
/// It is no date.
pub fn that_count<'de, D: Deserializer<'de>>(from: D) -> Result<Option<DateTime<Utc>>, D::Error> {
    Ok(kept::if_any::deserialize(from)?.filter(|at| counts(*at)))
}

/// RFC 3339 with an offset in digits, `+00:00` too.
pub fn rfc3339(at: DateTime<FixedOffset>, fraction: Fraction) -> String {
    let pattern = match fraction {
        Fraction::No => "%Y-%m-%dT%H:%M:%S%:z",
        Fraction::Millis => "%Y-%m-%dT%H:%M:%S%.3f%:z",
        Fraction::AsNeeded => "%Y-%m-%dT%H:%M:%S%.f%:z",
    };
    let plain = plain::rfc3339(at, fraction, plain::Zero::Digits).map(|text| text.as_str().to_owned());
    plain.unwrap_or_else(|| at.format(pattern).to_string())
}

/// How long ago something was noted by this machine's clock. `None` if that is yet to come: it was
/// noted before the clock was set right, and how long ago that was nobody knows.
///
/// Not for what is to be off by a little in either direction, nor where the earlier of the two
/// moments is as good.
pub fn age(noted: DateTime<Utc>, now: DateTime<Utc>) -> Option<TimeDelta> {
    (noted <= now).then(|| now - noted)
}

/// True for a date that the clock of a machine can have shown. That of one without a battery begins
/// in 1970.
pub fn a_machine_shows(at: DateTime<Utc>) -> bool {
    (1970..=*YEARS.end()).contains(&at.year())
}

/// True if a JSON value that a machine wrote holds a date that no machine shows.
pub fn holds_impossible(value: &Value) -> bool {
    match value {
        Value::String(text) => text.parse::<DateTime<Utc>>().is_ok_and(|at| !a_machine_shows(at)),
        Value::Array(values) => values.iter().any(holds_impossible),
        Value::Object(fields) => fields.values().any(holds_impossible),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_noted_in_the_future_has_no_age() {
        let at = |seconds| DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds);
        assert_eq!([0, 7].map(|now| age(at(0), at(now))), [0, 7].map(|age| Some(TimeDelta::seconds(age))));
        assert_eq!([-1, -864_000].map(|now| age(at(0), at(now))), [None, None]);
    }

    #[test]
    fn a_day_is_read_as_chrono_reads_it() {
        for text in [
            "2027-02-15",
            "2027-2-5",
            " 2027-02-15 ",
            "2027-02-30",
            "2028-02-29",
            "2027-02-29",
            "2027-13-01",
            "+2027-02-15",
            "2027-02-1x",
            "20270215",
            "2027/02/15",
            "2199-12-31",
            "1999-12-31",
            "2027-02-155",
            "",
        ] {
            let by_chrono = NaiveDate::parse_from_str(text.trim(), "%Y-%m-%d").ok();
            assert_eq!(day(text), by_chrono.filter(|day| YEARS.contains(&day.year())), "{text}");
        }
    }

    #[test]
    fn the_moments_of_records_are_read_and_written_as_by_chrono() {
        let read = |text: &str| kept::moment::deserialize(Value::from(text)).ok();
        let by_chrono = |text: &str| serde_json::from_value::<DateTime<Utc>>(Value::from(text)).ok();
        let seconds = (0..).map(|number: i64| number * 7_919_919 % 7_258_118_400).take(3_000);
        for (number, second) in (0_u32..).zip(seconds) {
            let at = DateTime::from_timestamp(second, number * 333_667 % 1_000_000_000).unwrap();
            let text = serde_json::to_value(at).unwrap();
            assert_eq!(kept::moment::deserialize(text.clone()).ok(), Some(at), "{text}");
            assert_eq!(kept::moment::serialize(&at, serde_json::value::Serializer).ok(), Some(text));
        }
        for text in [
            "2027-02-15T09:00:00Z",
            "2027-02-15T09:00:00.5Z",
            "2027-02-15T09:00:00.123456789Z",
            "2027-02-15T09:00:00.1234567891Z",
            "2027-02-15T09:00:00.Z",
            "2027-02-15T09:00:00+11:00",
            "2027-02-15 09:00:00Z",
            "2027-02-15t09:00:00z",
            "2016-12-31T23:59:60Z",
            "2027-02-29T09:00:00Z",
            "2027-02-15T24:00:00Z",
            "2027-02-15T09:00:00",
            "+2027-02-15T09:00:00Z",
            "2027-2-15T09:00:00Z",
            "20\u{e9}7-02-15T09:00:0Z",
            "Z",
            "",
        ] {
            assert_eq!(read(text), by_chrono(text), "{text}");
        }
        assert_eq!(kept::if_any::deserialize(Value::Null).ok(), Some(None));
        let written = |at: DateTime<Utc>| kept::moment::serialize(&at, serde_json::value::Serializer).ok();
        for at in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC, by_chrono("2016-12-31T23:59:60Z").unwrap()] {
            assert_eq!(written(at), serde_json::to_value(at).ok());
        }
    }

    #[test]
    fn dates_from_outside_count_from_2000_to_2199_and_a_leap_second_is_the_second_before_it() {
        let table = [
            ("2000-01-01 00:00:00", Some("2000-01-01T00:00:00Z")),
            ("2199-12-31 23:59:59", Some("2199-12-31T23:59:59Z")),
            ("2016-12-31 23:59:60", Some("2016-12-31T23:59:59Z")),
            ("1999-12-31 23:59:59", None),
            ("1999-12-31 23:59:60", None),
            ("2200-01-01 00:00:00", None),
            ("0000-00-00 00:00:00", None),
            ("0000-01-01 00:00:00", None),
            ("-262143-01-01 00:00:00", None),
            ("262142-12-31 23:59:59", None),
            ("+262142-12-31 23:59:59", None),
            ("99999999999999999999-01-01 00:00:00", None),
            ("2027-02-15T09:00:00+11:00", Some("2027-02-14T22:00:00Z")),
            ("2027-02-15T09:00:60.5+11:00", Some("2027-02-14T22:00:59Z")),
            ("2016-12-31T23:59:60Z", Some("2016-12-31T23:59:59Z")),
            ("2000-01-01T00:00:00+14:00", None),
            ("2199-12-31T23:59:59-14:00", None),
            ("9999-12-31T23:59:59-23:59", None),
        ];
        for (text, expected) in table {
            let expected = expected.map(|text| text.parse::<DateTime<Utc>>().unwrap());
            assert_eq!(utc(text), expected, "{text}");
            assert_eq!(utc(&format!(" {text}\n")), expected, "{text}");
        }
        assert_eq!(utc("2000-01-01 00:00:00").zip(utc("2199-12-31 23:59:59")), Some((FIRST, LAST)));
        assert!(day("2000-01-01").is_some() && day("2199-12-31").is_some());
        for text in ["1999-12-31", "2200-01-01", "-262143-01-01", "262142-12-31", "0000-01-01"] {
            assert_eq!(day(text), None, "{text}");
        }
        assert_eq!(of_header("Fri, 15 Feb 2019 01:00:00 GMT"), utc("2019-02-15 01:00:00"));
        for text in ["Thu, 01 Jan 1970 00:00:00 GMT", "Wed, 01 Jan 2200 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT"]
        {
            assert_eq!(of_header(text), None, "{text}");
        }
    }
    #[test]
    fn dates_with_an_offset_are_read_and_written_as_by_chrono() {
        let offsets =
            ["Z", "+00:00", "-00:00", "+11:00", "-09:30", "+23:59", "+24:00", "+11:60", "+1100", "", "z", "+11:0x"];
        let times = ["09:00:00", "23:59:59", "24:00:00", "09:60:00", "09:00:60", "09:00", "9:00:00"];
        let fractions = ["", ".", ".5", ".000", ".123456", ".123456789", ".1234567891", ".12x"];
        for day in ["2027-02-15", "2028-02-29", "2027-02-29", "0000-01-01", "9999-12-31", "2027-2-15", "+2027-02-15"] {
            for (between, time) in ["T", "t", " ", "x"].into_iter().flat_map(|own| times.map(|time| (own, time))) {
                for (fraction, offset) in fractions.into_iter().flat_map(|own| offsets.map(|offset| (own, offset))) {
                    let text = format!("{day}{between}{time}{fraction}{offset}");
                    let by_chrono = DateTime::parse_from_rfc3339(&text).ok();
                    if let Some(plain) = plain::with_offset(text.as_bytes()) {
                        assert_eq!(Some(plain), by_chrono, "{text}");
                    }
                    let Some(at) = by_chrono else { continue };
                    let patterns =
                        [(Fraction::No, "%Y-%m-%dT%H:%M:%S%:z"), (Fraction::Millis, "%Y-%m-%dT%H:%M:%S%.3f%:z")];
                    for (fraction, pattern) in patterns {
                        assert_eq!(rfc3339(at, fraction), at.format(pattern).to_string(), "{text}");
                    }
                    let as_needed = at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, false);
                    assert_eq!(rfc3339(at, Fraction::AsNeeded), as_needed, "{text}");
                }
            }
        }
        let usual = ["2027-02-15T09:00:00+11:00", "2027-02-15T09:00:00.000+11:00", "2027-02-15T09:00:00.000Z"];
        assert!(usual.iter().all(|text| plain::with_offset(text.as_bytes()).is_some()));
    }

    #[test]
    fn wall_times_are_read_as_chrono_reads_them() {
        for text in [
            "2027-02-15 09:00:00",
            "2027-02-15 23:59:59",
            "2027-02-15 24:00:00",
            "2027-02-29 09:00:00",
            "2027-02-15T09:00:00",
            "2027-02-15 09:00:00.5",
            "2027-02-15 09:00:00Z",
            "2027-02-15  9:00:00",
            "2027-02-15 9:00:00",
            "2027-2-15 09:00:00",
            "+2027-02-15 09:00:00",
            "2027-02-15 09:00",
            "2027-02-15",
            "",
        ] {
            let by_chrono = NaiveDateTime::parse_from_str(text, DATE_TIME).ok();
            assert_eq!(wall(text), by_chrono, "{text}");
        }
    }
}
