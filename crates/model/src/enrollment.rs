//! The state of one enrollment, as the store keeps it and the decisions read and write it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::device::DeviceFacts;
use crate::ids::{Channel, Digest, EnrollmentId};
use crate::inventory::Inventory;
use crate::membership::Decided;

/// One management channel of one generation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Enrollment {
    /// Which channel.
    pub id: EnrollmentId,
    /// Counts the device's Authenticate messages, on Windows its enrollments, from 1; 0 while it is one that was
    /// migrated. Its other channels have that of the device.
    pub generation: u64,
    /// How far it has got.
    pub phase: Phase,
    /// What the device said of itself; empty on user channels, where the device's count. On a linked channel only what
    /// that enrollment has of its own.
    #[serde(default)]
    pub facts: DeviceFacts,
    /// The pinned certificate; none on a migrated device before its first contact. A user channel begins with that of
    /// its device, whose own alone counts; a linked one has its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Pin>,
    /// Whether listed memberships count.
    #[serde(default)]
    pub memberships: Memberships,
    /// What administrators attached to the device, on the device channel. They count as listed memberships do.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub tags: BTreeSet<String>,
    /// The groups by predicate that the device is in, on the device channel.
    #[serde(default, skip_serializing_if = "is_default")]
    pub groups: Decided,
    /// Where to push, once the device told: Apple's by TokenUpdate, Windows' in a session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub push: Option<Push>,
    /// The capabilities last reported, by the hash of their content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<Digest>,
    /// What is extracted of its status, by the hash of the content; of the device channel only, once it has reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known: Option<Digest>,
    /// What the device was last offered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<Offer>,
    /// The newest `Timestamp` ever given out, in unix seconds, by a device also to those of its users that are gone; it
    /// outlives generations, and a user's channel starts from its device's.
    #[serde(default)]
    pub stamp: i64,
    /// The manifest whose items the device has fetched: its declarations are served from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pinned: Option<Digest>,
    /// The last DeclarativeManagement command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<Told>,
    /// What the last report came to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standing: Option<Standing>,
    /// The present round of inventory; of the device channel only.
    #[serde(default, skip_serializing_if = "is_default")]
    pub inventory: Inventory,
    /// When this generation began, in unix seconds.
    pub since: i64,
}

/// How far an enrollment has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Authenticate was accepted, on Windows a certificate issued; what the device got can still fail to install.
    Authenticated,
    /// TokenUpdate has come, on Windows the first message under the certificate.
    Enrolled,
    /// The device said that it leaves.
    CheckedOut,
}

/// The certificate that is the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pin {
    /// SHA-256 of the certificate.
    pub fingerprint: Digest,
    /// Its end, in unix seconds. It works on after that, and is warned of.
    pub not_after: i64,
}

/// Whether what administrators listed by name is given to this generation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Memberships {
    /// Listed groups count.
    #[default]
    Granted,
    /// They wait until an administrator approves this generation.
    Waiting,
}

/// Where to push, as the device told it: nothing in it is to be believed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Push {
    /// Through Apple's push service.
    Apns(ApnsToken),
    /// Through Windows' push service.
    Wns(WnsChannel),
}

impl Push {
    /// The service that pushes.
    pub fn service(&self) -> Service {
        match self {
            Self::Apns(_) => Service::Apns,
            Self::Wns(_) => Service::Wns,
        }
    }

    /// Whether it can be pushed there at `now`, in unix seconds: channels of WNS expire.
    pub fn is_usable(&self, now: i64) -> bool {
        match self {
            Self::Apns(_) => true,
            Self::Wns(channel) => now < channel.told_at.saturating_add(WnsChannel::LIFE),
        }
    }
}

/// A push service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Service {
    /// Apple's.
    Apns,
    /// Windows'.
    Wns,
}

impl Service {
    /// In a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Apns => "apns",
            Self::Wns => "wns",
        }
    }
}

impl Enrollment {
    /// The service that is to push this channel, whether or not the device has told where. A linked channel is not
    /// pushed.
    pub fn service(&self) -> Option<Service> {
        match (self.id.channel(), self.facts.is_windows()) {
            (Channel::Linked, _) => None,
            (_, true) => Some(Service::Wns),
            (_, false) => Some(Service::Apns),
        }
    }
}

/// Push addressing of Apple's devices, from TokenUpdate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApnsToken {
    /// `Topic`.
    pub topic: String,
    /// `PushMagic`.
    pub magic: String,
    /// `Token`, in lower-case hexadecimal digits.
    pub token: String,
}

/// Push addressing of Windows devices (`DMClient/Provider/{id}/Push`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WnsChannel {
    /// `PFN`: the package family name that the channel is for.
    pub package: String,
    /// `ChannelURI`.
    pub uri: String,
    /// When the device last told it, in unix seconds, give or take a day.
    pub told_at: i64,
}

impl WnsChannel {
    /// How long WNS keeps a channel at most, in seconds: one that was not told anew for so long has expired.
    pub const LIFE: i64 = 30 * 24 * 60 * 60;
}

/// The offer record: revision, token and stamp last offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// The revision whose manifest it was when first offered.
    pub revision: u64,
    /// Its `DeclarationsToken`.
    pub token: Digest,
    /// Its `Timestamp`, in unix seconds.
    pub stamp: i64,
}

/// One DeclarativeManagement command and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// `CommandUUID`.
    pub uuid: String,
    /// The token in its data.
    pub token: Digest,
    /// What the device answered.
    pub answer: Answer,
    /// When it was sent or answered, in unix seconds.
    pub at: i64,
    /// How often this token was told, from 1.
    pub attempts: u32,
}

/// What a device answered to a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// Nothing yet.
    None,
    /// `Acknowledged`: it knows; whether it acts, its requests will show.
    Acknowledged,
    /// `NotNow`.
    NotNow,
    /// `Error` or `CommandFormatError`, with what it said.
    Failed(String),
}

/// What the last status report came to, kept beside the enrollment so that a fleet is listed without reading reports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// When the last report that said anything new came, in unix seconds.
    pub at: i64,
    /// The token of the set of declarations that the device lists: equal to a manifest's if it holds just that.
    pub held: Option<Digest>,
    /// The manifest that `counts` speak of: the one that it holds, if that is known, else the one it is pinned to.
    pub judged: Option<Digest>,
    /// Verdicts over the declarations of `judged`.
    pub counts: Counts,
    /// How many activations of `judged` have a predicate of which the device says something else than
    /// [`dispute`](crate::dispute) does.
    #[serde(default, skip_serializing_if = "is_default")]
    pub disputed: u32,
    /// Whether a Windows device is to take away what documents have set that are gone, which needs a session and no user.
    #[serde(default, skip_serializing_if = "is_default")]
    pub cleans: bool,
    /// What has drifted of its documents; of the linked channel of a Windows device only.
    #[serde(default, skip_serializing_if = "is_default")]
    pub drift: Drifted,
    /// What it was, and what it was judged by, in one hash: while that is the same, nothing is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heard: Option<Digest>,
}

/// How much of what documents of declared configuration set has changed without Ordain's doing, by the device's word.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drifted {
    /// How many drifts last.
    pub open: u32,
    /// When the device last told of one that it had repaired by itself before anybody saw, in unix seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repaired_at: Option<i64>,
}

/// How many declarations are how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Confirmed by the device.
    pub confirmed: u32,
    /// Not applicable now, by predicate.
    pub settled: u32,
    /// Refused or failed.
    pub failed: u32,
    /// Nothing final said.
    pub pending: u32,
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.confirmed += other.confirmed;
        self.settled += other.settled;
        self.failed += other.failed;
        self.pending += other.pending;
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Enrollment {
    /// Whether it holds the manifest of `wanted` with every declaration confirmed or settled.
    pub fn is_converged(&self, wanted: Digest) -> bool {
        self.standing.as_ref().is_some_and(|standing| {
            standing.held == Some(wanted)
                && standing.judged == Some(wanted)
                && standing.counts.failed == 0
                && standing.counts.pending == 0
        })
    }

    /// When the device last spoke on the channel, in unix seconds, if it was seen last at `sighting`: sightings are written
    /// later than what they are about, so a server that is killed may lose one, and a report never.
    pub fn last_heard(&self, sighting: Option<i64>) -> Option<i64> {
        sighting.max(self.standing.as_ref().map(|standing| standing.at))
    }

    /// Whether the last report lists exactly the declarations of `wanted`, each under its ServerToken.
    pub fn holds(&self, wanted: Digest) -> bool {
        self.standing
            .as_ref()
            .is_some_and(|standing| standing.held == Some(wanted))
    }
}
