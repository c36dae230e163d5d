//! How a twin is set up, how far it is, and what happened to it.

use crate::windows::enrollment::EnrollError;
use crate::windows::quirks::Quirks;
use crate::windows::session::Limits;

/// How a twin does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// How it shows who it is.
    pub proof: Proof,
    /// What it takes and sends at most.
    pub limits: Limits,
    /// What it does where no text says what Windows does.
    pub quirks: Quirks,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            proof: Proof::Certificate,
            limits: Limits::default(),
            quirks: Quirks::default(),
        }
    }
}

/// How a twin shows who it is in sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// By its TLS client certificate; by credentials in messages as well, when it is challenged.
    Certificate,
    /// By credentials in messages only, as where TLS ends before the server.
    Credentials,
}

/// How far a twin is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is not enrolled, and never was.
    New,
    /// It is enrolling.
    Enrolling,
    /// It is enrolled.
    Enrolled,
    /// Enrolling came to nothing: [`super::Twin::error`].
    Refused,
    /// It has left, or was made to leave.
    Unenrolled,
    /// It was wiped.
    Wiped,
}

/// What happened to a twin, that no node tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// It enrolled.
    Enrolled,
    /// A session ended well.
    Session,
    /// A session was given up.
    SessionFailed,
    /// Its certificate was renewed.
    Renewed,
    /// Renewing its certificate came to nothing.
    RenewalFailed(EnrollError),
    /// It was rebooted.
    Rebooted,
    /// It was wiped, in this way: `doWipe` and so on.
    Wiped(String),
    /// It did this: `Defender/Scan 1`, `install {…}`.
    Did(String),
    /// It has left.
    Unenrolled,
    /// Its linked enrollment came to be.
    Linked,
    /// A linked enrollment came to nothing.
    LinkFailed(EnrollError),
    /// Its linked enrollment is no more.
    Unlinked,
    /// What the document of this id wants had drifted, and was repaired.
    Repaired(String),
    /// What the document of this id wants has drifted, and cannot be repaired.
    Drifted(String),
}
