//! Do the calls that come by themselves fit the rate limits?
//!
//! Counted is what a running service asks at set intervals, all enabled practices together:
//! - Healthengine: one poll per practice and interval, one look at the extra features with each
//!   reading of the configuration;
//! - OpenVPMS: one call per schedule and per clinician for all near days, the same for the rest of
//!   the horizon, and with each reading of the configuration one for the locations, one per
//!   location, one per schedule and two per clinician.
//!
//! Bookings, days that are sent and whatever is tried again come on top, and bookings are sure of
//! half of a limit only. So more than half is worth knowing. More than all of it is a problem: what
//! is to be done every minute is then never done in time.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::config::{Config, SyncSettings};
use crate::findings::report::Report;
use crate::mapping::Mapping;
use crate::messages::Advice;
use crate::messages::call_rates::{self as say, RateShare};

/// How much of a limit is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Load {
    /// At most half of it.
    Light,
    /// More than half, at most all of it.
    Heavy,
    /// More than there is.
    TooMuch,
}

fn load(per_second: f64, limit: u32) -> Load {
    let limit = f64::from(limit);
    match per_second {
        light if light <= limit / 2.0 => Load::Light,
        heavy if heavy <= limit => Load::Heavy,
        _ => Load::TooMuch,
    }
}

/// What is read of OpenVPMS for all enabled practices.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct DiaryReads {
    pub(super) practices: usize,
    pub(super) locations: usize,
    pub(super) schedules: usize,
    pub(super) clinicians: usize,
}

impl DiaryReads {
    /// One more practice, which offers this.
    pub(super) fn add(&mut self, locations: usize, mapping: &Mapping) {
        let ids = || mapping.resources.iter().map(|resource| resource.id);
        self.practices += 1;
        self.locations += locations;
        self.schedules += ids().map(|id| id.schedule).collect::<BTreeSet<_>>().len();
        self.clinicians += ids().filter_map(|id| id.user).collect::<BTreeSet<_>>().len();
    }

    /// For the near days, and for those beyond.
    fn calls(&self) -> usize {
        self.schedules + self.clinicians
    }

    /// For the configuration.
    fn inventory_calls(&self) -> usize {
        self.practices + self.locations + self.schedules + 2 * self.clinicians
    }
}

fn each(calls: usize, every: Duration) -> f64 {
    calls as f64 / every.as_secs_f64()
}

/// Polls and configuration readings of so many practices.
fn healthengine_rate(practices: usize, sync: &SyncSettings) -> f64 {
    each(practices, poll_interval(sync)) + each(practices, sync.config_interval)
}

fn poll_interval(sync: &SyncSettings) -> Duration {
    sync.request_interval.min(sync.idle_request_interval)
}

/// Readings of the near days, apart from the rest.
fn openvpms_rate(reads: &DiaryReads, sync: &SyncSettings) -> (f64, f64) {
    let far_days = sync.horizon_days.saturating_sub(sync.near_days);
    let far = if far_days > 0 { each(reads.calls(), sync.far_availability_interval) } else { 0.0 };
    (each(reads.calls(), sync.availability_interval), far + each(reads.inventory_calls(), sync.config_interval))
}

/// The interval at which so many calls are half of the limit together with others, in whole
/// seconds. `None` if the others are more than half already.
fn interval_for_half(calls: usize, others: f64, limit: u32) -> Option<u64> {
    let left = f64::from(limit) / 2.0 - others;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive, and bounded by the config")]
    (left > 0.0).then(|| (calls as f64 / left).ceil() as u64)
}

/// The polls of all enabled practices.
pub(super) fn inspect_polls(config: &Config, report: &mut Report) {
    let practices = config.practices.iter().filter(|practice| practice.enabled).count();
    let (sync, limit) = (&config.sync, config.healthengine.max_requests_per_second);
    let per_second = healthengine_rate(practices, sync);
    let others = each(practices, sync.config_interval);
    let share = |is_too_much| RateShare {
        per_second,
        limit,
        is_too_much,
        interval_seconds: interval_for_half(practices, others, limit),
    };
    tell("[healthengine] max_requests_per_second", load(per_second, limit), report, |is_too_much| {
        say::polls(practices, poll_interval(sync), &share(is_too_much))
    });
}

/// The readings of what all enabled practices offer.
pub(super) fn inspect_readings(reads: &DiaryReads, config: &Config, report: &mut Report) {
    let (sync, limit) = (&config.sync, config.openvpms.max_requests_per_second);
    let (near, others) = openvpms_rate(reads, sync);
    let share = |is_too_much| RateShare {
        per_second: near + others,
        limit,
        is_too_much,
        interval_seconds: interval_for_half(reads.calls(), others, limit),
    };
    tell("[openvpms] max_requests_per_second", load(near + others, limit), report, |is_too_much| {
        say::readings(reads.schedules, reads.clinicians, sync.availability_interval, &share(is_too_much))
    });
}

fn tell(place: &str, load: Load, report: &mut Report, advice: impl FnOnce(bool) -> Advice) {
    match load {
        Load::Light => {}
        Load::Heavy => report.note(place, advice(false)),
        Load::TooMuch => report.problem(place, advice(true)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sync(near: u64, far: u64, config: u64) -> SyncSettings {
        SyncSettings {
            availability_interval: Duration::from_secs(near),
            far_availability_interval: Duration::from_secs(far),
            config_interval: Duration::from_secs(config),
            request_interval: Duration::from_secs(5),
            idle_request_interval: Duration::from_secs(10),
            horizon_days: 60,
            near_days: 7,
            ..SyncSettings::default()
        }
    }

    #[test]
    fn half_of_a_limit_is_light_and_all_of_it_is_not_yet_too_much() {
        for (per_second, limit, expected) in [
            (0.0, 1, Load::Light),
            (0.5, 1, Load::Light),
            (0.51, 1, Load::Heavy),
            (5.0, 10, Load::Light),
            (5.001, 10, Load::Heavy),
            (10.0, 10, Load::Heavy),
            (10.001, 10, Load::TooMuch),
            (5.5, 11, Load::Light),
        ] {
            assert_eq!(load(per_second, limit), expected, "{per_second} of {limit}");
        }
    }

    #[test]
    fn the_shorter_interval_of_polls_and_the_configuration_count() {
        let close = |rate: f64, expected: f64| assert!((rate - expected).abs() < 1e-9, "{rate}, not {expected}");
        close(healthengine_rate(0, &sync(60, 900, 600)), 0.0);
        close(healthengine_rate(30, &sync(60, 900, 600)), 6.05);
        let quick = SyncSettings { idle_request_interval: Duration::from_millis(100), ..sync(60, 900, 600) };
        close(healthengine_rate(1, &quick), 10.0 + 1.0 / 600.0);
        let reads = DiaryReads { practices: 2, locations: 3, schedules: 40, clinicians: 20 };
        // 60 calls a minute, 60 in a quarter of an hour, and 2 + 3 + 40 + 40 in ten minutes.
        let (near, others) = openvpms_rate(&reads, &sync(60, 900, 600));
        close(near, 1.0);
        close(others, 60.0 / 900.0 + 85.0 / 600.0);
        let all_near = SyncSettings { near_days: 60, ..sync(60, 900, 600) };
        close(openvpms_rate(&reads, &all_near).1, 85.0 / 600.0);
    }

    #[test]
    fn the_interval_that_is_advised_is_half_of_the_limit() {
        assert_eq!(interval_for_half(300, 0.0, 10), Some(60));
        assert_eq!(interval_for_half(301, 0.0, 10), Some(61));
        assert_eq!(interval_for_half(300, 2.0, 10), Some(100));
        assert_eq!(interval_for_half(300, 5.0, 10), None, "the rest alone is half");
        assert_eq!(interval_for_half(300, 7.0, 10), None);
        let reads = DiaryReads { practices: 1, locations: 1, schedules: 400, clinicians: 0 };
        let (_, others) = openvpms_rate(&reads, &sync(60, 900, 600));
        let advised = interval_for_half(400, others, 10).unwrap();
        let (near, others) = openvpms_rate(&reads, &sync(advised, 900, 600));
        assert_eq!(load(near + others, 10), Load::Light);
        let (near, others) = openvpms_rate(&reads, &sync(advised - 1, 900, 600));
        assert_eq!(load(near + others, 10), Load::Heavy);
    }
}
