//! Whom to wake, and when: what the push sweep decides about one channel.
//!
//! An accepted push says nothing of the device: only a device that asks for work has been woken. Until it has, nothing
//! more is pushed however much comes in, since the push service keeps the last push for it; the pauses of one that stays silent grow.

use serde::{Deserialize, Serialize};

use crate::agenda::{Agenda, Work};
use crate::enrollment::{ApnsToken, Push, WnsChannel};
use crate::ids::{Digest, EnrollmentId};

/// The first pause after a push that was not answered, in seconds; it doubles with each one more,
const SILENCE: i64 = 5 * 60;
/// up to this.
const LONGEST_SILENCE: i64 = 24 * 60 * 60;
/// The first pause when the device came and the work remained, in seconds: it could not, or the session broke.
const AGAIN: i64 = 60;
/// The longest one.
const LONGEST_AGAIN: i64 = 6 * 60 * 60;
/// Pauses differ by up to so many hundredths between channels, so that what was pushed together drifts apart.
const JITTER: i64 = 12;

/// What is kept of one channel.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wake {
    /// When to look at it again, in unix seconds; `None`: when somebody says so.
    pub due_at: Option<i64>,
    /// The last push, as long as it counts.
    pub pushed: Option<Pushed>,
}

/// A push, and what came of it at the push service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pushed {
    /// When, in unix seconds.
    pub at: i64,
    /// The how manieth it was for the same work, from 1.
    pub attempts: u32,
    /// How often the device had spoken on the command channel until then,
    pub wakes: u64,
    /// by the count of this run of the server.
    #[serde(default)]
    pub run: u64,
    /// What it was for.
    pub work: Work,
    /// Where it went: the hash of what the device told. A push that went elsewhere counts for nothing.
    pub address: Digest,
    /// Why the service did not take it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
}

/// Why a push service does not take pushes to one channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Problem {
    /// The push token, or WNS' channel, is dead, until the device tells another one.
    Dead,
    /// The service refused it, in its own words. The token may still be good.
    Refused(String),
}

/// What became of a push, by what is to be done. Reasons are the service's own words, or an HTTP status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The service took it. That says nothing of the device.
    Accepted,
    /// The token is dead: no more pushes until the device tells a token anew.
    Dead {
        /// Since when the service knows that, in unix seconds. A token that was told later is not meant.
        since: Option<i64>,
    },
    /// Too many pushes to this device: later.
    Slow {
        /// Why.
        reason: String,
        /// In how many seconds, if the service says so; at most [`MAX_WAIT`].
        after: Option<u32>,
    },
    /// The service is not able to at present: later. Others may fare better.
    Retry {
        /// Why.
        reason: String,
        /// In how many seconds, if the service says so; at most [`MAX_WAIT`].
        after: Option<u32>,
    },
    /// The service is not able to at present, whoever is pushed: all wait.
    Throttled {
        /// Why.
        reason: String,
        /// In how many seconds, if the service says so; at most [`MAX_WAIT`].
        after: Option<u32>,
    },
    /// The credentials or what else is set up here is wrong: no push to any device will succeed until somebody acts.
    Misconfigured {
        /// Why.
        reason: String,
    },
    /// This push is refused, and the device alone is meant. The token may still be good: APNs says so too when
    /// certificate and environment do not fit, so that it must not be deleted.
    Refused {
        /// Why.
        reason: String,
    },
}

/// A longer wait than this is not taken from a push service, in seconds.
pub const MAX_WAIT: u32 = 24 * 60 * 60;

/// Retry-After in seconds (RFC 9110 §10.2.3), at most [`MAX_WAIT`]. A date counts as nothing said.
pub fn retry_after(text: &str) -> Option<u32> {
    let text = text.trim();
    let digits = (1..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(MAX_WAIT).min(MAX_WAIT))
}

/// What to do about a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Push; what to keep once the service has taken it.
    Push(Wake),
    /// There is work, and it was pushed: it has not come yet, or could not do it.
    Wait(Wake),
    /// There is no work now.
    Rest(Wake),
    /// It cannot be pushed.
    Unreachable(Wake),
}

impl Wake {
    /// The same when the service says that the token is dead.
    #[must_use]
    pub fn dead(self) -> Self {
        Self {
            due_at: None,
            ..self.with(Problem::Dead)
        }
    }

    /// The same when the service refused the push for `reason`, and wants no other one before `after` (unix seconds).
    #[must_use]
    pub fn refused(self, reason: String, after: i64) -> Self {
        let due_at = self.due_at.map(|due| due.max(after));
        Self {
            due_at,
            ..self.with(Problem::Refused(reason))
        }
    }

    fn with(self, problem: Problem) -> Self {
        let pushed = self.pushed.map(|pushed| Pushed {
            problem: Some(problem),
            ..pushed
        });
        Self { pushed, ..self }
    }
}

/// Where pushes go, as a hash: the address is told by the device, may be long, and is kept with the enrollment.
pub fn address(push: &Push) -> Digest {
    Digest::of(
        match push {
            Push::Apns(ApnsToken { topic, magic, token }) => format!("{topic}\n{token}\n{magic}"),
            Push::Wns(WnsChannel { package, uri, .. }) => format!("{package}\n{uri}"),
        }
        .as_bytes(),
    )
}

/// What to do about the channel `id` at `now`, in unix seconds. `wake` is what is kept of it, `push` its address,
/// `agenda` its work, `wakes` how often it has spoken on the command channel, by the count of this `run` of the server.
///
/// A run that is killed takes along the last that it has counted. So a push of another run counts as answered: rather is
/// a channel pushed once more than that one which came is taken for silent.
pub fn next(
    id: &EnrollmentId,
    wake: &Wake,
    push: Option<&Push>,
    agenda: Option<&Agenda>,
    wakes: u64,
    run: u64,
    now: i64,
) -> Next {
    let push = push.filter(|push| push.is_usable(now));
    let Some(address) = push.map(address) else {
        return Next::Unreachable(Wake::default());
    };
    let last = wake.pushed.as_ref().filter(|last| last.address == address);
    if last.is_some_and(|last| last.problem == Some(Problem::Dead)) {
        return Next::Unreachable(Wake {
            due_at: None,
            pushed: last.cloned(),
        });
    }
    let has_come = |last: &Pushed| last.wakes != wakes || last.run != run;
    let Some(agenda) = agenda.filter(|agenda| agenda.at <= now) else {
        return Next::Rest(Wake {
            due_at: agenda.map(|agenda| agenda.at),
            // A push that was not answered is still under way.
            pushed: last.filter(|last| !has_come(last)).cloned(),
        });
    };
    let (attempts, due_at) = match last {
        None => (1, now),
        Some(last) if !has_come(last) => (
            last.attempts.saturating_add(1),
            last.at
                .saturating_add(pause(id, SILENCE, LONGEST_SILENCE, last.attempts)),
        ),
        Some(last) if agenda.work.is_news_after(&last.work) => (1, now),
        Some(last) => (
            last.attempts.saturating_add(1),
            again_at(id, last.at, last.attempts),
        ),
    };
    if now < due_at {
        return Next::Wait(Wake {
            due_at: Some(due_at),
            pushed: last.cloned(),
        });
    }
    Next::Push(Wake {
        due_at: Some(again_at(id, now, attempts)),
        pushed: Some(Pushed {
            at: now,
            attempts,
            wakes,
            run,
            work: agenda.work.clone(),
            address,
            problem: None,
        }),
    })
}

fn again_at(id: &EnrollmentId, pushed_at: i64, attempts: u32) -> i64 {
    pushed_at.saturating_add(pause(id, AGAIN, LONGEST_AGAIN, attempts))
}

/// `first`, doubled with each attempt after the first one up to `longest`, and moved a little by who it is.
fn pause(id: &EnrollmentId, first: i64, longest: i64, attempts: u32) -> i64 {
    let pause = (first << attempts.saturating_sub(1).min(16)).min(longest);
    let Digest(hash) = Digest::of(format!("{id}\n{attempts}").as_bytes());
    let part = i64::from(hash.first().copied().unwrap_or_default());
    pause * (100 - JITTER) / 100 + pause * 2 * JITTER * part / (100 * 255)
}
