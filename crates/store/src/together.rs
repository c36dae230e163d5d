//! Reads that requests make one by one, and the database answers together: a statement costs as much for many keys as for
//! one.

use std::collections::BTreeSet;

use tokio::sync::{mpsc, oneshot};

use crate::groups::{Sizes, in_groups};
use crate::value::{Row, Value};
use crate::{Database, StoreError};

/// Keys that one statement asks for at most, and questions that are answered together.
const MOST_TOGETHER: usize = 128;
const SIZES: Sizes = Sizes {
    most: MOST_TOGETHER,
    enough: 16,
    under_way: 3,
};
/// The numbers of keys that one statement asks for: few, so that each is prepared once. The places that are left over in
/// one repeat the last key.
const PLACES: [usize; 4] = [2, 8, 32, MOST_TOGETHER];
/// Questions that may wait; who comes then waits to wait.
const MOST_WAITING: usize = 4_096;

/// A question, and who waits for its answer.
pub(crate) struct Ask<Q, A> {
    pub(crate) question: Q,
    reply: oneshot::Sender<Result<A, StoreError>>,
}

impl<Q, A> Ask<Q, A> {
    pub(crate) fn answer(self, answer: Result<A, StoreError>) {
        // Whoever asked may have left.
        let _ = self.reply.send(answer);
    }
}

/// Answers each of `asks` by what `answers` has made of all of them, or with its error.
pub(crate) fn answer_all<Q, A, R>(
    asks: Vec<Ask<Q, A>>,
    answers: Result<R, StoreError>,
    of: impl Fn(&R, &Q) -> Result<A, StoreError>,
) {
    for ask in asks {
        let answer = match &answers {
            Ok(answers) => of(answers, &ask.question),
            Err(error) => Err(error.clone()),
        };
        ask.answer(answer);
    }
}

/// Takes questions of one kind.
pub(crate) struct Together<Q, A> {
    asks: mpsc::Sender<Ask<Q, A>>,
}

impl<Q, A> Together<Q, A> {
    /// Whom to ask, and what answers by `work` until nobody can ask any more.
    pub(crate) fn new<F: Future<Output = ()>>(
        work: impl Fn(Vec<Ask<Q, A>>) -> F,
    ) -> (Self, impl Future<Output = ()>) {
        let (asks, asked) = mpsc::channel(MOST_WAITING);
        (Self { asks }, in_groups(asked, SIZES, work))
    }

    pub(crate) async fn ask(&self, question: Q) -> Result<A, StoreError> {
        let (reply, answer) = oneshot::channel();
        let ask = Ask { question, reply };
        self.asks.send(ask).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

/// The rows of `sql` that have one of `keys` in `column`.
pub(crate) async fn rows_of<'a>(
    database: &Database,
    sql: &str,
    column: &str,
    keys: impl Iterator<Item = &'a str>,
) -> Result<Vec<Row>, StoreError> {
    let keys: Vec<&str> = keys.collect::<BTreeSet<_>>().into_iter().collect();
    let mut rows = Vec::new();
    for some in keys.chunks(MOST_TOGETHER) {
        let size = PLACES.into_iter().find(|size| *size >= some.len());
        let size = size.unwrap_or(MOST_TOGETHER);
        let places: Vec<String> = (1..=size).map(|place| format!("${place}")).collect();
        let padded = some.iter().chain(some.last().into_iter().cycle()).take(size);
        let params = padded.map(|key| Value::from(*key)).collect();
        let sql = format!("{sql} WHERE {column} IN ({})", places.join(", "));
        rows.extend(database.query_in_place(&sql, params).await?);
    }
    Ok(rows)
}

pub(crate) fn gone() -> StoreError {
    StoreError::Unavailable("nobody reads from the database any more".into())
}
