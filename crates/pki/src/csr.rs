//! Certification requests (PKCS#10, RFC 2986).

use const_oid::db::rfc4519;
use der::{Decode, Reader, SliceReader};
use spki::SubjectPublicKeyInfoRef;
use thiserror::Error;

use crate::ber;
use crate::key::{KeyError, KeyPair};
use crate::signature::{self, SignatureError, Signed};
use crate::{name, pem};

/// A request larger than this, in bytes of DER, is refused.
pub const MAX_LEN: usize = 64 * 1024;

/// Why a request is not honoured.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
pub enum CsrError {
    /// Longer than [`MAX_LEN`].
    #[error("too large for a certification request")]
    TooLarge,
    /// Not a PKCS#10 request in DER, or in PEM where that was expected.
    #[error("not a valid certification request")]
    Malformed,
    /// A key or signature algorithm that is not supported, or too weak.
    #[error("the certification request uses an unsupported algorithm or key")]
    UnsupportedAlgorithm,
    /// The requester did not prove that it has the private key.
    #[error("the signature of the certification request is wrong")]
    WrongSignature,
}

impl From<der::Error> for CsrError {
    fn from(_: der::Error) -> Self {
        Self::Malformed
    }
}

/// A request whose maker has proved possession of the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Csr {
    /// SubjectPublicKeyInfo in DER.
    pub public_key: Vec<u8>,
    /// The common name that the requester wishes for.
    pub common_name: Option<String>,
}

impl Csr {
    /// Reads a request and checks its signature.
    pub fn from_der(der: &[u8]) -> Result<Self, CsrError> {
        if der.len() > MAX_LEN {
            return Err(CsrError::TooLarge);
        }
        let signed = Signed::parse(der)?;
        let mut reader = SliceReader::new(signed.body)?;
        let (subject, public_key) = reader.sequence(|info| {
            let _version = u8::decode(info)?;
            let subject = info.tlv_bytes()?;
            let public_key = info.tlv_bytes()?;
            while !info.is_finished() {
                info.tlv_bytes()?; // attributes: what they ask for is not granted
            }
            Ok::<_, der::Error>((subject, public_key))
        })?;
        SubjectPublicKeyInfoRef::from_der(public_key).map_err(|_| CsrError::Malformed)?;
        signed.verify(public_key).map_err(|error| match error {
            SignatureError::Unsupported => CsrError::UnsupportedAlgorithm,
            SignatureError::Wrong => CsrError::WrongSignature,
        })?;
        Ok(Self {
            public_key: public_key.to_vec(),
            common_name: name::attribute(subject, rfc4519::COMMON_NAME)?,
        })
    }

    /// Reads the first request of a PEM text and checks its signature.
    pub fn from_pem(text: &str) -> Result<Self, CsrError> {
        let (_, der) = pem::blocks(text)
            .find(|(label, _)| matches!(*label, "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST"))
            .ok_or(CsrError::Malformed)?;
        Self::from_der(&der.ok_or(CsrError::Malformed)?)
    }
}

/// A request in DER for `key` under a common name of 1 to 64 characters.
pub fn create(key: &KeyPair, common_name: &str) -> Result<Vec<u8>, KeyError> {
    const VERSION: &[u8] = &[0x02, 0x01, 0x00];
    const NO_ATTRIBUTES: &[u8] = &[0xa0, 0x00];
    let subject = name::encode(common_name, None, None, None).ok_or(KeyError::Failed)?;
    let mut info = Vec::new();
    ber::write(
        &[0x30],
        &[VERSION, &subject, key.public_key(), NO_ATTRIBUTES].concat(),
        &mut info,
    );
    signature::sign(&info, key)
}
