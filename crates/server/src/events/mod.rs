//! Events on their way out: as a stream to whoever listens, and to webhooks. They are made by the model's decisions, and
//! kept by the store for a while.

pub(crate) mod client;
pub(crate) mod stream;
pub(crate) mod webhook;

use std::sync::Arc;
use std::time::Duration;

use ordain_model::event::Event;
use ordain_store::{Cursor, StoreError};
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;

use crate::api::EventRow;
use crate::app::App;
use crate::settings::StartError;
use crate::start::stopped;
use client::Client;

/// How often a node looks for events of other nodes, and for webhooks that came or went.
const LOOK: Duration = Duration::from_secs(1);
/// How often it looks for events that are kept long enough,
const PRUNE: Duration = Duration::from_secs(60);
/// and how many it then deletes at a time: devices' writes come in between.
const PRUNED_AT_ONCE: u32 = 500;
/// How often it looks for extracts that no device has any more: on PostgreSQL that reads all devices.
const PRUNE_EXTRACTS: Duration = Duration::from_secs(60 * 60);
/// How long events gather after the first, so that not each of many is read by itself.
const GATHER: Duration = Duration::from_millis(100);
/// Streams at once.
const MOST_STREAMS: usize = 100;

/// What the streams and webhooks of one server share.
pub(crate) struct Events {
    /// A place for each stream.
    streams: Arc<Semaphore>,
    client: Client,
    /// How long events are kept, in seconds.
    retention: i64,
    /// Turns true when the server stops: nothing here ends by itself.
    stop: watch::Receiver<bool>,
}

impl Events {
    /// What keeps events for `retention`.
    pub(crate) fn new(retention: Duration, stop: watch::Receiver<bool>) -> Result<Self, StartError> {
        Ok(Self {
            streams: Arc::new(Semaphore::new(MOST_STREAMS)),
            client: Client::new()?,
            retention: i64::try_from(retention.as_secs()).unwrap_or(i64::MAX),
            stop,
        })
    }
}

/// What happens behind the requests: events are sent to webhooks, learned of other nodes, and pruned, as are the extracts of
/// reports that no device has any more.
pub(crate) async fn run(app: Arc<App>) {
    let mut stop = app.events.stop.clone();
    let mut webhooks = webhook::Deliveries::default();
    let (mut look, mut prune) = (tokio::time::interval(LOOK), tokio::time::interval(PRUNE));
    let mut extracts = tokio::time::interval_at(Instant::now() + PRUNE_EXTRACTS, PRUNE_EXTRACTS);
    loop {
        tokio::select! {
            _ = look.tick() => {
                let looked = async {
                    app.store.look_for_events().await?;
                    webhooks.begin_and_end(&app).await
                };
                if let Err(error) = looked.await {
                    tracing::warn!(%error, "events were not looked for");
                }
            }
            _ = prune.tick() => {
                if let Err(error) = app.prune_events().await {
                    tracing::warn!(%error, "old events were not deleted");
                }
            }
            _ = extracts.tick() => {
                if let Err(error) = app.store.prune_known().await {
                    tracing::warn!(%error, "extracts of reports that no device has any more were not deleted");
                }
            }
            () = stopped(&mut stop) => break,
        }
    }
    webhooks.end().await;
}

impl App {
    async fn prune_events(&self) -> Result<(), StoreError> {
        let until = self.now().saturating_sub(self.events.retention);
        while self.store.prune_events(until, PRUNED_AT_ONCE).await? > 0 && !*self.events.stop.borrow() {}
        Ok(())
    }
}

fn row(cursor: Cursor, event: Event) -> EventRow {
    EventRow {
        cursor: cursor.to_string(),
        kind: event.kind.word().to_owned(),
        enrollment: event.enrollment.to_string(),
        at: event.at,
        detail: event.detail,
    }
}
