//! Uuids from a seed, so that a simulation comes out the same every time.

use crate::random::Random;

/// A source of uuids. Not secret at all: a simulated server keeps nobody's diary.
#[derive(Debug, Clone)]
pub struct Uuids(Random);

impl Uuids {
    /// The same seed gives the same uuids.
    pub fn from_seed(seed: u64) -> Self {
        Self(Random::from_seed(seed))
    }

    /// The next one, written as version 1, the kind that OpenVPMS uses.
    pub(super) fn next(&mut self) -> String {
        let (high, low) = (self.0.bits(), self.0.bits());
        format!(
            "{:08x}-{:04x}-1{:03x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0x0fff,
            (low >> 48) & 0x3fff | 0x8000,
            low & 0xffff_ffff_ffff
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_uuids_and_all_differ() {
        let take = |seed| {
            let mut uuids = Uuids::from_seed(seed);
            (0..100).map(|_| uuids.next()).collect::<Vec<_>>()
        };
        let (a, b) = (take(7), take(8));
        assert_eq!(a, take(7));
        let all: std::collections::BTreeSet<_> = a.iter().chain(&b).collect();
        assert_eq!(all.len(), 200);
        assert!(all.iter().all(|uuid| uuid.len() == 36 && uuid.as_bytes()[14] == b'1'), "{a:?}");
    }
}
