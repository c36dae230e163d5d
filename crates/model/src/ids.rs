//! The names by which devices, channels and content are known.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One management channel: a device's, that of one user on it, or a Windows device's linked one.
///
/// The text form is the device's identifier, for a user channel followed by `:` and the user's, for a linked one by
/// `::linked`; it is what administrators see and type. The parts come from the `UDID`, `EnrollmentID`, `UserID`,
/// `EnrollmentUserID` and `UserShortName` keys of Apple's messages, and from a Windows device's `HWDevID`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct EnrollmentId {
    device: String,
    part: Part,
}

/// Which channel of the device.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Part {
    Device,
    Linked,
    User(String),
}

/// Stands for the linked channel where a user's identifier would stand, which does not begin with a colon.
const LINKED: &str = ":linked";

/// The text is no enrollment identifier: a part is empty, longer than [`EnrollmentId::MAX_PART`] octets, or holds a
/// control character, the device's part holds a colon, or the user's begins with one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an enrollment identifier")]
pub struct InvalidId;

impl EnrollmentId {
    /// The longest device or user part, in octets. Apple's are UUIDs, 40 hexadecimal digits, or account names.
    pub const MAX_PART: usize = 255;

    /// The device channel of the device known as `udid` (or, in user enrollment, as that EnrollmentID).
    pub fn device(udid: impl Into<String>) -> Result<Self, InvalidId> {
        Self::new(udid.into(), Part::Device)
    }

    /// The channel of `user` on the device known as `udid`.
    pub fn user(udid: impl Into<String>, user: impl Into<String>) -> Result<Self, InvalidId> {
        let user = user.into();
        match is_part(&user) && !user.starts_with(':') {
            true => Self::new(udid.into(), Part::User(user)),
            false => Err(InvalidId),
        }
    }

    fn new(device: String, part: Part) -> Result<Self, InvalidId> {
        match is_part(&device) && !device.contains(':') {
            true => Ok(Self { device, part }),
            false => Err(InvalidId),
        }
    }

    /// The identifier of the device itself: its UDID or EnrollmentID.
    pub fn device_part(&self) -> &str {
        &self.device
    }

    /// The user's identifier, on a user channel.
    pub fn user_part(&self) -> Option<&str> {
        match &self.part {
            Part::User(user) => Some(user),
            Part::Device | Part::Linked => None,
        }
    }

    /// Whether it is a device's own channel.
    pub fn is_device(&self) -> bool {
        self.part == Part::Device
    }

    /// The device channel that this channel belongs to; itself for a device channel.
    pub fn to_device(&self) -> Self {
        self.beside(Part::Device)
    }

    /// The linked channel of the device that this channel belongs to.
    pub fn to_linked(&self) -> Self {
        self.beside(Part::Linked)
    }

    /// The channel whose certificate its holder shows on this one: a linked channel has its own, a user's that of its
    /// device.
    pub fn to_holder(&self) -> Self {
        match self.part {
            Part::Device | Part::Linked => self.clone(),
            Part::User(_) => self.to_device(),
        }
    }

    fn beside(&self, part: Part) -> Self {
        let device = self.device.clone();
        Self { device, part }
    }

    /// Which channel this is.
    pub fn channel(&self) -> Channel {
        match self.part {
            Part::Device => Channel::Device,
            Part::Linked => Channel::Linked,
            Part::User(_) => Channel::User,
        }
    }
}

fn is_part(part: &str) -> bool {
    !part.is_empty() && part.len() <= EnrollmentId::MAX_PART && !part.chars().any(char::is_control)
}

impl fmt::Display for EnrollmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.device)?;
        match &self.part {
            Part::Device => Ok(()),
            Part::Linked => write!(f, ":{LINKED}"),
            Part::User(user) => write!(f, ":{user}"),
        }
    }
}

impl From<EnrollmentId> for String {
    fn from(id: EnrollmentId) -> Self {
        id.to_string()
    }
}

impl TryFrom<String> for EnrollmentId {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, InvalidId> {
        match text.split_once(':') {
            Some((device, LINKED)) => Self::new(device.to_owned(), Part::Linked),
            Some((device, user)) => Self::user(device, user),
            None => Self::device(text),
        }
    }
}

impl std::str::FromStr for EnrollmentId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        Self::try_from(text.to_owned())
    }
}

/// A device's own channel, or another one of the same device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// What concerns the whole device.
    Device,
    /// What concerns one user of it.
    User,
    /// The declared-configuration documents of a Windows device, by its linked enrollment.
    Linked,
}

/// A SHA-256 digest: of a certificate (its fingerprint), of an asset, of a manifest.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The SHA-256 of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        use sha2::Digest as _;
        Self(sha2::Sha256::digest(bytes).into())
    }

    /// Whether `text` is this one, written.
    pub fn is_written(&self, text: &str) -> bool {
        let mut digits = [0; 64];
        hex::encode_to_slice(self.0, &mut digits).is_ok() && text.as_bytes() == digits
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut digits = [0; 64];
        let text = match hex::encode_to_slice(self.0, &mut digits) {
            Ok(()) => std::str::from_utf8(&digits).unwrap_or_default(),
            // Twice 32 digits always fit.
            Err(_) => "",
        };
        f.pad(text)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}

impl TryFrom<String> for Digest {
    type Error = hex::FromHexError;

    fn try_from(text: String) -> Result<Self, hex::FromHexError> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes)?;
        Ok(Self(bytes))
    }
}

impl std::str::FromStr for Digest {
    type Err = hex::FromHexError;

    fn from_str(text: &str) -> Result<Self, hex::FromHexError> {
        Self::try_from(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_channel_has_a_name_of_its_own() {
        let device = EnrollmentId::device("D1").unwrap();
        let user = EnrollmentId::user("D1", "linked").unwrap();
        let linked = user.to_linked();
        for (id, name, channel) in [
            (&device, "D1", Channel::Device),
            (&user, "D1:linked", Channel::User),
            (&linked, "D1::linked", Channel::Linked),
        ] {
            assert_eq!(id.to_string(), name);
            assert_eq!(name.parse().as_ref(), Ok(id));
            assert_eq!(id.channel(), channel);
            assert_eq!(id.to_device(), device);
            assert_eq!(id.is_device(), channel == Channel::Device);
            assert_eq!(id.to_holder() == *id, channel != Channel::User);
        }
        for bad in ["", ":", ":a", "D1:", "D1::", "D1::other", "D1\n"] {
            assert_eq!(bad.parse::<EnrollmentId>(), Err(InvalidId), "{bad:?}");
        }
        // No user's message names the linked channel.
        assert_eq!(EnrollmentId::user("D1", ":linked"), Err(InvalidId));
    }
}
