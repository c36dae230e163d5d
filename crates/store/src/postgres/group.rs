//! Group commit: what waits is committed together, since a commit costs a write to the disk and a round trip, however
//! little is in it.

use std::sync::Arc;

use deadpool_postgres::{Object, Pool};
use futures_util::future::{join, join_all};
use tokio::sync::{mpsc, oneshot};
use tokio_postgres::error::SqlState;

use super::many::{self, Steps};
use super::others::{BEGIN, Others};
use super::{client, within_patience};
use crate::StoreError;
use crate::groups::{Sizes, in_groups};
use crate::kept::Kept;
use crate::value::Step;

/// Transactions of one node that are written at the same time.
const SIZES: Sizes = Sizes {
    most: 64,
    enough: 16,
    under_way: 3,
};

/// A transaction, and who waits for its outcome.
pub(super) type Job = (Vec<Step>, oneshot::Sender<Result<(), StoreError>>);

/// Starts the writing, which ends when nobody can hand in anything any more. What is written is told to `kept`, and
/// told from what `others` write.
pub(super) fn start(pool: &Pool, kept: &Arc<Kept>, others: &Arc<Others>) -> mpsc::Sender<Job> {
    // A bounded queue makes callers wait rather than memory grow.
    let (sender, jobs) = mpsc::channel(4 * SIZES.most);
    let (pool, kept, others) = (pool.clone(), kept.clone(), others.clone());
    tokio::spawn(in_groups(jobs, SIZES, move |group| {
        write_all(pool.clone(), kept.clone(), others.clone(), group)
    }));
    sender
}

async fn write_all(pool: Pool, kept: Arc<Kept>, others: Arc<Others>, group: Vec<Job>) {
    let (steps, replies): (Vec<_>, Vec<_>) = group.into_iter().unzip();
    for steps in &steps {
        kept.touching(steps);
    }
    let outcomes = write(&pool, &others, &steps).await;
    for (steps, outcome) in steps.iter().zip(&outcomes) {
        kept.touched(steps, outcome.is_ok());
    }
    for (reply, outcome) in replies.into_iter().zip(outcomes) {
        // Whoever asked may have left.
        let _ = reply.send(outcome);
    }
}

/// Commits `group` as one transaction, without those of it that are lost: they harm no other.
async fn write(pool: &Pool, others: &Others, group: &[Vec<Step>]) -> Vec<Result<(), StoreError>> {
    let mut outcomes = vec![Ok(()); group.len()];
    let mut jobs: Vec<usize> = (0..group.len()).collect();
    let mut are_merged = true;
    while !jobs.is_empty() {
        let steps = |job: &usize| (*job, group[*job].as_slice());
        let statements = if are_merged {
            many::merged(jobs.iter().map(steps))
        } else {
            many::apart(jobs.iter().map(steps))
        };
        match together(pool, others, &statements).await {
            Ok(Outcome::Committed) => break,
            Ok(Outcome::Lost(lost)) => {
                for (job, error) in lost {
                    jobs.retain(|other| *other != job);
                    outcomes[job] = Err(error);
                }
            }
            Ok(Outcome::Unclear) => are_merged = false,
            Err(error) => {
                for job in jobs.drain(..) {
                    outcomes[job] = Err(error.clone());
                }
            }
        }
    }
    outcomes
}

/// How a transaction ended.
enum Outcome {
    Committed,
    /// It was rolled back because of these jobs.
    Lost(Vec<(usize, StoreError)>),
    /// It was rolled back because of some job of several.
    Unclear,
}

/// Commits `statements` as one transaction, if no job is lost. When that fails, nobody knows what happened.
async fn together(pool: &Pool, others: &Others, statements: &[Steps<'_>]) -> Result<Outcome, StoreError> {
    let client = client(pool).await?;
    let work = async { Ok(transact(&client, others, statements).await?) };
    let outcome = within_patience(work).await.flatten();
    if outcome.is_err() {
        // It may be inside of a transaction yet, and what it has still to say would be taken for the answer to
        // something else.
        drop(Object::take(client));
    }
    outcome
}

/// Runs `statements` in their order, and commits if no job is lost.
async fn transact(
    client: &Object,
    others: &Others,
    statements: &[Steps<'_>],
) -> Result<Outcome, tokio_postgres::Error> {
    let mut prepared = Vec::with_capacity(statements.len());
    for steps in statements {
        prepared.push(many::prepare(client, steps).await?);
    }
    // Polled in order, so sent in order, and not awaited one by one.
    let work = join_all(prepared.iter().map(|statement| statement.execute(client)));
    let (begun, written) = join(client.simple_query(BEGIN), work).await;
    let own = others.own(&begun?);
    let failed: Vec<_> = statements
        .iter()
        .zip(written)
        .filter_map(|(steps, written)| Some((steps, failure(steps, written)?)))
        .collect();
    if failed.is_empty() {
        client.batch_execute("COMMIT").await?;
        own.ended();
        return Ok(Outcome::Committed);
    }
    client.batch_execute("ROLLBACK").await?;
    own.ended();
    let mut lost = Vec::new();
    for (steps, error) in failed {
        match (steps.as_slice(), error) {
            (_, None) => {}
            ([(job, _)], Some(error)) => lost.push((*job, error)),
            (_, Some(_)) => return Ok(Outcome::Unclear),
        }
    }
    Ok(Outcome::Lost(lost))
}

/// Whether the transaction is lost after `steps`, which have `written` that many rows, and why, if they are the reason.
fn failure(steps: &Steps<'_>, written: Result<u64, tokio_postgres::Error>) -> Option<Option<StoreError>> {
    match written {
        Ok(written) => {
            let rows: Option<u64> = steps.iter().map(|(_, step)| step.rows).sum();
            let is_lost = rows.is_some_and(|rows| rows != written);
            is_lost.then_some(Some(StoreError::Conflict))
        }
        // It fell with an earlier one, which has said why.
        Err(error) if error.code() == Some(&SqlState::IN_FAILED_SQL_TRANSACTION) => Some(None),
        Err(error) => Some(Some(error.into())),
    }
}
