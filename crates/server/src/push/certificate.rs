//! The MDM push certificate: what an administrator imports, checked, and how it is kept.

use std::time::Duration;

use ordain_apple::push::is_mdm_topic;
use ordain_pki::certificate::CertificateError;
use ordain_pki::key::KeyError;
use ordain_pki::pkcs12::{Identity, Pkcs12Error};
use ordain_pki::{Certificate, KeyPair};

/// The largest text that is read, in octets.
const MAX_TEXT: usize = 256 * 1024;
/// The longest chain that is kept and shown to APNs.
const MAX_CHAIN: usize = 8;
/// When an administrator is warned first, before the end.
const SOON: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// When it becomes urgent.
const URGENT: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// A push certificate with its key: what the server shows to APNs.
#[derive(Debug, Clone)]
pub struct PushCertificate {
    /// The topic that it is for: what TokenUpdate of each device that it can reach says, too.
    pub topic: String,
    /// The last second of its validity, in unix seconds.
    pub not_after: i64,
    /// The subject's common name; the topic where it has none.
    pub subject: String,
    /// The certificate, and above it what authorities were given, each followed by its issuer.
    pub chain: Vec<Certificate>,
    /// The key of the certificate.
    pub key: KeyPair,
}

/// Why a push certificate is not taken; each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum PushCertificateError {
    /// More than any certificate with its key needs.
    #[error("too long for a push certificate and its key")]
    TooLarge,
    /// There is no certificate, or a broken one.
    #[error("{0}; give the certificate that Apple's push certificate portal offers for download, in PEM")]
    Certificate(#[from] CertificateError),
    /// The key is protected by a password.
    #[error("the private key is encrypted: decrypt it first, for instance with `openssl pkey`")]
    KeyEncrypted,
    /// There is no key that can be used.
    #[error("{0}; give the private key that the certificate was requested with")]
    Key(#[from] KeyError),
    /// The PKCS#12 file cannot be read.
    #[error("{0}; PEM works always")]
    Pkcs12(#[from] Pkcs12Error),
    /// The key belongs to none of the certificates.
    #[error("the private key does not belong to the certificate: give the one that it was requested with")]
    OtherKey,
    /// The subject has no topic of MDM.
    #[error("this is no MDM push certificate: its subject has no UID that begins with com.apple.mgmt")]
    NoTopic,
    /// It has expired.
    #[error("the push certificate has expired: renew it in Apple's portal, with the same Apple Account")]
    Expired,
    /// It is not valid yet.
    #[error("the push certificate is not valid yet: is the clock of this machine right?")]
    NotYetValid,
}

/// How near the end of a push certificate is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Warning {
    /// It ends within 30 days.
    Soon {
        /// Whole days that are left.
        days: i64,
    },
    /// It ends within 7 days.
    Urgent {
        /// Whole days that are left.
        days: i64,
    },
    /// It has ended: no device can be reached.
    Expired,
}

impl PushCertificate {
    /// Reads what an administrator imports: PEM with the certificate, authorities above it if there are any, and the
    /// private key, in one text or in several. It has to be valid at `now`, in unix seconds.
    pub fn import(texts: &[&str], now: i64) -> Result<Self, PushCertificateError> {
        if texts.iter().map(|text| text.len()).sum::<usize>() > MAX_TEXT {
            return Err(PushCertificateError::TooLarge);
        }
        Self::from_pem(&texts.join("\n"))?.valid(now)
    }

    /// Reads a PKCS#12 file, as far as its encryption is that of [`ordain_pki::pkcs12`].
    pub fn import_pkcs12(file: &[u8], password: &str, now: i64) -> Result<Self, PushCertificateError> {
        let identity = Identity::from_pkcs12(file, password)?;
        let mut certificates = vec![identity.certificate];
        certificates.extend(identity.chain);
        Self::new(certificates, identity.key)?.valid(now)
    }

    /// Reads back what [`PushCertificate::to_pem`] made, whether it is still valid or not.
    pub fn from_pem(text: &str) -> Result<Self, PushCertificateError> {
        let certificates = Certificate::from_pem(text)?;
        let key = KeyPair::from_pem(text).map_err(|error| match is_encrypted(text) {
            true => PushCertificateError::KeyEncrypted,
            false => error.into(),
        })?;
        Self::new(certificates, key)
    }

    /// Certificate, authorities and key in one PEM text. It is a secret.
    pub fn to_pem(&self) -> Result<String, KeyError> {
        let mut text: String = self.chain.iter().map(Certificate::to_pem).collect();
        text.push_str(&self.key.to_pem()?);
        Ok(text)
    }

    /// What to tell the administrator at `now`, in unix seconds: from 30 days before the end on.
    pub fn warning(&self, now: i64) -> Option<Warning> {
        let left = self.not_after.saturating_sub(now);
        let within = |time: Duration| u64::try_from(left).is_ok_and(|left| left <= time.as_secs());
        let days = left / (24 * 60 * 60);
        if left < 0 {
            Some(Warning::Expired)
        } else if within(URGENT) {
            Some(Warning::Urgent { days })
        } else {
            within(SOON).then_some(Warning::Soon { days })
        }
    }

    fn new(mut certificates: Vec<Certificate>, key: KeyPair) -> Result<Self, PushCertificateError> {
        let own = certificates
            .iter()
            .position(|certificate| certificate.public_key() == key.public_key())
            .ok_or(PushCertificateError::OtherKey)?;
        let certificate = certificates.swap_remove(own);
        let topic = certificate
            .user_id()
            .filter(|topic| is_mdm_topic(topic))
            .ok_or(PushCertificateError::NoTopic)?
            .to_owned();
        Ok(Self {
            subject: certificate.common_name().unwrap_or(&topic).to_owned(),
            topic,
            not_after: certificate.not_after(),
            chain: chain(certificate, certificates),
            key,
        })
    }

    fn valid(self, now: i64) -> Result<Self, PushCertificateError> {
        if self.not_after < now {
            return Err(PushCertificateError::Expired);
        }
        if self
            .chain
            .iter()
            .any(|certificate| certificate.not_before() > now)
        {
            return Err(PushCertificateError::NotYetValid);
        }
        Ok(self)
    }
}

/// The certificate, its issuer, that one's issuer, as far as they are there: the order that TLS demands (RFC 5246
/// §7.4.2), in which nothing else may stand.
fn chain(certificate: Certificate, mut others: Vec<Certificate>) -> Vec<Certificate> {
    let mut chain = vec![certificate];
    while let Some(last) = chain.last().filter(|last| last.subject() != last.issuer())
        && chain.len() < MAX_CHAIN
        && let Some(next) = others.iter().position(|other| other.subject() == last.issuer())
    {
        chain.push(others.swap_remove(next));
    }
    chain
}

/// Whether a PEM text holds a key under a password, in one of the two ways.
fn is_encrypted(text: &str) -> bool {
    text.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----") || text.contains("Proc-Type: 4,ENCRYPTED")
}
