//! Predicates: what they come to for one device, and over the fleet.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use ordain_catalog::predicate::PredicateSchema;
use ordain_model::windows::document::Document;
use ordain_model::windows::facts;
use ordain_predicate::{Dialect, Predicate, parse};
use serde_json::value::to_raw_value;

use super::devices::{find, not_there};
use super::extract::{self, Path};
use super::fault::Fault;
use crate::api::{FleetAnswer, FleetDevice, FleetQuestion, PredicateAnswer, PredicateQuestion, Problem};
use crate::app::App;
use crate::census::Question;
use crate::evaluation::findings;

const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 1_000;

/// What a predicate comes to for a device, by what it has reported. What publishing would refuse is evaluated too.
#[utoipa::path(
    post, path = "/devices/{id}/predicate", request_body = PredicateQuestion,
    params(("id" = String, Path, description = "its serial number, UDID, or enrollment identifier")),
    responses(
        (status = 200, body = PredicateAnswer), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem)
    )
)]
pub(crate) async fn for_device(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    extract::Json(question): extract::Json<PredicateQuestion>,
) -> Result<Json<PredicateAnswer>, Fault> {
    let id = find(&app, &name).await?;
    let state = app.store.channel(&id).await?;
    let portrait = app
        .portrait(state.device().ok_or_else(|| not_there(&name))?)
        .await?;
    let catalog = app.catalogs.in_force().catalog;
    let answer = off_thread(move || {
        let text = question.predicate;
        let dialect = Dialect::of(&text);
        let predicate = read(&text, dialect)?;
        let explanation = portrait.explain(&predicate);
        let names_properties = !predicate.needs().properties.is_empty();
        Ok(PredicateAnswer {
            id: id.to_string(),
            outcome: explanation.outcome.into(),
            properties: names_properties.then_some(portrait.properties_of),
            missing: portrait.missing(&predicate, &explanation),
            text: explanation.to_string(),
            explanation: to_raw_value(&explanation).map_err(|error| Fault::Unavailable(error.to_string()))?,
            findings: portrait.check(&text, dialect, &catalog),
        })
    });
    answer.await.map(Json)
}

/// What a predicate of groups comes to over the fleet: counts, devices, and what is missing. An answer is about a stretch
/// of the fleet, and tells where the next one begins.
#[utoipa::path(
    post, path = "/predicate/fleet", request_body = FleetQuestion,
    responses((status = 200, body = FleetAnswer), (status = 400, body = Problem))
)]
pub(crate) async fn over_fleet(
    State(app): State<Arc<App>>,
    extract::Json(question): extract::Json<FleetQuestion>,
) -> Result<Json<FleetAnswer>, Fault> {
    let limit = question.limit.unwrap_or(DEFAULT_LIMIT);
    if limit > MAX_LIMIT {
        return Err(Fault::Invalid(format!("limit must be {MAX_LIMIT} at the most")));
    }
    let after = question.after.as_deref().map(|after| {
        let told = format!("after must be the identifier of a device, not {after:?}");
        after.parse().map_err(|_| Fault::Invalid(told))
    });
    let after = after.transpose()?;
    let is_first = after.is_none();
    let catalog = app.catalogs.in_force().catalog;
    let world = app.world();
    let (predicate, findings) = off_thread(move || {
        let predicate = read(&question.predicate, Dialect::Server)?;
        if !is_first {
            return Ok((predicate, Vec::new()));
        }
        let declarations = world.revision().wish.declarations.values();
        let documents = declarations.filter_map(|declared| Some((declared, Document::of(declared)?)));
        let inventories = documents.flat_map(|(declared, document)| document.tells(&declared.identifier));
        let schema = PredicateSchema::new(&catalog)
            .with_status(facts::types())
            .with_status(inventories);
        let findings = findings(&question.predicate, Dialect::Server, &schema);
        Ok((predicate, findings))
    })
    .await?;
    let census = app
        .census(Question {
            predicate: Arc::new(predicate),
            after,
            show: question.outcome,
            limit,
        })
        .await?;
    let missing = census.missing();
    let mut devices = Vec::with_capacity(census.listed.len());
    for (row, outcome) in census.listed {
        let state = app.store.channel(&row.id).await?;
        devices.push(FleetDevice {
            id: row.id.to_string(),
            serial: row.serial,
            name: state.device().and_then(|device| device.facts.name.clone()),
            outcome,
        });
    }
    Ok(Json(FleetAnswer {
        counts: census.counts,
        devices,
        missing,
        unfit: census.unfit,
        all: match &census.next {
            Some(_) => Some(app.store.census_size().await?),
            None => None,
        },
        next: census.next.map(|id| id.to_string()),
        findings,
    }))
}

/// What was meant, or where it is no predicate.
fn read(text: &str, dialect: Dialect) -> Result<Predicate, Fault> {
    parse(text, dialect).map_err(|error| Fault::Invalid(error.render(text)))
}

/// Checking and explaining are bounded, and yet take a while.
async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Fault::Unavailable(error.to_string()))?
}
