//! Predicates, evaluated.

use ordain_predicate::Truth;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// A predicate to evaluate for one device.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PredicateQuestion {
    /// Its text. With `@device(…)` or `@tag(…)` it is one for groups, otherwise one for activations.
    pub predicate: String,
}

/// What a predicate comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// True, whatever the missing facts may be.
    True,
    /// False, whatever the missing facts may be.
    False,
    /// What is known does not decide.
    Unknown,
}

/// What a predicate comes to for one device, and why.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PredicateAnswer {
    /// The device.
    pub id: String,
    /// What it comes to.
    pub outcome: Outcome,
    /// Whose properties were taken, if it names any: pinned, those of the manifest that the device has fetched; or wanted,
    /// those of what it should have, since it has fetched none yet.
    pub properties: Option<PropertiesOf>,
    /// The outcome of each part, with the values of its terms.
    #[schema(value_type = Object)]
    pub explanation: Box<RawValue>,
    /// The same for people.
    pub text: String,
    /// The facts for want of which it is unknown.
    pub missing: Vec<MissingFact>,
    /// What publishing would find wrong, or warn of, each with its place.
    pub findings: Vec<String>,
}

/// Which manifest's properties a device is taken to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum PropertiesOf {
    /// That which it has fetched.
    Pinned,
    /// That which it should have.
    Wanted,
}

/// A fact that is not known of a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MissingFact {
    /// As a predicate names it.
    pub fact: String,
    /// Why.
    pub why: String,
}

/// A predicate over all devices that have not left.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FleetQuestion {
    /// Its text, in the dialect of groups.
    pub predicate: String,
    /// Lists only the devices for which it comes to this; otherwise all.
    #[serde(default)]
    pub outcome: Option<Outcome>,
    /// Only devices after this one, in the order of their identifiers.
    #[serde(default)]
    pub after: Option<String>,
    /// Lists at most so many devices; 100 unless said otherwise, 1,000 at the most, and with 0 none.
    #[serde(default)]
    pub limit: Option<usize>,
}

/// What a predicate comes to over a stretch of the fleet: up to where the list was full or the time was up.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
pub struct FleetAnswer {
    /// How many devices of this stretch it is what for.
    pub counts: FleetCounts,
    /// Those that were asked for.
    pub devices: Vec<FleetDevice>,
    /// What is missing where it is unknown.
    pub missing: Vec<MissingInFleet>,
    /// How many devices it is unknown for although nothing is missing: it cannot take what they reported.
    pub unfit: u64,
    /// Ask again with this for `after`: there are more devices.
    pub next: Option<String>,
    /// Where there are more: how many devices there are in all.
    pub all: Option<u64>,
    /// What is wrong with it, or warned of, each with its place; told with the first stretch.
    pub findings: Vec<String>,
}

/// How many devices a predicate is what for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename = "FleetCounts")]
pub struct FleetCounts {
    /// True.
    #[serde(rename = "true")]
    pub holds: u64,
    /// False.
    #[serde(rename = "false")]
    pub fails: u64,
    /// Unknown.
    pub unknown: u64,
}

/// A device, and what the predicate comes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FleetDevice {
    /// The identifier of its device channel.
    pub id: String,
    /// Its serial number, as it says.
    pub serial: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// What it comes to.
    pub outcome: Outcome,
}

/// A fact that is missing on devices for which a predicate is unknown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MissingInFleet {
    /// As the predicate names it.
    pub fact: String,
    /// On how many of them.
    pub devices: u64,
    /// How many of these said that they could not give it; the others never spoke of it.
    pub failed: u64,
}

impl FleetCounts {
    /// One device more.
    pub(crate) fn add(&mut self, outcome: Outcome) {
        *match outcome {
            Outcome::True => &mut self.holds,
            Outcome::False => &mut self.fails,
            Outcome::Unknown => &mut self.unknown,
        } += 1;
    }
}

impl From<Truth> for Outcome {
    fn from(truth: Truth) -> Self {
        match truth {
            Truth::True => Self::True,
            Truth::False => Self::False,
            Truth::Unknown => Self::Unknown,
        }
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::True => "true",
            Self::False => "false",
            Self::Unknown => "unknown",
        })
    }
}
