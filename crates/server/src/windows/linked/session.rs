//! Linked sessions: who is there, and what is answered.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, header};
use ordain_model::checkin::{Presented, Refusal};
use ordain_model::decision::Decision;
use ordain_model::ids::Channel;
use ordain_model::windows::enroll;
use ordain_model::windows::session::Answer;
use ordain_windows::syncml::{CONTENT_TYPE, Message};

use super::super::session::wire;
use super::MANAGEMENT;
use crate::admission::Urgency;
use crate::app::App;
use crate::body;
use crate::device::fault::Fault;
use crate::device::mdm::identify;
use crate::device::scene::{ATTEMPTS, contended};
use crate::identity::Peer;

/// The largest message of a device, in octets.
const MAX_MESSAGE: usize = 1 << 20;

/// A message of a linked session.
pub(super) async fn manage(
    State(app): State<Arc<App>>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let answer = async {
        let body = body::read(&app.in_flight, &headers, body, MAX_MESSAGE).await?;
        let _place = app.admission.enter(Urgency::Usual).await?;
        let presented = identify(&app, &peer, &headers, &body.octets).await?;
        answer(&app, &presented, &body.octets).await
    };
    match answer.await {
        Ok(message) => ([(header::CONTENT_TYPE, CONTENT_TYPE)], message).into_response(),
        Err(fault) => {
            fault.note(&app, MANAGEMENT);
            fault.into_response()
        }
    }
}

async fn answer(app: &Arc<App>, presented: &Presented, body: &Bytes) -> Result<Vec<u8>, Fault> {
    for _ in 0..ATTEMPTS {
        // Let in first: what a stranger sends is not even read.
        let scene = app.windows_scene(Channel::Linked, presented).await?;
        let message = Message::parse(body).map_err(|error| Fault::Unreadable(error.to_string()))?;
        let (device, channel) = (scene.device()?, scene.channel()?);
        let windows = channel.facts.windows.as_ref();
        let name = windows.and_then(|windows| windows.device_id.as_deref());
        if name.is_some_and(|name| name != message.header.source.uri) {
            // Its certificate says that it is another one.
            return Err(Refusal::WrongIdentity.into());
        }
        app.sightings.woke(channel, scene.now);
        let heard = wire::read(message, None);
        let reply = wire::write(&heard, &Answer::default())?;
        let decision = match heard.leaves {
            // Its primary enrollment stays.
            true => Decision {
                writes: enroll::unenroll(device, channel, scene.now).writes,
                reply,
            },
            false => Decision::reply(reply),
        };
        if let Some(message) = app.settle(&scene.state, Ok(decision)).await? {
            return Ok(message);
        }
    }
    Err(contended())
}
