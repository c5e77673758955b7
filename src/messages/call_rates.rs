//! `check`: the calls that come by themselves, against the rate limits.

use std::time::Duration;

use super::Advice;

/// How much of a rate limit is used.
#[derive(Debug, Clone, Copy)]
pub struct RateShare {
    /// Calls that come by themselves.
    pub per_second: f64,
    /// The limit for all calls.
    pub limit: u32,
    /// True if it is more than the limit.
    pub is_too_much: bool,
    /// The interval with which half of the limit would be used, if that is possible.
    pub interval_seconds: Option<u64>,
}

impl RateShare {
    fn of_the_limit(&self) -> String {
        let Self { per_second, limit, is_too_much, .. } = self;
        let more_than = if *is_too_much { "more than the" } else { "more than half of the" };
        format!("{per_second:.1} calls a second together, {more_than} {limit} that max_requests_per_second allows")
    }

    /// With which the present rate is half.
    fn limit_for_half(&self) -> u64 {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small positive rate")]
        let limit = (self.per_second * 2.0).ceil() as u64;
        limit
    }
}

/// Polls use most of what Healthengine may be asked.
pub fn polls(practices: usize, interval: Duration, share: &RateShare) -> Advice {
    let told = share.of_the_limit();
    let whose = if practices == 1 { "1 practice".to_owned() } else { format!("{practices} practices") };
    let follows = if share.is_too_much {
        "so polls come late, and bookings with them"
    } else {
        "so bookings and availability may have to wait"
    };
    let lengthen = share.interval_seconds.map_or_else(String::new, |seconds| {
        format!("Set request_interval and idle_request_interval in [sync] to \"{seconds}s\" or more, or ask ")
    });
    let ask = if lengthen.is_empty() { "Ask " } else { "" };
    Advice::new(
        format!(
            "The polls of {whose}, one every {}, and the readings of their configuration are {told}, {follows}",
            seconds(interval)
        ),
        format!(
            "{lengthen}{ask}Healthengine for more and set max_requests_per_second in [healthengine] to {} or more",
            share.limit_for_half()
        ),
    )
}

/// Readings of the diary use most of what OpenVPMS may be asked.
pub fn readings(schedules: usize, clinicians: usize, interval: Duration, share: &RateShare) -> Advice {
    let told = share.of_the_limit();
    let follows = if share.is_too_much {
        "so times are offered for longer than that after they were taken"
    } else {
        "so bookings and readings may have to wait"
    };
    let lengthen = match share.interval_seconds {
        Some(seconds) => format!("Set availability_interval in [sync] to \"{seconds}s\" or more"),
        None => "Lengthen config_interval and far_availability_interval in [sync]".to_owned(),
    };
    Advice::new(
        format!(
            "Reading {}{} every {}, and the days beyond and the configuration at their intervals, takes at least \
             {told}, {follows}",
            if schedules == 1 { "1 schedule".to_owned() } else { format!("{schedules} schedules") },
            match clinicians {
                0 => String::new(),
                1 => " and 1 clinician".to_owned(),
                _ => format!(" and {clinicians} clinicians"),
            },
            seconds(interval)
        ),
        format!(
            "{lengthen}, or, if the server can take it, set max_requests_per_second in [openvpms] to {} or more",
            share.limit_for_half()
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
            for advice in [polls(30, five, &share), polls(1, five, &share), readings(300, 2, five, &share)] {
                assert_well_said(&advice);
                assert!(advice.problem.contains("6.0 calls a second") || advice.problem.contains("6.1 calls"));
                assert!(advice.remedy.contains("to 13 or more") && advice.remedy.contains("max_requests_per_second"));
                assert_eq!(advice.remedy.contains("\"7s\""), interval.is_some(), "{}", advice.remedy);
                assert_eq!(advice.problem.contains("more than half of the 10"), !is_too_much, "{}", advice.problem);
            }
        }
    }
}
