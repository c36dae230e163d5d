//! Check-in: who may enroll, and what Authenticate, TokenUpdate and CheckOut change.

use std::collections::{BTreeMap, BTreeSet};

use crate::decision::{Claim, Decision, EscrowKind, Identity, Role, Write};
use crate::device::DeviceFacts;
use crate::enrollment::{Enrollment, Memberships, Phase, Pin, Push};
use crate::event::Event;
use crate::ids::{Digest, EnrollmentId};
use crate::inventory::Inventory;
use crate::membership::{self, Basis, Decided};
use crate::sync::Behind;
use crate::world::World;

/// A certificate that came with a request, its possession proven and its chain verified to a known anchor, expiry
/// aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Presented {
    /// SHA-256 of the certificate, and its end.
    pub pin: Pin,
    /// Its beginning, in unix seconds.
    pub not_before: i64,
    /// Whether Ordain's own device CA issued it.
    pub own: bool,
    /// SHA-256 of the device CA that its chain leads to.
    pub anchor: Digest,
}

/// How far a device's clock, or a CA's, may be from ours when a certificate is young, in seconds.
const CLOCK_TOLERANCE: i64 = 24 * 60 * 60;

/// Why a message is refused. Devices learn nothing of it: they get 403 with an empty body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No such enrollment, or not on this channel.
    #[error("not enrolled")]
    NotEnrolled,
    /// The device checked out; it must authenticate again.
    #[error("checked out")]
    CheckedOut,
    /// The certificate is not the one that is pinned.
    #[error("another certificate than the pinned one")]
    WrongIdentity,
    /// The device was migrated, and nobody opened the migration for this certificate.
    #[error("migrated, and no certificate is pinned yet")]
    NotPinned,
    /// The certificate belongs to another enrollment.
    #[error("the certificate belongs to another enrollment")]
    ForeignIdentity,
    /// The certificate was replaced.
    #[error("the certificate is retired")]
    RetiredIdentity,
    /// Nobody opened enrollment for this certificate.
    #[error("enrollment is not open for this certificate")]
    Closed,
    /// The certificate is outside its validity, or the time to use it first has passed.
    #[error("the certificate, or the time to enroll with it, has expired")]
    Expired,
    /// The certificate was issued for another serial number.
    #[error("the certificate was issued for another serial number")]
    WrongSerial,
    /// The message has been answered, or is older than one that was.
    #[error("the message was sent before")]
    Replayed,
    /// Apple's protocol for a Windows device, or the other way round.
    #[error("the device is enrolled by another protocol")]
    OtherProtocol,
}

/// What administrators decided about enrolling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EnrollmentPolicy {
    /// Whether certificates of foreign device CAs open an enrollment.
    pub open: bool,
    /// Whether listed memberships follow a device into its next generation unasked.
    pub allow_reenrollment: bool,
}

/// What Authenticate is decided from.
#[derive(Debug, Clone, Default)]
pub struct AuthenticateState {
    /// The device channel, when there is one.
    pub device: Option<Enrollment>,
    /// What is known of the certificate.
    pub identity: Option<Identity>,
    /// Those of the names claimed that another device claimed first, whether as a serial number or as a UDID.
    pub claimed_elsewhere: BTreeSet<String>,
}

/// Lets the holder of an Apple device's pinned certificate in, and nobody else. [`Refusal::WrongIdentity`] and
/// [`Refusal::NotPinned`] leave it to [`succeed`] and [`crate::migration::first_contact`] to pin the one presented.
pub fn admit<'a>(device: Option<&'a Enrollment>, presented: &Presented) -> Result<&'a Enrollment, Refusal> {
    let device = pinned(device, presented)?;
    match device.facts.is_windows() {
        false => Ok(device),
        true => Err(Refusal::OtherProtocol),
    }
}

/// [`admit`], by whichever protocol the device enrolled.
pub(crate) fn pinned<'a>(
    device: Option<&'a Enrollment>,
    presented: &Presented,
) -> Result<&'a Enrollment, Refusal> {
    let device = device.ok_or(Refusal::NotEnrolled)?;
    let pin = device.identity.ok_or(Refusal::NotPinned)?;
    if pin.fingerprint != presented.pin.fingerprint {
        return Err(Refusal::WrongIdentity);
    }
    if device.phase == Phase::CheckedOut {
        return Err(Refusal::CheckedOut);
    }
    Ok(device)
}

/// The first message under a certificate that Ordain issued to renew this enrollment: it takes the place of the
/// pinned one, which is retired.
pub fn succeed(
    device: &Enrollment,
    identity: &Identity,
    presented: &Presented,
    now: i64,
) -> Result<Decision<()>, Refusal> {
    match identity.role {
        Role::Retired => return Err(Refusal::RetiredIdentity),
        Role::Pinned => return Err(Refusal::ForeignIdentity),
        Role::Issued if identity.enrollment.as_ref() != Some(&device.id) => {
            return Err(Refusal::WrongIdentity);
        }
        Role::Issued => usable(identity, presented, now)?,
    }
    if device.phase == Phase::CheckedOut {
        return Err(Refusal::CheckedOut);
    }
    let mut writes: Vec<_> = retire(device, presented).into_iter().collect();
    writes.push(Write::Identity(Identity {
        role: Role::Pinned,
        ..identity.clone()
    }));
    writes.push(Write::Enrollment(Box::new(Enrollment {
        identity: Some(presented.pin),
        ..device.clone()
    })));
    Ok(Decision { writes, reply: () })
}

/// `Authenticate`: starts a new generation, in which nothing of the one before counts. Of groups by predicate it is in
/// those of `world` that what it says here decides.
pub fn authenticate(
    world: &World,
    state: &AuthenticateState,
    id: &EnrollmentId,
    facts: DeviceFacts,
    presented: &Presented,
    policy: EnrollmentPolicy,
    now: i64,
) -> Result<Decision<()>, Refusal> {
    let bound = may_authenticate(state, id, &facts, presented, policy, now)?;
    let (memberships, claims) = memberships(state, id, &facts, presented, bound, policy);
    let mut writes = Vec::new();
    let before = state.device.as_ref();
    if let Some(device) = before {
        writes.push(Write::EndGeneration(id.clone()));
        writes.extend(retire(device, presented));
    }
    writes.push(match &state.identity {
        Some(known) => Write::Identity(pin(id, presented, known.serial.clone())),
        None => Write::NewIdentity(pin(id, presented, None)),
    });
    writes.push(Write::Claims(id.clone(), claims));
    let mut device = Enrollment {
        facts,
        identity: Some(presented.pin),
        memberships,
        tags: before.map_or_else(BTreeSet::new, |device| device.tags.clone()),
        stamp: before.map_or(0, |device| device.stamp),
        ..unidentified(id, before.map_or(1, |device| device.generation + 1), now)
    };
    let items = BTreeMap::new();
    let known = Basis {
        device: &device,
        items: &items,
    };
    // Nothing was decided for this generation, so no newer node can have done it.
    device.groups = membership::decide(world, known).unwrap_or_default();
    writes.push(Write::Enrollment(Box::new(device)));
    Ok(Decision { writes, reply: () })
}

/// A generation of a device as it begins, before anything is known of the device.
pub(crate) fn unidentified(id: &EnrollmentId, generation: u64, now: i64) -> Enrollment {
    Enrollment {
        id: id.clone(),
        generation,
        phase: Phase::Authenticated,
        facts: DeviceFacts::default(),
        identity: None,
        memberships: Memberships::Waiting,
        tags: BTreeSet::new(),
        groups: Decided::default(),
        push: None,
        capabilities: None,
        known: None,
        offer: None,
        stamp: 0,
        pinned: None,
        told: None,
        standing: None,
        inventory: Inventory::default(),
        since: now,
    }
}

/// The certificate is that of `id` from now on, and bound to `serial` if Ordain issued it so.
pub(crate) fn pin(id: &EnrollmentId, presented: &Presented, serial: Option<String>) -> Identity {
    Identity {
        fingerprint: presented.pin.fingerprint,
        role: Role::Pinned,
        enrollment: Some(id.clone()),
        serial,
        usable_until: None,
    }
}

/// Whether the certificate may start a generation of `id`; if so, whether it is bound to the device's serial number.
fn may_authenticate(
    state: &AuthenticateState,
    id: &EnrollmentId,
    facts: &DeviceFacts,
    presented: &Presented,
    policy: EnrollmentPolicy,
    now: i64,
) -> Result<bool, Refusal> {
    let before = state.device.as_ref();
    if before.is_some_and(|device| device.facts.is_windows() != facts.is_windows()) {
        return Err(Refusal::OtherProtocol);
    }
    let Some(identity) = &state.identity else {
        // Each certificate of ours is known from its issue on.
        if presented.own || !policy.open {
            return Err(Refusal::Closed);
        }
        within_validity(presented, now)?;
        return Ok(false);
    };
    if identity.enrollment.as_ref().is_some_and(|owner| owner != id) {
        return Err(Refusal::ForeignIdentity);
    }
    match identity.role {
        Role::Retired => return Err(Refusal::RetiredIdentity),
        Role::Pinned => {}
        Role::Issued => usable(identity, presented, now)?,
    }
    match (&identity.serial, &facts.serial) {
        (Some(bound), Some(claimed)) if bound == claimed => Ok(true),
        (Some(_), _) => Err(Refusal::WrongSerial),
        (None, _) => Ok(false),
    }
}

fn usable(identity: &Identity, presented: &Presented, now: i64) -> Result<(), Refusal> {
    if identity.usable_until.is_some_and(|end| now > end) {
        return Err(Refusal::Expired);
    }
    within_validity(presented, now)
}

pub(crate) fn within_validity(presented: &Presented, now: i64) -> Result<(), Refusal> {
    let valid = presented.not_before.saturating_sub(CLOCK_TOLERANCE) <= now && now <= presented.pin.not_after;
    if valid { Ok(()) } else { Err(Refusal::Expired) }
}

/// The end of the pinned certificate, unless it is the one presented.
fn retire(device: &Enrollment, presented: &Presented) -> Option<Write> {
    let pin = device
        .identity
        .filter(|pin| pin.fingerprint != presented.pin.fingerprint)?;
    Some(Write::Identity(Identity {
        fingerprint: pin.fingerprint,
        role: Role::Retired,
        enrollment: Some(device.id.clone()),
        serial: None,
        usable_until: None,
    }))
}

/// Memberships wait when somebody claims to be a device that was enrolled before, or goes by a name of another one, and
/// nothing but the claim says so; with them, how each name is claimed.
fn memberships(
    state: &AuthenticateState,
    id: &EnrollmentId,
    facts: &DeviceFacts,
    presented: &Presented,
    bound: bool,
    policy: EnrollmentPolicy,
) -> (Memberships, BTreeMap<String, Claim>) {
    let is_known = match &state.device {
        None => false,
        Some(device) if device.phase == Phase::Authenticated => {
            let is_same = (device.identity).is_some_and(|pin| pin.fingerprint == presented.pin.fingerprint);
            match device.memberships {
                Memberships::Waiting => true,
                // The same holder tries again: what was decided for it stands. A first enrollment that was never
                // completed had nothing to inherit.
                Memberships::Granted => !is_same && device.generation > 1,
            }
        }
        Some(_) => true,
    };
    // A bound certificate proves the serial number, and that this is the device of the generation before if that was
    // granted under the same. One that waits may have lied about anything.
    let proves = bound
        && state.device.as_ref().is_none_or(|device| {
            device.memberships == Memberships::Granted && device.facts.serial == facts.serial
        });
    claim(state, id, facts, is_known && !proves, proves, policy)
}

/// How the names of a device are claimed, and whether that gives it its listed memberships; never when it `waits`
/// anyway. `proves`: its certificate is bound to the serial number.
pub(crate) fn claim(
    state: &AuthenticateState,
    id: &EnrollmentId,
    facts: &DeviceFacts,
    waits: bool,
    proves: bool,
    policy: EnrollmentPolicy,
) -> (Memberships, BTreeMap<String, Claim>) {
    let is_proven = |name: &str| proves && facts.serial.as_deref() == Some(name);
    let is_others = |name: &str| state.claimed_elsewhere.contains(name) && !is_proven(name);
    let waits = waits || facts.names(id).any(is_others);
    let memberships = if waits && !policy.allow_reenrollment {
        Memberships::Waiting
    } else {
        Memberships::Granted
    };
    let claim = |name: &str| match memberships {
        Memberships::Granted if !policy.allow_reenrollment && !is_proven(name) => Claim::First,
        _ => Claim::Said,
    };
    let claims = facts.names(id).map(|name| (name.to_owned(), claim(name)));
    (memberships, claims.collect())
}

/// `TokenUpdate` of the device or of a user on it: the enrollment is complete with the first one. `unlock_token` is
/// sealed already; one that is missing leaves the stored one alone.
pub fn token_update(
    device: &Enrollment,
    user: Option<&Enrollment>,
    id: &EnrollmentId,
    push: Push,
    unlock_token: Option<Vec<u8>>,
    now: i64,
) -> Result<Decision<()>, Refusal> {
    if !id.is_device() && device.phase != Phase::Enrolled {
        return Err(Refusal::NotEnrolled);
    }
    Ok(updated(device, user, id, push, unlock_token, now))
}

/// What the tokens of a TokenUpdate change, whoever brings them.
pub(crate) fn updated(
    device: &Enrollment,
    user: Option<&Enrollment>,
    id: &EnrollmentId,
    push: Push,
    unlock_token: Option<Vec<u8>>,
    now: i64,
) -> Decision<()> {
    let before = match id.is_device() {
        true => device.clone(),
        false => user.cloned().unwrap_or_else(|| user_channel(device, id, now)),
    };
    let after = Enrollment {
        phase: Phase::Enrolled,
        push: Some(push),
        ..before.clone()
    };
    let is_new = !id.is_device() && user.is_none();
    let mut writes = Vec::new();
    if is_new || after != before {
        if is_new || before.phase != Phase::Enrolled {
            writes.push(Write::Event(Event::enrolled(&after, device, now)));
        }
        let is_elsewhere = after.push != before.push;
        writes.push(Write::Enrollment(Box::new(after)));
        if is_elsewhere {
            // A device asks for its first work only when it is woken.
            writes.push(Write::Wake(id.clone(), now));
        }
    }
    if let Some(token) = unlock_token {
        writes.push(Write::Escrow(id.clone(), EscrowKind::Unlock, Some(token)));
    }
    Decision { writes, reply: () }
}

fn user_channel(device: &Enrollment, id: &EnrollmentId, now: i64) -> Enrollment {
    Enrollment {
        phase: Phase::Enrolled,
        identity: device.identity,
        memberships: Memberships::Granted,
        stamp: device.stamp,
        ..unidentified(id, device.generation, now)
    }
}

/// `CheckOut`: the channel is left, and on the device channel those of its users with it. The device's row stays, so
/// that its certificate remains its own.
pub fn check_out(device: &Enrollment, id: &EnrollmentId, now: i64) -> Decision<()> {
    let mut writes = if !id.is_device() {
        vec![Write::Forget(id.clone())]
    } else {
        let left = Enrollment {
            phase: Phase::CheckedOut,
            push: None,
            capabilities: None,
            known: None,
            offer: None,
            pinned: None,
            told: None,
            standing: None,
            inventory: Inventory::default(),
            ..device.clone()
        };
        vec![
            Write::EndGeneration(id.clone()),
            Write::Enrollment(Box::new(left)),
        ]
    };
    writes.push(Write::Event(Event::checked_out(device, id, now)));
    Decision { writes, reply: () }
}

/// An administrator's word that this generation is the device that it claims to be: its names are its own from now on.
/// `None` when nothing waits. From now on groups by predicate count with its serial number and its tags, too.
///
/// # Errors
/// As [`membership::decide`].
pub fn approve(world: &World, known: Basis<'_>, now: i64) -> Result<Option<Decision<()>>, Behind> {
    let Basis { device, items } = known;
    if device.memberships == Memberships::Granted {
        return Ok(None);
    }
    let mut approved = Enrollment {
        memberships: Memberships::Granted,
        ..device.clone()
    };
    let known = Basis {
        device: &approved,
        items,
    };
    approved.groups = membership::decide(world, known)?;
    let names = device.facts.names(&device.id);
    let claims = names.map(|name| (name.to_owned(), Claim::Approved)).collect();
    Ok(Some(Decision {
        writes: vec![
            Write::Enrollment(Box::new(approved)),
            Write::Claims(device.id.clone(), claims),
            Write::Wake(device.id.clone(), now),
        ],
        reply: (),
    }))
}
