//! The state of the whole fleet, counted.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State as Shared;
use ordain_model::enrollment::Phase;
use ordain_model::wish::ALL;

use super::extract::Query;
use super::fault::Fault;
use super::judged::{Judged, SILENT_AFTER, State, judged};
use crate::api::{Compliance, ComplianceQuery, DeviceCounts, PlatformCompliance, Problem};
use crate::app::App;

/// Devices are read so many at a time.
const STRETCH: u32 = 1_000;
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
    let repaired_since = app.now().saturating_sub(REPAIRED_WITHIN.into());
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
            if !is_meant || device.phase == Phase::CheckedOut {
                continue;
            }
            let Judged { state, drift, .. } = judged(&app, &world, &found, query.silent_after).await?;
            let has_repaired = drift.repaired_at.is_some_and(|at| at >= repaired_since);
            for counts in [&mut total, platforms.entry(device.facts.system()).or_default()] {
                counts.devices += 1;
                *match state {
                    State::Converged => &mut counts.converged,
                    State::Failed => &mut counts.failed,
                    State::Pending => &mut counts.pending,
                    State::Unknown | State::Left => &mut counts.unknown,
                } += 1;
                if state != State::Unknown {
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
        silent_after: query.silent_after.unwrap_or(SILENT_AFTER),
        repaired_within: REPAIRED_WITHIN,
        revision: world.revision().number,
    }))
}
