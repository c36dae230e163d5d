//! Sealing what is secret at rest: AES-256-GCM, bound to the place where it lies.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::error::Unspecified;
use thiserror::Error;

use crate::signature::Digest;

const VERSION: u8 = 1;
const KEY_ID_LEN: usize = 4;
/// Version, key id, nonce.
const HEAD_LEN: usize = 1 + KEY_ID_LEN + NONCE_LEN;

/// Why a sealed value does not open.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
pub enum SealError {
    /// Sealed with another key.
    #[error("sealed with another key")]
    OtherKey,
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
    id: [u8; KEY_ID_LEN],
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
        Ok(Self { key, id })
    }

    /// Seals `plaintext` for the place that `context` names; it opens only under the same context.
    pub fn seal(&self, context: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut body = plaintext.to_vec();
        let nonce = self
            .key
            .seal_in_place_append_tag(Aad::from(self.bound(context)), &mut body)
            .map_err(|Unspecified| SealError::Failed)?;
        Ok([&[VERSION], self.id.as_slice(), nonce.as_ref(), &body].concat())
    }

    /// What was sealed under this key and `context`.
    pub fn open(&self, context: &[u8], sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let (head, body) = sealed.split_at_checked(HEAD_LEN).ok_or(SealError::Damaged)?;
        let rest = head.strip_prefix(&[VERSION]).ok_or(SealError::Damaged)?;
        let nonce = rest.strip_prefix(&self.id).ok_or(SealError::OtherKey)?;
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
        [&[VERSION], self.id.as_slice(), context].concat()
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingKey")
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
        assert_eq!(other.open(b"enrollment 1", &sealed), Err(SealError::OtherKey));
        assert_eq!(
            key.seal(b"", b"")
                .and_then(|sealed| key.open(b"", &sealed))
                .unwrap(),
            b""
        );
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
