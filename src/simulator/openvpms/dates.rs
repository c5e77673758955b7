//! How the server reads and writes dates. Its two readers differ: one for queries, one for bodies.

use chrono::{DateTime, Days, FixedOffset, Months, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};

use crate::zone::Zone;

/// A date as all answers have it: milliseconds, and the offset with a colon, or `Z` where it is
/// zero.
pub(super) fn written(zone: &Zone, at: DateTime<Utc>) -> String {
    let local = zone.at(at);
    let offset = if local.offset().local_minus_utc() == 0 { "Z".to_owned() } else { local.format("%:z").to_string() };
    format!("{}{offset}", local.format("%Y-%m-%dT%H:%M:%S%.3f"))
}

/// A date of the database, as the refusal of an overlap prints it.
pub(super) fn timestamp(wall: NaiveDateTime) -> String {
    format!("{}.0", wall.format("%Y-%m-%d %H:%M:%S"))
}

/// The date of a query: a full date-time with an offset. Letters in either case, single digits, and
/// an offset without minutes will do; a zone name will not. Fractions are cut to milliseconds.
pub(super) fn from_query(text: &str) -> Option<DateTime<FixedOffset>> {
    let mut rest = Reader(text);
    let (year, month, day) = (rest.number(4)?, rest.after(b"-", 2)?, rest.after(b"-", 2)?);
    let (hour, minute, second) = (rest.after(b"Tt", 2)?, rest.after(b":", 2)?, rest.after(b":", 2)?);
    let milliseconds = if rest.take(b".") { rest.fraction()? } else { 0 };
    let offset = if rest.take(b"Zz") { FixedOffset::east_opt(0)? } else { rest.offset(false)? };
    let time = NaiveTime::from_hms_milli_opt(hour, minute, second, milliseconds)?;
    let wall = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?.and_time(time);
    rest.0.is_empty().then(|| wall.and_local_timezone(offset).single())?
}

/// The date of a body: `yyyy-MM-dd'T'HH:mm:ss.SSSXXX` as Java's lenient format reads it.
/// Milliseconds and a colon in the offset must be there; numbers beyond their range carry over
/// (`.1000` is a second); what follows the date is not looked at.
pub(super) fn from_body(text: &str) -> Option<DateTime<Utc>> {
    let mut rest = Reader(text);
    let (year, month, day) = (rest.number(5)?, rest.after(b"-", 4)?, rest.after(b"-", 4)?);
    let (hour, minute, second) = (rest.after(b"T", 4)?, rest.after(b":", 4)?, rest.after(b":", 4)?);
    let milliseconds = rest.after(b".", 9)?;
    let offset = if rest.take(b"Z") { FixedOffset::east_opt(0)? } else { rest.offset(true)? };
    let first = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, 1, 1)?;
    let first = if month == 0 {
        first.checked_sub_months(Months::new(1))
    } else {
        first.checked_add_months(Months::new(month - 1))
    }?;
    let date = if day == 0 { first.pred_opt() } else { first.checked_add_days(Days::new(u64::from(day - 1))) }?;
    let time =
        i64::from(hour) * 3_600_000 + i64::from(minute) * 60_000 + i64::from(second) * 1000 + i64::from(milliseconds);
    let wall = date.and_time(NaiveTime::MIN).checked_add_signed(TimeDelta::milliseconds(time))?;
    Some(wall.and_local_timezone(offset).single()?.with_timezone(&Utc))
}

/// What is left to be read.
struct Reader<'a>(&'a str);

impl Reader<'_> {
    /// Takes one of these ASCII characters if it comes next.
    fn take(&mut self, any_of: &[u8]) -> bool {
        let found = self.0.bytes().next().is_some_and(|byte| any_of.contains(&byte));
        if found {
            self.0 = &self.0[1..];
        }
        found
    }

    /// All digits that come next: at least one, at most so many.
    fn digits(&mut self, at_most: usize) -> Option<&str> {
        let count = self.0.bytes().take_while(u8::is_ascii_digit).count();
        let (digits, rest) = self.0.split_at(count);
        self.0 = rest;
        (1..=at_most).contains(&count).then_some(digits)
    }

    fn number(&mut self, digits_max: usize) -> Option<u32> {
        self.digits(digits_max)?.parse().ok()
    }

    /// One of these characters, then a number.
    fn after(&mut self, any_of: &[u8], digits_max: usize) -> Option<u32> {
        if self.take(any_of) { self.number(digits_max) } else { None }
    }

    /// The digits after a point, as milliseconds.
    fn fraction(&mut self) -> Option<u32> {
        let digits = self.digits(9)?;
        format!("{digits:0<3}")[..3].parse().ok()
    }

    /// `+11:00`; `+11` too where minutes are not demanded.
    fn offset(&mut self, with_minutes: bool) -> Option<FixedOffset> {
        let east = match self.0.bytes().next()? {
            b'+' => 1,
            b'-' => -1,
            _ => return None,
        };
        self.0 = &self.0[1..];
        let hours = self.digits(2).filter(|digits| digits.len() == 2)?.parse::<i32>().ok()?;
        let minutes = match self.after(b":", 2) {
            Some(minutes) => i32::try_from(minutes).ok()?,
            None if with_minutes => return None,
            None => 0,
        };
        if hours > 23 || minutes > 59 { None } else { FixedOffset::east_opt(east * (hours * 3600 + minutes * 60)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_and_bodies_are_read_by_different_rules() {
        let table = [
            // text, in a query, in a body
            ("2027-01-14T10:00:00.000+11:00", true, true),
            ("2027-01-14T10:00:00.000Z", true, true),
            ("2027-01-14T10:00:00+11:00", true, false),
            ("2027-01-14T10:00:00.000+11", true, false),
            ("2027-01-14T10:00:00.000z", true, false),
            ("2027-01-14t10:00:00.000Z", true, false),
            ("2027-01-14T10:00:00.000+11:00[Australia/Sydney]", false, true),
            ("2027-13-45T25:61:61.1000Z", false, true),
            ("2027-01-14T10:00:00.000", false, false),
            ("2027-01-14T10:00:00.000+1100", false, false),
            ("2027-01-14T10:00:00.000+24:00", false, false),
            ("2027-01-14 10:00:00.000+11:00", false, false),
            ("", false, false),
            ("2027-01-14T10:00:00.000+1é", false, false),
        ];
        for (text, query, body) in table {
            assert_eq!((from_query(text).is_some(), from_body(text).is_some()), (query, body), "{text}");
        }
    }

    #[test]
    fn numbers_of_a_body_carry_over() {
        let read = |text| from_body(text).unwrap().to_rfc3339();
        assert_eq!(read("2027-01-07T10:00:00.1000+11:00"), "2027-01-06T23:00:01+00:00");
        assert_eq!(read("2027-13-32T00:00:00.0Z"), "2028-02-01T00:00:00+00:00");
        assert_eq!(read("2027-00-00T00:00:00.0Z"), "2026-11-30T00:00:00+00:00");
    }

    #[test]
    fn a_zone_without_offset_is_written_as_z() {
        let at = DateTime::from_timestamp(1_550_000_000, 123_000_000).unwrap();
        assert_eq!(written(&"Etc/UTC".parse().unwrap(), at), "2019-02-12T19:33:20.123Z");
        assert_eq!(written(&"Australia/Sydney".parse().unwrap(), at), "2019-02-13T06:33:20.123+11:00");
    }
}
