//! Groups and tags.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// All groups.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Groups {
    /// In order of their names; `all`, which every device is in, is not among them.
    pub groups: Vec<GroupRow>,
    /// How far memberships in groups by predicate are decided.
    pub evaluation: Evaluation,
    /// The revision that is wanted.
    pub revision: u64,
}

/// How far memberships in groups by predicate are decided by the predicates of the wanted revision. Others stand as
/// they were decided before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Evaluation {
    /// Of so many devices,
    pub decided: u64,
    /// out of so many. Without any group by predicate the two are equal.
    pub devices: u64,
}

/// A group in a list.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct GroupRow {
    /// Its name.
    pub name: String,
    /// For people.
    pub description: Option<String>,
    /// The predicate of a group by predicate.
    pub condition: Option<String>,
    /// How many names a listed group lists.
    pub listed: usize,
    /// How many devices are in it; those that left are not.
    pub members: usize,
}

/// Which part of a group to look at.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct GroupPage {
    /// Only devices whose identifier comes after this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Look at so many devices, members or not; 1,000 unless said otherwise, and at most 5,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// The members of a group among a stretch of the devices.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct GroupMembers {
    /// Its name.
    pub name: String,
    /// For people.
    pub description: Option<String>,
    /// The predicate of a group by predicate.
    pub condition: Option<String>,
    /// How many names a listed group lists.
    pub listed: usize,
    /// Who is in it.
    pub members: Vec<GroupMember>,
    /// Of whom the predicate tells nothing, whether they are in it or not.
    pub unknown: Vec<UnknownMembership>,
    /// How many devices were looked at.
    pub looked_at: usize,
    /// Where to go on: the last of them. None when there are no more.
    pub after: Option<String>,
    /// How far memberships in groups by predicate are decided.
    pub evaluation: Evaluation,
    /// The revision that is wanted.
    pub revision: u64,
}

/// A device of a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GroupMember {
    /// The identifier of its device channel.
    pub id: String,
    /// Its name.
    pub name: Option<String>,
    /// Its serial number.
    pub serial: Option<String>,
}

/// A device of which nobody knows whether it belongs to a group by predicate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UnknownMembership {
    /// Which one.
    #[serde(flatten)]
    pub device: GroupMember,
    /// Whether it is in it: as it was when that was last known.
    pub is_member: bool,
    /// The facts that would tell, as the predicate names them; none when a part of it has no outcome.
    pub missing: Vec<String>,
}

/// A group of which it is unknown whether a device belongs to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UnknownGroup {
    /// Its name.
    pub name: String,
    /// Whether the device is in it: as it was when that was last known.
    pub is_member: bool,
    /// The facts that would tell, as the predicate names them; none when a part of it has no outcome.
    pub missing: Vec<String>,
}

/// What to do with the tags of a device.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TagChange {
    /// Tags that it is to have: each of 1 to 64 letters, digits, hyphens, underscores and dots.
    pub add: Vec<String>,
    /// Tags that it is not to have any more, unless they are added too.
    pub remove: Vec<String>,
}

/// The tags of a device.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Tags {
    /// In order.
    pub tags: Vec<String>,
}
