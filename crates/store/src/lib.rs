//! The one door to data: embedded SQLite, or PostgreSQL. Which of them it is, nobody outside this crate can tell.

mod audit;
mod channels;
mod commands;
mod commit;
mod deliveries;
mod fleet;
mod house;
mod inventory;
mod migrations;
mod objects;
mod postgres;
mod revisions;
mod sightings;
mod sqlite;
mod value;
mod wakes;

use std::collections::HashSet;
use std::path::Path;
use std::sync::Mutex;

use ordain_model::ids::Digest;

pub use audit::{Actor, AuditRecord};
pub use channels::{ChannelState, Versioned};
pub use commands::{Budget, CommandRecord, Counts, NewCommand, Reaching, Recipient};
pub use deliveries::{DeliveriesOf, DeliveryRecord};
pub use fleet::FleetRow;
pub use house::{NewToken, TokenRecord, TokenRole};
pub use inventory::InventoryRecord;
pub use objects::Blob;
pub use revisions::{Publication, RevisionSummary, SourceFile};
pub use sightings::Sighting;

use postgres::Postgres;
use sqlite::Sqlite;
use value::{Row, Step, Value};

/// Why the store did not do it. Nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Somebody else was faster: load the state and decide again.
    #[error("somebody else changed this at the same time")]
    Conflict,
    /// The database cannot be reached, or cannot write: try later, acknowledge nothing.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// What is stored cannot be read. This needs a person.
    #[error("the database holds something unreadable: {0}")]
    Corrupt(String),
}

/// The store. Cheap to share behind an `Arc`.
pub struct Store {
    database: Database,
    /// Manifests that are stored for certain, so that they are not sent again with every offer. Nothing deletes any.
    kept_manifests: Mutex<HashSet<Digest>>,
}

enum Database {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

impl Store {
    /// Opens the SQLite file at `path`, making it if there is none, and brings its tables up to date.
    pub async fn sqlite(path: &Path) -> Result<Self, StoreError> {
        Self::migrated(Database::Sqlite(Sqlite::open(path, None)?)).await
    }

    /// [`Store::sqlite`] with a file of at most `max_pages` pages: what would exceed it fails as on a full disk.
    pub async fn sqlite_bounded(path: &Path, max_pages: u32) -> Result<Self, StoreError> {
        Self::migrated(Database::Sqlite(Sqlite::open(path, Some(max_pages))?)).await
    }

    /// Connects to PostgreSQL at `url` and brings its tables up to date.
    pub async fn postgres(url: &str) -> Result<Self, StoreError> {
        Self::migrated(Database::Postgres(Postgres::open(url)?)).await
    }

    async fn migrated(database: Database) -> Result<Self, StoreError> {
        let store = Self {
            database,
            kept_manifests: Mutex::default(),
        };
        migrations::run(&store).await?;
        Ok(store)
    }

    /// Whether other nodes may write to the same data.
    pub fn is_shared(&self) -> bool {
        matches!(self.database, Database::Postgres(_))
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.query("SELECT count(*) FROM migration", vec![])
            .await
            .map(drop)
    }

    async fn query(&self, sql: &str, params: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        match &self.database {
            Database::Sqlite(sqlite) => sqlite.query(sql, params).await,
            Database::Postgres(postgres) => postgres.query(sql, params).await,
        }
    }

    async fn commit_steps(&self, steps: Vec<Step>) -> Result<(), StoreError> {
        if steps.is_empty() {
            return Ok(());
        }
        match &self.database {
            Database::Sqlite(sqlite) => sqlite.commit(steps).await,
            Database::Postgres(postgres) => postgres.commit(steps).await,
        }
    }
}
