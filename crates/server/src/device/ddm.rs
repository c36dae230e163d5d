//! Declarative management: `tokens`, `declaration-items`, `declaration/…`, `status`.

use std::sync::Arc;

use axum::response::Response;
use bytes::Bytes;
use ordain_apple::ddm::Endpoint;
use ordain_apple::status::parse;
use ordain_catalog::Kind;
use ordain_model::checkin::Presented;
use ordain_model::decision::Write;
use ordain_model::enrollment::Enrollment;
use ordain_model::ids::{Digest, EnrollmentId};
use ordain_model::manifest::Manifest;
use ordain_model::report::Report;
use ordain_model::status::{self, StatusState};
use ordain_model::sync::{self, Wanted};

use super::answer::{done, json, tokens};
use super::fault::Fault;
use super::scene::{Scene, contended};
use crate::app::App;

/// Answers one request of the DDM engine of the channel `id`.
pub(crate) async fn declarative_management(
    app: &Arc<App>,
    presented: &Presented,
    id: &EnrollmentId,
    endpoint: &str,
    data: Option<Vec<u8>>,
) -> Result<Response, Fault> {
    match endpoint.parse() {
        Ok(Endpoint::Tokens) => {
            let decide =
                |scene: &Scene, wanted: &Wanted| Ok(sync::tokens(scene.channel()?, wanted, scene.now)?);
            let offer = app.decide_wanted(id, presented, decide).await?;
            Ok(json(tokens(offer)))
        }
        Ok(Endpoint::DeclarationItems) => {
            let decide = |scene: &Scene, wanted: &Wanted| {
                Ok(sync::declaration_items(scene.channel()?, wanted, scene.now)?)
            };
            let manifest = app.decide_wanted(id, presented, decide).await?;
            Ok(json(app.objects.items(&manifest)))
        }
        Ok(Endpoint::Declaration { kind, identifier }) => {
            declaration(app, presented, id, kind, &identifier).await
        }
        Ok(Endpoint::Status) => report(app, presented, id, data).await,
        Err(_) => {
            app.scene(id, presented).await?.channel()?;
            Err(Fault::NotFound)
        }
    }
}

/// A declaration of the manifest that the channel was told of, whatever was published since.
async fn declaration(
    app: &App,
    presented: &Presented,
    id: &EnrollmentId,
    kind: Kind,
    identifier: &str,
) -> Result<Response, Fault> {
    let scene = app.scene(id, presented).await?;
    let channel = scene.channel()?;
    let manifest = known(app, channel.pinned).await?.ok_or(Fault::NotFound)?;
    let (place, entry) = manifest.find(kind, identifier).ok_or(Fault::NotFound)?;
    let body = app
        .objects
        .declaration(&app.store, entry.server_token)
        .await?
        .ok_or(Fault::NotFound)?;
    app.sightings.fetched(channel, manifest.token(), place, scene.now);
    Ok(json(body))
}

async fn report(
    app: &Arc<App>,
    presented: &Presented,
    id: &EnrollmentId,
    data: Option<Vec<u8>>,
) -> Result<Response, Fault> {
    // Let in first: what a stranger sends is not even read.
    let mut scene = app.scene(id, presented).await?;
    scene.channel()?;
    let data = data.ok_or_else(|| Fault::Unreadable("a status report has no data".into()))?;
    let data = Bytes::from(data);
    for _ in 0..10 {
        // Read again after a conflict, which is rarer than a copy is dear.
        let report = read(app, &data).await?;
        let channel = scene.channel()?;
        let wanted = app
            .wanted(&scene.world, scene.device()?, id, Some(channel))
            .await?;
        let heard = status::heard(channel, &wanted, report.digest());
        if status::is_known(channel, heard) {
            return Ok(done());
        }
        let record = app.store.reported(&scene.state).await?;
        let state = StatusState {
            against: known(app, record.held.against).await?,
            pinned: known(app, channel.pinned).await?,
            wanted: wanted.clone(),
            enrollment: channel,
            record,
            heard,
            world: &scene.world,
        };
        let decision = status::status(state, report, scene.now).map_err(Fault::from);
        let disputes = decision
            .as_ref()
            .map_or(0, |decision| new_disputes(channel, &decision.writes));
        if app.settle(&scene.state, decision).await?.is_some() {
            app.metrics.predicate_disagreements.inc_by(disputes);
            return Ok(done());
        }
        scene = app.scene(id, presented).await?;
    }
    Err(contended())
}

/// How many more predicates are disputed than before by what is written of `channel`.
fn new_disputes(channel: &Enrollment, writes: &[Write]) -> u64 {
    let disputed = |enrollment: &Enrollment| enrollment.standing.as_ref().map_or(0, |it| it.disputed);
    let after = writes.iter().find_map(|write| match write {
        Write::Enrollment(after) => Some(disputed(after)),
        _ => None,
    });
    u64::from(after.unwrap_or(0).saturating_sub(disputed(channel)))
}

/// What takes longer to read, in octets, than to hand to another thread.
const LARGE: usize = 64 << 10;

/// Large reports take a while to read; they do not hold up others.
async fn read<'a>(app: &Arc<App>, data: &'a Bytes) -> Result<Report<'a>, Fault> {
    let (world, in_force) = (app.world(), app.catalogs.in_force());
    // An item that was imported is read at once, and one that the wish was published with goes on being read.
    let is_item = move |name: &str| {
        let mut catalogs = [world.catalog(), &in_force.catalog].into_iter();
        catalogs.any(|catalog| catalog.status_item(name).is_some())
    };
    let parsed = if data.len() > LARGE {
        let data = data.clone();
        tokio::task::spawn_blocking(move || parse(&data, &is_item).map(Report::into_owned))
            .await
            .map_err(|error| Fault::Unavailable(error.to_string()))?
    } else {
        parse(data, &is_item)
    };
    parsed.map_err(|error| Fault::Unreadable(error.to_string()))
}

async fn known(app: &App, token: Option<Digest>) -> Result<Option<Arc<Manifest>>, Fault> {
    Ok(match token {
        Some(token) => app.objects.manifest(&app.store, token).await?,
        None => None,
    })
}
