//! An issuing authority: Ordain's own for devices, and the one behind a self-made server certificate.

use std::net::IpAddr;

use const_oid::AssociatedOid;
use const_oid::db::rfc5280;
use der::asn1::{BitStringRef, Ia5String, OctetString};
use der::flagset::FlagSet;
use der::{AnyRef, Decode, Encode, Sequence};
use spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};
use thiserror::Error;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages, SubjectAltName,
    SubjectKeyIdentifier,
};
use x509_cert::time::Validity as X509Validity;

use crate::certificate::{Certificate, CertificateError};
use crate::key::{KeyError, KeyPair};
use crate::signature::{self, Digest};
use crate::{name, random, time};

/// Why no certificate was issued.
#[derive(Debug, Error)]
pub enum IssueError {
    /// A part of the subject is empty, longer than 64 characters, or (serial number) not printable ASCII.
    #[error("the subject's name cannot be put into a certificate")]
    Subject,
    /// A server name is not ASCII.
    #[error("a server's name cannot be put into a certificate")]
    ServerName,
    /// The validity lies outside of the years 1970 to 9999, ends before it begins, or begins after the
    /// authority's end.
    #[error("the validity cannot be put into a certificate")]
    Validity,
    /// The public key is not a SubjectPublicKeyInfo.
    #[error("the public key is malformed")]
    PublicKey,
    /// The certificate is not an authority's, or the key is not the certificate's.
    #[error("the certificate and key do not make an authority")]
    NotAnAuthority,
    /// Signing failed.
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl From<der::Error> for IssueError {
    fn from(error: der::Error) -> Self {
        Self::Key(error.into())
    }
}

impl From<CertificateError> for IssueError {
    fn from(_: CertificateError) -> Self {
        Self::Key(KeyError::Failed)
    }
}

/// From when to when a certificate is valid, both inclusive, in unix seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// The first second.
    pub not_before: i64,
    /// The last second.
    pub not_after: i64,
}

/// What a certificate is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Usage {
    /// The identity of a device: authenticates a client, and signs its messages.
    Device,
    /// A server under these DNS names and addresses.
    Server {
        /// DNS names in ASCII.
        names: Vec<String>,
        /// IP addresses.
        addresses: Vec<IpAddr>,
    },
    /// A client of a push service, as Apple's own authority makes them: the topic is the subject's userId.
    Push {
        /// The topic, up to 64 characters.
        topic: String,
    },
}

/// What shall be certified.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// SubjectPublicKeyInfo in DER: [`KeyPair::public_key`], or that of a [`crate::csr`].
    pub public_key: &'a [u8],
    /// The subject's common name, up to 64 characters.
    pub common_name: &'a str,
    /// The subject's organization, up to 64 characters.
    pub organization: Option<&'a str>,
    /// The hardware's serial number, as X.520 serialNumber of the subject, up to 64 characters.
    pub serial_number: Option<&'a str>,
    /// What the certificate is for.
    pub usage: Usage,
    /// When it is valid. The end is cut to the authority's own.
    pub validity: Validity,
}

/// A certificate that may issue others, with its key.
#[derive(Debug, Clone)]
pub struct Authority {
    certificate: Certificate,
    key: KeyPair,
}

impl Authority {
    /// A new authority that certifies itself and issues leaf certificates only.
    pub fn new(key: KeyPair, common_name: &str, validity: Validity) -> Result<Self, IssueError> {
        let subject = name::encode(common_name, None, None, None).ok_or(IssueError::Subject)?;
        let key_id = key_id(key.public_key())?;
        let mut usage = KeyUsages::KeyCertSign | KeyUsages::CRLSign | KeyUsages::DigitalSignature;
        // The certificate outlives releases: SCEP clients encrypt to the authority (RFC 8894 §2.1.2).
        if is_rsa(key.public_key()) {
            usage |= KeyUsages::KeyEncipherment;
        }
        let extensions = vec![
            extension(
                true,
                &BasicConstraints {
                    ca: true,
                    path_len_constraint: Some(0),
                },
            )?,
            extension(true, &KeyUsage(usage))?,
            extension(false, &SubjectKeyIdentifier(key_id))?,
        ];
        let certificate = certify(&key, &subject, &subject, key.public_key(), validity, extensions)?;
        Ok(Self { certificate, key })
    }

    /// The authority that was stored as a certificate and its key.
    pub fn from_parts(certificate: Certificate, key: KeyPair) -> Result<Self, IssueError> {
        let issues = certificate.is_ca() && certificate.may_sign_certificates();
        if issues && certificate.public_key() == key.public_key() {
            Ok(Self { certificate, key })
        } else {
            Err(IssueError::NotAnAuthority)
        }
    }

    /// The authority's certificate: what those who shall trust it need.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// The authority's key.
    pub fn key(&self) -> &KeyPair {
        &self.key
    }

    /// Issues a leaf certificate with a random serial number. That the requester owns the key is the
    /// caller's to know: see [`crate::csr`].
    pub fn issue(&self, request: &Request<'_>) -> Result<Certificate, IssueError> {
        let user_id = match &request.usage {
            Usage::Push { topic } => Some(topic.as_str()),
            Usage::Device | Usage::Server { .. } => None,
        };
        let subject = name::encode(
            request.common_name,
            request.organization,
            request.serial_number,
            user_id,
        )
        .ok_or(IssueError::Subject)?;
        let validity = Validity {
            not_before: request.validity.not_before,
            not_after: request.validity.not_after.min(self.certificate.not_after()),
        };
        let issuer_key_id = match self.certificate.subject_key_id() {
            Some(id) => OctetString::new(id)?,
            None => key_id(self.certificate.public_key())?,
        };
        let mut extensions = vec![
            extension(
                true,
                &BasicConstraints {
                    ca: false,
                    path_len_constraint: None,
                },
            )?,
            extension(false, &SubjectKeyIdentifier(key_id(request.public_key)?))?,
            extension(
                false,
                &AuthorityKeyIdentifier {
                    key_identifier: Some(issuer_key_id),
                    ..Default::default()
                },
            )?,
        ];
        let mut usage = FlagSet::from(KeyUsages::DigitalSignature);
        let purpose = match &request.usage {
            Usage::Device | Usage::Push { .. } => {
                // An RSA identity also decrypts what is enveloped to it: SCEP answers, profiles.
                if is_rsa(request.public_key) {
                    usage |= KeyUsages::KeyEncipherment;
                }
                rfc5280::ID_KP_CLIENT_AUTH
            }
            Usage::Server { names, addresses } => {
                extensions.push(extension(false, &alternative_names(names, addresses)?)?);
                rfc5280::ID_KP_SERVER_AUTH
            }
        };
        extensions.push(extension(true, &KeyUsage(usage))?);
        extensions.push(extension(false, &ExtendedKeyUsage(vec![purpose]))?);
        certify(
            &self.key,
            self.certificate.subject(),
            &subject,
            request.public_key,
            validity,
            extensions,
        )
    }
}

/// TBSCertificate (RFC 5280 §4.1) around names and keys that stay the bytes they are.
#[derive(Sequence)]
struct TbsCertificate<'a> {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    version: u8,
    serial: AnyRef<'a>,
    algorithm: AlgorithmIdentifierRef<'a>,
    issuer: AnyRef<'a>,
    validity: X509Validity,
    subject: AnyRef<'a>,
    public_key: AnyRef<'a>,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT")]
    extensions: Vec<Extension>,
}

fn certify(
    key: &KeyPair,
    issuer: &[u8],
    subject: &[u8],
    public_key: &[u8],
    validity: Validity,
    extensions: Vec<Extension>,
) -> Result<Certificate, IssueError> {
    if validity.not_after < validity.not_before {
        return Err(IssueError::Validity);
    }
    let time = |at| time::encodable(at).map_err(|_| IssueError::Validity);
    // 0x40 to 0x7f in front: positive, and never shorter than the 16 bytes drawn.
    let mut serial = random::<16>();
    serial[0] = serial[0] & 0x3f | 0x40;
    let tbs = TbsCertificate {
        version: 2,
        serial: AnyRef::new(der::Tag::Integer, &serial)?,
        algorithm: key.signature_algorithm(),
        issuer: AnyRef::from_der(issuer)?,
        validity: X509Validity::new(time(validity.not_before)?, time(validity.not_after)?),
        subject: AnyRef::from_der(subject)?,
        public_key: AnyRef::from_der(public_key)?,
        extensions,
    };
    Ok(Certificate::from_der(&signature::sign(&tbs.to_der()?, key)?)?)
}

fn extension<T: Encode + AssociatedOid>(critical: bool, value: &T) -> der::Result<Extension> {
    Ok(Extension {
        extn_id: T::OID,
        critical,
        extn_value: OctetString::new(value.to_der()?)?,
    })
}

fn alternative_names(names: &[String], addresses: &[IpAddr]) -> Result<SubjectAltName, IssueError> {
    let mut all = Vec::new();
    for name in names {
        all.push(GeneralName::DnsName(
            Ia5String::new(name).map_err(|_| IssueError::ServerName)?,
        ));
    }
    for address in addresses {
        let octets = match address {
            IpAddr::V4(address) => OctetString::new(address.octets())?,
            IpAddr::V6(address) => OctetString::new(address.octets())?,
        };
        all.push(GeneralName::IpAddress(octets));
    }
    Ok(SubjectAltName(all))
}

fn is_rsa(public_key: &[u8]) -> bool {
    SubjectPublicKeyInfoRef::from_der(public_key)
        .is_ok_and(|key| key.algorithm.oid == const_oid::db::rfc5912::RSA_ENCRYPTION)
}

/// The first 160 bits of the SHA-256 of the key's bits (RFC 7093 §2).
fn key_id(public_key: &[u8]) -> Result<OctetString, IssueError> {
    let key = SubjectPublicKeyInfoRef::from_der(public_key).map_err(|_| IssueError::PublicKey)?;
    let bits = BitStringRef::as_bytes(&key.subject_public_key).ok_or(IssueError::PublicKey)?;
    let digest = Digest::Sha256.of(bits);
    Ok(OctetString::new(digest.as_ref().get(..20).unwrap_or_default())?)
}
