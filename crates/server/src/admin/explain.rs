//! Why a device has what it has: the domain's explanation over what is stored.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use ordain_catalog::nearest;
use ordain_model::enrollment::{Enrollment, Service};
use ordain_model::explain::{self, Evidence, Explanation, Past, Seen};
use ordain_model::ids::{Digest, EnrollmentId};
use ordain_model::manifest::Manifest;
use ordain_model::record::StatusRecord;
use ordain_model::report::Capabilities;
use ordain_model::wake::Wake;
use ordain_model::world::World;
use ordain_store::StoreError;

use super::devices::{fetched, find, not_there};
use super::extract::{Path, Query};
use super::fault::Fault;
use super::judged::against;
use crate::api::{ExplainQuery, Explained, Problem};
use crate::app::App;
use crate::windows::linked::Linked;

/// How many older revisions are searched for the version that a device holds.
const SEARCHED: u32 = 20;
/// How many names are compared with one that is not known.
const COMPARED: usize = 10_000;

/// Why a device has what it has, and what is missing.
#[utoipa::path(
    get, path = "/devices/{id}/explain",
    params(
        ("id" = String, Path, description = "its serial number, UDID, or enrollment identifier; or that of another channel of it"),
        ExplainQuery
    ),
    responses((status = 200, body = Explained), (status = 404, body = Problem), (status = 409, body = Problem))
)]
pub(crate) async fn explain(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Query(query): Query<ExplainQuery>,
) -> Result<Json<Explained>, Fault> {
    app.flush_sightings().await?;
    let world = app.world();
    let id = find(&app, &name)
        .await
        .map_err(|fault| awaited(&world, &name, fault))?;
    let channels = app.store.channels_of(&id).await?;
    let device = channels.iter().find(|channel| channel.id == id);
    let device = device.ok_or_else(|| not_there(&name))?;
    let of_user = name
        .parse()
        .ok()
        .filter(|named: &EnrollmentId| !named.is_device());
    let of_device = app.store.status(&id).await?;
    let linked = match device.facts.is_windows() {
        true => Some(Linked::load(&app, &world, device).await?),
        false => None,
    };
    let mut known = Vec::new();
    for channel in &channels {
        if of_user.as_ref().is_none_or(|user| *user == channel.id) {
            known.push(Known::read(&app, &world, device, &of_device, channel).await?);
        }
    }
    if known.is_empty() {
        return Err(not_there(&name));
    }
    let evidence: Vec<Evidence<'_>> = known
        .iter()
        .map(|known| Evidence {
            link: linked
                .as_ref()
                .map(Linked::link)
                .filter(|_| known.channel.id.is_device()),
            ..known.evidence(&app, &world, device, &of_device)
        })
        .collect();
    let told = match &query.declaration {
        None => evidence.iter().map(explain::channel).collect(),
        Some(declaration) => of_declaration(&evidence, declaration)?,
    };
    Ok(Json(Explained {
        id: id.to_string(),
        name: device.facts.name.clone(),
        serial: device.facts.serial.clone(),
        channels: told,
    }))
}

/// What is told of a declaration on the channels that it concerns; if it concerns none, why not the first.
fn of_declaration(evidence: &[Evidence<'_>], identifier: &str) -> Result<Vec<Explanation>, Fault> {
    let concerned = evidence.iter().filter(|of| explain::concerns(of, identifier));
    let told: Vec<_> = concerned
        .filter_map(|of| explain::declaration(of, identifier))
        .collect();
    if !told.is_empty() {
        return Ok(told);
    }
    let first = evidence
        .first()
        .and_then(|of| explain::declaration(of, identifier));
    first.map(|first| vec![first]).ok_or_else(|| {
        let known: BTreeSet<String> = evidence.iter().flat_map(explain::identifiers).collect();
        let near = nearest(identifier, known.iter().map(String::as_str), &mut { COMPARED });
        let advice = match near.as_slice() {
            [] => String::new(),
            near => format!("; did you mean {}?", near.join(" or ")),
        };
        Fault::NotFound(format!(
            "neither the newest revision nor the device has a declaration of this name: {identifier}{advice}"
        ))
    })
}

/// A device that is not there may be expected: groups can list it before it enrolls.
fn awaited(world: &World, name: &str, fault: Fault) -> Fault {
    let Fault::NotFound(what) = fault else {
        return fault;
    };
    let groups = world.revision().wish.groups.iter();
    let listing = groups.filter(|(_, group)| group.members.contains(name));
    let listing: Vec<&str> = listing.map(|(group, _)| group.as_str()).collect();
    Fault::NotFound(match listing.as_slice() {
        [] => what,
        groups => format!(
            "no device of this name has enrolled yet; the policy lists it in {}, and it will be a member once it comes",
            groups.join(", ")
        ),
    })
}

/// What is stored of one channel.
struct Known {
    channel: Enrollment,
    capabilities: Option<(Digest, Arc<Capabilities>)>,
    offered: Option<Arc<Manifest>>,
    record: StatusRecord,
    against: Option<Arc<Manifest>>,
    seen: Option<Seen>,
    wake: Wake,
    queued: Option<i64>,
    certificate: Option<i64>,
    wns: Option<String>,
    trouble: Option<(String, i64)>,
    published_at: Option<i64>,
    past: Vec<Past>,
}

impl Known {
    async fn read(
        app: &App,
        world: &World,
        device: &Enrollment,
        of_device: &StatusRecord,
        channel: &Enrollment,
    ) -> Result<Self, StoreError> {
        let id = &channel.id;
        let record = match channel.id == device.id {
            true => of_device.clone(),
            false => app.store.status(id).await?,
        };
        let sleeper = app.store.sleeper(id).await?;
        let wakes = sleeper.as_ref().map_or(0, |sleeper| sleeper.wakes);
        let seen = match app.store.sighting(id).await? {
            Some(sighting) => Some(Seen {
                at: sighting.seen_at,
                fetched: fetched(app, &sighting).await?,
                wakes,
            }),
            None => None,
        };
        let capabilities = match channel.capabilities {
            Some(digest) => {
                let known = app.objects.capabilities(&app.store, digest).await?;
                known.map(|known| (digest, known))
            }
            None => None,
        };
        let offered = match channel.offer {
            Some(offer) => app.objects.manifest(&app.store, offer.token).await?,
            None => None,
        };
        let number = world.revision().number;
        let newest = app.store.revisions(Some(number + 1), 1).await?;
        // What the one service is shown says nothing of who is pushed through the other one.
        let (service, certificate, wns) = match device.facts.is_windows() {
            true => (Service::Wns, None, app.wns().await?),
            false => (Service::Apns, app.push_certificate().await?, None),
        };
        let trouble = app.trouble(service).await?;
        let mut known = Self {
            against: against(app, &record).await?,
            channel: channel.clone(),
            capabilities,
            offered,
            record,
            seen,
            queued: sleeper.as_ref().and_then(|sleeper| sleeper.queued),
            wake: sleeper.map(|sleeper| sleeper.wake).unwrap_or_default(),
            certificate: certificate.map(|certificate| certificate.not_after),
            wns: wns.map(|credentials| credentials.package.clone()),
            trouble: trouble.map(|trouble| (trouble.reason, trouble.until)),
            published_at: newest.first().map(|revision| revision.published_at),
            past: Vec::new(),
        };
        let evidence = known.evidence(app, world, device, of_device);
        if !explain::out_of_date(&evidence).is_empty() {
            let wishes = app.store.wishes(number, SEARCHED).await?.into_iter();
            known.past = wishes
                .map(|(number, published_at, wish)| Past {
                    number,
                    published_at,
                    tokens: wish
                        .declarations
                        .into_iter()
                        .map(|(name, declaration)| (name, declaration.server_token))
                        .collect(),
                })
                .collect();
        }
        Ok(known)
    }

    fn evidence<'a>(
        &'a self,
        app: &App,
        world: &'a World,
        device: &'a Enrollment,
        device_record: &'a StatusRecord,
    ) -> Evidence<'a> {
        let capabilities = self.capabilities.as_ref();
        let trouble = self.trouble.as_ref();
        Evidence {
            world,
            published_at: self.published_at,
            past: &self.past,
            device,
            channel: &self.channel,
            capabilities: capabilities.map(|(digest, known)| (*digest, &**known)),
            offered: self.offered.as_deref(),
            record: &self.record,
            device_record,
            against: self.against.as_deref(),
            seen: self.seen.as_ref(),
            wake: &self.wake,
            queued: self.queued,
            link: None,
            push_certificate: self.certificate,
            wns: self.wns.as_deref(),
            push_trouble: trouble.map(|(why, until)| (why.as_str(), *until)),
            now: app.now(),
        }
    }
}
