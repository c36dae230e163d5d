//! Private keys.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use const_oid::db::rfc5912;
use der::asn1::UintRef;
use der::{AnyRef, Decode, Reader, SliceReader};
use spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};
use thiserror::Error;

use crate::pem;

/// A private key file larger than this is refused.
const MAX_LEN: usize = 64 * 1024;

/// Why a key cannot be read or used.
#[derive(Debug, Error)]
pub enum KeyError {
    /// The bytes hold no private key of a supported kind: P-256, or RSA of 2048 to 8192 bits.
    #[error("not a P-256 or RSA private key (PKCS#8, PKCS#1 or SEC 1, not encrypted)")]
    Unusable,
    /// The cryptographic library failed.
    #[error("the key operation failed")]
    Failed,
}

impl From<aws_lc_rs::error::Unspecified> for KeyError {
    fn from(_: aws_lc_rs::error::Unspecified) -> Self {
        Self::Failed
    }
}

impl From<der::Error> for KeyError {
    fn from(_: der::Error) -> Self {
        Self::Failed
    }
}

/// What a new key shall be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// ECDSA on P-256: made in microseconds.
    P256,
    /// RSA of 2048 bits: what SCEP and Windows need of an authority. Making one takes a noticeable part
    /// of a second.
    Rsa2048,
    /// RSA of 3072 bits.
    Rsa3072,
    /// RSA of 4096 bits. Making one takes seconds.
    Rsa4096,
}

/// A private key with its public half. Cloning shares the key.
#[derive(Clone)]
pub struct KeyPair(Arc<Inner>);

struct Inner {
    private: Private,
    public_key: Vec<u8>,
}

enum Private {
    P256(EcdsaKeyPair),
    Rsa(RsaKeyPair),
}

impl KeyPair {
    /// A new key from the operating system's randomness.
    pub fn generate(kind: KeyKind) -> Result<Self, KeyError> {
        let rsa = |size| RsaKeyPair::generate(size).map(Private::Rsa);
        Self::new(match kind {
            KeyKind::P256 => Private::P256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING)?),
            KeyKind::Rsa2048 => rsa(KeySize::Rsa2048)?,
            KeyKind::Rsa3072 => rsa(KeySize::Rsa3072)?,
            KeyKind::Rsa4096 => rsa(KeySize::Rsa4096)?,
        })
    }

    /// Reads an unencrypted key: PKCS#8, PKCS#1 (RSA) or SEC 1 (P-256), at most 64 KiB.
    pub fn from_der(der: &[u8]) -> Result<Self, KeyError> {
        if der.len() > MAX_LEN {
            return Err(KeyError::Unusable);
        }
        let rsa = RsaKeyPair::from_pkcs8(der)
            .or_else(|_| RsaKeyPair::from_der(der))
            .map(Private::Rsa);
        let key = rsa.or_else(|_| {
            EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_ASN1_SIGNING, der).map(Private::P256)
        });
        Self::new(key.map_err(|_| KeyError::Unusable)?)
    }

    /// Reads the first private key of a PEM text; what else is in the text does not matter.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let (_, der) = pem::blocks(text)
            .find(|(label, _)| matches!(*label, "PRIVATE KEY" | "RSA PRIVATE KEY" | "EC PRIVATE KEY"))
            .ok_or(KeyError::Unusable)?;
        Self::from_der(&der.ok_or(KeyError::Unusable)?)
    }

    /// PKCS#8 version 1 in DER, not encrypted.
    pub fn to_pkcs8(&self) -> Result<Vec<u8>, KeyError> {
        match &self.0.private {
            Private::P256(key) => Ok(key.to_pkcs8v1()?.as_ref().to_vec()),
            Private::Rsa(key) => Ok(AsDer::<Pkcs8V1Der<'_>>::as_der(key)?.as_ref().to_vec()),
        }
    }

    /// PKCS#8 in PEM, not encrypted.
    pub fn to_pem(&self) -> Result<String, KeyError> {
        Ok(pem::encode("PRIVATE KEY", &self.to_pkcs8()?))
    }

    /// The public key as SubjectPublicKeyInfo in DER.
    pub fn public_key(&self) -> &[u8] {
        &self.0.public_key
    }

    /// How many bits the modulus has; `None` for a key that is not RSA.
    pub fn rsa_bits(&self) -> Option<usize> {
        match &self.0.private {
            Private::P256(_) => None,
            Private::Rsa(key) => Some(key.public_modulus_len() * 8),
        }
    }

    /// Modulus and exponent of a public key of RSA, big-endian without zeros before them; `None` for other keys.
    pub fn rsa_numbers(&self) -> Option<(Vec<u8>, Vec<u8>)> {
        self.rsa_bits()?;
        let info = SubjectPublicKeyInfoRef::from_der(&self.0.public_key).ok()?;
        let mut reader = SliceReader::new(info.subject_public_key.as_bytes()?).ok()?;
        let numbers = reader.sequence(|numbers| {
            let mut number = || UintRef::decode(numbers).map(|number| number.as_bytes().to_vec());
            Ok::<_, der::Error>((number()?, number()?))
        });
        numbers.ok()
    }

    /// Signs with SHA-256: ECDSA in its ASN.1 form, or RSA PKCS#1 v1.5.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let random = SystemRandom::new();
        match &self.0.private {
            Private::P256(key) => Ok(key.sign(&random, message)?.as_ref().to_vec()),
            Private::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)?;
                Ok(signature)
            }
        }
    }

    /// The algorithm of [`KeyPair::sign`].
    pub(crate) fn signature_algorithm(&self) -> AlgorithmIdentifierRef<'static> {
        match &self.0.private {
            Private::P256(_) => AlgorithmIdentifierRef {
                oid: rfc5912::ECDSA_WITH_SHA_256,
                parameters: None,
            },
            Private::Rsa(_) => AlgorithmIdentifierRef {
                oid: rfc5912::SHA_256_WITH_RSA_ENCRYPTION,
                parameters: Some(AnyRef::NULL),
            },
        }
    }

    fn new(private: Private) -> Result<Self, KeyError> {
        let public_key: PublicKeyX509Der<'_> = match &private {
            Private::P256(key) => key.public_key().as_der()?,
            Private::Rsa(key) => key.public_key().as_der()?,
        };
        let public_key = public_key.as_ref().to_vec();
        Ok(Self(Arc::new(Inner { private, public_key })))
    }
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0.private {
            Private::P256(_) => "KeyPair(P-256)",
            Private::Rsa(_) => "KeyPair(RSA)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_survive_their_encodings() {
        for kind in [KeyKind::P256, KeyKind::Rsa2048] {
            let key = KeyPair::generate(kind).unwrap();
            let again = KeyPair::from_pem(&key.to_pem().unwrap()).unwrap();
            assert_eq!(again.public_key(), key.public_key(), "{key:?}");
            assert!(!format!("{key:?}").contains("30"));
            let is_rsa = kind == KeyKind::Rsa2048;
            assert_eq!(key.rsa_bits(), is_rsa.then_some(2048));
            let lengths = key
                .rsa_numbers()
                .map(|(modulus, exponent)| (modulus.len(), exponent));
            assert_eq!(lengths, is_rsa.then_some((256, vec![1, 0, 1])));
        }
    }

    #[test]
    fn what_is_no_key_is_refused() {
        assert!(KeyPair::from_pem("").is_err());
        assert!(KeyPair::from_pem("-----BEGIN PRIVATE KEY-----AAAA-----END PRIVATE KEY-----").is_err());
        assert!(KeyPair::from_der(&[0x30; 70_000]).is_err());
    }
}
