//! The book of tokens: whose they are, what waits for them, and what came of all pushes.

use std::collections::HashMap;

use tokio::sync::mpsc;

use super::courier::Delivery;
use super::rules::{Push, Refusal};
use super::{Counts, Knobs};

/// All tokens.
#[derive(Debug, Default)]
pub(super) struct Book {
    addresses: HashMap<Vec<u8>, Address>,
    pub(super) counts: Counts,
}

/// One token: a device and a topic.
#[derive(Debug)]
struct Address {
    topic: String,
    /// Since when it is dead, in milliseconds.
    dead_since: Option<i64>,
    /// Where pushes go while the device is connected.
    outlet: Option<mpsc::Sender<Delivery>>,
    /// The last push that came meanwhile, and until when it is kept.
    kept: Option<(String, i64)>,
    accepted: u64,
}

impl Book {
    /// A device has this token, and takes its pushes there.
    pub(super) fn register(&mut self, token: &[u8], topic: &str, outlet: &mpsc::Sender<Delivery>, now: i64) {
        let address = self.addresses.entry(token.to_vec()).or_insert_with(|| Address {
            topic: topic.to_owned(),
            dead_since: None,
            outlet: None,
            kept: None,
            accepted: 0,
        });
        if address.topic != topic {
            topic.clone_into(&mut address.topic);
            address.kept = None;
        }
        address.dead_since = None;
        address.outlet = Some(outlet.clone());
        let kept = address.kept.take();
        if let Some((magic, _)) = kept.filter(|(_, until)| now < *until) {
            deliver(outlet, token, magic);
        }
    }

    /// The device is not connected.
    pub(super) fn disconnect(&mut self, token: &[u8]) {
        if let Some(address) = self.addresses.get_mut(token) {
            address.outlet = None;
        }
    }

    /// The device has this token no more.
    pub(super) fn unregister(&mut self, token: &[u8], now: i64) {
        if let Some(address) = self.addresses.get_mut(token) {
            address.dead_since = Some(now.saturating_mul(1000));
            address.outlet = None;
            address.kept = None;
        }
    }

    /// How many pushes to a token were taken.
    pub(super) fn accepted(&self, token: &[u8]) -> u64 {
        self.addresses.get(token).map_or(0, |address| address.accepted)
    }

    /// Takes a push, or refuses it.
    pub(super) fn push(&mut self, push: Push, knobs: &Knobs) -> Result<(), Refusal> {
        let address = self
            .addresses
            .get_mut(&push.token)
            .ok_or_else(|| Refusal::new(400, "BadDeviceToken"))?;
        if address.topic != push.topic {
            return Err(Refusal::new(400, "DeviceTokenNotForTopic"));
        }
        if let Some(since) = address.dead_since {
            return Err(Refusal {
                timestamp: Some(since),
                ..Refusal::new(410, "Unregistered")
            });
        }
        if knobs.most_per_token.is_some_and(|most| address.accepted >= most) {
            return Err(Refusal::new(429, "TooManyRequests"));
        }
        address.accepted += 1;
        self.counts.accepted += 1;
        match &address.outlet {
            Some(outlet) => deliver(outlet, &push.token, push.magic),
            None if push.expiration == 0 => self.counts.lost += 1,
            None => address.kept = Some((push.magic, push.expiration)),
        }
        Ok(())
    }

    /// Counts a refusal.
    pub(super) fn refused(&mut self, refusal: &Refusal) {
        *self.counts.refused.entry(refusal.reason.clone()).or_default() += 1;
    }
}

/// A device that has so many pushes to read already misses nothing by one less.
fn deliver(outlet: &mpsc::Sender<Delivery>, token: &[u8], magic: String) {
    let _ = outlet.try_send(Delivery {
        token: token.to_vec(),
        magic,
    });
}
