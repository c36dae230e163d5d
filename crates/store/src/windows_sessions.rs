//! Management sessions of Windows devices: the last one of each.

use ordain_model::enrollment::Enrollment;
use ordain_model::ids::EnrollmentId;

use crate::{Step, Store, StoreError};

/// A session as it was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptSession {
    /// How many messages of the device's generation were answered, this one included.
    pub number: i64,
    /// What was kept, sealed.
    pub sealed: Vec<u8>,
}

impl Store {
    /// The channels of Windows devices whose messages say that they are from `source`. Devices choose that, so that there may
    /// be several: the first eight that have not left.
    pub async fn windows_channels(&self, source: &str) -> Result<Vec<Enrollment>, StoreError> {
        let sql =
            "SELECT state FROM enrollment WHERE source = $1 AND phase <> 'checked-out' ORDER BY id LIMIT 8";
        let rows = self.query(sql, vec![source.into()]).await?;
        rows.iter().map(|row| row.json(0)).collect()
    }

    /// The last session of a device; none when it has held none in this generation.
    pub async fn windows_session(&self, id: &EnrollmentId) -> Result<Option<KeptSession>, StoreError> {
        let sql = "SELECT number, sealed FROM windows_session WHERE enrollment = $1";
        let rows = self.query(sql, vec![id.to_string().into()]).await?;
        let kept = rows.first().map(|row| {
            Ok(KeptSession {
                number: row.integer(0)?,
                sealed: row.bytes(1)?.to_vec(),
            })
        });
        kept.transpose()
    }
}

/// Keeps what follows the message before `number`, which must be the last one.
pub(crate) fn keep(id: &EnrollmentId, number: i64, sealed: &[u8]) -> Step {
    Step::one(
        "INSERT INTO windows_session (enrollment, number, sealed) VALUES ($1, $2, $3) \
         ON CONFLICT (enrollment) DO UPDATE SET number = excluded.number, sealed = excluded.sealed \
         WHERE windows_session.number = excluded.number - 1",
        vec![id.to_string().into(), number.into(), sealed.to_vec().into()],
    )
}
