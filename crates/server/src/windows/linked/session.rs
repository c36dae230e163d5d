//! Linked sessions: what the device says of its documents, and which it is sent.

use std::collections::BTreeMap;
use std::sync::Arc;

use ordain_catalog::windows::{LocUri, WindowsCatalog};
use ordain_model::decision::Write;
use ordain_model::enrollment::Enrollment;
use ordain_model::ids::{Channel, Digest};
use ordain_model::manifest::Manifest;
use ordain_model::record::StatusRecord;
use ordain_model::report::Report;
use ordain_model::windows::action::UNLINK;
use ordain_model::windows::channel_of;
use ordain_model::windows::document::Document;
use ordain_model::windows::documents::{Declared, Documents, Scene as View, Session, Told};
use ordain_model::windows::enroll;
use ordain_model::windows::session::{OutOfTurn, Turn};

use super::MANAGEMENT;
use crate::app::App;
use crate::device::fault::Fault;
use crate::device::scene::Scene;
use crate::windows::declared::WIRE;
use crate::windows::session::{Answered, Hearing, Speaks, payload, report, wire};

impl Speaks for Session {
    const CHANNEL: Channel = Channel::Linked;
    const PATH: &str = MANAGEMENT;

    fn begin(id: String, _: Option<&Self>) -> Self {
        // What outlasts a session is part of what the channel has reported.
        Self::begin(id)
    }

    fn turn(
        before: Option<&Self>,
        id: &str,
        message: u32,
        heard: Digest,
        begins: u32,
    ) -> Result<Turn, OutOfTurn> {
        Self::turn(before, id, message, heard, begins)
    }

    async fn answer(mut self, hearing: Hearing<'_>) -> Result<Answered<Self>, Fault> {
        let Hearing {
            app,
            scene,
            channel,
            manifest,
            wanted,
            heard,
            digest,
        } = hearing;
        let record = app.store.reported(&scene.state).await?;
        let policy = load(app, &manifest).await?;
        let list = heard.said.documents.as_deref().unwrap_or_default();
        let view = View {
            wanted: &policy.wanted,
            catalog: WindowsCatalog::builtin(),
            is_ending: policy.has_unwanted(list) && is_ending(app, scene).await?,
            wire: WIRE,
            now: scene.now,
        };
        self.hears(heard.header.message_id, digest);
        let mut documents = record.documents.clone();
        let first = u32::try_from(heard.statuses.len() + 1).unwrap_or(u32::MAX);
        let answer = self.respond(&view, &mut documents, heard.said.clone(), first);
        let mut writes = Vec::new();
        if answer.reports {
            let list = heard.said.documents.as_deref();
            writes = report(app, scene, channel, wanted, &record, |before| {
                self.report(&view, &documents, list, before)
            })
            .await?;
            // A new channel knows nothing of what the one before has told.
            let before = &record.documents;
            let is_news = before.inventory() != documents.inventory() || !documents.sets_the_same(before);
            if before.known.is_empty() || is_news {
                writes.extend(facts(app, scene, before, &documents).await?);
            }
            for (declared, place) in policy.wanted.iter().zip(&policy.places) {
                let known = documents.of(&declared.identifier);
                if known.is_some_and(|known| known.is_taken && known.token == declared.token) {
                    app.sightings
                        .fetched(channel, manifest.token(), *place, scene.now);
                }
            }
        }
        let reply = wire::write(heard, &answer)?;
        Ok(Answered {
            session: self,
            writes,
            reply,
        })
    }

    /// The primary enrollment stays.
    async fn leave(app: &App, scene: &Scene) -> Result<Vec<Write>, Fault> {
        let mut writes = enroll::unenroll(scene.device()?, scene.channel()?, scene.now).writes;
        let none = Documents::default();
        writes.extend(facts(app, scene, &none, &none).await?);
        Ok(writes)
    }
}

/// What a session is decided by.
struct Policy {
    wanted: Vec<Declared>,
    /// Of those, the places in the manifest.
    places: Vec<usize>,
}

impl Policy {
    /// Whether there is a document that is not wanted.
    fn has_unwanted(&self, list: &[Told]) -> bool {
        let is_wanted = |told: &Told| self.wanted.iter().any(|it| it.id() == told.id);
        !list.iter().all(is_wanted)
    }
}

/// Whether the enrollment was ordered to end, and the device has not said what came of it.
async fn is_ending(app: &App, scene: &Scene) -> Result<bool, Fault> {
    let queue = app.store.queue(&scene.device()?.id, 0, u32::MAX).await?;
    Ok(queue.iter().any(|delivery| delivery.request_type == UNLINK))
}

/// What the manifest has.
async fn load(app: &App, manifest: &Manifest) -> Result<Policy, Fault> {
    let (mut wanted, mut places) = (Vec::new(), Vec::new());
    for (place, entry) in manifest.entries().iter().enumerate() {
        if channel_of(&entry.type_name) != Some(Channel::Linked) {
            continue;
        }
        let lost = || Fault::Unavailable(format!("the declaration {} is lost", entry.identifier));
        let declared = declared(app, &entry.identifier, entry.server_token).await?;
        wanted.push(declared.ok_or_else(lost)?);
        places.push(place);
    }
    Ok(Policy { wanted, places })
}

/// What its documents set, with their identifiers.
pub(super) async fn resources(app: &App, manifest: &Manifest) -> Result<BTreeMap<LocUri, String>, Fault> {
    let wanted = load(app, manifest).await?.wanted.into_iter();
    let catalog = WindowsCatalog::builtin();
    let resources = wanted.flat_map(|declared| {
        let resources = declared.document.resources(catalog).into_iter();
        resources.map(move |resource| (resource, declared.identifier.clone()))
    });
    Ok(resources.collect())
}

/// A document, if it is still known.
async fn declared(app: &App, identifier: &str, token: Digest) -> Result<Option<Declared>, Fault> {
    let payload = payload(app, token).await?;
    let document = payload.and_then(|payload| Document::from_payload(&payload).ok());
    Ok(document.map(|document| Declared::new(identifier.to_owned(), token, document)))
}

/// What is written on the device's own channel: what inventories have told, since groups are decided by that, and what is
/// to be taken away there of documents that are gone.
async fn facts(app: &App, scene: &Scene, before: &Documents, after: &Documents) -> Result<Vec<Write>, Fault> {
    let device: &Enrollment = scene.device()?;
    let record: Arc<StatusRecord> = Arc::new(app.store.status(&device.id).await?);
    let told = after.told(&record);
    let mut cleaning = record.cleaning.clone();
    cleaning.follow(before, after, scene.now);
    if told.is_none() && cleaning == record.cleaning {
        return Ok(Vec::new());
    }
    let told = Report {
        // They are of its own sessions.
        problems: record.problems.clone(),
        cleaning: Some(cleaning),
        ..told.unwrap_or_default()
    };
    let wanted = app.wanted(&scene.world, device, &device.id, Some(device)).await?;
    report(app, scene, device, wanted, &record, |_| told).await
}
