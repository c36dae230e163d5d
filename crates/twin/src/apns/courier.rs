//! A device's end of the push service.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::State;
use crate::driver::clock;

/// How many pushes wait for a device that does not read them.
const ROOM: usize = 64;

/// A push as it reaches a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The token that it was sent to.
    pub token: Vec<u8>,
    /// What it says: the push magic, if it is from the device's own server.
    pub magic: String,
}

/// One device's connection to the push service, for all its tokens. Dropping it takes the device offline.
#[derive(Debug)]
pub struct Courier {
    state: Arc<State>,
    outlet: mpsc::Sender<Delivery>,
    inbox: mpsc::Receiver<Delivery>,
    /// Tokens with their topics.
    tokens: Vec<(Vec<u8>, String)>,
}

impl Courier {
    pub(super) fn new(state: Arc<State>) -> Self {
        let (outlet, inbox) = mpsc::channel(ROOM);
        Self {
            state,
            outlet,
            inbox,
            tokens: Vec::new(),
        }
    }

    /// Has a token for a topic, and takes its pushes from now on; one that was kept for it comes at once.
    pub fn register(&mut self, token: &[u8], topic: &str) {
        let now = clock::now();
        self.state.book().register(token, topic, &self.outlet, now);
        self.tokens.retain(|(known, _)| known != token);
        self.tokens.push((token.to_vec(), topic.to_owned()));
    }

    /// Gives up all tokens: pushes to them are refused with 410.
    pub fn unregister(&mut self) {
        let mut book = self.state.book();
        for (token, _) in self.tokens.drain(..) {
            book.unregister(&token, clock::now());
        }
    }

    /// The device loses its connection: the last push to each token is kept for it, if the sender wants that.
    pub fn go_offline(&mut self) {
        let mut book = self.state.book();
        for (token, _) in &self.tokens {
            book.disconnect(token);
        }
    }

    /// It is connected again.
    pub fn go_online(&mut self) {
        let now = clock::now();
        let mut book = self.state.book();
        for (token, topic) in &self.tokens {
            book.register(token, topic, &self.outlet, now);
        }
    }

    /// The next push.
    pub async fn next(&mut self) -> Delivery {
        match self.inbox.recv().await {
            Some(delivery) => delivery,
            // It has a sender of its own, so that this does not happen.
            None => std::future::pending().await,
        }
    }

    /// A push that is there already.
    pub fn ready(&mut self) -> Option<Delivery> {
        self.inbox.try_recv().ok()
    }
}

impl Drop for Courier {
    fn drop(&mut self) {
        self.go_offline();
    }
}
