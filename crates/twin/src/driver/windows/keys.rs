//! Keys of Windows twins.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use ordain_pki::KeyPair;
use ordain_pki::key::KeyKind;
use tokio::task::JoinSet;

use crate::driver::{DriverError, Keys};
use crate::windows::{KeyPool, KeySource};

/// A new key each time, which takes a noticeable part of a second, unless there is one in stock.
#[derive(Debug, Default)]
pub struct FreshKeys {
    /// Of 2048 bits, each to be used once.
    stock: Mutex<Vec<KeyPair>>,
}

impl FreshKeys {
    /// Makes `count` keys of 2048 bits ahead, on as many threads as there are processors.
    pub async fn stocked(count: usize) -> Result<Self, DriverError> {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let mut makers = JoinSet::new();
        for maker in 0..threads {
            let share = (maker..count).step_by(threads);
            makers.spawn_blocking(move || share.map(|_| KeyPair::generate(KeyKind::Rsa2048)).collect());
        }
        let mut stock = Vec::with_capacity(count);
        while let Some(made) = makers.join_next().await {
            let made: Result<Vec<_>, _> =
                made.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
            stock.extend(made?);
        }
        Ok(Self {
            stock: Mutex::new(stock),
        })
    }
}

impl KeySource for FreshKeys {
    fn rsa(&self, bits: usize) -> Option<KeyPair> {
        let kind = match bits {
            0..=2048 => KeyKind::Rsa2048,
            2049..=3072 => KeyKind::Rsa3072,
            3073..=4096 => KeyKind::Rsa4096,
            _ => return None,
        };
        if kind == KeyKind::Rsa2048 {
            let mut stock = self.stock.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(key) = stock.pop() {
                return Some(key);
            }
        }
        KeyPair::generate(kind).ok()
    }
}

/// Keys for `count` twins as [`Keys`] say, but of RSA: Windows makes no others here. New ones are made ahead.
pub async fn source(keys: &Keys, count: usize) -> Result<Arc<dyn KeySource>, DriverError> {
    Ok(match keys {
        Keys::Fresh => Arc::new(FreshKeys::stocked(count).await?),
        Keys::Pool(keys) if keys.iter().any(|key| key.rsa_bits().is_some()) || count == 0 => {
            Arc::new(KeyPool::new(keys.clone()))
        }
        Keys::Pool(_) => return Err(DriverError::NoRsaKeys),
    })
}
