//! The rows of channels that are kept in memory.
//!
//! Where this process alone writes to the database, they are believed: whatever commits tells what it touches, before
//! anyone learns that it has committed. Where others write too, they only spare the sending and parsing of what has
//! not changed.

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

/// Rows, and how long they hold.
pub(crate) struct Kept {
    rows: Cache<String, (Found, u64)>,
    /// What was read in an epoch of its device holds until that ends.
    epochs: Box<[AtomicU64]>,
    hasher: RandomState,
    is_alone: bool,
}

impl Kept {
    /// Nothing yet. `is_alone`: nobody but this process writes to the database.
    pub(crate) fn new(is_alone: bool) -> Self {
        Self {
            rows: Cache::new(MOST),
            epochs: (0..EPOCHS).map(|_| AtomicU64::new(0)).collect(),
            hasher: RandomState::new(),
            is_alone,
        }
    }

    /// What the database has of channel `id`, if that is known without asking.
    pub(crate) fn believed(&self, id: &str) -> Option<Found> {
        if !self.is_alone {
            return None;
        }
        let epoch = self.epoch(id);
        let (found, read_in) = self.rows.get(id)?;
        (read_in == epoch).then_some(found)
    }

    /// The row of channel `id` as it once was.
    pub(crate) fn row(&self, id: &str) -> Option<Arc<Versioned<Enrollment>>> {
        self.rows.get(id).map(|(found, _)| found.row)
    }

    /// The epoch of channel `id`: to be asked for before the database is.
    pub(crate) fn epoch(&self, id: &str) -> u64 {
        self.cell(id).load(Ordering::Acquire)
    }

    /// Keeps what was read in `epoch`.
    pub(crate) fn keep(&self, id: String, found: Found, epoch: u64) {
        self.rows.insert(id, (found, epoch));
    }

    /// `steps` were committed, or may have been. To be called before anybody is told, in the order of the commits where
    /// this process is alone.
    pub(crate) fn touched(&self, steps: &[Step], is_committed: bool) {
        for touch in steps.iter().filter_map(|step| step.touches.as_ref()) {
            match touch {
                Touch::Row(row) => self.changed(row, is_committed),
                Touch::Device(device) => drop(self.end(device)),
                Touch::Any => {
                    for epoch in &self.epochs {
                        epoch.fetch_add(1, Ordering::AcqRel);
                    }
                }
            }
        }
    }

    /// What a device does next begins with the row that it has just changed.
    fn changed(&self, row: &Arc<Versioned<Enrollment>>, is_committed: bool) {
        let id = row.value.id.to_string();
        let ended = self.end(&id);
        let Some((before, read_in)) = self.rows.get(&id).filter(|_| is_committed) else {
            return;
        };
        // Its queue is as it was, if it was known; and the database never takes an older stamp.
        let holds = !self.is_alone || read_in == ended;
        let is_next = before.row.version + 1 == row.version && before.row.value.stamp <= row.value.stamp;
        if holds && is_next {
            let found = Found {
                row: row.clone(),
                queued: before.queued,
            };
            self.rows.insert(id, (found, ended + 1));
        }
    }

    /// Ends the epoch of `id`, and says which that was.
    fn end(&self, id: &str) -> u64 {
        self.cell(id).fetch_add(1, Ordering::AcqRel)
    }

    fn cell(&self, id: &str) -> &AtomicU64 {
        // A user's identifier is that of the device, a colon, and more.
        let device = id.split(':').next().unwrap_or(id);
        let place = self.hasher.hash_one(device) % EPOCHS as u64;
        &self.epochs[place as usize]
    }
}
