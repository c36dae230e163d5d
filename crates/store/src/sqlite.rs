//! Embedded SQLite: one writer thread with group commit, readers beside it.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags, ToSql, TransactionBehavior, params_from_iter};
use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::StoreError;
use crate::kept::Kept;
use crate::value::{Row, Step, Value};

/// How many transactions are committed together at most: enough to share one fsync, few enough that nobody waits.
const MOST_IN_A_GROUP: usize = 256;
/// Connections that read. SQLite reads are short and there are few cores to run them on.
const READERS: usize = 4;

/// What the writer keeps of the file. Indices go by random identifiers, so any page may be the next: much helps. But SQLite
/// uses the number of the page at 1 GiB while it sorts others, and as long as the file is shorter, it looks through all
/// that it keeps for such pages at the end of a transaction.
const WRITER_CACHE_KIB: i64 = 4 << 10;
const LARGE_FILE: u64 = 1 << 30;
const LARGE_WRITER_CACHE_KIB: i64 = 64 << 10;
/// The pages of 4 KiB after which the journal is written back: many, so that a page that is written often is written
/// back once.
const CHECKPOINT_PAGES: i64 = 8_192;

/// A transaction, and who waits for its outcome.
type Job = (Vec<Step>, oneshot::Sender<Result<(), StoreError>>);

/// The database file and those who work on it.
pub(crate) struct Sqlite {
    /// Both are there until the end, when the one is dropped and the other waited for.
    writer: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
    readers: Arc<Mutex<Vec<Connection>>>,
    permits: Arc<Semaphore>,
    /// For those who read on a thread of their own.
    here: Mutex<Option<Connection>>,
}

impl Sqlite {
    /// Opens or makes the file. `max_pages` bounds its size: what would exceed it fails as on a full disk. What is
    /// written is told to `kept`.
    pub(crate) fn open(path: &Path, max_pages: Option<u32>, kept: Arc<Kept>) -> Result<Self, StoreError> {
        reserve(path).map_err(|error| StoreError::Unavailable(format!("{}: {error}", path.display())))?;
        let writer = connect(path, false)?;
        if let Some(pages) = max_pages {
            writer.pragma_update(None, "max_page_count", pages)?;
        }
        let readers = (0..READERS)
            .map(|_| connect(path, true))
            .collect::<Result<Vec<_>, _>>()?;
        // A bounded queue makes callers wait rather than memory grow.
        let (sender, mut jobs) = mpsc::channel(4 * MOST_IN_A_GROUP);
        let thread = std::thread::Builder::new()
            .name("sqlite-writer".into())
            .spawn(move || write_all(writer, &mut jobs, &kept))
            .map_err(|error| StoreError::Unavailable(format!("{}: {error}", path.display())))?;
        Ok(Self {
            writer: Some(sender),
            thread: Some(thread),
            readers: Arc::new(Mutex::new(readers)),
            permits: Arc::new(Semaphore::new(READERS)),
            here: Mutex::new(Some(connect(path, true)?)),
        })
    }

    /// Reads on the calling thread, which may be held up for as long as that takes.
    pub(crate) fn query_here(&self, sql: &str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
        let reader = lock(&self.here);
        read(reader.as_ref().ok_or_else(gone)?, &positional(sql), params)
    }

    pub(crate) async fn query(&self, sql: &str, params: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        let permit = self.permits.clone().acquire_owned().await.map_err(|_| gone())?;
        let (readers, sql) = (self.readers.clone(), positional(sql));
        let work = move || {
            let _permit = permit;
            let reader = lock(&readers).pop().ok_or_else(gone)?;
            let answer = read(&reader, &sql, &params);
            lock(&readers).push(reader);
            answer
        };
        tokio::task::spawn_blocking(work).await.map_err(|_| gone())?
    }

    pub(crate) async fn commit(&self, steps: Vec<Step>) -> Result<(), StoreError> {
        let (reply, outcome) = oneshot::channel();
        let writer = self.writer.as_ref().ok_or_else(gone)?;
        writer.send((steps, reply)).await.map_err(|_| gone())?;
        outcome.await.map_err(|_| gone())?
    }
}

impl Drop for Sqlite {
    /// What was handed in is written, and the file is left without a journal, before the store is gone.
    fn drop(&mut self) {
        lock(&self.readers).clear();
        lock(&self.here).take();
        drop(self.writer.take());
        // A writer that has panicked has said so to those who waited.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn lock<T>(held: &Mutex<T>) -> MutexGuard<'_, T> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes the file, so that it is its owner's only; SQLite makes the journals alike.
fn reserve(path: &Path) -> std::io::Result<()> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
        .map(drop)
}

fn connect(path: &Path, read_only: bool) -> Result<Connection, StoreError> {
    let access = if read_only {
        OpenFlags::SQLITE_OPEN_READ_ONLY
    } else {
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE
    };
    let connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(std::time::Duration::from_secs(10))?;
    connection.set_prepared_statement_cache_capacity(128);
    // Plans go by statements, not by values: or SQLite makes some anew each time.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    if !read_only {
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
        connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    }
    Ok(connection)
}

/// Takes what waits, commits it as one transaction, and only then tells those who wait.
fn write_all(mut connection: Connection, jobs: &mut mpsc::Receiver<Job>, kept: &Kept) {
    let (mut group, mut is_large) = (Vec::new(), false);
    while jobs.blocking_recv_many(&mut group, MOST_IN_A_GROUP) > 0 {
        if !is_large && is_large_file(&connection) {
            is_large = connection
                .pragma_update(None, "cache_size", -LARGE_WRITER_CACHE_KIB)
                .is_ok();
        }
        let (steps, replies): (Vec<_>, Vec<_>) = group.drain(..).unzip();
        for steps in &steps {
            kept.touching(steps);
        }
        let outcomes = write_group(&mut connection, &steps).unwrap_or_else(|error| {
            tracing::error!(%error, "a transaction was not committed");
            // The journal may be what cannot grow: what is in it is written back, so that it begins anew.
            if let Err(error) = connection.execute_batch("PRAGMA wal_checkpoint(RESTART)") {
                tracing::error!(%error, "nor was the journal written back");
            }
            steps.iter().map(|_| Err(error.clone())).collect()
        });
        for (steps, outcome) in steps.iter().zip(&outcomes) {
            kept.touched(steps, outcome.is_ok());
        }
        for (reply, outcome) in replies.into_iter().zip(outcomes) {
            // Whoever asked may have left.
            let _ = reply.send(outcome);
        }
    }
}

fn is_large_file(connection: &Connection) -> bool {
    let file = connection.path().map(std::fs::metadata);
    file.is_some_and(|file| file.is_ok_and(|file| file.len() >= LARGE_FILE))
}

/// Writes each job, or nothing of it: one that is lost harms no other.
fn write_group(
    connection: &mut Connection,
    group: &[Vec<Step>],
) -> Result<Vec<Result<(), StoreError>>, StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if group
        .iter()
        .flatten()
        .all(|step| write(&transaction, step).is_ok())
    {
        transaction.commit()?;
        return Ok(vec![Ok(()); group.len()]);
    }
    drop(transaction);
    write_apart(connection, group)
}

/// The same, each job with a savepoint, for which SQLite keeps a copy of every page that the job changes.
fn write_apart(
    connection: &mut Connection,
    group: &[Vec<Step>],
) -> Result<Vec<Result<(), StoreError>>, StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut outcomes = Vec::with_capacity(group.len());
    for steps in group {
        let point = |sql: &str| transaction.prepare_cached(sql)?.execute(());
        point("SAVEPOINT job")?;
        let outcome = steps.iter().try_for_each(|step| write(&transaction, step));
        if outcome.is_err() {
            // Some errors, a full disk among them, can end the whole transaction; a savepoint would begin another.
            if transaction.is_autocommit() {
                return Err(StoreError::Unavailable("SQLite gave the transaction up".into()));
            }
            point("ROLLBACK TO job")?;
        }
        point("RELEASE job")?;
        outcomes.push(outcome);
    }
    transaction.commit()?;
    Ok(outcomes)
}

fn write(connection: &Connection, step: &Step) -> Result<(), StoreError> {
    if step.params.is_empty() {
        return Ok(connection.execute_batch(&step.sql)?);
    }
    let mut statement = connection.prepare_cached(&positional(&step.sql))?;
    let written = statement.execute(params_from_iter(&step.params))?;
    match step.rows {
        Some(rows) if rows != written as u64 => Err(StoreError::Conflict),
        _ => Ok(()),
    }
}

fn read(connection: &Connection, sql: &str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let columns = statement.column_count();
    let mut rows = statement.query(params_from_iter(params))?;
    let mut answer = Vec::new();
    while let Some(row) = rows.next()? {
        let values = (0..columns).map(|column| {
            Ok(match row.get_ref(column)? {
                ValueRef::Null => Value::Null,
                ValueRef::Integer(value) => Value::Integer(value),
                ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
                ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
                ValueRef::Real(_) => return Err(StoreError::Corrupt("a real number in the database".into())),
            })
        });
        answer.push(Row(values.collect::<Result<_, StoreError>>()?));
    }
    Ok(answer)
}

/// `$1` as `?1`: SQLite reads `$1` as a name. A dollar sign appears nowhere else in our SQL.
fn positional(sql: &str) -> String {
    sql.replace('$', "?")
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(value) => ValueRef::Integer(*value),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::ConstraintViolation) => Self::Conflict,
            _ => Self::Unavailable(error.to_string()),
        }
    }
}

fn gone() -> StoreError {
    StoreError::Unavailable("the database thread has ended".into())
}
