//! Chance from a seed: the same in every run.

use std::sync::{Arc, Mutex};

/// A source of chance; clones draw from the same one.
#[derive(Clone)]
pub(crate) struct Chance(Arc<Mutex<u64>>);

impl Chance {
    /// The same seed gives the same chance.
    pub(crate) fn from_seed(seed: u64) -> Self {
        // Mixed: the states of one stream are steps apart, so that a seed taken as it is could begin inside another's.
        Self(Arc::new(Mutex::new(mixed(seed.wrapping_add(STEP)))))
    }

    /// A number below `end`, which is not 0.
    pub(crate) fn below(&self, end: u64) -> u64 {
        let mut state = self.0.lock().unwrap();
        *state = state.wrapping_add(STEP);
        mixed(*state) % end
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

const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// SplitMix64 (Steele, Lea and Flood, 2014).
fn mixed(state: u64) -> u64 {
    let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
