//! Who may use the API: those who hold a token of an administrator.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderMap, header};
use ordain_model::ids::Digest;
use ordain_store::{Actor, StoreError, TokenRecord, TokenRole};

use super::fault::Fault;
use crate::app::App;
use crate::identity::Peer;

/// The hash of the token that came with a request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bearer(pub(crate) Digest);

/// The administrator's token whose secret has `hash`, while it works.
pub(crate) async fn administrator(app: &App, hash: Digest) -> Result<Option<TokenRecord>, StoreError> {
    let now = app.now();
    let is_good =
        |token: &TokenRecord| token.role == TokenRole::Admin && token.expires_at.is_none_or(|end| now < end);
    Ok(app.store.token_by_hash(hash).await?.filter(is_good))
}

/// Lets a request through with its [`Bearer`] token and the [`Actor`] that this names.
pub(crate) async fn administrators_only(
    State(app): State<Arc<App>>,
    Extension(peer): Extension<Peer>,
    mut request: Request,
    next: Next,
) -> Result<Response, Fault> {
    let secret = bearer(request.headers());
    let actor = authorized(&app, &peer, secret).await?;
    let hash = Bearer(hash(secret.unwrap_or_default()));
    request.extensions_mut().insert(hash);
    request.extensions_mut().insert(actor);
    Ok(next.run(request).await)
}

/// The token of a request (RFC 6750).
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    value.strip_prefix("Bearer ")
}

fn hash(secret: &str) -> Digest {
    Digest::of(secret.trim().as_bytes())
}

/// The administrator whose token has this `secret`.
pub(crate) async fn authorized(app: &App, peer: &Peer, secret: Option<&str>) -> Result<Actor, Fault> {
    let secret = secret.ok_or(Fault::NotAuthorized)?;
    // Looked up by its hash, so that how long it takes tells nothing of the secret.
    let token = administrator(app, hash(secret))
        .await?
        .ok_or(Fault::NotAuthorized)?;
    Ok(Actor {
        name: token.name,
        origin: peer.address.to_string(),
    })
}
