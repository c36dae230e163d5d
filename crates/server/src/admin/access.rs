//! Who may use the API: those who hold a token of an administrator.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header;
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
    let header = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let secret = header
        .and_then(|value| value.strip_prefix("Bearer "))
        .ok_or(Fault::NotAuthorized)?;
    // Looked up by its hash, so that how long it takes tells nothing of the secret.
    let token = app
        .store
        .token_by_hash(Digest::of(secret.trim().as_bytes()))
        .await?;
    let now = app.now();
    let token = token
        .filter(|token| token.role == TokenRole::Admin && token.expires_at.is_none_or(|end| now < end))
        .ok_or(Fault::NotAuthorized)?;
    request.extensions_mut().insert(Actor {
        name: token.name,
        origin: peer.address.to_string(),
    });
    Ok(next.run(request).await)
}
