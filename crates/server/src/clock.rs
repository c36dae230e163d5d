//! The one place where the server reads the clock.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// Tells the time in unix seconds. Tests give the server another one.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// The system's clock.
pub fn system() -> Clock {
    #[expect(clippy::disallowed_methods, reason = "this is the edge")]
    let read = || {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs().cast_signed())
    };
    Arc::new(read)
}
