//! The book of channels and tokens, and what came of all pushes.

use std::collections::{BTreeSet, HashMap};

use tokio::sync::mpsc;
use uuid::Uuid;

use super::Counts;

/// All channels, and the tokens that count.
#[derive(Debug, Default)]
pub(super) struct Book {
    channels: HashMap<String, Line>,
    tokens: BTreeSet<String>,
    pub(super) counts: Counts,
}

/// One channel.
#[derive(Debug)]
enum Line {
    /// Where its pushes go while the device is connected. None that comes later is kept for it: no device comes back.
    Open(Option<mpsc::Sender<()>>),
    /// It is over.
    Gone,
}

impl Book {
    /// A new channel.
    pub(super) fn open(&mut self, outlet: &mpsc::Sender<()>) -> String {
        let name = Uuid::new_v4().simple().to_string();
        self.channels
            .insert(name.clone(), Line::Open(Some(outlet.clone())));
        name
    }

    pub(super) fn close(&mut self, name: &str) {
        if let Some(line) = self.channels.get_mut(name) {
            *line = Line::Gone;
        }
    }

    /// The device is not connected any more.
    pub(super) fn disconnect(&mut self, name: &str) {
        if let Some(Line::Open(outlet)) = self.channels.get_mut(name) {
            *outlet = None;
        }
    }

    /// A new token.
    pub(super) fn token(&mut self) -> String {
        let token = format!("{}==", Uuid::new_v4().simple());
        self.tokens.insert(token.clone());
        self.counts.tokens += 1;
        token
    }

    pub(super) fn has_token(&self, token: &str) -> bool {
        self.tokens.contains(token)
    }

    pub(super) fn expire_tokens(&mut self) {
        self.tokens.clear();
    }

    /// Takes a push, or refuses it: the status, and `X-WNS-Status`.
    pub(super) fn push(&self, name: &str, is_cached: bool) -> (u16, Option<&'static str>) {
        match self.channels.get(name) {
            None => (404, None),
            Some(Line::Gone) => (410, None),
            Some(Line::Open(Some(outlet))) => {
                // A device that has so many pushes to read already misses nothing by one less.
                let _ = outlet.try_send(());
                (200, Some("received"))
            }
            Some(Line::Open(None)) => (200, Some(if is_cached { "received" } else { "dropped" })),
        }
    }

    /// Counts an answer to a push.
    pub(super) fn answered(&mut self, status: u16) {
        match status {
            200 => self.counts.accepted += 1,
            _ => *self.counts.refused.entry(status).or_default() += 1,
        }
    }
}
