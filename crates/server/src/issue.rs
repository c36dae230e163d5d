//! Issuing: device identities from Ordain's own CA, and the profiles that carry them.

use ordain_apple::profile::{AccessRights, Anchor, EnrollmentProfile, Identity as ProfileIdentity, Mdm};
use ordain_model::decision::{Identity, Role};
use ordain_model::ids::{Digest, EnrollmentId};
use ordain_pki::authority::{Request, Usage, Validity};
use ordain_pki::key::KeyKind;
use ordain_pki::{Certificate, KeyPair, pkcs12};
use uuid::Uuid;

use crate::app::App;

/// How long a device's identity is valid, in seconds. Five years: this identity comes in a file and is renewed by
/// hand.
const IDENTITY_VALIDITY: i64 = 5 * 366 * 24 * 60 * 60;
/// How long an identity may wait for its first use, in seconds.
pub(crate) const FIRST_USE: i64 = 30 * 24 * 60 * 60;

/// Whom an identity is for.
#[derive(Debug, Clone, Default)]
pub(crate) struct IssuedFor {
    /// Only the device with this serial number.
    pub(crate) serial: Option<String>,
    /// It renews that of this enrollment.
    pub(crate) renews: Option<EnrollmentId>,
}

/// A cryptographic step failed; nothing was issued.
#[derive(Debug, thiserror::Error)]
#[error("issuing failed: {0}")]
pub(crate) struct IssueFailed(String);

fn failed(error: impl std::fmt::Display) -> IssueFailed {
    IssueFailed(error.to_string())
}

impl App {
    /// Certifies `public_key` as a device's identity.
    pub(crate) fn certify(
        &self,
        public_key: &[u8],
        common_name: &str,
        issued_for: &IssuedFor,
    ) -> Result<(Certificate, Identity), IssueFailed> {
        let now = self.now();
        let certificate = self
            .trust
            .own
            .issue(&Request {
                public_key,
                common_name,
                organization: Some("Ordain"),
                serial_number: issued_for.serial.as_deref(),
                usage: Usage::Device,
                validity: Validity {
                    not_before: now - 3_600,
                    not_after: now + IDENTITY_VALIDITY,
                },
            })
            .map_err(failed)?;
        let identity = Identity {
            fingerprint: Digest(certificate.fingerprint()),
            role: Role::Issued,
            enrollment: issued_for.renews.clone(),
            serial: issued_for.serial.clone(),
            usable_until: Some(now + FIRST_USE),
        };
        Ok((certificate, identity))
    }

    /// An enrollment profile with a new identity in it. Its identifiers stay the same, so that a later profile
    /// renews an earlier one in place.
    pub(crate) fn enrollment_profile(
        &self,
        topic: &str,
        organization: Option<&str>,
        issued_for: &IssuedFor,
    ) -> Result<(Vec<u8>, Identity), IssueFailed> {
        let key = KeyPair::generate(KeyKind::Rsa2048).map_err(failed)?;
        let common_name = format!("Ordain device {}", hex::encode(ordain_pki::random::<8>()));
        let (certificate, identity) = self.certify(key.public_key(), &common_name, issued_for)?;
        let password = hex::encode(ordain_pki::random::<16>());
        let chain = vec![self.trust.own.certificate().clone()];
        let file = pkcs12::Identity {
            key,
            certificate,
            chain,
        }
        .to_pkcs12(&password)
        .map_err(failed)?;
        let uuid = |part: &str| {
            let name = format!("{}\n{part}", self.public_url);
            Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes())
                .to_string()
                .to_uppercase()
        };
        let profile = EnrollmentProfile {
            identifier: "ordain.enrollment".into(),
            uuid: uuid("enrollment"),
            display_name: "Device Management".into(),
            organization: organization.map(str::to_owned),
            identity: ProfileIdentity {
                uuid: Uuid::new_v4().to_string().to_uppercase(),
                pkcs12: file,
                password,
            },
            anchors: self
                .server_ca
                .iter()
                .map(|ca| Anchor {
                    uuid: uuid("server CA"),
                    certificate: ca.der().to_vec(),
                })
                .collect(),
            mdm: Mdm {
                uuid: uuid("mdm"),
                topic: topic.to_owned(),
                server_url: format!("{}/mdm", self.public_url),
                check_in_url: None,
                sign_message: false,
                access_rights: AccessRights::ALL,
                check_out_when_removed: true,
                server_capabilities: vec![
                    Mdm::PER_USER_CONNECTIONS.to_owned(),
                    Mdm::BOOTSTRAP_TOKEN.to_owned(),
                ],
            },
        };
        Ok((profile.to_xml(), identity))
    }
}
