//! Dates in the one form that nearly all of them have, digit by digit.
//!
//! chrono reads and writes dates by patterns, which takes a few thousand instructions for each: a
//! reading of the diary has thousands of dates, and a booking writes forty of them before its pet
//! owner is answered. What has another form is left to chrono, and so is what is written for years
//! of more than four digits.

use chrono::{DateTime, Datelike as _, FixedOffset, NaiveDate, NaiveDateTime, Timelike as _};

/// Longer is no text of [`rfc3339`].
const TEXT_BYTES_MAX: usize = 35;

/// `2027-02-15`. `None`: in another form.
pub(super) fn day(text: &[u8]) -> Option<NaiveDate> {
    let [_, _, _, _, b'-', _, _, b'-', _, _] = text else { return None };
    let year = i32::try_from(number(&text[..4])?).ok()?;
    NaiveDate::from_ymd_opt(year, number(&text[5..7])?, number(&text[8..])?)
}

/// `2027-02-15T09:00:00`, with up to nine digits of a second's fraction, and what stands behind it.
/// Between day and time stands this. `None`: in another form.
pub(super) fn wall(text: &[u8], between: u8) -> Option<(NaiveDateTime, &[u8])> {
    let (whole, rest) = text.split_at_checked(19)?;
    let [.., before_time, _, _, b':', _, _, b':', _, _] = whole else { return None };
    if *before_time != between {
        return None;
    }
    let (nanos, rest) = match rest {
        [b'.', digits @ ..] => {
            let count = digits.iter().take_while(|digit| digit.is_ascii_digit()).count();
            let (digits, rest) = digits.split_at(count);
            let unit = 10_u32.checked_pow(9_u32.checked_sub(u32::try_from(count).ok()?)?)?;
            (number(digits).filter(|_| count > 0)? * unit, rest)
        }
        rest => (0, rest),
    };
    let [hour, minute, second] = [11, 14, 17].map(|at| number(&whole[at..at + 2]));
    Some((day(&whole[..10])?.and_hms_nano_opt(hour?, minute?, second?, nanos)?, rest))
}

/// RFC 3339 with its own offset. `None`: in another form.
pub(super) fn with_offset(text: &[u8]) -> Option<DateTime<FixedOffset>> {
    let (wall, offset) = wall(text, b'T')?;
    let seconds = match offset {
        b"Z" => 0,
        [sign @ (b'+' | b'-'), _, _, b':', _, _] => {
            let (hours, minutes) = (number(&offset[1..3])?, number(&offset[4..]).filter(|minutes| *minutes < 60)?);
            let seconds = i32::try_from(60 * (60 * hours + minutes)).ok()?;
            if *sign == b'+' { seconds } else { -seconds }
        }
        _ => return None,
    };
    wall.and_local_timezone(FixedOffset::east_opt(seconds)?).single()
}

/// Up to nine digits.
fn number(digits: &[u8]) -> Option<u32> {
    let add = |sum: u32, digit: &u8| digit.is_ascii_digit().then(|| sum * 10 + u32::from(digit - b'0'));
    digits.iter().try_fold(0, add)
}

/// How an offset of zero is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Zero {
    /// `Z`.
    Z,
    /// `+00:00`.
    Digits,
}

/// How much of a second's fraction is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fraction {
    /// Nothing.
    No,
    /// Three digits, whatever they are.
    Millis,
    /// None, three, six or nine digits: as many as say something. So chrono writes them for serde.
    AsNeeded,
}

/// A date as text.
pub(super) struct DateText {
    bytes: [u8; TEXT_BYTES_MAX],
    length: usize,
}

impl DateText {
    pub(super) fn as_str(&self) -> &str {
        // It is digits and punctuation.
        str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }

    fn push(&mut self, byte: u8) {
        self.bytes[self.length] = byte;
        self.length += 1;
    }

    /// The last digits of a number, with zeros in front.
    fn push_digits(&mut self, mut number: u32, digits: usize) {
        let end = self.length + digits;
        for place in self.bytes[self.length..end].iter_mut().rev() {
            *place = b'0' + u8::try_from(number % 10).unwrap_or_default();
            number /= 10;
        }
        self.length = end;
    }
}

/// RFC 3339. `None`: it has no such form, or chrono has another.
pub(super) fn rfc3339(at: DateTime<FixedOffset>, fraction: Fraction, zero: Zero) -> Option<DateText> {
    let (wall, offset) = (at.naive_local(), at.offset().local_minus_utc());
    let (year, nanos) = (u32::try_from(wall.year()).ok().filter(|year| *year <= 9999)?, wall.nanosecond());
    // A leap second, or an offset of before there were time zones.
    if nanos >= 1_000_000_000 || offset % 60 != 0 {
        return None;
    }
    let mut text = DateText { bytes: [0; TEXT_BYTES_MAX], length: 0 };
    text.push_digits(year, 4);
    let parts = [wall.month(), wall.day(), wall.hour(), wall.minute(), wall.second()];
    for (before, part) in [b'-', b'-', b'T', b':', b':'].into_iter().zip(parts) {
        text.push(before);
        text.push_digits(part, 2);
    }
    let (unit, digits) = match fraction {
        Fraction::Millis => (1_000_000, 3),
        Fraction::AsNeeded if nanos == 0 => (1, 0),
        Fraction::AsNeeded if nanos % 1_000_000 == 0 => (1_000_000, 3),
        Fraction::AsNeeded if nanos % 1_000 == 0 => (1_000, 6),
        Fraction::AsNeeded => (1, 9),
        Fraction::No => (1, 0),
    };
    if digits > 0 {
        text.push(b'.');
        text.push_digits(nanos / unit, digits);
    }
    if offset == 0 && zero == Zero::Z {
        text.push(b'Z');
        return Some(text);
    }
    text.push(if offset < 0 { b'-' } else { b'+' });
    let minutes = offset.unsigned_abs() / 60;
    text.push_digits(minutes / 60, 2);
    text.push(b':');
    text.push_digits(minutes % 60, 2);
    Some(text)
}
