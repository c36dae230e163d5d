//! Bodies of requests: within their bounds, and within what the server has in memory of all of them.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How long a body may take to arrive: while it does, it holds a part of the budget.
const PATIENCE: Duration = Duration::from_secs(60);

/// What long messages leave of the budget to short ones, so that devices can enroll and ask for work meanwhile.
const RESERVE_KIB: usize = 64 * 1024;
/// The longest that counts as short.
const SHORT_KIB: usize = 16;

/// Why a body was not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BodyError {
    /// It is larger than this route takes.
    #[error("the body is too large")]
    TooLarge,
    /// It broke off, or did not come in time.
    #[error("the body cannot be read: {0}")]
    Broken(String),
    /// The server has as much in memory as it may.
    #[error("too many messages at the same time")]
    Busy,
}

/// A body, and its part of the server's budget for as long as it is worked on.
pub(crate) struct Received {
    pub(crate) octets: Bytes,
    share: OwnedSemaphorePermit,
}

impl Received {
    /// The octets, and the part of the budget apart from them: to be held for as long as there is anything of what they say.
    pub(crate) fn split(self) -> (Bytes, OwnedSemaphorePermit) {
        (self.octets, self.share)
    }
}

/// Reads a body of at most `most` octets; `budget` counts KiB.
pub(crate) async fn read(
    budget: &Arc<Semaphore>,
    headers: &HeaderMap,
    body: Body,
    most: usize,
) -> Result<Received, BodyError> {
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > most as u64) {
        return Err(BodyError::TooLarge);
    }
    tokio::time::timeout(PATIENCE, gather(budget, body, most))
        .await
        .unwrap_or_else(|_| Err(BodyError::Broken("it did not come in time".into())))
}

/// What has come is charged, not what was announced: who sends nothing holds up nobody. And nobody waits for the
/// budget, since those who wait would hold what the others wait for.
async fn gather(budget: &Arc<Semaphore>, body: Body, most: usize) -> Result<Received, BodyError> {
    let charge = |total: usize, charged: usize| {
        let kib = u32::try_from(total - charged).unwrap_or(u32::MAX);
        if total > SHORT_KIB && budget.available_permits() < RESERVE_KIB {
            return Err(BodyError::Busy);
        }
        let share = budget.clone().try_acquire_many_owned(kib);
        share.map_err(|_| BodyError::Busy)
    };
    let mut share = charge(0, 0)?;
    let mut octets = BytesMut::new();
    let mut body = Limited::new(body, most);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| match error.is::<LengthLimitError>() {
            true => BodyError::TooLarge,
            false => BodyError::Broken(error.to_string()),
        })?;
        // Trailers say nothing here.
        let Ok(data) = frame.into_data() else { continue };
        let kib = (octets.len() + data.len()).div_ceil(1024);
        share.merge(charge(kib, share.num_permits())?);
        octets.extend_from_slice(&data);
    }
    Ok(Received {
        octets: octets.freeze(),
        share,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn long_messages_leave_room_for_short_ones() {
        let budget = Arc::new(Semaphore::new(RESERVE_KIB + 20));
        let body = |kib: usize| Body::from(vec![b' '; kib * 1024]);
        let read = async |kib| read(&budget, &HeaderMap::new(), body(kib), 1 << 20).await;
        let long = read(20).await.unwrap();
        assert_eq!(read(1).await.unwrap().octets.len(), 1024);
        let kept = read(1).await.unwrap();
        assert_eq!(read(17).await.err(), Some(BodyError::Busy));
        drop((long, kept));
        assert!(read(17).await.is_ok());
    }
}
