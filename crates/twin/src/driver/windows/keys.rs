//! Keys of Windows twins.

use std::sync::Arc;

use ordain_pki::KeyPair;
use ordain_pki::key::KeyKind;

use crate::driver::Keys;
use crate::windows::{KeyPool, KeySource};

/// A new key each time, which takes a noticeable part of a second.
#[derive(Debug, Clone, Copy)]
pub struct FreshKeys;

impl KeySource for FreshKeys {
    fn rsa(&self, bits: usize) -> Option<KeyPair> {
        let kind = match bits {
            0..=2048 => KeyKind::Rsa2048,
            2049..=3072 => KeyKind::Rsa3072,
            3073..=4096 => KeyKind::Rsa4096,
            _ => return None,
        };
        KeyPair::generate(kind).ok()
    }
}

/// Keys as [`Keys`] say, but of RSA: Windows makes no others here.
pub fn source(keys: Keys) -> Arc<dyn KeySource> {
    match keys {
        Keys::Fresh => Arc::new(FreshKeys),
        Keys::Pool(keys) => Arc::new(KeyPool::new(keys)),
    }
}
