//! What a device is to have, as a session needs it, and the report that a session amounts to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ordain_catalog::windows::{LocUri, WindowsCatalog};
use ordain_model::decision::Write;
use ordain_model::enrollment::Enrollment;
use ordain_model::held::Listing;
use ordain_model::ids::{Channel, Digest};
use ordain_model::manifest::Manifest;
use ordain_model::record::StatusRecord;
use ordain_model::report::{Reason, Report};
use ordain_model::status::{self, StatusState};
use ordain_model::sync::Wanted;
use ordain_model::windows::channel_of;
use ordain_model::windows::documents::Documents;
use ordain_model::windows::session::{Declared, Link, Queued, REFUSED, Scene as View, Session, standing};
use ordain_model::windows::settings::Settings;
use ordain_store::ChannelState;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::app::App;
use crate::device::command::withdraw;
use crate::device::fault::Fault;
use crate::device::scene::Scene;
use crate::keys::Unopened;
use crate::windows::actions::action;

/// What a session is decided by.
pub(super) struct Policy {
    wanted: Vec<Declared>,
    /// Of those, the places in the manifest.
    pub(super) places: Vec<usize>,
    unwanted: BTreeMap<Digest, Settings>,
    refused: BTreeMap<Digest, Vec<Reason>>,
    queue: Vec<Queued>,
    /// What the device reported before.
    record: Arc<StatusRecord>,
}

#[derive(Deserialize)]
struct Body {
    #[serde(rename = "Payload")]
    payload: Map<String, Value>,
}

/// What the manifest has for a device on which the settings of `set` may be.
pub(super) async fn load(
    app: &App,
    state: &ChannelState,
    manifest: &Manifest,
    set: &BTreeSet<Digest>,
) -> Result<Policy, Fault> {
    let (mut wanted, mut places, mut unwanted) = (Vec::new(), Vec::new(), BTreeMap::new());
    for (place, entry) in manifest.entries().iter().enumerate() {
        if channel_of(&entry.type_name) != Some(Channel::Device) {
            continue;
        }
        let lost = || Fault::Unavailable(format!("the declaration {} is lost", entry.identifier));
        wanted.push(Declared {
            identifier: entry.identifier.clone(),
            token: entry.server_token,
            settings: settings(app, entry.server_token).await?.ok_or_else(lost)?,
        });
        places.push(place);
    }
    let is_wanted = |token: &Digest| wanted.iter().any(|declared| declared.token == *token);
    for token in set.iter().filter(|token| !is_wanted(token)) {
        if let Some(settings) = settings(app, *token).await? {
            unwanted.insert(*token, settings);
        }
    }
    let record = app.store.reported(state).await?;
    let is_refusal = |reason: &Reason| reason.code.starts_with(REFUSED);
    let refused = record.exceptions.iter();
    let refused = refused.filter(|exception| exception.reasons.iter().all(is_refusal));
    let refused = refused.map(|exception| (exception.server_token, exception.reasons.clone()));
    Ok(Policy {
        queue: queue(app, state).await?,
        refused: refused.collect(),
        wanted,
        places,
        unwanted,
        record,
    })
}

/// How far the queue is looked through: more than expires between two looks of the job that closes what has.
const LOOK_AHEAD: u32 = 100;

/// What was ordered, and is not answered. What can never be given is closed.
async fn queue(app: &App, state: &ChannelState) -> Result<Vec<Queued>, Fault> {
    let mut queue = Vec::new();
    for delivery in app.store.queue(&state.id, 0, LOOK_AHEAD).await? {
        let why = match app.payload(&delivery.command).await {
            Ok(payload) => match action(&delivery.request_type, &payload) {
                Ok(action) => {
                    queue.push(Queued { delivery, action });
                    continue;
                }
                Err(why) => why,
            },
            Err(Unopened::Lost(why)) => why,
            Err(Unopened::Store(error)) => return Err(error.into()),
        };
        withdraw(app, state, app.now(), &delivery, &why).await?;
    }
    Ok(queue)
}

/// The settings of a declaration, if they are still known.
async fn settings(app: &App, token: Digest) -> Result<Option<Settings>, Fault> {
    let payload = payload(app, token).await?;
    Ok(payload.and_then(|payload| Settings::from_payload(&payload).ok()))
}

/// The payload of a declaration, if it is still known.
pub(in crate::windows) async fn payload(
    app: &App,
    token: Digest,
) -> Result<Option<Map<String, Value>>, Fault> {
    let body = app.objects.declaration(&app.store, token).await?;
    let body = body.and_then(|body| serde_json::from_slice::<Body>(&body).ok());
    Ok(body.map(|body| body.payload))
}

/// What is written of the report that `report` makes, of what the channel listed before.
pub(in crate::windows) async fn report(
    app: &App,
    scene: &Scene,
    channel: &Enrollment,
    wanted: Wanted,
    record: &Arc<StatusRecord>,
    report: impl FnOnce(&Listing<'_>) -> Report<'static>,
) -> Result<Vec<Write>, Fault> {
    // What is pinned with this message is not stored yet.
    let manifest = async |token: Option<Digest>| match token {
        Some(token) if token == wanted.manifest.token() => Ok(Some(wanted.manifest.clone())),
        Some(token) => app.objects.manifest(&app.store, token).await,
        None => Ok(None),
    };
    let against = manifest(record.held.against).await?;
    let pinned = manifest(channel.pinned).await?;
    let listing = record.held.unpack(against.as_deref());
    let report = report(&listing);
    let heard = status::heard(channel, &wanted, report.digest());
    if status::is_known(channel, heard) {
        return Ok(Vec::new());
    }
    let state = StatusState {
        pinned,
        against: against.clone(),
        enrollment: channel,
        record: record.clone(),
        wanted,
        heard,
        world: &scene.world,
    };
    Ok(status::status(state, report, scene.now)?.writes)
}

impl Policy {
    /// Whether something may be to be taken away that documents have set.
    pub(super) fn cleans(&self) -> bool {
        self.record.cleaning.open().next().is_some()
    }

    /// What the device's account with the server is to be, whose sessions are held at `address`.
    pub(super) fn standing(&self, address: &str, package: Option<&str>) -> Settings {
        standing(address, package, &self.wanted)
    }

    pub(super) fn scene<'a>(
        &'a self,
        standing: &'a Settings,
        package: Option<&'a str>,
        link: Link<'a>,
        declared: &'a BTreeMap<LocUri, String>,
        now: i64,
    ) -> View<'a> {
        View {
            link,
            declared,
            cleaning: &self.record.cleaning,
            queue: &self.queue,
            now,
            standing,
            package,
            wanted: &self.wanted,
            unwanted: &self.unwanted,
            refused: &self.refused,
            catalog: WindowsCatalog::builtin(),
        }
    }

    /// What the device reported before.
    pub(super) fn record(&self) -> &Arc<StatusRecord> {
        &self.record
    }

    /// What the device has said in `session`. Without a linked enrollment, no inventory tells anything.
    pub(super) fn told(
        &self,
        view: &View<'_>,
        session: &Session,
        is_linked: bool,
        before: &Listing<'_>,
    ) -> Report<'static> {
        let mut report = session.report(view, before);
        if !is_linked {
            report.errors.extend(Documents::default().untold(&self.record));
        }
        report
    }
}
