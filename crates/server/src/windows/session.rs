//! Management sessions (OMA-DM, as MS-MDM has it): who is there, which message is the next one, and what it is answered.
//!
//! What a session remembers is stored with each answer, in the commit of what the message decided, so that a server goes
//! on where another one was, and the same message gets the same answer. What a session is about is its channel's
//! ([`Speaks`]): settings and actions on the device's own, documents on the linked one ([`super::linked`]).

mod credentials;
mod kept;
mod policy;
mod primary;
pub(super) mod wire;

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, header};
use ordain_model::checkin::{Presented, Refusal};
use ordain_model::decision::{Decision, Write};
use ordain_model::enrollment::Enrollment;
use ordain_model::ids::{Channel, Digest};
use ordain_model::manifest::Manifest;
use ordain_model::sync::{self, Wanted};
use ordain_model::windows::session::{OutOfTurn, Turn};
use ordain_windows::syncml::{CONTENT_TYPE, Message};
use serde::Serialize;
use serde::de::DeserializeOwned;

use self::credentials::Checked;
use self::kept::Kept;
pub(super) use self::policy::{payload, report};
use self::wire::Heard;
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

/// What the sessions of a channel remember and are about.
pub(super) trait Speaks: Serialize + DeserializeOwned + Send + Sync + Sized {
    /// The channel.
    const CHANNEL: Channel;
    /// Where its sessions are held.
    const PATH: &str;

    /// The session `id` at its beginning, after the session `before`.
    fn begin(id: String, before: Option<&Self>) -> Self;

    /// Where a message belongs, when a session begins with one of the first `begins`.
    fn turn(
        before: Option<&Self>,
        id: &str,
        message: u32,
        heard: Digest,
        begins: u32,
    ) -> Result<Turn, OutOfTurn>;

    /// Takes a message of the channel, and answers it.
    fn answer(self, hearing: Hearing<'_>) -> impl Future<Output = Result<Answered<Self>, Fault>> + Send;

    /// The device ends the enrollment.
    fn leave(app: &App, scene: &Scene) -> impl Future<Output = Result<Vec<Write>, Fault>> + Send;
}

/// A message, and who sends it.
pub(super) struct Hearing<'a> {
    pub(super) app: &'a App,
    pub(super) scene: &'a Scene,
    /// The channel, as it is with this message.
    pub(super) channel: &'a Enrollment,
    /// What it is to have in this session,
    pub(super) manifest: Arc<Manifest>,
    /// and by now.
    pub(super) wanted: Wanted,
    pub(super) heard: &'a Heard,
    pub(super) digest: Digest,
}

/// What a message is answered, and what is written.
pub(super) struct Answered<S> {
    pub(super) session: S,
    pub(super) writes: Vec<Write>,
    pub(super) reply: Vec<u8>,
}

/// A message of a management session. What a device adds to the address, and its headers, say nothing here.
pub(super) async fn manage<S: Speaks>(
    State(app): State<Arc<App>>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let answer = async {
        let body = body::read(&app.in_flight, &headers, body, MAX_MESSAGE).await?;
        let _place = app.admission.enter(|| Urgency::Usual).await?;
        let sender = match identify(&app, &peer, &headers, &body.octets).await {
            Err(Fault::Unidentified(Unidentified::None)) if app.trust.is_told_nothing(&peer) => {
                Sender::InMessage
            }
            presented => Sender::Certificate(presented?),
        };
        answer::<S>(&app, &sender, &body.octets).await
    };
    match answer.await {
        Ok(message) => ([(header::CONTENT_TYPE, CONTENT_TYPE)], message).into_response(),
        Err(fault) => {
            fault.note(&app, S::PATH);
            fault.into_response()
        }
    }
}

fn read(body: &Bytes) -> Result<Message, Fault> {
    Message::parse(body).map_err(|error| Fault::Unreadable(error.to_string()))
}

async fn answer<S: Speaks>(app: &Arc<App>, sender: &Sender, body: &Bytes) -> Result<Vec<u8>, Fault> {
    let heard = Digest::of(body);
    for _ in 0..ATTEMPTS {
        // Held until what is sealed is stored, so that a rotation of keys waits for it.
        let ring = app.seal.ring();
        let (scene, message, proven) = match sender {
            // Let in first: what a stranger sends is not even read.
            Sender::Certificate(presented) => {
                (app.windows_scene(S::CHANNEL, presented).await?, read(body)?, None)
            }
            Sender::InMessage => {
                let message = read(body)?;
                match credentials::check::<S>(app, &ring, &message, heard).await? {
                    Checked::In(scene, proven) => (*scene, message, Some(proven)),
                    Checked::Out(challenge) => return Ok(challenge),
                }
            }
        };
        let channel = scene.channel()?;
        let windows = channel.facts.windows.as_ref();
        let name = windows.and_then(|windows| windows.device_id.as_deref());
        if name.is_some_and(|name| name != message.header.source.uri) {
            // Its certificate says that it is another one.
            return Err(Refusal::WrongIdentity.into());
        }
        app.sightings.woke(channel, scene.now);
        let kept = Kept::<S>::load(app, &ring, &channel.id).await?;
        if proven.is_some_and(|proven| !proven.is_of(kept.as_ref())) {
            continue;
        }
        let header = &message.header;
        let before = kept.as_ref().map(|(_, kept)| &kept.session);
        let begins = proven.map_or(1, |_| credentials::BEGINS);
        let turn = S::turn(before, &header.session_id, header.message_id, heard, begins);
        let turn = turn.map_err(|error| Fault::Unreadable(error.to_string()))?;
        let decided = match (turn, kept) {
            (Turn::Again, Some((_, kept))) => return Ok(kept.answer),
            (turn, kept) => {
                let part = kept.as_ref().and_then(|(_, kept)| kept.part.clone());
                let part = part.filter(|_| turn == Turn::Next);
                let mut said = wire::read(message, part);
                if let Some(proven) = proven {
                    said.asks_next(proven.next_nonce(&ring, &channel.id));
                }
                decide(app, &scene, turn, kept, said, heard).await
            }
        };
        let decision = decided.and_then(|(decision, kept)| {
            let Decision { mut writes, reply } = decision;
            if let Some((number, kept)) = kept {
                let sealed = kept.seal(&ring, &channel.id)?;
                writes.push(Write::WindowsSession(channel.id.clone(), number, sealed));
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
type Decided<S> = (Decision<Vec<u8>>, Option<(i64, Kept<S>)>);

async fn decide<S: Speaks>(
    app: &Arc<App>,
    scene: &Scene,
    turn: Turn,
    kept: Option<(i64, Kept<S>)>,
    heard: Heard,
    digest: Digest,
) -> Result<Decided<S>, Fault> {
    let (device, channel) = (scene.device()?, scene.channel()?);
    if heard.leaves {
        let writes = S::leave(app, scene).await?;
        let reply = wire::write(&heard, &Default::default())?;
        return Ok((Decision { writes, reply }, None));
    }
    let number = kept.as_ref().map_or(0, |(number, _)| *number) + 1;
    let before = kept.map(|(_, kept)| kept.session);
    let wanted = app
        .wanted(&scene.world, device, &channel.id, Some(channel))
        .await?;
    let (pinning, manifest, session) = match (turn, before) {
        (Turn::Next, Some(session)) => {
            let pinned = match channel.pinned {
                Some(token) => app.objects.manifest(&app.store, token).await?,
                None => None,
            };
            let manifest = pinned.unwrap_or_else(|| wanted.manifest.clone());
            (Vec::new(), manifest, session)
        }
        (_, before) => {
            // What is published during a session changes nothing for it.
            let Decision { writes, reply } = sync::declaration_items(channel, &wanted, scene.now)?;
            let id = heard.header.session_id.clone();
            (writes, reply, S::begin(id, before.as_ref()))
        }
    };
    let pinned = pinning.iter().find_map(|write| match write {
        Write::Enrollment(enrollment) => Some(enrollment.as_ref().clone()),
        _ => None,
    });
    let hearing = Hearing {
        app,
        scene,
        channel: pinned.as_ref().unwrap_or(channel),
        manifest,
        wanted,
        heard: &heard,
        digest,
    };
    let Answered {
        session,
        writes,
        reply,
    } = session.answer(hearing).await?;
    let kept = Kept {
        session,
        part: heard.part,
        answer: reply.clone(),
    };
    let writes = once(pinning, writes);
    Ok((Decision { writes, reply }, Some((number, kept))))
}

/// Both, with each row once: what is written later was made of what is written earlier.
fn once(mut earlier: Vec<Write>, later: Vec<Write>) -> Vec<Write> {
    let is_again = |write: &Write| match write {
        Write::Enrollment(row) => later
            .iter()
            .any(|later| matches!(later, Write::Enrollment(again) if again.id == row.id)),
        _ => false,
    };
    earlier.retain(|write| !is_again(write));
    earlier.extend(later);
    earlier
}
