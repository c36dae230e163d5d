//! Whether anybody but this process has committed anything.
//!
//! PostgreSQL numbers every transaction that writes, whoever's it is, and a snapshot tells which of them had ended when
//! it was taken. So when all that ended between two snapshots were our own, nothing that others did can be seen at the
//! second one which was not there to see at the first: the *era* in which rows may be believed goes on. Otherwise a new
//! one begins. Whatever ends is told by the server itself: no way of writing can be forgotten, be it that of another
//! node, of a migration, or of a person with a prompt. What also takes numbers, such as other databases of the same
//! server, costs eras and nothing else.
//!
//! - A read is right if it shows what was committed before it began: its snapshot is taken after that, and what can be
//!   seen in the snapshot of a statement can be seen in each later one of the same server.
//! - A transaction is our own once its number is noted, before its `COMMIT` is sent and after all that it may touch was
//!   opened (`kept.rs`), until it is known how it ended. One of which nobody knows that (the connection broke, or nothing
//!   came for too long) is struck off before what it may have touched is closed: if it is committed yet, or was, it
//!   counts as another's, or was seen while what it touches was open.
//! - Snapshots are compared within one connection, and thus within one run of one server: one that was promoted, or
//!   restored, may lack what was committed on the one before.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use deadpool_postgres::{Object, Pool};
use tokio_postgres::SimpleQueryMessage;

use super::{client, within_patience};
use crate::StoreError;

/// Begins a transaction, and asks for its number.
pub(super) const BEGIN: &str = "BEGIN; SELECT pg_current_xact_id()";
/// Our own that are remembered until they are seen to have ended: many more than are under way, for nobody may be
/// looking.
const MOST_OWN: usize = 1_024;

/// All others who write to the database.
#[derive(Default)]
pub(super) struct Others {
    own: Mutex<BTreeSet<u64>>,
    asking: tokio::sync::Mutex<Asking>,
}

/// One at a time asks.
#[derive(Default)]
struct Asking {
    connection: Option<Object>,
    /// As it was last, on that connection.
    last: Option<Snapshot>,
    era: u64,
}

impl Others {
    /// The transaction that has begun with the answer to [`BEGIN`] is our own.
    pub(super) fn own(&self, begun: &[SimpleQueryMessage]) -> Own<'_> {
        let number = begun.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0)?.parse().ok(),
            _ => None,
        });
        let mut own = self.noted();
        if own.len() >= MOST_OWN {
            own.clear();
        }
        own.extend(number);
        Own { others: self, number }
    }

    /// The era of what is read from now on.
    pub(super) async fn era(&self, pool: &Pool) -> Result<u64, StoreError> {
        let mut asking = self.asking.lock().await;
        let held = asking.connection.take().filter(|held| !held.is_closed());
        let connection = match held {
            Some(held) => held,
            None => {
                asking.last = None;
                client(pool).await?
            }
        };
        let now = match within_patience(snapshot(&connection)).await {
            Ok(Ok(now)) => now,
            Ok(Err(error)) | Err(error) => {
                drop(Object::take(connection));
                return Err(error);
            }
        };
        let goes_on = match &asking.last {
            Some(last) => now.adds_only(&mut self.noted(), last),
            None => false,
        };
        asking.era += u64::from(!goes_on);
        asking.last = Some(now);
        asking.connection = Some(connection);
        Ok(asking.era)
    }

    fn noted(&self) -> MutexGuard<'_, BTreeSet<u64>> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A transaction of our own. Unless it is [known](Own::ended) how it ended, it counts as another's from when this goes.
#[must_use]
pub(super) struct Own<'a> {
    others: &'a Others,
    number: Option<u64>,
}

impl Own<'_> {
    /// It is known whether it was committed.
    pub(super) fn ended(mut self) {
        self.number = None;
    }
}

impl Drop for Own<'_> {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.others.noted().remove(&number);
        }
    }
}

async fn snapshot(connection: &Object) -> Result<Snapshot, StoreError> {
    let statement = connection
        .prepare_cached("SELECT pg_current_snapshot()::text")
        .await?;
    let text: String = connection.query_one(&statement, &[]).await?.try_get(0)?;
    Snapshot::parse(&text).ok_or_else(|| StoreError::Corrupt(format!("the snapshot {text}")))
}

/// Which transactions had ended: those before `next`, but for those that were running.
#[derive(Debug, PartialEq)]
struct Snapshot {
    next: u64,
    running: Vec<u64>,
}

impl Snapshot {
    /// As PostgreSQL writes it: the first that was running, the next one, all that were running.
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, ':').skip(1);
        let next = parts.next()?.parse().ok()?;
        let running = parts.next()?.split(',').filter(|number| !number.is_empty());
        Some(Self {
            next,
            running: running.map(|number| number.parse().ok()).collect::<Option<_>>()?,
        })
    }

    fn has_ended(&self, number: u64) -> bool {
        number < self.next && !self.running.contains(&number)
    }

    /// Whether all that have ended since `last` are of `own`. Those are noted no more.
    fn adds_only(&self, own: &mut BTreeSet<u64>, last: &Self) -> bool {
        let since = last.running.iter().copied().chain(last.next..self.next);
        let are_own = since
            .filter(|number| self.has_ended(*number))
            .all(|number| own.contains(&number));
        own.retain(|number| !self.has_ended(*number));
        are_own
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(text: &str) -> Snapshot {
        Snapshot::parse(text).unwrap()
    }

    #[test]
    fn an_era_goes_on_while_all_that_ends_is_our_own() {
        // Before, after, our own, whether it goes on, and who is still noted.
        for (last, now, own, goes_on, noted) in [
            ("10:10:", "10:10:", &[][..], true, &[][..]),
            ("10:10:", "11:11:", &[10], true, &[]),
            ("10:10:", "11:11:", &[], false, &[]),
            ("10:10:", "11:11:", &[11], false, &[11]),
            // One that was running has ended.
            ("8:10:8", "10:10:", &[8], true, &[]),
            ("8:10:8", "10:10:", &[9], false, &[]),
            ("8:10:8,9", "9:10:9", &[8], true, &[]),
            // What runs yet is nobody's yet.
            ("10:10:", "10:12:10", &[11], true, &[]),
            ("10:10:", "10:13:10,12", &[11, 12], true, &[12]),
            ("10:10:", "10:12:10", &[10], false, &[10]),
            ("10:10:", "10:1000000000000:10", &[11, 12], false, &[]),
        ] {
            let mut own = BTreeSet::from_iter(own.iter().copied());
            let outcome = snapshot(now).adds_only(&mut own, &snapshot(last));
            assert_eq!(outcome, goes_on, "{last} {now}");
            assert!(own.iter().eq(noted), "{last} {now}: {own:?}");
        }
    }

    #[test]
    fn what_is_no_snapshot_is_refused() {
        for text in ["", "1", "1:2", "1:x:", "1:2:x", "1:2:1,,x", "1:2:1:2", "1:-2:"] {
            assert_eq!(Snapshot::parse(text), None, "{text}");
        }
    }

    #[test]
    fn one_whose_end_is_unknown_is_anothers() {
        let others = Others::default();
        let own = |number| {
            others.noted().insert(number);
            Own {
                others: &others,
                number: Some(number),
            }
        };
        own(1).ended();
        drop(own(2));
        assert!(others.noted().iter().eq(&[1]));
    }
}
