//! The state of the whole fleet, counted.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State as Shared;
use ordain_model::wish::ALL;

use super::extract::Query;
use super::fault::Fault;
use super::judged::{Judged, State, judged};
use crate::api::{Compliance, ComplianceQuery, DeviceCounts, PlatformCompliance, Problem};
use crate::app::App;

/// Devices are read so many at a time.
const STRETCH: u32 = 1_000;
/// In seconds. Windows devices hold a session once in 26 hours, Apple's are asked daily: twice that, and a weekend.
const SILENT_AFTER: u32 = 3 * 24 * 60 * 60;
/// How long it is told that devices have repaired something, in seconds: a week.
const REPAIRED_WITHIN: u32 = 7 * 24 * 60 * 60;

/// Counts the devices by platform and state.
#[utoipa::path(
    get, path = "/compliance", params(ComplianceQuery),
    responses(
        (status = 200, body = Compliance), (status = 400, body = Problem), (status = 404, body = Problem)
    )
)]
pub(crate) async fn compliance(
    Shared(app): Shared<Arc<App>>,
    Query(query): Query<ComplianceQuery>,
) -> Result<Json<Compliance>, Fault> {
    app.flush_sightings().await?;
    let world = app.world();
    if let Some(group) = &query.group
        && group != ALL
        && !world.revision().wish.groups.contains_key(group)
    {
        return Err(Fault::NotFound(format!("there is no group {group}")));
    }
    let silent_after = query.silent_after.unwrap_or(SILENT_AFTER);
    let now = app.now();
    let heard_since = now.saturating_sub(silent_after.into());
    let repaired_since = now.saturating_sub(REPAIRED_WITHIN.into());
    let mut platforms: BTreeMap<Option<&str>, DeviceCounts> = BTreeMap::new();
    let mut total = DeviceCounts::default();
    let mut after = None;
    loop {
        let stretch = app.store.devices(after.as_ref(), STRETCH).await?;
        let Some(last) = stretch.last() else { break };
        after = Some(last.device.enrollment.id.clone());
        for found in stretch {
            let device = &found.device.enrollment;
            let is_meant = (query.group.as_ref()).is_none_or(|group| world.is_member(device, group));
            if !is_meant {
                continue;
            }
            let Judged { state, drift, .. } = judged(&app, &world, &found).await?;
            if state == State::Left {
                continue;
            }
            let is_known =
                device.standing.is_some() && found.device.seen_at.is_some_and(|at| at >= heard_since);
            let state = Some(state).filter(|state| is_known && *state != State::Unknown);
            let has_repaired = drift.repaired_at.is_some_and(|at| at >= repaired_since);
            for counts in [&mut total, platforms.entry(device.facts.system()).or_default()] {
                counts.devices += 1;
                *match state {
                    Some(State::Converged) => &mut counts.converged,
                    Some(State::Failed) => &mut counts.failed,
                    Some(State::Pending) => &mut counts.pending,
                    Some(State::Unknown | State::Left) | None => &mut counts.unknown,
                } += 1;
                if state.is_some() {
                    counts.drifted += u64::from(drift.open > 0);
                    counts.repaired += u64::from(has_repaired);
                }
            }
        }
    }
    let mut platforms: Vec<_> = platforms
        .into_iter()
        .map(|(platform, counts)| PlatformCompliance {
            platform: platform.map(str::to_owned),
            counts,
        })
        .collect();
    platforms.sort_by_key(|row| {
        (
            row.platform.is_none(),
            row.platform.as_ref().map(|name| name.to_lowercase()),
        )
    });
    Ok(Json(Compliance {
        platforms,
        total,
        silent_after,
        repaired_within: REPAIRED_WITHIN,
        revision: world.revision().number,
    }))
}
