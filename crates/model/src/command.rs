//! The DeclarativeManagement command: derived from the state when a device asks for work, never queued.

use ordain_catalog::{Availability, Catalog};

use crate::audience::channel_scope;
use crate::device::DeviceFacts;
use crate::enrollment::{Answer, Enrollment, Offer, Told};
use crate::ids::Digest;
use crate::sync::{self, Behind, Wanted};

/// The `RequestType` that starts a sync.
pub const REQUEST_TYPE: &str = "DeclarativeManagement";

/// How long an acknowledged command is given before it is repeated, in seconds: one minute, doubling up to six
/// hours. A device that has acknowledged, and does not fetch, has its reasons.
fn patience(attempts: u32) -> i64 {
    60 * (1 << attempts.saturating_sub(1).min(9)).min(360)
}

/// Whether the channel takes Apple's command `request_type`, as far as is known; `device` are the facts of its device.
pub fn is_available(
    catalog: &Catalog,
    request_type: &str,
    enrollment: &Enrollment,
    device: &DeviceFacts,
) -> bool {
    if device.is_windows() {
        return false;
    }
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

/// The command to give, and the offer that it tells, if it is due. `device` are the facts of the channel's device.
pub(crate) fn tell(
    enrollment: &Enrollment,
    device: &DeviceFacts,
    wanted: &Wanted,
    catalog: &Catalog,
    now: i64,
) -> Result<Option<(Told, Offer)>, Behind> {
    let token = wanted.manifest.token();
    if due_at(enrollment, device, token, catalog).is_none_or(|due| due > now) {
        return Ok(None);
    }
    let (uuid, attempts) = next_attempt(enrollment, token);
    let offer = sync::offer(enrollment, wanted, now)?;
    let told = Told {
        uuid,
        token: offer.token,
        answer: Answer::None,
        at: now,
        attempts,
    };
    Ok(Some((told, offer)))
}

/// The enrollment after the answer to the command that was given last. `None`: it was answered before.
pub(crate) fn answered(enrollment: &Enrollment, answer: &Answer, now: i64) -> Option<Enrollment> {
    let told = enrollment
        .told
        .clone()
        .filter(|told| told.answer == Answer::None)?;
    Some(Enrollment {
        told: Some(Told {
            answer: answer.clone(),
            at: now,
            ..told
        }),
        ..enrollment.clone()
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
