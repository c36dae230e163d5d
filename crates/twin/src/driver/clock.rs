//! The one place where twins learn what time it is.
#![allow(
    clippy::disallowed_methods,
    reason = "time is a parameter everywhere else; here it comes from"
)]

use std::time::{SystemTime, UNIX_EPOCH};

/// Unix seconds.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
