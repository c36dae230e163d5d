//! The two URLs of the MDM protocol: read the body, find out who sends it, and hand the message on.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use ordain_model::checkin::Presented;

use super::fault::Fault;
use crate::app::App;
use crate::identity::{Peer, SIGNATURE_HEADER};

/// The largest message of a device, in octets. Full reports with long lists of apps reach several hundred KiB.
const MAX_MESSAGE: usize = 4 << 20;
/// A body of unknown length takes so much of the server's budget until it is read, in KiB.
const UNKNOWN_LENGTH_KIB: u64 = (MAX_MESSAGE / 1024) as u64;

/// How long a body may take to arrive: while it does, it holds a part of the budget.
const PATIENCE: Duration = Duration::from_secs(60);

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
        let (presented, body) = receive(&app, &peer, &headers, body).await?;
        if is_check_in(&headers, &body) {
            super::checkin::check_in(&app, &presented, &body).await
        } else {
            super::command::command(&app, &presented, &body).await
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
        let (presented, body) = receive(&app, &peer, &headers, body).await?;
        super::checkin::check_in(&app, &presented, &body).await
    };
    finish(&app, "/mdm/checkin", answer.await)
}

fn finish(app: &App, route: &str, answer: Result<Response, Fault>) -> Response {
    answer.unwrap_or_else(|fault| {
        fault.note(app, route);
        fault.into_response()
    })
}

/// The body, within its bounds and the server's budget, and who proves to have sent it.
async fn receive(
    app: &Arc<App>,
    peer: &Peer,
    headers: &HeaderMap,
    body: Body,
) -> Result<(Presented, Bytes), Fault> {
    let body = read(app, headers, body).await?;
    let presented = identify(app, peer, headers, &body).await?;
    Ok((presented, body))
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

async fn read(app: &App, headers: &HeaderMap, body: Body) -> Result<Bytes, Fault> {
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > MAX_MESSAGE as u64) {
        return Err(Fault::TooLarge);
    }
    let kib = announced.map_or(UNKNOWN_LENGTH_KIB, |length| length.div_ceil(1024));
    let kib = u32::try_from(kib).unwrap_or(u32::MAX);
    let _budget = app
        .in_flight
        .acquire_many(kib)
        .await
        .map_err(|error| Fault::Unavailable(error.to_string()))?;
    match tokio::time::timeout(PATIENCE, Limited::new(body, MAX_MESSAGE).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Fault::TooLarge),
        Ok(Err(error)) => Err(Fault::Unreadable(error.to_string())),
        Err(_) => Err(Fault::Unreadable("the body did not come in time".into())),
    }
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
