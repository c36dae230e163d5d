//! The one door to data: embedded SQLite, or PostgreSQL. Which of them it is, nobody outside this crate can tell.

mod arrivals;
mod audit;
mod catalogs;
mod census;
mod channels;
mod columns;
mod commands;
mod commit;
mod deliveries;
mod events;
mod fleet;
mod groups;
mod house;
mod inventory;
mod kept;
mod kinds;
mod leases;
mod memberships;
mod migrations;
mod objects;
mod postgres;
mod revisions;
mod rows;
mod sealed;
mod sightings;
mod sqlite;
mod together;
mod value;
mod wakes;
mod webhooks;
mod windows_sessions;

use std::path::Path;
use std::sync::Arc;

use ordain_model::ids::Digest;
use ordain_model::record::StatusRecord;
use quick_cache::sync::Cache;
use tokio::sync::watch;

pub use audit::{Actor, AuditRecord};
pub use catalogs::{CatalogRecord, NewCatalog};
pub use census::{CensusRow, Likeness};
pub use channels::{ChannelState, Versioned};
pub use commands::{Budget, CommandRecord, Counts, NewCommand, Reaching, Recipient};
pub use deliveries::{DeliveriesOf, DeliveryRecord};
pub use events::{Cursor, EventPage, InvalidCursor};
pub use fleet::{FleetRow, Migrated, Seen};
pub use house::{NewToken, TokenRecord, TokenRole};
pub use inventory::InventoryRecord;
pub use memberships::KnownDevice;
pub use objects::Blob;
pub use revisions::{Publication, RevisionSummary, Source, SourceFile};
pub use sealed::{
    SEALED_PLACES, SealedPlace, SealedValue, command_context, escrow_context, result_context,
    webhook_context, windows_session_context,
};
pub use sightings::Sighting;
pub use wakes::{Lane, Looked, Sleeper, WakeCounts};
pub use webhooks::{Progress, Webhook};
pub use windows_sessions::KeptSession;

use arrivals::Arrivals;
use futures_util::future::join;
use kept::Kept;
use postgres::Postgres;
use rows::Rows;
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
    database: Arc<Database>,
    rows: Rows,
    pub(crate) arrivals: Arrivals,
    /// What channels have reported, with the version of the row that was written with it.
    records: Cache<String, Record>,
    /// Manifests, capabilities and extracts that were stored, so that they are not sent again with every offer or report.
    /// Only extracts are ever deleted ([`Store::prune_known`]), and the record says what those said.
    pub(crate) kept_objects: Cache<Digest, ()>,
    /// The newest event that was looked for; whoever waits for events wakes with every change.
    event_news: watch::Sender<Cursor>,
}

/// Reports kept in memory: some ten KiB each.
const MOST_RECORDS: usize = 8_192;

/// Digests kept in memory.
const MOST_OBJECTS: usize = 32_768;

type Record = (i64, Arc<StatusRecord>);

enum Database {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

impl Database {
    /// Whether other nodes may write to it.
    fn is_shared(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    /// The era of what is read from now on: as long as it lasts, nobody but this process changes anything.
    async fn era(&self) -> Result<u64, StoreError> {
        match self {
            Self::Sqlite(_) => Ok(0),
            Self::Postgres(postgres) => postgres.era().await,
        }
    }

    /// Whether reading holds up the thread that reads.
    fn is_read_in_place(&self) -> bool {
        matches!(self, Self::Sqlite(_))
    }

    /// Reads where the caller runs: on SQLite it must be a thread that may be held up.
    async fn query_in_place(&self, sql: &str, params: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.query_here(sql, &params),
            Self::Postgres(postgres) => postgres.query(sql, params).await,
        }
    }

    async fn query(&self, sql: &str, params: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.query(sql, params).await,
            // Three KiB, by which each request would be larger: most find in memory what they ask for.
            Self::Postgres(postgres) => Box::pin(postgres.query(sql, params)).await,
        }
    }
}

impl Store {
    /// Opens the SQLite file at `path`, making it if there is none, and brings its tables up to date. Nobody else may
    /// write to it as long as this lives.
    pub async fn sqlite(path: &Path) -> Result<Self, StoreError> {
        Self::open_sqlite(path, None).await
    }

    /// [`Store::sqlite`] with a file of at most `max_pages` pages: what would exceed it fails as on a full disk.
    pub async fn sqlite_bounded(path: &Path, max_pages: u32) -> Result<Self, StoreError> {
        Self::open_sqlite(path, Some(max_pages)).await
    }

    async fn open_sqlite(path: &Path, max_pages: Option<u32>) -> Result<Self, StoreError> {
        let kept = Arc::new(Kept::new());
        let database = Database::Sqlite(Sqlite::open(path, max_pages, kept.clone())?);
        Self::migrated(database, kept).await
    }

    /// Connects to PostgreSQL at `url` and brings its tables up to date.
    pub async fn postgres(url: &str) -> Result<Self, StoreError> {
        let kept = Arc::new(Kept::new());
        let database = Database::Postgres(Postgres::open(url, &kept)?);
        Self::migrated(database, kept).await
    }

    async fn migrated(database: Database, kept: Arc<Kept>) -> Result<Self, StoreError> {
        let database = Arc::new(database);
        let (rows, reading) = Rows::new(&database, kept);
        let (arrivals, looking) = Arrivals::new(&database);
        let serving = async {
            join(reading, looking).await;
        };
        let runtime = tokio::runtime::Handle::current();
        if database.is_read_in_place() {
            // A read takes less time than to hand it to another thread, so these have a thread of their own.
            let thread = std::thread::Builder::new().name("sqlite-reads".into());
            thread
                .spawn(move || runtime.block_on(serving))
                .map_err(|_| together::gone())?;
        } else {
            runtime.spawn(serving);
        }
        let store = Self {
            rows,
            arrivals,
            records: Cache::new(MOST_RECORDS),
            database,
            kept_objects: Cache::new(MOST_OBJECTS),
            event_news: watch::Sender::new(Cursor::BEGINNING),
        };
        migrations::run(&store).await?;
        store.rebase_events().await?;
        Ok(store)
    }

    /// Whether other nodes may write to the same data.
    pub fn is_shared(&self) -> bool {
        self.database.is_shared()
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.query("SELECT count(*) FROM migration", vec![])
            .await
            .map(drop)
    }

    async fn query(&self, sql: &str, params: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        self.database.query(sql, params).await
    }

    async fn commit_steps(&self, steps: Vec<Step>) -> Result<(), StoreError> {
        if steps.is_empty() {
            return Ok(());
        }
        debug_assert!(steps.iter().all(Step::is_told), "{steps:?}");
        match &*self.database {
            Database::Sqlite(sqlite) => sqlite.commit(steps).await,
            Database::Postgres(postgres) => postgres.commit(steps).await,
        }
    }
}
