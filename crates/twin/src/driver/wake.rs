//! What wakes a sleeping twin: a push, or its own schedule.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use super::fleet::Run;
use super::outcome::Progress;
use crate::apns::{Courier, Delivery};
use crate::device::Device;
use crate::twin::{Standing, Twin};

/// How long a twin with business of its own sleeps at most: one that is not enrolled yet, has not done or told what it
/// was asked, or was interrupted.
const BUSINESS: Duration = Duration::from_secs(5);

/// One twin's end of the push service, if there is one.
pub(super) struct Waker {
    courier: Option<Courier>,
    /// Tokens, and the magic that each is pushed with.
    own: Vec<Delivery>,
}

impl Waker {
    /// Registers the tokens of the device's channels.
    pub(super) fn new(device: &Device, run: &Run) -> Self {
        let own: Vec<_> = device
            .addresses()
            .map(|push| Delivery {
                token: push.token.clone(),
                magic: push.magic.clone(),
            })
            .collect();
        let courier = run.options.apns.as_ref().map(|apns| {
            let mut courier = apns.connect();
            for address in &own {
                courier.register(&address.token, &run.topic);
            }
            courier
        });
        Self { courier, own }
    }

    /// How long a twin sleeps if it is not pushed. One that has left has no tokens any more.
    pub(super) fn pause(&mut self, twin: &Twin, poll: Duration) -> Duration {
        match (&mut self.courier, twin.standing()) {
            (Some(courier), Standing::Unenrolled) => {
                courier.unregister();
                poll
            }
            (Some(_), Standing::New | Standing::Enrolled) => poll.min(BUSINESS),
            (Some(_), Standing::Converged) if twin.wants_poll() => poll.min(BUSINESS),
            (Some(_), Standing::Converged) | (None, _) => poll,
        }
    }

    /// Sleeps until the twin is pushed, and says how often; or for the whole pause, after which it is 0. Pushes with
    /// another magic than the twin's are ignored, and counted.
    pub(super) async fn sleep(&mut self, pause: Duration, progress: &watch::Sender<Progress>) -> u64 {
        let Some(courier) = &mut self.courier else {
            sleep(pause).await;
            return 0;
        };
        let due = Instant::now() + pause;
        loop {
            let first = tokio::select! {
                first = courier.next() => first,
                () = sleep_until(due) => return 0,
            };
            let (mut pushes, mut ignored) = (0, 0);
            for delivery in std::iter::once(first).chain(std::iter::from_fn(|| courier.ready())) {
                if self.own.contains(&delivery) {
                    pushes += 1;
                } else {
                    ignored += 1;
                }
            }
            if ignored > 0 {
                progress.send_modify(|progress| progress.ignored_pushes += ignored);
            }
            if pushes > 0 {
                return pushes;
            }
        }
    }
}
