//! Check-in messages: what devices send of themselves in the MDM check-in protocol.

use crate::{Keys, Support};

/// A check-in message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckIn {
    /// The `MessageType`, such as `TokenUpdate`.
    pub message_type: String,
    /// Where it is supported.
    pub support: Support,
    /// What it has, `MessageType` included.
    pub keys: Keys,
    /// What the server answers; empty when the status is all.
    pub answers: Keys,
}
