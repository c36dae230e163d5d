//! When a device asks for work by itself: the three stages of `DMClient/Provider/{id}/Poll`.

use ordain_windows::provisioning::Poll;

const MINUTE: i64 = 60;
/// What Windows adds by itself when the stages come to an end.
const DAILY: i64 = 24 * 60 * MINUTE;

/// A polling schedule, since it was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Schedule {
    stages: [(u32, u32); 3],
    start: i64,
    /// When the next session is due.
    due: i64,
    pub(super) on_login: bool,
}

impl Schedule {
    /// The schedule of `poll`, with a session at once.
    pub(super) fn new(poll: Option<&Poll>, now: i64) -> Self {
        let [(c1, c2, c3), (i1, i2, i3)] = poll.map_or([(0, 0, 0); 2], |poll| {
            let ([c1, c2, c3], [i1, i2, i3]) = (poll.counts, poll.intervals);
            [(c1, c2, c3), (i1, i2, i3)]
        });
        Self {
            stages: [(c1, i1), (c2, i2), (c3, i3)],
            start: now,
            due: now,
            on_login: poll.and_then(|poll| poll.on_login).unwrap_or(false),
        }
    }

    /// When the next session is due.
    pub(super) fn due(&self) -> i64 {
        self.due
    }

    /// A session was held, or given up: the next one is by the stages.
    pub(super) fn held(&mut self, now: i64) {
        self.due = self.next(now);
    }

    /// The next session is at `at`, whatever the stages say.
    pub(super) fn at(&mut self, at: i64) {
        self.due = at;
    }

    /// The first poll after `now`. A count of 0 with an interval is endless, so that what comes after it never does; an
    /// interval of 0 is no stage.
    fn next(&self, now: i64) -> i64 {
        let mut begin = self.start;
        for (count, minutes) in self.stages {
            let interval = i64::from(minutes) * MINUTE;
            if interval == 0 {
                continue;
            }
            let past = now.saturating_sub(begin).max(0) / interval + 1;
            if count == 0 || past <= i64::from(count) {
                return begin.saturating_add(past.saturating_mul(interval));
            }
            begin = begin.saturating_add(interval.saturating_mul(i64::from(count)));
        }
        let past = now.saturating_sub(begin).max(0) / DAILY + 1;
        begin.saturating_add(past.saturating_mul(DAILY))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The minutes of all polls until `end`.
    fn polls(counts: [u32; 3], intervals: [u32; 3], end: i64) -> Vec<i64> {
        let poll = Poll {
            counts,
            intervals,
            on_login: None,
            on_first_login_of_all: None,
        };
        let mut schedule = Schedule::new(Some(&poll), 0);
        let mut at = Vec::new();
        while schedule.due() <= end * MINUTE {
            at.push(schedule.due() / MINUTE);
            schedule.held(schedule.due());
        }
        at
    }

    /// F2.12: three stages, by a clock that is only told.
    #[test]
    fn stages_follow_each_other() {
        assert_eq!(
            polls([2, 3, 0], [15, 3, 60], 160),
            [0, 15, 30, 33, 36, 39, 99, 159]
        );
    }

    #[test]
    fn an_endless_stage_lets_no_other_come() {
        assert_eq!(polls([0, 5, 0], [10, 1, 60], 45), [0, 10, 20, 30, 40]);
    }

    #[test]
    fn stages_without_interval_are_none_and_after_the_last_is_daily() {
        assert_eq!(polls([0, 2, 0], [0, 5, 0], 3000), [0, 5, 10, 1450, 2890]);
        assert_eq!(polls([0; 3], [0; 3], 3000), [0, 1440, 2880]);
    }

    #[test]
    fn what_was_missed_is_not_made_up_for() {
        let poll = Poll {
            counts: [0, 0, 0],
            intervals: [10, 0, 0],
            on_login: None,
            on_first_login_of_all: None,
        };
        let mut schedule = Schedule::new(Some(&poll), 0);
        schedule.held(35 * MINUTE);
        assert_eq!(schedule.due(), 40 * MINUTE);
    }
}
