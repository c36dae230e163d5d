//! The pace of pushes: a bound on how many there are in a second, spread evenly over it.

use std::time::Duration;

use tokio::time::Instant;

/// The longest that unused time counts, in seconds: what was not pushed then is not made up for all at once.
const BURST: f64 = 0.05;

/// A token bucket.
pub(super) struct Pace {
    per_second: f64,
    saved: f64,
    since: Instant,
}

impl Pace {
    /// At most `per_second` in a second, from now on.
    pub(super) fn new(per_second: u32) -> Self {
        Self {
            per_second: f64::from(per_second.max(1)),
            saved: 0.0,
            since: Instant::now(),
        }
    }

    /// Whether one may go now; then it counts as gone.
    pub(super) fn take(&mut self) -> bool {
        let now = Instant::now();
        let most = (self.per_second * BURST).max(1.0);
        let earned = now.duration_since(self.since).as_secs_f64() * self.per_second;
        self.saved = (self.saved + earned).min(most);
        self.since = now;
        let may = self.saved >= 1.0;
        if may {
            self.saved -= 1.0;
        }
        may
    }

    /// How long until one may go.
    pub(super) fn wait(&self) -> Duration {
        Duration::from_secs_f64(((1.0 - self.saved) / self.per_second).max(0.001))
    }

    /// How many go in a second.
    pub(super) fn per_second(&self) -> f64 {
        self.per_second
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn no_more_than_its_pace_and_no_less() {
        tokio::time::pause();
        for per_second in [1, 7, 500, 5_000] {
            let mut pace = Pace::new(per_second);
            let mut gone = 0u32;
            for _ in 0..10_000 {
                while pace.take() {
                    gone += 1;
                }
                tokio::time::advance(Duration::from_millis(1)).await;
            }
            let expected = per_second * 10;
            assert!(
                gone <= expected + 1 && gone + 2 + expected / 1_000 >= expected,
                "{gone} of {expected}"
            );
            tokio::time::advance(Duration::from_secs(3_600)).await;
            let at_once = std::iter::repeat_with(|| pace.take())
                .take_while(|may| *may)
                .count();
            assert!(
                at_once <= (per_second as usize / 20).max(1),
                "an idle hour is no burst"
            );
            assert!(pace.wait() <= Duration::from_secs(1));
        }
    }
}
