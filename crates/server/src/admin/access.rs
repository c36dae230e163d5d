//! Who may use the API: those who hold a token of an administrator.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderMap, header};
use ordain_model::ids::Digest;
use ordain_store::{Actor, TokenRole};

use super::fault::Fault;
use crate::app::App;
use crate::identity::Peer;

/// Lets a request through with the [`Actor`] that its token names.
pub(crate) async fn administrators_only(
    State(app): State<Arc<App>>,
    Extension(peer): Extension<Peer>,
    mut request: Request,
    next: Next,
) -> Result<Response, Fault> {
    let actor = authorized(&app, &peer, bearer(request.headers())).await?;
    request.extensions_mut().insert(actor);
    Ok(next.run(request).await)
}

/// The token of a request (RFC 6750).
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    value.strip_prefix("Bearer ")
}

/// The administrator whose token has this `secret`.
pub(crate) async fn authorized(app: &App, peer: &Peer, secret: Option<&str>) -> Result<Actor, Fault> {
    let secret = secret.ok_or(Fault::NotAuthorized)?;
    // Looked up by its hash, so that how long it takes tells nothing of the secret.
    let token = app
        .store
        .token_by_hash(Digest::of(secret.trim().as_bytes()))
        .await?;
    let now = app.now();
    let token = token
        .filter(|token| token.role == TokenRole::Admin && token.expires_at.is_none_or(|end| now < end))
        .ok_or(Fault::NotAuthorized)?;
    Ok(Actor {
        name: token.name,
        origin: peer.address.to_string(),
    })
}
