//! The rows of channels that are kept in memory, and when they are believed.
//!
//! A row is believed if nothing can have changed it since it was read:
//!
//! - By others: the *era* in which it was read is not over. Where this process alone writes, there is one era; on
//!   PostgreSQL, `postgres/others.rs` says which it is.
//! - By this process: whoever writes *opens* what he may touch before his first statement, and closes it, with a new
//!   *epoch*, when he knows how that ended, or that nobody knows, and before anyone else does. What is open is not
//!   believed, and what was read in an earlier epoch neither.
//!
//! So what is believed was what the database had at the moment at which the era was asked for: a commit that could be
//! seen then is told of by now, or still open. What is not believed spares the sending and parsing of rows that have not
//! changed.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ordain_model::enrollment::Enrollment;
use quick_cache::sync::Cache;

use crate::channels::Versioned;
use crate::value::Step;

/// Rows kept: some two KiB each.
const MOST: usize = 32_768;
/// Devices share an epoch with few others of those that are kept.
const EPOCHS: usize = 1 << 16;

/// What is read of one channel.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) row: Arc<Versioned<Enrollment>>,
    /// The number of the newest command that waits in its queue.
    pub(crate) queued: Option<i64>,
}

/// What a statement changes of rows and queues.
#[derive(Debug, Clone)]
pub(crate) enum Touch {
    /// This row, to this.
    Row(Arc<Versioned<Enrollment>>),
    /// Something of the device with this identifier, or of its users.
    Device(String),
    /// Nobody knows whose.
    Any,
}

/// Since when something holds: to be asked for before the database is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    /// How often everybody was touched, and how often this device.
    epoch: [u64; 2],
    /// As the database told it; 0 where nobody else writes.
    pub(crate) era: u64,
}

/// Rows, and how long they hold.
pub(crate) struct Kept {
    /// None: there was no row.
    rows: Cache<String, (Option<Found>, Moment)>,
    everybody: Epoch,
    devices: Box<[Epoch]>,
    hasher: RandomState,
}

/// What is read in it holds until it ends.
#[derive(Default)]
struct Epoch {
    number: AtomicU64,
    /// Those who may be ending it.
    open: AtomicU64,
}

impl Epoch {
    fn number(&self) -> u64 {
        self.number.load(Ordering::Acquire)
    }

    fn is_open(&self) -> bool {
        self.open.load(Ordering::Acquire) > 0
    }
}

impl Kept {
    /// Nothing yet.
    pub(crate) fn new() -> Self {
        Self {
            rows: Cache::new(MOST),
            everybody: Epoch::default(),
            devices: (0..EPOCHS).map(|_| Epoch::default()).collect(),
            hasher: RandomState::new(),
        }
    }

    /// Now, for channel `id`, in the first era.
    pub(crate) fn moment(&self, id: &str) -> Moment {
        Moment {
            epoch: [self.everybody.number(), self.device(id).number()],
            era: 0,
        }
    }

    /// What the database had of channel `id` at `moment`, and has still unless others changed it, if that is known
    /// without asking: the row, or that there is none.
    pub(crate) fn believed(&self, id: &str, moment: Moment) -> Option<Option<Found>> {
        // In this order: whoever closes has ended the epoch before.
        if self.everybody.is_open() || self.device(id).is_open() || self.moment(id).epoch != moment.epoch {
            return None;
        }
        let (found, read_at) = self.rows.get(id)?;
        (read_at == moment).then_some(found)
    }

    /// The row of channel `id` as it once was.
    pub(crate) fn row(&self, id: &str) -> Option<Arc<Versioned<Enrollment>>> {
        self.rows.get(id)?.0.map(|found| found.row)
    }

    /// Keeps what was read after `moment`.
    pub(crate) fn keep(&self, id: String, found: Option<Found>, moment: Moment) {
        self.rows.insert(id, (found, moment));
    }

    /// `steps` are about to be sent; [`Kept::touched`] follows.
    pub(crate) fn touching(&self, steps: &[Step]) {
        for touch in steps.iter().filter_map(|step| step.touches.as_ref()) {
            self.touched_by(touch).open.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// `steps` were committed, or may have been. To be called before anybody is told.
    pub(crate) fn touched(&self, steps: &[Step], is_committed: bool) {
        for touch in steps.iter().filter_map(|step| step.touches.as_ref()) {
            let epoch = self.touched_by(touch);
            let ended = epoch.number.fetch_add(1, Ordering::AcqRel);
            if let (Touch::Row(row), true) = (touch, is_committed) {
                self.changed(row, ended);
            }
            epoch.open.fetch_sub(1, Ordering::AcqRel);
        }
    }

    /// What a device does next begins with the row that it has just made or changed, when its epoch `ended`.
    fn changed(&self, row: &Arc<Versioned<Enrollment>>, ended: u64) {
        let id = row.value.id.to_string();
        let Some((before, mut read_at)) = self.rows.get(&id) else {
            return;
        };
        let is_next = before.as_ref().is_none_or(|before| {
            // The database never takes an older stamp.
            before.row.version + 1 == row.version && before.row.value.stamp <= row.value.stamp
        });
        if is_next {
            // Its queue is as it was, if that was still known; who has no row has none.
            if read_at.epoch[1] == ended {
                read_at.epoch[1] = ended + 1;
            }
            let found = Found {
                row: row.clone(),
                queued: before.and_then(|before| before.queued),
            };
            self.rows.insert(id, (Some(found), read_at));
        }
    }

    fn touched_by(&self, touch: &Touch) -> &Epoch {
        match touch {
            Touch::Row(row) => self.device(row.value.id.device_part()),
            Touch::Device(device) => self.device(device),
            Touch::Any => &self.everybody,
        }
    }

    fn device(&self, id: &str) -> &Epoch {
        // A user's identifier is that of the device, a colon, and more.
        let device = id.split(':').next().unwrap_or(id);
        let place = self.hasher.hash_one(device) % EPOCHS as u64;
        &self.devices[place as usize]
    }
}

#[cfg(test)]
mod tests {
    use ordain_model::device::DeviceFacts;
    use ordain_model::enrollment::{Memberships, Phase};

    use super::*;

    fn found(version: i64, queued: Option<i64>) -> Found {
        let value = Enrollment {
            id: "d1".parse().unwrap(),
            generation: 1,
            phase: Phase::Enrolled,
            facts: DeviceFacts::default(),
            identity: None,
            memberships: Memberships::Granted,
            tags: Default::default(),
            groups: Default::default(),
            push: None,
            capabilities: None,
            known: None,
            offer: None,
            stamp: 0,
            pinned: None,
            told: None,
            standing: None,
            inventory: Default::default(),
            since: 0,
        };
        Found {
            row: Arc::new(Versioned { version, value }),
            queued,
        }
    }

    /// One that has just read version 1 of `d1`, in the first era.
    fn kept() -> Kept {
        let kept = Kept::new();
        kept.keep("d1".into(), Some(found(1, Some(7))), kept.moment("d1"));
        kept
    }

    fn believed(kept: &Kept) -> Option<(i64, Option<i64>)> {
        let found = kept.believed("d1", kept.moment("d1"))??;
        Some((found.row.version, found.queued))
    }

    fn step(touch: Touch) -> [Step; 1] {
        [Step::new("", vec![]).touching(touch)]
    }

    #[test]
    fn what_is_being_written_is_not_believed_nor_what_was_read_before() {
        for touch in [
            Touch::Any,
            Touch::Device("d1".into()),
            Touch::Row(found(2, None).row),
        ] {
            for is_committed in [true, false] {
                let kept = kept();
                let before = kept.moment("d1");
                assert_eq!(believed(&kept), Some((1, Some(7))));
                let steps = step(touch.clone());
                kept.touching(&steps);
                assert_eq!(believed(&kept), None, "{touch:?}");
                // Read meanwhile, before or after the commit.
                kept.keep("d1".into(), Some(found(1, Some(7))), kept.moment("d1"));
                kept.touched(&steps, is_committed);
                let is_known = is_committed && matches!(touch, Touch::Row(_));
                assert_eq!(believed(&kept), is_known.then_some((2, Some(7))), "{touch:?}");
                // Who asked before that is not answered by what came later.
                assert!(kept.believed("d1", before).is_none(), "{touch:?}");
                assert!(kept.row("d1").is_some());
            }
        }
    }

    #[test]
    fn as_long_as_one_of_two_may_write_nothing_is_believed() {
        let kept = kept();
        let (row, order) = (
            step(Touch::Row(found(2, None).row)),
            step(Touch::Device("d1".into())),
        );
        kept.touching(&row);
        kept.touching(&order);
        kept.touched(&row, true);
        assert_eq!(believed(&kept), None);
        kept.touched(&order, true);
        assert_eq!(believed(&kept), None, "its queue is another one");
    }

    #[test]
    fn another_era_is_not_believed_and_a_row_stays_in_its_own() {
        let kept = kept();
        let row = step(Touch::Row(found(2, None).row));
        kept.touching(&row);
        kept.touched(&row, true);
        let mut now = kept.moment("d1");
        assert!(kept.believed("d1", now).is_some());
        now.era += 1;
        assert!(kept.believed("d1", now).is_none());
    }

    #[test]
    fn a_new_row_is_believed_where_it_was_known_that_there_is_none() {
        for is_committed in [true, false] {
            let kept = Kept::new();
            kept.keep("d1".into(), None, kept.moment("d1"));
            assert!(matches!(kept.believed("d1", kept.moment("d1")), Some(None)));
            let row = step(Touch::Row(found(5, None).row));
            kept.touching(&row);
            assert!(kept.believed("d1", kept.moment("d1")).is_none());
            kept.touched(&row, is_committed);
            assert_eq!(believed(&kept), is_committed.then_some((5, None)));
        }
        // Somebody may have made another one since.
        let kept = Kept::new();
        kept.keep("d1".into(), None, kept.moment("d1"));
        let (other, row) = (
            step(Touch::Device("d1".into())),
            step(Touch::Row(found(5, None).row)),
        );
        for steps in [&other, &row] {
            kept.touching(steps);
            kept.touched(steps, true);
        }
        assert_eq!(believed(&kept), None);
    }

    #[test]
    fn only_the_next_version_takes_the_place_of_one() {
        for version in [1, 3] {
            let kept = kept();
            let row = step(Touch::Row(found(version, None).row));
            kept.touching(&row);
            kept.touched(&row, true);
            assert_eq!(believed(&kept), None);
        }
    }
}
