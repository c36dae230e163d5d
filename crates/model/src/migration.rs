//! Migration from another server: its enrollments without certificates, and the first contact, which pins one.
//!
//! An administrator vouches for what is replayed, so that listed memberships count as in a first enrollment. Nothing
//! of it proves who is who: that is left to the first contact, within a window that an administrator opens.

use serde::{Deserialize, Serialize};

use crate::checkin::{self, AuthenticateState, EnrollmentPolicy, Presented, Refusal};
use crate::decision::{Decision, EscrowKind, Identity, Role, Write};
use crate::device::DeviceFacts;
use crate::enrollment::{Enrollment, Phase, Push};
use crate::ids::{Digest, EnrollmentId};

/// The generation of a migrated device: none of its Authenticate messages has come here.
pub const GENERATION: u64 = 0;

/// When first contacts pin certificates, and which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Until when, in unix seconds; at this moment it is closed.
    pub until: i64,
    /// SHA-256 of the one device CA whose certificates count; otherwise those of every foreign one do.
    pub ca: Option<Digest>,
}

impl Window {
    /// Whether it is open.
    pub fn is_open(&self, now: i64) -> bool {
        now < self.until
    }
}

/// Why a message is not replayed. The administrator is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotReplayed {
    /// The device is enrolled here by its own Authenticate.
    #[error("it is enrolled here already, by itself; nothing was changed")]
    EnrolledHere,
    /// There is no enrollment to add to.
    #[error("its device was not migrated yet: replay the device's Authenticate first")]
    NoDevice,
}

/// `Authenticate`, replayed: an enrollment without a certificate. Once one is pinned, nothing changes any more.
/// Of `state`, no certificate counts.
pub fn authenticate(
    state: &AuthenticateState,
    id: &EnrollmentId,
    facts: DeviceFacts,
    policy: EnrollmentPolicy,
    now: i64,
) -> Result<Decision<()>, NotReplayed> {
    let before = match &state.device {
        None => checkin::unidentified(id, GENERATION, now),
        Some(device) if may_change(device)? && device.facts != facts => device.clone(),
        Some(_) => return Ok(Decision::reply(())),
    };
    let (memberships, claims) = checkin::claim(state, id, &facts, false, false, policy);
    let after = Enrollment {
        facts,
        memberships,
        // What it had reported to nobody here is unknown, and so is a world to decide by.
        groups: before.groups.clone().due(),
        ..before
    };
    Ok(Decision {
        writes: vec![
            Write::Claims(id.clone(), claims),
            Write::Enrollment(Box::new(after)),
        ],
        reply: (),
    })
}

/// `TokenUpdate` of a device or of a user on it, replayed. `unlock_token` is sealed already.
pub fn token_update(
    device: Option<&Enrollment>,
    user: Option<&Enrollment>,
    id: &EnrollmentId,
    push: Push,
    unlock_token: Option<Vec<u8>>,
    now: i64,
) -> Result<Decision<()>, NotReplayed> {
    let device = device.ok_or(NotReplayed::NoDevice)?;
    let is_new = !id.is_device() && user.is_none();
    // A user of whom nothing came yet is added to a pinned device too.
    if !may_change(device)? && !is_new {
        return Ok(Decision::reply(()));
    }
    // A device that has left has no users.
    if device.phase == Phase::CheckedOut {
        return Ok(Decision::reply(()));
    }
    Ok(checkin::updated(device, user, id, push, unlock_token, now))
}

/// `SetBootstrapToken`, replayed. `token` is sealed already.
pub fn set_bootstrap_token(
    device: Option<&Enrollment>,
    channel: Option<&Enrollment>,
    token: Option<Vec<u8>>,
) -> Result<Decision<()>, NotReplayed> {
    let (Some(device), Some(channel)) = (device, channel) else {
        return Err(NotReplayed::NoDevice);
    };
    if !may_change(device)? {
        return Ok(Decision::reply(()));
    }
    let writes = vec![Write::Escrow(channel.id.clone(), EscrowKind::Bootstrap, token)];
    Ok(Decision { writes, reply: () })
}

/// Whether a replay may still change the enrollment of this device.
fn may_change(device: &Enrollment) -> Result<bool, NotReplayed> {
    match device.generation {
        GENERATION => Ok(device.identity.is_none()),
        _ => Err(NotReplayed::EnrolledHere),
    }
}

/// The first message of a migrated device: its certificate is pinned if an administrator opened the window for it, and
/// nothing is known of it yet. `identity` is what is known.
pub fn first_contact(
    device: &Enrollment,
    identity: Option<&Identity>,
    presented: &Presented,
    window: Option<&Window>,
    now: i64,
) -> Result<Decision<()>, Refusal> {
    if device.identity.is_some() {
        return Err(Refusal::WrongIdentity);
    }
    match identity.map(|identity| identity.role) {
        None => {}
        Some(Role::Pinned) => return Err(Refusal::ForeignIdentity),
        Some(Role::Retired) => return Err(Refusal::RetiredIdentity),
        Some(Role::Issued) => return Err(Refusal::WrongIdentity),
    }
    // Ordain's own certificates have nothing to do with the server that the device comes from.
    if presented.own {
        return Err(Refusal::WrongIdentity);
    }
    let is_open =
        window.is_some_and(|window| window.is_open(now) && window.ca.is_none_or(|ca| ca == presented.anchor));
    if !is_open {
        return Err(Refusal::NotPinned);
    }
    checkin::within_validity(presented, now)?;
    if device.phase == Phase::CheckedOut {
        return Err(Refusal::CheckedOut);
    }
    let pinned = Enrollment {
        identity: Some(presented.pin),
        ..device.clone()
    };
    let writes = vec![
        Write::Identity(checkin::pin(&device.id, presented, None)),
        Write::Enrollment(Box::new(pinned)),
    ];
    Ok(Decision { writes, reply: () })
}
