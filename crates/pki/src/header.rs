//! The client certificate as a proxy writes it into a header.
//!
//! Proxies differ: RFC 9440 has the DER as a structured field's byte sequence, nginx and load balancers
//! have the PEM escaped as in URLs, others the PEM with its line breaks made spaces or tabs. The content
//! tells which one it is. Whether the header may be believed at all is the caller's to decide.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode;
use thiserror::Error;

use crate::certificate::{Certificate, CertificateError};

/// A value longer than this is refused.
pub const MAX_LEN: usize = 64 * 1024;

/// The header holds no client certificate.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
pub enum HeaderError {
    /// Longer than [`MAX_LEN`].
    #[error("the client certificate header is too long")]
    TooLong,
    /// Neither RFC 9440's form nor PEM, or something other than exactly one certificate.
    #[error("the client certificate header is not one certificate in RFC 9440's form or in PEM")]
    Malformed,
}

impl From<CertificateError> for HeaderError {
    fn from(_: CertificateError) -> Self {
        Self::Malformed
    }
}

/// The certificate in a header's value.
pub fn client_certificate(value: &[u8]) -> Result<Certificate, HeaderError> {
    if value.len() > MAX_LEN {
        return Err(HeaderError::TooLong);
    }
    let value = value.trim_ascii();
    if let Some(packed) = value.strip_prefix(b":") {
        let packed = packed.strip_suffix(b":").ok_or(HeaderError::Malformed)?;
        let der = STANDARD.decode(packed).map_err(|_| HeaderError::Malformed)?;
        return Ok(Certificate::from_der(&der)?);
    }
    // A plus sign stays one: it is base64's, and proxies that escape spaces write %20.
    let escaped = value.contains(&b'%');
    let text = if escaped {
        Cow::from(percent_decode(value))
    } else {
        Cow::from(value)
    };
    let text = std::str::from_utf8(&text).map_err(|_| HeaderError::Malformed)?;
    match Certificate::from_pem(text)?.as_slice() {
        [certificate] => Ok(certificate.clone()),
        _ => Err(HeaderError::Malformed),
    }
}
