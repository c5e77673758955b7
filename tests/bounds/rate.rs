//! How often a server was asked, by the journal.

use chrono::TimeDelta;

use crate::support::{Call, Clinic};

/// In any second at most what the rate and the burst of half a second allow, and over ten seconds
/// hardly more than the rate.
pub(crate) fn assert_openvpms_is_spared(clinic: &Clinic) {
    let mut sent: Vec<_> = clinic.journal.calls().into_iter().filter(Call::is_openvpms).map(|call| call.at).collect();
    sent.sort_unstable();
    let per_second = clinic.config.openvpms.max_requests_per_second as usize;
    for (seconds, at_most) in [(1, per_second * 3 / 2), (10, per_second * 21 / 2)] {
        let busiest = sent.iter().enumerate().map(|(index, at)| {
            sent[index..].iter().take_while(|later| **later - *at < TimeDelta::seconds(seconds)).count()
        });
        let busiest = busiest.max().unwrap_or_default();
        assert!(busiest <= at_most, "{busiest} calls to OpenVPMS within {seconds} s");
    }
}

/// The longest time between two polls, in seconds.
pub(crate) fn longest_silence(clinic: &Clinic) -> i64 {
    let polls: Vec<_> = clinic.journal.of("GET /requests", "/requests").into_iter().map(|call| call.at).collect();
    polls.windows(2).map(|pair| (pair[1] - pair[0]).num_seconds()).max().unwrap_or(i64::MAX)
}
