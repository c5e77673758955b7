//! Time zones as OpenVPMS reports them and people type them, and wall times in them.

#![no_main]

use chrono::{DateTime, TimeDelta, Utc};
use libfuzzer_sys::fuzz_target;
use vetbridge::zone::Zone;
use vetbridge::zone::typed_zones::places_of;

fuzz_target!(|data: (i32, &str)| {
    let (hours, text) = data;
    for candidate in places_of(text) {
        assert!(candidate.zone.parse::<Zone>().is_ok_and(|zone| zone.names_a_place()));
    }
    let Ok(zone) = text.parse::<Zone>() else { return };
    let at = DateTime::<Utc>::UNIX_EPOCH + TimeDelta::hours(i64::from(hours.rem_euclid(230 * 366 * 24)));
    let wall = zone.wall(at);
    zone.instant(wall);
    zone.day(wall.date());
    zone.midnight_before(wall.date());
    assert!(zone.day_start(wall.date()) <= at, "{text} {at}");
});
