//! The one place where this crate reads the clock.
#![allow(
    clippy::disallowed_methods,
    reason = "measuring is reading the clock; nothing is decided by it"
)]

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Unix seconds.
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// Begins to measure.
pub fn begin() -> Instant {
    Instant::now()
}
