//! Payloads of configuration profiles.

use crate::{Shape, Support};

/// A sort of payloads in configuration profiles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// The schema's name, such as `com.apple.MCX(TimeServer)`: the `PayloadType`, mostly, with what tells it from others
    /// of that type.
    pub name: String,
    /// The `PayloadType`.
    pub payload_type: String,
    /// Where it is supported.
    pub support: Support,
    /// What the payload must be beside the keys that all payloads have: a dictionary.
    pub payload: Shape,
}
