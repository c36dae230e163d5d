//! Check-in messages.

use std::mem;
use std::sync::Arc;

use axum::response::Response;
use bytes::Bytes;
use ordain_apple::checkin::{self as wire, CheckIn, Message};
use ordain_apple::ids::Ids;
use ordain_model::checkin::{self, AuthenticateState, Presented};
use ordain_model::decision::{Decision, EscrowKind, Write};
use ordain_model::device::DeviceFacts;
use ordain_model::enrollment::{ApnsToken, Push};
use ordain_model::ids::EnrollmentId;
use ordain_pki::seal::KeyRing;
use ordain_store::{StoreError, escrow_context};

use super::answer::{done, property_list};
use super::fault::Fault;
use super::scene::{ATTEMPTS, contended};
use crate::app::App;
use crate::keys::Unopened;

/// Reads a check-in message and answers it.
pub(crate) async fn check_in(app: &Arc<App>, presented: &Presented, body: Bytes) -> Result<Response, Fault> {
    let message = Message::parse(&body).map_err(|error| Fault::Unreadable(error.to_string()))?;
    // Many wait for the database at the same time: with their octets, they would have no room in the processor's caches.
    drop(body);
    let Message { ids, check_in } = message;
    let id = &ids.enrollment;
    match check_in {
        CheckIn::Authenticate { topic, facts } => {
            let facts = DeviceFacts {
                topic: Some(topic),
                ..facts
            };
            authenticate(app, presented, &ids, facts).await
        }
        CheckIn::TokenUpdate {
            topic,
            push_magic,
            token,
            unlock_token,
            ..
        } => {
            let push = Push::Apns(ApnsToken {
                topic,
                magic: push_magic,
                token: hex::encode(token),
            });
            token_update(app, presented, id, push, unlock_token.as_deref()).await
        }
        CheckIn::CheckOut { .. } => {
            app.decide(id, presented, |scene| {
                scene.channel()?;
                Ok(checkin::check_out(scene.device()?, id, scene.now))
            })
            .await?;
            Ok(done())
        }
        CheckIn::UserAuthenticate => {
            app.scene(&id.to_device(), presented).await?;
            Err(Fault::UserNotManaged)
        }
        CheckIn::SetBootstrapToken(token) => set_bootstrap_token(app, presented, id, token.as_deref()).await,
        CheckIn::GetBootstrapToken => get_bootstrap_token(app, presented, id).await,
        CheckIn::DeclarativeManagement { endpoint, data } => {
            super::ddm::declarative_management(app, presented, id, &endpoint, data).await
        }
        CheckIn::Unknown(name) => {
            // Strangers learn nothing, not even which messages are known.
            app.scene(&id.to_device(), presented).await?;
            Err(Fault::Unreadable(format!("the message type {name} is not known")))
        }
    }
}

async fn authenticate(
    app: &App,
    presented: &Presented,
    ids: &Ids,
    facts: DeviceFacts,
) -> Result<Response, Fault> {
    let id = &ids.enrollment;
    if !id.is_device() {
        return Err(Fault::Unreadable(
            "Authenticate comes on the device channel only".into(),
        ));
    }
    // Our own certificates are known from their issue on.
    let mut may_be_new = !presented.own && app.store.may_be_new(presented.pin.fingerprint);
    for _ in 0..ATTEMPTS {
        // First the row: what changes after it was read loses the commit.
        let stored = app.store.channel(id).await?;
        // Nothing is known of the certificate and the names of who comes for the first time. That need not be looked up: if
        // it is wrong, the commit is lost.
        let is_new = mem::take(&mut may_be_new) && stored.device().is_none();
        let state = if is_new {
            AuthenticateState::default()
        } else {
            let (identity, claimed_elsewhere) = tokio::try_join!(
                app.store.identity(presented.pin.fingerprint),
                app.store.claimed_elsewhere(facts.names(id), id),
            )?;
            AuthenticateState {
                device: stored.device().cloned(),
                identity,
                claimed_elsewhere,
            }
        };
        let (world, policy, now) = (app.world(), app.enrollment, app.now());
        let decision = checkin::authenticate(&world, &state, id, facts.clone(), presented, policy, now);
        if is_new && decision.is_err() {
            continue;
        }
        let decision = decision?;
        match app.commit(&stored, &decision.writes).await {
            Ok(()) => {
                tracing::info!(enrollment = %id, "authenticated");
                return Ok(done());
            }
            Err(StoreError::Conflict) => continue,
            Err(error) => return Err(error.into()),
        }
    }
    Err(contended())
}

async fn token_update(
    app: &App,
    presented: &Presented,
    id: &EnrollmentId,
    push: Push,
    unlock_token: Option<&[u8]>,
) -> Result<Response, Fault> {
    let ring = app.seal.ring();
    let unlock_token = unlock_token
        .map(|token| seal(&ring, id, EscrowKind::Unlock, token))
        .transpose()?;
    app.decide(id, presented, |scene| {
        let (device, now) = (scene.device()?, scene.now);
        let user = scene.state.beside.as_ref().map(|user| &user.value);
        Ok(checkin::token_update(
            device,
            user,
            id,
            push.clone(),
            unlock_token.clone(),
            now,
        )?)
    })
    .await?;
    Ok(done())
}

async fn set_bootstrap_token(
    app: &App,
    presented: &Presented,
    id: &EnrollmentId,
    token: Option<&[u8]>,
) -> Result<Response, Fault> {
    let ring = app.seal.ring();
    let sealed = token
        .map(|token| seal(&ring, id, EscrowKind::Bootstrap, token))
        .transpose()?;
    app.decide(id, presented, |scene| {
        scene.channel()?;
        let escrow = Write::Escrow(id.clone(), EscrowKind::Bootstrap, sealed.clone());
        Ok(Decision {
            writes: vec![escrow],
            reply: (),
        })
    })
    .await?;
    Ok(done())
}

async fn get_bootstrap_token(app: &App, presented: &Presented, id: &EnrollmentId) -> Result<Response, Fault> {
    let scene = app.scene(id, presented).await?;
    let token = escrowed(app, &scene.channel()?.id, EscrowKind::Bootstrap).await?;
    Ok(property_list(wire::bootstrap_token(token.as_deref())))
}

/// The token that a channel has escrowed.
pub(crate) async fn escrowed(
    app: &App,
    id: &EnrollmentId,
    kind: EscrowKind,
) -> Result<Option<Vec<u8>>, Unopened> {
    let ring = app.seal.ring();
    let sealed = app.store.escrow(id, kind).await?;
    let opened = sealed.map(|sealed| ring.open(&escrow_context(id, kind), &sealed));
    let what = || format!("the {} token of {id}", kind.word());
    opened.transpose().map_err(|error| app.seal.lost(&what(), error))
}

fn seal(ring: &KeyRing, id: &EnrollmentId, kind: EscrowKind, token: &[u8]) -> Result<Vec<u8>, Fault> {
    ring.seal(&escrow_context(id, kind), token)
        .map_err(|error| Fault::Unavailable(error.to_string()))
}
