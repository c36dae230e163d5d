//! The names by which devices, channels and content are known.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One management channel: a device's, or that of one user on it.
///
/// The text form is the device's identifier, for a user channel followed by `:` and the user's; it is what
/// administrators see and type. The parts come from the `UDID`, `EnrollmentID`, `UserID`, `EnrollmentUserID` and
/// `UserShortName` keys of Apple's messages.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct EnrollmentId {
    device: String,
    user: Option<String>,
}

/// The text is no enrollment identifier: a part is empty, longer than [`EnrollmentId::MAX_PART`] octets, or holds a
/// control character, or the device's part holds a colon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an enrollment identifier")]
pub struct InvalidId;

impl EnrollmentId {
    /// The longest device or user part, in octets. Apple's are UUIDs, 40 hexadecimal digits, or account names.
    pub const MAX_PART: usize = 255;

    /// The device channel of the device known as `udid` (or, in user enrollment, as that EnrollmentID).
    pub fn device(udid: impl Into<String>) -> Result<Self, InvalidId> {
        Self::new(udid.into(), None)
    }

    /// The channel of `user` on the device known as `udid`.
    pub fn user(udid: impl Into<String>, user: impl Into<String>) -> Result<Self, InvalidId> {
        Self::new(udid.into(), Some(user.into()))
    }

    fn new(device: String, user: Option<String>) -> Result<Self, InvalidId> {
        let fits = |part: &str| {
            !part.is_empty() && part.len() <= Self::MAX_PART && !part.chars().any(char::is_control)
        };
        if !fits(&device) || device.contains(':') || user.as_deref().is_some_and(|user| !fits(user)) {
            return Err(InvalidId);
        }
        Ok(Self { device, user })
    }

    /// The identifier of the device itself: its UDID or EnrollmentID.
    pub fn device_part(&self) -> &str {
        &self.device
    }

    /// The user's identifier, on a user channel.
    pub fn user_part(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// The device channel that this channel belongs to; itself for a device channel.
    pub fn to_device(&self) -> Self {
        Self {
            device: self.device.clone(),
            user: None,
        }
    }

    /// Which channel this is.
    pub fn channel(&self) -> Channel {
        if self.user.is_some() {
            Channel::User
        } else {
            Channel::Device
        }
    }
}

impl fmt::Display for EnrollmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.device)?;
        self.user.as_deref().map_or(Ok(()), |user| write!(f, ":{user}"))
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

/// A device's own channel, or a user's on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// What concerns the whole device.
    Device,
    /// What concerns one user of it.
    User,
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
