//! The enrollment profile: an identity, the certificates to trust, and the `com.apple.mdm` payload.

use crate::plist::{self, Dictionary, Value, optional, optional_text, required, required_text};

use super::{Invalid, Payload, open, payloads};

const MDM: &str = "com.apple.mdm";
const PKCS12: &str = "com.apple.security.pkcs12";
const ROOT: &str = "com.apple.security.root";

/// A profile that enrolls a device with a PKCS#12 identity. Identifiers and UUIDs are the caller's, so that the same
/// profile is always the same bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnrollmentProfile {
    /// `PayloadIdentifier`: kept over updates of the profile.
    pub identifier: String,
    /// `PayloadUUID`.
    pub uuid: String,
    /// `PayloadDisplayName`.
    pub display_name: String,
    /// `PayloadOrganization`.
    pub organization: Option<String>,
    /// The device's identity.
    pub identity: Identity,
    /// Certificates that the device is to trust, beside those of its system.
    pub anchors: Vec<Anchor>,
    /// Where and how the device is managed.
    pub mdm: Mdm,
}

/// A `com.apple.security.pkcs12` payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// `PayloadUUID`, which the MDM payload refers to.
    pub uuid: String,
    /// The PKCS#12 file.
    pub pkcs12: Vec<u8>,
    /// What opens it.
    pub password: String,
}

/// A `com.apple.security.root` payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchor {
    /// `PayloadUUID`.
    pub uuid: String,
    /// The certificate, in DER.
    pub certificate: Vec<u8>,
}

/// A `com.apple.mdm` payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mdm {
    /// `PayloadUUID`.
    pub uuid: String,
    /// `Topic` of the push certificate.
    pub topic: String,
    /// `ServerURL`: the command channel. An https URL.
    pub server_url: String,
    /// `CheckInURL`, when it is another. An https URL.
    pub check_in_url: Option<String>,
    /// `SignMessage`: whether requests carry an `Mdm-Signature`.
    pub sign_message: bool,
    /// `AccessRights`.
    pub access_rights: AccessRights,
    /// `CheckOutWhenRemoved`: whether the device says so when the profile is removed.
    pub check_out_when_removed: bool,
    /// `ServerCapabilities`, such as [`Mdm::PER_USER_CONNECTIONS`].
    pub server_capabilities: Vec<String>,
}

impl Mdm {
    /// The server capability that lets users of a Mac have channels of their own.
    pub const PER_USER_CONNECTIONS: &str = "com.apple.mdm.per-user-connections";
    /// The server capability that lets a Mac escrow its bootstrap token.
    pub const BOOTSTRAP_TOKEN: &str = "com.apple.mdm.bootstraptoken";
}

/// What the server may do: the bit mask `AccessRights`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccessRights(u16);

/// No set of access rights that devices accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("AccessRights is not a set of rights: 2 needs 1, 128 needs 64, and there is at least one up to 4096")]
pub struct InvalidRights;

impl AccessRights {
    /// Every right.
    pub const ALL: Self = Self(8191);

    /// The mask.
    pub const fn bits(self) -> u16 {
        self.0
    }
}

impl TryFrom<i64> for AccessRights {
    type Error = InvalidRights;

    fn try_from(bits: i64) -> Result<Self, InvalidRights> {
        let bits = u16::try_from(bits).map_err(|_| InvalidRights)?;
        let needs = |right, other| bits & right == 0 || bits & other != 0;
        let sound = bits != 0 && bits <= Self::ALL.0 && needs(2, 1) && needs(128, 64);
        if sound { Ok(Self(bits)) } else { Err(InvalidRights) }
    }
}

impl EnrollmentProfile {
    /// The profile, unsigned. The identity comes first, since the others need it.
    pub fn to_xml(&self) -> Vec<u8> {
        let payload = |type_name: &str, name: &str, uuid: &str| {
            common(type_name, &format!("{}.{name}", self.identifier), uuid)
        };
        let mut identity = payload(PKCS12, "identity", &self.identity.uuid);
        identity.insert("PayloadContent".into(), Value::Data(self.identity.pkcs12.clone()));
        identity.insert("Password".into(), self.identity.password.as_str().into());
        let mut contents = vec![Value::Dictionary(identity)];
        for (number, anchor) in (1..).zip(&self.anchors) {
            let mut root = payload(ROOT, &format!("anchor.{number}"), &anchor.uuid);
            root.insert("PayloadContent".into(), Value::Data(anchor.certificate.clone()));
            contents.push(Value::Dictionary(root));
        }
        let mut mdm = payload(MDM, "mdm", &self.mdm.uuid);
        mdm.insert(
            "IdentityCertificateUUID".into(),
            self.identity.uuid.as_str().into(),
        );
        self.mdm.write(&mut mdm);
        contents.push(Value::Dictionary(mdm));

        let mut profile = common("Configuration", &self.identifier, &self.uuid);
        profile.insert("PayloadDisplayName".into(), self.display_name.as_str().into());
        if let Some(organization) = &self.organization {
            profile.insert("PayloadOrganization".into(), organization.as_str().into());
        }
        // A Mac needs it to manage the whole system.
        profile.insert("PayloadScope".into(), "System".into());
        profile.insert("PayloadContent".into(), Value::Array(contents));
        plist::to_xml(profile)
    }

    /// Reads an enrollment profile as a device does that takes its identity from PKCS#12.
    pub fn read(profile: &[u8]) -> Result<Self, Invalid> {
        let profile = open(profile)?;
        let outermost = Payload::read(&profile)?;
        let payloads = payloads(&profile)?;
        let mut mdm_payloads = payloads.iter().filter(|payload| payload.type_name == MDM);
        let (Some(mdm), None) = (mdm_payloads.next(), mdm_payloads.next()) else {
            return Err(Invalid::NotOneMdm);
        };
        let identity_uuid = required_text(mdm.keys, "IdentityCertificateUUID")?;
        let identity = payloads
            .iter()
            .find(|payload| payload.type_name == PKCS12 && payload.uuid == identity_uuid)
            .ok_or(Invalid::Dangling("IdentityCertificateUUID"))?;
        let anchors = payloads
            .iter()
            .filter(|payload| payload.type_name == ROOT)
            .map(|anchor| {
                let certificate = required::<&[u8]>(anchor.keys, "PayloadContent")?.to_vec();
                Ok(Anchor {
                    uuid: anchor.uuid.to_owned(),
                    certificate,
                })
            });
        Ok(Self {
            identifier: outermost.identifier.to_owned(),
            uuid: outermost.uuid.to_owned(),
            display_name: optional_text(&profile, "PayloadDisplayName")?
                .unwrap_or_default()
                .to_owned(),
            organization: optional_text(&profile, "PayloadOrganization")?.map(str::to_owned),
            identity: Identity {
                uuid: identity.uuid.to_owned(),
                pkcs12: required::<&[u8]>(identity.keys, "PayloadContent")?.to_vec(),
                password: optional_text(identity.keys, "Password")?
                    .unwrap_or_default()
                    .to_owned(),
            },
            anchors: anchors.collect::<Result<_, plist::Error>>()?,
            mdm: Mdm::read(mdm)?,
        })
    }
}

impl Mdm {
    fn write(&self, payload: &mut Dictionary) {
        payload.insert("Topic".into(), self.topic.as_str().into());
        payload.insert("ServerURL".into(), self.server_url.as_str().into());
        if let Some(url) = &self.check_in_url {
            payload.insert("CheckInURL".into(), url.as_str().into());
        }
        payload.insert("SignMessage".into(), self.sign_message.into());
        payload.insert("AccessRights".into(), self.access_rights.bits().into());
        payload.insert("CheckOutWhenRemoved".into(), self.check_out_when_removed.into());
        let capabilities = self
            .server_capabilities
            .iter()
            .map(|capability| Value::from(capability.as_str()));
        payload.insert("ServerCapabilities".into(), Value::Array(capabilities.collect()));
    }

    fn read(payload: &Payload<'_>) -> Result<Self, Invalid> {
        let keys = payload.keys;
        let flag = |key| Ok::<_, plist::Error>(optional(keys, key)?.unwrap_or(false));
        let capabilities = optional::<&[Value]>(keys, "ServerCapabilities")?.unwrap_or_default();
        Ok(Self {
            uuid: payload.uuid.to_owned(),
            topic: required_text(keys, "Topic")?.to_owned(),
            server_url: https(required_text(keys, "ServerURL")?, "ServerURL")?,
            check_in_url: optional_text(keys, "CheckInURL")?
                .map(|url| https(url, "CheckInURL"))
                .transpose()?,
            sign_message: flag("SignMessage")?,
            access_rights: required::<i64>(keys, "AccessRights")?.try_into()?,
            check_out_when_removed: flag("CheckOutWhenRemoved")?,
            server_capabilities: capabilities
                .iter()
                .filter_map(|capability| capability.as_string().map(str::to_owned))
                .collect(),
        })
    }
}

/// The keys that every payload has.
fn common(type_name: &str, identifier: &str, uuid: &str) -> Dictionary {
    Dictionary::from_iter([
        ("PayloadType".to_owned(), Value::from(type_name)),
        ("PayloadVersion".to_owned(), Value::from(1)),
        ("PayloadIdentifier".to_owned(), Value::from(identifier)),
        ("PayloadUUID".to_owned(), Value::from(uuid)),
    ])
}

fn https(url: &str, key: &'static str) -> Result<String, Invalid> {
    if url.starts_with("https://") {
        Ok(url.to_owned())
    } else {
        Err(Invalid::NotHttps(key))
    }
}
