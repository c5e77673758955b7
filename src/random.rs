//! Chance from a seed: the choices of a simulation, and the spread of delays, come out the same
//! every time.

/// A source of choices. Not for secrets.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// The same seed gives the same choices.
    pub fn from_seed(seed: u64) -> Self {
        Self(seed)
    }

    /// 64 bits. SplitMix64 (Steele, Lea and Flood, 2014): every state gives good bits, and none is
    /// ever repeated within 2⁶⁴.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number under `limit`; 0 if there is none. That small limits are a trifle more likely than
    /// others harms no simulation.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.bits().checked_rem(limit).unwrap_or(0)
    }

    /// One of them, or `None` of none.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        of.get(self.below(of.len() as u64) as usize)
    }

    /// Any order (Fisher and Yates).
    pub fn shuffle<T>(&mut self, all: &mut [T]) {
        for last in (1..all.len()).rev() {
            all.swap(last, self.below(last as u64 + 1) as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_choices_and_another_one_others() {
        let take = |seed| {
            let mut random = Random::from_seed(seed);
            (0..50).map(|_| random.below(1000)).collect::<Vec<_>>()
        };
        assert_eq!(take(7), take(7));
        assert_ne!(take(7), take(8));
    }

    #[test]
    fn everything_is_picked_now_and_then_and_of_nothing_nothing() {
        let mut random = Random::from_seed(1);
        let picked: std::collections::BTreeSet<_> = (0..200).filter_map(|_| random.pick(&[1, 2, 3]).copied()).collect();
        assert_eq!(picked.len(), 3);
        assert_eq!((random.pick::<u8>(&[]), random.below(0)), (None, 0));
    }

    #[test]
    fn shuffling_keeps_everything() {
        let mut all: Vec<u32> = (0..20).collect();
        Random::from_seed(3).shuffle(&mut all);
        assert_ne!(all, (0..20).collect::<Vec<_>>());
        all.sort_unstable();
        assert_eq!(all, (0..20).collect::<Vec<_>>());
    }
}
