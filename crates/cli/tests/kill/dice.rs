//! Chance that can be repeated.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// SplitMix64.
pub(crate) struct Dice(u64);

impl Dice {
    /// Dice from the seed in `ORDAIN_KILL_SEED`, or from one that was never there; either is printed.
    pub(crate) fn cast() -> Self {
        let given = std::env::var("ORDAIN_KILL_SEED").ok();
        let seed = match given {
            Some(text) => text.parse().unwrap(),
            None => RandomState::new().hash_one(0),
        };
        println!("ORDAIN_KILL_SEED={seed}");
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// A time of `from` to `to` milliseconds.
    pub(crate) fn pause(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(from + self.below(to - from + 1))
    }

    /// Other dice.
    pub(crate) fn fork(&mut self) -> Self {
        Self(self.next())
    }

    /// In another order.
    pub(crate) fn shuffle<T>(&mut self, all: &mut [T]) {
        for last in (1..all.len()).rev() {
            let other = self.below(last as u64 + 1);
            all.swap(last, other as usize);
        }
    }
}
