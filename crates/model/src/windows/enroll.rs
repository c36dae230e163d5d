//! Enrollment of Windows devices (MS-MDE2): what issuing, renewing and leaving change.
//!
//! A device has its certificate from Ordain, so what Apple's devices do in Authenticate is decided when it is issued: by
//! the same rules, [`checkin::authenticate`]'s. Complete is the enrollment with the first message under that certificate.

use std::collections::BTreeSet;

use crate::checkin::{self, AuthenticateState, EnrollmentPolicy, Presented, Refusal};
use crate::decision::{Decision, EscrowKind, Identity, Role, Write};
use crate::device::DeviceFacts;
use crate::enrollment::{Enrollment, Phase};
use crate::event::Event;
use crate::ids::{Digest, EnrollmentId};
use crate::world::World;

/// `RenewPeriod`: how many days before the end of a certificate a device begins to ask for the next one.
pub const RENEW_PERIOD: u16 = 42;
/// `RetryInterval`: how many days it lets pass between two attempts.
pub const RETRY_INTERVAL: u16 = 4;
const DAY: i64 = 24 * 60 * 60;

/// A device that somebody vouched for, with the certificate that it is to get.
#[derive(Debug, Clone)]
pub struct Enrolling<'a> {
    /// Who it says it is: [`crate::windows::WindowsFacts::enrollment_id`] of `facts`.
    pub id: &'a EnrollmentId,
    /// What it says of itself.
    pub facts: DeviceFacts,
    /// The certificate made for it.
    pub certificate: Presented,
    /// The serial number that the enrollment token is bound to. Windows tells none when it enrolls, so that such a
    /// token enrolls no Windows device.
    pub serial: Option<String>,
    /// The secrets of its DM account, sealed.
    pub account: Vec<u8>,
}

/// Why a certificate is not renewed now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotRenewable {
    /// It ends too late for that.
    #[error("the certificate is not in its renewal period yet")]
    TooEarly,
    /// It has ended: the device must enroll again.
    #[error("the certificate has expired")]
    Expired,
}

/// Starts a new generation of the device, in which nothing of the one before counts, under the new certificate.
/// `claimed_elsewhere` are those of its names that another device claimed first.
pub fn enroll(
    world: &World,
    before: Option<&Enrollment>,
    claimed_elsewhere: BTreeSet<String>,
    enrolling: Enrolling<'_>,
    policy: EnrollmentPolicy,
    now: i64,
) -> Result<Decision<()>, Refusal> {
    let Enrolling {
        id,
        facts,
        certificate,
        serial,
        account,
    } = enrolling;
    let state = AuthenticateState {
        device: before.cloned(),
        identity: Some(Identity {
            fingerprint: certificate.pin.fingerprint,
            role: Role::Issued,
            enrollment: None,
            serial,
            usable_until: None,
        }),
        claimed_elsewhere,
    };
    let mut decision = checkin::authenticate(world, &state, id, facts, &certificate, policy, now)?;
    let escrow = Write::Escrow(id.clone(), EscrowKind::DmAccount, Some(account));
    decision.writes.push(escrow);
    Ok(decision)
}

/// Lets the holder of the pinned certificate of a Windows device's channel in, its own or its linked one, and nobody
/// else. [`Refusal::WrongIdentity`] leaves it to [`checkin::succeed`] to pin the one presented.
pub fn admit<'a>(channel: Option<&'a Enrollment>, presented: &Presented) -> Result<&'a Enrollment, Refusal> {
    let channel = checkin::pinned(channel, presented)?;
    match channel.facts.is_windows() {
        true => Ok(channel),
        false => Err(Refusal::OtherProtocol),
    }
}

/// A message came under the pinned certificate of `channel`, which is `device` or its linked one: with the first one that
/// enrollment is complete. `None`: it was before.
pub fn arrived(device: &Enrollment, channel: &Enrollment, now: i64) -> Option<Decision<()>> {
    (channel.phase == Phase::Authenticated).then(|| {
        let enrolled = Enrollment {
            phase: Phase::Enrolled,
            ..channel.clone()
        };
        Decision {
            writes: vec![
                Write::Event(Event::enrolled(&enrolled, device, now)),
                Write::Enrollment(Box::new(enrolled)),
            ],
            reply: (),
        }
    })
}

/// Issues the certificate `successor` for `channel`, whose pinned certificate is `presented`. Both work until the first
/// message under the new one ([`checkin::succeed`]), since the device may never get it.
pub fn renew(
    channel: &Enrollment,
    presented: &Presented,
    successor: Digest,
    now: i64,
) -> Result<Decision<()>, NotRenewable> {
    may_renew(presented, now)?;
    let identity = Identity {
        fingerprint: successor,
        role: Role::Issued,
        enrollment: Some(channel.id.clone()),
        serial: None,
        // The device has thrown the old one away when it has this one, however long it sleeps then.
        usable_until: None,
    };
    Ok(Decision {
        writes: vec![Write::Identity(identity)],
        reply: (),
    })
}

/// Whether `presented` is in its renewal period, give or take a day, since clocks differ.
pub fn may_renew(presented: &Presented, now: i64) -> Result<(), NotRenewable> {
    let end = presented.pin.not_after;
    if now > end {
        Err(NotRenewable::Expired)
    } else if now < end.saturating_sub((i64::from(RENEW_PERIOD) + 1) * DAY) {
        Err(NotRenewable::TooEarly)
    } else {
        Ok(())
    }
}

/// `channel`, which is `device` or its linked one, is left by the device's own word: its certificate is retired with it,
/// and with the device its linked channel goes.
pub fn unenroll(device: &Enrollment, channel: &Enrollment, now: i64) -> Decision<()> {
    let mut decision = checkin::check_out(device, &channel.id, now);
    decision.writes.extend(retired(channel));
    decision
}

/// The end of the pinned certificate.
pub(super) fn retired(channel: &Enrollment) -> Option<Write> {
    let pin = channel.identity?;
    Some(Write::Identity(Identity {
        fingerprint: pin.fingerprint,
        role: Role::Retired,
        enrollment: Some(channel.id.clone()),
        serial: None,
        usable_until: None,
    }))
}
