//! The fleet: who has what, by the devices' own word.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::extract::State as Shared;
use axum::{Extension, Json};
use http::StatusCode;
use ordain_model::enrollment::{Enrollment, Memberships, Phase};
use ordain_model::fetched::Fetched;
use ordain_model::ids::{Digest, EnrollmentId};
use ordain_model::membership::Basis;
use ordain_model::view::{self, ViewOf};
use ordain_model::windows::documents::is_stale;
use ordain_model::windows::link::LinkState;
use ordain_model::world::World;
use ordain_model::{checkin, command};
use ordain_store::{Actor, AuditRecord, FleetRow, Seen, Sighting, StoreError};
use serde_json::json;

use super::extract::{Path, Query, has_control};
use super::fault::Fault;
use super::groups::unknown_groups;
use super::judged::{Judged, State, against, judged};
use crate::api::{Channel, Device, DeviceFilter, DeviceRow, Devices, Omission, Problem};
use crate::app::App;
use crate::windows::linked::Linked;

/// Devices are read so many at a time.
const STRETCH: u32 = 1_000;
const DEFAULT_LIMIT: usize = 1_000;
/// How many commands of a queue are shown with the channel.
const QUEUE_SHOWN: u32 = 20;

/// Lists devices, and counts all of them by state.
#[utoipa::path(
    get, path = "/devices", params(DeviceFilter),
    responses((status = 200, body = Devices), (status = 400, body = Problem))
)]
pub(crate) async fn devices(
    Shared(app): Shared<Arc<App>>,
    Query(filter): Query<DeviceFilter>,
) -> Result<Json<Devices>, Fault> {
    let (order, reverse) = order(filter.sort.as_deref())?;
    let words = State::ALL.map(State::word);
    if let Some(state) = filter.state.as_deref().filter(|state| !words.contains(state)) {
        return Err(Fault::Invalid(format!(
            "there is no state {state}; there are {}",
            words.join(", ")
        )));
    }
    app.flush_sightings().await?;
    let world = app.world();
    let mut states: BTreeMap<String, usize> = words.map(|state| (state.to_owned(), 0)).into();
    let mut rows = Vec::new();
    let mut after = None;
    loop {
        let stretch = app.store.devices(after.as_ref(), STRETCH).await?;
        let Some(last) = stretch.last() else { break };
        after = Some(last.device.enrollment.id.clone());
        for found in stretch {
            let row = row(&app, &world, &found).await?;
            *states.entry(row.state.clone()).or_default() += 1;
            let in_group = filter
                .group
                .as_ref()
                .is_none_or(|group| world.is_member(&found.device.enrollment, group));
            if in_group && matches(&row, &filter) {
                rows.push(row);
            }
        }
    }
    rows.sort_by(|a, b| {
        let order = order(a, b).then_with(|| a.id.cmp(&b.id));
        if reverse { order.reverse() } else { order }
    });
    let matching = rows.len();
    rows.truncate(filter.limit.unwrap_or(DEFAULT_LIMIT));
    Ok(Json(Devices {
        devices: rows,
        matching,
        states,
        revision: world.revision().number,
    }))
}

type Order = fn(&DeviceRow, &DeviceRow) -> Ordering;

fn order(sort: Option<&str>) -> Result<(Order, bool), Fault> {
    let sort = sort.unwrap_or("id");
    let (name, reverse) = sort.strip_prefix('-').map_or((sort, false), |name| (name, true));
    let order: Order = match name {
        "id" => |a, b| a.id.cmp(&b.id),
        "name" => |a, b| a.name.cmp(&b.name),
        "serial" => |a, b| a.serial.cmp(&b.serial),
        "platform" => |a, b| a.platform.cmp(&b.platform),
        "os" => |a, b| version(a).cmp(&version(b)),
        "state" => |a, b| a.state.cmp(&b.state),
        "seen" => |a, b| a.seen_at.cmp(&b.seen_at),
        _ => {
            let known = "id, name, serial, platform, os, state and seen";
            return Err(Fault::Invalid(format!(
                "devices cannot be sorted by {name}; there are {known}"
            )));
        }
    };
    Ok((order, reverse))
}

fn version(row: &DeviceRow) -> Option<ordain_catalog::OsVersion> {
    row.os_version.as_deref()?.parse().ok()
}

fn matches(row: &DeviceRow, filter: &DeviceFilter) -> bool {
    let contains = |search: &String| {
        let search = search.to_lowercase();
        let fields = [
            row.name.as_deref(),
            row.serial.as_deref(),
            row.model.as_deref(),
            Some(row.id.as_str()),
        ];
        let tags = row.tags.iter().map(String::as_str);
        fields
            .into_iter()
            .flatten()
            .chain(tags)
            .any(|field| field.to_lowercase().contains(&search))
    };
    let is = |field: Option<&str>, wanted: &Option<String>| {
        wanted
            .as_deref()
            .is_none_or(|wanted| field.is_some_and(|field| field.eq_ignore_ascii_case(wanted)))
    };
    filter.search.as_ref().is_none_or(contains)
        && is(row.platform.as_deref(), &filter.platform)
        && is(Some(&row.state), &filter.state)
}

/// All that is known of one device.
#[utoipa::path(
    get, path = "/devices/{id}",
    params(("id" = String, Path, description = "its serial number, UDID, or enrollment identifier")),
    responses((status = 200, body = Device), (status = 404, body = Problem), (status = 409, body = Problem))
)]
pub(crate) async fn device(
    Shared(app): Shared<Arc<App>>,
    Path(name): Path<String>,
) -> Result<Json<Device>, Fault> {
    app.flush_sightings().await?;
    let id = find(&app, &name).await?;
    let world = app.world();
    let state = app.store.channel(&id).await?;
    let device = state.device().ok_or_else(|| not_there(&name))?;
    let (mut channels, mut beside) = (Vec::new(), Vec::new());
    for enrollment in app.store.channels_of(&id).await? {
        let channel = channel(&app, &world, device, &enrollment).await?;
        if !enrollment.id.is_device() {
            let seen_at = channel.seen_at;
            beside.push(Seen { enrollment, seen_at });
        }
        channels.push(channel);
    }
    let own = Seen {
        enrollment: device.clone(),
        seen_at: channels.first().and_then(|channel: &Channel| channel.seen_at),
    };
    let inventory = app.store.inventory(&id).await?;
    let record = app.store.reported(&state).await?;
    let unknown_groups = unknown_groups(&world, device, &record.items);
    let mut row = row(&app, &world, &FleetRow { device: own, beside }).await?;
    if device.facts.is_windows() && device.phase != Phase::CheckedOut {
        let linked = Linked::load(&app, &world, device).await?.judge(&record);
        let missing = linked.filter(|state| *state != LinkState::Linked);
        row.notes.extend(missing.map(|state| state.to_string()));
    }
    Ok(Json(Device {
        row,
        generation: device.generation,
        since: device.since,
        memberships: device.memberships,
        groups: world.groups(device).into_iter().collect(),
        unknown_groups,
        certificate: device.identity.map(|pin| pin.fingerprint.to_string()),
        certificate_expires: device.identity.map(|pin| pin.not_after),
        windows: device.facts.windows.as_deref().cloned().map(Into::into),
        inventory: inventory.into_iter().map(Into::into).collect(),
        channels,
    }))
}

/// The one device that goes by `name`.
pub(crate) async fn find(app: &App, name: &str) -> Result<EnrollmentId, Fault> {
    if has_control(name) {
        return Err(not_there("a name with control characters"));
    }
    match app.store.devices_named(name).await?.as_slice() {
        [] => Err(not_there(name)),
        [id] => Ok(id.clone()),
        several => {
            let ids: Vec<_> = several.iter().map(ToString::to_string).collect();
            Err(Fault::Conflict(format!(
                "several devices go by {name}; say which: {}",
                ids.join(", ")
            )))
        }
    }
}

pub(super) fn not_there(name: &str) -> Fault {
    Fault::NotFound(format!(
        "no device goes by {name}: give a serial number, UDID, or enrollment identifier"
    ))
}

/// A device in the list.
async fn row(app: &App, world: &World, found: &FleetRow) -> Result<DeviceRow, StoreError> {
    let judged = judged(app, world, found, None).await?;
    let Seen {
        enrollment: device,
        seen_at,
    } = &found.device;
    let standing = device.standing.as_ref();
    let facts = &device.facts;
    Ok(DeviceRow {
        id: device.id.to_string(),
        name: facts.name.clone(),
        serial: facts.serial.clone(),
        model: facts.model.clone(),
        platform: facts.system().map(str::to_owned),
        os_version: facts.os_version.map(|version| version.to_string()),
        state: judged.state.word().to_owned(),
        notes: notes(app, world, found, &judged),
        counts: judged.counts,
        seen_at: *seen_at,
        reported_at: standing.map(|standing| standing.at),
        tags: device.tags.iter().cloned().collect(),
    })
}

/// The ServerTokens that a channel was seen to fetch.
pub(super) async fn fetched(app: &App, seen: &Sighting) -> Result<BTreeSet<Digest>, StoreError> {
    let manifest = match seen.manifest {
        Some(token) => app.objects.manifest(&app.store, token).await?,
        None => None,
    };
    let tokens = manifest.map(|manifest| Fetched::from_text(&seen.fetched).tokens(&manifest));
    Ok(tokens.unwrap_or_default())
}

fn notes(app: &App, world: &World, found: &FleetRow, judged: &Judged) -> Vec<String> {
    let device = &found.device.enrollment;
    let mut notes = Vec::new();
    if device.memberships == Memberships::Waiting {
        notes.push(format!(
            "it enrolled anew, and its listed memberships wait: `ordain approve {}` gives them to it",
            device.id
        ));
    }
    if device.phase == Phase::Authenticated {
        let missing = match device.facts.is_windows() {
            true => "nothing came under its certificate yet",
            false => "no TokenUpdate came yet",
        };
        notes.push(format!("its enrollment is not complete: {missing}"));
    }
    if device.identity.is_none() {
        let what = "it was migrated and has not come yet: its first contact, while the migration is open, pins its \
                    certificate";
        notes.push(what.to_owned());
    }
    if device.identity.is_some_and(|pin| pin.not_after < app.now()) {
        notes.push("its certificate has expired; it still works, but renew it".to_owned());
    }
    if judged.drift.open > 0 {
        notes.push(format!(
            "what documents set on it has drifted ({}): `ordain explain {}` tells more",
            judged.drift.open, device.id
        ));
    }
    let channels = found.beside.iter().chain([&found.device]);
    let standings = channels.filter_map(|channel| channel.enrollment.standing.as_ref());
    let disputed: u32 = standings.map(|standing| standing.disputed).sum();
    if disputed > 0 {
        notes.push(format!(
            "it disputes what the predicates of {disputed} of its activations come to by its own reports: `ordain explain {}` \
             tells more",
            device.id
        ));
    }
    if !device.facts.is_windows()
        && !command::is_available(world.catalog(), command::REQUEST_TYPE, device, &device.facts)
    {
        notes.push("its system is too old for declarative management".to_owned());
    }
    notes
}

async fn channel(
    app: &App,
    world: &World,
    device: &Enrollment,
    enrollment: &Enrollment,
) -> Result<Channel, StoreError> {
    let wanted = app
        .wanted(world, device, &enrollment.id, Some(enrollment))
        .await?;
    let record = app.store.status(&enrollment.id).await?;
    let against = against(app, &record).await?;
    let offered = match enrollment.offer {
        Some(offer) => app.objects.manifest(&app.store, offer.token).await?,
        None => None,
    };
    let sighting = app.store.sighting(&enrollment.id).await?;
    let fetched = match &sighting {
        Some(seen) => fetched(app, seen).await?,
        None => BTreeSet::new(),
    };
    let listing = record.held.unpack(against.as_deref());
    let seen_at = enrollment.last_heard(sighting.as_ref().map(|seen| seen.seen_at));
    let is_stale = enrollment.id == enrollment.id.to_linked() && is_stale(seen_at, app.now());
    let declarations = view::declarations(ViewOf {
        is_stale,
        wanted: &wanted.manifest,
        offered: offered.as_deref(),
        fetched: &fetched,
        record: &record,
        listing: &listing,
    });
    let omissions = wanted.manifest.omissions.iter();
    let queue = app.store.queue(&enrollment.id, 0, QUEUE_SHOWN).await?;
    Ok(Channel {
        id: enrollment.id.to_string(),
        phase: enrollment.phase,
        converged: enrollment.is_converged(wanted.manifest.token()) && !is_stale,
        wanted_revision: wanted.revision,
        wanted_token: wanted.manifest.token().to_string(),
        offered_token: enrollment.offer.map(|offer| offer.token.to_string()),
        pinned_token: enrollment.pinned.map(|token| token.to_string()),
        command: enrollment.told.as_ref().map(|told| json!(told)),
        queue: queue.into_iter().map(Into::into).collect(),
        declarations: declarations.into_iter().map(Into::into).collect(),
        omissions: omissions
            .map(|omission| Omission {
                identifier: omission.identifier.clone(),
                reason: omission.reason.clone(),
            })
            .collect(),
        documents: record.documents.known.iter().map(Into::into).collect(),
        drift: record.documents.drift.iter().map(Into::into).collect(),
        stays: record.documents.stays.iter().map(Into::into).collect(),
        cleaning: record.cleaning.documents().map(|(_, gone)| gone.into()).collect(),
        status: record.items,
        status_errors: record.errors,
        report_problems: record.problems,
        reported_at: enrollment.standing.as_ref().map(|standing| standing.at),
        seen_at,
    })
}

/// Says that a device that enrolled anew is the one that it claims to be: listed memberships count again.
#[utoipa::path(
    post, path = "/devices/{id}/approve",
    params(("id" = String, Path, description = "its serial number, UDID, or enrollment identifier")),
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem))
)]
pub(crate) async fn approve(
    Shared(app): Shared<Arc<App>>,
    Extension(actor): Extension<Actor>,
    Path(name): Path<String>,
) -> Result<StatusCode, Fault> {
    let id = find(&app, &name).await?;
    let state = app.store.channel(&id).await?;
    let device = state.device().ok_or_else(|| not_there(&name))?;
    let record = app.store.reported(&state).await?;
    let items = &record.items;
    let decision = checkin::approve(&app.world(), Basis { device, items }, app.now())?
        .ok_or_else(|| Fault::Conflict(format!("nothing waits for approval on {id}")))?;
    let audit = AuditRecord {
        at: app.now(),
        actor,
        action: "approve".into(),
        detail: json!({"enrollment": id, "generation": device.generation}),
    };
    app.store.commit(&state, &decision.writes, Some(&audit)).await?;
    Ok(StatusCode::NO_CONTENT)
}
