//! The calls that come by themselves, against the rate limits: for `check`, `status` and the page.

use std::time::Duration;

use super::Advice;
use crate::polling::call_rates::{CallBudget, DiaryReads, RateShare, of_polls, of_readings};

/// What of a rate limit an administrator is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateFinding {
    /// The key that it is about.
    pub place: &'static str,
    /// True for a problem: not all calls can be made in time.
    pub is_too_much: bool,
    /// What is said of it.
    pub advice: Advice,
}

/// What there is to say of the polls of so many practices.
pub fn found_of_polls(practices: usize, budget: &CallBudget) -> Option<RateFinding> {
    of_polls(practices, budget).map(|share| RateFinding {
        place: "[healthengine] max_requests_per_second",
        is_too_much: share.is_too_much,
        advice: polls(practices, budget.poll_interval, &share),
    })
}

/// What there is to say of the readings of what practices offer.
pub fn found_of_readings(reads: &DiaryReads, budget: &CallBudget) -> Option<RateFinding> {
    of_readings(reads, budget).map(|share| RateFinding {
        place: "[openvpms] max_requests_per_second",
        is_too_much: share.is_too_much,
        advice: readings(reads.schedules, reads.clinicians, budget.reading_interval, &share),
    })
}

/// With which the present rate is half.
fn limit_for_half(share: &RateShare) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small positive rate")]
    let limit = (share.per_second * 2.0).ceil() as u64;
    limit
}

/// Polls use most of what Healthengine may be asked.
pub fn polls(practices: usize, interval: Duration, share: &RateShare) -> Advice {
    let RateShare { per_second, limit, is_too_much, .. } = share;
    let whose = super::counted(practices, "practice");
    let (more_than, follows) = if *is_too_much {
        ("more than the", "so polls come late, and bookings with them")
    } else {
        ("more than half of the", "so times on offer may be sent late when many of them change at once")
    };
    let lengthen = share.interval_seconds.map_or_else(String::new, |seconds| {
        format!("Set request_interval and idle_request_interval in [sync] to \"{seconds}s\" or more, or ask ")
    });
    let ask = if lengthen.is_empty() { "Ask " } else { "" };
    Advice::new(
        format!(
            "The polls of {whose}, one every {}, and the other calls at set intervals are {per_second:.1} calls a \
             second together, {more_than} {limit} that max_requests_per_second allows, {follows}",
            seconds(interval)
        ),
        format!(
            "{lengthen}{ask}Healthengine for more and set max_requests_per_second in [healthengine] to {} or more",
            limit_for_half(share)
        ),
    )
}

/// Readings of the diary need more than what they get of what OpenVPMS may be asked.
pub fn readings(schedules: usize, clinicians: usize, interval: Duration, share: &RateShare) -> Advice {
    let RateShare { per_second, limit, .. } = share;
    let lengthen = match share.interval_seconds {
        Some(seconds) => format!("Set availability_interval in [sync] to \"{seconds}s\" or more"),
        None => "Lengthen config_interval in [sync]".to_owned(),
    };
    let whom = match clinicians {
        0 => String::new(),
        some => format!(" and {}", super::counted(some, "clinician")),
    };
    Advice::new(
        format!(
            "Reading {}{whom} every {}, and the configuration at its interval, takes at least {per_second:.1} calls \
             a second together, more than half of the {limit} that max_requests_per_second allows, and readings get \
             no more than half, so times are offered for longer than that after they were taken",
            super::counted(schedules, "schedule"),
            seconds(interval)
        ),
        format!(
            "{lengthen}, or, if the server can take it, set max_requests_per_second in [openvpms] to {} or more",
            limit_for_half(share)
        ),
    )
}

fn seconds(interval: Duration) -> String {
    format!("{} s", interval.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::assert_well_said;

    fn share(is_too_much: bool, interval_seconds: Option<u64>) -> RateShare {
        RateShare { per_second: 6.05, limit: if is_too_much { 5 } else { 10 }, is_too_much, interval_seconds }
    }

    #[test]
    fn what_is_near_a_limit_is_said_with_figures_and_the_keys_to_change() {
        let five = Duration::from_secs(5);
        for (is_too_much, interval) in [(false, Some(7)), (true, Some(7)), (false, None), (true, None)] {
            let share = share(is_too_much, interval);
            let half = polls(30, five, &share).problem.contains("more than half of the 10");
            assert_eq!(half, !is_too_much);
            for advice in [polls(30, five, &share), polls(1, five, &share), readings(300, 2, five, &share)] {
                assert_well_said(&advice);
                assert!(advice.problem.contains("6.0 calls a second") || advice.problem.contains("6.1 calls"));
                assert!(advice.remedy.contains("to 13 or more") && advice.remedy.contains("max_requests_per_second"));
                assert_eq!(advice.remedy.contains("\"7s\""), interval.is_some(), "{}", advice.remedy);
            }
        }
    }
}
