//! `Cred`: what one side shows to the other in messages, where TLS does not tell (OMA DM Security, section 5.1.2).
//!
//! MD5 is the protocol's. It is kept out of cryptographic libraries for good reasons, so it comes from a crate of its
//! own, which the PostgreSQL client uses as well. Who answers a challenge proves to know a secret; nothing else rests
//! on it.

#[cfg(test)]
mod tests;

use md5::{Digest, Md5};
use subtle::ConstantTimeEq as _;

use crate::binary;
use crate::secret::Secret;
use crate::xml::{Element, Error, Writer};

use super::{Format, Meta};

/// `Type` of MD5 credentials and challenges.
pub const MD5: &str = "syncml:auth-md5";
/// `Type` of name and password.
pub const BASIC: &str = "syncml:auth-basic";

/// `Cred`.
#[derive(Debug, Clone, PartialEq)]
pub struct Cred {
    /// `Type`: [`MD5`], [`BASIC`], or something else.
    pub kind: String,
    /// `Data`.
    pub data: Secret,
}

/// `Chal`: what the other side is to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// `Type`: [`MD5`], [`BASIC`], or something else.
    pub kind: String,
    /// `NextNonce`, for the next MD5 credentials.
    pub nonce: Option<Vec<u8>>,
}

/// base64(MD5(`user:password`)): all that is needed for making and checking MD5 credentials, and as secret as the
/// password.
pub fn key(user: &str, password: &str) -> Secret {
    Secret::new(hash(&[user.as_bytes(), b":", password.as_bytes()]))
}

fn hash(parts: &[&[u8]]) -> String {
    let mut hash = Md5::new();
    for part in parts {
        hash.update(part);
    }
    binary::encode(&hash.finalize())
}

impl Challenge {
    /// Asks for MD5 credentials with `nonce`.
    pub fn md5(nonce: &[u8]) -> Self {
        Self {
            kind: MD5.to_owned(),
            nonce: Some(nonce.to_vec()),
        }
    }

    pub(super) fn read(challenge: Element<'_>) -> Result<Self, Error> {
        let meta = Meta::of(challenge)?;
        Ok(Self {
            kind: meta.kind.ok_or(Error::Missing("Type"))?,
            nonce: meta.next_nonce,
        })
    }

    pub(super) fn write(&self, xml: &mut Writer) {
        let meta = Meta {
            next_nonce: self.nonce.clone(),
            ..base64_of(&self.kind)
        };
        xml.element("Chal", &[], |xml| meta.write(xml));
    }
}

/// What both say of their content.
fn base64_of(kind: &str) -> Meta {
    Meta {
        format: Some(Format::B64),
        kind: Some(kind.to_owned()),
        ..Meta::default()
    }
}

impl Cred {
    /// The answer of who has `key` to the challenge with `nonce`.
    pub fn md5(key: &Secret, nonce: &[u8]) -> Self {
        Self {
            kind: MD5.to_owned(),
            data: Secret::new(hash(&[key.expose().as_bytes(), b":", nonce])),
        }
    }

    /// Whether it is the answer of who has `key` to the challenge with `nonce`. Takes the same time for any wrong
    /// answer.
    pub fn answers(&self, key: &Secret, nonce: &[u8]) -> bool {
        let wanted = Self::md5(key, nonce);
        self.kind == MD5
            && bool::from(
                self.data
                    .expose()
                    .as_bytes()
                    .ct_eq(wanted.data.expose().as_bytes()),
            )
    }

    pub(super) fn read(cred: Element<'_>) -> Result<Self, Error> {
        let meta = Meta::of(cred)?;
        // MD5 credentials are base64, with or without saying so; nothing else would mean anything.
        if meta.format.is_some_and(|format| format != Format::B64) {
            return Err(Error::Value("Format"));
        }
        Ok(Self {
            // Basic is what it is when it does not say.
            kind: meta.kind.unwrap_or_else(|| BASIC.to_owned()),
            data: Secret::new(cred.text_of("Data")?),
        })
    }

    pub(super) fn write(&self, xml: &mut Writer) {
        xml.element("Cred", &[], |xml| {
            base64_of(&self.kind).write(xml);
            xml.text("Data", self.data.expose());
        });
    }
}
