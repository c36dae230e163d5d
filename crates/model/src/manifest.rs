//! The manifest: the declarations for an audience at a revision, what DDM calls declaration items.

use std::collections::BTreeSet;

use ordain_catalog::Kind;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::Digest as _;

use crate::declaration::Declaration;
use crate::dispute::Conditions;
use crate::ids::Digest;

/// The type whose payload keys are what `@property(…)` names in predicates.
pub const PROPERTIES_TYPE: &str = "com.apple.management.properties";
/// The key of an activation's payload that holds its predicate.
pub const PREDICATE_KEY: &str = "Predicate";

/// What an enrollment should hold, sorted by kind and identifier. Immutable, and known by its token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    token: Digest,
    entries: Vec<Entry>,
    /// What the blueprints name but this audience does not get, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub omissions: Vec<Omission>,
    /// The predicates of its activations, parsed when they are first asked for.
    #[serde(skip)]
    conditions: Conditions,
}

/// One declaration of a manifest: enough to list it, to judge reports of it, and to find its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// What it is.
    pub kind: Kind,
    /// `Identifier`.
    pub identifier: String,
    /// `ServerToken`.
    pub server_token: Digest,
    /// `Type`.
    #[serde(rename = "type")]
    pub type_name: String,
    /// The identifiers that it names.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub references: BTreeSet<String>,
    /// The bytes of ours that it tells devices to download.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub downloads: BTreeSet<Digest>,
    /// The predicate that decides on the device whether it is in force, of an activation that has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predicate: Option<String>,
    /// What it defines for predicates, of a declaration of [`PROPERTIES_TYPE`].
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub properties: Map<String, Value>,
}

/// A declaration that was left out of a manifest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Omission {
    /// Which one.
    pub identifier: String,
    /// Why, in words for administrators.
    pub reason: String,
}

impl Manifest {
    /// The manifest of `entries`, whatever their order.
    pub fn new(mut entries: Vec<Entry>, mut omissions: Vec<Omission>) -> Self {
        entries.sort_by(|a, b| (a.kind, &a.identifier).cmp(&(b.kind, &b.identifier)));
        omissions.sort();
        let token = declarations_token(entries.iter().map(|entry| {
            (
                entry.kind,
                entry.identifier.as_str(),
                entry.server_token.to_string(),
            )
        }));
        Self {
            token,
            entries,
            omissions,
            conditions: Conditions::default(),
        }
    }

    /// `DeclarationsToken`.
    pub fn token(&self) -> Digest {
        self.token
    }

    /// Sorted by kind, then identifier.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The predicates of its activations.
    pub(crate) fn conditions(&self) -> &Conditions {
        &self.conditions
    }

    /// The place of (`kind`, `identifier`) in [`Manifest::entries`], and the entry.
    pub fn find(&self, kind: Kind, identifier: &str) -> Option<(usize, &Entry)> {
        let place = self
            .entries
            .binary_search_by(|entry| (entry.kind, entry.identifier.as_str()).cmp(&(kind, identifier)))
            .ok()?;
        self.entries.get(place).map(|entry| (place, entry))
    }

    /// Whether it holds this very revision of a declaration.
    pub fn holds(&self, entry: &Entry) -> bool {
        self.find(entry.kind, &entry.identifier)
            .is_some_and(|(_, own)| own.server_token == entry.server_token)
    }

    /// Whether any declaration of it tells devices to download `bytes`.
    pub fn offers_download(&self, bytes: &Digest) -> bool {
        self.entries.iter().any(|entry| entry.downloads.contains(bytes))
    }
}

impl From<&Declaration> for Entry {
    fn from(declaration: &Declaration) -> Self {
        let predicate = declaration.payload.get(PREDICATE_KEY).and_then(Value::as_str);
        Self {
            kind: declaration.kind,
            identifier: declaration.identifier.clone(),
            server_token: declaration.server_token,
            type_name: declaration.type_name.clone(),
            references: declaration.references.clone(),
            downloads: declaration.downloads.clone(),
            predicate: predicate
                .filter(|_| declaration.kind == Kind::Activation)
                .map(str::to_owned),
            properties: match declaration.type_name.as_str() {
                PROPERTIES_TYPE => declaration.payload.clone(),
                _ => Map::new(),
            },
        }
    }
}

/// The hash over (kind, identifier, ServerToken), each field with its length before it, in the order of the
/// iterator, which must be sorted by kind and identifier.
///
/// The same function makes `DeclarationsToken` and tells what set of declarations a report lists.
pub fn declarations_token<'a>(items: impl Iterator<Item = (Kind, &'a str, String)>) -> Digest {
    let mut hash = sha2::Sha256::new();
    for (kind, identifier, server_token) in items {
        for field in [kind.as_str(), identifier, &server_token] {
            hash.update((field.len() as u64).to_be_bytes());
            hash.update(field);
        }
    }
    Digest(hash.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(kind: Kind, identifier: &str, content: &[u8]) -> Entry {
        Entry {
            kind,
            identifier: identifier.into(),
            server_token: Digest::of(content),
            type_name: "t".into(),
            references: BTreeSet::new(),
            downloads: BTreeSet::new(),
            predicate: None,
            properties: Map::new(),
        }
    }

    #[test]
    fn the_token_depends_on_the_set_alone() {
        let (a, b) = (
            entry(Kind::Asset, "a", b"1"),
            entry(Kind::Configuration, "b", b"2"),
        );
        let token =
            |entries: &[&Entry]| Manifest::new(entries.iter().copied().cloned().collect(), vec![]).token();
        assert_eq!(token(&[&a, &b]), token(&[&b, &a]));
        assert_ne!(token(&[&a]), token(&[&a, &b]));
        assert_ne!(token(&[&a]), token(&[&entry(Kind::Asset, "a", b"2")]));
        assert_ne!(token(&[&a]), token(&[&entry(Kind::Management, "a", b"1")]));
    }

    #[test]
    fn entries_are_found_by_kind_and_identifier() {
        let manifest = Manifest::new(
            vec![
                entry(Kind::Management, "m", b"1"),
                entry(Kind::Activation, "z", b"2"),
            ],
            vec![],
        );
        assert_eq!(manifest.find(Kind::Management, "m").unwrap().0, 1);
        assert!(manifest.find(Kind::Asset, "m").is_none());
        assert!(manifest.holds(&entry(Kind::Activation, "z", b"2")));
        assert!(!manifest.holds(&entry(Kind::Activation, "z", b"3")));
    }
}
