//! X.509 certificates (RFC 5280): read once, kept as the bytes that were signed.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Range;
use std::sync::Arc;

use const_oid::db::{rfc4519, rfc5280, rfc5912};
use der::asn1::{AnyRef, OctetString};
use der::{Decode, Reader, SliceReader, TagMode, TagNumber};
use spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};
use thiserror::Error;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage};
use x509_cert::time::Validity;

use crate::signature::{self, Digest, Signed};
use crate::{name, pem, time};

/// A certificate larger than this, in bytes of DER, is refused.
pub const MAX_LEN: usize = 64 * 1024;

/// A PEM text may hold this many certificates.
pub const MAX_IN_PEM: usize = 256;

/// The bytes are not a usable certificate.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
pub enum CertificateError {
    /// Longer than [`MAX_LEN`], or more than [`MAX_IN_PEM`] in one text.
    #[error("too large for a certificate")]
    TooLarge,
    /// Not an X.509 certificate in DER, or one whose parts contradict each other.
    #[error("not a valid X.509 certificate")]
    Malformed,
    /// The text has no certificate block, or a broken one.
    #[error("no readable certificate in the PEM text")]
    NotPem,
}

impl From<der::Error> for CertificateError {
    fn from(_: der::Error) -> Self {
        Self::Malformed
    }
}

/// An X.509 certificate. Cloning shares the bytes; equality is equality of the DER.
///
/// Reading one proves nothing about it: see [`crate::chain`].
#[derive(Clone)]
pub struct Certificate(Arc<Inner>);

struct Inner {
    der: Vec<u8>,
    fingerprint: [u8; 32],
    not_before: i64,
    not_after: i64,
    common_name: Option<String>,
    subject_serial_number: Option<String>,
    user_id: Option<String>,
    parts: Parts,
    extensions: Extensions,
}

/// Where in the DER the parts are that are compared or hashed as bytes, each with its tag and length.
struct Parts {
    serial: Range<usize>,
    issuer: Range<usize>,
    subject: Range<usize>,
    public_key: Range<usize>,
}

/// What the extensions say that path validation needs.
#[derive(Default)]
struct Extensions {
    basic_constraints: Option<BasicConstraints>,
    key_usage: Option<KeyUsage>,
    extended_key_usage: Option<ExtendedKeyUsage>,
    subject_key_id: Option<OctetString>,
    name_constraints: bool,
    unknown_critical: bool,
}

impl Certificate {
    /// Reads one certificate of at most [`MAX_LEN`] bytes.
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        if der.len() > MAX_LEN {
            return Err(CertificateError::TooLarge);
        }
        Ok(Self(Arc::new(Inner::parse(der)?)))
    }

    /// Every certificate of a PEM text, in its order and at least one; other kinds of blocks are passed
    /// over.
    pub fn from_pem(text: &str) -> Result<Vec<Self>, CertificateError> {
        let mut certificates = Vec::new();
        for (label, der) in pem::blocks(text) {
            if matches!(label, "CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE") {
                if certificates.len() == MAX_IN_PEM {
                    return Err(CertificateError::TooLarge);
                }
                certificates.push(Self::from_der(&der.ok_or(CertificateError::NotPem)?)?);
            }
        }
        if certificates.is_empty() {
            Err(CertificateError::NotPem)
        } else {
            Ok(certificates)
        }
    }

    /// The certificate as it was read.
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }

    /// The certificate as a PEM block.
    pub fn to_pem(&self) -> String {
        pem::encode("CERTIFICATE", self.der())
    }

    /// SHA-256 of the DER.
    pub fn fingerprint(&self) -> [u8; 32] {
        self.0.fingerprint
    }

    /// SHA-1 of the DER in upper-case hexadecimal, as Windows names certificates. It proves nothing.
    pub fn thumbprint(&self) -> String {
        let digest = Digest::Sha1.of(self.der());
        let octets = digest.as_ref().iter();
        octets.map(|octet| format!("{octet:02X}")).collect()
    }

    /// The first second of validity, in unix seconds.
    pub fn not_before(&self) -> i64 {
        self.0.not_before
    }

    /// The last second of validity, in unix seconds.
    pub fn not_after(&self) -> i64 {
        self.0.not_after
    }

    /// The last common name of the subject. It is what the issuer let the subject say, no more.
    pub fn common_name(&self) -> Option<&str> {
        self.0.common_name.as_deref()
    }

    /// The X.520 serialNumber attribute of the subject: where Ordain's own authority puts the hardware's
    /// serial number. Not the certificate's serial number.
    pub fn subject_serial_number(&self) -> Option<&str> {
        self.0.subject_serial_number.as_deref()
    }

    /// The userId attribute of the subject (UID, RFC 4519 §2.39): where Apple's push certificates have their topic.
    pub fn user_id(&self) -> Option<&str> {
        self.0.user_id.as_deref()
    }

    /// Whether basic constraints name it an authority.
    pub fn is_ca(&self) -> bool {
        self.0
            .extensions
            .basic_constraints
            .as_ref()
            .is_some_and(|constraints| constraints.ca)
    }

    /// The subject's name in DER.
    pub fn subject(&self) -> &[u8] {
        self.part(&self.0.parts.subject)
    }

    /// The issuer's name in DER.
    pub fn issuer(&self) -> &[u8] {
        self.part(&self.0.parts.issuer)
    }

    /// The public key as SubjectPublicKeyInfo in DER.
    pub fn public_key(&self) -> &[u8] {
        self.part(&self.0.parts.public_key)
    }

    /// Whether `signature` is one of `message` by this certificate's key, RSA PKCS#1 v1.5 with SHA-256, as XML signatures
    /// are. Not by a key of less than 2048 bits, or of another kind.
    pub fn verifies_rsa_sha256(&self, message: &[u8], signature: &[u8]) -> bool {
        let algorithm = AlgorithmIdentifierRef {
            oid: rfc5912::SHA_256_WITH_RSA_ENCRYPTION,
            parameters: Some(AnyRef::NULL),
        };
        signature::verify(self.public_key(), algorithm, None, message, signature).is_ok()
    }

    /// The serial number as a DER INTEGER.
    pub(crate) fn serial(&self) -> &[u8] {
        self.part(&self.0.parts.serial)
    }

    pub(crate) fn subject_key_id(&self) -> Option<&[u8]> {
        self.0
            .extensions
            .subject_key_id
            .as_ref()
            .map(OctetString::as_bytes)
    }

    /// How many authorities may stand between this one and a leaf; `None` is any number.
    pub(crate) fn path_length(&self) -> Option<usize> {
        self.0
            .extensions
            .basic_constraints
            .as_ref()?
            .path_len_constraint
            .map(usize::from)
    }

    /// Whether the key may sign certificates; without a key usage extension it may.
    pub(crate) fn may_sign_certificates(&self) -> bool {
        self.0
            .extensions
            .key_usage
            .is_none_or(|usage| usage.key_cert_sign())
    }

    /// Whether the key may authenticate a client; without an extended key usage extension it may.
    pub(crate) fn may_authenticate_clients(&self) -> bool {
        self.0
            .extensions
            .extended_key_usage
            .as_ref()
            .is_none_or(|ExtendedKeyUsage(purposes)| {
                purposes.contains(&rfc5280::ID_KP_CLIENT_AUTH)
                    || purposes.contains(&rfc5280::ANY_EXTENDED_KEY_USAGE)
            })
    }

    /// Whether it demands something that path validation here does not do: an unknown critical extension,
    /// or name constraints.
    pub(crate) fn demands_the_unknown(&self) -> bool {
        self.0.extensions.unknown_critical || self.0.extensions.name_constraints
    }

    /// The signed frame; the bytes were parsed before, so that this does not fail in practice.
    pub(crate) fn signed(&self) -> der::Result<Signed<'_>> {
        Signed::parse(&self.0.der)
    }

    fn part(&self, range: &Range<usize>) -> &[u8] {
        self.0.der.get(range.clone()).unwrap_or_default()
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.der() == other.der()
    }
}

impl Eq for Certificate {}

impl Hash for Certificate {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.fingerprint.hash(state);
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({:?}, ", self.common_name().unwrap_or_default())?;
        self.0
            .fingerprint
            .iter()
            .take(8)
            .try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str("…)")
    }
}

impl Inner {
    fn parse(der: &[u8]) -> Result<Self, CertificateError> {
        let outer_algorithm = Signed::parse(der)?.algorithm;
        let mut reader = SliceReader::new(der)?;
        let (parts, validity, extensions) = reader.sequence(|certificate| {
            let tbs = certificate.sequence(|tbs| {
                // The version decides nothing here: extensions of an older version are honoured, too.
                let _version: Option<u8> = tbs.context_specific(TagNumber(0), TagMode::Explicit)?;
                let serial = part(tbs)?;
                // RFC 5280 §4.1.1.2: what is signed must name the algorithm that signs it.
                if spki::AlgorithmIdentifierRef::decode(tbs)? != outer_algorithm {
                    return Err(der::Tag::Sequence.value_error().into());
                }
                let issuer = part(tbs)?;
                let validity = Validity::<x509_cert::certificate::Rfc5280>::decode(tbs)?;
                let subject = part(tbs)?;
                let public_key = part(tbs)?;
                let mut extensions = Vec::new();
                while !tbs.is_finished() {
                    let explicit = tbs.context_specific(TagNumber(3), TagMode::Explicit)?;
                    match explicit {
                        Some(list) => extensions = list,
                        None => drop(tbs.tlv_bytes()?), // the unique identifiers of version 2
                    }
                }
                Ok::<_, der::Error>((
                    Parts {
                        serial,
                        issuer,
                        subject,
                        public_key,
                    },
                    validity,
                    Extensions::read(&extensions)?,
                ))
            })?;
            certificate.tlv_bytes()?;
            certificate.tlv_bytes()?;
            Ok::<_, der::Error>(tbs)
        })?;
        let bytes = |range: &Range<usize>| der.get(range.clone()).unwrap_or_default();
        SubjectPublicKeyInfoRef::from_der(bytes(&parts.public_key))
            .map_err(|_| CertificateError::Malformed)?;
        let subject = bytes(&parts.subject);
        let mut fingerprint = [0; 32];
        fingerprint.copy_from_slice(Digest::Sha256.of(der).as_ref());
        Ok(Self {
            fingerprint,
            not_before: time::unix_seconds(validity.not_before),
            not_after: time::unix_seconds(validity.not_after),
            common_name: name::attribute(subject, rfc4519::COMMON_NAME)?,
            subject_serial_number: name::attribute(subject, rfc4519::SERIAL_NUMBER)?,
            user_id: name::attribute(subject, rfc4519::USER_ID)?,
            parts,
            extensions,
            der: der.to_vec(),
        })
    }
}

impl Extensions {
    fn read(list: &[Extension]) -> der::Result<Self> {
        let mut read = Self::default();
        for extension in list {
            let value = extension.extn_value.as_bytes();
            match extension.extn_id {
                rfc5280::ID_CE_BASIC_CONSTRAINTS => once(&mut read.basic_constraints, value)?,
                rfc5280::ID_CE_KEY_USAGE => once(&mut read.key_usage, value)?,
                rfc5280::ID_CE_EXT_KEY_USAGE => once(&mut read.extended_key_usage, value)?,
                rfc5280::ID_CE_SUBJECT_KEY_IDENTIFIER => once(&mut read.subject_key_id, value)?,
                rfc5280::ID_CE_NAME_CONSTRAINTS => read.name_constraints = true,
                // No decision is taken on alternative names, which fulfils what a critical one demands.
                rfc5280::ID_CE_SUBJECT_ALT_NAME => {}
                _ => read.unknown_critical |= extension.critical,
            }
        }
        Ok(read)
    }
}

/// Decodes an extension, which may occur only once (RFC 5280 §4.2).
fn once<'a, T: Decode<'a, Error = der::Error>>(slot: &mut Option<T>, value: &'a [u8]) -> der::Result<()> {
    match slot.replace(T::from_der(value)?) {
        None => Ok(()),
        Some(_) => Err(der::Tag::Sequence.value_error().into()),
    }
}

/// The place of the next element.
fn part<'a>(reader: &mut impl Reader<'a>) -> der::Result<Range<usize>> {
    let start = usize::try_from(reader.offset())?;
    reader.tlv_bytes()?;
    Ok(start..usize::try_from(reader.offset())?)
}
