//! CMS SignedData (RFC 5652 §5): what the `Mdm-Signature` header carries, and a Windows device's request for renewal.

use const_oid::ObjectIdentifier;
use const_oid::db::rfc5911;
use der::asn1::OctetStringRef;
use der::{AnyRef, Decode, Reader, SliceReader, Tag, TagNumber, Tagged};
use spki::AlgorithmIdentifierRef;
use thiserror::Error;
use x509_cert::time::Time;

mod sign;

pub use sign::{Form, sign_attached, sign_detached};

use crate::certificate::{Certificate, CertificateError};
use crate::signature::{self, Digest, SignatureError};
use crate::{ber, time};

/// A message larger than this is refused.
pub const MAX_LEN: usize = 128 * 1024;

/// A message may carry this many certificates.
pub const MAX_CERTIFICATES: usize = 16;

/// Why a signature does not count.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
pub enum CmsError {
    /// Larger than [`MAX_LEN`], or more than [`MAX_CERTIFICATES`].
    #[error("the CMS message is too large")]
    TooLarge,
    /// Not a CMS SignedData message in DER or BER.
    #[error("not a valid CMS SignedData message")]
    Malformed,
    /// None or several.
    #[error("the CMS message does not have exactly one signer")]
    NotOneSigner,
    /// The content is not in the message.
    #[error("the CMS message has no content")]
    NoContent,
    /// The signer's certificate is not in the message.
    #[error("the signer's certificate is missing")]
    NoCertificate,
    /// A digest, signature algorithm or key that is not supported, or too weak.
    #[error("the CMS message uses an unsupported algorithm or key")]
    UnsupportedAlgorithm,
    /// The signature was not made over this content by this key.
    #[error("the signature does not match the content")]
    WrongSignature,
}

impl From<der::Error> for CmsError {
    fn from(_: der::Error) -> Self {
        Self::Malformed
    }
}

/// A signature that matches its content.
#[derive(Debug, Clone)]
pub struct Signed {
    /// Who signed. Nothing is known yet about who vouches for it: see [`crate::chain`].
    pub signer: Certificate,
    /// The other certificates of the message, as it ordered them.
    pub others: Vec<Certificate>,
    /// When the signer says that it signed, in unix seconds. Clocks of devices may be far off.
    pub signing_time: Option<i64>,
}

/// Checks a detached signature over `content`. `message` is a ContentInfo in DER or BER.
///
/// There must be one signer, and its certificate inside; content inside is ignored. RSA PKCS#1 and PSS, ECDSA and Ed25519 with
/// SHA-2 are accepted, and SHA-1 where RSA or P-256 makes the signature, with or without signed
/// attributes. The time costs of a call are bounded by one pass over the content and two signature checks.
pub fn verify_detached(message: &[u8], content: &[u8]) -> Result<Signed, CmsError> {
    verify(SignedData::parse(&to_der(message)?)?, content)
}

/// Checks a signature over the content that is in the message, and returns that; otherwise as [`verify_detached`].
pub fn verify_attached(message: &[u8]) -> Result<(Signed, Vec<u8>), CmsError> {
    let der = to_der(message)?;
    let data = SignedData::parse(&der)?;
    let content = data.content.ok_or(CmsError::NoContent)?;
    let content = <&OctetStringRef>::from_der(content)?.as_bytes();
    Ok((verify(data, content)?, content.to_vec()))
}

fn to_der(message: &[u8]) -> Result<Vec<u8>, CmsError> {
    if message.len() > MAX_LEN {
        return Err(CmsError::TooLarge);
    }
    ber::to_der(message).map_err(|_| CmsError::Malformed)
}

fn verify(data: SignedData<'_>, content: &[u8]) -> Result<Signed, CmsError> {
    let [info] = data.signer_infos.as_slice() else {
        return Err(CmsError::NotOneSigner);
    };
    let info = SignerInfo::parse(info)?;
    let mut others = Vec::new();
    let mut signer = None;
    for der in data.certificates {
        let certificate = Certificate::from_der(der).map_err(|error| match error {
            CertificateError::TooLarge => CmsError::TooLarge,
            CertificateError::Malformed | CertificateError::NotPem => CmsError::Malformed,
        })?;
        if signer.is_none() && info.signer.names(&certificate) {
            signer = Some(certificate);
        } else {
            others.push(certificate);
        }
    }
    let signer = signer.ok_or(CmsError::NoCertificate)?;
    let signing_time = info.verify(&signer, data.content_type, content)?;
    Ok(Signed {
        signer,
        others,
        signing_time,
    })
}

/// The parts of SignedData that matter. The sets stay in the order in which they were sent: `cms` and
/// `der` would sort them, and with that lose what was signed and take quadratic time.
struct SignedData<'a> {
    content_type: ObjectIdentifier,
    /// The content as it is in the message, if it is: an OCTET STRING, by its kind.
    content: Option<&'a [u8]>,
    certificates: Vec<&'a [u8]>,
    signer_infos: Vec<&'a [u8]>,
}

impl<'a> SignedData<'a> {
    fn parse(der: &'a [u8]) -> Result<Self, CmsError> {
        let mut message = SliceReader::new(der)?;
        let data = message.sequence(|message| {
            if ObjectIdentifier::decode(message)? != rfc5911::ID_SIGNED_DATA {
                return Err(CmsError::Malformed);
            }
            let content = tagged(message, 0)?.ok_or(CmsError::Malformed)?;
            let mut content = SliceReader::new(content)?;
            let data = content.sequence(Self::read)?;
            content.finish()?;
            Ok(data)
        })?;
        message.finish()?;
        Ok(data)
    }

    fn read<R: Reader<'a>>(data: &mut R) -> Result<Self, CmsError> {
        let _version = u8::decode(data)?;
        set(data)?; // the digests, which the signer names again
        // Streaming signers put the content in even when told to detach it. To who has the content, what counts is that:
        // a signature over any other does not match it.
        let (content_type, content) = data.sequence(|content| {
            Ok::<_, der::Error>((ObjectIdentifier::decode(content)?, tagged(content, 0)?))
        })?;
        let mut certificates = elements(tagged(data, 0)?.unwrap_or_default())?;
        // Attribute certificates and other formats are tagged, certificates are sequences.
        certificates.retain(|certificate| certificate.first() == Some(&0x30));
        if certificates.len() > MAX_CERTIFICATES {
            return Err(CmsError::TooLarge);
        }
        tagged(data, 1)?; // revocation lists
        let signer_infos = elements(set(data)?)?;
        Ok(Self {
            content_type,
            content,
            certificates,
            signer_infos,
        })
    }
}

struct SignerInfo<'a> {
    signer: SignerId<'a>,
    digest: AlgorithmIdentifierRef<'a>,
    /// The content of the signed attributes, without the tag and length of the set.
    signed_attributes: Option<&'a [u8]>,
    algorithm: AlgorithmIdentifierRef<'a>,
    signature: &'a [u8],
}

enum SignerId<'a> {
    IssuerAndSerial { issuer: &'a [u8], serial: &'a [u8] },
    SubjectKeyId(&'a [u8]),
}

impl SignerId<'_> {
    fn names(&self, certificate: &Certificate) -> bool {
        match *self {
            Self::IssuerAndSerial { issuer, serial } => {
                certificate.issuer() == issuer && certificate.serial() == serial
            }
            Self::SubjectKeyId(id) => certificate.subject_key_id() == Some(id),
        }
    }
}

impl<'a> SignerInfo<'a> {
    fn parse(der: &'a [u8]) -> Result<Self, CmsError> {
        let mut reader = SliceReader::new(der)?;
        let info = reader.sequence(|info| {
            let _version = u8::decode(info)?;
            let signer = match next_tagged(info, false, 0)? {
                Some(id) => SignerId::SubjectKeyId(id),
                None => info.sequence(|id| {
                    Ok::<_, der::Error>(SignerId::IssuerAndSerial {
                        issuer: id.tlv_bytes()?,
                        serial: id.tlv_bytes()?,
                    })
                })?,
            };
            let digest = AlgorithmIdentifierRef::decode(info)?;
            let signed_attributes = tagged(info, 0)?;
            let algorithm = AlgorithmIdentifierRef::decode(info)?;
            let signature = <&OctetStringRef>::decode(info)?.as_bytes();
            tagged(info, 1)?; // attributes that are not signed
            Ok::<_, der::Error>(Self {
                signer,
                digest,
                signed_attributes,
                algorithm,
                signature,
            })
        })?;
        reader.finish()?;
        Ok(info)
    }

    /// Checks the signature (RFC 5652 §5.4, §5.6), and returns the signing time.
    fn verify(
        &self,
        signer: &Certificate,
        content_type: ObjectIdentifier,
        content: &[u8],
    ) -> Result<Option<i64>, CmsError> {
        let digest = Digest::from_oid(self.digest.oid).ok_or(CmsError::UnsupportedAlgorithm)?;
        let check = |message: &[u8]| {
            signature::verify(
                signer.public_key(),
                self.algorithm,
                Some(digest),
                message,
                self.signature,
            )
        };
        let Some(attributes) = self.signed_attributes else {
            // A signature over attributes must not pass for one over content that looks like them.
            if is_attributes(content) {
                return Err(CmsError::WrongSignature);
            }
            check(content)?;
            return Ok(None);
        };
        let attributes_sent = elements(attributes)?;
        let read = Attributes::read(&attributes_sent)?;
        if read.content_type != Some(content_type) || read.message_digest != Some(digest.of(content).as_ref())
        {
            return Err(CmsError::WrongSignature);
        }
        let as_sent = as_set(&attributes_sent);
        let mut sorted = attributes_sent;
        sorted.sort_unstable();
        let sorted = as_set(&sorted);
        // The RFC wants the DER of the set, which is sorted; some signers sign the order that they send.
        match check(&as_sent) {
            Err(SignatureError::Wrong) if as_sent != sorted => check(&sorted)?,
            outcome => outcome?,
        }
        Ok(read.signing_time)
    }
}

impl From<SignatureError> for CmsError {
    fn from(error: SignatureError) -> Self {
        match error {
            SignatureError::Unsupported => Self::UnsupportedAlgorithm,
            SignatureError::Wrong => Self::WrongSignature,
        }
    }
}

/// The signed attributes that count (RFC 5652 §11).
#[derive(Default)]
struct Attributes<'a> {
    content_type: Option<ObjectIdentifier>,
    message_digest: Option<&'a [u8]>,
    signing_time: Option<i64>,
}

impl<'a> Attributes<'a> {
    fn read(attributes: &[&'a [u8]]) -> der::Result<Self> {
        let mut read = Self::default();
        for attribute in attributes {
            let mut reader = SliceReader::new(attribute)?;
            let (kind, values) = reader.sequence(|attribute| {
                Ok::<_, der::Error>((ObjectIdentifier::decode(attribute)?, set(attribute)?))
            })?;
            // Each of these has one value and occurs once.
            let repeated = match kind {
                rfc5911::ID_CONTENT_TYPE => read
                    .content_type
                    .replace(ObjectIdentifier::from_der(values)?)
                    .is_some(),
                rfc5911::ID_MESSAGE_DIGEST => read
                    .message_digest
                    .replace(<&OctetStringRef>::from_der(values)?.as_bytes())
                    .is_some(),
                rfc5911::ID_SIGNING_TIME => read
                    .signing_time
                    .replace(time::unix_seconds(Time::from_der(values)?))
                    .is_some(),
                _ => false,
            };
            if repeated {
                return Err(Tag::Set.value_error().into());
            }
        }
        Ok(read)
    }
}

/// Whether the bytes are what a signer with signed attributes signs.
fn is_attributes(content: &[u8]) -> bool {
    let read = || Attributes::read(&elements(whole_set(content)?)?).map(|read| read.message_digest.is_some());
    read().unwrap_or(false)
}

fn whole_set(der: &[u8]) -> der::Result<&[u8]> {
    let mut reader = SliceReader::new(der)?;
    let content = set(&mut reader)?;
    reader.finish()?;
    Ok(content)
}

/// The content of the SET that comes next.
fn set<'a>(reader: &mut impl Reader<'a>) -> der::Result<&'a [u8]> {
    let set = AnyRef::decode(reader)?;
    set.tag().assert_eq(Tag::Set)?;
    Ok(set.value())
}

/// The content of the constructed `[number]` that comes next, if it does.
fn tagged<'a>(reader: &mut impl Reader<'a>, number: u32) -> der::Result<Option<&'a [u8]>> {
    next_tagged(reader, true, number)
}

fn next_tagged<'a>(
    reader: &mut impl Reader<'a>,
    constructed: bool,
    number: u32,
) -> der::Result<Option<&'a [u8]>> {
    let wanted = Tag::ContextSpecific {
        constructed,
        number: TagNumber(number),
    };
    if reader.is_finished() || Tag::peek(reader)? != wanted {
        return Ok(None);
    }
    Ok(Some(AnyRef::decode(reader)?.value()))
}

/// The elements of a set's content, each with its tag and length.
fn elements(content: &[u8]) -> der::Result<Vec<&[u8]>> {
    let mut reader = SliceReader::new(content)?;
    let mut elements = Vec::new();
    while !reader.is_finished() {
        elements.push(reader.tlv_bytes()?);
    }
    Ok(elements)
}

fn as_set(elements: &[&[u8]]) -> Vec<u8> {
    let mut set = Vec::new();
    ber::write(&[0x31], &elements.concat(), &mut set);
    set
}
