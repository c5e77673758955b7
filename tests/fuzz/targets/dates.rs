//! Dates and instants as both systems write them, and as HTTP does. Those in the usual form are
//! read and written digit by digit: as chrono reads and writes them.

#![no_main]

use chrono::{DateTime, NaiveDateTime};
use libfuzzer_sys::fuzz_target;
use vetbridge::dates::{self, Fraction};

fuzz_target!(|text: &str| {
    for at in [dates::utc(text), dates::of_header(text), dates::with_offset(text).map(|at| at.to_utc())] {
        assert!(at.is_none_or(dates::counts), "{text}: {at:?}");
    }
    dates::day(text);
    dates::span_end(text);
    if let Some(at) = dates::with_offset(text) {
        let by_chrono = DateTime::parse_from_rfc3339(text.trim()).expect("chrono reads it too");
        // A leap second counts as the second before it.
        assert!(at == by_chrono || (at.timestamp() == by_chrono.timestamp() && by_chrono > at), "{text}: {at}");
        assert_eq!(dates::rfc3339(at, Fraction::Millis), at.format("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string());
    }
    if let Some(wall) = dates::wall(text) {
        let by_chrono = NaiveDateTime::parse_from_str(text.trim(), dates::DATE_TIME).expect("chrono reads it too");
        assert!((by_chrono - wall).num_seconds() == 0 && wall <= by_chrono, "{text}: {wall}");
    }
});
