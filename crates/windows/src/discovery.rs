//! Discovery: which way to enroll, and where (MS-MDE2 section 3.1).
//!
//! Before it, devices probe the same [`PATH`] with a GET, which has no body and is answered with 200, `text/html` and
//! no body.

use std::fmt;
use std::str::FromStr;

use crate::xml::{Element, Error, Writer};

/// The path of the discovery service, on `EnterpriseEnrollment.` and the domain of the user's e-mail address.
pub const PATH: &str = "/EnrollmentServer/Discovery.svc";

const ENROLLMENT: &str = "http://schemas.microsoft.com/windows/management/2012/01/enrollment";

/// How a device proves its user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthPolicy {
    /// User name and password in the messages.
    OnPremise,
    /// A token from a page on which the user signs in.
    Federated,
    /// A certificate that the device has already.
    Certificate,
    /// Something else.
    Other(String),
}

impl AuthPolicy {
    pub(crate) fn from_text(text: String) -> Self {
        match text.as_str() {
            "OnPremise" => Self::OnPremise,
            "Federated" => Self::Federated,
            "Certificate" => Self::Certificate,
            _ => Self::Other(text),
        }
    }

    /// Its name in messages.
    pub fn as_str(&self) -> &str {
        match self {
            Self::OnPremise => "OnPremise",
            Self::Federated => "Federated",
            Self::Certificate => "Certificate",
            Self::Other(text) => text,
        }
    }
}

/// A version of the enrollment protocol, as in `4.0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// Before the point.
    pub major: u16,
    /// After it.
    pub minor: u16,
}

impl Version {
    /// The version without obligations of attestation, which every client of today takes as an answer.
    pub const V4: Self = Self { major: 4, minor: 0 };
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// The text is not a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a version")]
pub struct NotAVersion;

impl FromStr for Version {
    type Err = NotAVersion;

    fn from_str(text: &str) -> Result<Self, NotAVersion> {
        let (major, minor) = text.split_once('.').unwrap_or((text, "0"));
        let number = |digits: &str| {
            let digits = Some(digits).filter(|text| text.bytes().all(|octet| octet.is_ascii_digit()));
            digits.and_then(|text| text.parse().ok()).ok_or(NotAVersion)
        };
        Ok(Self {
            major: number(major)?,
            minor: number(minor)?,
        })
    }
}

/// A device asks how to enroll.
#[derive(Debug, Clone, PartialEq)]
pub struct Discover {
    /// `EmailAddress`: may also be `DOMAIN\user`, or empty.
    pub email_address: String,
    /// `OSEdition`: Windows' number of the edition.
    pub os_edition: Option<u32>,
    /// `RequestVersion`: the newest version that the client speaks.
    pub request_version: Version,
    /// `DeviceType`: `CIMClient_Windows` for computers.
    pub device_type: String,
    /// `ApplicationVersion`: the build of the operating system, as in `10.0.22631.3958`.
    pub application_version: Option<String>,
    /// `OSVersion`: only some clients send it.
    pub os_version: Option<String>,
    /// `AuthPolicies`: what the client can do.
    pub auth_policies: Vec<AuthPolicy>,
}

impl Discover {
    pub(crate) fn read(discover: Element<'_>) -> Result<Self, Error> {
        // Requests may add a slash.
        if discover.namespace().trim_end_matches('/') != ENROLLMENT {
            return Err(Error::Value("Discover"));
        }
        let request = discover.need("request")?;
        let policies = request.need("AuthPolicies")?.all("AuthPolicy");
        let policies = policies
            .map(|policy| {
                Ok(AuthPolicy::from_text(
                    policy.text("AuthPolicy")?.trim_ascii().to_owned(),
                ))
            })
            .collect::<Result<Vec<_>, Error>>()?;
        Ok(Self {
            email_address: request.optional_text_of("EmailAddress")?.unwrap_or_default(),
            // An edition that is not a number is as good as none.
            os_edition: request
                .optional_text_of("OSEdition")?
                .and_then(|text| text.parse().ok()),
            request_version: request.value_of("RequestVersion")?,
            device_type: request.text_of("DeviceType")?,
            application_version: request.optional_text_of("ApplicationVersion")?,
            os_version: request.optional_text_of("OSVersion")?,
            auth_policies: policies,
        })
    }

    pub(crate) fn write(&self, xml: &mut Writer) {
        xml.element("Discover", &[("xmlns", ENROLLMENT)], |xml| {
            xml.element("request", &[], |xml| {
                xml.text("EmailAddress", &self.email_address);
                xml.optional_text(
                    "OSEdition",
                    self.os_edition.map(|edition| edition.to_string()).as_deref(),
                );
                xml.text("RequestVersion", &self.request_version.to_string());
                xml.text("DeviceType", &self.device_type);
                xml.optional_text("ApplicationVersion", self.application_version.as_deref());
                xml.optional_text("OSVersion", self.os_version.as_deref());
                xml.element("AuthPolicies", &[], |xml| {
                    for policy in &self.auth_policies {
                        xml.text("AuthPolicy", policy.as_str());
                    }
                });
            });
        });
    }
}

/// How to enroll.
#[derive(Debug, Clone, PartialEq)]
pub struct DiscoverResponse {
    /// `AuthPolicy`: one of those that the client offered.
    pub auth_policy: AuthPolicy,
    /// `EnrollmentVersion`: the version to go on with.
    pub enrollment_version: Option<Version>,
    /// `EnrollmentPolicyServiceUrl`: where to ask for the certificate policy. Without it, the device takes 2048 bits
    /// of RSA and SHA-1.
    pub policy_url: Option<String>,
    /// `EnrollmentServiceUrl`: where to enroll; on the same host.
    pub enrollment_url: String,
    /// `AuthenticationServiceUrl`: where the user signs in. [`AuthPolicy::Federated`] needs it.
    pub authentication_url: Option<String>,
}

impl DiscoverResponse {
    pub(crate) fn read(response: Element<'_>) -> Result<Self, Error> {
        if response.namespace().trim_end_matches('/') != ENROLLMENT {
            return Err(Error::Value("DiscoverResponse"));
        }
        let result = response.need("DiscoverResult")?;
        Ok(Self {
            auth_policy: AuthPolicy::from_text(result.text_of("AuthPolicy")?),
            enrollment_version: result.optional_value_of("EnrollmentVersion")?,
            policy_url: result.optional_text_of("EnrollmentPolicyServiceUrl")?,
            enrollment_url: result.text_of("EnrollmentServiceUrl")?,
            authentication_url: result.optional_text_of("AuthenticationServiceUrl")?,
        })
    }

    pub(crate) fn write(&self, xml: &mut Writer) {
        xml.element("DiscoverResponse", &[("xmlns", ENROLLMENT)], |xml| {
            xml.element("DiscoverResult", &[], |xml| {
                xml.text("AuthPolicy", self.auth_policy.as_str());
                xml.optional_text(
                    "EnrollmentVersion",
                    self.enrollment_version.map(|v| v.to_string()).as_deref(),
                );
                xml.optional_text("EnrollmentPolicyServiceUrl", self.policy_url.as_deref());
                xml.text("EnrollmentServiceUrl", &self.enrollment_url);
                xml.optional_text("AuthenticationServiceUrl", self.authentication_url.as_deref());
            });
        });
    }
}
