//! How far a device has got, by its own word.

use std::sync::Arc;

use ordain_model::convergence;
use ordain_model::enrollment::{Counts, Drifted, Enrollment, Phase};
use ordain_model::held::Placed;
use ordain_model::manifest::Manifest;
use ordain_model::record::StatusRecord;
use ordain_model::windows::documents::is_stale;
use ordain_model::world::World;
use ordain_store::{FleetRow, Seen, StoreError};

use crate::app::App;

/// How far a device has got, by its own word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Converged,
    Pending,
    Failed,
    /// The device has been silent for too long.
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

/// How far a device has got: on its own channel and its linked one, and on those of its users as far as they speak; a user who
/// is not logged in is asleep, not failing.
pub(super) async fn judged(app: &App, world: &World, found: &FleetRow) -> Result<Judged, StoreError> {
    let device = &found.device.enrollment;
    let wanted = app.wanted(world, device, &device.id, Some(device)).await?;
    let mut counts = counts(app, device, &wanted.manifest).await?;
    for Seen { enrollment, .. } in &found.beside {
        let wanted = app
            .wanted(world, device, &enrollment.id, Some(enrollment))
            .await?;
        counts += self::counts(app, enrollment, &wanted.manifest).await?;
    }
    let documents = documents(app, world, found).await?;
    let state = match device.phase {
        Phase::CheckedOut => State::Left,
        _ if counts.failed > 0 => State::Failed,
        _ if documents == Documents::Stale => State::Unknown,
        _ if documents == Documents::Confirmed && device.is_converged(wanted.manifest.token()) => {
            State::Converged
        }
        _ => State::Pending,
    };
    let standing = linked(found).and_then(|channel| channel.enrollment.standing.as_ref());
    Ok(Judged {
        state,
        counts,
        drift: standing.map(|standing| standing.drift).unwrap_or_default(),
    })
}

/// The linked channel of a device, if it has one.
fn linked(found: &FleetRow) -> Option<&Seen> {
    let id = found.device.enrollment.id.to_linked();
    found.beside.iter().find(|channel| channel.enrollment.id == id)
}

/// How it stands with all documents of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Documents {
    /// All of them are confirmed, or there are none.
    Confirmed,
    Pending,
    /// The device has not spoken of them for so long that nobody knows how they are.
    Stale,
}

/// What is for the linked channel of a device is on that channel, or nowhere.
async fn documents(app: &App, world: &World, found: &FleetRow) -> Result<Documents, StoreError> {
    let device = &found.device.enrollment;
    if !device.facts.is_windows() {
        return Ok(Documents::Confirmed);
    }
    let linked = linked(found);
    let channel = linked.map(|channel| &channel.enrollment);
    let wanted = app.wanted(world, device, &device.id.to_linked(), channel).await?;
    let wanted = wanted.manifest;
    let Seen { enrollment, seen_at } = match linked {
        _ if wanted.entries().is_empty() => return Ok(Documents::Confirmed),
        None => return Ok(Documents::Pending),
        Some(linked) => linked,
    };
    Ok(match enrollment.is_converged(wanted.token()) {
        _ if is_stale(*seen_at, app.now()) => Documents::Stale,
        true => Documents::Confirmed,
        false => Documents::Pending,
    })
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
