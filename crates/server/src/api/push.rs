//! Push, as the admin API tells it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A push certificate to take.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPushCertificate {
    /// The certificate, authorities above it if there are any, and the private key, in PEM.
    pub pem: String,
    /// Take it although none of the enrolled devices has its topic: these can never be pushed again.
    #[serde(default)]
    pub other_topic: bool,
}

/// The certificate that devices are pushed with.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PushCertificate {
    /// The topic that it is for.
    pub topic: String,
    /// The common name of its subject.
    pub subject: String,
    /// Its end, in unix seconds.
    pub expires_at: i64,
    /// Whole days until then; negative afterwards.
    pub days_left: i64,
    /// Whether it has ended.
    pub is_expired: bool,
    /// The channels that have enrolled with this topic.
    pub channels: u64,
    /// What needs an administrator's eye.
    pub warnings: Vec<String>,
}

/// How it stands with the pushes of Apple's devices.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PushStatus {
    /// The certificate, if there is one.
    pub certificate: Option<PushCertificate>,
    /// Why nothing is pushed at all.
    pub note: Option<String>,
    /// How far they are.
    #[serde(flatten)]
    pub progress: PushProgress,
}

/// Credentials for WNS to take: those of an app of Microsoft's store.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWnsCredentials {
    /// The package family name.
    pub package_family_name: String,
    /// The package SID.
    pub sid: String,
    /// The client secret.
    pub secret: String,
}

/// How it stands with the pushes of Windows devices. The secret is never shown.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct WnsStatus {
    /// The package family name that devices get channels for, if there are credentials.
    pub package_family_name: Option<String>,
    /// The package SID.
    pub sid: Option<String>,
    /// Why nothing is pushed at all.
    pub note: Option<String>,
    /// Devices that have told a channel.
    pub channels: u64,
    /// How far they are.
    #[serde(flatten)]
    pub progress: PushProgress,
}

/// How far the pushes through one service are.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
pub struct PushProgress {
    /// The trouble with the service, whatever the device.
    pub problem: Option<PushProblem>,
    /// The sweep of the newest revision that there was one for.
    pub sweep: Option<PushSweep>,
    /// Channels to be looked at now: for commands, after enrolling, and once more for those that did not come.
    pub due: u64,
    /// Channels that were pushed and have not come since.
    pub unanswered: u64,
    /// Channels whose push token is dead, until they tell another one.
    pub dead: u64,
    /// Channels that the service refuses.
    pub refused: Vec<PushRefusals>,
}

/// Trouble with a push service that no device is to blame for.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PushProblem {
    /// In words.
    pub reason: String,
    /// Since when, in unix seconds.
    pub since: i64,
    /// When a push is tried again, in unix seconds.
    pub tried_again_at: i64,
}

/// How far all channels have been looked at for one revision.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PushSweep {
    /// Which revision.
    pub revision: u64,
    /// How many channels there were when it began.
    pub channels: u64,
    /// How many it has passed. What came of them:
    pub passed: u64,
    /// pushed,
    pub pushed: u64,
    /// pushed before, and not there yet: whenever they come, they are told the newest,
    pub waiting: u64,
    /// with nothing to do,
    pub up_to_date: u64,
    /// or without a push token that works.
    pub unreachable: u64,
    /// When it began, in unix seconds.
    pub started_at: i64,
    /// When it ended.
    pub finished_at: Option<i64>,
    /// Channels that it passes in a second.
    pub per_second: u64,
    /// About how many seconds it will still take.
    pub seconds_left: Option<u64>,
}

/// Channels that a push service refuses for the same reason.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PushRefusals {
    /// In its words.
    pub reason: String,
    /// How many.
    pub channels: u64,
}
