//! Making signatures, as a device does.

use cms::content_info::ContentInfo;
use cms::signed_data::EncapsulatedContentInfo;
use const_oid::ObjectIdentifier;
use const_oid::db::{rfc5911, rfc5912};
use der::asn1::{OctetString, SetOfVec};
use der::{Any, AnyRef, Decode, Encode, EncodeValue, Sequence, Tagged, ValueOrd};
use spki::AlgorithmIdentifierRef;
use x509_cert::attr::{Attribute, Attributes};

use crate::certificate::Certificate;
use crate::key::{KeyError, KeyPair};
use crate::signature::Digest;
use crate::time;

/// What is signed besides the content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Nothing: the signature is over the content itself.
    Bare,
    /// Attributes, among them the signing time in unix seconds.
    WithAttributes {
        /// When the signer says that it signs.
        at: i64,
    },
}

/// A detached signature over `content` with SHA-256, as a ContentInfo in DER with the signer's
/// certificate inside. `key` must be the certificate's.
pub fn sign_detached(
    key: &KeyPair,
    certificate: &Certificate,
    content: &[u8],
    form: Form,
) -> Result<Vec<u8>, KeyError> {
    sign(key, certificate, content, form, None)
}

/// The same with the content inside, as Windows signs the request for its next certificate.
pub fn sign_attached(
    key: &KeyPair,
    certificate: &Certificate,
    content: &[u8],
    form: Form,
) -> Result<Vec<u8>, KeyError> {
    let inside = Any::encode_from(&OctetString::new(content)?)?;
    sign(key, certificate, content, form, Some(inside))
}

fn sign(
    key: &KeyPair,
    certificate: &Certificate,
    content: &[u8],
    form: Form,
    inside: Option<Any>,
) -> Result<Vec<u8>, KeyError> {
    let digest = AlgorithmIdentifierRef {
        oid: rfc5912::ID_SHA_256,
        parameters: None,
    };
    let attributes = match form {
        Form::Bare => None,
        Form::WithAttributes { at } => Some(attributes(content, at)?),
    };
    let signature = match &attributes {
        None => key.sign(content)?,
        Some(attributes) => key.sign(&attributes.to_der()?)?,
    };
    let signer = SignerInfo {
        version: 1,
        signer: IssuerAndSerial {
            issuer: AnyRef::from_der(certificate.issuer())?,
            serial: AnyRef::from_der(certificate.serial())?,
        },
        digest,
        attributes,
        algorithm: key.signature_algorithm(),
        signature: OctetString::new(signature)?,
    };
    let data = SignedData {
        version: 1,
        digests: SetOfVec::try_from(vec![digest])?,
        content: EncapsulatedContentInfo {
            econtent_type: rfc5911::ID_DATA,
            econtent: inside,
        },
        certificates: SetOfVec::try_from(vec![AnyRef::from_der(certificate.der())?])?,
        signers: SetOfVec::try_from(vec![signer])?,
    };
    let message = ContentInfo {
        content_type: rfc5911::ID_SIGNED_DATA,
        content: Any::encode_from(&data)?,
    };
    Ok(message.to_der()?)
}

/// SignedData (RFC 5652 §5.1) around certificates that stay the bytes they are, which the types of `cms`
/// would encode anew.
#[derive(Sequence)]
struct SignedData<'a> {
    version: u8,
    digests: SetOfVec<AlgorithmIdentifierRef<'a>>,
    content: EncapsulatedContentInfo,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT")]
    certificates: SetOfVec<AnyRef<'a>>,
    signers: SetOfVec<SignerInfo<'a>>,
}

#[derive(Sequence, ValueOrd)]
struct SignerInfo<'a> {
    version: u8,
    signer: IssuerAndSerial<'a>,
    digest: AlgorithmIdentifierRef<'a>,
    #[asn1(
        context_specific = "0",
        tag_mode = "IMPLICIT",
        constructed = "true",
        optional = "true"
    )]
    attributes: Option<Attributes>,
    algorithm: AlgorithmIdentifierRef<'a>,
    signature: OctetString,
}

#[derive(Sequence, ValueOrd)]
struct IssuerAndSerial<'a> {
    issuer: AnyRef<'a>,
    serial: AnyRef<'a>,
}

fn attributes(content: &[u8], at: i64) -> Result<Attributes, KeyError> {
    let digest = OctetString::new(Digest::Sha256.of(content).as_ref())?;
    Ok(SetOfVec::try_from(vec![
        attribute(rfc5911::ID_CONTENT_TYPE, &rfc5911::ID_DATA)?,
        attribute(rfc5911::ID_MESSAGE_DIGEST, &digest)?,
        attribute(rfc5911::ID_SIGNING_TIME, &time::encodable(at)?)?,
    ])?)
}

fn attribute(oid: ObjectIdentifier, value: &(impl Tagged + EncodeValue)) -> der::Result<Attribute> {
    Ok(Attribute {
        oid,
        values: SetOfVec::try_from(vec![Any::encode_from(value)?])?,
    })
}
