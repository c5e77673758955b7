//! Chance from a seed: the same in every run.

use std::sync::{Arc, Mutex};

use vetbridge::random::Random;

/// A source of chance; clones draw from the same one.
#[derive(Clone)]
pub(crate) struct Chance(Arc<Mutex<Random>>);

impl Chance {
    /// The same seed gives the same chance.
    pub(crate) fn from_seed(seed: u64) -> Self {
        // Mixed: the states of one stream are steps apart, so that a seed taken as it is could begin inside another's.
        let mixed = Random::from_seed(seed).bits();
        Self(Arc::new(Mutex::new(Random::from_seed(mixed))))
    }

    /// A number below `end`, which is not 0.
    pub(crate) fn below(&self, end: u64) -> u64 {
        self.0.lock().unwrap().below(end)
    }

    /// True so many times out of a hundred.
    pub(crate) fn percent(&self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of these; there is at least one.
    pub(crate) fn pick<'a, T>(&self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len() as u64) as usize]
    }

    /// Another source that follows from this one.
    pub(crate) fn child(&self) -> Self {
        Self::from_seed(self.below(u64::MAX))
    }
}
