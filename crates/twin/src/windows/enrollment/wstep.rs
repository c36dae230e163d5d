//! What a device sends for a certificate: the request, and what it says of itself.

use ordain_pki::{KeyPair, csr};
use ordain_windows::provisioning::Store;
use ordain_windows::wstep::{AdditionalContext, CertificateRequest, RequestSecurityToken, RequestType};

use super::{EnrollError, Way};
use crate::windows::pc::Pc;

/// `DeviceType` of computers.
pub(super) const DEVICE_TYPE: &str = "CIMClient_Windows";

/// Who asks for a certificate: the key that waits for it.
#[derive(Debug)]
pub(super) struct Applicant(KeyPair);

impl Applicant {
    pub(super) fn new(key: KeyPair) -> Self {
        Self(key)
    }

    pub(super) fn key(&self) -> &KeyPair {
        &self.0
    }

    /// F1.5: the request for the first certificate.
    pub(super) fn request(
        &self,
        pc: &Pc,
        way: &Way,
        device_id: &str,
        parent: Option<&str>,
    ) -> Result<RequestSecurityToken, EnrollError> {
        Ok(RequestSecurityToken {
            request_type: RequestType::Issue,
            request: CertificateRequest::Pkcs10(certification_request(&self.0, device_id)?),
            context: context(pc, way.store, device_id, parent),
        })
    }
}

/// A PKCS#10 request. Windows asks under a name that means nothing; so does this.
pub(super) fn certification_request(key: &KeyPair, device_id: &str) -> Result<Vec<u8>, EnrollError> {
    csr::create(key, &format!("{device_id}!ConfigMgrEnroll")).map_err(|_| EnrollError::Key)
}

/// `AdditionalContext`. `parent`: `EntDMID` of the enrollment that this one is linked to.
pub(super) fn context(pc: &Pc, store: Store, device_id: &str, parent: Option<&str>) -> AdditionalContext {
    let enrollment_type = match store {
        Store::User => "Full",
        Store::System => "Device",
    };
    let is_logged_in = pc.login == ordain_windows::syncml::alert::LoginStatus::User;
    let edition = pc.edition.to_string();
    let before = [
        ("OSEdition", edition.as_str()),
        ("OSVersion", &pc.version),
        ("DeviceName", &pc.name),
    ];
    let macs = pc.macs.iter().map(|mac| ("MAC", mac.as_str()));
    let after = [
        ("EnrollmentType", enrollment_type),
        ("DeviceType", DEVICE_TYPE),
        ("ApplicationVersion", &pc.version),
        ("DeviceID", device_id),
        ("HWDevID", &pc.hardware_id),
        ("Locale", &pc.locale),
        (
            "TargetedUserLoggedIn",
            if is_logged_in { "true" } else { "false" },
        ),
        ("NotInOobe", "true"),
    ];
    let parent = parent.map(|parent| ("EmmDeviceId", parent));
    let all = before.into_iter().chain(macs).chain(after).chain(parent);
    AdditionalContext(
        all.map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
    )
}
