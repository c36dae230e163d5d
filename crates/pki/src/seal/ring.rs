//! Several keys at once, so that one can take over from another.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use thiserror::Error;

use super::{KeyId, SealError, SealingKey};

/// The most keys of one ring: a rotation needs two, and one that is given up half-way leaves one more.
pub const MAX_KEYS: usize = 16;

/// Why a text is no ring of keys. Keys are told by their place in the text, never by their content.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
pub enum KeyRingError {
    /// There is none.
    #[error("there is no key")]
    Empty,
    /// More than [`MAX_KEYS`].
    #[error("there are more than {MAX_KEYS} keys")]
    TooMany,
    /// The key in this place, counted from 1, cannot be read.
    #[error("key {0} is not 32 bytes in base64")]
    Unreadable(usize),
    /// The key in this place, counted from 1, is there already.
    #[error("key {0} is there twice")]
    Twice(usize),
    /// The cryptographic library failed.
    #[error("a key cannot be used")]
    Failed,
}

/// The keys of an installation: the first one seals, and each of them opens what it has sealed.
#[derive(Debug)]
pub struct KeyRing {
    first: SealingKey,
    older: Vec<SealingKey>,
}

impl KeyRing {
    /// Reads keys of 32 bytes in base64, separated by line feeds or commas, the one that seals first. Blanks around
    /// them and empty lines do not count.
    pub fn parse(text: &str) -> Result<Self, KeyRingError> {
        let mut keys = Vec::new();
        let mut known = BTreeSet::new();
        for entry in Self::entries(text) {
            let place = keys.len() + 1;
            if place > MAX_KEYS {
                return Err(KeyRingError::TooMany);
            }
            let bytes = STANDARD.decode(entry).ok();
            let bytes: Option<[u8; 32]> = bytes.and_then(|bytes| bytes.try_into().ok());
            let bytes = bytes.ok_or(KeyRingError::Unreadable(place))?;
            let key = SealingKey::from_bytes(&bytes).map_err(|_| KeyRingError::Failed)?;
            if !known.insert(key.id()) {
                return Err(KeyRingError::Twice(place));
            }
            keys.push(key);
        }
        let mut keys = keys.into_iter();
        Ok(Self {
            first: keys.next().ok_or(KeyRingError::Empty)?,
            older: keys.collect(),
        })
    }

    /// The keys in `text`, each as it is written there.
    pub fn entries(text: &str) -> impl Iterator<Item = &str> {
        text.split(['\n', ','])
            .map(str::trim)
            .filter(|entry| !entry.is_empty())
    }

    /// A new key, as [`KeyRing::parse`] reads it.
    pub fn new_entry() -> String {
        STANDARD.encode(crate::random::<32>())
    }

    /// The key that seals.
    pub fn first(&self) -> KeyId {
        self.first.id()
    }

    /// All keys, the one that seals first.
    pub fn ids(&self) -> impl Iterator<Item = KeyId> {
        self.keys().map(SealingKey::id)
    }

    /// Seals `plaintext` under the first key for the place that `context` names; it opens only under the same context.
    pub fn seal(&self, context: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, SealError> {
        self.first.seal(context, plaintext)
    }

    /// [`SealingKey::mac`] of the first key: another one after a rotation.
    pub fn mac(&self, context: &[u8], message: &[u8]) -> [u8; 32] {
        self.first.mac(context, message)
    }

    /// What was sealed under any of the keys and `context`. [`SealError::OtherKey`] names the key that is missing.
    pub fn open(&self, context: &[u8], sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let id = KeyId::of(sealed)?;
        let key = self.keys().find(|key| key.id() == id);
        key.ok_or(SealError::OtherKey(id))?.open(context, sealed)
    }

    fn keys(&self) -> impl Iterator<Item = &SealingKey> {
        std::iter::once(&self.first).chain(&self.older)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entry(byte: u8) -> String {
        STANDARD.encode([byte; 32])
    }

    #[test]
    fn the_first_key_seals_and_all_open() {
        let old = KeyRing::parse(&entry(1)).unwrap();
        let sealed = old.seal(b"place", b"token").unwrap();
        let both = KeyRing::parse(&format!("\n {} \r\n\n{}\n", entry(2), entry(1))).unwrap();
        assert_eq!(both.ids().count(), 2);
        assert_eq!(both.open(b"place", &sealed).unwrap(), b"token");
        assert_eq!(both.open(b"elsewhere", &sealed), Err(SealError::Damaged));
        let again = both.seal(b"place", b"token").unwrap();
        assert_eq!(KeyId::of(&again), Ok(both.first()));
        assert_eq!(old.open(b"place", &again), Err(SealError::OtherKey(both.first())));
        let commas = KeyRing::parse(&format!("{},{}", entry(2), entry(1))).unwrap();
        assert_eq!(commas.open(b"place", &again).unwrap(), b"token");
    }

    #[test]
    fn what_is_no_ring_is_told_by_its_place() {
        let error = |text: &str| KeyRing::parse(text).unwrap_err();
        assert_eq!(error(" \n,\n"), KeyRingError::Empty);
        assert_eq!(
            error(&format!("{}\nnonsense", entry(1))),
            KeyRingError::Unreadable(2)
        );
        assert_eq!(error(&STANDARD.encode([1; 31])), KeyRingError::Unreadable(1));
        assert_eq!(error(&format!("{0}\n{0}", entry(1))), KeyRingError::Twice(2));
        let many: Vec<_> = (0..=MAX_KEYS as u8).map(entry).collect();
        assert_eq!(error(&many.join("\n")), KeyRingError::TooMany);
        assert!(KeyRing::parse(&KeyRing::new_entry()).is_ok());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn nothing_that_is_thrown_at_it_opens_or_panics(text in ".{0,200}", bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = KeyRing::parse(&text);
            let ring = KeyRing::parse(&entry(1)).unwrap();
            prop_assert!(ring.open(b"place", &bytes).is_err());
            let forged = [&[1], ring.first().0.as_slice(), &bytes].concat();
            prop_assert_eq!(ring.open(b"place", &forged), Err(SealError::Damaged));
        }
    }
}
