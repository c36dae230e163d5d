//! JSON discovery, with which a linked enrollment begins (MS-MDE2, discovery for linked enrollment).
//!
//! The request is not authenticated. \[U\] which HTTP status an answer with an `errorCode` has; 200 is what a client
//! reads in any case.

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::discovery::{AuthPolicy, Version};

/// The longest request or answer, in octets.
pub const MAX_OCTETS: usize = 64 << 10;

/// The `errorCode` that makes a device ask again, with its user's name.
pub const UPN_REQUIRED: &str = "UPNRequired";

/// A device asks where to enroll.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LinkedDiscover {
    /// The domain of the user's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_domain: Option<String>,
    /// The user's name, after [`UPN_REQUIRED`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upn: Option<String>,
    /// Entra's tenant: a GUID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<String>,
    /// `EntDMID` of the enrollment that this one is linked to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emm_device_id: Option<String>,
    /// `Device` (joined to Entra), `User` (registered there); empty or none is `Device`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enrollment_type: Option<String>,
    /// The build, as in `10.0.26100.1301`.
    pub os_version: String,
}

/// Where to enroll, or why not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkedDiscoverResponse {
    /// Where.
    Found(LinkedEndpoints),
    /// Why not.
    Failed {
        /// `errorCode`.
        code: String,
        /// `message`.
        message: String,
    },
}

/// Where to enroll.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkedEndpoints {
    /// `EnrollmentServiceUrl`.
    pub enrollment_url: String,
    /// `EnrollmentPolicyServiceUrl`.
    pub policy_url: String,
    /// `AuthenticationServiceUrl`.
    pub authentication_url: String,
    /// `AuthPolicy`: [`AuthPolicy::Federated`] for joined devices, [`AuthPolicy::Certificate`] for registered ones.
    pub auth_policy: AuthPolicy,
    /// `EnrollmentVersion`.
    pub enrollment_version: Option<Version>,
    /// `ManagementResource`: for whom Entra's token is to be.
    pub management_resource: Option<String>,
    /// `TouUrl`: terms of use.
    pub terms_url: Option<String>,
}

/// Not JSON of this kind, or too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a discovery message")]
pub struct Malformed;

impl LinkedDiscover {
    /// Reads a request.
    pub fn parse(octets: &[u8]) -> Result<Self, Malformed> {
        let request: Self = read(octets)?;
        if request.os_version.is_empty() {
            Err(Malformed)
        } else {
            Ok(request)
        }
    }

    /// The way of authentication that the device can go. \[U\]: a published request of a registered device says
    /// `Device`; the table that goes with it says what is done here. `None` for a type that is neither.
    pub fn auth_policy(&self) -> Option<AuthPolicy> {
        match self.enrollment_type.as_deref() {
            None | Some("" | "Device") => Some(AuthPolicy::Federated),
            Some("User") => Some(AuthPolicy::Certificate),
            Some(_) => None,
        }
    }

    /// The request as a device sends it.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// The answer as it is sent.
#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Wire {
    enrollment_service_url: String,
    enrollment_policy_service_url: String,
    authentication_service_url: String,
    auth_policy: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    enrollment_version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    management_resource: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tou_url: Option<String>,
    #[serde(rename = "errorCode", skip_serializing_if = "Option::is_none")]
    error_code: Option<String>,
    #[serde(rename = "message", skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

impl LinkedDiscoverResponse {
    /// Reads an answer.
    pub fn parse(octets: &[u8]) -> Result<Self, Malformed> {
        let wire: Wire = read(octets)?;
        let some = |text: Option<String>| text.filter(|text| !text.is_empty());
        if let Some(code) = some(wire.error_code) {
            let message = wire.message.unwrap_or_default();
            return Ok(Self::Failed { code, message });
        }
        let need = |text| some(Some(text)).ok_or(Malformed);
        let version = some(wire.enrollment_version).map(|text| text.parse().map_err(|_| Malformed));
        Ok(Self::Found(LinkedEndpoints {
            enrollment_url: need(wire.enrollment_service_url)?,
            policy_url: need(wire.enrollment_policy_service_url)?,
            authentication_url: need(wire.authentication_service_url)?,
            auth_policy: AuthPolicy::from_text(need(wire.auth_policy)?),
            enrollment_version: version.transpose()?,
            management_resource: some(wire.management_resource),
            terms_url: some(wire.tou_url),
        }))
    }

    /// The answer as a server sends it.
    pub fn to_json(&self) -> Vec<u8> {
        let wire = match self {
            Self::Failed { code, message } => Wire {
                error_code: Some(code.clone()),
                message: Some(message.clone()),
                ..Wire::default()
            },
            Self::Found(found) => Wire {
                enrollment_service_url: found.enrollment_url.clone(),
                enrollment_policy_service_url: found.policy_url.clone(),
                authentication_service_url: found.authentication_url.clone(),
                auth_policy: found.auth_policy.as_str().to_owned(),
                enrollment_version: found.enrollment_version.map(|version| version.to_string()),
                management_resource: found.management_resource.clone(),
                tou_url: found.terms_url.clone(),
                ..Wire::default()
            },
        };
        serde_json::to_vec(&wire).unwrap_or_default()
    }
}

/// Reads JSON; `serde_json` bounds how deep it is nested.
fn read<'a, T: Deserialize<'a>>(octets: &'a [u8]) -> Result<T, Malformed> {
    if octets.len() > MAX_OCTETS {
        return Err(Malformed);
    }
    serde_json::from_slice(octets).map_err(|_| Malformed)
}
