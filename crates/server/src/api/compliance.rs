//! The state of the whole fleet.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Of which devices, and from when on silence counts.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ComplianceQuery {
    /// Only members of this group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// After how many seconds without a word the state of a device is unknown; unless said otherwise three days, or twice what
    /// passes between two sessions of a Windows device where that is longer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub silent_after: Option<u32>,
}

/// How far the fleet has got, by the devices' own word. Devices that left are not counted.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Compliance {
    /// In the order of their names; those whose platform nobody knows at the end.
    pub platforms: Vec<PlatformCompliance>,
    /// All of them together.
    pub total: DeviceCounts,
    /// After how many seconds without a word a device counted as unknown; one of Windows that is to come more seldom, and of
    /// which nothing else was asked, after two of its sessions.
    pub silent_after: u32,
    /// Within how many seconds before now something counted as repaired.
    pub repaired_within: u32,
    /// The revision that is wanted.
    pub revision: u64,
}

/// The devices of one platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlatformCompliance {
    /// macOS, Windows and so on.
    pub platform: Option<String>,
    /// How many there are of each state.
    #[serde(flatten)]
    pub counts: DeviceCounts,
}

/// How many devices there are of each state, each of them once; and how many of those whose state is known have drifted, as far
/// as they have documents of declared configuration.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeviceCounts {
    /// All of them.
    pub devices: u64,
    /// Everything that they should have is confirmed or settled,
    pub converged: u64,
    /// something has failed,
    pub failed: u64,
    /// neither is so yet,
    pub pending: u64,
    /// or nobody knows: they have never reported, or were silent for too long, whatever they said before.
    pub unknown: u64,
    /// On so many something that documents set is not so any more, or not surely, or is not there; or a document is there that
    /// nobody sent.
    pub drifted: u64,
    /// So many have told within `repaired_within` seconds that they had repaired such a thing by themselves.
    pub repaired: u64,
}
