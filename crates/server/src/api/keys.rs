//! The keys under which secrets are sealed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The keys under which secrets are sealed, and what lies under each.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SealingKeys {
    /// Where this server has them from: a file, or an environment variable.
    pub source: String,
    /// The one that seals first, then those that only open, then those that are missing.
    pub keys: Vec<SealingKey>,
    /// What the last rotation since the start of this server came to.
    pub rotation: Option<KeyRotation>,
}

/// One key. The key itself is never shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SealingKey {
    /// Its public name; none for what is no sealed value at all.
    pub id: Option<String>,
    /// seals: new values are sealed under it. opens: older values may lie under it. missing: values lie under it,
    /// and this server cannot open them.
    pub role: String,
    /// How many sealed values lie under it, by the table that holds them.
    pub values: BTreeMap<String, u64>,
}

/// What a rotation came to, or has come to so far.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct KeyRotation {
    /// Whether it still runs.
    pub running: bool,
    /// How many values it has sealed anew.
    pub resealed: u64,
    /// How many values it cannot open. They are left as they are.
    pub unopened: u64,
    /// The first of them, and why.
    pub problems: Vec<String>,
    /// Why it broke off.
    pub failure: Option<String>,
}
