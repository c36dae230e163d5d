//! What tests stand on: a throw-away PostgreSQL, and fresh stores of both kinds. Never part of the program.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "this is test code: what does not work here fails the test, aloud"
)]

mod postgres;

use std::path::PathBuf;

use ordain_store::{Store, StoreError};
use tempfile::TempDir;

pub use postgres::{Postgres, connect, postgres_url};

/// A database of one test's own, empty until a store is opened on it. It goes when this does.
pub enum Database {
    /// A file in a directory of its own.
    Sqlite(TempDir),
    /// A database on the PostgreSQL of this test process, by its URL.
    Postgres(String),
}

impl Database {
    /// A SQLite file.
    pub fn sqlite() -> Self {
        Self::Sqlite(TempDir::new().expect("a temporary directory"))
    }

    /// A database on PostgreSQL; `None` when this machine has none.
    pub async fn postgres() -> Option<Self> {
        postgres_url().await.map(Self::Postgres)
    }

    /// What messages call it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "SQLite",
            Self::Postgres(_) => "PostgreSQL",
        }
    }

    /// The file of a SQLite database.
    pub fn path(&self) -> Option<PathBuf> {
        match self {
            Self::Sqlite(dir) => Some(dir.path().join("ordain.db")),
            Self::Postgres(_) => None,
        }
    }

    /// A store on it: another one each time, as nodes have, and as a restart makes.
    pub async fn open(&self) -> Result<Store, StoreError> {
        match self {
            Self::Sqlite(dir) => Store::sqlite(&dir.path().join("ordain.db")).await,
            Self::Postgres(url) => Store::postgres(url).await,
        }
    }
}

/// A fresh database of each kind that this machine has, to run one test on all of them.
pub async fn databases() -> Vec<Database> {
    [Some(Database::sqlite()), Database::postgres().await]
        .into_iter()
        .flatten()
        .collect()
}
