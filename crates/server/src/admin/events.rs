//! What happened, as it happens.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use ordain_model::event::EventKind;
use ordain_store::Cursor;

use super::access::Bearer;
use super::extract::Query;
use super::fault::Fault;
use crate::api::{EventFilter, EventRow, Problem};
use crate::app::App;
use crate::events::stream::{Reader, stream};

/// Events as server-sent events, the oldest first. `id` is the cursor after an event, `event` its kind, `data` the event in
/// JSON. An `id` alone moves the cursor past what was not asked for; a `gap` says that events after `Last-Event-ID` are
/// kept no more.
#[utoipa::path(
    get, path = "/events",
    params(EventFilter, ("Last-Event-ID" = Option<String>, Header, description = "the cursor to go on from")),
    responses(
        (status = 200, body = EventRow, content_type = "text/event-stream"), (status = 400, body = Problem),
        (status = 503, body = Problem, description = "too many streams, come back after `Retry-After`")
    )
)]
pub(crate) async fn events(
    State(app): State<Arc<App>>,
    Extension(Bearer(token)): Extension<Bearer>,
    headers: HeaderMap,
    Query(filter): Query<EventFilter>,
) -> Result<Response, Fault> {
    // A client that comes back repeats its query, too.
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let after = match last.filter(|id| !id.is_empty()).or(filter.after.as_deref()) {
        Some(cursor) => cursor
            .parse::<Cursor>()
            .map_err(|error| Fault::Invalid(format!("{cursor}: {error}")))?,
        None => app.store.newest_event().await?,
    };
    let reader = Reader {
        after,
        kinds: kinds(filter.kind.iter().flat_map(|kinds| kinds.split(',')))?,
        follow: filter.follow.unwrap_or(true),
        token,
    };
    stream(&app, reader)
        .map(IntoResponse::into_response)
        .ok_or_else(|| Fault::Busy("there are as many streams of events as there may be".into()))
}

/// The kinds that are named.
pub(crate) fn kinds<'a>(words: impl Iterator<Item = &'a str>) -> Result<BTreeSet<EventKind>, Fault> {
    words
        .map(|word| {
            word.parse()
                .map_err(|error| Fault::Invalid(format!("{word}: {error}")))
        })
        .collect()
}
