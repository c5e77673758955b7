//! Durations as operators write them: `"200ms"`, `"5s"`, `"1h30m"`; any sum of whole `ms`, `s`,
//! `m`, `h`, `d`.

use std::time::Duration;

/// Nothing in vetbridge waits longer; a bound, so that sums of times stay in range.
pub const LONGEST: Duration = Duration::from_secs(3660 * 24 * 3600);

/// Why a text is no duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadDuration {
    /// Not a sum of numbers with units.
    #[error("a duration is written like \"200ms\", \"5s\" or \"1h30m\", with the units ms, s, m, h and d")]
    Form,
    /// Over [`LONGEST`].
    #[error("a duration is at most 3660d")]
    TooLong,
}

/// Reads a duration. Blanks between its parts do not count.
pub fn parse(text: &str) -> Result<Duration, BadDuration> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(BadDuration::Form);
    }
    let mut sum = Duration::ZERO;
    while !rest.is_empty() {
        let (number, after) = split_where(rest, |c| !c.is_ascii_digit());
        let (unit, after) = split_where(after.trim_start(), |c| !c.is_ascii_alphabetic());
        let unit_millis: u64 = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(BadDuration::Form),
        };
        if number.is_empty() {
            return Err(BadDuration::Form);
        }
        let millis = number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit_millis));
        let part = Duration::from_millis(millis.ok_or(BadDuration::TooLong)?);
        sum = sum.checked_add(part).filter(|sum| *sum <= LONGEST).ok_or(BadDuration::TooLong)?;
        rest = after.trim_start();
    }
    Ok(sum)
}

fn split_where(text: &str, stop: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(stop).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_sum_of_units_is_a_duration() {
        for (text, millis) in [
            ("200ms", 200),
            ("5s", 5_000),
            ("1h30m", 5_400_000),
            ("0m", 0),
            ("1d 2h 3m 4s 5ms", 93_784_005),
            ("30m1h", 5_400_000),
            (" 15 m ", 900_000),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in ["", " ", "5", "s", "5 5s", "1.5h", "-5s", "5S", "5min", "1h30", "５s", "5sm"] {
            assert_eq!(parse(text), Err(BadDuration::Form), "{text:?}");
        }
        for text in ["3661d", "99999999999999999999s", "18446744073709551615d", "3660d1ms"] {
            assert_eq!(parse(text), Err(BadDuration::TooLong), "{text}");
        }
    }
}
