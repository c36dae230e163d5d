//! The state that a decision about one channel is made from.

use std::sync::Arc;

use ordain_model::decision::EscrowKind;
use ordain_model::enrollment::Enrollment;
use ordain_model::ids::{Channel, Digest, EnrollmentId};
use ordain_model::record::StatusRecord;

use crate::commit::is_channel_of;
use crate::{Store, StoreError};

/// A row and the version under which it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Versioned<T> {
    /// Grows by one with every write.
    pub version: i64,
    /// What was stored.
    pub value: T,
}

/// A channel as it was read: a commit that is based on it is lost if it has changed since.
#[derive(Debug, Clone, PartialEq)]
pub struct ChannelState {
    /// Which one.
    pub id: EnrollmentId,
    /// The device channel of the device.
    pub device: Option<Arc<Versioned<Enrollment>>>,
    /// The channel of `id`, when it is not the device channel and there is one.
    pub beside: Option<Arc<Versioned<Enrollment>>>,
    /// The number of the newest command that waits in the queue of the channel that was asked for.
    pub queued: Option<i64>,
}

impl ChannelState {
    /// The device channel.
    pub fn device(&self) -> Option<&Enrollment> {
        self.device.as_ref().map(|device| &device.value)
    }

    /// The channel that was asked for.
    pub fn channel(&self) -> Option<&Enrollment> {
        self.row().map(|row| &row.value)
    }

    /// The channel whose certificate its holder shows: [`EnrollmentId::to_holder`].
    pub fn holder(&self) -> Option<&Enrollment> {
        match self.id.channel() {
            Channel::Linked => self.channel(),
            Channel::Device | Channel::User => self.device(),
        }
    }

    /// The version of the channel that was asked for.
    pub(crate) fn version(&self) -> Option<i64> {
        self.row().map(|row| row.version)
    }

    /// The row of the channel that was asked for, as it was read.
    pub(crate) fn row(&self) -> Option<&Versioned<Enrollment>> {
        let row = if self.id.is_device() {
            &self.device
        } else {
            &self.beside
        };
        row.as_deref()
    }
}

impl Store {
    /// The channel of `id`, with that of its device.
    pub async fn channel(&self, id: &EnrollmentId) -> Result<ChannelState, StoreError> {
        let device = self.rows.get(id.to_device().to_string());
        let (device, beside) = if id.is_device() {
            (device.await?, None)
        } else {
            tokio::try_join!(device, self.rows.get(id.to_string()))?
        };
        let channel = if id.is_device() { &device } else { &beside };
        Ok(ChannelState {
            id: id.clone(),
            queued: channel.as_ref().and_then(|found| found.queued),
            device: device.map(|found| found.row),
            beside: beside.map(|found| found.row),
        })
    }

    /// The device channel that `fingerprint` is pinned to.
    pub async fn device_of(&self, fingerprint: Digest) -> Result<Option<Enrollment>, StoreError> {
        let sql = "SELECT e.state FROM identity i JOIN enrollment e ON e.id = i.enrollment \
                   WHERE i.fingerprint = $1 AND e.fingerprint = $1 AND e.is_device = 1";
        let rows = self.query(sql, vec![fingerprint.to_string().into()]).await?;
        rows.first().map(|row| row.json(0)).transpose()
    }

    /// All channels of a device, its own first.
    pub async fn channels_of(&self, device: &EnrollmentId) -> Result<Vec<Enrollment>, StoreError> {
        let sql = format!(
            "SELECT state FROM enrollment WHERE {} ORDER BY id",
            is_channel_of("$1")
        );
        let rows = self.query(&sql, vec![device.device_part().into()]).await?;
        rows.iter().map(|row| row.json(0)).collect()
    }

    /// What the channel of `state` has reported: as of that state, since a report is written with its row.
    pub async fn reported(&self, state: &ChannelState) -> Result<Arc<StatusRecord>, StoreError> {
        let id = state.id.to_string();
        let version = state.version();
        let kept = self.records.get(&id);
        if let Some((_, record)) = kept.filter(|(at, _)| Some(*at) == version) {
            return Ok(record);
        }
        let record = Arc::new(self.status(&state.id).await?);
        // It may be newer than the state: whoever decides by both loses the race then, and reads again.
        Ok(record)
    }

    /// What a channel has reported; empty when it has not.
    pub async fn status(&self, id: &EnrollmentId) -> Result<StatusRecord, StoreError> {
        let rows = self
            .query(
                "SELECT record FROM status WHERE enrollment = $1",
                vec![id.to_string().into()],
            )
            .await?;
        let Some(row) = rows.first() else {
            return Ok(StatusRecord::default());
        };
        let mut record: StatusRecord = row.json(0)?;
        let sql = "SELECT identifier, server_token, reasons, since FROM exception \
                   WHERE enrollment = $1 ORDER BY identifier";
        let rows = self.query(sql, vec![id.to_string().into()]).await?;
        record.exceptions = rows
            .iter()
            .map(|row| {
                Ok(ordain_model::record::Exception {
                    identifier: row.text(0)?.to_owned(),
                    server_token: row.parse(1)?,
                    reasons: row.json(2)?,
                    since: row.integer(3)?,
                })
            })
            .collect::<Result<_, StoreError>>()?;
        Ok(record)
    }

    /// The sealed token of a device.
    pub async fn escrow(&self, id: &EnrollmentId, kind: EscrowKind) -> Result<Option<Vec<u8>>, StoreError> {
        let sql = "SELECT sealed FROM escrow WHERE enrollment = $1 AND kind = $2";
        let rows = self
            .query(sql, vec![id.to_string().into(), kind.word().into()])
            .await?;
        rows.first()
            .map(|row| row.bytes(0).map(<[u8]>::to_vec))
            .transpose()
    }
}
