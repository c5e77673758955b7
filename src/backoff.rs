//! Delays between attempts while a server is away: growing, with a little randomness so that
//! clinics do not knock together.
//!
//! The crate backoff only generates the numbers; nothing is ever repeated by it. This file is the
//! only one that names it. In [`Backoff`] its own randomness is switched off: a simulation must
//! come out the same every time, so the randomness comes from a seed of the caller's.
//! [`short_pauses`] come between attempts on a real network, which no simulation makes.

use std::time::Duration;

use ::backoff::ExponentialBackoff;
use ::backoff::backoff::Backoff as _;

use crate::random::Random;

/// Grows from the first delay to the longest, and begins again after a success.
#[derive(Debug)]
pub struct Backoff {
    growing: ExponentialBackoff,
    random: Random,
}

/// A delay is changed by up to this share of it, either way.
const SPREAD: f64 = 0.2;

impl Backoff {
    /// `first` and `longest` are the ends of the range, before up to a fifth of randomness. `seed`
    /// should differ from clinic to clinic; the same one gives the same delays.
    pub fn new(first: Duration, longest: Duration, seed: u64) -> Self {
        let mut growing = ExponentialBackoff {
            initial_interval: first.min(longest),
            max_interval: longest,
            multiplier: 2.0,
            randomization_factor: 0.0,
            // The default gives up after a quarter of an hour; a bridge never does.
            max_elapsed_time: None,
            ..ExponentialBackoff::default()
        };
        growing.reset();
        Self { growing, random: Random::from_seed(seed) }
    }

    /// How long to wait before the next attempt.
    pub fn next_delay(&mut self) -> Duration {
        let delay = self.growing.next_backoff().unwrap_or(self.growing.max_interval);
        let share = f64::from((self.random.bits() >> 32) as u32) / f64::from(u32::MAX);
        delay.mul_f64(1.0 - SPREAD + 2.0 * SPREAD * share)
    }

    /// An attempt succeeded.
    pub fn reset(&mut self) {
        self.growing.reset();
    }
}

/// Pauses that begin at `first` and double, each up to half longer or shorter, so that many callers
/// do not knock in step.
pub fn short_pauses(first: Duration) -> impl Iterator<Item = Duration> + Send {
    let mut growing = ExponentialBackoff {
        current_interval: first,
        initial_interval: first,
        multiplier: 2.0,
        randomization_factor: 0.5,
        max_elapsed_time: None,
        ..ExponentialBackoff::default()
    };
    std::iter::from_fn(move || growing.next_backoff())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_to_the_longest_and_begin_again_after_a_success() {
        let mut backoff = Backoff::new(Duration::from_secs(5), Duration::from_secs(30), 1);
        let grown: Vec<Duration> = (0..100).map(|_| backoff.next_delay()).collect();
        assert!(grown[0] <= Duration::from_secs(6), "{grown:?}");
        assert!(grown.iter().all(|delay| *delay <= Duration::from_secs(36)), "{grown:?}");
        assert!(grown[50] >= Duration::from_secs(24), "{grown:?}");
        backoff.reset();
        assert!(backoff.next_delay() <= Duration::from_secs(6));
    }

    #[test]
    fn two_clinics_do_not_knock_together_and_one_knocks_alike_every_time() {
        let delays = |seed| {
            let mut backoff = Backoff::new(Duration::from_secs(5), Duration::from_secs(30), seed);
            (0..20).map(|_| backoff.next_delay()).collect::<Vec<_>>()
        };
        assert_eq!(delays(7), delays(7));
        let apart =
            delays(7).iter().zip(delays(8)).filter(|(a, b)| a.abs_diff(*b) > Duration::from_millis(200)).count();
        assert!(apart > 10, "{apart}");
    }
}
