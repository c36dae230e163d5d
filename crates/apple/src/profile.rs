//! Configuration profiles (`.mobileconfig`): what any of them tells of itself, and the one that enrolls.

mod enrollment;

use crate::plist::{self, Dictionary, Value, optional, optional_text, required, required_text};

pub use enrollment::{AccessRights, Anchor, EnrollmentProfile, Identity, InvalidRights, Mdm};

/// The media type under which profiles are served.
pub const CONTENT_TYPE: &str = "application/x-apple-aspen-config";

/// Payloads that a declared profile must not carry: they would enroll the device elsewhere, or declare past the
/// server.
const FORBIDDEN: [&str; 2] = ["com.apple.mdm", "com.apple.declarations"];

/// What a profile tells of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// `PayloadIdentifier`: a profile replaces the one that has the same.
    pub identifier: String,
    /// `PayloadUUID`.
    pub uuid: String,
    /// `PayloadDisplayName`.
    pub display_name: Option<String>,
    /// `PayloadScope`, when it says one.
    pub scope: Option<Scope>,
    /// `PayloadType` of each payload, in order.
    pub payload_types: Vec<String>,
}

/// `PayloadScope`: for whom a Mac installs the profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Everybody.
    System,
    /// One user.
    User,
}

/// Why a profile is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// Not a property list of the form of profiles.
    #[error(transparent)]
    Plist(#[from] plist::Error),
    /// A CMS signature is around it.
    #[error("the profile is signed: supply the unsigned one")]
    Signed,
    /// `IsEncrypted`: what it carries cannot be told.
    #[error("the profile is encrypted: supply the plain one")]
    Encrypted,
    /// Outermost is not a `Configuration`.
    #[error("PayloadType is not Configuration")]
    NotAConfiguration,
    /// The payload may come only with the enrollment.
    #[error("the profile has a payload of type {0}, which only enrolling may bring")]
    Forbidden(&'static str),
    /// `AccessRights` are not a set that devices accept.
    #[error(transparent)]
    Rights(#[from] InvalidRights),
    /// A URL that devices do not accept.
    #[error("{0} is not an https URL")]
    NotHttps(&'static str),
    /// No payload is what the key refers to.
    #[error("{0} refers to no payload of the right type")]
    Dangling(&'static str),
    /// There is not exactly one `com.apple.mdm` payload.
    #[error("not exactly one payload of type com.apple.mdm")]
    NotOneMdm,
}

impl Profile {
    /// Reads an unsigned profile that is to be declared: checks the required keys of the profile and of its payloads,
    /// and that none of them is forbidden.
    pub fn read(profile: &[u8]) -> Result<Self, Invalid> {
        let profile = open(profile)?;
        let outermost = Payload::read(&profile)?;
        let payloads = payloads(&profile)?;
        if let Some(type_name) = FORBIDDEN
            .into_iter()
            .find(|forbidden| payloads.iter().any(|p| p.type_name == *forbidden))
        {
            return Err(Invalid::Forbidden(type_name));
        }
        let scope = match optional_text(&profile, "PayloadScope")? {
            None => None,
            Some("System") => Some(Scope::System),
            Some("User") => Some(Scope::User),
            Some(_) => return Err(plist::Error::NotAllowed("PayloadScope").into()),
        };
        Ok(Self {
            identifier: outermost.identifier.to_owned(),
            uuid: outermost.uuid.to_owned(),
            display_name: optional_text(&profile, "PayloadDisplayName")?.map(str::to_owned),
            scope,
            payload_types: payloads
                .iter()
                .map(|payload| payload.type_name.to_owned())
                .collect(),
        })
    }
}

/// The keys that every payload has, and the profile itself.
struct Payload<'a> {
    type_name: &'a str,
    identifier: &'a str,
    uuid: &'a str,
    keys: &'a Dictionary,
}

impl<'a> Payload<'a> {
    fn read(keys: &'a Dictionary) -> Result<Self, plist::Error> {
        if required::<i64>(keys, "PayloadVersion")? != 1 {
            return Err(plist::Error::NotAllowed("PayloadVersion"));
        }
        Ok(Self {
            type_name: required_text(keys, "PayloadType")?,
            identifier: required_text(keys, "PayloadIdentifier")?,
            uuid: required_text(keys, "PayloadUUID")?,
            keys,
        })
    }
}

/// The profile's own dictionary.
fn open(profile: &[u8]) -> Result<Dictionary, Invalid> {
    // DER and BER alike begin a CMS message with the tag of a SEQUENCE, which no XML begins with.
    if profile.first() == Some(&0x30) {
        return Err(Invalid::Signed);
    }
    let profile = plist::parse(profile)?;
    if required_text(&profile, "PayloadType")? != "Configuration" {
        return Err(Invalid::NotAConfiguration);
    }
    if optional(&profile, "IsEncrypted")?.unwrap_or(false) || profile.contains_key("EncryptedPayloadContent")
    {
        return Err(Invalid::Encrypted);
    }
    Ok(profile)
}

fn payloads(profile: &Dictionary) -> Result<Vec<Payload<'_>>, plist::Error> {
    const NO_PAYLOAD: plist::Error = plist::Error::WrongType {
        key: "PayloadContent",
        expected: "an array of dictionaries",
    };
    required::<&[Value]>(profile, "PayloadContent")?
        .iter()
        .map(|value| Payload::read(value.as_dictionary().ok_or(NO_PAYLOAD)?))
        .collect()
}

#[cfg(test)]
mod tests;
