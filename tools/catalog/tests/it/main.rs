//! The committed facts against the schema, where it is there.

mod committed;
mod known;
mod round_trip;
mod stated;
mod yaml;

use std::path::{Path, PathBuf};

/// What tests say that go no further without the schema.
const SKIPPED: &str =
    "SKIPPED: Apple's schema is not here, so nothing was compared (set ORDAIN_APPLE_SCHEMA)";

/// Where the schema is: `ORDAIN_APPLE_SCHEMA`, which must then be right, else beside the repository, if it is there.
fn schema() -> Option<PathBuf> {
    let beside =
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/apple-device-management");
    std::env::var_os("ORDAIN_APPLE_SCHEMA")
        .map(PathBuf::from)
        .or_else(|| Some(beside()).filter(|dir| dir.is_dir()))
}
