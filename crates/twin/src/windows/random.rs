//! Randomness from a seed.

use uuid::{Builder, Uuid};

/// What looks random, and is the same for the same seed (SplitMix64). Nothing secret is made of it.
#[derive(Debug, Clone)]
pub(super) struct Random(u64);

impl Random {
    /// The sequence of `seed` and `index`.
    pub(super) fn new(seed: u64, index: usize) -> Self {
        let index = u64::try_from(index).unwrap_or(u64::MAX);
        let mut random = Self(seed);
        random.0 = random.number() ^ index;
        random
    }

    pub(super) fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn uuid(&mut self) -> Uuid {
        let (high, low) = (self.number(), self.number());
        Builder::from_random_bytes((u128::from(high) << 64 | u128::from(low)).to_be_bytes()).into_uuid()
    }

    /// Upper-case hexadecimal of 16 digits for each number.
    pub(super) fn hex(&mut self, numbers: usize) -> String {
        (0..numbers).map(|_| format!("{:016X}", self.number())).collect()
    }
}
