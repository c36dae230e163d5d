//! Reading the fleet, a stretch at a time: a long read in one transaction would keep SQLite from checkpointing.

use ordain_model::enrollment::Enrollment;
use ordain_model::ids::EnrollmentId;

use crate::{Store, StoreError};

/// A channel in the list of them.
#[derive(Debug, Clone, PartialEq)]
pub struct FleetRow {
    /// The channel.
    pub enrollment: Enrollment,
    /// When it last asked for anything, in unix seconds.
    pub seen_at: Option<i64>,
}

impl Store {
    /// Device channels in the order of their identifiers, at most `limit`, those after `after` only.
    pub async fn devices(
        &self,
        after: Option<&EnrollmentId>,
        limit: u32,
    ) -> Result<Vec<FleetRow>, StoreError> {
        let sql = "SELECT e.state, s.seen_at FROM enrollment e \
                   LEFT JOIN sighting s ON s.enrollment = e.id AND s.generation = e.generation \
                   WHERE e.is_user = 0 AND e.id > $1 ORDER BY e.id LIMIT $2";
        let after = after.map(ToString::to_string).unwrap_or_default();
        let rows = self
            .query(sql, vec![after.into(), i64::from(limit).into()])
            .await?;
        rows.iter()
            .map(|row| {
                Ok(FleetRow {
                    enrollment: row.json(0)?,
                    seen_at: row.optional_integer(1)?,
                })
            })
            .collect()
    }

    /// The devices that go by `name`: an enrollment identifier (of which the device's part counts), a UDID, or a
    /// serial number.
    pub async fn devices_named(&self, name: &str) -> Result<Vec<EnrollmentId>, StoreError> {
        let device = name.split(':').next().unwrap_or(name);
        let sql = "SELECT id FROM enrollment WHERE is_user = 0 AND (id = $1 OR serial = $2) ORDER BY id";
        let rows = self.query(sql, vec![device.into(), name.into()]).await?;
        rows.iter().map(|row| row.parse(0)).collect()
    }
}
