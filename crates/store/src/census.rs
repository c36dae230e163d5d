//! The fleet as predicates see it: by columns, a stretch at a time, without the rows' states.

use ordain_model::ids::{Digest, EnrollmentId};
use ordain_model::known::Known;
use ordain_model::record::StatusRecord;
use ordain_model::subject::Traits;

use crate::value::{Row, Step};
use crate::{Store, StoreError};

/// A device that has not left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CensusRow {
    /// Its own channel.
    pub id: EnrollmentId,
    /// The serial number that it claims.
    pub serial: Option<String>,
    /// What many devices share.
    pub likeness: Likeness,
}

/// What predicates come to the same for, unless they name the serial number or what is not extracted of the status.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Likeness {
    /// What is extracted of the status.
    pub known: Option<Digest>,
    /// The traits as they are stored.
    traits: Box<str>,
}

impl Likeness {
    /// The traits.
    pub fn traits(&self) -> Result<Traits, StoreError> {
        serde_json::from_str(&self.traits).map_err(unreadable)
    }
}

/// So many digests are asked for at once: one statement is prepared.
const AT_ONCE: usize = 32;

impl Store {
    /// Devices that have not left, in the order of their identifiers, at most `limit`, those after `after` only.
    pub async fn census(
        &self,
        after: Option<&EnrollmentId>,
        limit: u32,
    ) -> Result<Vec<CensusRow>, StoreError> {
        let sql = "SELECT id, serial, known, terms FROM enrollment \
                   WHERE terms IS NOT NULL AND id > $1 ORDER BY id LIMIT $2";
        let after = after.map(ToString::to_string).unwrap_or_default();
        let rows = self
            .query(sql, vec![after.into(), i64::from(limit).into()])
            .await?;
        rows.iter().map(census_row).collect()
    }

    /// How many there are.
    pub async fn census_size(&self) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) FROM enrollment WHERE terms IS NOT NULL";
        let rows = self.query(sql, vec![]).await?;
        rows.first()
            .map_or(Ok(0), |row| row.integer(0).map(i64::unsigned_abs))
    }

    /// What was extracted, of those of `digests` that are kept.
    pub async fn known(&self, digests: &[Digest]) -> Result<Vec<(Digest, Known)>, StoreError> {
        let places: Vec<String> = (1..=AT_ONCE).map(|place| format!("${place}")).collect();
        let sql = format!(
            "SELECT digest, body FROM known WHERE digest IN ({})",
            places.join(", ")
        );
        let mut all = Vec::with_capacity(digests.len());
        for some in digests.chunks(AT_ONCE) {
            let padded = some.iter().chain(some.last().into_iter().cycle()).take(AT_ONCE);
            let params = padded.map(|digest| digest.to_string().into());
            for row in self.query(&sql, params.collect()).await? {
                all.push((row.parse(0)?, row.json(1)?));
            }
        }
        Ok(all)
    }

    /// Deletes the extracts that no device has any more. Who comes to have one of these at the same time goes without it:
    /// what he has reported is read instead.
    pub async fn prune_known(&self) -> Result<(), StoreError> {
        let unused =
            "FROM known WHERE NOT EXISTS (SELECT 1 FROM enrollment WHERE enrollment.known = known.digest)";
        let any = self
            .query(&format!("SELECT digest {unused} LIMIT 1"), vec![])
            .await?;
        // While nothing changes nothing is written.
        if !any.is_empty() {
            self.commit_steps(vec![Step::new(format!("DELETE {unused}"), vec![])])
                .await?;
            self.kept_objects.clear();
        }
        Ok(())
    }

    /// What a channel has reported, without the declarations that failed; empty when it has not.
    pub async fn said(&self, id: &EnrollmentId) -> Result<StatusRecord, StoreError> {
        let sql = "SELECT record FROM status WHERE enrollment = $1";
        let rows = self.query(sql, vec![id.to_string().into()]).await?;
        let Some(row) = rows.into_iter().next() else {
            return Ok(StatusRecord::default());
        };
        // It may have some MiB.
        tokio::task::spawn_blocking(move || row.json(0))
            .await
            .map_err(|error| StoreError::Unavailable(error.to_string()))?
    }
}

fn census_row(row: &Row) -> Result<CensusRow, StoreError> {
    Ok(CensusRow {
        id: row.parse(0)?,
        serial: row.optional_text(1)?.map(str::to_owned),
        likeness: Likeness {
            known: row.optional_text(2)?.map(|_| row.parse(2)).transpose()?,
            traits: row.text(3)?.into(),
        },
    })
}

fn unreadable(error: serde_json::Error) -> StoreError {
    StoreError::Corrupt(format!("terms: {error}"))
}
