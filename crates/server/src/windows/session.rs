//! Management sessions (OMA-DM, as MS-MDM has it): who is there, which message is the next one, and what it is answered.
//!
//! What a session remembers is stored with each answer, in the commit of what the message decided, so that a server goes
//! on where another one was, and the same message gets the same answer.

mod credentials;
mod kept;
mod policy;
mod wire;

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, header};
use ordain_model::checkin::{Presented, Refusal};
use ordain_model::decision::{Decision, Write};
use ordain_model::ids::Digest;
use ordain_model::sync;
use ordain_model::windows::enroll;
use ordain_model::windows::session::{self as model, Answer, Session, Turn};
use ordain_windows::syncml::{CONTENT_TYPE, Message};

use self::credentials::Checked;
use self::kept::Kept;
use self::wire::Heard;
use super::MANAGEMENT;
use crate::admission::Urgency;
use crate::app::App;
use crate::body;
use crate::device::fault::Fault;
use crate::device::mdm::identify;
use crate::device::scene::{ATTEMPTS, Scene, contended};
use crate::identity::{Peer, Unidentified};

/// The largest message of a device, in octets. Windows announces 512 KiB for its own.
const MAX_MESSAGE: usize = 1 << 20;

/// Who sends a message.
enum Sender {
    /// The holder of this certificate.
    Certificate(Presented),
    /// That is for the message to prove: it came through a trusted proxy that tells no certificates.
    InMessage,
}

/// A message of a management session. What a device adds to the address, and its headers, say nothing here.
pub(super) async fn manage(
    State(app): State<Arc<App>>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let answer = async {
        let body = body::read(&app.in_flight, &headers, body, MAX_MESSAGE).await?;
        let _place = app.admission.enter(Urgency::Usual).await?;
        let sender = match identify(&app, &peer, &headers, &body.octets).await {
            Err(Fault::Unidentified(Unidentified::None)) if app.trust.is_told_nothing(&peer) => {
                Sender::InMessage
            }
            presented => Sender::Certificate(presented?),
        };
        answer(&app, &sender, &body.octets).await
    };
    match answer.await {
        Ok(message) => ([(header::CONTENT_TYPE, CONTENT_TYPE)], message).into_response(),
        Err(fault) => {
            fault.note(&app, MANAGEMENT);
            fault.into_response()
        }
    }
}

fn read(body: &Bytes) -> Result<Message, Fault> {
    Message::parse(body).map_err(|error| Fault::Unreadable(error.to_string()))
}

async fn answer(app: &Arc<App>, sender: &Sender, body: &Bytes) -> Result<Vec<u8>, Fault> {
    let heard = Digest::of(body);
    for _ in 0..ATTEMPTS {
        // Held until what is sealed is stored, so that a rotation of keys waits for it.
        let ring = app.seal.ring();
        let (scene, message, proven) = match sender {
            // Let in first: what a stranger sends is not even read.
            Sender::Certificate(presented) => (app.windows_scene(presented).await?, read(body)?, None),
            Sender::InMessage => {
                let message = read(body)?;
                match credentials::check(app, &ring, &message, heard).await? {
                    Checked::In(scene, proven) => (*scene, message, Some(proven)),
                    Checked::Out(challenge) => return Ok(challenge),
                }
            }
        };
        let device = scene.device()?;
        let windows = device.facts.windows.as_ref();
        let name = windows.and_then(|windows| windows.device_id.as_deref());
        if name.is_some_and(|name| name != message.header.source.uri) {
            // Its certificate says that it is another one.
            return Err(Refusal::WrongIdentity.into());
        }
        app.sightings.woke(device, scene.now);
        let kept = Kept::load(app, &ring, &device.id).await?;
        if proven.is_some_and(|proven| !proven.is_of(kept.as_ref())) {
            continue;
        }
        let header = &message.header;
        let before = kept.as_ref().map(|(_, kept)| &kept.session);
        let begins = proven.map_or(1, |_| credentials::BEGINS);
        let turn = model::turn(before, &header.session_id, header.message_id, heard, begins);
        let turn = turn.map_err(|error| Fault::Unreadable(error.to_string()))?;
        let decided = match (turn, kept) {
            (Turn::Again, Some((_, kept))) => return Ok(kept.answer),
            (turn, kept) => {
                let part = kept.as_ref().and_then(|(_, kept)| kept.part.clone());
                let part = part.filter(|_| turn == Turn::Next);
                let mut said = wire::read(message, part);
                if let Some(proven) = proven {
                    said.asks_next(proven.next_nonce(&ring, &device.id));
                }
                decide(app, &scene, turn, kept, said, heard).await
            }
        };
        let decision = decided.and_then(|(decision, kept)| {
            let Decision { mut writes, reply } = decision;
            if let Some((number, kept)) = kept {
                let sealed = kept.seal(&ring, &device.id)?;
                writes.push(Write::WindowsSession(device.id.clone(), number, sealed));
            }
            Ok(Decision { writes, reply })
        });
        if let Some(message) = app.settle(&scene.state, decision).await? {
            return Ok(message);
        }
    }
    Err(contended())
}

/// What is written, with the answer; and what the session remembers, under its number, unless the device has left.
type Decided = (Decision<Vec<u8>>, Option<(i64, Kept)>);

async fn decide(
    app: &Arc<App>,
    scene: &Scene,
    turn: Turn,
    kept: Option<(i64, Kept)>,
    heard: Heard,
    digest: Digest,
) -> Result<Decided, Fault> {
    let device = scene.device()?;
    if heard.leaves {
        let queue = app.store.queue(&device.id, 0, u32::MAX).await?;
        let mut writes = model::left(device, &queue, scene.now);
        writes.extend(enroll::unenroll(device, scene.now).writes);
        let reply = wire::write(&heard, &Answer::default())?;
        return Ok((Decision { writes, reply }, None));
    }
    let number = kept.as_ref().map_or(0, |(number, _)| *number) + 1;
    let before = kept.map(|(_, kept)| kept.session);
    let wanted = app.wanted(&scene.world, device, &device.id, Some(device)).await?;
    let (mut writes, manifest, mut session) = match (turn, before) {
        (Turn::Next, Some(session)) => {
            let pinned = match device.pinned {
                Some(token) => app.objects.manifest(&app.store, token).await?,
                None => None,
            };
            let manifest = pinned.unwrap_or_else(|| wanted.manifest.clone());
            (Vec::new(), manifest, session)
        }
        (_, before) => {
            // What is published during a session changes nothing for it.
            let Decision { writes, reply } = sync::declaration_items(device, &wanted, scene.now)?;
            let id = heard.header.session_id.clone();
            (writes, reply, Session::begin(id, before.as_ref()))
        }
    };
    let policy = policy::load(app, &scene.state, &manifest, session.set()).await?;
    let address = format!("{}{MANAGEMENT}", app.public_url);
    let view = policy.scene(&address, scene.now);
    session.hears(heard.header.message_id, digest);
    let first = u32::try_from(heard.statuses.len() + 1).unwrap_or(u32::MAX);
    let answer = session.respond(&view, heard.said.clone(), first);
    writes.extend(session.queue_writes(&view, device));
    if answer.reports {
        writes.extend(policy.report(app, scene, device, wanted, &session).await?);
        for place in session.taken() {
            if let Some(place) = policy.places.get(place) {
                app.sightings.fetched(device, manifest.token(), *place, scene.now);
            }
        }
    }
    let reply = wire::write(&heard, &answer)?;
    let kept = Kept {
        session,
        part: heard.part,
        answer: reply.clone(),
    };
    Ok((Decision { writes, reply }, Some((number, kept))))
}
