//! Windows twins on real sockets, and a fleet of them at once.

mod fleet;
mod keys;
mod line;

pub use fleet::{Fleet, Options, Outcome, Progress, TwinOutcome};
pub use keys::{FreshKeys, source};
pub use line::{Line, Road};
