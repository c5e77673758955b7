//! Intervals and days.

use crate::configuration::LEAST;
use crate::{directory, parse_in};

#[test]
fn intervals_are_at_least_100_ms_and_min_notice_may_be_nothing() {
    let with = |line: &str| parse_in(directory().path(), &format!("{LEAST}[sync]\n{line}\n"));
    for key in [
        "availability_interval",
        "far_availability_interval",
        "request_interval",
        "idle_request_interval",
        "config_interval",
        "max_retry_interval",
    ] {
        let error = with(&format!("{key} = \"99ms\"")).unwrap_err().to_string();
        assert!(error.contains(key) && error.contains("at least 100ms"), "{error}");
        assert!(with(&format!("{key} = \"100ms\"")).is_ok(), "{key}");
    }
    assert!(with("min_notice = \"0s\"").is_ok());
    assert!(with("min_notice = \"soon\"").unwrap_err().to_string().contains("written like"));
}

#[test]
fn near_days_lie_within_the_horizon() {
    let with = |lines: &str| parse_in(directory().path(), &format!("{LEAST}[sync]\n{lines}\n"));
    let error = with("near_days = 8\nhorizon_days = 7").unwrap_err().to_string();
    assert!(
        error.contains(":18:") && error.contains("near_days: must not be more than horizon_days, which is 7"),
        "{error}"
    );
    assert_eq!(with("horizon_days = 3").unwrap().sync.near_days, 3);
    for line in ["horizon_days = 0", "horizon_days = 367", "near_days = 0", "horizon_days = 1.5"] {
        assert!(with(line).is_err(), "{line}");
    }
    assert_eq!(with("horizon_days = 0x16e").unwrap().sync.horizon_days, 366);
}
