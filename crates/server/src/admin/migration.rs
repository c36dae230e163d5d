//! The window in which migrated devices pin their certificates.

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use ordain_model::ids::Digest;
use ordain_model::migration::Window;
use ordain_store::{Actor, AuditRecord, StoreError};
use serde_json::json;

use super::extract;
use super::fault::Fault;
use crate::api::{Migration, NewMigrationWindow, Problem};
use crate::app::App;

/// The setting that holds the window.
const WINDOW: &str = "migration";
/// The longest that it may be opened for, in seconds.
const LONGEST: i64 = 366 * 24 * 60 * 60;

/// How far the migration is.
#[utoipa::path(get, path = "/migration", responses((status = 200, body = Migration)))]
pub(crate) async fn migration(State(app): State<Arc<App>>) -> Result<Json<Migration>, Fault> {
    Ok(Json(status(&app).await?))
}

/// Opens the window: until it closes, the first certificate with which a migrated device comes is pinned to it.
#[utoipa::path(
    post, path = "/migration", request_body = NewMigrationWindow,
    responses(
        (status = 200, body = Migration), (status = 400, body = Problem),
        (status = 409, body = Problem, description = "the server trusts no other device CA than its own")
    )
)]
pub(crate) async fn open(
    State(app): State<Arc<App>>,
    Extension(actor): Extension<Actor>,
    extract::Json(asked): extract::Json<NewMigrationWindow>,
) -> Result<Json<Migration>, Fault> {
    if !(1..=LONGEST).contains(&asked.open_for) {
        let what = "the window is open for at least a second, and for a year at the most";
        return Err(Fault::Invalid(what.into()));
    }
    let trusted: Vec<_> = app.trust.foreign().collect();
    if trusted.is_empty() {
        let what = "the server trusts no certificates but its own: start it with --device-ca PEM, the CA of the \
                    server that the devices come from";
        return Err(Fault::Conflict(what.into()));
    }
    let ca = asked
        .ca
        .as_deref()
        .map(|ca| fingerprint(ca, &trusted))
        .transpose()?;
    let now = app.now();
    let window = Window {
        until: now + asked.open_for,
        ca,
    };
    set(&app, window, actor, "open-migration").await
}

/// Closes the window: devices that have not come yet are refused.
#[utoipa::path(delete, path = "/migration", responses((status = 200, body = Migration)))]
pub(crate) async fn close(
    State(app): State<Arc<App>>,
    Extension(actor): Extension<Actor>,
) -> Result<Json<Migration>, Fault> {
    let now = app.now();
    match app.migration_window().await? {
        Some(window) if window.is_open(now) => {
            let closed = Window { until: now, ..window };
            set(&app, closed, actor, "close-migration").await
        }
        _ => Ok(Json(status(&app).await?)),
    }
}

async fn set(app: &App, window: Window, actor: Actor, action: &str) -> Result<Json<Migration>, Fault> {
    let audit = AuditRecord {
        at: app.now(),
        actor,
        action: action.into(),
        detail: json!(window),
    };
    let value = serde_json::to_vec(&window).map_err(|error| Fault::Unavailable(error.to_string()))?;
    app.store.set(WINDOW, value, &audit).await?;
    Ok(Json(status(app).await?))
}

async fn status(app: &App) -> Result<Migration, StoreError> {
    let window = app.migration_window().await?;
    let migrated = app.store.count_migrated().await?;
    Ok(Migration {
        open: window.is_some_and(|window| window.is_open(app.now())),
        until: window.map(|window| window.until),
        ca: window.and_then(|window| window.ca).map(|ca| ca.to_string()),
        migrated: migrated.all,
        pinned: migrated.all.saturating_sub(migrated.waiting),
        waiting: migrated.waiting,
    })
}

/// The fingerprint of a CA as people write it: the case of its digits and colons between them say nothing.
fn fingerprint(text: &str, trusted: &[Digest]) -> Result<Digest, Fault> {
    let ca = text.replace(':', "").to_ascii_lowercase().parse::<Digest>().ok();
    ca.filter(|ca| trusted.contains(ca)).ok_or_else(|| {
        let known: Vec<_> = trusted.iter().map(ToString::to_string).collect();
        let what = "is not the SHA-256 of a device CA that the server trusts; those are";
        Fault::Invalid(format!("{text:?} {what} {}", known.join(", ")))
    })
}

impl App {
    /// The window that was opened last.
    pub(crate) async fn migration_window(&self) -> Result<Option<Window>, StoreError> {
        let value = self.store.setting(WINDOW).await?;
        let window = value.map(|value| serde_json::from_slice(&value)).transpose();
        window.map_err(|error| StoreError::Corrupt(format!("the setting {WINDOW}: {error}")))
    }
}
