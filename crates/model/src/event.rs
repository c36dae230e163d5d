//! Events: what happened to enrollments, for the systems that administrators connect. Each is written with the decision
//! that it tells of, so it is there if and only if that is.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::enrollment::{Enrollment, Standing};
use crate::ids::{Digest, EnrollmentId};
use crate::windows::documents::{Documents, Drift, DriftKind};

/// Something that happened to one enrollment. Nothing in it is secret.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// What it was.
    pub kind: EventKind,
    /// The channel that it happened to.
    pub enrollment: EnrollmentId,
    /// When, in unix seconds.
    pub at: i64,
    /// What exactly: an object, whose fields go by the kind.
    pub detail: Value,
}

/// The kinds of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EventKind {
    /// The enrollment of a generation is complete: its first TokenUpdate came.
    Enrolled,
    /// The device, or the user, said that it leaves.
    CheckedOut,
    /// A status report said something new.
    Reported,
    /// By that report everything that is wanted is confirmed or settled, and before it was not.
    Converged,
    /// By that report something is not that was before, though the same is wanted.
    Diverged,
    /// A device gave its final answer to a command that an administrator ordered.
    CommandAnswered,
    /// What a document set on a Windows device is not so any more, or is not there, or a document is there that nobody sent.
    Drifted,
    /// What had drifted is as it should be again; or the device has repaired it before anybody saw.
    DriftRepaired,
}

impl EventKind {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Enrolled,
        Self::CheckedOut,
        Self::Reported,
        Self::Converged,
        Self::Diverged,
        Self::CommandAnswered,
        Self::Drifted,
        Self::DriftRepaired,
    ];

    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Enrolled => "enrolled",
            Self::CheckedOut => "checked-out",
            Self::Reported => "reported",
            Self::Converged => "converged",
            Self::Diverged => "diverged",
            Self::CommandAnswered => "command-answered",
            Self::Drifted => "drifted",
            Self::DriftRepaired => "drift-repaired",
        }
    }
}

/// The word is that of no kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a kind of events; those are enrolled, checked-out, reported, converged, diverged, command-answered, drifted and \
     drift-repaired"
)]
pub struct UnknownKind;

impl FromStr for EventKind {
    type Err = UnknownKind;

    fn from_str(word: &str) -> Result<Self, UnknownKind> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.word() == word)
            .ok_or(UnknownKind)
    }
}

/// The final answer to an ordered command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommandAnswer<'a> {
    /// Its `CommandUUID`.
    pub uuid: &'a str,
    /// Its `RequestType`.
    pub request_type: &'a str,
    /// How it ended, in the queue's word for it.
    pub state: &'a str,
    /// What the device said of its failure. The result itself may be secret, and is not told.
    pub failure: Option<&'a str>,
}

/// The most octets told of a text that a device chose.
const MOST_TEXT: usize = 1_000;

impl Event {
    /// `enrollment` is complete; `device` is the device channel that it is, or belongs to.
    pub fn enrolled(enrollment: &Enrollment, device: &Enrollment, now: i64) -> Self {
        let facts = &device.facts;
        let detail = json!({
            "generation": enrollment.generation,
            "serial": facts.serial.as_deref().map(shortened),
            "udid": facts.udid.as_deref().map(shortened),
            "name": facts.name.as_deref().map(shortened),
            "model": facts.model.as_deref().map(shortened),
            "platform": facts.system(),
            "os_version": facts.os_version.as_ref().map(ToString::to_string),
        });
        Self::new(EventKind::Enrolled, &enrollment.id, detail, now)
    }

    /// `id`, which is `device` or a user's channel on it, is left.
    pub fn checked_out(device: &Enrollment, id: &EnrollmentId, now: i64) -> Self {
        let detail = json!({"generation": device.generation});
        Self::new(EventKind::CheckedOut, id, detail, now)
    }

    /// What a report that made `after` of `before` tells, when `wanted` is the token of what it should hold.
    pub fn reported(
        before: &Enrollment,
        after: &Enrollment,
        wanted: Digest,
        problems: usize,
        now: i64,
    ) -> Vec<Self> {
        let standing = |Standing { held, counts, .. }: &Standing| json!({"generation": after.generation, "wanted": wanted, "held": held, "counts": counts});
        let standing = after.standing.as_ref().map(standing).unwrap_or_default();
        let mut report = standing.clone();
        if let Some(report) = report.as_object_mut() {
            report.insert("problems".to_owned(), problems.into());
        }
        let mut events = vec![Self::new(EventKind::Reported, &after.id, report, now)];
        let change = match (before.is_converged(wanted), after.is_converged(wanted)) {
            (false, true) => Some(EventKind::Converged),
            (true, false) => Some(EventKind::Diverged),
            _ => None,
        };
        events.extend(change.map(|kind| Self::new(kind, &after.id, standing, now)));
        events
    }

    /// An ordered command was answered for good by `enrollment`.
    pub fn command_answered(enrollment: &Enrollment, answer: CommandAnswer<'_>, now: i64) -> Self {
        let detail = json!({
            "generation": enrollment.generation,
            "uuid": answer.uuid,
            "request_type": answer.request_type,
            "state": answer.state,
            "failure": answer.failure.map(shortened),
        });
        Self::new(EventKind::CommandAnswered, &enrollment.id, detail, now)
    }

    /// What has drifted on the linked channel `enrollment`, or is repaired, that was not so `before`. Each is told when it
    /// is known of which settings, as far as the device says.
    pub fn drift(enrollment: &Enrollment, before: &Documents, after: &Documents, now: i64) -> Vec<Self> {
        let told = |drift: &Drift| (drift.is_examined, drift.is_examined && drift.repaired.is_some());
        let mut events = Vec::new();
        for drift in &after.drift {
            let is_same = |other: &&Drift| {
                (&other.document, other.kind, other.since) == (&drift.document, drift.kind, drift.since)
            };
            let (was_seen, was_repaired) = before.drift.iter().find(is_same).map(told).unwrap_or_default();
            let (is_seen, is_repaired) = told(drift);
            let seen =
                (is_seen && !was_seen && drift.kind != DriftKind::Repaired).then_some(EventKind::Drifted);
            let repaired = (is_repaired && !was_repaired).then_some(EventKind::DriftRepaired);
            for kind in seen.into_iter().chain(repaired) {
                let detail = json!({
                    "generation": enrollment.generation,
                    "document": shortened(&drift.document),
                    "drift": drift.kind.word(),
                    "state": drift.state,
                    "since": drift.since,
                    "repaired": drift.repaired,
                    "settings": drift.settings,
                });
                events.push(Self::new(kind, &enrollment.id, detail, now));
            }
        }
        events
    }

    fn new(kind: EventKind, enrollment: &EnrollmentId, detail: Value, at: i64) -> Self {
        Self {
            kind,
            enrollment: enrollment.clone(),
            at,
            detail,
        }
    }
}

/// Events are read many at a time: none of them may be large.
fn shortened(text: &str) -> &str {
    let end = text.floor_char_boundary(MOST_TEXT);
    text.get(..end).unwrap_or_default()
}
