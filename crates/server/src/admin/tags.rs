//! Tags: what administrators attach to devices, for groups to ask for.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use ordain_model::membership::Basis;
use ordain_model::tag::{self, NotTagged};
use ordain_store::{Actor, AuditRecord};
use serde_json::json;

use super::devices::{find, not_there};
use super::extract::{Json, Path};
use super::fault::Fault;
use crate::api::{Problem, TagChange, Tags};
use crate::app::App;

/// Adds and removes tags of a device, and decides its memberships.
#[utoipa::path(
    post, path = "/devices/{id}/tags", request_body = TagChange,
    params(("id" = String, Path, description = "its serial number, UDID, or enrollment identifier")),
    responses(
        (status = 200, body = Tags), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem)
    )
)]
pub(crate) async fn tag(
    State(app): State<Arc<App>>,
    Extension(actor): Extension<Actor>,
    Path(name): Path<String>,
    Json(change): Json<TagChange>,
) -> Result<axum::Json<Tags>, Fault> {
    let TagChange { add, remove } = change;
    let (add, remove) = (add.into_iter().collect(), remove.into_iter().collect());
    let id = find(&app, &name).await?;
    let state = app.store.channel(&id).await?;
    let device = state.device().ok_or_else(|| not_there(&name))?;
    let record = app.store.reported(&state).await?;
    let items = &record.items;
    let decision = tag::tag(&app.world(), Basis { device, items }, &add, &remove, app.now())?;
    if !decision.writes.is_empty() {
        let audit = AuditRecord {
            at: app.now(),
            actor,
            action: "tag".into(),
            detail: json!({"enrollment": id, "before": device.tags, "after": decision.reply}),
        };
        app.store.commit(&state, &decision.writes, Some(&audit)).await?;
        app.push.tell();
    }
    Ok(axum::Json(Tags {
        tags: decision.reply.into_iter().collect(),
    }))
}

impl From<NotTagged> for Fault {
    fn from(error: NotTagged) -> Self {
        match error {
            NotTagged::Name | NotTagged::TooMany => Self::Invalid(error.to_string()),
            NotTagged::Behind(behind) => behind.into(),
        }
    }
}
