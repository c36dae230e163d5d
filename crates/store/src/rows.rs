//! The rows of channels as requests read them. What memory has is believed when it can be; on PostgreSQL many requests
//! ask together, once they are all there, whether it can. The others share statements, too, and a row that is kept in
//! memory is neither sent nor parsed again unless it has changed.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use ordain_model::enrollment::Enrollment;
use tokio::sync::{mpsc, oneshot};

use crate::channels::Versioned;
use crate::groups::{Sizes, in_groups};
use crate::kept::{Found, Kept, Moment};
use crate::value::{Row, Value};
use crate::{Database, StoreError};

/// Reads that share one statement at most.
const MOST_TOGETHER: usize = 128;
const SIZES: Sizes = Sizes {
    most: MOST_TOGETHER,
    enough: 16,
    under_way: 3,
};
/// The numbers of rows that one statement asks for: few, so that each is prepared once. The places that are left over
/// in one repeat the last row.
const PLACES: [usize; 4] = [2, 8, 32, MOST_TOGETHER];
/// Reads that may wait; who comes then waits to wait.
const MOST_WAITING: usize = 4_096;

/// A row, since when what memory has of it may be believed, and who waits for it.
struct Ask {
    id: String,
    moment: Moment,
    reply: oneshot::Sender<Result<Option<Found>, StoreError>>,
}

impl Ask {
    fn answer(self, answer: Result<Option<Found>, StoreError>) {
        // Whoever asked may have left.
        let _ = self.reply.send(answer);
    }
}

/// Reads channels by their identifiers.
pub(crate) struct Rows {
    kept: Arc<Kept>,
    is_shared: bool,
    asks: mpsc::Sender<Ask>,
}

impl Rows {
    /// Reads from `database` for as long as that lives, and keeps what was read in `kept`.
    pub(crate) fn new(database: &Arc<Database>, kept: Arc<Kept>) -> Result<Self, StoreError> {
        let (asks, asked) = mpsc::channel(MOST_WAITING);
        let serving = in_groups(asked, SIZES, {
            let (database, kept) = (Arc::downgrade(database), kept.clone());
            move |group| answer(database.clone(), kept.clone(), group)
        });
        let runtime = tokio::runtime::Handle::current();
        if database.is_read_in_place() {
            // A read takes less time than to hand it to another thread, so this one has a thread of its own.
            let thread = std::thread::Builder::new().name("sqlite-rows".into());
            thread
                .spawn(move || runtime.block_on(serving))
                .map_err(|_| gone())?;
        } else {
            runtime.spawn(serving);
        }
        Ok(Self {
            kept,
            is_shared: database.is_shared(),
            asks,
        })
    }

    /// The channel of `id`.
    pub(crate) async fn get(&self, id: String) -> Result<Option<Found>, StoreError> {
        let moment = self.kept.moment(&id);
        if !self.is_shared
            && let Some(found) = self.kept.believed(&id, moment)
        {
            return Ok(Some(found));
        }
        let (reply, answer) = oneshot::channel();
        let ask = Ask { id, moment, reply };
        self.asks.send(ask).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

/// Answers from memory what may be believed now that all of `group` have asked, and reads the rest.
async fn answer(database: Weak<Database>, kept: Arc<Kept>, group: Vec<Ask>) {
    let Some(database) = database.upgrade() else {
        return;
    };
    let mut rest = Vec::new();
    match database.era().await {
        Ok(era) => {
            for mut ask in group {
                ask.moment.era = era;
                match kept.believed(&ask.id, ask.moment) {
                    Some(found) => ask.answer(Ok(Some(found))),
                    None => rest.push(ask),
                }
            }
        }
        Err(error) => {
            for ask in group {
                ask.answer(Err(error.clone()));
            }
        }
    }
    let ids: Vec<&str> = rest.iter().map(|ask| ask.id.as_str()).collect();
    let found = read(&database, &kept, &ids).await;
    drop(database);
    for ask in rest {
        let answer = found.as_ref().map(|found| found.get(&ask.id).cloned());
        if let Ok(Some(found)) = &answer {
            kept.keep(ask.id.clone(), found.clone(), ask.moment);
        }
        ask.answer(answer.map_err(Clone::clone));
    }
}

async fn read(database: &Database, kept: &Kept, ids: &[&str]) -> Result<HashMap<String, Found>, StoreError> {
    let sql = "SELECT id, version, stamp, \
               (SELECT MAX(number) FROM delivery WHERE enrollment = e.id AND is_open = 1) FROM enrollment e";
    let mut found = HashMap::new();
    let mut changed = Vec::new();
    let mut queues = HashMap::new();
    for row in rows_of(database, sql, ids).await? {
        let (id, version, stamp) = (row.text(0)?, row.integer(1)?, row.integer(2)?);
        let queued = row.optional_integer(3)?;
        let known = kept.row(id);
        match known.filter(|known| known.version == version && known.value.stamp == stamp) {
            Some(row) => drop(found.insert(id.to_owned(), Found { row, queued })),
            None => {
                changed.push(id.to_owned());
                queues.insert(id.to_owned(), queued);
            }
        }
    }
    let changed: Vec<&str> = changed.iter().map(String::as_str).collect();
    let sql = "SELECT id, version, stamp, state FROM enrollment e";
    for row in rows_of(database, sql, &changed).await? {
        let id = row.text(0)?.to_owned();
        let row = Arc::new(versioned(&row)?);
        let queued = queues.get(&id).copied().flatten();
        found.insert(id, Found { row, queued });
    }
    Ok(found)
}

/// A row of `id, version, stamp, state`.
fn versioned(row: &Row) -> Result<Versioned<Enrollment>, StoreError> {
    Ok(Versioned {
        version: row.integer(1)?,
        value: Enrollment {
            stamp: row.integer(2)?,
            ..row.json(3)?
        },
    })
}

/// The rows of `sql` that have one of `ids`, at most [`MOST_TOGETHER`].
async fn rows_of(database: &Database, sql: &str, ids: &[&str]) -> Result<Vec<Row>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let size = PLACES.into_iter().find(|size| *size >= ids.len());
    let size = size.unwrap_or(MOST_TOGETHER);
    let places: Vec<String> = (1..=size).map(|place| format!("${place}")).collect();
    let last = ids.last().copied().unwrap_or_default();
    let ids = ids.iter().copied().chain(std::iter::repeat(last));
    let sql = format!("{sql} WHERE id IN ({})", places.join(", "));
    database
        .query_in_place(&sql, ids.take(size).map(Value::from).collect())
        .await
}

fn gone() -> StoreError {
    StoreError::Unavailable("nobody reads from the database any more".into())
}
