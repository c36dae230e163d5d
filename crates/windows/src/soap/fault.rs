//! Faults: why an enrollment is refused (MS-MDE2 section 2.2.9), and the error that Windows shows for it.

#[cfg(test)]
mod tests;

use crate::xml::{Element, Error, Writer};

const ENROLLMENT: &str = "http://schemas.microsoft.com/windows/pki/2009/01/enrollment";

/// A refusal. The HTTP status that goes with it is 500 by convention.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What kind of refusal.
    pub subcode: Subcode,
    /// `Reason`, in English. Windows shows it with [`ErrorType::CustomServerError`].
    pub reason: String,
    /// More about it.
    pub detail: Option<Detail>,
}

/// What kind of refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subcode {
    /// The message is malformed.
    MessageFormat,
    /// The credentials are not right.
    Authentication,
    /// The user may not enroll.
    Authorization,
    /// The certificate request is bad, or nothing can be issued for it.
    CertificateRequest,
    /// The server is set up wrongly.
    EnrollmentServer,
    /// The server failed.
    InternalServiceFault,
    /// The security header is bad.
    InvalidSecurity,
    /// Something else.
    Other(String),
}

/// `DeviceEnrollmentServiceError`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detail {
    /// What exactly is the matter.
    pub error_type: ErrorType,
    /// A text for whoever reads the device's log.
    pub message: String,
    /// A GUID that the server's log has, too.
    pub trace_id: String,
}

/// `ErrorType` of a [`Detail`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ErrorType {
    /// The user has too many devices.
    DeviceCapReached,
    /// Devices of this kind cannot enroll.
    DeviceNotSupported,
    /// This kind of enrollment is not offered.
    NotSupported,
    /// The certificate cannot be renewed, now or any more.
    NotEligibleToRenew,
    /// Later.
    InMaintenance,
    /// The user has no license.
    UserLicense,
    /// `EnrollmentData` is not right.
    InvalidEnrollmentData,
    /// The user is shown the reason.
    CustomServerError,
    /// Something else.
    Other(String),
}

impl Subcode {
    /// Prefix, name, and the HRESULT that Windows makes of it.
    const ALL: [(Self, &'static str, &'static str, u32); 7] = [
        (Self::MessageFormat, "s", "MessageFormat", 0x8018_0001),
        (Self::Authentication, "s", "Authentication", 0x8018_0002),
        (Self::Authorization, "s", "Authorization", 0x8018_0003),
        (Self::CertificateRequest, "s", "CertificateRequest", 0x8018_0004),
        (Self::EnrollmentServer, "s", "EnrollmentServer", 0x8018_0005),
        (
            Self::InternalServiceFault,
            "a",
            "InternalServiceFault",
            0x8018_0006,
        ),
        (Self::InvalidSecurity, "a", "InvalidSecurity", 0x8018_0007),
    ];

    /// Capitals and prefixes differ between published faults.
    fn read(value: &str) -> Self {
        let local = value.rsplit(':').next().unwrap_or(value);
        let known = Self::ALL
            .into_iter()
            .find(|(_, _, name, _)| name.eq_ignore_ascii_case(local));
        known.map_or_else(|| Self::Other(local.to_owned()), |(subcode, ..)| subcode)
    }

    fn value(&self) -> String {
        let known = Self::ALL.iter().find(|(subcode, ..)| subcode == self);
        match (known, self) {
            (Some((_, prefix, name, _)), _) => format!("{prefix}:{name}"),
            (None, Self::Other(name)) => format!("s:{name}"),
            (None, _) => String::new(),
        }
    }
}

impl ErrorType {
    /// Name, and the HRESULT that Windows makes of it.
    const ALL: [(Self, &'static str, u32); 8] = [
        (Self::DeviceCapReached, "DeviceCapReached", 0x8018_0013),
        (Self::DeviceNotSupported, "DeviceNotSupported", 0x8018_0014),
        (Self::NotSupported, "NotSupported", 0x8018_0015),
        (Self::NotEligibleToRenew, "NotEligibleToRenew", 0x8018_0016),
        (Self::InMaintenance, "InMaintenance", 0x8018_0017),
        (Self::UserLicense, "UserLicense", 0x8018_0018),
        (Self::InvalidEnrollmentData, "InvalidEnrollmentData", 0x8018_0019),
        (Self::CustomServerError, "CustomServerError", 0x8018_0032),
    ];

    fn read(text: String) -> Self {
        let known = Self::ALL.into_iter().find(|(_, name, _)| *name == text);
        known.map_or(Self::Other(text), |(known, ..)| known)
    }

    fn text(&self) -> &str {
        match self {
            Self::Other(text) => text,
            known => Self::ALL
                .iter()
                .find(|(one, ..)| one == known)
                .map_or("", |(_, name, _)| name),
        }
    }
}

impl Fault {
    /// A fault without detail.
    pub fn new(subcode: Subcode, reason: impl Into<String>) -> Self {
        Self {
            subcode,
            reason: reason.into(),
            detail: None,
        }
    }

    /// The error that Windows ends the enrollment with; `None` if it has no number of its own for this one.
    pub fn hresult(&self) -> Option<u32> {
        let detailed = self.detail.as_ref().and_then(|detail| {
            ErrorType::ALL
                .iter()
                .find(|(one, ..)| *one == detail.error_type)
                .map(|(.., number)| *number)
        });
        detailed.or_else(|| {
            Subcode::ALL
                .iter()
                .find(|(one, ..)| *one == self.subcode)
                .map(|(.., number)| *number)
        })
    }

    pub(super) fn read(fault: Element<'_>) -> Result<Self, Error> {
        let subcode = fault.need("Code")?.need("Subcode")?.text_of("Value")?;
        // A reason may be given in several languages.
        let reason = fault
            .need("Reason")?
            .all("Text")
            .next()
            .ok_or(Error::Missing("Text"))?;
        let detail = match fault.find("Detail")? {
            Some(detail) => detail.find("DeviceEnrollmentServiceError")?,
            None => None,
        };
        Ok(Self {
            subcode: Subcode::read(&subcode),
            reason: reason.text("Text")?.into_owned(),
            detail: detail.map(Detail::read).transpose()?,
        })
    }

    pub(super) fn write(&self, xml: &mut Writer) {
        xml.element("s:Fault", &[], |xml| {
            xml.element("s:Code", &[], |xml| {
                xml.text("s:Value", "s:Receiver");
                xml.element("s:Subcode", &[], |xml| xml.text("s:Value", &self.subcode.value()));
            });
            xml.element("s:Reason", &[], |xml| {
                xml.text_with("s:Text", &[("xml:lang", "en-us")], &self.reason);
            });
            if let Some(detail) = &self.detail {
                xml.element("s:Detail", &[], |xml| detail.write(xml));
            }
        });
    }
}

impl Detail {
    fn read(detail: Element<'_>) -> Result<Self, Error> {
        Ok(Self {
            error_type: ErrorType::read(detail.text_of("ErrorType")?),
            message: detail.optional_text_of("Message")?.unwrap_or_default(),
            trace_id: detail.optional_text_of("TraceId")?.unwrap_or_default(),
        })
    }

    fn write(&self, xml: &mut Writer) {
        xml.element("DeviceEnrollmentServiceError", &[("xmlns", ENROLLMENT)], |xml| {
            xml.text("ErrorType", self.error_type.text());
            xml.text("Message", &self.message);
            xml.text("TraceId", &self.trace_id);
        });
    }
}
