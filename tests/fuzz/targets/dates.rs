//! Dates and instants as both systems write them, and as HTTP does.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vetbridge::dates;

fuzz_target!(|text: &str| {
    for at in [dates::utc(text), dates::of_header(text), dates::with_offset(text).map(|at| at.to_utc())] {
        assert!(at.is_none_or(dates::counts), "{text}: {at:?}");
    }
    dates::day(text);
    dates::wall(text);
    dates::span_end(text);
});
