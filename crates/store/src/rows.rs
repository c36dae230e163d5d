//! The rows of channels as requests read them. What memory has is believed when it can be; on PostgreSQL many requests
//! ask together, once they are all there, whether it can. The others share statements, too, and a row that is kept in
//! memory is neither sent nor parsed again unless it has changed.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use crate::channels::Versioned;
use crate::kept::{Found, Kept, Moment};
use crate::together::{Ask, Together, answer_all, rows_of};
use crate::value::Row;
use crate::{Database, StoreError};
use ordain_model::enrollment::Enrollment;

/// A row, and since when what memory has of it may be believed.
struct Wanted {
    id: String,
    moment: Moment,
}

type Asks = Vec<Ask<Wanted, Option<Found>>>;

/// Reads channels by their identifiers.
pub(crate) struct Rows {
    kept: Arc<Kept>,
    is_shared: bool,
    together: Together<Wanted, Option<Found>>,
}

impl Rows {
    /// Reads from `database` for as long as that lives, and keeps what was read in `kept`: whom to ask, and what answers.
    pub(crate) fn new(database: &Arc<Database>, kept: Arc<Kept>) -> (Self, impl Future<Output = ()> + use<>) {
        let (together, serving) = Together::new({
            let (database, kept) = (Arc::downgrade(database), kept.clone());
            move |asks| answer(database.clone(), kept.clone(), asks)
        });
        let rows = Self {
            kept,
            is_shared: database.is_shared(),
            together,
        };
        (rows, serving)
    }

    /// The channel of `id`.
    pub(crate) async fn get(&self, id: String) -> Result<Option<Found>, StoreError> {
        let moment = self.kept.moment(&id);
        if !self.is_shared
            && let Some(found) = self.kept.believed(&id, moment)
        {
            return Ok(found);
        }
        self.together.ask(Wanted { id, moment }).await
    }
}

/// Answers from memory what may be believed now that all of `group` have asked, and reads the rest.
async fn answer(database: Weak<Database>, kept: Arc<Kept>, asks: Asks) {
    let Some(database) = database.upgrade() else {
        return;
    };
    let mut rest = Vec::new();
    let era = database.era().await;
    for mut ask in asks {
        let wanted = &mut ask.question;
        match &era {
            Ok(era) => {
                wanted.moment.era = *era;
                match kept.believed(&wanted.id, wanted.moment) {
                    Some(found) => ask.answer(Ok(found)),
                    None => rest.push(ask),
                }
            }
            Err(error) => ask.answer(Err(error.clone())),
        }
    }
    let ids: Vec<&str> = rest.iter().map(|ask| ask.question.id.as_str()).collect();
    let found = read(&database, &kept, &ids).await;
    drop(database);
    answer_all(rest, found, |found, wanted| {
        let found = found.get(&wanted.id).cloned();
        kept.keep(wanted.id.clone(), found.clone(), wanted.moment);
        Ok(found)
    });
}

async fn read(database: &Database, kept: &Kept, ids: &[&str]) -> Result<HashMap<String, Found>, StoreError> {
    let sql = "SELECT id, version, stamp, \
               (SELECT MAX(number) FROM delivery WHERE enrollment = e.id AND is_open = 1) FROM enrollment e";
    let mut found = HashMap::new();
    let mut changed = Vec::new();
    let mut queues = HashMap::new();
    for row in rows_of(database, sql, "id", ids.iter().copied()).await? {
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
    let sql = "SELECT id, version, stamp, state FROM enrollment e";
    for row in rows_of(database, sql, "id", changed.iter().map(String::as_str)).await? {
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
