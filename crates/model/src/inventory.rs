//! Inventory: what every device is asked for after it enrolled, and then daily, in rounds. Like the
//! DeclarativeManagement command these commands are derived when a device asks for work, never queued.

use std::collections::BTreeSet;

use ordain_catalog::{Catalog, Platform};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::command::{self, named};
use crate::decision::Write;
use crate::device::DeviceFacts;
use crate::enrollment::{Answer, Enrollment};
use crate::ids::{Channel, Digest};
use crate::membership;

/// How long a round lasts, in seconds, give or take an hour.
const PERIOD: i64 = 24 * 60 * 60;
/// Devices that enrolled at the same time drift apart by up to this much a day, in seconds.
const SPREAD: i64 = 60 * 60;
/// The longest text that is taken for a fact, in octets.
const MAX_FACT: usize = 1024;

/// One command of a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Survey {
    /// What the device is.
    DeviceInformation,
    /// How it is protected.
    SecurityInfo,
    /// What is installed on it.
    InstalledApplicationList,
}

impl Survey {
    /// All of them, in the order in which they are asked.
    pub const ALL: [Self; 3] = [
        Self::DeviceInformation,
        Self::SecurityInfo,
        Self::InstalledApplicationList,
    ];

    /// Its `RequestType`.
    pub const fn request_type(self) -> &'static str {
        match self {
            Self::DeviceInformation => "DeviceInformation",
            Self::SecurityInfo => "SecurityInfo",
            Self::InstalledApplicationList => "InstalledApplicationList",
        }
    }

    /// The key of its answer.
    pub const fn answer_key(self) -> &'static str {
        match self {
            Self::DeviceInformation => "QueryResponses",
            Self::SecurityInfo | Self::InstalledApplicationList => self.request_type(),
        }
    }
}

/// What a device answered to a survey.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// To which one.
    pub survey: Survey,
    /// When, in unix seconds.
    pub at: i64,
    /// What it found, if it said anything; or what it said of its failure.
    pub outcome: Result<Option<Value>, String>,
}

/// The present round of one device.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inventory {
    /// Its number in this generation, from 1; 0 before there was an answer.
    pub round: i64,
    /// When its first answer came, in unix seconds; 0 before there was any.
    pub begun: i64,
    /// What was answered since then, whatever the answer was.
    pub answered: BTreeSet<Survey>,
    /// What was refused with `NotNow` since the device last said `Idle`.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub refused: BTreeSet<Survey>,
}

/// From when on `survey` is due, in unix seconds; never on user channels, and where the system lacks the command.
pub fn due_at(
    enrollment: &Enrollment,
    device: &DeviceFacts,
    survey: Survey,
    catalog: &Catalog,
) -> Option<i64> {
    if enrollment.id.channel() != Channel::Device
        || !command::is_available(catalog, survey.request_type(), enrollment, device)
    {
        return None;
    }
    let Inventory { begun, answered, .. } = &enrollment.inventory;
    Some(if answered.contains(&survey) {
        next_round(enrollment)
    } else {
        *begun
    })
}

/// The `CommandUUID` of `survey` in the round that is due: every node makes it alike.
pub fn command_uuid(enrollment: &Enrollment, survey: Survey, now: i64) -> String {
    let Enrollment { id, generation, .. } = enrollment;
    let round = round(enrollment, now);
    let request_type = survey.request_type();
    named(&format!("{id}\n{generation}\n{round}\n{request_type}"))
}

/// The survey of the round that is due whose command is `uuid`.
pub fn survey_of(enrollment: &Enrollment, uuid: &str, now: i64) -> Option<Survey> {
    Survey::ALL
        .into_iter()
        .find(|survey| command_uuid(enrollment, *survey, now) == uuid)
}

/// The enrollment when its device begins a session, if that makes another one: nothing is refused in it yet.
pub(crate) fn begun_session(enrollment: &Enrollment) -> Option<Enrollment> {
    let inventory = Inventory {
        refused: BTreeSet::new(),
        ..enrollment.inventory.clone()
    };
    (inventory != enrollment.inventory).then(|| Enrollment {
        inventory,
        ..enrollment.clone()
    })
}

/// What is new in an answer to `survey`: what was found, and the enrollment that has learned of it. Nothing when the
/// answer came before.
pub(crate) fn note(
    enrollment: &Enrollment,
    survey: Survey,
    answer: &Answer,
    found: Option<&Value>,
    now: i64,
) -> (Vec<Write>, Option<Enrollment>) {
    let outcome = match answer {
        Answer::None => return (Vec::new(), None),
        Answer::NotNow => return (Vec::new(), refused(enrollment, survey, now)),
        Answer::Acknowledged => Ok(found.and_then(|found| found.get(survey.answer_key())).cloned()),
        Answer::Failed(reason) => Err(reason.clone()),
    };
    let inventory = answered(enrollment, survey, now);
    if inventory == enrollment.inventory {
        return (Vec::new(), None);
    }
    let mut facts = enrollment.facts.clone();
    if let (Survey::DeviceInformation, Ok(Some(responses))) = (survey, &outcome) {
        learn(&mut facts, responses);
    }
    let mut writes = Vec::new();
    let kind = |facts: &DeviceFacts| (facts.os_version, facts.enrollment_type());
    if kind(&facts) != kind(&enrollment.facts) {
        // It may belong to another audience now.
        writes.push(Write::Wake(enrollment.id.clone(), now));
    }
    writes.push(Write::Inventory(
        enrollment.id.clone(),
        Finding {
            survey,
            at: now,
            outcome,
        },
    ));
    let mut after = Enrollment {
        inventory,
        facts,
        ..enrollment.clone()
    };
    after.groups = membership::after_learning(enrollment, &after);
    (writes, Some(after))
}

/// The enrollment after a refusal of `survey`, unless it was refused before in this session, or answered.
fn refused(enrollment: &Enrollment, survey: Survey, now: i64) -> Option<Enrollment> {
    let mut inventory = enrollment.inventory.clone();
    let is_answered = inventory.answered.contains(&survey) && now < next_round(enrollment);
    (!is_answered && inventory.refused.insert(survey)).then(|| Enrollment {
        inventory,
        ..enrollment.clone()
    })
}

/// The inventory after a final answer to `survey`.
fn answered(enrollment: &Enrollment, survey: Survey, now: i64) -> Inventory {
    let mut inventory = enrollment.inventory.clone();
    if now >= next_round(enrollment) {
        inventory.round = round(enrollment, now);
        inventory.begun = now;
        inventory.answered.clear();
    }
    inventory.answered.insert(survey);
    inventory.refused.remove(&survey);
    inventory
}

/// What a device says of its system and its name counts from then on. What it is, its serial number and UDID, it said
/// when it enrolled; an answer cannot change that.
fn learn(facts: &mut DeviceFacts, responses: &Value) {
    let text = |key: &str| {
        let text = responses.get(key).and_then(Value::as_str);
        text.filter(|text| !text.is_empty() && text.len() <= MAX_FACT)
    };
    let version = text("OSVersion").and_then(|version| version.parse().ok());
    facts.learn_system(version, text("BuildVersion"));
    if let Some(name) = text("DeviceName") {
        facts.name = Some(name.to_owned());
    }
    let supervised = responses.get("IsSupervised").and_then(Value::as_bool);
    facts.supervised = supervised.or(facts.supervised);
    if facts.model.is_none() {
        facts.model = text("ProductName").or(text("ModelName")).map(str::to_owned);
    }
    if facts.platform.is_none() {
        facts.platform = facts.model.as_deref().and_then(Platform::from_model);
    }
}

/// The number of the round that is due, or under way.
pub(crate) fn round(enrollment: &Enrollment, now: i64) -> i64 {
    let Inventory { round, .. } = enrollment.inventory;
    if now >= next_round(enrollment) {
        round.saturating_add(1)
    } else {
        round
    }
}

fn next_round(enrollment: &Enrollment) -> i64 {
    let Enrollment { id, inventory, .. } = enrollment;
    if inventory.begun == 0 {
        return 0;
    }
    let begun = inventory.begun;
    let Digest(hash) = Digest::of(format!("{id}\n{begun}").as_bytes());
    let spread = i64::from(hash.first().copied().unwrap_or_default()) * 2 * SPREAD / 256 - SPREAD;
    begun + PERIOD + spread
}
