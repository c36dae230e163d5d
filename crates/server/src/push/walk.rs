//! The walk of a sweep: what was read ahead, and how far all of it has been dealt with.

use std::collections::VecDeque;

use ordain_model::sweep::{Sweep, Tally};

/// A walk. Its end that reads is ahead of the one that is kept: a push takes its time.
pub(super) struct Walk {
    /// What is kept: all behind it was dealt with, and written.
    kept: Sweep,
    /// What was read.
    read: Sweep,
    /// The stretches between the two, in their order.
    stretches: VecDeque<Stretch>,
    /// The number of the first of them.
    first: u64,
}

/// A part of the walk that was read at once.
struct Stretch {
    last: Option<String>,
    is_leg_over: bool,
    tally: Tally,
    /// How many of its channels are not dealt with.
    open: usize,
}

impl Walk {
    /// Goes on from what was kept; its first stretch gets the number `first`.
    pub(super) fn new(kept: Sweep, first: u64) -> Self {
        Self {
            read: kept.clone(),
            kept,
            stretches: VecDeque::new(),
            first,
        }
    }

    /// Aims at a newer revision. What was read under the older one, and is not dealt with, is read again.
    pub(super) fn aim(&mut self, revision: u64, total: u64, now: i64) {
        self.kept = self.kept.aim(revision, total, now);
        self.read = self.kept.clone();
        self.first += self.stretches.len() as u64;
        self.stretches.clear();
    }

    /// Where to read on; `None` when all was read.
    pub(super) fn ahead(&self) -> Option<&Sweep> {
        (!self.read.is_over()).then_some(&self.read)
    }

    /// How far all is dealt with.
    pub(super) fn kept(&self) -> &Sweep {
        &self.kept
    }

    /// The number of the stretch that is read next.
    pub(super) fn next(&self) -> u64 {
        self.first + self.stretches.len() as u64
    }

    /// A stretch was read that ends with `last`. `tally` counts those that are dealt with already, `open` the others.
    pub(super) fn read(
        &mut self,
        last: Option<String>,
        is_leg_over: bool,
        tally: Tally,
        open: usize,
        now: i64,
    ) {
        let read = std::mem::take(&mut self.read);
        self.read = read.advance(last.clone(), is_leg_over, tally, now);
        self.stretches.push_back(Stretch {
            last,
            is_leg_over,
            tally,
            open,
        });
    }

    /// One channel of the stretch `number` was dealt with.
    pub(super) fn dealt_with(&mut self, number: u64, tally: Tally) {
        let place = number.checked_sub(self.first);
        // Those of an older revision are read again, and count then.
        if let Some(stretch) = place.and_then(|place| self.stretches.get_mut(usize::try_from(place).ok()?)) {
            stretch.open = stretch.open.saturating_sub(1);
            stretch.tally += tally;
        }
    }

    /// Moves what is kept up to the first stretch that is not dealt with. Whether it has moved.
    pub(super) fn settle(&mut self, now: i64) -> bool {
        let before = self.first;
        while let Some(stretch) = self.stretches.pop_front_if(|stretch| stretch.open == 0) {
            let kept = std::mem::take(&mut self.kept);
            self.kept = kept.advance(stretch.last, stretch.is_leg_over, stretch.tally, now);
            self.first += 1;
        }
        self.first != before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pushed(number: u64) -> Tally {
        Tally {
            pushed: number,
            ..Tally::default()
        }
    }

    #[test]
    fn what_is_kept_waits_for_the_slowest() {
        let mut walk = Walk::new(Sweep::default(), 0);
        assert!(walk.ahead().is_none());
        walk.aim(1, 3, 10);
        walk.read(Some("b".into()), false, Tally::default(), 1, 10);
        walk.read(Some("d".into()), false, Tally::default(), 0, 10);
        assert_eq!(walk.ahead().map(|read| read.cursor.as_str()), Some("d"));
        assert!(!walk.settle(11));
        assert_eq!(walk.kept().cursor, "");
        walk.dealt_with(0, pushed(1));
        assert!(walk.settle(11));
        assert_eq!((walk.kept().cursor.as_str(), walk.kept().tally), ("d", pushed(1)));
        walk.read(None, true, Tally::default(), 0, 12);
        assert!(walk.ahead().is_none());
        assert!(walk.settle(12));
        assert_eq!(walk.kept().finished_at, Some(12));
    }

    #[test]
    fn a_newer_revision_begins_where_all_is_dealt_with() {
        let mut walk = Walk::new(Sweep::default(), 0);
        walk.aim(1, 3, 10);
        walk.read(Some("b".into()), false, Tally::default(), 0, 10);
        walk.settle(10);
        walk.read(Some("d".into()), false, Tally::default(), 1, 10);
        walk.aim(2, 3, 11);
        assert_eq!(walk.ahead().map(|read| read.cursor.as_str()), Some("b"));
        let number = walk.next();
        walk.dealt_with(1, pushed(1));
        walk.read(Some("d".into()), false, Tally::default(), 1, 11);
        assert!(
            !walk.settle(11),
            "what the older one dealt with does not count for it"
        );
        walk.dealt_with(number, pushed(1));
        assert!(walk.settle(11));
        assert_eq!(
            (walk.kept().start.as_str(), walk.kept().cursor.as_str()),
            ("b", "d")
        );
    }
}
