//! Sightings: when a channel was last here, and which declarations it has fetched.
//!
//! They are written behind, in batches: what a kill takes of them makes the server claim less, never more.

use ordain_model::ids::{Digest, EnrollmentId};

use crate::{Step, Store, StoreError};

/// What was seen of one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// Which one.
    pub enrollment: EnrollmentId,
    /// The generation that was seen.
    pub generation: u64,
    /// When last, in unix seconds.
    pub seen_at: i64,
    /// The manifest that `fetched` speaks of.
    pub manifest: Option<Digest>,
    /// One bit for each of its entries, in hexadecimal digits: fetched, or not.
    pub fetched: String,
    /// How often it has spoken on its command channel; in what is noted, how often more.
    pub wakes: u64,
}

impl Store {
    /// What was seen of `id` in its present generation.
    pub async fn sighting(&self, id: &EnrollmentId) -> Result<Option<Sighting>, StoreError> {
        let sql = "SELECT s.generation, s.seen_at, s.manifest, s.fetched, s.wakes FROM sighting s \
                   JOIN enrollment e ON e.id = s.enrollment AND e.generation = s.generation WHERE e.id = $1";
        let rows = self.query(sql, vec![id.to_string().into()]).await?;
        rows.first()
            .map(|row| {
                Ok(Sighting {
                    enrollment: id.clone(),
                    generation: row.integer(0)?.unsigned_abs(),
                    seen_at: row.integer(1)?,
                    manifest: row.optional_text(2)?.map(|_| row.parse(2)).transpose()?,
                    fetched: row.text(3)?.to_owned(),
                    wakes: row.integer(4)?.unsigned_abs(),
                })
            })
            .transpose()
    }

    /// Notes what was seen; of a channel that has moved on to another generation, nothing. Without a manifest, what is
    /// stored of fetches stays as it is.
    pub async fn note(&self, sightings: Vec<Sighting>) -> Result<(), StoreError> {
        let sql = "INSERT INTO sighting (enrollment, generation, seen_at, manifest, fetched, wakes) \
                   SELECT e.id, e.generation, $3, $4, $5, $6 FROM enrollment e WHERE e.id = $1 AND e.generation = $2 \
                   ON CONFLICT (enrollment) DO UPDATE SET generation = excluded.generation, \
                   wakes = excluded.wakes + \
                   CASE WHEN sighting.generation = excluded.generation THEN sighting.wakes ELSE 0 END, \
                   seen_at = excluded.seen_at, \
                   fetched = CASE WHEN excluded.manifest IS NULL AND sighting.generation = excluded.generation \
                   THEN sighting.fetched ELSE excluded.fetched END, \
                   manifest = CASE WHEN excluded.manifest IS NULL AND sighting.generation = excluded.generation \
                   THEN sighting.manifest ELSE excluded.manifest END";
        let step = |sighting: Sighting| {
            let step = Step::new(
                sql,
                vec![
                    sighting.enrollment.to_string().into(),
                    sighting.generation.into(),
                    sighting.seen_at.into(),
                    sighting.manifest.map(|manifest| manifest.to_string()).into(),
                    sighting.fetched.into(),
                    sighting.wakes.into(),
                ],
            );
            step.keyed()
        };
        self.commit_steps(sightings.into_iter().map(step).collect()).await
    }
}
