//! Dates as others write them, and which of them count.
//!
//! A date from outside counts from 2000-01-01 to 2199-12-31; anything else is a mistake and is
//! taken for absent. A busy time is cut to those years instead ([`span_end`]), because a diary with
//! one wrong time is still a diary; a free time with such an end is absent. Every date that comes
//! over the network or with a state file is read here, so that no arithmetic behind it (a clock
//! difference taken off, a day added) can leave the range that dates have. A leap second counts as
//! the second before it: nothing here is measured more finely.

use std::ops::RangeInclusive;

use chrono::{DateTime, Datelike as _, FixedOffset, NaiveDate, NaiveDateTime, TimeDelta, Timelike as _, Utc};
use serde::{Deserialize as _, Deserializer};
use serde_json::Value;

/// The years that count.
const YEARS: RangeInclusive<i32> = 2000..=2199;
/// `2027-02-15 09:00:00`, at practice time or in UTC as the field has it.
pub const DATE_TIME: &str = "%Y-%m-%d %H:%M:%S";

/// `YYYY-MM-DD`.
pub fn day(text: &str) -> Option<NaiveDate> {
    let text = text.trim();
    let day = plain_day(text.as_bytes()).or_else(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok());
    day.filter(|day| YEARS.contains(&day.year()))
}

/// `YYYY-MM-DD HH:MM:SS` without a zone.
pub fn wall(text: &str) -> Option<NaiveDateTime> {
    let wall = NaiveDateTime::parse_from_str(text.trim(), DATE_TIME).ok()?.with_nanosecond(0)?;
    YEARS.contains(&wall.year()).then_some(wall)
}

/// RFC 3339 with its own offset.
pub fn with_offset(text: &str) -> Option<DateTime<FixedOffset>> {
    let at = DateTime::parse_from_rfc3339(text.trim()).ok()?;
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
    Ok(kept_if_any(from)?.filter(|at| counts(*at)))
}

/// A moment of a record. Ours are in UTC and in one form, which is read without trying others: a
/// start reads tens of thousands of them.
///
/// # Errors
/// It is no date.
pub fn kept<'de, D: Deserializer<'de>>(from: D) -> Result<DateTime<Utc>, D::Error> {
    struct ReadMoment;
    impl serde::de::Visitor<'_> for ReadMoment {
        type Value = DateTime<Utc>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a date and time as 2027-02-15T09:00:00Z")
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<DateTime<Utc>, E> {
            as_we_write(text.as_bytes()).map_or_else(|| text.parse().map_err(E::custom), Ok)
        }
    }
    from.deserialize_str(ReadMoment)
}

/// The same of a moment that may be absent.
///
/// # Errors
/// It is no date.
pub fn kept_if_any<'de, D: Deserializer<'de>>(from: D) -> Result<Option<DateTime<Utc>>, D::Error> {
    #[derive(serde::Deserialize)]
    struct KeptMoment(#[serde(deserialize_with = "kept")] DateTime<Utc>);
    Ok(Option::<KeptMoment>::deserialize(from)?.map(|KeptMoment(at)| at))
}

/// `2027-02-15T09:00:00Z`, with up to nine digits of a second's fraction. `None`: in another form.
fn as_we_write(text: &[u8]) -> Option<DateTime<Utc>> {
    let (whole, fraction) = text.strip_suffix(b"Z")?.split_at_checked(19)?;
    let [_, _, _, _, _, _, _, _, _, _, b'T', _, _, b':', _, _, b':', _, _] = whole else { return None };
    let nanos = match fraction {
        [] => 0,
        [b'.', digits @ ..] if (1..=9).contains(&digits.len()) => {
            number(digits)? * 10_u32.pow(9 - u32::try_from(digits.len()).ok()?)
        }
        _ => return None,
    };
    let [hour, minute, second] = [11, 14, 17].map(|at| number(&whole[at..at + 2]));
    Some(plain_day(&whole[..10])?.and_hms_nano_opt(hour?, minute?, second?, nanos)?.and_utc())
}

/// `2027-02-15`. `None`: in another form.
fn plain_day(text: &[u8]) -> Option<NaiveDate> {
    let [_, _, _, _, b'-', _, _, b'-', _, _] = text else { return None };
    let year = i32::try_from(number(&text[..4])?).ok()?;
    NaiveDate::from_ymd_opt(year, number(&text[5..7])?, number(&text[8..])?)
}

/// Up to nine digits.
fn number(digits: &[u8]) -> Option<u32> {
    let add = |sum: u32, digit: &u8| digit.is_ascii_digit().then(|| sum * 10 + u32::from(digit - b'0'));
    digits.iter().try_fold(0, add)
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
    fn the_moments_of_records_are_read_as_chrono_reads_them() {
        let read = |text: &str| kept(Value::from(text)).ok();
        let by_chrono = |text: &str| DateTime::<Utc>::deserialize(Value::from(text)).ok();
        let seconds = (0..).map(|number: i64| number * 7_919_919 % 7_258_118_400).take(3_000);
        for (number, second) in (0_u32..).zip(seconds) {
            let at = DateTime::from_timestamp(second, number * 333_667 % 1_000_000_000).unwrap();
            let text = serde_json::to_value(at).unwrap();
            assert_eq!(kept(text.clone()).ok(), Some(at), "{text}");
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
        assert_eq!(kept_if_any(Value::Null).ok(), Some(None));
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
}
