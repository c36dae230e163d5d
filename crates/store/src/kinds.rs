//! Which kinds of devices the fleet has: kept in an index, so that the question costs by the kinds, not by the devices.

use ordain_model::device::DeviceFacts;

use crate::{Store, StoreError};

impl Store {
    /// The kinds of devices that are enrolled, in order, each as `PLATFORM:VERSION:ENROLLMENT`, or with `::BUILD` after
    /// that where it is known: there are hardly more builds than versions; or as `Windows:VERSION:EDITION`. Parts are empty
    /// where nothing is known. Devices of which not even the platform is known have none.
    pub async fn kinds(&self) -> Result<Vec<String>, StoreError> {
        // One step in the index for each kind: `SELECT DISTINCT` would read all of it.
        let sql = "WITH RECURSIVE found (kind) AS (SELECT MIN(kind) FROM enrollment WHERE kind IS NOT NULL UNION ALL \
                   SELECT (SELECT MIN(e.kind) FROM enrollment e WHERE e.kind > found.kind) FROM found \
                   WHERE found.kind IS NOT NULL) SELECT kind FROM found WHERE kind IS NOT NULL";
        let rows = self.query(sql, vec![]).await?;
        rows.iter().map(|row| Ok(row.text(0)?.to_owned())).collect()
    }
}

/// The kind of a device as its column holds it.
pub(crate) fn word(facts: &DeviceFacts) -> Option<String> {
    let version = facts.os_version.map(|version| version.to_string());
    if let Some(windows) = &facts.windows {
        let edition = windows.edition().map_or("", |edition| edition.as_str());
        return Some(format!("Windows:{}:{edition}", version.unwrap_or_default()));
    }
    let platform = facts.platform?;
    let enrolled = facts.enrollment_type().map(|way| way.to_string());
    let build = facts.os_build().map(|build| format!("::{build}"));
    Some(format!(
        "{platform}:{}:{}{}",
        version.unwrap_or_default(),
        enrolled.unwrap_or_default(),
        build.unwrap_or_default()
    ))
}
