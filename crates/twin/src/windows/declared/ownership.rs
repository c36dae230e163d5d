//! F4.7 and F4.8: what a document set is its own, and whoever wants it back finds what was there before.

use ordain_windows::syncml::loc_uri::LocUri;

use super::store::{Held, Key, Store};
use crate::windows::tree::{Tree, device};

/// What is owned, and goes, as one: a profile, an installed certificate; else the node itself. And whether it is set as
/// a whole or not at all (F4.5).
pub(super) fn resource(uri: &LocUri) -> (LocUri, bool) {
    let names: Vec<&str> = uri.segments.iter().map(String::as_str).collect();
    let (depth, is_whole) = match &*names {
        ["Vendor", "MSFT", "VPN" | "VPNv2", _, ..] => (4, true),
        ["Vendor", "MSFT", "ClientCertificateInstall", _, _, ..] => (5, true),
        ["Vendor", "MSFT", "WiFi", "Profile", _, ..] => (5, false),
        ["Vendor", "MSFT", "ActiveSync", "Accounts", _, ..] => (5, false),
        _ => (names.len(), false),
    };
    let mut resource = uri.clone();
    resource.segments.truncate(depth);
    (resource, is_whole)
}

/// Whether one is the other, or in it.
fn meet(one: &LocUri, other: &LocUri) -> bool {
    let (a, b) = (&one.segments, &other.segments);
    one.scope == other.scope && (a.starts_with(b) || b.starts_with(a))
}

impl Store {
    /// Whether a document owns the node, or something in it.
    pub(in crate::windows) fn owns(&self, uri: &LocUri) -> bool {
        self.owners.keys().any(|owned| meet(owned, uri))
    }

    pub(super) fn owner(&self, resource: &LocUri) -> Option<&Key> {
        self.owners.get(resource)
    }

    /// Somebody else has set what no document owns any more: there is nothing to go back to.
    pub(in crate::windows) fn taken_over(&mut self, uri: &LocUri) {
        for held in self.documents.values_mut() {
            held.originals.retain(|node, _| !meet(node, uri));
        }
    }

    /// What was at a node before any document set it, if one did.
    fn original(&self, uri: &LocUri) -> Option<Option<crate::windows::tree::Value>> {
        let held = self.documents.values().find_map(|held| held.originals.get(uri));
        held.cloned()
    }
}

/// Remembers what is at a node, before the document changes it.
pub(super) fn remember(tree: &mut Tree, key: &Key, uri: &LocUri) {
    let before = tree
        .documents()
        .original(uri)
        .unwrap_or_else(|| tree.get(uri).cloned());
    if let Some(held) = tree.documents_mut().documents.get_mut(key) {
        held.originals.entry(uri.clone()).or_insert(before);
    }
}

impl Tree {
    /// F4.8: with the linked enrollment go all documents, and what they set is as it was before them.
    pub(in crate::windows) fn roll_back(&mut self) {
        let documents: Vec<(Key, Held)> = std::mem::take(&mut self.documents_mut().documents)
            .into_iter()
            .collect();
        for (key, held) in documents {
            for (uri, before) in held.originals {
                match before {
                    Some(value) => self.put(uri, value),
                    None => self.take_one(&uri),
                }
            }
            for (resource, before) in held.resources {
                self.service.providers.restore(&resource, before);
            }
            super::service::forget(self, &key);
        }
        *self.documents_mut() = Store::default();
        // \[U\]: how documents are looked after is the linked enrollment's, as they are.
        self.take(&device(&["Vendor", "MSFT", "DeclaredConfiguration"]));
        self.end_jobs_without_nodes();
    }
}
