//! The tables: forward only, one folder of numbered files for each database, run by the server itself.

use crate::{Database, Step, Store, StoreError};

const SQLITE: &[&str] = &[include_str!("../migrations/sqlite/0001_initial.sql")];
const POSTGRES: &[&str] = &[include_str!("../migrations/postgres/0001_initial.sql")];

/// Brings the tables up to date. A database of a newer Ordain is refused: an older one would not know what it holds.
pub(crate) async fn run(store: &Store) -> Result<(), StoreError> {
    let integer = if store.is_shared() { "BIGINT" } else { "INTEGER" };
    let own = format!("CREATE TABLE IF NOT EXISTS migration (number {integer} PRIMARY KEY)");
    match store.commit_steps(vec![Step::new(own, vec![])]).await {
        // Two nodes that start together on PostgreSQL can both try; the loser finds the table there.
        Ok(()) | Err(StoreError::Conflict) => {}
        Err(error) => return Err(error),
    }
    let scripts = match *store.database {
        Database::Sqlite(_) => SQLITE,
        Database::Postgres(_) => POSTGRES,
    };
    let done = done(store).await?;
    if done > scripts.len() {
        return Err(StoreError::Unavailable(format!(
            "it is of a newer Ordain (its tables are at {done}, this program knows {}); use that one",
            scripts.len()
        )));
    }
    for (number, script) in scripts.iter().enumerate().skip(done) {
        match migrate(store, number + 1, script).await {
            // Another node is at it, and ours was rolled back: all that counts is that it is done.
            Err(_) if self::done(store).await? > number => {}
            outcome => outcome?,
        }
    }
    Ok(())
}

async fn done(store: &Store) -> Result<usize, StoreError> {
    let rows = store.query("SELECT max(number) FROM migration", vec![]).await?;
    let newest = rows.first().map_or(Ok(None), |row| row.optional_integer(0))?;
    Ok(usize::try_from(newest.unwrap_or(0)).unwrap_or(usize::MAX))
}

async fn migrate(store: &Store, number: usize, script: &'static str) -> Result<(), StoreError> {
    // One script, one transaction: half a migration cannot be.
    let script = format!("{script}\nINSERT INTO migration (number) VALUES ({number});");
    match &*store.database {
        Database::Sqlite(sqlite) => sqlite.commit(vec![Step::new(script, vec![])]).await,
        Database::Postgres(postgres) => postgres.execute_script(&script).await,
    }
}
