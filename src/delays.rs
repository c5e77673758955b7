//! Delays between attempts while a server is away: growing, with a little randomness so that clinics do not knock together.
//!
//! The crate backoff only generates the numbers; nothing is ever repeated by it.

use std::time::Duration;

use backoff::ExponentialBackoff;
use backoff::backoff::Backoff as _;

/// Grows from the first delay to the longest, and begins again after a success.
#[derive(Debug)]
pub struct Delays(ExponentialBackoff);

impl Delays {
    /// `first` and `longest` are the ends of the range, before up to a fifth of randomness.
    pub fn new(first: Duration, longest: Duration) -> Self {
        let mut delays = ExponentialBackoff {
            initial_interval: first.min(longest),
            max_interval: longest,
            multiplier: 2.0,
            randomization_factor: 0.2,
            // The default gives up after a quarter of an hour; a bridge never does.
            max_elapsed_time: None,
            ..ExponentialBackoff::default()
        };
        delays.reset();
        Self(delays)
    }

    /// How long to wait before the next attempt.
    pub fn next_delay(&mut self) -> Duration {
        self.0.next_backoff().unwrap_or(self.0.max_interval)
    }

    /// An attempt succeeded.
    pub fn reset(&mut self) {
        self.0.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_to_the_longest_and_begin_again_after_a_success() {
        let mut delays = Delays::new(Duration::from_secs(5), Duration::from_secs(30));
        let grown: Vec<Duration> = (0..100).map(|_| delays.next_delay()).collect();
        assert!(grown[0] <= Duration::from_secs(6), "{grown:?}");
        assert!(grown.iter().all(|delay| *delay <= Duration::from_secs(36)), "{grown:?}");
        assert!(grown[50] >= Duration::from_secs(24), "{grown:?}");
        delays.reset();
        assert!(delays.next_delay() <= Duration::from_secs(6));
    }
}
