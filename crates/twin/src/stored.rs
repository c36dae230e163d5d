//! The declarations that a channel holds, by identifier.

use std::collections::BTreeMap;

use ordain_apple::ddm::Declaration;
use ordain_catalog::{Catalog, DeclarationType, FoundReference, Kind};
use serde_json::Value;

/// What a channel holds.
pub(crate) type Store = BTreeMap<String, Stored>;

/// A declaration on the device.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stored {
    pub(crate) kind: Kind,
    pub(crate) type_name: String,
    pub(crate) identifier: String,
    pub(crate) server_token: String,
    pub(crate) payload: Value,
}

impl Stored {
    pub(crate) fn new(kind: Kind, declaration: Declaration) -> Self {
        Self {
            kind,
            type_name: declaration.type_name,
            identifier: declaration.identifier,
            server_token: declaration.server_token,
            payload: Value::Object(declaration.payload),
        }
    }

    /// Its type, if the device's catalog has it.
    pub(crate) fn declaration_type(&self) -> Option<&'static DeclarationType> {
        Catalog::builtin().declaration(&self.type_name)
    }

    /// The declarations that it refers to.
    pub(crate) fn references(&self) -> Vec<FoundReference<'_>> {
        self.declaration_type()
            .map(|declaration_type| declaration_type.references_in(&self.payload))
            .unwrap_or_default()
    }

    /// The text of a key of the payload.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.payload.get(key)?.as_str()
    }
}
