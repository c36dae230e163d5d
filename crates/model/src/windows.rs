//! Windows devices: what they say of themselves, how they enroll ([`enroll`], [`link`]), what is set on them
//! ([`settings`]), and what is declared ([`document`], [`documents`],
//! [`cleaning`]).

pub mod action;
pub mod cleaning;
mod conversation;
pub mod document;
pub mod documents;
pub mod enroll;
pub mod facts;
pub mod link;
pub mod poll;
pub mod session;
pub mod settings;

use ordain_catalog::windows::Edition;
use serde::{Deserialize, Serialize};

use self::document::DOCUMENT_TYPE;
use self::settings::SETTINGS_TYPE;
use crate::ids::{Channel, Digest, EnrollmentId};

/// The name of the operating system.
pub const SYSTEM: &str = "Windows";

/// The channel of a Windows device that declarations of this type go to; `None`: they are for no Windows device. Those that
/// go to one are for no other devices.
pub fn channel_of(type_name: &str) -> Option<Channel> {
    match type_name {
        // The sessions of a device carry its user's settings, too, and so do those of its linked enrollment.
        SETTINGS_TYPE => Some(Channel::Device),
        DOCUMENT_TYPE => Some(Channel::Linked),
        _ => None,
    }
}

/// What a Windows device says of itself when it enrolls (`ContextItem`, MS-MDE2 section 3.4), and who vouched for it.
/// Its name and the version of its system are with those of other devices. Every item may be missing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WindowsFacts {
    /// `HWDevID`: made of the hardware, so that it stays the same when the device enrolls again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hardware_id: Option<String>,
    /// `DeviceID`: of this enrollment, and the `Source` of its management sessions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_id: Option<String>,
    /// `OSEdition`: Windows' number of the edition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edition: Option<u32>,
    /// `EnrollmentType`.
    pub store: CertificateStore,
    /// Who signed in, as an e-mail address or `DOMAIN\user`. Verified only where `entra` is there: an enrollment token
    /// proves nothing of who uses it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// What the token of Entra says, where it was one that let the device enroll.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entra: Option<Entra>,
    /// When the message was signed that last got the device a linked enrollment, in unix seconds of its clock: none counts
    /// that was signed before, or is that one again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub linked_by: Option<i64>,
}

/// Whose certificate store the device's certificate is in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CertificateStore {
    /// The user's: `EnrollmentType` `Full`.
    #[default]
    User,
    /// The device's: `EnrollmentType` `Device`.
    System,
}

/// What a verified token of Entra says of a device.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Entra {
    /// `tid`: the tenant.
    pub tenant: String,
    /// `deviceid`: the device in that tenant, if it is known there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
}

impl WindowsFacts {
    /// The edition, if its number is known.
    pub fn edition(&self) -> Option<Edition> {
        self.edition.and_then(Edition::of_product)
    }

    /// The identifier of the device: `HWDevID`, else `DeviceID`. It is also the common name of its certificate, and what
    /// people type, so one with other characters than letters, digits and hyphens, or more than 64 of them, is known by
    /// its SHA-256. `None`: it said neither.
    pub fn enrollment_id(&self) -> Option<EnrollmentId> {
        let said = self.hardware_id.as_ref().or(self.device_id.as_ref())?;
        let is_plain = said.len() <= 64
            && said.starts_with(|c: char| c.is_ascii_alphanumeric())
            && said.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-');
        let name = match is_plain {
            true => said.clone(),
            false => Digest::of(said.as_bytes()).to_string(),
        };
        EnrollmentId::device(name).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hardware_names_the_device() {
        let id = |hardware: Option<&str>, device: Option<&str>| {
            let facts = WindowsFacts {
                hardware_id: hardware.map(str::to_owned),
                device_id: device.map(str::to_owned),
                ..WindowsFacts::default()
            };
            facts.enrollment_id().map(|id| id.to_string())
        };
        let hardware = "00FF".repeat(16);
        assert_eq!(id(Some(&hardware), Some("D-1")), Some(hardware.clone()));
        assert_eq!(id(None, Some("D-1")).as_deref(), Some("D-1"));
        assert_eq!(id(None, None), None);
        for odd in [
            "a:b",
            "-rf",
            "=1+1",
            "<b>",
            "a\u{1b}[31m",
            "",
            "ü",
            &"f".repeat(65),
        ] {
            assert_eq!(id(Some(odd), None), Some(Digest::of(odd.as_bytes()).to_string()));
        }
    }
}
