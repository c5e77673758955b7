//! Do the calls that come by themselves fit the rate limits?
//!
//! Counted is what a running service asks at set intervals, all practices that are on together:
//! - Healthengine: one poll per practice and interval, one look at the extra features with each
//!   reading of the configuration, and one for another bridge each
//!   [`LOOK_FOR_OTHER_BRIDGE_EVERY`];
//! - OpenVPMS: one call per schedule and per clinician and interval, whether it is for the near
//!   days or for all; and with each reading of the configuration one for the locations, one per
//!   location, one per schedule and two per clinician.
//!
//! Bookings, days that are sent and whatever is tried again come on top. Bookings go before all of
//! it, and readings have half of a limit at most ([`crate::http::Lane`]). So polls that use more
//! than half of a limit are worth knowing, and more than all of it is a problem: what is to be done
//! every few seconds is then never done in time. For readings that is so from half on.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::mapping::Mapping;

/// Between two looks for another bridge, while nothing speaks for one.
pub const LOOK_FOR_OTHER_BRIDGE_EVERY: Duration = Duration::from_secs(45);

/// What a configuration says of how often the two servers are asked, and how often they may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallBudget {
    /// Between two polls of a practice; the shorter of the two intervals.
    pub poll_interval: Duration,
    /// Between two readings of a schedule.
    pub reading_interval: Duration,
    /// Between two readings of the configuration.
    pub config_interval: Duration,
    /// `[openvpms] max_requests_per_second`
    pub openvpms_per_second: u32,
    /// `[healthengine] max_requests_per_second`
    pub healthengine_per_second: u32,
}

/// How much of a rate limit is used, where that is worth knowing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RateShare {
    /// Calls that come by themselves.
    pub per_second: f64,
    /// The limit for all calls.
    pub limit: u32,
    /// True if they cannot all be made in time.
    pub is_too_much: bool,
    /// The interval with which half of the limit would be used, if that is possible.
    pub interval_seconds: Option<u64>,
}

/// What is read of OpenVPMS for all practices that are on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DiaryReads {
    /// The practices themselves.
    pub practices: usize,
    /// Their locations.
    pub locations: usize,
    /// The schedules that they offer.
    pub schedules: usize,
    /// The clinicians that they offer.
    pub clinicians: usize,
}

impl DiaryReads {
    /// One more practice, which offers this.
    pub fn add(&mut self, locations: usize, mapping: &Mapping) {
        let ids = || mapping.resources.iter().map(|resource| resource.id);
        self.practices += 1;
        self.locations += locations;
        self.schedules += ids().map(|id| id.schedule).collect::<BTreeSet<_>>().len();
        self.clinicians += ids().filter_map(|id| id.user).collect::<BTreeSet<_>>().len();
    }

    fn calls(&self) -> usize {
        self.schedules + self.clinicians
    }

    /// For the configuration.
    fn inventory_calls(&self) -> usize {
        self.practices + self.locations + self.schedules + 2 * self.clinicians
    }
}

/// The calls to Healthengine of so many practices; `None` while they are at most half of the limit.
pub fn of_polls(practices: usize, budget: &CallBudget) -> Option<RateShare> {
    let others = each(practices, budget.config_interval) + each(practices, LOOK_FOR_OTHER_BRIDGE_EVERY);
    let limit = budget.healthengine_per_second;
    let share = share(practices, budget.poll_interval, others, limit)?;
    Some(RateShare { is_too_much: share.per_second > f64::from(limit), ..share })
}

/// The readings of what the practices offer; `None` while they are at most half of the limit.
pub fn of_readings(reads: &DiaryReads, budget: &CallBudget) -> Option<RateShare> {
    let others = each(reads.inventory_calls(), budget.config_interval);
    let share = share(reads.calls(), budget.reading_interval, others, budget.openvpms_per_second)?;
    Some(RateShare { is_too_much: true, ..share })
}

fn each(calls: usize, every: Duration) -> f64 {
    calls as f64 / every.as_secs_f64()
}

/// So many calls at an interval, and others; `None` while they are at most half of the limit.
fn share(calls: usize, interval: Duration, others: f64, limit: u32) -> Option<RateShare> {
    let half = f64::from(limit) / 2.0;
    let per_second = each(calls, interval) + others;
    let left = half - others;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive, and bounded by the config")]
    let interval_seconds = (left > 0.0).then(|| (calls as f64 / left).ceil() as u64);
    (per_second > half).then_some(RateShare { per_second, limit, is_too_much: false, interval_seconds })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget() -> CallBudget {
        CallBudget {
            poll_interval: Duration::from_secs(5),
            reading_interval: Duration::from_secs(60),
            config_interval: Duration::from_secs(600),
            openvpms_per_second: 10,
            healthengine_per_second: 10,
        }
    }

    fn close(rate: f64, expected: f64) {
        assert!((rate - expected).abs() < 1e-9, "{rate}, not {expected}");
    }

    #[test]
    fn polls_are_told_from_half_of_the_limit_on_and_are_too_much_beyond_all_of_it() {
        // A poll every five seconds, a look every 45 and one every 600.
        let one = 0.2 + 1.0 / 45.0 + 1.0 / 600.0;
        for (practices, told) in [(0, None), (22, None), (23, Some(false)), (44, Some(false)), (45, Some(true))] {
            let share = of_polls(practices, &budget());
            assert_eq!(share.map(|share| share.is_too_much), told, "{practices}: {share:?}");
            share.iter().for_each(|share| close(share.per_second, practices as f64 * one));
        }
        let quick = CallBudget { poll_interval: Duration::from_millis(100), ..budget() };
        close(of_polls(1, &quick).unwrap().per_second, 10.0 + 1.0 / 45.0 + 1.0 / 600.0);
    }

    #[test]
    fn readings_have_half_of_the_limit_and_more_of_them_are_too_much() {
        let reads = |schedules| DiaryReads { practices: 2, locations: 3, schedules, clinicians: 20 };
        // 280 calls a minute, and 2 + 3 + 260 + 40 in ten minutes.
        let share = of_readings(&reads(260), &budget()).unwrap();
        close(share.per_second, 280.0 / 60.0 + 305.0 / 600.0);
        assert!(share.is_too_much);
        assert_eq!(of_readings(&reads(200), &budget()), None);
        // Practices of ten schedules each (docs/many-clinics.md).
        let practices =
            |practices| DiaryReads { practices, locations: practices, schedules: 10 * practices, clinicians: 0 };
        assert!(of_readings(&practices(26), &budget()).is_none() && of_readings(&practices(27), &budget()).is_some());
        assert_eq!(of_readings(&DiaryReads::default(), &budget()), None);
    }

    #[test]
    fn the_interval_that_is_advised_is_half_of_the_limit() {
        let reads = DiaryReads { practices: 1, locations: 1, schedules: 400, clinicians: 0 };
        let advised = of_readings(&reads, &budget()).unwrap().interval_seconds.unwrap();
        let at = |seconds| CallBudget { reading_interval: Duration::from_secs(seconds), ..budget() };
        assert_eq!(of_readings(&reads, &at(advised)), None);
        assert!(of_readings(&reads, &at(advised - 1)).is_some());
        let polls = |seconds| CallBudget { poll_interval: Duration::from_secs(seconds), ..budget() };
        let advised = of_polls(50, &budget()).unwrap().interval_seconds.unwrap();
        assert!(of_polls(50, &polls(advised)).is_none() && of_polls(50, &polls(advised - 1)).is_some());
        // What is read for the configuration is more than half alone.
        assert_eq!(of_readings(&DiaryReads { schedules: 3000, ..reads }, &budget()).unwrap().interval_seconds, None);
    }

    #[test]
    fn each_schedule_and_each_clinician_counts_once_for_a_practice() {
        use crate::ids::{LocationId, ResourceId, ScheduleId, UserId};
        use crate::mapping::{Resource, ZoneProblem};
        let resource = |schedule, user: Option<i64>| Resource {
            id: ResourceId { schedule: ScheduleId(schedule), user: user.map(UserId) },
            location: LocationId(98),
            name: String::new(),
            clinician: None,
            slot_size_minutes: 15,
            types: Vec::new(),
        };
        let resources = vec![resource(1, None), resource(1, Some(7)), resource(2, Some(7)), resource(2, Some(8))];
        let zones = Err(ZoneProblem::PracticeZoneNeeded("Etc/UTC".into()));
        let mapping = Mapping { resources, left_out: Vec::new(), missing_locations: Vec::new(), zones };
        let mut reads = DiaryReads::default();
        reads.add(1, &mapping);
        reads.add(2, &mapping);
        assert_eq!(reads, DiaryReads { practices: 2, locations: 3, schedules: 4, clinicians: 4 });
        assert_eq!((reads.calls(), reads.inventory_calls()), (8, 2 + 3 + 4 + 8));
    }
}
