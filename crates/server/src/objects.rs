//! Prepared bytes: content-addressed objects, kept in memory after their first use.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use ordain_apple::ddm::{DeclarationItems, Item, Items};
use ordain_model::ids::Digest;
use ordain_model::known::Known;
use ordain_model::manifest::Manifest;
use ordain_model::report::Capabilities;
use ordain_store::{Store, StoreError};
use quick_cache::sync::Cache;

/// The caches. What is in them is immutable, so that they need no invalidation and may differ between nodes.
pub(crate) struct Objects {
    manifests: Cache<Digest, Arc<Manifest>>,
    items: Cache<Digest, Bytes>,
    declarations: Cache<Digest, Bytes>,
    capabilities: Cache<Digest, Arc<Capabilities>>,
    known: Cache<Digest, Arc<Known>>,
}

impl Default for Objects {
    fn default() -> Self {
        Self {
            manifests: Cache::new(2_000),
            items: Cache::new(2_000),
            declarations: Cache::new(20_000),
            capabilities: Cache::new(2_000),
            // Some KiB each.
            known: Cache::new(8_192),
        }
    }
}

impl Objects {
    /// The manifest of `token`; none when it was never offered.
    pub(crate) async fn manifest(
        &self,
        store: &Store,
        token: Digest,
    ) -> Result<Option<Arc<Manifest>>, StoreError> {
        if let Some(known) = self.manifests.get(&token) {
            return Ok(Some(known));
        }
        let stored = store.manifest(token).await?.map(Arc::new);
        if let Some(manifest) = &stored {
            self.manifests.insert(token, manifest.clone());
        }
        Ok(stored)
    }

    /// The answer to `declaration-items` for a manifest.
    pub(crate) fn items(&self, manifest: &Manifest) -> Bytes {
        let token = manifest.token();
        if let Some(known) = self.items.get(&token) {
            return known;
        }
        let mut declarations = Items::default();
        for entry in manifest.entries() {
            declarations.of_mut(entry.kind).push(Item {
                identifier: entry.identifier.clone(),
                server_token: entry.server_token.to_string(),
            });
        }
        let answer = DeclarationItems {
            declarations,
            declarations_token: token.to_string(),
        };
        let bytes = Bytes::from(answer.to_json());
        self.items.insert(token, bytes.clone());
        bytes
    }

    /// The declaration of `server_token`.
    pub(crate) async fn declaration(
        &self,
        store: &Store,
        server_token: Digest,
    ) -> Result<Option<Bytes>, StoreError> {
        if let Some(known) = self.declarations.get(&server_token) {
            return Ok(Some(known));
        }
        let stored = store.declaration(server_token).await?.map(Bytes::from);
        if let Some(body) = &stored {
            self.declarations.insert(server_token, body.clone());
        }
        Ok(stored)
    }

    /// The capabilities of `digest`.
    pub(crate) async fn capabilities(
        &self,
        store: &Store,
        digest: Digest,
    ) -> Result<Option<Arc<Capabilities>>, StoreError> {
        if let Some(known) = self.capabilities.get(&digest) {
            return Ok(Some(known));
        }
        let stored = store.capabilities(digest).await?.map(Arc::new);
        if let Some(capabilities) = &stored {
            self.capabilities.insert(digest, capabilities.clone());
        }
        Ok(stored)
    }

    /// What was extracted of devices' status, of those of `digests` that are kept.
    pub(crate) async fn known(
        &self,
        store: &Store,
        digests: impl IntoIterator<Item = Digest>,
    ) -> Result<HashMap<Digest, Arc<Known>>, StoreError> {
        let (mut found, mut unread) = (HashMap::new(), Vec::new());
        for digest in digests {
            match self.known.get(&digest) {
                Some(known) => drop(found.insert(digest, known)),
                None => unread.push(digest),
            }
        }
        for (digest, known) in store.known(&unread).await? {
            let known = Arc::new(known);
            self.known.insert(digest, known.clone());
            found.insert(digest, known);
        }
        Ok(found)
    }
}
