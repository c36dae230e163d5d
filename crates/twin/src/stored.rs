//! The declarations that a channel holds, by identifier.

use std::collections::BTreeMap;

use ordain_apple::ddm::Declaration;
use ordain_catalog::{Catalog, FoundReference, Kind};
use ordain_model::ids::Digest;
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
    /// A hash over its type and payload: what the ServerToken should stand for.
    pub(crate) content: Digest,
}

impl Stored {
    pub(crate) fn new(kind: Kind, declaration: Declaration) -> Self {
        let content = serde_json::to_vec(&(&declaration.type_name, &declaration.payload)).unwrap_or_default();
        Self {
            kind,
            type_name: declaration.type_name,
            identifier: declaration.identifier,
            server_token: declaration.server_token,
            payload: Value::Object(declaration.payload),
            content: Digest::of(&content),
        }
    }

    /// The declarations that it refers to, as far as the device's catalog has its type.
    pub(crate) fn references<'a>(&'a self, catalog: &'a Catalog) -> Vec<FoundReference<'a>> {
        let declaration_type = catalog.declaration(&self.type_name);
        declaration_type.map_or_else(Vec::new, |known| known.references_in(&self.payload))
    }

    /// The text of a key of the payload.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.payload.get(key)?.as_str()
    }
}
