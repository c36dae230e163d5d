//! The catalogs: the one in force, by which is published, and those under which revisions were.

use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use ordain_catalog::{Catalog, facts};
use ordain_model::ids::Digest;
use ordain_store::{NewCatalog, Store, StoreError};
use quick_cache::sync::Cache;
use tokio::sync::Mutex;

/// Catalogs that are kept in memory: those in force lately, and that of the newest revision.
const MOST_KNOWN: usize = 16;

/// What this node knows of catalogs. Each is read once.
pub(crate) struct Catalogs {
    known: Cache<Digest, Arc<Catalog>>,
    in_force: RwLock<InForce>,
    /// Held while the store is asked which one is in force, so that the last who asked is right.
    asking: Mutex<()>,
}

/// The catalog in force.
#[derive(Debug, Clone)]
pub(crate) struct InForce {
    /// The SHA-256 of its facts.
    pub(crate) digest: Digest,
    pub(crate) catalog: Arc<Catalog>,
    /// Whether it was imported; otherwise it is this program's own.
    pub(crate) is_imported: bool,
}

impl InForce {
    fn own() -> Self {
        Self {
            digest: own_digest(),
            catalog: Catalog::builtin().clone(),
            is_imported: false,
        }
    }

    /// The one that was imported, as the store tells it.
    pub(crate) fn imported(&self) -> Option<Digest> {
        self.is_imported.then_some(self.digest)
    }
}

/// What the program's own catalog is known by.
pub(crate) fn own_digest() -> Digest {
    static OWN: LazyLock<Digest> = LazyLock::new(|| Digest::of(facts::APPLE.as_bytes()));
    *OWN
}

/// The program's own catalog, to be kept with what is published under it: the next program has another one.
pub(crate) fn own_catalog() -> NewCatalog {
    NewCatalog {
        facts: facts::APPLE.to_owned(),
        source: own_source(),
    }
}

/// Where the program's own catalog is from.
pub(crate) fn own_source() -> String {
    format!("Ordain {}", env!("CARGO_PKG_VERSION"))
}

impl Catalogs {
    /// The catalogs of `store`.
    pub(crate) async fn load(store: &Store) -> Result<Self, StoreError> {
        let catalogs = Self {
            known: Cache::new(MOST_KNOWN),
            in_force: RwLock::new(InForce::own()),
            asking: Mutex::default(),
        };
        catalogs.reload(store).await?;
        Ok(catalogs)
    }

    /// The catalog in force, as far as this node knows.
    pub(crate) fn in_force(&self) -> InForce {
        self.in_force
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Learns which catalog is in force.
    pub(crate) async fn reload(&self, store: &Store) -> Result<(), StoreError> {
        let _turn = self.asking.lock().await;
        let imported = store.catalog_in_force().await?;
        if imported == self.in_force().imported() {
            return Ok(());
        }
        let in_force = match imported {
            None => InForce::own(),
            Some(digest) => InForce {
                digest,
                catalog: self.get(store, digest).await?,
                is_imported: true,
            },
        };
        tracing::info!(digest = %in_force.digest, imported = in_force.is_imported, "another catalog is in force");
        *self.in_force.write().unwrap_or_else(PoisonError::into_inner) = in_force;
        Ok(())
    }

    /// The catalog of `digest`, which is the program's own or kept.
    pub(crate) async fn get(&self, store: &Store, digest: Digest) -> Result<Arc<Catalog>, StoreError> {
        if digest == own_digest() {
            return Ok(Catalog::builtin().clone());
        }
        if let Some(known) = self.known.get(&digest) {
            return Ok(known);
        }
        let corrupt = |what: &str| StoreError::Corrupt(format!("the catalog {digest}: {what}"));
        let kept = store.catalog_facts(digest).await?;
        let kept = kept.ok_or_else(|| corrupt("it is not there"))?;
        let read = tokio::task::spawn_blocking(move || facts::read(&kept)).await;
        let read = read.map_err(|error| corrupt(&error.to_string()))?;
        let catalog = Arc::new(read.map_err(|error| corrupt(&error.to_string()))?);
        self.known.insert(digest, catalog.clone());
        Ok(catalog)
    }
}
