//! The connections to APNs: few, opened when those that are open have no place left, and reopened with growing pauses.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex as StdMutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use ordain_model::wake::Outcome;
use tokio::sync::{Mutex, Notify};
use tokio::task::JoinHandle;

use super::line::{Failure, Line, OpenError, Road};

/// The pause before the second attempt to connect; it doubles with each one after.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The connections.
pub(super) struct Lines {
    road: Arc<Road>,
    most: usize,
    /// Who waits for a place waits for this lock, so that places are given in the order of asking; its holder alone
    /// waits for `freed`.
    state: Mutex<State>,
    freed: Arc<Notify>,
    /// How often a connection was tried since the last answer: one that is accepted and closed at once counts too.
    fruitless: AtomicU32,
    trouble: StdMutex<Option<OpenError>>,
}

#[derive(Default)]
struct State {
    open: Vec<Arc<Line>>,
    opening: Option<JoinHandle<Result<Line, OpenError>>>,
}

/// The right to send one request.
pub(super) struct Place {
    line: Arc<Line>,
    freed: Arc<Notify>,
}

impl Lines {
    /// At most `most` connections, and at least one.
    pub(super) fn new(road: Road, most: usize) -> Self {
        Self {
            road: Arc::new(road),
            most: most.max(1),
            state: Mutex::default(),
            freed: Arc::default(),
            fruitless: AtomicU32::new(0),
            trouble: StdMutex::default(),
        }
    }

    /// A place, once there is one. The error says that there will be none until somebody acts.
    pub(super) async fn place(&self) -> Result<Place, OpenError> {
        let mut state = self.state.lock().await;
        loop {
            state.open.retain(|line| line.is_open());
            if let Some(line) = state.open.iter().find(|line| line.take_place()) {
                return Ok(Place {
                    line: line.clone(),
                    freed: self.freed.clone(),
                });
            }
            if state.opening.is_none() && state.open.len() < self.most {
                state.opening = Some(self.open());
            }
            let State { open, opening } = &mut *state;
            let Some(handle) = opening else {
                self.freed.notified().await;
                continue;
            };
            let opened = tokio::select! {
                opened = handle => opened,
                () = self.freed.notified() => continue,
            };
            *opening = None;
            match opened {
                Ok(Ok(line)) => {
                    self.set_trouble(None);
                    open.push(Arc::new(line));
                }
                Ok(Err(error)) => {
                    tracing::warn!(?error, "no connection to APNs");
                    self.set_trouble(Some(error.clone()));
                    if let OpenError::Misconfigured(_) = error {
                        return Err(error);
                    }
                }
                Err(error) => tracing::error!(%error, "connecting to APNs failed"),
            }
        }
    }

    /// Why the last attempt to connect failed; `None` when it did not.
    pub(super) fn trouble(&self) -> Option<OpenError> {
        self.trouble
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Tells that a request was answered.
    pub(super) fn answered(&self) {
        self.fruitless.store(0, Ordering::Relaxed);
    }

    fn set_trouble(&self, trouble: Option<OpenError>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }

    fn open(&self) -> JoinHandle<Result<Line, OpenError>> {
        let pause = pause(self.fruitless.fetch_add(1, Ordering::Relaxed));
        let road = self.road.clone();
        tokio::spawn(async move {
            tokio::time::sleep(pause).await;
            Line::open(&road).await
        })
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        if let Some(opening) = &self.state.get_mut().opening {
            opening.abort();
        }
    }
}

impl Place {
    /// Sends a request and reads the answer.
    pub(super) async fn exchange(&self, head: http::Request<()>, body: Bytes) -> Result<Outcome, Failure> {
        self.line.exchange(head, body).await
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.line.free_place();
        self.freed.notify_one();
    }
}

/// The pause after so many fruitless attempts, give or take a half: servers that lost APNs together do not come back
/// together.
fn pause(fruitless: u32) -> Duration {
    let Some(doublings) = fruitless.checked_sub(1) else {
        return Duration::ZERO;
    };
    let pause = FIRST_PAUSE
        .saturating_mul(1 << doublings.min(16))
        .min(LONGEST_PAUSE);
    let [random] = ordain_pki::random::<1>();
    pause.mul_f64(0.5 + f64::from(random) / 255.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound() {
        assert_eq!(pause(0), Duration::ZERO);
        for fruitless in [1, 2, 8, 40, u32::MAX] {
            let pause = pause(fruitless);
            assert!(pause >= FIRST_PAUSE / 2 && pause <= LONGEST_PAUSE * 3 / 2);
        }
        assert!(pause(4) > pause(1));
    }
}
