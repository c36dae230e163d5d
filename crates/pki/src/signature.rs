//! Signature algorithms: which ones are understood, and what they need of a key.

use aws_lc_rs::digest::{self, SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA384, SHA512};
use aws_lc_rs::signature::{self as aws, UnparsedPublicKey, VerificationAlgorithm};
use const_oid::ObjectIdentifier;
use const_oid::db::{rfc5912, rfc8410};
use der::asn1::{AnyRef, BitStringRef};
use der::{Decode, Encode, Reader, Sequence, SliceReader};
use spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};
use thiserror::Error;

use crate::key::{KeyError, KeyPair};

/// ecdsa-with-SHA1 (RFC 3279 §2.2.3).
const ECDSA_WITH_SHA_1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.1");

/// Why a signature does not count.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SignatureError {
    #[error("the signature algorithm is not supported with this key")]
    Unsupported,
    #[error("the signature is wrong")]
    Wrong,
}

/// A digest that signatures may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Digest {
    /// Only for verifying what older devices and authorities signed.
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

impl Digest {
    pub(crate) fn from_oid(oid: ObjectIdentifier) -> Option<Self> {
        match oid {
            rfc5912::ID_SHA_1 => Some(Self::Sha1),
            rfc5912::ID_SHA_256 => Some(Self::Sha256),
            rfc5912::ID_SHA_384 => Some(Self::Sha384),
            rfc5912::ID_SHA_512 => Some(Self::Sha512),
            _ => None,
        }
    }

    pub(crate) fn of(self, data: &[u8]) -> digest::Digest {
        let algorithm = match self {
            Self::Sha1 => &SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => &SHA256,
            Self::Sha384 => &SHA384,
            Self::Sha512 => &SHA512,
        };
        digest::digest(algorithm, data)
    }
}

/// Checks `signature` over `message`.
///
/// `announced` is the digest that a CMS signer names beside its signature algorithm: algorithms that name
/// none themselves (rsaEncryption, id-ecPublicKey) take it, the others must agree with it.
pub(crate) fn verify(
    key: &[u8],
    algorithm: AlgorithmIdentifierRef<'_>,
    announced: Option<Digest>,
    message: &[u8],
    signature: &[u8],
) -> Result<(), SignatureError> {
    let key = SubjectPublicKeyInfoRef::from_der(key).map_err(|_| SignatureError::Unsupported)?;
    let verification = verification(&key, algorithm, announced).ok_or(SignatureError::Unsupported)?;
    let point = key
        .subject_public_key
        .as_bytes()
        .ok_or(SignatureError::Unsupported)?;
    UnparsedPublicKey::new(verification, point)
        .verify(message, signature)
        .map_err(|_| SignatureError::Wrong)
}

fn verification(
    key: &SubjectPublicKeyInfoRef<'_>,
    algorithm: AlgorithmIdentifierRef<'_>,
    announced: Option<Digest>,
) -> Option<&'static dyn VerificationAlgorithm> {
    if key.algorithm.oid == rfc8410::ID_ED_25519 {
        return (algorithm.oid == rfc8410::ID_ED_25519).then_some(&aws::ED25519);
    }
    let digest = match algorithm.oid {
        rfc5912::RSA_ENCRYPTION | rfc5912::ID_EC_PUBLIC_KEY => announced?,
        rfc5912::SHA_1_WITH_RSA_ENCRYPTION | ECDSA_WITH_SHA_1 => Digest::Sha1,
        rfc5912::SHA_256_WITH_RSA_ENCRYPTION | rfc5912::ECDSA_WITH_SHA_256 => Digest::Sha256,
        rfc5912::SHA_384_WITH_RSA_ENCRYPTION | rfc5912::ECDSA_WITH_SHA_384 => Digest::Sha384,
        rfc5912::SHA_512_WITH_RSA_ENCRYPTION | rfc5912::ECDSA_WITH_SHA_512 => Digest::Sha512,
        rfc5912::ID_RSASSA_PSS => pss_digest(algorithm.parameters?)?,
        _ => return None,
    };
    if announced.is_some_and(|announced| announced != digest) {
        return None;
    }
    match (key.algorithm.oid, algorithm.oid) {
        (rfc5912::RSA_ENCRYPTION, rfc5912::ID_RSASSA_PSS) => match digest {
            Digest::Sha1 => None,
            Digest::Sha256 => Some(&aws::RSA_PSS_2048_8192_SHA256),
            Digest::Sha384 => Some(&aws::RSA_PSS_2048_8192_SHA384),
            Digest::Sha512 => Some(&aws::RSA_PSS_2048_8192_SHA512),
        },
        (
            rfc5912::RSA_ENCRYPTION,
            rfc5912::RSA_ENCRYPTION
            | rfc5912::SHA_1_WITH_RSA_ENCRYPTION
            | rfc5912::SHA_256_WITH_RSA_ENCRYPTION
            | rfc5912::SHA_384_WITH_RSA_ENCRYPTION
            | rfc5912::SHA_512_WITH_RSA_ENCRYPTION,
        ) => Some(match digest {
            Digest::Sha1 => &aws::RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
            Digest::Sha256 => &aws::RSA_PKCS1_2048_8192_SHA256,
            Digest::Sha384 => &aws::RSA_PKCS1_2048_8192_SHA384,
            Digest::Sha512 => &aws::RSA_PKCS1_2048_8192_SHA512,
        }),
        (
            rfc5912::ID_EC_PUBLIC_KEY,
            rfc5912::ID_EC_PUBLIC_KEY
            | ECDSA_WITH_SHA_1
            | rfc5912::ECDSA_WITH_SHA_256
            | rfc5912::ECDSA_WITH_SHA_384
            | rfc5912::ECDSA_WITH_SHA_512,
        ) => {
            let curve = ObjectIdentifier::try_from(key.algorithm.parameters?).ok()?;
            Some(match (curve, digest) {
                (rfc5912::SECP_256_R_1, Digest::Sha1) => &aws::ECDSA_P256_SHA1_ASN1,
                (rfc5912::SECP_256_R_1, Digest::Sha256) => &aws::ECDSA_P256_SHA256_ASN1,
                (rfc5912::SECP_256_R_1, Digest::Sha384) => &aws::ECDSA_P256_SHA384_ASN1,
                (rfc5912::SECP_256_R_1, Digest::Sha512) => &aws::ECDSA_P256_SHA512_ASN1,
                (rfc5912::SECP_384_R_1, Digest::Sha256) => &aws::ECDSA_P384_SHA256_ASN1,
                (rfc5912::SECP_384_R_1, Digest::Sha384) => &aws::ECDSA_P384_SHA384_ASN1,
                (rfc5912::SECP_384_R_1, Digest::Sha512) => &aws::ECDSA_P384_SHA512_ASN1,
                (rfc5912::SECP_521_R_1, Digest::Sha1) => &aws::ECDSA_P521_SHA1_ASN1,
                (rfc5912::SECP_521_R_1, Digest::Sha256) => &aws::ECDSA_P521_SHA256_ASN1,
                (rfc5912::SECP_521_R_1, Digest::Sha384) => &aws::ECDSA_P521_SHA384_ASN1,
                (rfc5912::SECP_521_R_1, Digest::Sha512) => &aws::ECDSA_P521_SHA512_ASN1,
                _ => return None,
            })
        }
        _ => None,
    }
}

/// RSASSA-PSS-params (RFC 4055 §3.1).
#[derive(Sequence)]
struct PssParameters<'a> {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    hash: AlgorithmIdentifierRef<'a>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT")]
    mask: AlgorithmIdentifierRef<'a>,
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT")]
    salt_length: u8,
}

/// The digest of a PSS signature in the one form that is in use: MGF1 over the same digest, with a salt of
/// its length. The defaults that parameters may leave out are those of SHA-1, which is not accepted.
fn pss_digest(parameters: AnyRef<'_>) -> Option<Digest> {
    let parameters: PssParameters<'_> = parameters.decode_as().ok()?;
    let mask_hash: AlgorithmIdentifierRef<'_> = parameters.mask.parameters?.decode_as().ok()?;
    let digest = Digest::from_oid(parameters.hash.oid)?;
    let salt_length = match digest {
        Digest::Sha1 => return None,
        Digest::Sha256 => 32,
        Digest::Sha384 => 48,
        Digest::Sha512 => 64,
    };
    let usual = parameters.mask.oid == rfc5912::ID_MGF_1
        && mask_hash.oid == parameters.hash.oid
        && parameters.salt_length == salt_length;
    usual.then_some(digest)
}

/// `SIGNED{…}`, the frame of certificates and certification requests (RFC 5912 §3), with the signed part
/// as the bytes that were signed.
pub(crate) struct Signed<'a> {
    pub(crate) body: &'a [u8],
    pub(crate) algorithm: AlgorithmIdentifierRef<'a>,
    pub(crate) signature: &'a [u8],
}

impl<'a> Signed<'a> {
    pub(crate) fn parse(der: &'a [u8]) -> der::Result<Self> {
        let mut reader = SliceReader::new(der)?;
        let signed = reader.sequence(|signed| {
            Ok::<_, der::Error>(Self {
                body: signed.tlv_bytes()?,
                algorithm: AlgorithmIdentifierRef::decode(signed)?,
                signature: BitStringRef::decode(signed)?
                    .as_bytes()
                    .ok_or_else(|| der::Tag::BitString.value_error())?,
            })
        })?;
        reader.finish()?;
        Ok(signed)
    }

    pub(crate) fn verify(&self, key: &[u8]) -> Result<(), SignatureError> {
        verify(key, self.algorithm, None, self.body, self.signature)
    }
}

/// `body` in a `SIGNED{…}` frame, signed with `key`.
pub(crate) fn sign(body: &[u8], key: &KeyPair) -> Result<Vec<u8>, KeyError> {
    let signature = key.sign(body)?;
    let frame = Frame {
        body: AnyRef::from_der(body)?,
        algorithm: key.signature_algorithm(),
        signature: BitStringRef::from_bytes(&signature)?,
    };
    Ok(frame.to_der()?)
}

#[derive(Sequence)]
struct Frame<'a> {
    body: AnyRef<'a>,
    algorithm: AlgorithmIdentifierRef<'a>,
    signature: BitStringRef<'a>,
}
