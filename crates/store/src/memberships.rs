//! Memberships in groups by predicate: whose are to be decided, and of how many that is done.

use std::collections::BTreeMap;
use std::sync::Arc;

use ordain_model::enrollment::Enrollment;
use ordain_model::ids::{Digest, EnrollmentId};
use serde::Deserialize;
use serde_json::Value as Json;

use crate::channels::{ChannelState, Versioned};
use crate::value::Row;
use crate::{Store, StoreError, Value};

/// A device with the status items that its own channel has reported, as of one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownDevice {
    /// Its own channel; nothing was read of its queue.
    pub state: ChannelState,
    /// By their names.
    pub items: BTreeMap<String, Json>,
}

/// As much of a report as is needed.
#[derive(Deserialize)]
struct Reported {
    #[serde(default)]
    items: BTreeMap<String, Json>,
}

const KNOWN: &str = "SELECT e.id, e.version, e.stamp, e.state, s.record FROM enrollment e \
                     LEFT JOIN status s ON s.enrollment = e.id WHERE e.is_device = 1";

impl Store {
    /// Devices whose memberships were not decided by the conditions `by`, at most `limit`.
    pub async fn undecided(&self, by: Digest, limit: u32) -> Result<Vec<KnownDevice>, StoreError> {
        // Two ranges of the index, where `<>` would read all of it.
        for range in ["<", ">"] {
            let sql = format!("{KNOWN} AND e.decided {range} $1 ORDER BY e.decided LIMIT $2");
            let params = vec![by.to_string().into(), i64::from(limit).into()];
            let rows = self.query(&sql, params).await?;
            if !rows.is_empty() {
                return rows.iter().map(known).collect();
            }
        }
        Ok(Vec::new())
    }

    /// Devices in the order of their identifiers, at most `limit`, those after `after` only.
    pub async fn known_devices(
        &self,
        after: Option<&EnrollmentId>,
        limit: u32,
    ) -> Result<Vec<KnownDevice>, StoreError> {
        let sql = format!("{KNOWN} AND e.id > $1 ORDER BY e.id LIMIT $2");
        let after = after.map(ToString::to_string).unwrap_or_default();
        let rows = self
            .query(&sql, vec![after.into(), i64::from(limit).into()])
            .await?;
        rows.iter().map(known).collect()
    }

    /// How many devices there are, those that left included.
    pub async fn count_devices(&self) -> Result<u64, StoreError> {
        self.count_where("", vec![]).await
    }

    /// Of how many devices the memberships were not decided by the conditions `by`: that costs by these, not by all.
    pub async fn count_undecided(&self, by: Digest) -> Result<u64, StoreError> {
        let mut count = 0;
        for range in ["<", ">"] {
            let condition = format!("AND decided {range} $1");
            count += self.count_where(&condition, vec![by.to_string().into()]).await?;
        }
        Ok(count)
    }

    async fn count_where(&self, condition: &str, params: Vec<Value>) -> Result<u64, StoreError> {
        let sql = format!("SELECT COUNT(*) FROM enrollment WHERE is_device = 1 {condition}");
        let rows = self.query(&sql, params).await?;
        rows.first()
            .map_or(Ok(0), |row| row.integer(0).map(i64::unsigned_abs))
    }
}

/// By which conditions the memberships of a device were decided, as its column holds it: empty when by none.
pub(crate) fn decided(enrollment: &Enrollment) -> String {
    let by = enrollment.groups.by;
    by.map(|digest| digest.to_string()).unwrap_or_default()
}

fn known(row: &Row) -> Result<KnownDevice, StoreError> {
    let value = Enrollment {
        stamp: row.integer(2)?,
        ..row.json(3)?
    };
    let version = row.integer(1)?;
    let reported: Option<Reported> = row.optional_text(4)?.map(|_| row.json(4)).transpose()?;
    Ok(KnownDevice {
        state: ChannelState {
            id: row.parse(0)?,
            device: Some(Arc::new(Versioned { version, value })),
            beside: None,
            queued: None,
        },
        items: reported.map(|reported| reported.items).unwrap_or_default(),
    })
}
