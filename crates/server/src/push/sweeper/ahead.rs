//! Reading ahead: who is due, and who comes next in the walk.

use ordain_model::sweep::Tally;
use ordain_store::{Lane, Looked, Sleeper, StoreError};
use tokio::time::Instant;

use super::{HASTE, POLL, Sweeper};
use crate::push::look::{Job, Verdict, look};
use crate::push::walk::Walk;

/// Channels read at once.
const STRETCH: u32 = 500;

impl Sweeper {
    /// Begins the walk of a revision that is newer than the one walked for.
    pub(super) async fn aim(&mut self) -> Result<(), StoreError> {
        let Some(walk) = &mut self.walk else {
            return Ok(());
        };
        let revision = self.app.world().revision().number;
        if walk.kept().revision < revision {
            let total = self.app.store.count_channels(self.service).await?;
            walk.aim(revision, total, self.app.now());
            self.app.store.keep_sweep(self.service, walk.kept()).await?;
            self.app.metrics.push.swept(self.service, walk.kept());
            let service = self.service;
            tracing::info!(revision, ?service, channels = total, "the push sweep sets out");
        }
        Ok(())
    }

    /// So many jobs of each kind are read ahead: no more than go in a second, so that what was read is still true.
    fn room(&self) -> usize {
        (self.pace.per_second() as usize).clamp(16, STRETCH as usize)
    }

    /// Reads whom somebody has news for, then whom to look at again, and looks at them.
    pub(super) async fn read_due(&mut self) -> Result<(), StoreError> {
        let patience = if self.is_news { HASTE } else { POLL };
        let is_time = self.looked_at.is_none_or(|at| at.elapsed() >= patience);
        if self.due.len() >= self.room() / 2 || !(is_time || self.is_more_due) {
            return Ok(());
        }
        self.looked_at = Some(Instant::now());
        self.is_more_due = false;
        self.is_news = false;
        let (world, now) = (self.app.world(), self.app.now());
        for lane in [Lane::News, Lane::Again] {
            let room = self.room().saturating_sub(self.due.len());
            if room == 0 {
                self.is_more_due = true;
                break;
            }
            // Who is taken is still due by its row, and does not take the place of others.
            let limit = u32::try_from(room + self.taken.len()).unwrap_or(u32::MAX);
            // Who came, by what is stored and by what is still in memory.
            let still = self.app.sightings.still().await;
            let mut found = self.app.store.due(self.service, lane, now, limit).await?;
            self.add_wakes(&mut found);
            drop(still);
            self.is_more_due |= found.len() >= limit as usize;
            for sleeper in found {
                if self.taken.contains_key(&sleeper.enrollment.id) {
                    continue;
                }
                self.app.metrics.push.looked_at.inc();
                match look(&self.app, &world, sleeper, now).await? {
                    Verdict::Push(job) => {
                        self.taken.insert(job.id().clone(), false);
                        self.due.push_back(*job);
                    }
                    Verdict::Wait(looked) | Verdict::Rest(looked) | Verdict::Unreachable(looked) => {
                        self.keep(looked, None, Tally::default());
                    }
                }
            }
        }
        Ok(())
    }

    /// Reads the next stretch of the walk, and looks at it.
    pub(super) async fn read_walk(&mut self) -> Result<(), StoreError> {
        let is_over = self.walk.as_ref().is_none_or(|walk| walk.ahead().is_none());
        if is_over || self.walking.len() >= self.room() / 2 {
            return Ok(());
        }
        // Only those who are about to be pushed are not looked at.
        self.write().await?;
        let Some(from) = self.walk.as_ref().and_then(Walk::ahead) else {
            return Ok(());
        };
        let (world, now) = (self.app.world(), self.app.now());
        let still = self.app.sightings.still().await;
        let mut found = self
            .app
            .store
            .sleepers(self.service, &from.cursor, from.end(), STRETCH)
            .await?;
        self.add_wakes(&mut found);
        drop(still);
        let last = found.last().map(|sleeper| sleeper.enrollment.id.to_string());
        let is_leg_over = found.len() < STRETCH as usize;
        let mut verdicts = Vec::with_capacity(found.len());
        for sleeper in found {
            self.app.metrics.push.looked_at.inc();
            let due_at = sleeper.wake.due_at;
            let id = sleeper.enrollment.id.clone();
            verdicts.push((id, due_at, look(&self.app, &world, sleeper, now).await?));
        }
        let stretch = self.walk.as_ref().map(Walk::next);
        let (mut tally, mut open) = (Tally::default(), 0);
        for (id, due_at, verdict) in verdicts {
            if let Some(once_more) = self.taken.get_mut(&id) {
                // Somebody was at it under the older revision.
                *once_more = true;
                tally.waiting += 1;
                continue;
            }
            let is_earlier = |looked: &Looked| match (looked.wake.due_at, due_at) {
                (Some(due), Some(known)) => due < known,
                (due, None) => due.is_some(),
                (None, Some(_)) => false,
            };
            match verdict {
                Verdict::Push(job) => {
                    self.taken.insert(id, false);
                    self.walking.push_back(Job { stretch, ..*job });
                    open += 1;
                }
                Verdict::Wait(looked) => {
                    tally.waiting += 1;
                    if is_earlier(&looked) {
                        self.keep(looked, None, Tally::default());
                    }
                }
                Verdict::Rest(looked) => {
                    tally.up_to_date += 1;
                    if is_earlier(&looked) {
                        self.keep(looked, None, Tally::default());
                    }
                }
                Verdict::Unreachable(_) => tally.unreachable += 1,
            }
        }
        if let Some(walk) = &mut self.walk {
            walk.read(last, is_leg_over, tally, open, now);
        }
        self.settle().await
    }

    fn add_wakes(&self, found: &mut [Sleeper]) {
        for sleeper in found {
            sleeper.wakes += self.app.sightings.wakes(&sleeper.enrollment);
        }
    }
}
