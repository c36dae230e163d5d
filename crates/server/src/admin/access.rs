//! Who may use the API: those who hold a token of an administrator.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header;
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
    let header = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let secret = header
        .and_then(|value| value.strip_prefix("Bearer "))
        .ok_or(Fault::NotAuthorized)?;
    // Looked up by its hash, so that how long it takes tells nothing of the secret.
    let hash = Digest::of(secret.trim().as_bytes());
    let token = administrator(&app, hash).await?.ok_or(Fault::NotAuthorized)?;
    request.extensions_mut().insert(Bearer(hash));
    request.extensions_mut().insert(Actor {
        name: token.name,
        origin: peer.address.to_string(),
    });
    Ok(next.run(request).await)
}
