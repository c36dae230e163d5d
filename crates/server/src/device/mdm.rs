//! The two URLs of the MDM protocol: read the body, find out who sends it, and hand the message on.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, header};
use ordain_model::checkin::Presented;
use tokio::sync::OwnedSemaphorePermit;

use super::fault::Fault;
use crate::admission::Urgency;
use crate::app::App;
use crate::body;
use crate::identity::{Peer, SIGNATURE_HEADER};

/// The largest message of a device, in octets. Full reports with long lists of apps reach several hundred KiB.
pub(crate) const MAX_MESSAGE: usize = 4 << 20;

const CHECK_IN_TYPE: &str = "application/x-apple-aspen-mdm-checkin";
const COMMAND_TYPE: &str = "application/x-apple-aspen-mdm";

/// ServerURL and CheckInURL in one: the content type decides, and where it says neither, the message.
pub(crate) async fn both(
    State(app): State<Arc<App>>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let answer = async {
        let (presented, body, _held) = receive(&app, &peer, &headers, body).await?;
        if is_check_in(&headers, &body) {
            super::checkin::check_in(&app, &presented, body).await
        } else {
            super::command::command(&app, &presented, body).await
        }
    };
    finish(&app, "/mdm", answer.await)
}

/// CheckInURL alone.
pub(crate) async fn check_in(
    State(app): State<Arc<App>>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let answer = async {
        let (presented, body, _held) = receive(&app, &peer, &headers, body).await?;
        super::checkin::check_in(&app, &presented, body).await
    };
    finish(&app, "/mdm/checkin", answer.await)
}

fn finish(app: &App, route: &str, answer: Result<Response, Fault>) -> Response {
    answer.unwrap_or_else(|fault| {
        fault.note(app, route);
        fault.into_response()
    })
}

/// What a message has of the server as long as it is worked on: a part of the memory, and a place.
type Held = [OwnedSemaphorePermit; 2];

/// Who proves to have sent the body, the body within its bounds and the server's budget, and what is held meanwhile.
async fn receive(
    app: &Arc<App>,
    peer: &Peer,
    headers: &HeaderMap,
    body: Body,
) -> Result<(Presented, Bytes, Held), Fault> {
    let body = body::read(&app.in_flight, headers, body, MAX_MESSAGE).await?;
    let (body, share) = body.split();
    let place = app.admission.enter(|| Urgency::of(&body)).await?;
    let presented = identify(app, peer, headers, &body).await?;
    Ok((presented, body, [share, place]))
}

/// Who proves to have sent `body`. Signatures are checked where they hold up no other request.
pub(crate) async fn identify(
    app: &Arc<App>,
    peer: &Peer,
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<Presented, Fault> {
    if !headers.contains_key(SIGNATURE_HEADER) {
        // A certificate whose chain is known already: a look-up.
        return Ok(app.trust.identify(peer, headers, body, app.now())?);
    }
    let (app, peer, headers, body) = (app.clone(), peer.clone(), headers.clone(), body.clone());
    let work = move || app.trust.identify(&peer, &headers, &body, app.now());
    let identified = tokio::task::spawn_blocking(work).await;
    Ok(identified.map_err(|error| Fault::Unavailable(error.to_string()))??)
}

/// By the content type; by what stands in the message where that says neither.
fn is_check_in(headers: &HeaderMap, body: &[u8]) -> bool {
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    match content_type.split(';').next().unwrap_or_default().trim() {
        CHECK_IN_TYPE => true,
        COMMAND_TYPE => false,
        _ => ordain_apple::plist::parse(body).is_ok_and(|message| message.contains_key("MessageType")),
    }
}
