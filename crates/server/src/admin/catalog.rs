//! The catalog: which one is in force, and putting another one in its place.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::{Extension, Json};
use http::HeaderMap;
use ordain_catalog::{Catalog, facts};
use ordain_model::ids::Digest;
use ordain_store::{Actor, AuditRecord, CatalogRecord, NewCatalog};
use serde_json::json;

use super::extract::{Query, printable};
use super::fault::Fault;
use crate::api::{
    CatalogQuery, CatalogSource, CatalogStatus, Problem, PublishedDeclaration, ReplacedCatalog,
};
use crate::app::App;
use crate::body;
use crate::catalogs::{InForce, own_digest, own_source};

/// The largest file of facts, in octets.
const MAX_FACTS: usize = 8 << 20;
/// The longest that may be said of where a catalog is from, in octets.
const MAX_SOURCE: usize = 200;

/// The catalog in force.
#[utoipa::path(get, path = "/catalog", responses((status = 200, body = CatalogStatus)))]
pub(crate) async fn catalog(State(app): State<Arc<App>>) -> Result<Json<CatalogStatus>, Fault> {
    app.catalogs.reload(&app.store).await?;
    shown(&app, &app.catalogs.in_force()).await.map(Json)
}

/// The facts of the catalog in force, or of another one that is kept: those that were imported, and those under which
/// revisions were published.
#[utoipa::path(
    get, path = "/catalog/facts", params(CatalogQuery),
    responses(
        (status = 200, body = String, content_type = "text/plain"),
        (status = 400, body = Problem), (status = 404, body = Problem)
    )
)]
pub(crate) async fn catalog_facts(
    State(app): State<Arc<App>>,
    Query(query): Query<CatalogQuery>,
) -> Result<String, Fault> {
    let digest: Digest = match query.digest {
        Some(text) => text
            .parse()
            .map_err(|_| Fault::Invalid(format!("digest must be 64 hexadecimal digits, not {text:?}")))?,
        None => app.catalogs.in_force().digest,
    };
    if digest == own_digest() {
        return Ok(facts::APPLE.to_owned());
    }
    let kept = app.store.catalog_facts(digest).await?;
    kept.ok_or_else(|| Fault::NotFound(format!("there is no catalog {digest}")))
}

/// Puts a catalog in force, given by its facts. What is published from then on is checked by it; what is published
/// already stays as it is.
#[utoipa::path(
    post, path = "/catalog", params(CatalogSource),
    request_body(content = String, content_type = "text/plain"),
    responses(
        (status = 200, body = ReplacedCatalog), (status = 400, body = Problem), (status = 413, body = Problem)
    )
)]
pub(crate) async fn import_catalog(
    State(app): State<Arc<App>>,
    Extension(actor): Extension<Actor>,
    Query(query): Query<CatalogSource>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<ReplacedCatalog>, Fault> {
    printable("source", query.source.as_deref())?;
    let source = query.source.unwrap_or_else(|| "the API".to_owned());
    if source.len() > MAX_SOURCE {
        let what = format!("source must have at most {MAX_SOURCE} octets");
        return Err(Fault::Invalid(what));
    }
    let body = body::read(&app.in_flight, &headers, body, MAX_FACTS).await?;
    let octets = body.octets.clone();
    let read = tokio::task::spawn_blocking(move || read(&octets)).await;
    let facts = read.map_err(|error| Fault::Unavailable(error.to_string()))??;
    let catalog = NewCatalog { facts, source };
    let before = in_force_before(&app).await?;
    let audit = AuditRecord {
        at: app.now(),
        actor,
        action: "import-catalog".into(),
        detail: json!({"from": before.digest, "to": catalog.digest(), "source": catalog.source}),
    };
    app.store.import_catalog(&catalog, &audit).await?;
    replaced(&app, &before).await.map(Json)
}

/// The declarations of the newest revision, by identifier.
#[utoipa::path(get, path = "/declarations", responses((status = 200, body = Vec<PublishedDeclaration>)))]
pub(crate) async fn declarations(State(app): State<Arc<App>>) -> Json<Vec<PublishedDeclaration>> {
    Json(published(&app))
}

/// Puts the catalog that came with the server in force again.
#[utoipa::path(delete, path = "/catalog", responses((status = 200, body = ReplacedCatalog)))]
pub(crate) async fn reset_catalog(
    State(app): State<Arc<App>>,
    Extension(actor): Extension<Actor>,
) -> Result<Json<ReplacedCatalog>, Fault> {
    let before = in_force_before(&app).await?;
    let audit = AuditRecord {
        at: app.now(),
        actor,
        action: "reset-catalog".into(),
        detail: json!({"from": before.digest, "to": own_digest()}),
    };
    app.store.reset_catalog(&audit).await?;
    replaced(&app, &before).await.map(Json)
}

/// The facts in `octets`, which can be read.
fn read(octets: &[u8]) -> Result<String, Fault> {
    let text = std::str::from_utf8(octets).map_err(|error| Fault::Invalid(format!("facts: {error}")))?;
    if let Some(line) = text.split('\n').position(|line| line.contains(char::is_control)) {
        let what = format!("facts, line {}: a control character", line + 1);
        return Err(Fault::Invalid(what));
    }
    let catalog = facts::read(text).map_err(|error| Fault::Invalid(error.to_string()))?;
    if catalog.declarations().next().is_none() {
        let what = "facts without a single declaration type: nothing could be published under them";
        return Err(Fault::Invalid(what.into()));
    }
    Ok(text.to_owned())
}

async fn in_force_before(app: &App) -> Result<InForce, Fault> {
    app.catalogs.reload(&app.store).await?;
    Ok(app.catalogs.in_force())
}

/// What is in force now, and what of the newest revision that touches.
async fn replaced(app: &App, before: &InForce) -> Result<ReplacedCatalog, Fault> {
    app.catalogs.reload(&app.store).await?;
    let after = app.catalogs.in_force();
    Ok(ReplacedCatalog {
        touched: touched(app, &before.catalog, &after.catalog),
        catalog: shown(app, &after).await?,
    })
}

/// The published declarations of whose types the catalogs say different things.
fn touched(app: &App, before: &Catalog, after: &Catalog) -> Vec<PublishedDeclaration> {
    let mut published = published(app);
    published.retain(|found| before.declaration(&found.type_name) != after.declaration(&found.type_name));
    published
}

/// What the newest revision declares, by identifier.
fn published(app: &App) -> Vec<PublishedDeclaration> {
    let world = app.world();
    let declarations = world.revision().wish.declarations.values();
    declarations
        .map(|found| PublishedDeclaration {
            identifier: found.identifier.clone(),
            type_name: found.type_name.clone(),
        })
        .collect()
}

async fn shown(app: &App, in_force: &InForce) -> Result<CatalogStatus, Fault> {
    let record = match in_force.is_imported {
        true => app.store.catalog(in_force.digest).await?,
        false => None,
    };
    let record = record.unwrap_or_else(|| CatalogRecord {
        source: own_source(),
        imported_at: None,
    });
    let world = app.world();
    let (number, catalog) = (world.revision().number, &in_force.catalog);
    Ok(CatalogStatus {
        digest: in_force.digest.to_string(),
        source: record.source,
        imported_at: record.imported_at,
        is_builtin: in_force.digest == own_digest(),
        builtin_digest: own_digest().to_string(),
        revision: number,
        revision_digest: (number > 0).then(|| world.revision().catalog.to_string()),
        counts: catalog.counts().into(),
    })
}
