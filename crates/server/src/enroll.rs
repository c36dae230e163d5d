//! `/enroll/TOKEN`: where a device gets its enrollment profile for an enrollment token.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use http::{StatusCode, header};
use ordain_apple::profile::CONTENT_TYPE;
use ordain_model::ids::Digest;
use ordain_store::{Actor, AuditRecord, StoreError};
use serde_json::json;

use crate::app::App;
use crate::identity::Peer;
use crate::issue::IssuedFor;

pub(crate) fn router() -> Router<Arc<App>> {
    Router::new().route("/enroll/{token}", get(enroll))
}

/// A profile with a new identity, for one use of the token. A token that is wrong, over, or used up is no address.
async fn enroll(
    State(app): State<Arc<App>>,
    Extension(peer): Extension<Peer>,
    Path(secret): Path<String>,
) -> Response {
    match profile(&app, &peer, &secret).await {
        Ok(Some(profile)) => ([(header::CONTENT_TYPE, CONTENT_TYPE)], profile).into_response(),
        Ok(None) => (
            StatusCode::NOT_FOUND,
            "This enrollment link is not valid, or no longer.\n",
        )
            .into_response(),
        Err(error) => {
            tracing::error!(error, "no enrollment profile was made");
            (StatusCode::SERVICE_UNAVAILABLE, "Please try again in a minute.\n").into_response()
        }
    }
}

async fn profile(app: &Arc<App>, peer: &Peer, secret: &str) -> Result<Option<Vec<u8>>, String> {
    let failed = |error: &dyn std::fmt::Display| error.to_string();
    let token = app
        .store
        .token_by_hash(Digest::of(secret.as_bytes()))
        .await
        .map_err(|error| failed(&error))?;
    let now = app.now();
    let usable = token.filter(|token| token.enrolls_at(now));
    let Some(token) = usable else { return Ok(None) };
    // One that was made without a push topic enrolls Windows devices only.
    let Some(topic) = token.topic.clone() else {
        return Ok(None);
    };
    let issuer = app.clone();
    let issued_for = IssuedFor {
        serial: token.serial.clone(),
        renews: None,
    };
    let work = move || issuer.enrollment_profile(&topic, None, &issued_for);
    let made = tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| failed(&error))?;
    let (profile, identity) = made.map_err(|error| failed(&error))?;
    let audit = AuditRecord {
        at: now,
        actor: Actor {
            name: format!("enrollment token {}", token.name),
            origin: peer.address.to_string(),
        },
        action: "issue-enrollment-profile".into(),
        detail: json!({"token": token.id, "serial": token.serial}),
    };
    match app.store.issue(vec![identity], Some(&token.id), &audit).await {
        Ok(()) => Ok(Some(profile)),
        // Its last use was taken meanwhile.
        Err(StoreError::Conflict) => Ok(None),
        Err(error) => Err(failed(&error)),
    }
}
