//! Events: written with the decisions that they tell of, read by cursors that skip none, and kept for a while.

use std::fmt;
use std::str::FromStr;

use ordain_model::event::{Event, EventKind};
use tokio::sync::watch;

use crate::value::Row;
use crate::{Database, Step, Store, StoreError};

/// A place between two events: whoever has read up to it goes on from it. Its text form is opaque to readers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    /// Events are in the order of their transactions, which is 0 for all where there is one writer,
    pub(crate) tx: i64,
    /// and in one transaction of their numbers.
    pub(crate) id: i64,
}

impl Cursor {
    /// Before whatever is kept, whether or not there was anything before it. Its text is `0`.
    pub const BEGINNING: Self = Self { tx: i64::MIN, id: 0 };
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::BEGINNING => f.write_str("0"),
            Self { tx, id } => write!(f, "{tx}-{id}"),
        }
    }
}

/// The text is no cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor: give one as it was received, or 0 for the oldest event that is kept")]
pub struct InvalidCursor;

impl FromStr for Cursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        if text == "0" {
            return Ok(Self::BEGINNING);
        }
        let (tx, id) = text.rsplit_once('-').ok_or(InvalidCursor)?;
        let number = |text: &str| text.parse::<i64>().map_err(|_| InvalidCursor);
        let (tx, id) = (number(tx)?, number(id)?);
        // One way to write each.
        let cursor = Self { tx, id };
        if cursor.to_string() == text {
            Ok(cursor)
        } else {
            Err(InvalidCursor)
        }
    }
}

/// A stretch of events.
#[derive(Debug, Clone, PartialEq)]
pub struct EventPage {
    /// Those after the cursor, the oldest first, each with the cursor after it.
    pub events: Vec<(Cursor, Event)>,
    /// Where to go on.
    pub next: Cursor,
    /// Some that came after the cursor are kept no more, or it is of another database than this one: what is missing
    /// cannot be told.
    pub gap: bool,
}

impl Store {
    /// At most `limit` events after `after`.
    pub async fn events(&self, after: Cursor, limit: u32) -> Result<EventPage, StoreError> {
        const COLUMNS: &str = "tx, id, at, kind, enrollment, detail";
        // Each half by itself goes along the index and ends: SQLite does not for a comparison of pairs, nor PostgreSQL for both
        // halves at once.
        let sql = format!(
            "SELECT {COLUMNS} FROM (SELECT {COLUMNS} FROM settled_event \
             WHERE tx = $1 AND id > $2 ORDER BY tx, id LIMIT $3) AS rest \
             UNION ALL SELECT {COLUMNS} FROM (SELECT {COLUMNS} FROM settled_event \
             WHERE tx > $1 ORDER BY tx, id LIMIT $3) AS later ORDER BY tx, id LIMIT $3"
        );
        let read = async |after: Cursor| {
            let params = vec![after.tx.into(), after.id.into(), i64::from(limit).into()];
            let rows = self.query(&sql, params).await?;
            rows.iter().map(event).collect::<Result<Vec<_>, StoreError>>()
        };
        let mut events = read(after).await?;
        // Read after the events: what was deleted in between was then read, and not the other way round.
        let horizon = self.horizon().await?;
        let is_foreign = after != Cursor::BEGINNING
            && events.is_empty()
            && after > horizon
            && after > self.newest_event().await?;
        if is_foreign {
            events = read(Cursor::BEGINNING).await?;
        }
        let start = if is_foreign { horizon } else { after.max(horizon) };
        Ok(EventPage {
            next: events.last().map_or(start, |(cursor, _)| *cursor),
            gap: is_foreign || (after != Cursor::BEGINNING && after < horizon),
            events,
        })
    }

    /// The cursor after the newest event: what comes from now on comes after it.
    pub async fn newest_event(&self) -> Result<Cursor, StoreError> {
        let sql = "SELECT tx, id FROM settled_event ORDER BY tx DESC, id DESC LIMIT 1";
        match self.query(sql, vec![]).await?.first() {
            Some(row) => cursor(row),
            None => self.horizon().await,
        }
    }

    async fn horizon(&self) -> Result<Cursor, StoreError> {
        let rows = self.query("SELECT tx, id FROM event_horizon", vec![]).await?;
        let row = rows
            .first()
            .ok_or_else(|| StoreError::Corrupt("no event horizon".into()))?;
        cursor(row)
    }

    /// Deletes events from before `until` (unix seconds), at most `limit` of them, the oldest first; how many.
    pub async fn prune_events(&self, until: i64, limit: u32) -> Result<usize, StoreError> {
        let page = self.events(Cursor::BEGINNING, limit).await?;
        let is_old = |(_, event): &(Cursor, Event)| event.at < until;
        // Clocks differ a little: whatever comes before an old one is old.
        let Some(last) = page.events.iter().rposition(is_old) else {
            return Ok(0);
        };
        let Some((Cursor { tx, id }, _)) = page.events.get(last) else {
            return Ok(0);
        };
        let at = || vec![(*tx).into(), (*id).into()];
        self.commit_steps(vec![
            Step::new(
                "UPDATE event_horizon SET tx = $1, id = $2 WHERE tx < $1 OR (tx = $1 AND id < $2)",
                at(),
            ),
            Step::new("DELETE FROM event WHERE tx < $1", vec![(*tx).into()]),
            Step::new("DELETE FROM event WHERE tx = $1 AND id <= $2", at()),
        ])
        .await?;
        Ok(last + 1)
    }

    /// A dump that is restored elsewhere brings transactions along that are yet to come there: what is new would be put
    /// before what is old. So the old ones are put before the first, in the order that they have.
    pub(crate) async fn rebase_events(&self) -> Result<(), StoreError> {
        const FOREIGN: &str = "SELECT max(tx) AS tx FROM (SELECT max(tx) AS tx FROM event \
                               UNION ALL SELECT tx FROM event_horizon UNION ALL SELECT after_tx FROM webhook) AS known \
                               HAVING max(tx) >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint";
        let Database::Postgres(postgres) = &*self.database else {
            return Ok(());
        };
        if self.query(FOREIGN, vec![]).await?.is_empty() {
            return Ok(());
        }
        // Another node may be at it: once the lock is ours, it is looked at again.
        let script = format!(
            "LOCK TABLE event, event_horizon, webhook IN SHARE ROW EXCLUSIVE MODE; \
             WITH newest AS ({FOREIGN}), \
             events AS (UPDATE event SET tx = event.tx - newest.tx FROM newest), \
             horizon AS (UPDATE event_horizon SET tx = event_horizon.tx - newest.tx FROM newest) \
             UPDATE webhook SET after_tx = after_tx - newest.tx FROM newest;"
        );
        postgres.execute_script(&script).await
    }

    /// Changes whenever there may be new events.
    pub fn event_news(&self) -> watch::Receiver<Cursor> {
        self.event_news.subscribe()
    }

    /// Looks whether other nodes have written events, or whether some have settled, if anybody wants to know.
    pub async fn look_for_events(&self) -> Result<(), StoreError> {
        if self.is_shared() && self.event_news.receiver_count() > 0 {
            let newest = self.newest_event().await?;
            self.event_news
                .send_if_modified(|known| std::mem::replace(known, newest) != newest);
        }
        Ok(())
    }
}

pub(crate) fn write_event(event: &Event) -> Step {
    let values = vec![
        event.enrollment.to_string().into(),
        event.at.into(),
        event.kind.word().into(),
        event.detail.to_string().into(),
    ];
    Step::new(
        "INSERT INTO event (enrollment, at, kind, detail) VALUES ($1, $2, $3, $4)",
        values,
    )
    .keyed()
}

fn cursor(row: &Row) -> Result<Cursor, StoreError> {
    Ok(Cursor {
        tx: row.integer(0)?,
        id: row.integer(1)?,
    })
}

fn event(row: &Row) -> Result<(Cursor, Event), StoreError> {
    let event = Event {
        at: row.integer(2)?,
        kind: row.parse::<EventKind>(3)?,
        enrollment: row.parse(4)?,
        detail: row.json(5)?,
    };
    Ok((cursor(row)?, event))
}
