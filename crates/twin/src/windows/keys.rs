//! Where a twin's keys come from: making them needs real randomness, and much time.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ordain_pki::KeyPair;

/// Makes keys, or has some.
pub trait KeySource: Send + Sync + fmt::Debug {
    /// A key of RSA of at least that many bits; `None` when there is none.
    fn rsa(&self, bits: usize) -> Option<KeyPair>;
}

/// Ready keys, dealt out in turn, from the shortest that are long enough.
#[derive(Debug, Clone)]
pub struct KeyPool {
    keys: Arc<Vec<KeyPair>>,
    dealt: Arc<AtomicUsize>,
}

impl KeyPool {
    /// A pool of these keys. Those that are not RSA are never dealt out.
    pub fn new(mut keys: Vec<KeyPair>) -> Self {
        keys.sort_by_key(KeyPair::rsa_bits);
        Self {
            keys: Arc::new(keys),
            dealt: Arc::default(),
        }
    }
}

impl KeySource for KeyPool {
    fn rsa(&self, bits: usize) -> Option<KeyPair> {
        let length = self
            .keys
            .iter()
            .filter_map(KeyPair::rsa_bits)
            .find(|length| *length >= bits)?;
        let fitting = || self.keys.iter().filter(|key| key.rsa_bits() == Some(length));
        let turn = self.dealt.fetch_add(1, Ordering::Relaxed);
        fitting().nth(turn % fitting().count().max(1)).cloned()
    }
}
