//! Inventory: what every device is asked for after it enrolled, and then daily, in rounds. Like the
//! DeclarativeManagement command these commands are derived when a device asks for work, never queued.

use std::collections::BTreeSet;

use ordain_catalog::Catalog;
use serde::{Deserialize, Serialize};

use crate::command::{self, named};
use crate::device::DeviceFacts;
use crate::enrollment::Enrollment;
use crate::ids::{Channel, Digest};

/// How long a round lasts, in seconds, give or take an hour.
const PERIOD: i64 = 24 * 60 * 60;
/// Devices that enrolled at the same time drift apart by up to this much a day, in seconds.
const SPREAD: i64 = 60 * 60;

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
}

/// The present round of one device.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inventory {
    /// When its first answer came, in unix seconds; 0 before there was any.
    pub begun: i64,
    /// What was answered since then, whatever the answer was.
    pub answered: BTreeSet<Survey>,
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
    let Inventory { begun, answered } = &enrollment.inventory;
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

/// The inventory after a final answer to `survey`.
pub fn answered(enrollment: &Enrollment, survey: Survey, now: i64) -> Inventory {
    let Inventory { begun, answered } = &enrollment.inventory;
    if now >= next_round(enrollment) {
        return Inventory {
            begun: now,
            answered: BTreeSet::from([survey]),
        };
    }
    let mut answered = answered.clone();
    answered.insert(survey);
    Inventory {
        begun: *begun,
        answered,
    }
}

/// What names the round that is due: when the one before it began.
pub(crate) fn round(enrollment: &Enrollment, now: i64) -> i64 {
    if now >= next_round(enrollment) {
        next_round(enrollment)
    } else {
        enrollment.inventory.begun
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
