//! How far a device has got, by its own word.

use std::sync::Arc;

use ordain_model::convergence;
use ordain_model::enrollment::{Counts, Drifted, Enrollment, Phase};
use ordain_model::held::Placed;
use ordain_model::manifest::Manifest;
use ordain_model::record::StatusRecord;
use ordain_model::windows::documents::is_stale;
use ordain_model::windows::poll::poll_interval;
use ordain_model::world::World;
use ordain_store::{FleetRow, Seen, StoreError};

use crate::app::App;

/// How far a device has got, by its own word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Converged,
    Pending,
    Failed,
    /// The device has never reported, or has been silent for too long.
    Unknown,
    Left,
}

impl State {
    pub(super) const ALL: [Self; 5] = [
        Self::Converged,
        Self::Pending,
        Self::Failed,
        Self::Unknown,
        Self::Left,
    ];

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Converged => "converged",
            Self::Pending => "pending",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::Left => "left",
        }
    }
}

/// What is made of what a device has said.
pub(super) struct Judged {
    pub(super) state: State,
    /// The verdicts on all its channels.
    pub(super) counts: Counts,
    /// What has drifted of its documents.
    pub(super) drift: Drifted,
}

/// In seconds. Windows devices hold a session once in 26 hours, Apple's are asked daily: twice that, and a weekend.
pub(super) const SILENT_AFTER: u32 = 3 * 24 * 60 * 60;

/// How far a device has got: on its own channel and its linked one, and on those of its users as far as they speak; a user who
/// is not logged in is asleep, not failing. `silent_after` is how many seconds without a word make that unknown.
pub(super) async fn judged(
    app: &App,
    world: &World,
    found: &FleetRow,
    silent_after: Option<u32>,
) -> Result<Judged, StoreError> {
    let device = &found.device.enrollment;
    let wanted = app.wanted(world, device, &device.id, Some(device)).await?;
    let documents = documents(app, world, found).await?;
    let mut counts = counts(app, device, &wanted.manifest).await?;
    let linked = device.id.to_linked();
    let users = found.beside.iter().map(|channel| &channel.enrollment);
    for user in users.filter(|channel| channel.id != linked) {
        let wanted = app.wanted(world, device, &user.id, Some(user)).await?;
        counts += self::counts(app, user, &wanted.manifest).await?;
    }
    let state = match (device.phase, documents.standing) {
        (Phase::CheckedOut, _) => State::Left,
        _ if is_silent(world, &found.device, &wanted.manifest, silent_after, app.now()) => State::Unknown,
        _ if counts.failed > 0 => State::Failed,
        (_, Standing::Stale) => State::Unknown,
        _ if documents.counts.failed > 0 => State::Failed,
        (_, Standing::Confirmed) if device.is_converged(wanted.manifest.token()) => State::Converged,
        _ => State::Pending,
    };
    counts += documents.counts;
    Ok(Judged {
        state,
        counts,
        drift: documents.drift,
    })
}

/// Whether nobody knows how a device is: it has never reported, or not spoken for longer than `silent_after` seconds; where
/// nobody says, [`SILENT_AFTER`], or two sessions of a Windows device that is to come more seldom.
fn is_silent(world: &World, device: &Seen, wanted: &Manifest, silent_after: Option<u32>, now: i64) -> bool {
    let Seen { enrollment, seen_at } = device;
    let Some(seen_at) = seen_at.filter(|_| enrollment.standing.is_some()) else {
        return true;
    };
    let silence = now.saturating_sub(seen_at);
    let is_in_time = || {
        silent_after.is_none()
            && enrollment.facts.is_windows()
            && silence <= 2 * poll_interval(wanted, &world.revision().wish)
    };
    silence > silent_after.unwrap_or(SILENT_AFTER).into() && !is_in_time()
}

/// How it stands with all documents of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// All of them are confirmed, or there are none.
    Confirmed,
    Pending,
    /// The device has not spoken of them for so long that nobody knows how they are.
    Stale,
}

/// What is made of what a device has said of its documents.
struct Documents {
    standing: Standing,
    counts: Counts,
    drift: Drifted,
}

/// What is for the linked channel of a device is on that channel, or nowhere.
async fn documents(app: &App, world: &World, found: &FleetRow) -> Result<Documents, StoreError> {
    let device = &found.device.enrollment;
    let mut documents = Documents {
        standing: Standing::Confirmed,
        counts: Counts::default(),
        drift: Drifted::default(),
    };
    if !device.facts.is_windows() {
        return Ok(documents);
    }
    let id = device.id.to_linked();
    let linked = found.beside.iter().find(|channel| channel.enrollment.id == id);
    let channel = linked.map(|channel| &channel.enrollment);
    let wanted = app.wanted(world, device, &id, channel).await?.manifest;
    if !wanted.entries().is_empty() {
        documents.standing = match linked {
            Some(linked) if is_stale(linked.seen_at, app.now()) => Standing::Stale,
            Some(linked) if linked.enrollment.is_converged(wanted.token()) => Standing::Confirmed,
            _ => Standing::Pending,
        };
    }
    if let Some(channel) = channel {
        documents.counts = counts(app, channel, &wanted).await?;
        let standing = channel.standing.as_ref();
        documents.drift = standing.map(|standing| standing.drift).unwrap_or_default();
    }
    Ok(documents)
}

/// The verdicts over what a channel should hold. Those that were made when it reported count only for the manifest
/// that they were made over; where another one is wanted by now, what it said is judged by that.
async fn counts(app: &App, channel: &Enrollment, wanted: &Manifest) -> Result<Counts, StoreError> {
    match &channel.standing {
        None => Ok(Counts::default()),
        Some(standing) if standing.judged == Some(wanted.token()) => Ok(standing.counts),
        Some(_) => {
            let record = app.store.status(&channel.id).await?;
            let against = against(app, &record).await?;
            let listing = record.held.unpack(against.as_deref());
            let placed = Placed::new(&listing, wanted);
            Ok(convergence::count(&convergence::assess(&placed, &record.items)))
        }
    }
}

/// The manifest that a record was packed against.
pub(super) async fn against(app: &App, record: &StatusRecord) -> Result<Option<Arc<Manifest>>, StoreError> {
    match record.held.against {
        Some(token) => app.objects.manifest(&app.store, token).await,
        None => Ok(None),
    }
}
