//! What is known of the documents of a device: what was sent, what it says of them, and how they drifted.

use std::collections::{BTreeMap, BTreeSet};

use ordain_catalog::Scope;
use ordain_catalog::windows::{LocUri, Request};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::state::State;
use super::told::{Outcome, Told, Verdict};
use crate::enrollment::Drifted;
use crate::ids::Digest;
use crate::report::Reason;
use crate::windows::document::OnRemoval;

/// All that is known of the documents of a device. Nothing in it is secret.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Documents {
    /// Those that were sent, and are wanted or may still be there, by DocID.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub known: BTreeMap<String, Known>,
    /// How what is there has come to differ from what was there, the earliest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub drift: Vec<Drift>,
    /// What may stay on the device of documents that are no longer for it, by the identifier of the declaration.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub stays: BTreeMap<String, Stays>,
    /// What became of the interval by which the device looks after its documents.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh: Option<Refresh>,
    /// Set while the device says that it has no declared configuration: with which code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unsupported: Option<u16>,
}

/// A document that was sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Known {
    /// The declaration.
    pub identifier: String,
    /// The ServerToken of the version that was last sent.
    pub token: Digest,
    /// Whose it is.
    pub scope: Scope,
    /// How it is sent.
    pub request: Request,
    /// What becomes of it when it is no longer wanted.
    #[serde(default)]
    pub on_removal: OnRemoval,
    /// Whether the device has taken that version (SyncML 200), which says nothing of what came of it.
    #[serde(default)]
    pub is_taken: bool,
    /// Whether it has taken what a template of that version is filled in with, since the template was sent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_filled_in: bool,
    /// Why it has not taken the one or the other. Neither is sent again until they change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<Reason>,
    /// What the device last said of it,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Seen>,
    /// and before, the latest last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<Seen>,
    /// The result that was read last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Read>,
    /// What was good under this version: what drift is measured by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub good: Option<Good>,
    /// How often it was sent again since the machinery failed, or what a template is filled in with since it was good,
    #[serde(default)]
    pub retries: u32,
    /// and from when on it may be, in unix seconds.
    #[serde(default)]
    pub retry_at: i64,
    /// How far its removal has got.
    #[serde(default)]
    pub leaving: Leaving,
    /// The resources that the version sets which the device has taken last,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub sets: BTreeSet<LocUri>,
    /// and those that only versions before it have set. \[U\]: devices may leave a node as it is that a new version does not
    /// name.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub sets_no_more: BTreeSet<LocUri>,
    /// Whether there were more of these than are kept.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_forgotten: bool,
}

/// How far the removal of a document has got.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Leaving {
    /// Not begun.
    #[default]
    No,
    /// The device has taken that it is abandoned.
    Abandoned,
    /// It was abandoned, and is no longer: what the device says next is new.
    Resumed,
}

impl Leaving {
    /// The same of another version: only being abandoned is the document's, whatever it says.
    pub(super) const fn of_another(self) -> Self {
        match self {
            Self::Abandoned => Self::Abandoned,
            _ => Self::No,
        }
    }
}

/// What a device said of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// `checksum`.
    pub checksum: Option<String>,
    /// `result_checksum`.
    pub result_checksum: Option<String>,
    /// `state`.
    pub state: Option<State>,
    /// When it first said so, in unix seconds.
    pub at: i64,
}

/// A result that was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Read {
    /// `checksum`: the version that it is of.
    pub checksum: String,
    /// `result_checksum`.
    pub result_checksum: Option<String>,
    /// `result_timestamp`, in unix seconds.
    pub timestamp: Option<i64>,
    /// `state` of the whole.
    pub state: Option<State>,
    /// What became of its parts.
    pub outcomes: Vec<Outcome>,
    /// How many parts there are beyond those.
    #[serde(default)]
    pub more: usize,
    /// Parts of the document that it does not name. \[U\]: nobody has published that a result names all, so nothing is held
    /// against the document; they are shown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unnamed: Vec<String>,
    /// Whether the whole is good by its own state, and so is each part that is named; and how the worst one is.
    pub verdict: Verdict,
    /// What an inventory told, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, Value>,
}

/// A good state of a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Good {
    /// Its `result_checksum`, when that was told,
    pub result_checksum: Option<String>,
    /// and the `result_timestamp`, when that was read.
    pub timestamp: Option<i64>,
}

/// How something on a device came to differ from what was there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drift {
    /// The declaration; of a document that is not ours, its DocID.
    pub document: String,
    /// In what way.
    pub kind: DriftKind,
    /// The state that the device told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<State>,
    /// When it was first seen, in unix seconds,
    pub since: i64,
    /// and when it was seen to be as it should be again; that what a device repairs by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repaired: Option<i64>,
    /// Which settings, as far as the device says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<String>,
    /// Whether that was asked for, so that it can be told of.
    #[serde(default)]
    pub is_examined: bool,
}

/// The ways of drifting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DriftKind {
    /// What was good is not any more, or not surely.
    Unrepaired,
    /// The device has made something good again by itself: the result of what is good is another one.
    Repaired,
    /// A document that was good is not there.
    Missing,
    /// Another version is there in its place, which was not sent after it.
    Replaced,
    /// A document is there that Ordain has not sent.
    Foreign,
}

impl DriftKind {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unrepaired => "unrepaired",
            Self::Repaired => "repaired",
            Self::Missing => "missing",
            Self::Replaced => "replaced",
            Self::Foreign => "foreign",
        }
    }
}

/// What stays on a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stays {
    /// Why, in words.
    pub why: String,
    /// Since when, in unix seconds.
    pub at: i64,
}

/// `RefreshInterval`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refresh {
    /// What was sent, in minutes.
    pub minutes: u32,
    /// What the device answered: 200, or that it has no such node.
    pub code: u16,
}

/// How much is kept of each.
const MOST_HISTORY: usize = 10;
const MOST_DRIFT: usize = 200;
const MOST_STAYS: usize = 200;
const MOST_EARLIER: usize = 2_000;
pub(super) const MOST_OUTCOMES: usize = 500;

impl Documents {
    /// The document of the declaration `identifier`, if it was sent.
    pub fn of(&self, identifier: &str) -> Option<&Known> {
        let mut known = self.known.values();
        known.find(|known| known.identifier == identifier)
    }

    /// The drift of that document that lasts.
    pub(super) fn open(&mut self, document: &str) -> Option<&mut Drift> {
        let mut drift = self.drift.iter_mut().rev();
        drift.find(|drift| drift.document == document && drift.repaired.is_none())
    }

    /// What has drifted, counted.
    pub fn drifted(&self) -> Drifted {
        let open = self.drift.iter().filter(|drift| drift.repaired.is_none());
        let by_itself = self
            .drift
            .iter()
            .filter(|drift| drift.kind == DriftKind::Repaired);
        Drifted {
            open: u32::try_from(open.count()).unwrap_or(u32::MAX),
            repaired_at: by_itself.filter_map(|drift| drift.repaired).max(),
        }
    }

    /// Notes a drift. What is over makes room for it; where nothing is, so much lasts already that one more says nothing, and
    /// one in place of another would be told again and again.
    pub(super) fn drifts(&mut self, drift: Drift) {
        if self.drift.len() >= MOST_DRIFT {
            let over = self.drift.iter().position(|drift| drift.repaired.is_some());
            let Some(over) = over else { return };
            self.drift.remove(over);
        }
        self.drift.push(drift);
    }

    pub(super) fn leaves_behind(&mut self, identifier: &str, why: &str, now: i64) {
        if self.stays.len() < MOST_STAYS {
            let stays = || Stays {
                why: why.to_owned(),
                at: now,
            };
            self.stays.entry(identifier.to_owned()).or_insert_with(stays);
        }
    }
}

impl Known {
    /// All resources that it has ever set.
    pub(in crate::windows) fn resources(&self) -> impl Iterator<Item = &LocUri> {
        self.sets.iter().chain(&self.sets_no_more)
    }

    /// The same as one that sets `sets`, after the version `before`. Of what only earlier ones have set, the latest is kept
    /// first.
    pub(super) fn setting(self, sets: BTreeSet<LocUri>, before: Option<&Self>) -> Self {
        let earlier = before.into_iter().flat_map(Self::resources);
        let mut earlier = earlier.filter(|node| !sets.contains(node)).cloned();
        Self {
            sets_no_more: earlier.by_ref().take(MOST_EARLIER).collect(),
            has_forgotten: earlier.next().is_some() || before.is_some_and(|before| before.has_forgotten),
            sets,
            ..self
        }
    }

    /// Notes what the device says of it.
    pub(super) fn sees(&mut self, told: &Told, now: i64) {
        let seen = Seen {
            checksum: told.checksum.clone(),
            result_checksum: told.result_checksum.clone(),
            state: told.state,
            at: now,
        };
        match &mut self.seen {
            Some(before)
                if (Seen {
                    at: before.at,
                    ..seen.clone()
                }) == *before => {}
            seen_before => {
                let before = seen_before.replace(seen);
                self.history.extend(before);
                let beyond = self.history.len().saturating_sub(MOST_HISTORY);
                self.history.drain(..beyond);
            }
        }
    }

    /// The result that was read of what the device now tells, if it was.
    pub(super) fn read_of(&self, told: &Told) -> Option<&Read> {
        let result = self.result.as_ref()?;
        let same =
            |one: &str, other: Option<&String>| other.is_some_and(|other| one.eq_ignore_ascii_case(other));
        let is_it = same(&result.checksum, told.checksum.as_ref())
            && result
                .result_checksum
                .as_deref()
                .is_some_and(|checksum| same(checksum, told.result_checksum.as_ref()));
        is_it.then_some(result)
    }
}
