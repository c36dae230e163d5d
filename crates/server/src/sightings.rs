//! Who was here, and what they fetched: gathered in memory, written behind the devices' requests.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use ordain_model::enrollment::Enrollment;
use ordain_model::fetched::Fetched;
use ordain_model::ids::{Digest, EnrollmentId};
use ordain_store::{Sighting, StoreError};

use crate::app::App;

/// What was seen since the last flush.
#[derive(Default)]
pub(crate) struct Sightings {
    seen: Mutex<HashMap<EnrollmentId, Seen>>,
    /// One flush at a time: each merges with what is stored, and whoever flushes wants to find it all there.
    flushing: tokio::sync::Mutex<()>,
}

struct Seen {
    generation: u64,
    at: i64,
    fetched: Option<(Digest, Fetched)>,
    wakes: u64,
}

impl Sightings {
    /// Notes that a channel asked for something.
    pub(crate) fn seen(&self, enrollment: &Enrollment, now: i64) {
        self.update(enrollment, now, |_| {});
    }

    /// Notes that it spoke on its command channel: it is awake.
    pub(crate) fn woke(&self, enrollment: &Enrollment, now: i64) {
        self.update(enrollment, now, |seen| seen.wakes += 1);
    }

    /// Notes that it was served the entry at `place` of the manifest it is pinned to.
    pub(crate) fn fetched(&self, enrollment: &Enrollment, manifest: Digest, place: usize, now: i64) {
        self.update(enrollment, now, |seen| {
            let (of, fetched) = seen.fetched.get_or_insert_with(|| (manifest, Fetched::default()));
            if *of != manifest {
                // An older manifest's fetches were not flushed yet; they are not worth a second entry.
                (*of, *fetched) = (manifest, Fetched::default());
            }
            fetched.insert(place);
        });
    }

    /// Holds up flushes: as long as this is held, what is stored and what is in memory add up.
    pub(crate) async fn still(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.flushing.lock().await
    }

    /// How often a channel has spoken on its command channel, as far as that is only in memory.
    pub(crate) fn wakes(&self, enrollment: &Enrollment) -> u64 {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = seen.get(&enrollment.id);
        seen.filter(|seen| seen.generation == enrollment.generation)
            .map_or(0, |seen| seen.wakes)
    }

    fn update(&self, enrollment: &Enrollment, now: i64, change: impl FnOnce(&mut Seen)) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = seen.entry(enrollment.id.clone()).or_insert(Seen {
            generation: 0,
            at: 0,
            fetched: None,
            wakes: 0,
        });
        if entry.generation != enrollment.generation {
            *entry = Seen {
                generation: enrollment.generation,
                at: now,
                fetched: None,
                wakes: 0,
            };
        }
        entry.at = entry.at.max(now);
        change(entry);
    }

    fn take(&self) -> HashMap<EnrollmentId, Seen> {
        std::mem::take(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl App {
    /// Writes what was seen. What cannot be written is forgotten: the devices' reports will tell.
    pub(crate) async fn flush_sightings(&self) -> Result<(), StoreError> {
        const BATCH: usize = 500;
        let _alone = self.sightings.flushing.lock().await;
        let mut batch = Vec::new();
        for (id, seen) in self.sightings.take() {
            batch.push(self.merged(id, seen).await?);
            if batch.len() == BATCH {
                self.note(std::mem::take(&mut batch)).await?;
            }
        }
        self.note(batch).await
    }

    async fn note(&self, batch: Vec<Sighting>) -> Result<(), StoreError> {
        let count = batch.len() as u64;
        self.store.note(batch).await?;
        self.metrics.wrote("sighting", count);
        Ok(())
    }

    /// What to note of a channel: what it fetched, with what is stored of that already. Most only came by, and of those
    /// nothing needs to be read.
    async fn merged(&self, id: EnrollmentId, seen: Seen) -> Result<Sighting, StoreError> {
        let (manifest, fetched) = match seen.fetched {
            None => (None, Fetched::default()),
            Some((manifest, mut fetched)) => {
                let stored = self.store.sighting(&id).await?;
                let stored = stored.filter(|stored| stored.generation == seen.generation);
                if let Some((from, text)) = stored.and_then(|stored| Some((stored.manifest?, stored.fetched)))
                {
                    let stored = Fetched::from_text(&text);
                    fetched.extend(&self.carried(from, manifest, &stored).await?);
                }
                (Some(manifest), fetched)
            }
        };
        Ok(Sighting {
            enrollment: id,
            generation: seen.generation,
            seen_at: seen.at,
            manifest,
            fetched: fetched.to_text(),
            wakes: seen.wakes,
        })
    }

    async fn carried(&self, from: Digest, to: Digest, fetched: &Fetched) -> Result<Fetched, StoreError> {
        if from == to {
            return Ok(fetched.clone());
        }
        let from = self.objects.manifest(&self.store, from).await?;
        let to = self.objects.manifest(&self.store, to).await?;
        Ok(from
            .zip(to)
            .map_or_else(Fetched::default, |(from, to)| fetched.carried(&from, &to)))
    }
}
