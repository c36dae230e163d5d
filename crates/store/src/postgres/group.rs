//! Group commit: what waits is committed together, since a commit costs a write to the disk and a round trip, however
//! little is in it.

use std::sync::Arc;

use deadpool_postgres::{Object, Pool};
use futures_util::future::{join, join_all};
use tokio::sync::{mpsc, oneshot};
use tokio_postgres::error::SqlState;

use super::others::{BEGIN, Others};
use super::{client, references, within_patience};
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
    while !jobs.is_empty() {
        let lost = together(pool, others, group, &jobs).await;
        if lost.is_empty() {
            break;
        }
        for (job, error) in lost {
            jobs.retain(|other| *other != job);
            outcomes[job] = Err(error);
        }
    }
    outcomes
}

/// The jobs because of which a transaction was not committed.
type Lost = Vec<(usize, StoreError)>;

/// Commits `jobs` of `group` as one transaction, if none of them is lost.
async fn together(pool: &Pool, others: &Others, group: &[Vec<Step>], jobs: &[usize]) -> Lost {
    let all = |error: StoreError| jobs.iter().map(|job| (*job, error.clone())).collect();
    let steps: Vec<(usize, &Step)> = jobs
        .iter()
        .flat_map(|job| group[*job].iter().map(|step| (*job, step)))
        .collect();
    let client = match client(pool).await {
        Ok(client) => client,
        Err(error) => return all(error),
    };
    let work = async { Ok(transact(&client, others, &steps).await?) };
    match within_patience(work).await {
        Ok(Ok(lost)) => lost,
        Ok(Err(error)) | Err(error) => {
            // It may be inside of a transaction yet, and what it has still to say would be taken for the answer to
            // something else.
            drop(Object::take(client));
            all(error)
        }
    }
}

/// Runs `steps` in their order, each of a job, and commits if none is lost.
async fn transact(
    client: &Object,
    others: &Others,
    steps: &[(usize, &Step)],
) -> Result<Lost, tokio_postgres::Error> {
    let mut statements = Vec::with_capacity(steps.len());
    for (_, step) in steps {
        statements.push(client.prepare_cached(&step.sql).await?);
    }
    // Polled in order, so sent in order, and not awaited one by one.
    let work = join_all(
        steps
            .iter()
            .zip(&statements)
            .map(|((job, step), statement)| async move {
                match client.execute(statement, &references(&step.params)).await {
                    Ok(written) if step.rows.is_some_and(|rows| rows != written) => {
                        Some((*job, Some(StoreError::Conflict)))
                    }
                    Ok(_) => None,
                    // It fell with an earlier one, which has said why.
                    Err(error) if error.code() == Some(&SqlState::IN_FAILED_SQL_TRANSACTION) => {
                        Some((*job, None))
                    }
                    Err(error) => Some((*job, Some(error.into()))),
                }
            }),
    );
    let (begun, failed) = join(client.simple_query(BEGIN), work).await;
    let own = others.own(&begun?);
    let failed: Vec<_> = failed.into_iter().flatten().collect();
    if failed.is_empty() {
        client.batch_execute("COMMIT").await?;
        own.ended();
        return Ok(Lost::new());
    }
    client.batch_execute("ROLLBACK").await?;
    own.ended();
    let reasons = failed
        .into_iter()
        .filter_map(|(job, reason)| Some((job, reason?)));
    Ok(reasons.collect())
}
