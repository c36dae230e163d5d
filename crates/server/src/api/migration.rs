//! Migration from another server.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A window to open, in which first contacts of migrated devices pin their certificates.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMigrationWindow {
    /// For how many seconds; a year at the most.
    pub open_for: i64,
    /// SHA-256 of the one device CA whose certificates count, in hexadecimal digits; otherwise those of every device CA
    /// that the server trusts do, but never those of its own.
    #[serde(default)]
    pub ca: Option<String>,
}

/// How far a migration is.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Migration {
    /// Whether the window is open.
    pub open: bool,
    /// Until when it is open, or when it was closed, in unix seconds; none when there never was one.
    pub until: Option<i64>,
    /// SHA-256 of the one device CA whose certificates count.
    pub ca: Option<String>,
    /// Devices that were migrated and have not enrolled anew since.
    pub migrated: u64,
    /// Those of them that have come, so that their certificate is pinned.
    pub pinned: u64,
    /// Those that have not.
    pub waiting: u64,
}
