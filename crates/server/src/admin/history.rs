//! What happened: revisions, and the audit.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::extract::Query;
use super::fault::Fault;
use crate::api::{AuditRow, Page, RevisionRow};
use crate::app::App;

const DEFAULT_LIMIT: u32 = 100;
const MOST: u32 = 1_000;

/// The revisions, the newest first.
#[utoipa::path(get, path = "/revisions", params(Page), responses((status = 200, body = Vec<RevisionRow>)))]
pub(crate) async fn revisions(
    State(app): State<Arc<App>>,
    Query(page): Query<Page>,
) -> Result<Json<Vec<RevisionRow>>, Fault> {
    let limit = page.limit.unwrap_or(DEFAULT_LIMIT).min(MOST);
    let revisions = app.store.revisions(page.before, limit).await?;
    let rows = revisions.into_iter().map(|revision| RevisionRow {
        number: revision.number,
        digest: revision.digest.to_string(),
        published_at: revision.published_at,
        published_by: revision.published_by,
        catalog: revision.catalog.to_string(),
        changes: revision.changes,
    });
    Ok(Json(rows.collect()))
}

/// What administrators did, the newest first.
#[utoipa::path(get, path = "/audit", params(Page), responses((status = 200, body = Vec<AuditRow>)))]
pub(crate) async fn audit(
    State(app): State<Arc<App>>,
    Query(page): Query<Page>,
) -> Result<Json<Vec<AuditRow>>, Fault> {
    let limit = page.limit.unwrap_or(DEFAULT_LIMIT).min(MOST);
    let before = page
        .before
        .map(|number| i64::try_from(number).unwrap_or(i64::MAX));
    let records = app.store.audit(before, limit).await?;
    let rows = records.into_iter().map(|(number, record)| AuditRow {
        number: number.unsigned_abs(),
        at: record.at,
        who: record.actor.name,
        origin: record.actor.origin,
        action: record.action,
        detail: record.detail,
    });
    Ok(Json(rows.collect()))
}
