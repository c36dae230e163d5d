//! The sweep of a revision: one walk over all channels, in a circle, so that a newer revision only moves its end.

use serde::{Deserialize, Serialize};

/// How far the sweep is. What it says is durable: what lies behind the cursor was dealt with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sweep {
    /// The revision that it tells of; 0 before the first one.
    pub revision: u64,
    /// The channel behind which it began; empty: before all of them.
    pub start: String,
    /// The channel up to which it has got.
    pub cursor: String,
    /// Whether it has passed the end of all channels, and now goes on to where it began.
    pub wrapped: bool,
    /// How many channels there were when it began.
    pub total: u64,
    /// What came of those that it has passed.
    pub tally: Tally,
    /// When it began, in unix seconds.
    pub started_at: i64,
    /// When it had passed all of them.
    pub finished_at: Option<i64>,
}

/// What came of the channels that a sweep has passed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Pushed by it.
    pub pushed: u64,
    /// Pushed before, and not there yet: whenever they come they are told the newest.
    pub waiting: u64,
    /// Those with nothing to do.
    pub up_to_date: u64,
    /// Without a push token that works.
    pub unreachable: u64,
}

impl Tally {
    /// How many channels that is.
    pub fn looked_at(&self) -> u64 {
        self.pushed + self.waiting + self.up_to_date + self.unreachable
    }
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.pushed += other.pushed;
        self.waiting += other.waiting;
        self.up_to_date += other.up_to_date;
        self.unreachable += other.unreachable;
    }
}

impl Sweep {
    /// Whether there is nothing left to walk over.
    pub fn is_over(&self) -> bool {
        self.finished_at.is_some() || self.revision == 0
    }

    /// The sweep of a newer revision, over `total` channels. One under way is not begun again: it goes on from where it
    /// is, and ends there.
    #[must_use]
    pub fn aim(&self, revision: u64, total: u64, now: i64) -> Self {
        let start = match self.is_over() {
            true => String::new(),
            false => self.cursor.clone(),
        };
        Self {
            revision,
            cursor: start.clone(),
            start,
            wrapped: false,
            total,
            tally: Tally::default(),
            started_at: now,
            finished_at: None,
        }
    }

    /// The last channel of the present leg; `None`: whichever is the last of all.
    pub fn end(&self) -> Option<&str> {
        self.wrapped.then_some(self.start.as_str())
    }

    /// The sweep behind a stretch of channels that ended with `last`, which was the last of its leg if `is_leg_over`.
    #[must_use]
    pub fn advance(self, last: Option<String>, is_leg_over: bool, tally: Tally, now: i64) -> Self {
        let mut sweep = self;
        sweep.tally += tally;
        if let Some(last) = last {
            sweep.cursor = last;
        }
        if is_leg_over {
            if sweep.wrapped || sweep.start.is_empty() {
                sweep.finished_at = Some(now);
            } else {
                sweep.wrapped = true;
                sweep.cursor = String::new();
            }
        }
        sweep
    }
}
