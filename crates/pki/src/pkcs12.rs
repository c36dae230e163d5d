//! An identity with its key in one password-protected file (PKCS#12, RFC 7292): what the payload
//! `com.apple.security.pkcs12` carries.
//!
//! Apple's importers of several releases in use refuse PBES2 and SHA-256 MACs, so files are made with the
//! one scheme that all of them read and that OpenSSL still has in its default provider: triple DES and
//! SHA-1. That protects little, but neither would better ciphers: the password travels in the same profile.

use aws_lc_rs::cipher::{
    DecryptionContext, EncryptionContext, PaddedBlockDecryptingKey, PaddedBlockEncryptingKey,
    UnboundCipherKey,
};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hmac;
use aws_lc_rs::iv::FixedLength;
use cms::content_info::{CmsVersion, ContentInfo};
use cms::encrypted_data::EncryptedData;
use cms::enveloped_data::EncryptedContentInfo;
use const_oid::ObjectIdentifier;
use const_oid::db::{rfc2985, rfc5911, rfc5912, rfc7292};
use der::asn1::{Null, OctetString, SetOfVec};
use der::{Any, Decode, Encode, Sequence};
use spki::AlgorithmIdentifierOwned;
use thiserror::Error;
use x509_cert::attr::{Attribute, Attributes};

use crate::certificate::Certificate;
use crate::key::KeyPair;
use crate::random;
use crate::signature::Digest;

/// A file larger than this is refused.
pub const MAX_LEN: usize = 64 * 1024;

/// What files are made with; more would only slow down enrollment.
const ITERATIONS: u32 = 2048;
/// A file that demands more is refused.
const MAX_ITERATIONS: u32 = 100_000;

const PKCS8_SHROUDED_KEY_BAG: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.10.1.2");
const CERT_BAG: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.10.1.3");
const X509_CERTIFICATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.22.1");

/// Why a file could not be made or read.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
pub enum Pkcs12Error {
    /// Longer than [`MAX_LEN`], or it demands too many iterations of its key derivation.
    #[error("the PKCS#12 file demands too much")]
    TooLarge,
    /// Not a PKCS#12 file, or one with other encryption than triple DES and SHA-1.
    #[error("not a supported PKCS#12 file")]
    Malformed,
    /// The password is wrong, or the file was changed.
    #[error("the password of the PKCS#12 file is wrong")]
    WrongPassword,
    /// It does not hold one key with its certificate.
    #[error("the PKCS#12 file does not hold a key with its certificate")]
    NoIdentity,
    /// The cryptographic library failed.
    #[error("making the PKCS#12 file failed")]
    Failed,
}

impl From<der::Error> for Pkcs12Error {
    fn from(_: der::Error) -> Self {
        Self::Malformed
    }
}

/// A certificate with its key, and the authorities above it.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The private key.
    pub key: KeyPair,
    /// The certificate of the key.
    pub certificate: Certificate,
    /// Authorities that vouch for it, in any order; may be empty.
    pub chain: Vec<Certificate>,
}

impl Identity {
    /// The identity as a PKCS#12 file under a password.
    pub fn to_pkcs12(&self, password: &str) -> Result<Vec<u8>, Pkcs12Error> {
        let local_key_id = Attribute {
            oid: rfc2985::PKCS_9_AT_LOCAL_KEY_ID,
            values: SetOfVec::try_from(vec![Any::encode_from(&OctetString::new(
                self.certificate.fingerprint(),
            )?)?])?,
        };
        let ties_together = Some(SetOfVec::try_from(vec![local_key_id])?);

        let mut certificates = vec![certificate_bag(&self.certificate, ties_together.clone())?];
        for authority in &self.chain {
            certificates.push(certificate_bag(authority, None)?);
        }
        let (algorithm, encrypted) = encrypt(&certificates.to_der()?, password)?;
        let certificates = EncryptedData {
            version: CmsVersion::V0,
            enc_content_info: EncryptedContentInfo {
                content_type: rfc5911::ID_DATA,
                content_enc_alg: algorithm,
                encrypted_content: Some(encrypted),
            },
            unprotected_attrs: None,
        };

        let pkcs8 = self.key.to_pkcs8().map_err(|_| Pkcs12Error::Failed)?;
        let (algorithm, encrypted_key) = encrypt(&pkcs8, password)?;
        let key = SafeBag {
            id: PKCS8_SHROUDED_KEY_BAG,
            value: Any::encode_from(&EncryptedPrivateKey {
                algorithm,
                encrypted_key,
            })?,
            attributes: ties_together,
        };

        let safes = vec![
            ContentInfo {
                content_type: rfc5911::ID_ENCRYPTED_DATA,
                content: Any::encode_from(&certificates)?,
            },
            data(&vec![key].to_der()?)?,
        ];
        let content = safes.to_der()?;
        let salt = random::<8>();
        let mac = hmac::sign(&mac_key(password, &salt, ITERATIONS), &content);
        let algorithm = AlgorithmIdentifierOwned {
            oid: rfc5912::ID_SHA_1,
            parameters: Some(Any::encode_from(&Null)?),
        };
        let file = Pfx {
            version: 3,
            safes: data(&content)?,
            mac: MacData {
                digest: DigestInfo {
                    algorithm,
                    digest: OctetString::new(mac.as_ref())?,
                },
                salt: OctetString::new(salt)?,
                iterations: ITERATIONS,
            },
        };
        Ok(file.to_der()?)
    }

    /// Reads a PKCS#12 file of the kind that [`Identity::to_pkcs12`] makes.
    pub fn from_pkcs12(file: &[u8], password: &str) -> Result<Self, Pkcs12Error> {
        if file.len() > MAX_LEN {
            return Err(Pkcs12Error::TooLarge);
        }
        let file = Pfx::from_der(file)?;
        let content = content(&file.safes)?;
        if file.mac.digest.algorithm.oid != rfc5912::ID_SHA_1 {
            return Err(Pkcs12Error::Malformed);
        }
        let salt = file.mac.salt.as_bytes();
        let key = mac_key(password, salt, bounded(file.mac.iterations)?);
        hmac::verify(&key, content.as_bytes(), file.mac.digest.digest.as_bytes())
            .map_err(|Unspecified| Pkcs12Error::WrongPassword)?;

        let mut key = None;
        let mut certificates = Vec::new();
        for safe in Vec::<ContentInfo>::from_der(content.as_bytes())? {
            for bag in bags(&safe, password)? {
                match bag.id {
                    CERT_BAG => {
                        let bag: CertBag = bag.value.decode_as()?;
                        let der = bag.certificate.as_bytes();
                        certificates.push(Certificate::from_der(der).map_err(|_| Pkcs12Error::Malformed)?);
                    }
                    PKCS8_SHROUDED_KEY_BAG => {
                        let bag: EncryptedPrivateKey = bag.value.decode_as()?;
                        let pkcs8 = decrypt(&bag.algorithm, bag.encrypted_key.as_bytes(), password)?;
                        key = Some(KeyPair::from_der(&pkcs8).map_err(|_| Pkcs12Error::Malformed)?);
                    }
                    _ => {}
                }
            }
        }
        let key = key.ok_or(Pkcs12Error::NoIdentity)?;
        let own = certificates
            .iter()
            .position(|certificate| certificate.public_key() == key.public_key())
            .ok_or(Pkcs12Error::NoIdentity)?;
        let certificate = certificates.remove(own);
        Ok(Self {
            key,
            certificate,
            chain: certificates,
        })
    }
}

/// PFX (RFC 7292 §4).
#[derive(Sequence)]
struct Pfx {
    version: u8,
    safes: ContentInfo,
    mac: MacData,
}

#[derive(Sequence)]
struct MacData {
    digest: DigestInfo,
    salt: OctetString,
    iterations: u32,
}

#[derive(Sequence)]
struct DigestInfo {
    algorithm: AlgorithmIdentifierOwned,
    digest: OctetString,
}

/// SafeBag (RFC 7292 §4.2).
#[derive(Sequence)]
struct SafeBag {
    id: ObjectIdentifier,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    value: Any,
    attributes: Option<Attributes>,
}

#[derive(Sequence)]
struct CertBag {
    id: ObjectIdentifier,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    certificate: OctetString,
}

#[derive(Sequence)]
struct EncryptedPrivateKey {
    algorithm: AlgorithmIdentifierOwned,
    encrypted_key: OctetString,
}

/// pkcs-12PbeParams (RFC 7292 appendix C).
#[derive(Sequence)]
struct PbeParameters {
    salt: OctetString,
    iterations: u32,
}

fn certificate_bag(certificate: &Certificate, attributes: Option<Attributes>) -> der::Result<SafeBag> {
    let bag = CertBag {
        id: X509_CERTIFICATE,
        certificate: OctetString::new(certificate.der())?,
    };
    Ok(SafeBag {
        id: CERT_BAG,
        value: Any::encode_from(&bag)?,
        attributes,
    })
}

fn data(content: &[u8]) -> der::Result<ContentInfo> {
    Ok(ContentInfo {
        content_type: rfc5911::ID_DATA,
        content: Any::encode_from(&OctetString::new(content)?)?,
    })
}

fn content(info: &ContentInfo) -> Result<OctetString, Pkcs12Error> {
    if info.content_type != rfc5911::ID_DATA {
        return Err(Pkcs12Error::Malformed);
    }
    Ok(info.content.decode_as()?)
}

/// The bags of a safe, which is in the clear or encrypted.
fn bags(safe: &ContentInfo, password: &str) -> Result<Vec<SafeBag>, Pkcs12Error> {
    if safe.content_type != rfc5911::ID_ENCRYPTED_DATA {
        return Ok(Vec::from_der(content(safe)?.as_bytes())?);
    }
    let EncryptedContentInfo {
        content_enc_alg,
        encrypted_content,
        ..
    } = safe.content.decode_as::<EncryptedData>()?.enc_content_info;
    let encrypted = encrypted_content.ok_or(Pkcs12Error::Malformed)?;
    Ok(Vec::from_der(&decrypt(
        &content_enc_alg,
        encrypted.as_bytes(),
        password,
    )?)?)
}

fn encrypt(plaintext: &[u8], password: &str) -> Result<(AlgorithmIdentifierOwned, OctetString), Pkcs12Error> {
    let salt = random::<8>();
    let (key, iv) = triple_des(password, &salt, ITERATIONS)?;
    let mut text = plaintext.to_vec();
    PaddedBlockEncryptingKey::cbc_pkcs7(key)
        .and_then(|key| key.less_safe_encrypt(&mut text, EncryptionContext::Iv64(iv)))
        .map_err(|Unspecified| Pkcs12Error::Failed)?;
    let parameters = PbeParameters {
        salt: OctetString::new(salt)?,
        iterations: ITERATIONS,
    };
    let algorithm = AlgorithmIdentifierOwned {
        oid: rfc7292::PBE_WITH_SHA_AND_3_KEY_TRIPLE_DES_CBC,
        parameters: Some(Any::encode_from(&parameters)?),
    };
    Ok((algorithm, OctetString::new(text)?))
}

fn decrypt(
    algorithm: &AlgorithmIdentifierOwned,
    encrypted: &[u8],
    password: &str,
) -> Result<Vec<u8>, Pkcs12Error> {
    if algorithm.oid != rfc7292::PBE_WITH_SHA_AND_3_KEY_TRIPLE_DES_CBC {
        return Err(Pkcs12Error::Malformed);
    }
    let parameters = algorithm.parameters.as_ref().ok_or(Pkcs12Error::Malformed)?;
    let PbeParameters { salt, iterations } = parameters.decode_as()?;
    let (key, iv) = triple_des(password, salt.as_bytes(), bounded(iterations)?)?;
    let mut text = encrypted.to_vec();
    let plaintext = PaddedBlockDecryptingKey::cbc_pkcs7(key)
        .and_then(|key| {
            key.decrypt(&mut text, DecryptionContext::Iv64(iv))
                .map(|text| text.to_vec())
        })
        .map_err(|Unspecified| Pkcs12Error::WrongPassword)?;
    Ok(plaintext)
}

/// The key and the initial vector.
fn triple_des(
    password: &str,
    salt: &[u8],
    iterations: u32,
) -> Result<(UnboundCipherKey, FixedLength<8>), Pkcs12Error> {
    #[expect(deprecated, reason = "the one cipher that every importer reads")]
    let algorithm = &aws_lc_rs::cipher::DES_EDE3_FOR_LEGACY_USE_ONLY;
    let key = derive::<24>(Purpose::Key, password, salt, iterations);
    let iv = derive::<8>(Purpose::InitialVector, password, salt, iterations);
    let key = UnboundCipherKey::new(algorithm, &key).map_err(|Unspecified| Pkcs12Error::Failed)?;
    Ok((key, FixedLength::from(iv)))
}

fn mac_key(password: &str, salt: &[u8], iterations: u32) -> hmac::Key {
    let key = derive::<20>(Purpose::Mac, password, salt, iterations);
    hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &key)
}

fn bounded(iterations: u32) -> Result<u32, Pkcs12Error> {
    if iterations > MAX_ITERATIONS {
        Err(Pkcs12Error::TooLarge)
    } else {
        Ok(iterations)
    }
}

#[derive(Clone, Copy)]
enum Purpose {
    Key = 1,
    InitialVector = 2,
    Mac = 3,
}

/// The key derivation of RFC 7292 appendix B.2 with SHA-1.
fn derive<const N: usize>(purpose: Purpose, password: &str, salt: &[u8], iterations: u32) -> [u8; N] {
    const BLOCK: usize = 64;
    let filled = |bytes: &[u8]| -> Vec<u8> {
        bytes
            .iter()
            .copied()
            .cycle()
            .take(bytes.len().next_multiple_of(BLOCK))
            .collect()
    };
    // Passwords are UTF-16 with a final zero.
    let password: Vec<u8> = password
        .encode_utf16()
        .chain([0])
        .flat_map(u16::to_be_bytes)
        .collect();
    let mut input = [filled(salt), filled(&password)].concat();
    let mut derived = [0; N];
    for output in derived.chunks_mut(20) {
        let mut hash = Digest::Sha1.of(&[&[purpose as u8; BLOCK], input.as_slice()].concat());
        for _ in 1..iterations {
            hash = Digest::Sha1.of(hash.as_ref());
        }
        output
            .iter_mut()
            .zip(hash.as_ref())
            .for_each(|(to, from)| *to = *from);
        // Each block of the input grows by the hash, repeated to a block's length, and one.
        for block in input.chunks_mut(BLOCK) {
            let addend: Vec<u8> = hash.as_ref().iter().copied().cycle().take(BLOCK).collect();
            let mut carry = 1;
            for (digit, add) in block.iter_mut().zip(addend).rev() {
                let sum = u16::from(*digit) + u16::from(add) + carry;
                *digit = (sum & 0xff) as u8;
                carry = sum >> 8;
            }
        }
    }
    derived
}
