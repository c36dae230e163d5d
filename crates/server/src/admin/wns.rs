//! WNS: what Windows devices are pushed with, and how far that is.

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use ordain_model::enrollment::Service;
use ordain_store::{Actor, AuditRecord, StoreError};
use serde_json::json;

use super::extract;
use super::fault::Fault;
use super::push::progress;
use crate::api::{NewWnsCredentials, Problem, WnsStatus};
use crate::app::App;
use crate::push::wns::Credentials;

const NONE: &str = "there are no credentials for WNS: no Windows device is told of anything, and each learns of changes only \
                    by its own schedule; `ordain wns set` takes them";

/// Takes the credentials that Windows devices are pushed with, in place of those before.
#[utoipa::path(
    post, path = "/wns", request_body = NewWnsCredentials,
    responses((status = 200, body = WnsStatus), (status = 400, body = Problem))
)]
pub(crate) async fn set_wns(
    State(app): State<Arc<App>>,
    Extension(actor): Extension<Actor>,
    extract::Json(asked): extract::Json<NewWnsCredentials>,
) -> Result<Json<WnsStatus>, Fault> {
    let credentials = Credentials::new(&asked.package_family_name, &asked.sid, &asked.secret);
    let credentials = credentials.map_err(|error| Fault::Invalid(error.to_string()))?;
    let audit = AuditRecord {
        at: app.now(),
        actor,
        action: "set-wns".into(),
        detail: json!({"package_family_name": credentials.package, "sid": credentials.sid}),
    };
    app.keep_wns(Some(&credentials), &audit).await?;
    Ok(Json(view(&app).await?))
}

/// How it stands with the pushes of Windows devices.
#[utoipa::path(get, path = "/wns", responses((status = 200, body = WnsStatus)))]
pub(crate) async fn wns_status(State(app): State<Arc<App>>) -> Result<Json<WnsStatus>, Fault> {
    Ok(Json(view(&app).await?))
}

/// Pushes no Windows device any more.
#[utoipa::path(
    delete, path = "/wns",
    responses((status = 200, body = WnsStatus), (status = 404, body = Problem))
)]
pub(crate) async fn remove_wns(
    State(app): State<Arc<App>>,
    Extension(actor): Extension<Actor>,
) -> Result<Json<WnsStatus>, Fault> {
    let audit = AuditRecord {
        at: app.now(),
        actor,
        action: "remove-wns".into(),
        detail: json!({}),
    };
    match app.keep_wns(None, &audit).await {
        Err(StoreError::Conflict) => Err(Fault::NotFound(NONE.to_owned())),
        kept => {
            kept?;
            Ok(Json(view(&app).await?))
        }
    }
}

async fn view(app: &App) -> Result<WnsStatus, Fault> {
    let credentials = app.wns().await?;
    let (package, sid) = match &credentials {
        Some(credentials) => (Some(credentials.package.clone()), Some(credentials.sid.clone())),
        None => (None, None),
    };
    Ok(WnsStatus {
        package_family_name: package,
        sid,
        note: credentials.is_none().then(|| NONE.to_owned()),
        channels: app.store.count_told(Service::Wns).await?,
        progress: progress(app, Service::Wns, credentials.is_some()).await?,
    })
}
