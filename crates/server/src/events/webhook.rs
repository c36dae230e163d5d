//! Webhooks: each receiver has a task of its own, which sends it what comes after its cursor, in order, until it was taken.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use ordain_pki::mac::hmac_sha256;
use ordain_pki::seal::{KeyRing, SealError};
use ordain_store::{Cursor, EventPage, Progress, StoreError, Webhook, webhook_context};
use serde::Serialize;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

use super::{GATHER, row};
use crate::api::EventRow;
use crate::app::App;
use crate::house::short_id;
use crate::start::stopped;

/// The most events in one message.
const BATCH: u32 = 100;
/// How long to wait before looking again at what cannot be done now.
const AGAIN: Duration = Duration::from_secs(1);
/// How long a node has a receiver to itself, in seconds: longer than one message can take.
const LEASE: i64 = 30;
/// Events that a receiver did not ask for move its cursor this often, in seconds.
const SKIP: i64 = 60;
/// The first wait after a failure, and the longest, in seconds.
const FIRST_WAIT: i64 = 5;
const LONGEST_WAIT: i64 = 60 * 60;

/// What a receiver is sent.
#[derive(Serialize)]
struct Message {
    events: Vec<EventRow>,
    /// The cursor after them.
    cursor: String,
    /// There were events before these that are kept no more.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    gap: bool,
}

/// The tasks of all receivers.
#[derive(Default)]
pub(crate) struct Deliveries {
    tasks: JoinSet<()>,
    running: HashMap<String, AbortHandle>,
}

impl Deliveries {
    /// Begins to send to those that have come, and ends it with those that were removed.
    pub(crate) async fn begin_and_end(&mut self, app: &Arc<App>) -> Result<(), StoreError> {
        while self.tasks.try_join_next().is_some() {}
        let webhooks = app.store.webhooks().await?;
        self.running.retain(|id, task| {
            let is_there = webhooks.iter().any(|webhook| webhook.id == *id);
            if !is_there {
                task.abort();
            }
            is_there && !task.is_finished()
        });
        for Webhook { id, .. } in webhooks {
            if !self.running.contains_key(&id) {
                let task = self.tasks.spawn(deliver(app.clone(), id.clone()));
                self.running.insert(id, task);
            }
        }
        Ok(())
    }

    /// Waits until all have noticed that the server stops.
    pub(crate) async fn end(mut self) {
        while self.tasks.join_next().await.is_some() {}
    }
}

/// One receiver, as one node knows it.
struct Delivery {
    app: Arc<App>,
    id: String,
    lease: String,
    stop: watch::Receiver<bool>,
    /// Up to where it wants nothing, and since when (unix seconds) the store does not know that.
    skipped: Option<(Cursor, i64)>,
}

/// What came of one turn.
enum Turn {
    /// There may be more.
    More,
    /// There is nothing for it.
    Done,
    /// It must wait.
    Later,
    /// It was removed, or the server stops.
    End,
}

async fn deliver(app: Arc<App>, id: String) {
    let mut news = app.store.event_news();
    let mut delivery = Delivery {
        stop: app.events.stop.clone(),
        lease: short_id(),
        skipped: None,
        app,
        id,
    };
    let mut stop = delivery.stop.clone();
    loop {
        news.mark_unchanged();
        let turn = match delivery.turn().await {
            // Another node sends.
            Err(StoreError::Conflict) => Turn::Later,
            Err(error) => {
                tracing::warn!(webhook = delivery.id, %error, "a webhook was not served");
                Turn::Later
            }
            Ok(turn) => turn,
        };
        let pause = async {
            match turn {
                Turn::More => {}
                Turn::Later => tokio::time::sleep(AGAIN).await,
                Turn::Done | Turn::End => {
                    let limit = Duration::from_secs(SKIP.unsigned_abs());
                    // Whether there is news or not: what was skipped is to be noted.
                    let _ = tokio::time::timeout(limit, news.changed()).await;
                    tokio::time::sleep(GATHER).await;
                }
            }
        };
        if matches!(turn, Turn::End) {
            return;
        }
        tokio::select! {
            () = pause => {}
            () = stopped(&mut stop) => return,
        }
    }
}

impl Delivery {
    async fn turn(&mut self) -> Result<Turn, StoreError> {
        let Some(webhook) = self.app.store.webhook(&self.id).await? else {
            return Ok(Turn::End);
        };
        let now = self.app.now();
        if now < webhook.progress.next_at {
            return Ok(Turn::Later);
        }
        let from = self
            .skipped
            .map_or(webhook.after, |(seen, _)| seen.max(webhook.after));
        let mut page = self.app.store.events(from, BATCH).await?;
        let is_all = page.events.len() < BATCH as usize;
        let turn = if is_all { Turn::Done } else { Turn::More };
        let kinds = &webhook.kinds;
        page.events
            .retain(|(_, event)| kinds.is_empty() || kinds.contains(&event.kind));
        if page.events.is_empty() && !page.gap {
            self.skip(&webhook, page.next, now).await?;
            return Ok(turn);
        }
        self.lease(&webhook, now).await?;
        let after = page.next;
        let sent = tokio::select! {
            sent = send(&self.app, &webhook, page, now) => sent,
            () = stopped(&mut self.stop) => {
                // Whether it was taken, nobody knows: it is sent again.
                self.settle(webhook.after, &webhook.progress).await?;
                return Ok(Turn::End);
            }
        };
        let now = self.app.now();
        match sent {
            Ok(()) => {
                let progress = Progress {
                    delivered_at: Some(now),
                    next_at: now,
                    ..Progress::default()
                };
                self.settle(after, &progress).await?;
                Ok(turn)
            }
            Err(problem) => {
                tracing::warn!(webhook = webhook.id, problem, "a webhook's message was not taken");
                self.settle(webhook.after, &failed(&webhook.progress, problem, now))
                    .await?;
                Ok(Turn::Later)
            }
        }
    }

    /// Everything up to `seen` is nothing for it. That is written now and then only.
    async fn skip(&mut self, webhook: &Webhook, seen: Cursor, now: i64) -> Result<(), StoreError> {
        if seen == webhook.after {
            return Ok(());
        }
        let since = self.skipped.map_or(now, |(_, since)| since);
        if now < since.saturating_add(SKIP) {
            self.skipped = Some((seen, since));
            return Ok(());
        }
        self.lease(webhook, now).await?;
        self.settle(seen, &webhook.progress).await
    }

    async fn lease(&self, webhook: &Webhook, now: i64) -> Result<(), StoreError> {
        let until = now.saturating_add(LEASE);
        self.app
            .store
            .lease_webhook(webhook, &self.lease, now, until)
            .await
    }

    async fn settle(&mut self, after: Cursor, progress: &Progress) -> Result<(), StoreError> {
        self.skipped = None;
        self.app
            .store
            .settle_webhook(&self.id, &self.lease, after, progress)
            .await
    }
}

async fn send(app: &App, webhook: &Webhook, page: EventPage, now: i64) -> Result<(), String> {
    let message = Message {
        cursor: page.next.to_string(),
        gap: page.gap,
        events: page
            .events
            .into_iter()
            .map(|(cursor, event)| row(cursor, event))
            .collect(),
    };
    let body = serde_json::to_string(&message).map_err(|error| error.to_string())?;
    let secret = app
        .seal
        .ring()
        .open(&webhook_context(&webhook.id), &webhook.secret)
        .map_err(|error| error.to_string())?;
    let signature = signature(&secret, now, &body);
    let posted = app.events.client.post(&webhook.url, &signature, body).await;
    posted.map_err(|error| error.to_string())
}

/// `t=TIME,v1=HMAC`: the HMAC-SHA256, in hexadecimal digits, of the time in unix seconds, a full stop and the body.
fn signature(secret: &[u8], now: i64, body: &str) -> String {
    let signed = format!("{now}.{body}");
    format!(
        "t={now},v1={}",
        hex::encode(hmac_sha256(secret, signed.as_bytes()))
    )
}

fn failed(before: &Progress, problem: String, now: i64) -> Progress {
    let attempts = before.attempts.saturating_add(1);
    Progress {
        delivered_at: before.delivered_at,
        attempts,
        next_at: now.saturating_add(wait(attempts, ordain_pki::random::<1>())),
        failing_since: before.failing_since.or(Some(now)),
        problem: Some(problem),
    }
}

/// How long to wait after so many failures, in seconds: doubling, and by chance up to a quarter more, so that not all
/// come back at once.
fn wait(attempts: u32, [chance]: [u8; 1]) -> i64 {
    let doubled = FIRST_WAIT << attempts.saturating_sub(1).min(10);
    let wait = doubled.min(LONGEST_WAIT);
    wait + wait / 4 * i64::from(chance) / 255
}

/// Seals the secret of the webhook `id`.
pub(crate) fn seal(ring: &KeyRing, id: &str, secret: &str) -> Result<Vec<u8>, SealError> {
    ring.seal(&webhook_context(id), secret.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_an_hour_and_a_quarter() {
        let waits: Vec<i64> = (1..=4).map(|attempts| wait(attempts, [0])).collect();
        assert_eq!(waits, [5, 10, 20, 40]);
        assert_eq!(wait(u32::MAX, [0]), 3_600);
        assert_eq!(wait(u32::MAX, [255]), 4_500);
        assert_eq!(wait(0, [0]), 5);
    }
}
