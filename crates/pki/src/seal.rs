//! Sealing what is secret at rest: AES-256-GCM, bound to the place where it lies.

mod ring;

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::error::Unspecified;
use thiserror::Error;

use crate::mac::hmac_sha256;
use crate::signature::Digest;

pub use ring::{KeyRing, KeyRingError, MAX_KEYS};

const VERSION: u8 = 1;
const KEY_ID_LEN: usize = 4;
/// So many octets at the beginning of a sealed value tell its key: see [`KeyId::of`].
pub const KEY_HEAD_LEN: usize = 1 + KEY_ID_LEN;
/// Version, key id, nonce.
const HEAD_LEN: usize = KEY_HEAD_LEN + NONCE_LEN;

/// The public name of a key: four octets of its hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; KEY_ID_LEN]);

impl KeyId {
    /// That of the key under which `sealed` was sealed; its first [`KEY_HEAD_LEN`] octets are enough.
    pub fn of(sealed: &[u8]) -> Result<Self, SealError> {
        let rest = sealed.strip_prefix(&[VERSION]).ok_or(SealError::Damaged)?;
        rest.first_chunk().copied().map(Self).ok_or(SealError::Damaged)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

/// Why a sealed value does not open.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
pub enum SealError {
    /// Sealed with another key than those at hand.
    #[error("sealed with another key, {0}")]
    OtherKey(KeyId),
    /// Damaged, forged, moved from another place, or not a sealed value at all.
    #[error("the sealed value is damaged")]
    Damaged,
    /// The cryptographic library failed.
    #[error("sealing failed")]
    Failed,
}

/// A key for sealing. A single key is good for 2³² values.
pub struct SealingKey {
    key: RandomizedNonceKey,
    mac: [u8; 32],
    id: KeyId,
}

impl SealingKey {
    /// The key with these bytes, which must be random: see [`crate::random`].
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, SealError> {
        let digest = Digest::Sha256.of(&[b"ordain sealing key id".as_slice(), bytes].concat());
        let mut id = [0; KEY_ID_LEN];
        id.iter_mut()
            .zip(digest.as_ref())
            .for_each(|(to, from)| *to = *from);
        let key = RandomizedNonceKey::new(&AES_256_GCM, bytes).map_err(|Unspecified| SealError::Failed)?;
        Ok(Self {
            key,
            mac: hmac_sha256(bytes, b"ordain mac key"),
            id: KeyId(id),
        })
    }

    /// Its public name.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// Seals `plaintext` for the place that `context` names; it opens only under the same context.
    pub fn seal(&self, context: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut body = plaintext.to_vec();
        let nonce = self
            .key
            .seal_in_place_append_tag(Aad::from(self.bound(context)), &mut body)
            .map_err(|Unspecified| SealError::Failed)?;
        Ok([&[VERSION], self.id.0.as_slice(), nonce.as_ref(), &body].concat())
    }

    /// What only who has the key can tell of `message`, for the purpose that `context` names.
    pub fn mac(&self, context: &[u8], message: &[u8]) -> [u8; 32] {
        hmac_sha256(&hmac_sha256(&self.mac, context), message)
    }

    /// What was sealed under this key and `context`.
    pub fn open(&self, context: &[u8], sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let (head, body) = sealed.split_at_checked(HEAD_LEN).ok_or(SealError::Damaged)?;
        let (id, nonce) = (KeyId::of(head)?, head.get(KEY_HEAD_LEN..).unwrap_or_default());
        if id != self.id {
            return Err(SealError::OtherKey(id));
        }
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|Unspecified| SealError::Damaged)?;
        let mut body = body.to_vec();
        let length = self
            .key
            .open_in_place(nonce, Aad::from(self.bound(context)), &mut body)
            .map_err(|Unspecified| SealError::Damaged)?
            .len();
        body.truncate(length);
        Ok(body)
    }

    fn bound(&self, context: &[u8]) -> Vec<u8> {
        [&[VERSION], self.id.0.as_slice(), context].concat()
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealingKey({})", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_only_where_it_was_sealed() {
        let key = SealingKey::from_bytes(&[7; 32]).unwrap();
        let sealed = key.seal(b"enrollment 1", b"token").unwrap();
        assert_eq!(key.open(b"enrollment 1", &sealed).unwrap(), b"token");
        assert_eq!(key.open(b"enrollment 2", &sealed), Err(SealError::Damaged));
        assert_ne!(
            sealed,
            key.seal(b"enrollment 1", b"token").unwrap(),
            "nonces differ"
        );
        let other = SealingKey::from_bytes(&[8; 32]).unwrap();
        assert_eq!(
            other.open(b"enrollment 1", &sealed),
            Err(SealError::OtherKey(key.id()))
        );
        assert_eq!(
            key.seal(b"", b"")
                .and_then(|sealed| key.open(b"", &sealed))
                .unwrap(),
            b""
        );
    }

    #[test]
    fn a_mac_is_of_key_purpose_and_message() {
        let [key, other] = [7, 8].map(|byte| SealingKey::from_bytes(&[byte; 32]).unwrap());
        let mac = key.mac(b"nonce", b"message");
        assert_eq!(mac, key.mac(b"nonce", b"message"));
        for different in [
            key.mac(b"nonce", b"massage"),
            key.mac(b"noncem", b"essage"),
            other.mac(b"nonce", b"message"),
        ] {
            assert_ne!(mac, different);
        }
    }

    #[test]
    fn every_changed_or_missing_byte_is_noticed() {
        let key = SealingKey::from_bytes(&[7; 32]).unwrap();
        let sealed = key.seal(b"place", b"secret").unwrap();
        for position in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[position] ^= 1;
            assert!(key.open(b"place", &changed).is_err(), "byte {position}");
            assert!(
                key.open(b"place", &sealed[..position]).is_err(),
                "cut at {position}"
            );
        }
    }
}
