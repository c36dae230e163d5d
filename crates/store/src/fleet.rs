//! Reading the fleet, a stretch at a time: a long read in one transaction would keep SQLite from checkpointing.

use std::collections::BTreeMap;

use ordain_model::enrollment::Enrollment;
use ordain_model::ids::EnrollmentId;

use crate::value::Value;
use crate::{Store, StoreError};

/// A device in the list of them.
#[derive(Debug, Clone, PartialEq)]
pub struct FleetRow {
    /// Its own channel.
    pub device: Seen,
    /// Its others: its linked one, and those of its users.
    pub beside: Vec<Seen>,
}

/// A channel, and when it was here.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// The channel.
    pub enrollment: Enrollment,
    /// When it last asked for anything, or reported, in unix seconds.
    pub seen_at: Option<i64>,
}

/// How many devices were migrated and have not enrolled anew since.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Migrated {
    /// All of them.
    pub all: u64,
    /// Those without a certificate yet.
    pub waiting: u64,
}

impl Store {
    /// How far a migration is.
    pub async fn count_migrated(&self) -> Result<Migrated, StoreError> {
        let count = async |fingerprint: &str| {
            let sql = format!(
                "SELECT count(*) FROM enrollment WHERE generation = 0 AND is_device = 1 {fingerprint}"
            );
            let rows = self.query(&sql, vec![]).await?;
            rows.first()
                .map_or(Ok(0), |row| row.integer(0).map(i64::unsigned_abs))
        };
        Ok(Migrated {
            all: count("").await?,
            waiting: count("AND fingerprint = ''").await?,
        })
    }

    /// Devices in the order of their identifiers, at most `limit`, those after `after` only.
    pub async fn devices(
        &self,
        after: Option<&EnrollmentId>,
        limit: u32,
    ) -> Result<Vec<FleetRow>, StoreError> {
        let after = after.map(ToString::to_string).unwrap_or_default();
        let which = "e.is_device = 1 AND e.id > $1 ORDER BY e.id LIMIT $2";
        let devices = self
            .seen(which, vec![after.clone().into(), i64::from(limit).into()])
            .await?;
        let Some(last) = devices.last() else {
            return Ok(Vec::new());
        };
        let which = "e.is_device = 0 AND e.device > $1 AND e.device <= $2 ORDER BY e.id";
        let last = last.enrollment.id.device_part().to_owned();
        let mut beside: BTreeMap<String, Vec<Seen>> = BTreeMap::new();
        for channel in self.seen(which, vec![after.into(), last.into()]).await? {
            let device = channel.enrollment.id.device_part().to_owned();
            beside.entry(device).or_default().push(channel);
        }
        let row = |device: Seen| FleetRow {
            beside: beside
                .remove(device.enrollment.id.device_part())
                .unwrap_or_default(),
            device,
        };
        Ok(devices.into_iter().map(row).collect())
    }

    /// The channels `which` there are.
    async fn seen(&self, which: &str, params: Vec<Value>) -> Result<Vec<Seen>, StoreError> {
        let sql = format!(
            "SELECT e.state, s.seen_at FROM enrollment e \
             LEFT JOIN sighting s ON s.enrollment = e.id AND s.generation = e.generation WHERE {which}"
        );
        let rows = self.query(&sql, params).await?;
        let seen = rows.iter().map(|row| {
            let enrollment: Enrollment = row.json(0)?;
            Ok(Seen {
                seen_at: enrollment.last_heard(row.optional_integer(1)?),
                enrollment,
            })
        });
        seen.collect()
    }

    /// The devices that go by `name`: an enrollment identifier (of which the device's part counts), a UDID, or a
    /// serial number.
    pub async fn devices_named(&self, name: &str) -> Result<Vec<EnrollmentId>, StoreError> {
        let device = name.split(':').next().unwrap_or(name);
        let sql = "SELECT id FROM enrollment WHERE is_device = 1 AND (id = $1 OR serial = $2) ORDER BY id";
        let rows = self.query(sql, vec![device.into(), name.into()]).await?;
        rows.iter().map(|row| row.parse(0)).collect()
    }
}
