//! Whose turn it is: more requests than the server can work on wait, and those that waited too long are sent away in
//! order, to come back later.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Requests of devices that are worked on at once. More would only wait for the same database, each holding its state.
const AT_ONCE: usize = 1_024;

/// How much a device needs to be heard now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Urgency {
    /// It asks again by itself.
    Usual,
    /// It enrolls: if that fails, a person has to begin again.
    Enrolling,
}

impl Urgency {
    /// How long it may wait. Devices give up after a minute.
    const fn patience(self) -> Duration {
        Duration::from_secs(match self {
            Self::Usual => 15,
            Self::Enrolling => 45,
        })
    }

    /// What can be told of a message before it is read in earnest, which only its sender's identity allows. Claiming
    /// urgency gains a stranger nothing but a longer wait.
    pub(crate) fn of(body: &[u8]) -> Self {
        /// Messages of enrollment are short.
        const SHORT: usize = 16 << 10;
        let says = |word: &[u8]| memchr::memmem::find(body, word).is_some();
        if body.len() <= SHORT && (says(b">Authenticate<") || says(b">TokenUpdate<")) {
            Self::Enrolling
        } else {
            Self::Usual
        }
    }
}

/// The places for requests of devices.
pub(crate) struct Admission(Arc<Semaphore>);

/// The request waited for as long as it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many requests at the same time")]
pub(crate) struct Crowded;

impl Default for Admission {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

impl Admission {
    /// A place, first come, first served, held until it is dropped. How urgent it is, is asked where there is none.
    pub(crate) async fn enter(
        &self,
        urgency: impl FnOnce() -> Urgency,
    ) -> Result<OwnedSemaphorePermit, Crowded> {
        // As long as somebody waits, none is free.
        if let Ok(place) = self.0.clone().try_acquire_owned() {
            return Ok(place);
        }
        let place = self.0.clone().acquire_owned();
        match tokio::time::timeout(urgency().patience(), place).await {
            Ok(Ok(place)) => Ok(place),
            // The places are never closed.
            Ok(Err(_)) | Err(_) => Err(Crowded),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_enrolls_is_sent_away_last() {
        let admission = Admission::default();
        let mut places = Vec::new();
        for _ in 0..AT_ONCE {
            places.push(admission.enter(|| Urgency::Usual).await.unwrap());
        }
        assert_eq!(admission.enter(|| Urgency::Usual).await.unwrap_err(), Crowded);
        let (enrolling, ()) = tokio::join!(admission.enter(|| Urgency::Enrolling), async {
            tokio::time::sleep(Urgency::Usual.patience() * 2).await;
            drop(places.pop());
        });
        assert!(enrolling.is_ok());
    }

    #[test]
    fn enrolling_is_told_by_the_message() {
        assert_eq!(Urgency::of(b"<string>Authenticate</string>"), Urgency::Enrolling);
        assert_eq!(Urgency::of(b"<string>Idle</string>"), Urgency::Usual);
        let long = [b"<string>Authenticate</string>".as_slice(), &[b' '; 20_000]].concat();
        assert_eq!(Urgency::of(&long), Urgency::Usual);
    }
}
