//! How a fleet fares: counts while it is on its way, and the account of each twin.

use ordain_catalog::Platform;

use crate::complaint::Complaint;
use crate::twin::Standing;

/// Counts over a whole fleet, since it was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// The twins.
    pub twins: u64,
    /// Those that are enrolled.
    pub enrolled: u64,
    /// Those that are [converged](Standing::Converged).
    pub converged: u64,
    /// Requests that were answered.
    pub requests: u64,
    /// Attempts that got no answer.
    pub errors: u64,
    /// Attempts that the server put off: 503 with `Retry-After`.
    pub throttled: u64,
    /// Complaints.
    pub complaints: u64,
    /// Pushes that reached twins.
    pub pushes: u64,
    /// Pushes that twins ignored, since they had another magic than their own.
    pub ignored_pushes: u64,
    /// Sessions that began by a push.
    pub pushed_sessions: u64,
    /// DeclarativeManagement commands.
    pub syncs: u64,
}

/// How one twin fared, since it was made.
#[derive(Debug, Clone)]
pub struct TwinOutcome {
    /// Its serial number.
    pub serial: String,
    /// Its UDID.
    pub udid: String,
    /// Its operating system.
    pub platform: Platform,
    /// How far it is.
    pub standing: Standing,
    /// How many declarations it holds.
    pub declarations: usize,
    /// How many of them are invalid there.
    pub invalid: usize,
    /// How many pushes reached it.
    pub pushes: u64,
    /// How many DeclarativeManagement commands it got.
    pub syncs: u64,
    /// Its first complaints.
    pub complaints: Vec<Complaint>,
    /// Its first transport errors, in words.
    pub errors: Vec<String>,
}

/// How a fleet fared.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The counts.
    pub progress: Progress,
    /// Each twin, in the fleet's order.
    pub twins: Vec<TwinOutcome>,
}
