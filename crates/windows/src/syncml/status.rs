//! Status codes.

use std::fmt;

/// `Data` of a status. Codes without a name here are kept as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StatusCode(pub u16);

impl StatusCode {
    /// Done.
    pub const OK: Self = Self(200);
    /// Accepted; the outcome comes later.
    pub const ACCEPTED: Self = Self(202);
    /// Authenticated for the whole session.
    pub const AUTHENTICATED: Self = Self(212);
    /// A part of the data has come; go on.
    pub const CHUNK_ACCEPTED: Self = Self(213);
    /// Cancelled.
    pub const CANCELLED: Self = Self(214);
    /// Not executed, for reasons that are not this command's.
    pub const NOT_EXECUTED: Self = Self(215);
    /// Rolled back with its `Atomic`.
    pub const ROLLED_BACK: Self = Self(216);
    /// Malformed.
    pub const BAD_REQUEST: Self = Self(400);
    /// Wrong credentials.
    pub const INVALID_CREDENTIALS: Self = Self(401);
    /// Forbidden.
    pub const FORBIDDEN: Self = Self(403);
    /// No such node.
    pub const NOT_FOUND: Self = Self(404);
    /// Not with this node.
    pub const NOT_ALLOWED: Self = Self(405);
    /// Not supported.
    pub const UNSUPPORTED_FEATURE: Self = Self(406);
    /// No credentials.
    pub const CREDENTIALS_MISSING: Self = Self(407);
    /// The command lacks something.
    pub const INCOMPLETE: Self = Self(412);
    /// Too large.
    pub const TOO_LARGE: Self = Self(413);
    /// Not in this format, or of this type.
    pub const UNSUPPORTED_FORMAT: Self = Self(415);
    /// The size that was announced is too large.
    pub const SIZE_TOO_BIG: Self = Self(416);
    /// The node is there already.
    pub const ALREADY_EXISTS: Self = Self(418);
    /// The device is full.
    pub const DEVICE_FULL: Self = Self(420);
    /// Not of the size that was announced.
    pub const SIZE_MISMATCH: Self = Self(424);
    /// No permission.
    pub const PERMISSION_DENIED: Self = Self(425);
    /// Failed.
    pub const COMMAND_FAILED: Self = Self(500);
    /// The `Atomic` failed.
    pub const ATOMIC_FAILED: Self = Self(507);
    /// The other side is to send everything again.
    pub const REFRESH_REQUIRED: Self = Self(508);
    /// The `Atomic` failed and could not be rolled back.
    pub const ROLLBACK_FAILED: Self = Self(516);

    /// Whether it tells of success, now or later.
    pub fn is_success(self) -> bool {
        matches!(
            self,
            Self::OK | Self::ACCEPTED | Self::AUTHENTICATED | Self::CHUNK_ACCEPTED
        )
    }
}

impl fmt::Display for StatusCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
