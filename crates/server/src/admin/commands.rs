//! Commands that administrators order, and what became of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::{Extension, Json};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use ordain_apple::command::{self as wire, Problem as Mistake};
use ordain_apple::plist::Dictionary;
use ordain_catalog::Catalog;
use ordain_model::enrollment::{Enrollment, Phase};
use ordain_model::ids::EnrollmentId;
use ordain_model::windows::action;
use ordain_model::wish::ALL;
use ordain_pki::seal::KeyRing;
use ordain_store::{Actor, AuditRecord, DeliveriesOf, DeliveryRecord, result_context};
use serde_json::{Value, json};

use super::devices::{find, not_there};
use super::extract::{Path, Query, printable};
use super::fault::Fault;
use crate::api::{Command, CommandRow, Delivery, NewCommand, Page, Problem};
use crate::app::App;
use crate::body;
use crate::keys::{Keys, Unopened};
use crate::orders::{Audience, CLEAR_PASSCODE, MOST_LISTED, Order, UNLOCK_TOKEN, takes};
use crate::windows::actions;

/// The largest order, in octets of its JSON form: room for the largest file.
const MAX_ORDER: usize = 8 << 20;
const DAY: i64 = 24 * 60 * 60;
const DEFAULT_EXPIRY: i64 = 7 * DAY;
const LATEST_EXPIRY: i64 = 366 * DAY;
const DEFAULT_LIMIT: u32 = 100;
const MOST: u32 = 1_000;
/// Results can be large.
const MOST_RESULTS: u32 = 100;

/// Orders a command for devices, or for a group. What takes something from devices (it erases, locks, clears or
/// removes) must be confirmed: 428 tells what it would do to which of them. It counts against a budget per hour.
#[utoipa::path(
    post, path = "/commands", request_body = NewCommand,
    responses(
        (status = 200, body = Command), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem), (status = 428, body = Problem)
    )
)]
pub(crate) async fn order(
    State(app): State<Arc<App>>,
    Extension(actor): Extension<Actor>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Command>, Fault> {
    let body = body::read(&app.in_flight, &headers, body, MAX_ORDER).await?;
    let asked: NewCommand =
        serde_json::from_slice(&body.octets).map_err(|error| Fault::Invalid(error.to_string()))?;
    let expires_in = asked.expires_in.unwrap_or(DEFAULT_EXPIRY);
    if !(1..=LATEST_EXPIRY).contains(&expires_in) {
        let what = format!("expires_in must be from 1 to {LATEST_EXPIRY} seconds");
        return Err(Fault::Invalid(what));
    }
    let audience = audience(&app, &asked).await?;
    let is_confirmed = asked.confirm;
    let (request_type, payload) = content(asked, &app.catalogs.in_force().catalog)?;
    are_for(&audience, &request_type)?;
    let order = Order {
        request_type,
        payload,
        audience,
        expires_in,
        is_confirmed,
    };
    let id = app.order(order, &actor).await?;
    shown(&app, &id, &Page::default()).await.map(Json)
}

/// Whom it is for.
async fn audience(app: &App, asked: &NewCommand) -> Result<Audience, Fault> {
    match (&asked.group, asked.devices.as_slice()) {
        (Some(_), [_, ..]) | (None, []) => {
            let what = "an order is for devices or for a group: name either";
            Err(Fault::Invalid(what.into()))
        }
        (Some(group), []) => {
            printable("group", Some(group))?;
            if group != ALL && !app.world().revision().wish.groups.contains_key(group) {
                return Err(Fault::NotFound(format!("there is no group {group}")));
            }
            Ok(Audience::Group(group.clone()))
        }
        (None, names) if names.len() > MOST_LISTED => {
            let what = format!("an order can list {MOST_LISTED} devices; for more there are groups");
            Err(Fault::Invalid(what))
        }
        (None, names) => {
            let mut channels: BTreeMap<EnrollmentId, Enrollment> = BTreeMap::new();
            for name in names {
                let channel = channel(app, name).await?;
                channels.insert(channel.id.clone(), channel);
            }
            Ok(Audience::Listed(channels.into_values().collect()))
        }
    }
}

/// The channel that goes by `name`: a device's own, or, by its identifier, a user's.
async fn channel(app: &App, name: &str) -> Result<Enrollment, Fault> {
    let device = find(app, name).await?;
    let user = name.parse().ok().filter(|id: &EnrollmentId| !id.is_device());
    let state = app.store.channel(&user.unwrap_or(device)).await?;
    let channel = state.channel().ok_or_else(|| not_there(name))?;
    if channel.phase == Phase::CheckedOut {
        return Err(Fault::Conflict(format!(
            "{name} has checked out, and gets no commands; nothing was ordered"
        )));
    }
    Ok(channel.clone())
}

/// Refuses what the devices of one system are to do that only those of the other can.
fn are_for(audience: &Audience, request_type: &str) -> Result<(), Fault> {
    let Audience::Listed(channels) = audience else {
        return Ok(());
    };
    let Some(other) = channels.iter().find(|channel| !takes(channel, request_type)) else {
        return Ok(());
    };
    let what = match other.facts.is_windows() {
        true => "a Windows device, and takes none of Apple's commands",
        false => "no Windows device, and takes none of their commands",
    };
    Err(Fault::Conflict(format!(
        "{} is {what}; nothing was ordered",
        other.id
    )))
}

/// `RequestType` and the keys beside it.
fn content(asked: NewCommand, catalog: &Catalog) -> Result<(String, Dictionary), Fault> {
    let mistakes = |mistakes: Vec<Mistake>| Fault::Command(mistakes.iter().map(Mistake::to_string).collect());
    let mut keys = asked.keys;
    match (asked.request_type, asked.file) {
        (request_type, Some(file)) => {
            if !keys.is_empty() {
                return Err(Fault::Invalid("a file has its keys in it".into()));
            }
            let octets = STANDARD
                .decode(&file)
                .map_err(|error| Fault::Invalid(format!("file is not base64: {error}")))?;
            let (found, payload) = wire::read_file(&octets).map_err(mistakes)?;
            match request_type {
                Some(said) if said != found => {
                    Err(Fault::Invalid(format!("the file is a {found}, not a {said}")))
                }
                _ => Ok((found, payload)),
            }
        }
        (Some(request_type), None) if action::is_for_windows(&request_type) => {
            let payload = actions::content(&request_type, &keys);
            let payload = payload.map_err(|mistake| Fault::Command(vec![mistake]))?;
            Ok((request_type, payload))
        }
        (Some(request_type), None) => {
            let is_escrowed = request_type == CLEAR_PASSCODE && !keys.contains_key(UNLOCK_TOKEN);
            if is_escrowed {
                // The device's own token takes its place when the command is sent.
                keys.insert(UNLOCK_TOKEN.to_owned(), json!("AA=="));
            }
            let built = wire::build(&request_type, &keys, catalog);
            let mut payload = built.map_err(mistakes)?;
            if is_escrowed {
                payload.remove(UNLOCK_TOKEN);
            }
            Ok((request_type, payload))
        }
        (None, None) => Err(Fault::Invalid("request_type or file is missing".into())),
    }
}

/// What was ordered, the newest first.
#[utoipa::path(get, path = "/commands", params(Page), responses((status = 200, body = Vec<CommandRow>)))]
pub(crate) async fn commands(
    State(app): State<Arc<App>>,
    Query(page): Query<Page>,
) -> Result<Json<Vec<CommandRow>>, Fault> {
    let limit = page.limit.unwrap_or(DEFAULT_LIMIT).min(MOST);
    let commands = app.store.commands(before(&page), limit).await?;
    Ok(Json(commands.into_iter().map(Into::into).collect()))
}

/// One order, how far it has got, and what became of it on each channel, the newest first; at most 100 at a time.
#[utoipa::path(
    get, path = "/commands/{id}", params(("id" = String, Path, description = "the name of the order"), Page),
    responses((status = 200, body = Command), (status = 404, body = Problem))
)]
pub(crate) async fn command(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Query(page): Query<Page>,
) -> Result<Json<Command>, Fault> {
    shown(&app, &id, &page).await.map(Json)
}

/// Takes an order back where it was not sent, and where the device answered that it cannot now. What was sent stays
/// sent: the device may have carried it out.
#[utoipa::path(
    delete, path = "/commands/{id}", params(("id" = String, Path, description = "the name of the order")),
    responses((status = 200, body = Command), (status = 404, body = Problem), (status = 409, body = Problem))
)]
pub(crate) async fn cancel(
    State(app): State<Arc<App>>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
) -> Result<Json<Command>, Fault> {
    let found = shown(&app, &id, &Page::default()).await?.row;
    let states = found.states.iter();
    let is_left = states
        .clone()
        .any(|(state, count)| state.is_with_us() && *count > 0);
    if !found.reaching && !is_left {
        let states: Vec<String> = states
            .map(|(state, count)| format!("{count} {}", state.word()))
            .collect();
        return Err(Fault::Conflict(format!(
            "nothing of {id} can be taken back: {}; what was sent may have been carried out",
            states.join(", ")
        )));
    }
    let audit = AuditRecord {
        at: app.now(),
        actor,
        action: "cancel-command".into(),
        detail: json!({"id": id, "request_type": found.request_type}),
    };
    app.store.cancel(&id, &audit).await?;
    shown(&app, &id, &Page::default()).await.map(Json)
}

/// The commands of a device and of its users, the newest first; at most 100 at a time.
#[utoipa::path(
    get, path = "/devices/{id}/commands",
    params(("id" = String, Path, description = "its serial number, UDID, or enrollment identifier"), Page),
    responses((status = 200, body = Vec<Delivery>), (status = 404, body = Problem), (status = 409, body = Problem))
)]
pub(crate) async fn of_device(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Query(page): Query<Page>,
) -> Result<Json<Vec<Delivery>>, Fault> {
    let id = find(&app, &name).await?;
    deliveries(&app, DeliveriesOf::Device(&id), &page).await.map(Json)
}

async fn shown(app: &App, id: &str, page: &Page) -> Result<Command, Fault> {
    printable("id", Some(id))?;
    let found = app.store.command(id).await?;
    let found = found.ok_or_else(|| Fault::NotFound(format!("there is no order {id}")))?;
    Ok(Command {
        row: found.into(),
        deliveries: deliveries(app, DeliveriesOf::Command(id), page).await?,
    })
}

async fn deliveries(app: &App, of: DeliveriesOf<'_>, page: &Page) -> Result<Vec<Delivery>, Fault> {
    let limit = page.limit.unwrap_or(DEFAULT_LIMIT).min(MOST_RESULTS);
    // Taken before what it opens is read, so that a rotation of keys waits for it.
    let ring = app.seal.ring();
    let records = app.store.deliveries(of, before(page), limit).await?;
    let records = records.into_iter();
    Ok(records.map(|record| delivery(&app.seal, &ring, record)).collect())
}

/// A result that does not open is told of, and hides no other.
fn delivery(keys: &Keys, ring: &KeyRing, record: DeliveryRecord) -> Delivery {
    let uuid = &record.delivery.uuid;
    let result = record.result.map(|sealed| opened(keys, ring, uuid, &sealed));
    let (result, lost) = match result.transpose() {
        Ok(result) => (result, None),
        Err(lost) => (None, Some(lost.to_string())),
    };
    Delivery {
        queued: record.delivery.into(),
        enrollment: record.enrollment.to_string(),
        generation: record.generation,
        open: record.is_open,
        ordered_at: record.ordered_at,
        sent_at: record.sent_at,
        answered_at: record.answered_at,
        reason: record.reason,
        result,
        result_lost: lost,
    }
}

fn opened(keys: &Keys, ring: &KeyRing, uuid: &str, sealed: &[u8]) -> Result<Value, Unopened> {
    const WHAT: &str = "what the device answered";
    let opened = ring.open(&result_context(uuid), sealed);
    let opened = opened.map_err(|error| keys.lost(WHAT, error))?;
    serde_json::from_slice(&opened).map_err(|error| Unopened::Lost(format!("{WHAT} is not JSON: {error}")))
}

fn before(page: &Page) -> Option<i64> {
    page.before
        .map(|number| i64::try_from(number).unwrap_or(i64::MAX))
}
