//! Declaration types.

use std::collections::BTreeSet;

use crate::{Kind, Platform, Scope, Shape, Support};

/// A type of declarations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclarationType {
    /// The full name, such as `com.apple.configuration.passcode.settings`.
    pub name: String,
    /// What its prefix says.
    pub kind: Kind,
    /// How several of one type act together; stated for configurations only.
    pub apply: Option<Apply>,
    /// Where it is supported.
    pub support: Support,
    /// What its payload must be: a dictionary.
    pub payload: Shape,
    /// Of an asset: the media types that its data may have; empty when any will do.
    pub content_types: BTreeSet<String>,
    /// The status items that tell of it.
    pub status_items: BTreeSet<String>,
    /// The codes of the reasons that it may be reported with beside those of all, where the schema lists them.
    pub reasons: BTreeSet<String>,
}

/// How several active configurations of one type act on a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Apply {
    /// One of them has effect.
    Single,
    /// Each has its own effect.
    Multiple,
    /// They are merged key by key.
    Combined,
}

words!(Apply, "a way to apply (single, multiple, combined)", {
    Single => "single",
    Multiple => "multiple",
    Combined => "combined",
});

impl DeclarationType {
    /// The scope of a declaration for which none was chosen: system where the catalog allows it, else user.
    pub fn default_scope(&self, platform: Option<Platform>) -> Scope {
        self.support.default_scope(platform)
    }
}
