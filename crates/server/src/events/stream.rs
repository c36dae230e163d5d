//! Events as a stream of server-sent events (WHATWG HTML, section 9.2): `id` is the cursor, `event` the kind, `data` JSON.

use std::collections::{BTreeSet, VecDeque};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::response::sse::{self, Sse};
use futures_util::Stream;
use ordain_model::event::EventKind;
use ordain_model::ids::Digest;
use ordain_store::Cursor;
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, watch};

use super::{GATHER, row};
use crate::admin::administrator;
use crate::app::App;
use crate::start::stopped;

/// Events read at a time: all that is in memory for one reader.
const PAGE: u32 = 200;
/// How often a reader hears something when there is nothing to tell.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// One who listens.
pub(crate) struct Reader {
    /// Everything up to here was told, or is not what is asked for.
    pub(crate) after: Cursor,
    /// What is asked for; everything, when it is empty.
    pub(crate) kinds: BTreeSet<EventKind>,
    /// Whether it goes on once everything was told.
    pub(crate) follow: bool,
    /// The hash of the token by which it listens: when that ends, so does the stream.
    pub(crate) token: Digest,
}

struct Reading {
    reader: Reader,
    app: Arc<App>,
    news: watch::Receiver<Cursor>,
    stop: watch::Receiver<bool>,
    waiting: VecDeque<sse::Event>,
    _place: OwnedSemaphorePermit,
}

/// The stream for `reader`; `None` when there are as many as there may be.
pub(crate) fn stream(
    app: &Arc<App>,
    reader: Reader,
) -> Option<Sse<impl Stream<Item = Result<sse::Event, Infallible>> + use<>>> {
    let place = app.events.streams.clone().try_acquire_owned().ok()?;
    let reading = Reading {
        app: app.clone(),
        news: app.store.event_news(),
        stop: app.events.stop.clone(),
        // Who hears no event at all can go on from here, too.
        waiting: [sse::Event::default().id(reader.after.to_string())].into(),
        reader,
        _place: place,
    };
    let next = async |mut reading: Reading| reading.next().await.map(|event| (Ok(event), reading));
    Some(Sse::new(futures_util::stream::unfold(reading, next)))
}

impl Reading {
    /// What to send next; `None` ends the stream, and its reader goes on with another one.
    async fn next(&mut self) -> Option<sse::Event> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Some(event);
            }
            if *self.stop.borrow() {
                return None;
            }
            self.news.mark_unchanged();
            let is_more = self.read().await?;
            if !self.waiting.is_empty() || is_more {
                continue;
            }
            if !self.reader.follow {
                return None;
            }
            tokio::select! {
                changed = self.news.changed() => {
                    changed.ok()?;
                    tokio::time::sleep(GATHER).await;
                }
                // An id without data is no event, but moves the reader's cursor past what it did not ask for.
                () = tokio::time::sleep(KEEP_ALIVE) => {
                    return Some(sse::Event::default().id(self.reader.after.to_string()));
                }
                () = stopped(&mut self.stop) => return None,
            }
        }
    }

    /// Reads on, and says whether there may be more; `None` when it must end.
    async fn read(&mut self) -> Option<bool> {
        let Reader {
            after, kinds, token, ..
        } = &mut self.reader;
        let read = async {
            let is_let_in = administrator(&self.app, *token).await?.is_some();
            let page = self.app.store.events(*after, PAGE).await?;
            Ok::<_, ordain_store::StoreError>(is_let_in.then_some(page))
        };
        let page = read
            .await
            .inspect_err(|error| tracing::warn!(%error, "a stream of events broke off"))
            .ok()??;
        if page.gap {
            // Without an id: until an event was told, it is told again that some are missing.
            let gap = json!({"after": after.to_string()}).to_string();
            self.waiting
                .push_back(sse::Event::default().event("gap").data(gap));
        }
        let is_more = !page.events.is_empty();
        for (cursor, event) in page.events {
            if kinds.is_empty() || kinds.contains(&event.kind) {
                let row = row(cursor, event);
                let data = serde_json::to_string(&row).ok()?;
                let event = sse::Event::default().id(row.cursor).event(row.kind).data(data);
                self.waiting.push_back(event);
            }
        }
        *after = page.next;
        Some(is_more)
    }
}
