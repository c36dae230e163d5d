//! What the admin API says and takes, below `/api/v1`. The command line uses the same types.

mod catalog;
mod command;
mod compliance;
mod document;
mod event;
mod explain;
mod group;
mod keys;
mod migration;
mod predicate;
mod push;
mod windows;

use std::collections::BTreeMap;

use ordain_model::enrollment::{Counts, Memberships, Phase};
use ordain_model::report::Reason;
use ordain_model::view::DeclarationView;
use ordain_model::wish::Changes;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

pub use catalog::{
    CatalogCounts, CatalogQuery, CatalogSource, CatalogStatus, PublishedDeclaration, ReplacedCatalog,
};
pub use command::{Command, CommandRow, Delivery, Inventory, NewCommand, Queued};
pub use compliance::{Compliance, ComplianceQuery, DeviceCounts, PlatformCompliance};
pub use document::{Cleaning, Document, DocumentPart, DocumentSeen, Drift, Stays};
pub use event::{CreatedWebhook, EventFilter, EventRow, NewWebhook, WebhookRow};
pub use explain::{ExplainQuery, Explained};
pub use group::{
    Evaluation, GroupMember, GroupMembers, GroupPage, GroupRow, Groups, TagChange, Tags, UnknownGroup,
    UnknownMembership,
};
pub use keys::{KeyRotation, SealingKey, SealingKeys};
pub use migration::{Migration, NewMigrationWindow};
pub use predicate::{
    FleetAnswer, FleetCounts, FleetDevice, FleetQuestion, MissingFact, MissingInFleet, Outcome,
    PredicateAnswer, PredicateQuestion, PropertiesOf,
};
pub use push::{
    NewPushCertificate, NewWnsCredentials, PushCertificate, PushProblem, PushProgress, PushRefusals,
    PushStatus, PushSweep, WnsStatus,
};
pub use windows::Windows;

/// A policy directory to publish.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Its files.
    pub files: Vec<PolicyFile>,
    /// Whether types and keys that the catalog does not know are warnings rather than errors: for systems that are newer
    /// than it.
    #[serde(default)]
    pub allow_unknown: bool,
}

/// One file of a policy directory.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyFile {
    /// Its path below the directory, with `/` between the parts.
    pub path: String,
    /// Its bytes, in base64.
    pub content: String,
}

/// What publishing came to.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Published {
    /// The revision that is now wanted.
    pub revision: u64,
    /// Whether this call published it; otherwise it says the same as what was wanted already.
    pub published: bool,
    /// What changed.
    #[schema(value_type = Object)]
    pub changes: Changes,
    /// Warnings about the policy, each with its file, line and column.
    pub warnings: Vec<String>,
    /// Of how many devices the memberships in groups by predicate are being decided, behind this answer.
    pub memberships_due: u64,
}

/// Why a request was not done.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// What went wrong, and what to do.
    pub error: String,
    /// The single faults, when there are several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<String>,
}

/// Which devices to list.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DeviceFilter {
    /// Only those whose name, serial number, model, identifier or one of whose tags contains this, in any case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub search: Option<String>,
    /// Only those of this platform.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// Only those of this state: converged, failed, pending, unknown, or left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Only members of this group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// id (the default), name, serial, platform, os, state, or seen; with a `-` before it, the other way round.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sort: Option<String>,
    /// At most so many; 1,000 unless said otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}

/// Devices, and how many there are of each state.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Devices {
    /// Those that were asked for.
    pub devices: Vec<DeviceRow>,
    /// How many match in all.
    pub matching: usize,
    /// How many devices there are of each state, whatever was asked for.
    pub states: BTreeMap<String, usize>,
    /// The revision that is wanted.
    pub revision: u64,
}

/// A device in a list.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct DeviceRow {
    /// The identifier of its device channel.
    pub id: String,
    /// Its name.
    pub name: Option<String>,
    /// Its serial number.
    pub serial: Option<String>,
    /// Its model identifier.
    pub model: Option<String>,
    /// Its platform.
    pub platform: Option<String>,
    /// Its system's version.
    pub os_version: Option<String>,
    /// failed: a declaration failed, on any of its channels. converged: every declaration that its own channel and its
    /// linked one should have is confirmed or settled. left: checked out. unknown: it has never reported, or was silent for too
    /// long, as compliance counts it, or has documents of declared configuration and has not spoken of them for twice its
    /// schedule. pending: anything else.
    pub state: String,
    /// Over what it should have, on its own channel and on those others that have reported.
    #[schema(value_type = Object)]
    pub counts: Counts,
    /// When it last asked for anything, or reported, in unix seconds.
    pub seen_at: Option<i64>,
    /// When it last reported anything new, in unix seconds.
    pub reported_at: Option<i64>,
    /// What administrators attached to it.
    pub tags: Vec<String>,
    /// What needs an administrator's eye: memberships that wait, a certificate that has expired.
    pub notes: Vec<String>,
}

/// All that is known of a device.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Device {
    /// The same as in the list.
    #[serde(flatten)]
    pub row: DeviceRow,
    /// Counts its enrollments, from 1; 0 while it is one that was migrated.
    pub generation: u64,
    /// When this generation began, in unix seconds.
    pub since: i64,
    /// Whether listed memberships count.
    #[schema(value_type = String)]
    pub memberships: Memberships,
    /// The groups it is in, of those that blueprints name.
    pub groups: Vec<String>,
    /// The groups by predicate of which it is unknown whether it belongs to them.
    pub unknown_groups: Vec<UnknownGroup>,
    /// SHA-256 of its certificate; none while it was migrated and has not come yet.
    pub certificate: Option<String>,
    /// The end of that certificate, in unix seconds.
    pub certificate_expires: Option<i64>,
    /// What only Windows devices say of themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub windows: Option<Windows>,
    /// What it answers when it is asked, daily.
    pub inventory: Vec<Inventory>,
    /// Its own channel, then its linked one and those of its users.
    pub channels: Vec<Channel>,
}

/// One channel of a device.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Channel {
    /// Its identifier.
    pub id: String,
    /// How far its enrollment has got.
    #[schema(value_type = String)]
    pub phase: Phase,
    /// Whether everything that it should have is confirmed or settled.
    pub converged: bool,
    /// The revision that is wanted.
    pub wanted_revision: u64,
    /// The `DeclarationsToken` of the wanted manifest.
    pub wanted_token: String,
    /// That of the manifest last offered,
    pub offered_token: Option<String>,
    /// and of the one that the device is served from.
    pub pinned_token: Option<String>,
    /// The DeclarativeManagement command last given, and what came of it.
    #[schema(value_type = Option<Object>)]
    pub command: Option<Value>,
    /// The commands that wait for it, the oldest first: the first 20.
    pub queue: Vec<Queued>,
    /// Each declaration with the five facts.
    pub declarations: Vec<Declaration>,
    /// What the blueprints name but this channel does not get.
    pub omissions: Vec<Omission>,
    /// The status items that it reported.
    #[schema(value_type = Object)]
    pub status: BTreeMap<String, Value>,
    /// The status items that it could not give, and why.
    #[schema(value_type = Object)]
    pub status_errors: BTreeMap<String, Vec<Reason>>,
    /// What was wrong with its last report.
    pub report_problems: Vec<String>,
    /// The documents that a Windows device's linked channel was sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub documents: Vec<Document>,
    /// How what they set has drifted, the earliest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drift: Vec<Drift>,
    /// What may stay on the device of those that are no longer for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stays: Vec<Stays>,
    /// What documents have set that are gone, as far as it is to go after them (`on-removal: clean`), on its own channel.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cleaning: Vec<Cleaning>,
    /// When it last reported anything new, in unix seconds.
    pub reported_at: Option<i64>,
    /// When it last asked for anything, or reported, in unix seconds.
    pub seen_at: Option<i64>,
}

/// A declaration on a channel: five facts, none concluded from another.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Declaration {
    /// activation, asset, configuration or management.
    pub kind: String,
    /// `Identifier`.
    pub identifier: String,
    /// `Type`.
    #[serde(rename = "type")]
    pub type_name: String,
    /// The `ServerToken` that the facts speak of.
    pub server_token: String,
    /// In the wanted manifest.
    pub wanted: bool,
    /// In a manifest whose token was handed out.
    pub offered: bool,
    /// Fetched under this token, or listed under it.
    pub fetched: bool,
    /// Listed in a status report under this token.
    pub reported: bool,
    /// Good, by the device's own word.
    pub confirmed: bool,
    /// confirmed, settled, failed, pending, or leaving: held, but wanted no more.
    pub state: String,
    /// What the device said.
    #[schema(value_type = Vec<Object>)]
    pub reasons: Vec<Reason>,
    /// Since when it fails, in unix seconds.
    pub failing_since: Option<i64>,
}

impl From<DeclarationView> for Declaration {
    fn from(view: DeclarationView) -> Self {
        Self {
            kind: view.kind.to_string(),
            identifier: view.identifier,
            type_name: view.type_name,
            server_token: view.server_token,
            wanted: view.wanted,
            offered: view.offered,
            fetched: view.fetched,
            reported: view.reported,
            confirmed: view.confirmed,
            state: view.state.to_owned(),
            reasons: view.reasons,
            failing_since: view.failing_since,
        }
    }
}

/// A declaration that is left out on a channel.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Omission {
    /// Which one.
    pub identifier: String,
    /// Why.
    pub reason: String,
}

/// A revision in the list of them.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RevisionRow {
    /// Its number.
    pub number: u64,
    /// The hash of the whole wish.
    pub digest: String,
    /// When it was published, in unix seconds.
    pub published_at: i64,
    /// By whom.
    pub published_by: String,
    /// The hash of the catalog that it was published under.
    pub catalog: String,
    /// What it changed.
    #[schema(value_type = Object)]
    pub changes: Changes,
}

/// Where a list goes on.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Page {
    /// Only entries with a smaller number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<u64>,
    /// At most so many; 100 unless said otherwise, 1,000 at the most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// A token to make.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// What people call it.
    pub name: String,
    /// admin: for the API. enrollment: for enrolling devices, Apple's at `/enroll/TOKEN`, Windows' with it as password.
    pub role: String,
    /// For how many seconds it works. Enrollment tokens always end: after 7 days unless said otherwise.
    #[serde(default)]
    pub valid_for: Option<i64>,
    /// Enrollment: for how many devices; 1 unless said otherwise.
    #[serde(default)]
    pub uses: Option<i64>,
    /// Enrollment: only for the device with this serial number.
    #[serde(default)]
    pub serial: Option<String>,
    /// Enrollment: the push topic of the profile; that of the server's push certificate unless said otherwise. Without
    /// one, only Windows devices enroll.
    #[serde(default)]
    pub topic: Option<String>,
}

/// A token that was made. The secret is shown this once.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CreatedToken {
    /// What is known of it.
    #[serde(flatten)]
    pub row: TokenRow,
    /// The token itself.
    pub token: String,
    /// Enrollment: where an Apple device gets its profile, if the token has a push topic.
    pub url: Option<String>,
}

/// A token in the list of them.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TokenRow {
    /// Its public name.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// admin or enrollment.
    pub role: String,
    /// When it was made, in unix seconds.
    pub created_at: i64,
    /// When it ends, in unix seconds.
    pub expires_at: Option<i64>,
    /// Enrollment: for how many devices it still works.
    pub uses_left: Option<i64>,
    /// Enrollment: the serial number that it is bound to.
    pub serial: Option<String>,
    /// Enrollment: the push topic of the profile.
    pub topic: Option<String>,
}

/// An enrollment profile to make, with an identity from Ordain's device CA inside.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewEnrollmentProfile {
    /// The push topic: the UID in the subject of the push certificate; that of the server's unless said otherwise.
    #[serde(default)]
    pub topic: Option<String>,
    /// Only for the device with this serial number.
    #[serde(default)]
    pub serial: Option<String>,
    /// Renews the identity of this enrollment: its first message under the new one retires the old.
    #[serde(default)]
    pub renew: Option<String>,
    /// The organization that people see.
    #[serde(default)]
    pub organization: Option<String>,
}

/// Identities to issue in bulk, for simulated devices and for tools that make their own keys.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewIdentities {
    /// PKCS#10 requests, each DER in base64; at most 1,000.
    pub requests: Vec<String>,
}

/// Identities that were issued.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Identities {
    /// The certificates, each DER in base64, in the order of the requests.
    pub certificates: Vec<String>,
}

/// One administrative change.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AuditRow {
    /// Its number; numbers grow.
    pub number: u64,
    /// When, in unix seconds.
    pub at: i64,
    /// Who.
    pub who: String,
    /// From where.
    pub origin: String,
    /// What.
    pub action: String,
    /// What exactly.
    #[schema(value_type = Object)]
    pub detail: Value,
}

/// Who is asking, and what is there.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Overview {
    /// The version of the server.
    pub version: String,
    /// The revision that is wanted; 0 when nothing was published.
    pub revision: u64,
    /// What devices are told to reach it by.
    pub public_url: String,
    /// The name of the token that was used.
    pub token: String,
    /// What is wrong with that revision, when it could not be published again for the public URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}
