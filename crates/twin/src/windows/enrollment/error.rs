//! Why an enrollment, or a renewal, comes to nothing.

use ordain_windows::soap::Fault;

use crate::windows::complaint::Complaint;
use crate::windows::exchange::About;

/// Why an enrollment, or a renewal, came to nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnrollError {
    /// The device is enrolled already.
    #[error("the device is enrolled already")]
    AlreadyEnrolled,
    /// The server refused.
    #[error("{about}: refused: {}", fault.reason)]
    Fault {
        /// What was asked for.
        about: About,
        /// Why.
        fault: Fault,
    },
    /// The server broke a rule.
    #[error(transparent)]
    Complaint(#[from] Complaint),
    /// The page on which the user signs in did not let the user in.
    #[error("the sign-in page refused the user")]
    SignInRefused,
    /// There is no key of that many bits.
    #[error("no RSA key of {0} bits")]
    NoKey(usize),
    /// The key cannot be used.
    #[error("the key cannot sign")]
    Key,
    /// The name of the user or the device cannot be sent.
    #[error("a name has characters that XML does not carry")]
    Unwritable,
    /// No answer came.
    #[error("{0}: no answer")]
    NoAnswer(About),
    /// This edition, build or join state has no linked enrollments.
    #[error("this edition, build or join state has no linked enrollments")]
    NotSupported,
    /// Entra has no token for the device, which is no member of a tenant.
    #[error("there is no token of Entra for this device")]
    NoToken,
    /// The discovery of a linked enrollment was refused.
    #[error("linked discovery: {code}: {message}")]
    Discovery {
        /// `errorCode`.
        code: String,
        /// `message`.
        message: String,
    },
    /// The certificate cannot be renewed any more, or not yet.
    #[error("the certificate is not in its renewal period")]
    NotRenewable,
}

impl EnrollError {
    /// The error number that Windows ends with; `None` where it has none that is known.
    pub fn hresult(&self) -> Option<u32> {
        match self {
            Self::AlreadyEnrolled => Some(0x8018_0026),
            // ERROR_NOT_SUPPORTED
            Self::NotSupported => Some(0x8007_0032),
            Self::Fault { fault, .. } => fault.hresult(),
            _ => None,
        }
    }
}
