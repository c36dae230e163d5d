//! The keys under which secrets are sealed.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use ordain_pki::seal::KeyId;
use ordain_store::Actor;

use super::fault::Fault;
use crate::api::{KeyRotation, Problem, SealingKey, SealingKeys};
use crate::app::App;
use crate::keys::{Rotation, RotationError};

impl From<RotationError> for Fault {
    fn from(error: RotationError) -> Self {
        match error {
            RotationError::ByHand(what) => Self::Conflict(what),
            RotationError::Store(error) => error.into(),
            RotationError::File(error) => Self::Unavailable(error.to_string()),
        }
    }
}

/// The keys, and what lies under each.
#[utoipa::path(get, path = "/keys", responses((status = 200, body = SealingKeys)))]
pub(crate) async fn keys(State(app): State<Arc<App>>) -> Result<Json<SealingKeys>, Fault> {
    Ok(Json(status(&app).await?))
}

/// Lets a new key take over, and seals everything anew under it. It goes on behind; `/keys` tells how far it is.
#[utoipa::path(
    post, path = "/keys/rotate",
    responses(
        (status = 200, body = KeyRotation),
        (status = 409, body = Problem, description = "this server cannot make a key by itself")
    )
)]
pub(crate) async fn rotate(
    State(app): State<Arc<App>>,
    Extension(actor): Extension<Actor>,
) -> Result<Json<KeyRotation>, Fault> {
    app.rotate_keys(actor).await?;
    Ok(Json(rotation(app.seal.last().unwrap_or_default())))
}

/// What the last rotation since the start of the server came to, or has come to so far.
#[utoipa::path(get, path = "/keys/rotate", responses((status = 200, body = KeyRotation)))]
pub(crate) async fn progress(State(app): State<Arc<App>>) -> Json<KeyRotation> {
    Json(rotation(app.seal.last().unwrap_or_default()))
}

async fn status(app: &App) -> Result<SealingKeys, Fault> {
    let (ring, mut count) = loop {
        let ring = app.seal.ring();
        let count = app.count_sealed().await?;
        // A key that came or went meanwhile would be taken for one that is missing.
        if Arc::ptr_eq(&ring, &app.seal.ring()) {
            break (ring, count);
        }
    };
    let mut keys = Vec::new();
    for id in ring.ids() {
        let role = if id == ring.first() { "seals" } else { "opens" };
        keys.push(key(Some(id), role, count.remove(&Some(id)).unwrap_or_default()));
    }
    keys.extend(count.into_iter().map(|(id, values)| key(id, "missing", values)));
    Ok(SealingKeys {
        source: app.seal.source().to_string(),
        keys,
        rotation: app.seal.last().map(rotation),
    })
}

fn key(id: Option<KeyId>, role: &str, values: BTreeMap<&'static str, u64>) -> SealingKey {
    let values = values.into_iter().map(|(table, count)| (table.to_owned(), count));
    SealingKey {
        id: id.map(|id| id.to_string()),
        role: role.to_owned(),
        values: values.collect(),
    }
}

fn rotation(rotation: Rotation) -> KeyRotation {
    let Rotation {
        running,
        resealed,
        unopened,
        problems,
        failure,
    } = rotation;
    KeyRotation {
        running,
        resealed,
        unopened,
        problems,
        failure,
    }
}
