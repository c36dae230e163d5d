//! Trouble with a push service itself: no device is to blame, so all pushes pause, and whoever asks is told why.

use serde::{Deserialize, Serialize};

/// The first pause when what is set up here is wrong, in seconds, and the longest.
const OURS: (i64, i64) = (30, 10 * 60);
/// The same when the service is not able to at present.
const THEIRS: (i64, i64) = (1, 60);
/// So many pushes in a row may fail, each on its own, before all pause.
const BEARABLE: u32 = 20;

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Trouble {
    /// In words for administrators.
    pub(crate) reason: String,
    /// Since when, in unix seconds.
    pub(crate) since: i64,
    /// When it is tried again.
    pub(crate) until: i64,
    /// How many pushes failed in a row, those that failed together with another one not counted.
    failures: u32,
}

impl Trouble {
    /// The trouble after a push to which nobody answered well at `now`, in unix seconds. The service wants none from anybody
    /// for `after` seconds.
    pub(super) fn theirs(before: Option<Self>, reason: String, after: u32, now: i64) -> Self {
        let pauses = before
            .as_ref()
            .map_or(0, |before| (before.failures + 1).saturating_sub(BEARABLE));
        let trouble = Self::after(before, reason.clone(), pauses, THEIRS, now);
        let until = now.saturating_add(after.into());
        match until > trouble.until {
            true => Self {
                reason,
                until,
                ..trouble
            },
            false => trouble,
        }
    }

    /// The trouble after a push that cannot succeed until somebody changes what is set up.
    pub(super) fn ours(before: Option<Self>, reason: String, now: i64) -> Self {
        let pauses = before.as_ref().map_or(1, |before| before.failures + 1);
        Self::after(before, reason, pauses, OURS, now)
    }

    fn after(
        before: Option<Self>,
        reason: String,
        pauses: u32,
        (first, longest): (i64, i64),
        now: i64,
    ) -> Self {
        let (since, failures) = match before {
            // They were under way together.
            Some(before) if now < before.until => return before,
            Some(before) => (before.since, before.failures.saturating_add(1)),
            None => (now, 1),
        };
        let pause = match pauses.checked_sub(1) {
            Some(doublings) => (first << doublings.min(20)).min(longest),
            None => 0,
        };
        Self {
            reason,
            since,
            until: now.saturating_add(pause),
            failures,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_those_under_way_count_once() {
        let mut trouble = None;
        let mut now = 1_000;
        for pause in [30, 60, 120, 240, 480, 600, 600] {
            let fails = |trouble, at| Trouble::ours(trouble, "BadCertificate".into(), at);
            let failed = fails(trouble, now);
            assert_eq!(failed.until - now, pause);
            assert_eq!(fails(Some(failed.clone()), failed.until - 1), failed);
            assert_eq!(failed.since, 1_000);
            now = failed.until;
            trouble = Some(failed);
        }
    }

    #[test]
    fn a_single_failure_of_the_service_stops_nobody() {
        let fails = |trouble, at| Trouble::theirs(trouble, "Shutdown".into(), 0, at);
        let mut trouble = fails(None, 1_000);
        for _ in 0..BEARABLE {
            assert_eq!(trouble.until, 1_000);
            trouble = fails(Some(trouble), 1_000);
        }
        let mut now = 1_000;
        for pause in [1, 2, 4, 8, 16, 32, 60, 60] {
            assert_eq!(trouble.until - now, pause);
            now = trouble.until;
            trouble = fails(Some(trouble), now);
        }
    }

    #[test]
    fn what_the_service_asks_for_is_kept_from_the_first_time_on() {
        let throttled = |trouble, after, at| Trouble::theirs(trouble, "throttled".into(), after, at);
        let trouble = throttled(None, 400, 1_000);
        assert_eq!((trouble.since, trouble.until), (1_000, 1_400));
        // Of those that were under way together, the longest pause counts.
        let longer = throttled(Some(trouble.clone()), 500, 1_010);
        assert_eq!((longer.since, longer.until, longer.failures), (1_000, 1_510, 1));
        assert_eq!(throttled(Some(longer.clone()), 400, 1_020), longer);
        let other = Trouble::theirs(Some(trouble.clone()), "HTTP 503".into(), 0, 1_020);
        assert_eq!(other, trouble);
    }
}
