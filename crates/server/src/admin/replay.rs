//! `/migration`: where an administrator replays what devices have said to another server. NanoMDM's own migration tool
//! speaks to it as it speaks to NanoMDM.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::routing::put;
use axum::{Extension, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, StatusCode, header};
use ordain_apple::checkin::{CheckIn, Message};
use ordain_model::checkin::AuthenticateState;
use ordain_model::decision::{Decision, EscrowKind};
use ordain_model::enrollment::{ApnsToken, Push};
use ordain_model::migration::{self, NotReplayed};
use ordain_pki::seal::KeyRing;
use ordain_store::{AuditRecord, ChannelState, StoreError, escrow_context};
use serde_json::json;

use super::access::{authorized, bearer};
use super::fault::Fault;
use crate::app::App;
use crate::body;
use crate::identity::Peer;

/// The largest message, in octets: the longest tokens and facts have some hundred KiB together.
const MAX_MESSAGE: usize = 1 << 20;
/// How often a replay is decided again when the device comes at the same time.
const ATTEMPTS: u32 = 10;

pub(crate) fn router() -> Router<Arc<App>> {
    Router::new().route("/migration", put(replay).post(replay))
}

/// One message of a device or of a user on it. Its content type says nothing: the tool sends none.
async fn replay(
    State(app): State<Arc<App>>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, Fault> {
    let secret = bearer(&headers).map(str::to_owned).or_else(|| basic(&headers));
    let actor = authorized(&app, &peer, secret.as_deref()).await?;
    let body = body::read(&app.in_flight, &headers, body, MAX_MESSAGE).await?;
    let message = Message::parse(&body.octets)
        .map_err(|error| Fault::Invalid(format!("this is no check-in message: {error}")))?;
    let id = &message.ids.enrollment;
    let audit = AuditRecord {
        at: app.now(),
        actor,
        action: "migrate".into(),
        detail: json!({"enrollment": id, "message": message.check_in.message_type()}),
    };
    let ring = app.seal.ring();
    for _ in 0..ATTEMPTS {
        let state = app.store.channel(id).await?;
        let decision = decide(&app, &ring, &message, &state).await?;
        if decision.writes.is_empty() {
            return Ok(StatusCode::OK);
        }
        match app.store.commit(&state, &decision.writes, Some(&audit)).await {
            Ok(()) => return Ok(StatusCode::OK),
            Err(StoreError::Conflict) => continue,
            Err(error) => return Err(error.into()),
        }
    }
    Err(StoreError::Conflict.into())
}

/// The password of HTTP's Basic authentication (RFC 7617), where the tool puts its key. Whose it is, the token tells.
fn basic(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let decoded = STANDARD.decode(value.strip_prefix("Basic ")?.trim()).ok()?;
    let (_, password) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    Some(password.to_owned())
}

async fn decide(
    app: &App,
    ring: &KeyRing,
    message: &Message,
    state: &ChannelState,
) -> Result<Decision<()>, Fault> {
    let id = &message.ids.enrollment;
    let user = state.beside.as_ref().map(|user| &user.value);
    let seal = |kind: EscrowKind, token: &[u8]| {
        let sealed = ring.seal(&escrow_context(id, kind), token);
        sealed.map_err(|error| Fault::Unavailable(error.to_string()))
    };
    match &message.check_in {
        CheckIn::Authenticate { facts, .. } if id.is_device() => {
            let known = AuthenticateState {
                device: state.device().cloned(),
                identity: None,
                claimed_elsewhere: app.store.claimed_elsewhere(facts.names(id), id).await?,
            };
            let (facts, policy, now) = (facts.clone(), app.enrollment, app.now());
            Ok(migration::authenticate(&known, id, facts, policy, now)?)
        }
        CheckIn::TokenUpdate {
            topic,
            push_magic,
            token,
            unlock_token,
            ..
        } => {
            let push = Push::Apns(ApnsToken {
                topic: topic.clone(),
                magic: push_magic.clone(),
                token: hex::encode(token),
            });
            let unlock = unlock_token
                .as_deref()
                .map(|token| seal(EscrowKind::Unlock, token));
            let (device, unlock) = (state.device(), unlock.transpose()?);
            Ok(migration::token_update(
                device,
                user,
                id,
                push,
                unlock,
                app.now(),
            )?)
        }
        CheckIn::SetBootstrapToken(token) => {
            let token = token.as_deref().map(|token| seal(EscrowKind::Bootstrap, token));
            let (device, channel) = (state.device(), state.channel());
            Ok(migration::set_bootstrap_token(
                device,
                channel,
                token.transpose()?,
            )?)
        }
        other => Err(Fault::Invalid(format!(
            "{} is not replayed: send Authenticate and TokenUpdate of devices, TokenUpdate of their users, and \
             SetBootstrapToken",
            other.message_type()
        ))),
    }
}

impl From<NotReplayed> for Fault {
    fn from(why: NotReplayed) -> Self {
        Self::Conflict(why.to_string())
    }
}
