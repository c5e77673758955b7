//! The few repetitions that a transport makes by itself.
//!
//! A server that restarts refuses connections for a moment, and an idle connection can be closed
//! under a request that reuses it. Two repetitions within half a second see most of that through.
//! Anything longer is for the loops above, which know what they wait for and back off themselves;
//! so the numbers here stay small on purpose.

use std::time::Duration;

use backoff::backoff::Backoff;
use backoff::{ExponentialBackoff, ExponentialBackoffBuilder};

/// How often a repeatable request is sent again.
const REPEATS_MAX: usize = 2;

/// The pauses before each repetition: about 100 and 200 ms, each up to half longer or shorter, so
/// that many callers do not knock in step. `backoff` is only the generator; it never runs a
/// request.
pub(super) fn pauses() -> impl Iterator<Item = Duration> + Send {
    let mut backoff: ExponentialBackoff = ExponentialBackoffBuilder::new()
        .with_initial_interval(Duration::from_millis(100))
        .with_multiplier(2.0)
        .with_randomization_factor(0.5)
        .with_max_elapsed_time(None)
        .build();
    std::iter::from_fn(move || backoff.next_backoff()).take(REPEATS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pauses_are_few_and_short() {
        let pauses: Vec<Duration> = pauses().collect();
        assert_eq!(pauses.len(), REPEATS_MAX);
        assert!(pauses.iter().sum::<Duration>() < Duration::from_millis(500), "{pauses:?}");
    }
}
