//! Which declarations of a manifest a channel has fetched: one bit for each entry.

use std::collections::BTreeSet;

use crate::ids::Digest;
use crate::manifest::Manifest;

/// A set of places in a manifest. Its text form is hexadecimal digits, the lowest places first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fetched(Vec<u8>);

impl Fetched {
    /// Reads the text form; what is none counts as nothing fetched, which claims less.
    pub fn from_text(text: &str) -> Self {
        Self(hex::decode(text).unwrap_or_default())
    }

    /// The text form.
    pub fn to_text(&self) -> String {
        hex::encode(&self.0)
    }

    /// Notes that the entry at `place` was fetched.
    pub fn insert(&mut self, place: usize) {
        let byte = place / 8;
        if self.0.len() <= byte {
            self.0.resize(byte + 1, 0);
        }
        if let Some(bits) = self.0.get_mut(byte) {
            *bits |= 1 << (place % 8);
        }
    }

    /// Whether the entry at `place` was fetched.
    pub fn contains(&self, place: usize) -> bool {
        self.0
            .get(place / 8)
            .is_some_and(|bits| bits & (1 << (place % 8)) != 0)
    }

    /// The ServerTokens that were fetched of `manifest`.
    pub fn tokens(&self, manifest: &Manifest) -> BTreeSet<Digest> {
        let entries = manifest.entries().iter().enumerate();
        entries
            .filter(|(place, _)| self.contains(*place))
            .map(|(_, entry)| entry.server_token)
            .collect()
    }

    /// The same for another manifest: a device does not fetch again what did not change.
    pub fn carried(&self, from: &Manifest, to: &Manifest) -> Self {
        let tokens = self.tokens(from);
        let mut carried = Self::default();
        for (place, entry) in to.entries().iter().enumerate() {
            if tokens.contains(&entry.server_token) {
                carried.insert(place);
            }
        }
        carried
    }

    /// Adds what `other` has, of the same manifest.
    pub fn extend(&mut self, other: &Self) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        for (bits, more) in self.0.iter_mut().zip(&other.0) {
            *bits |= more;
        }
    }
}
