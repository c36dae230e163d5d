//! The DeclarativeManagement command: derived from the state when a device asks for work, never queued.

use ordain_catalog::{Availability, Catalog};

use crate::audience::channel_scope;
use crate::decision::{Decision, Write};
use crate::device::DeviceFacts;
use crate::enrollment::{Answer, Enrollment, Offer, Phase, Told};
use crate::ids::Digest;
use crate::sync::{self, Behind, Wanted};

/// The `RequestType` that starts a sync.
pub const REQUEST_TYPE: &str = "DeclarativeManagement";

/// What a device says on the command channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Says {
    /// `Idle`: it asks for work; a session begins.
    Idle,
    /// The outcome of the command with this `CommandUUID`.
    Outcome(String, Answer),
}

/// The command to give, if any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Give {
    /// `CommandUUID`.
    pub uuid: String,
    /// What its `Data` tells.
    pub offer: Offer,
}

/// How long an acknowledged command is given before it is repeated, in seconds: one minute, doubling up to six
/// hours. A device that has acknowledged, and does not fetch, has its reasons.
fn patience(attempts: u32) -> i64 {
    60 * (1 << attempts.saturating_sub(1).min(9)).min(360)
}

/// Whether the channel takes the command `request_type`, as far as is known; `device` are the facts of its device.
pub fn is_available(
    catalog: &Catalog,
    request_type: &str,
    enrollment: &Enrollment,
    device: &DeviceFacts,
) -> bool {
    let Some(command) = catalog.command(request_type) else {
        return true;
    };
    let availability = command.support.availability(
        device.platform,
        device.os_version.as_ref(),
        device.enrollment_type(),
        channel_scope(enrollment.id.channel()),
    );
    !matches!(availability, Availability::Unavailable(_))
}

/// What to answer on the command channel of `enrollment`; `device` are the facts of its device.
pub fn respond(
    enrollment: &Enrollment,
    says: &Says,
    wanted: &Wanted,
    catalog: &Catalog,
    device: &DeviceFacts,
    now: i64,
) -> Result<Decision<Option<Give>>, Behind> {
    let open = enrollment
        .told
        .as_ref()
        .filter(|told| told.answer == Answer::None);
    match (says, open) {
        (Says::Outcome(uuid, answer), Some(told)) if told.uuid == *uuid => {
            let told = Told {
                answer: answer.clone(),
                at: now,
                ..told.clone()
            };
            let after = Enrollment {
                told: Some(told),
                ..enrollment.clone()
            };
            // Told once in a session is enough, whatever was published meanwhile.
            return Ok(Decision {
                writes: vec![Write::Enrollment(Box::new(after))],
                reply: None,
            });
        }
        // The result of something else, or one that came twice: there is nothing to add to it.
        (Says::Outcome(..), _) => return Ok(Decision::reply(None)),
        (Says::Idle, _) => {}
    }
    let token = wanted.manifest.token();
    let is_due = due_at(enrollment, device, token, catalog).is_some_and(|due| due <= now);
    if enrollment.phase != Phase::Enrolled || !is_due {
        return Ok(Decision::reply(None));
    }
    let (uuid, attempts) = next_attempt(enrollment, token);
    let offer = sync::offer(enrollment, wanted, now)?;
    let told = Told {
        uuid: uuid.clone(),
        token: offer.token,
        answer: Answer::None,
        at: now,
        attempts,
    };
    let after = Enrollment {
        told: Some(told),
        ..sync::offered(enrollment, offer)
    };
    Ok(Decision {
        writes: vec![wanted.keep(), Write::Enrollment(Box::new(after))],
        reply: Some(Give { uuid, offer }),
    })
}

/// From when on the command is due, in unix seconds; `None`: the device has DDM not at all, or has what it should have.
pub fn due_at(
    enrollment: &Enrollment,
    device: &DeviceFacts,
    token: Digest,
    catalog: &Catalog,
) -> Option<i64> {
    if !is_available(catalog, REQUEST_TYPE, enrollment, device) {
        return None;
    }
    let Some(told) = &enrollment.told else {
        // The first one switches DDM on, even when there is nothing to declare.
        return Some(0);
    };
    if enrollment.holds(token) || enrollment.pinned == Some(token) {
        return None;
    }
    Some(match told.answer {
        Answer::Acknowledged | Answer::Failed(_) if told.token == token => {
            told.at.saturating_add(patience(told.attempts))
        }
        // It is new, or the session broke, or the device could not.
        _ => 0,
    })
}

/// The identifier of the command that is due, and how often this token will have been told with it.
fn next_attempt(enrollment: &Enrollment, token: Digest) -> (String, u32) {
    match &enrollment.told {
        Some(told) if told.token == token => match told.answer {
            // The same command again.
            Answer::None | Answer::NotNow => (told.uuid.clone(), told.attempts),
            Answer::Acknowledged | Answer::Failed(_) => {
                let attempts = told.attempts.saturating_add(1);
                (command_uuid(enrollment, token, attempts), attempts)
            }
        },
        _ => (command_uuid(enrollment, token, 1), 1),
    }
}

fn command_uuid(enrollment: &Enrollment, token: Digest, attempt: u32) -> String {
    let (id, generation, stamp) = (&enrollment.id, enrollment.generation, enrollment.stamp);
    named(&format!("{id}\n{generation}\n{stamp}\n{token}\n{attempt}"))
}

/// A name that every node makes alike of `content`, so that a command decided twice is the same command.
pub(crate) fn named(content: &str) -> String {
    let hash = Digest::of(content.as_bytes()).to_string();
    let part = |from: usize, to: usize| hash.get(from..to).unwrap_or_default().to_uppercase();
    // The version and variant bits of RFC 9562's version 8: bits of our own making.
    format!(
        "{}-{}-8{}-8{}-{}",
        part(0, 8),
        part(8, 12),
        part(13, 16),
        part(17, 20),
        part(20, 32)
    )
}
