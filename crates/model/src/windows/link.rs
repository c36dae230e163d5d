//! Linked enrollments of Windows devices (MS-MDE2): the second channel of a device, which carries its declared-configuration
//! documents. It has a certificate, an account and sessions of its own, and lives and dies with the device's own.
//!
//! What one certificate opens the other does not. Renewing and leaving are as on the device's own channel
//! ([`super::enroll`]).

mod state;

pub(crate) use state::words;
pub use state::{Channel, Lacking, LinkState};

use super::WindowsFacts;
use super::enroll::retired;
use super::poll::Schedule;
use crate::checkin::{Presented, Refusal, pin, unidentified, within_validity};
use crate::decision::{Decision, EscrowKind, Write};
use crate::device::DeviceFacts;
use crate::enrollment::{Enrollment, Memberships, Phase};

/// The poll schedule of the linked account: a few times while what was sent is new, since its outcome comes later, and
/// then every eight hours. MS-MDE2 wants it less often than that; \[U\] devices take it, as Microsoft's own service does
/// it, and those that did not would come daily.
pub const SCHEDULE: Schedule = Schedule {
    counts: [5, 4, 0],
    intervals: [3, 15, 480],
    on_login: true,
};

/// What a device shows that asks for a linked enrollment. What proves nothing must agree with what does.
#[derive(Debug, Clone, Copy, Default)]
pub struct Shown<'a> {
    /// Its proof.
    pub proof: Option<Proof<'a>>,
    /// `EmmDeviceId`: the `EntDMID` of the enrollment that this one is to be linked to.
    pub emm_device_id: Option<&'a str>,
    /// `HWDevID`.
    pub hardware_id: Option<&'a str>,
}

/// What proves which device asks.
#[derive(Debug, Clone, Copy)]
pub enum Proof<'a> {
    /// The message is signed with the key of this certificate.
    Certificate(&'a Presented),
    /// `deviceid` of a token that Microsoft Entra made for the device itself, verified.
    Entra(&'a str),
}

/// Why a device is not given a linked enrollment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotLinked {
    /// There is no Windows device that it could belong to, or that one's enrollment is not complete.
    #[error("no device that a linked enrollment could belong to")]
    NoParent,
    /// What it shows is of different devices.
    #[error("what is shown is of different devices")]
    Differs,
    /// The device has never told which one it is in Microsoft Entra, so that a token of Entra says nothing.
    #[error("the device's identifier in Microsoft Entra is not known")]
    UnknownInEntra,
    /// The message has been answered, or is older than one that was.
    #[error("the message was sent before")]
    Replayed,
    /// The certificate is outside its validity.
    #[error("the certificate is outside its validity")]
    Expired,
}

/// Whether `shown` is of `device`, which says that Entra knows it as `in_entra`: only then may [`link`] follow.
///
/// # Errors
/// [`NotLinked`]: nobody else is given a channel of this device.
pub fn belongs(
    device: Option<&Enrollment>,
    in_entra: Option<&str>,
    shown: &Shown<'_>,
    now: i64,
) -> Result<(), NotLinked> {
    let device = device.filter(|device| device.phase == Phase::Enrolled);
    let (device, windows) = device
        .and_then(|device| Some((device, device.facts.windows.as_ref()?)))
        .ok_or(NotLinked::NoParent)?;
    let is_other = |said: Option<&str>, own: Option<&str>| matches!((said, own), (Some(said), Some(own)) if !said.eq_ignore_ascii_case(own));
    if is_other(shown.emm_device_id, Some(&device.id.to_string()))
        || is_other(shown.hardware_id, windows.hardware_id.as_deref())
    {
        return Err(NotLinked::Differs);
    }
    match shown.proof.ok_or(NotLinked::NoParent)? {
        Proof::Certificate(presented) => {
            if device.identity.map(|pin| pin.fingerprint) != Some(presented.pin.fingerprint) {
                return Err(NotLinked::Differs);
            }
            // Sessions go on under a certificate that has expired; nothing new comes of it.
            within_validity(presented, now).map_err(|_| NotLinked::Expired)
        }
        Proof::Entra(id) => {
            let verified = windows.entra.as_ref().and_then(|entra| entra.device.as_deref());
            if is_other(Some(id), verified) || is_other(Some(id), in_entra) {
                return Err(NotLinked::Differs);
            }
            match verified.or(in_entra) {
                Some(_) => Ok(()),
                None => Err(NotLinked::UnknownInEntra),
            }
        }
    }
}

/// A device that [`belongs`] where it says, with the certificate that its linked channel is to get.
#[derive(Debug, Clone)]
pub struct Linking {
    /// What it says of this enrollment: `DeviceID`, and in which store its certificate is.
    pub windows: WindowsFacts,
    /// The certificate made for it.
    pub certificate: Presented,
    /// The secrets of its DM account, sealed.
    pub account: Vec<u8>,
    /// When the message was signed that asks for it, in unix seconds, where its signature is what proves it. Somebody who
    /// has seen it could send it again.
    pub signed_at: Option<i64>,
}

/// Gives `device` a linked channel under the new certificate, in place of `before` if there was one: nothing of that
/// counts any more.
///
/// # Errors
/// As [`crate::checkin::admit`], if the device has left, has not finished enrolling, or is none of Windows.
/// [`Refusal::Replayed`]: each signed message counts once, and none after a later one. A device whose answer was lost signs
/// another one.
pub fn link(
    device: Option<&Enrollment>,
    before: Option<&Enrollment>,
    linking: Linking,
    now: i64,
) -> Result<Decision<()>, Refusal> {
    let device = device.ok_or(Refusal::NotEnrolled)?;
    match device.phase {
        _ if !device.facts.is_windows() => return Err(Refusal::OtherProtocol),
        Phase::Authenticated => return Err(Refusal::NotEnrolled),
        Phase::CheckedOut => return Err(Refusal::CheckedOut),
        Phase::Enrolled => {}
    }
    let Linking {
        windows,
        certificate,
        account,
        signed_at,
    } = linking;
    let id = device.id.to_linked();
    let mut writes = Vec::new();
    if let Some(signed_at) = signed_at {
        let mut device = device.clone();
        if let Some(windows) = &mut device.facts.windows {
            if windows.linked_by.is_some_and(|before| signed_at <= before) {
                return Err(Refusal::Replayed);
            }
            windows.linked_by = Some(signed_at);
        }
        writes.push(Write::Enrollment(Box::new(device)));
    }
    if let Some(before) = before {
        writes.push(Write::EndGeneration(id.clone()));
        writes.extend(retired(before));
    }
    writes.push(Write::Identity(pin(&id, &certificate, None)));
    let stamp = before.map_or(device.stamp, |before| before.stamp.max(device.stamp));
    writes.push(Write::Enrollment(Box::new(Enrollment {
        facts: DeviceFacts {
            windows: Some(Box::new(windows)),
            ..DeviceFacts::default()
        },
        identity: Some(certificate.pin),
        memberships: Memberships::Granted,
        stamp,
        ..unidentified(&id, device.generation, now)
    })));
    writes.push(Write::Escrow(id, EscrowKind::DmAccount, Some(account)));
    Ok(Decision { writes, reply: () })
}
