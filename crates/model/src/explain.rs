//! Why a device has what it has, and what is missing: from the facts that are stored to a chain of steps in plain words.
//!
//! Each step names the facts that it rests on by their paths: below `policy` the newest revision as it is stored, below
//! `device` and `channel` the rows of the device's own channel and of the one in question, below `record` what the channel
//! has reported and below `device-record` what the device's own channel has, by which its groups are decided, `sighting` what was seen of it, `push` what is kept for waking it, `history` older revisions and
//! `settings` those of the server. A fact whose value is null was looked for and is not there.

mod ahead;
mod case;
mod delivery;
mod document;
mod entitlement;
mod linked;
mod membership;
mod overview;
mod predicate;
mod reason;
mod term;
mod verdict;

use std::collections::{BTreeMap, BTreeSet};

use ordain_catalog::Kind;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::enrollment::Enrollment;
use crate::held::Placed;
use crate::ids::{Digest, EnrollmentId};
use crate::manifest::Manifest;
use crate::record::StatusRecord;
use crate::report::Capabilities;
use crate::wake::Wake;
use crate::windows::session::Link;
use crate::world::World;

use case::Case;

/// What is stored of one channel: all that an explanation is made from.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// The newest revision.
    pub world: &'a World,
    /// When it was published, in unix seconds; `None` when nothing was.
    pub published_at: Option<i64>,
    /// Revisions before it, the newest first. What they lack is not told: it may be any number of them.
    pub past: &'a [Past],
    /// The device channel.
    pub device: &'a Enrollment,
    /// The channel to explain: the same, or that of a user.
    pub channel: &'a Enrollment,
    /// The capabilities that the channel reported.
    pub capabilities: Option<(Digest, &'a Capabilities)>,
    /// The manifest last offered, if it is known.
    pub offered: Option<&'a Manifest>,
    /// What the channel has reported,
    pub record: &'a StatusRecord,
    /// and the manifest that it was packed against.
    pub against: Option<&'a Manifest>,
    /// What the device channel has reported: the same, unless the channel is that of a user.
    pub device_record: &'a StatusRecord,
    /// What was seen of the channel, if anything.
    pub seen: Option<&'a Seen>,
    /// What is kept for waking it.
    pub wake: &'a Wake,
    /// The number of the newest command that waits for it.
    pub queued: Option<i64>,
    /// How it stands with the linked channel of a Windows device.
    pub link: Option<Link<'a>>,
    /// The end of the push certificate, in unix seconds, if there is one.
    pub push_certificate: Option<i64>,
    /// The package family that Windows devices are pushed for, if there are credentials for WNS.
    pub wns: Option<&'a str>,
    /// Why all pushes of the service that wakes this device pause, and until when, in unix seconds.
    pub push_trouble: Option<(&'a str, i64)>,
    /// The present, in unix seconds.
    pub now: i64,
}

/// What was seen of a channel.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// When last, in unix seconds.
    pub at: i64,
    /// The ServerTokens that it has fetched.
    pub fetched: BTreeSet<Digest>,
    /// How often it has spoken on the command channel.
    pub wakes: u64,
}

/// A revision before the newest one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    /// Its number.
    pub number: u64,
    /// When it was published, in unix seconds.
    pub published_at: i64,
    /// The ServerTokens of its declarations, by identifier.
    pub tokens: BTreeMap<String, Digest>,
}

/// Why a channel has what it has, or one declaration of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    /// The channel.
    pub channel: EnrollmentId,
    /// The declaration; none when all of the channel is explained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declaration: Option<About>,
    /// How it stands, and the step that is missing.
    pub headline: Step,
    /// The chain, causes before effects.
    pub steps: Vec<Step>,
    /// The declarations that are not confirmed, by cause; of a whole channel only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub open: Vec<Open>,
    /// What happens next.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub next: Vec<Step>,
}

/// Which declaration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// `Identifier`.
    pub identifier: String,
    /// What it is, when that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// `Type`, when that is known.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub type_name: Option<String>,
}

/// Declarations that lack the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Open {
    /// What they lack: the headline of each of them.
    pub cause: Step,
    /// Their identifiers.
    pub declarations: Vec<String>,
}

/// One link of the chain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Which link; stable.
    pub code: Code,
    /// How it stands with it.
    pub state: State,
    /// The same in words, without the time.
    pub sentence: String,
    /// When, in unix seconds; of what is to come, the future.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<i64>,
    /// What it rests on.
    pub facts: Vec<Fact>,
}

/// A stored fact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// Its path. Of a part that has a slash itself, that is written `~1`, and a tilde `~0`.
    pub fact: String,
    /// Its value; null when there is none.
    pub value: Value,
}

/// How it stands with a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It was made.
    Done,
    /// It was not made yet.
    Missing,
    /// It was tried, and went wrong.
    Failed,
    /// As things are it has not to be made.
    NotNeeded,
    /// Nobody can tell.
    Unknown,
}

/// The links of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// The device is managed here.
    Enrolled,
    /// Its system has declarative management.
    DeclarativeManagement,
    /// It has a linked enrollment, for the documents of declared configuration.
    Linked,
    /// The newest revision has the declaration.
    Published,
    /// Ordain made the declaration, such as the activation of a configuration that has none.
    Made,
    /// A blueprint gives the declaration to a group that the device is in.
    Blueprint,
    /// Whether the device is in a group is yet to be decided, or unknown.
    Membership,
    /// The device can take it.
    Given,
    /// The server woke the device.
    Pushed,
    /// The device asked for something.
    Seen,
    /// The server told it what it should hold.
    Offered,
    /// The command to synchronise, and the answer.
    Told,
    /// The device has read the list of what it should hold, and fetched the declaration.
    Fetched,
    /// The device reports that it holds it.
    Reported,
    /// It holds an older version.
    OutOfDate,
    /// It holds what it should not.
    Leaving,
    /// What it set is not so any more.
    Drift,
    /// Something of it may stay on the device, though it is not for it any more.
    Stays,
    /// An activation puts it in force.
    Activation,
    /// The predicate of the activation, by what the device has reported.
    Predicate,
    /// A comparison that decides a predicate.
    Term,
    /// The predicate by the device's own word.
    DeviceVerdict,
    /// An asset that it needs.
    Asset,
    /// The device's verdict over the declaration.
    Verdict,
    /// A reason that the device gives.
    Reason,
    /// All that the channel should hold.
    Converged,
    /// What the server does next.
    Next,
}

/// The chain from the policy to `identifier` in force on the channel. `None`: nobody knows such a declaration, neither the
/// newest revision nor the device.
pub fn declaration(evidence: &Evidence<'_>, identifier: &str) -> Option<Explanation> {
    with_case(evidence, |case| case.declaration(identifier))
}

/// How it stands with the whole channel.
pub fn channel(evidence: &Evidence<'_>) -> Explanation {
    with_case(evidence, |case| case.overview())
}

/// Every name that [`declaration`] explains on this channel.
pub fn identifiers(evidence: &Evidence<'_>) -> BTreeSet<String> {
    with_case(evidence, |case| case.identifiers())
}

/// Whether the channel holds the declaration, should, or would if it could.
pub fn concerns(evidence: &Evidence<'_>, identifier: &str) -> bool {
    with_case(evidence, |case| case.concerns(identifier))
}

/// The declarations of the channel's own that it lists under another token than the wanted one: only they need
/// [`Evidence::past`].
pub fn out_of_date(evidence: &Evidence<'_>) -> BTreeSet<String> {
    with_case(evidence, |case| case.out_of_date())
}

fn with_case<R>(evidence: &Evidence<'_>, tell: impl FnOnce(&Case<'_>) -> R) -> R {
    let wanted = evidence
        .world
        .wanted(evidence.device, &evidence.channel.id, evidence.capabilities);
    let listing = evidence.record.held.unpack(evidence.against);
    let placed = Placed::new(&listing, &wanted.manifest);
    tell(&Case::new(evidence, &listing, &placed))
}
