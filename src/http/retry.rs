//! The few repetitions that a transport makes by itself.
//!
//! A server that restarts refuses connections for a moment, and an idle connection can be closed
//! under a request that reuses it. Two repetitions within half a second see most of that through.
//! Anything longer is for the loops above, which know what they wait for and back off themselves;
//! so the numbers here stay small on purpose.

use std::time::Duration;

use crate::backoff::short_pauses;

/// How often a repeatable request is sent again.
const REPEATS_MAX: usize = 2;

/// The pauses before each repetition: about 100 and 200 ms.
pub(super) fn pauses() -> impl Iterator<Item = Duration> + Send {
    short_pauses(Duration::from_millis(100)).take(REPEATS_MAX)
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
