//! The command channel: what a device says, and the command that it gets.

use std::sync::Arc;

use axum::response::Response;
use bytes::Bytes;
use ordain_apple::command::{Message, Status, results_to_json};
use ordain_model::checkin::Presented;
use ordain_model::decision::{Decision, Write};
use ordain_model::enrollment::Answer;
use ordain_model::queue::Delivery;
use ordain_model::session::{self, Derived, Piece, Says, Session};
use ordain_pki::seal::KeyRing;
use ordain_store::{AuditRecord, ChannelState, StoreError, result_context};
use serde_json::json;

use super::fault::Fault;
use super::give::{self, Ungiven};
use super::scene::{Scene, contended};
use crate::app::App;
use crate::house;

/// How often a session is decided again before the device is asked to come back.
const ATTEMPTS: u32 = 10;
/// How far the queue is looked through for the next command: more than expires between two looks of the job that
/// closes what has.
const LOOK_AHEAD: u32 = 100;

/// Reads a message of the command channel and answers it with the next command, or with nothing to do.
pub(crate) async fn command(app: &Arc<App>, presented: &Presented, body: Bytes) -> Result<Response, Fault> {
    let message = Message::parse(&body).map_err(|error| Fault::Unreadable(error.to_string()))?;
    drop(body);
    let id = &message.ids.enrollment;
    for _ in 0..ATTEMPTS {
        let scene = app.scene(id, presented).await?;
        let channel = scene.channel()?;
        // A device that was cut short comes back with a result, not with `Idle`: whatever it says here, it is awake.
        app.sightings.woke(channel, scene.now);
        // Held until the result is stored, so that a rotation of keys waits for it.
        let ring = app.seal.ring();
        let says = says(app, &ring, &scene, &message).await?;
        let after = says.queue_after();
        let queue = match scene.state.queued {
            Some(newest) if newest > after => app.store.queue(id, after, LOOK_AHEAD).await?,
            _ => Vec::new(),
        };
        let decision = decide(app, &scene, &says, queue).await;
        if let Some(answer) = app.settle(&scene.state, decision).await? {
            return Ok(answer);
        }
    }
    Err(contended())
}

/// What is new in what the device says, and the answer to it. What can never be given is taken out of the queue, so that
/// what comes after it is.
async fn decide(
    app: &App,
    scene: &Scene,
    says: &Says,
    mut queue: Vec<Delivery>,
) -> Result<Decision<Response>, Fault> {
    let (channel, device) = (scene.channel()?, scene.device()?);
    let wanted = app
        .wanted(&scene.world, device, &channel.id, Some(channel))
        .await?;
    loop {
        let session = Session {
            enrollment: channel,
            device: &device.facts,
            wanted: &wanted,
            catalog: scene.world.catalog(),
            queue: &queue,
        };
        let Decision { writes, reply } = session::respond(&session, says, scene.now)?;
        match give::answer(app, device, reply).await {
            Ok(reply) => return Ok(Decision { writes, reply }),
            Err(Ungiven::Store(error)) => return Err(error.into()),
            Err(Ungiven::Never(delivery, why)) => {
                withdraw(app, &scene.state, scene.now, &delivery, &why).await?;
                queue.retain(|other| other.number != delivery.number);
            }
        }
    }
}

/// Takes a command that cannot be given out of the queue, and tells administrators why. What was sent before may have
/// been carried out, and stays sent.
pub(crate) async fn withdraw(
    app: &App,
    state: &ChannelState,
    now: i64,
    delivery: &Delivery,
    why: &str,
) -> Result<(), Fault> {
    let id = &state.id;
    let Delivery {
        number,
        command,
        request_type,
        ..
    } = delivery;
    let audit = AuditRecord {
        at: now,
        actor: house::the_server(),
        action: "cancel-command".into(),
        detail: json!({"id": command, "request_type": request_type, "enrollment": id, "reason": why}),
    };
    let write = Write::Withdraw(*number, format!("{why}; it could not be given, so order it anew"));
    match app.store.commit(state, &[write], Some(&audit)).await {
        Ok(()) => {
            tracing::error!(%id, order = command, request_type, why, "a command cannot be given, and is closed");
            Ok(())
        }
        // Whatever has changed, the session will be decided again.
        Err(StoreError::Conflict) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// What the message means to the channel. The outcome of what nobody knows is as good as `Idle`.
async fn says(app: &App, ring: &KeyRing, scene: &Scene, message: &Message) -> Result<Says, Fault> {
    let answer = match message.status {
        Status::Idle => return Ok(Says::Idle),
        Status::Acknowledged => Answer::Acknowledged,
        Status::NotNow => Answer::NotNow,
        Status::Error | Status::CommandFormatError => Answer::Failed(failure(message)),
    };
    let uuid = message.command_uuid.as_deref().unwrap_or_default();
    let channel = scene.channel()?;
    let piece = match session::derived(channel, uuid, scene.now) {
        Some(Derived::Declarations) => Piece::Declarations,
        Some(Derived::Survey(survey)) => Piece::Survey(survey, Some(results_to_json(&message.results))),
        None => match app.store.delivery(uuid, &channel.id, channel.generation).await? {
            Some(delivery) => Piece::Queued(delivery, sealed(ring, uuid, message)?),
            None => return Ok(Says::Idle),
        },
    };
    Ok(Says::Outcome(piece, answer))
}

/// What a device answers besides: it may hold keys and passwords.
fn sealed(ring: &KeyRing, uuid: &str, message: &Message) -> Result<Option<Vec<u8>>, Fault> {
    if message.results.is_empty() {
        return Ok(None);
    }
    let results = results_to_json(&message.results).to_string();
    let sealed = ring.seal(&result_context(uuid), results.as_bytes());
    sealed
        .map(Some)
        .map_err(|error| Fault::Unavailable(error.to_string()))
}

/// What the device says of its failure, for administrators: codes change between releases, so nothing is concluded.
fn failure(message: &Message) -> String {
    let errors = message.error_chain.iter().map(|error| {
        let text = error
            .us_english_description
            .as_deref()
            .or(error.localized_description.as_deref());
        let domain = error.domain.as_deref().unwrap_or("no domain");
        let code = error
            .code
            .map_or_else(|| "no code".to_owned(), |code| code.to_string());
        format!("{domain} {code}: {}", text.unwrap_or("no description"))
    });
    let chain: Vec<String> = errors.collect();
    if chain.is_empty() {
        message.status.as_str().to_owned()
    } else {
        chain.join("; ")
    }
}
