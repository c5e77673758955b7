//! How long something took, many times.

use std::fmt;
use std::time::Duration;

/// The shares of the cases that are shown.
const SHARES: [usize; 3] = [50, 95, 99];

/// How long each case took.
#[derive(Default)]
pub(crate) struct Times(Vec<Duration>);

impl Times {
    /// With these.
    pub(crate) fn extend(&mut self, times: impl IntoIterator<Item = Duration>) {
        self.0.extend(times);
        self.0.sort_unstable();
    }

    /// With those of others.
    pub(crate) fn add(&mut self, others: Self) {
        self.extend(others.0);
    }

    /// How many cases there are.
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// What the quickest cases of this share, in per cent, took at most.
    fn within(&self, share: usize) -> Duration {
        self.0[(self.0.len() - 1) * share / 100]
    }

    /// How many times longer than others.
    pub(crate) fn over(&self, others: &Self) -> String {
        let ratio = |share| self.within(share).as_secs_f64() / others.within(share).as_secs_f64();
        SHARES.map(|share| format!("{:>10.2}", ratio(share))).concat()
    }
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        SHARES.iter().try_for_each(|share| write!(f, "{:>10.1?}", self.within(*share)))
    }
}
