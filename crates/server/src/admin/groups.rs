//! Groups: who is in them, and of whom nobody knows.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use ordain_model::enrollment::{Enrollment, Phase};
use ordain_model::wish::{ALL, Group};
use ordain_model::world::World;
use ordain_store::StoreError;
use serde_json::Value;

use super::extract::{Path, Query};
use super::fault::Fault;
use crate::api::{
    Evaluation, GroupMember, GroupMembers, GroupPage, GroupRow, Groups, Problem, UnknownGroup,
    UnknownMembership,
};
use crate::app::App;

/// Devices are read so many at a time,
const STRETCH: u32 = 1_000;
/// and looked at for one request so many at most.
const MOST: u32 = 5_000;

/// Lists the groups, and counts their members.
#[utoipa::path(get, path = "/groups", responses((status = 200, body = Groups)))]
pub(crate) async fn groups(State(app): State<Arc<App>>) -> Result<Json<Groups>, Fault> {
    let world = app.world();
    let evaluation = evaluation(&app, &world).await?;
    let wish = &world.revision().wish;
    let mut listing: HashMap<&str, Vec<&str>> = HashMap::new();
    for (name, group) in &wish.groups {
        for member in &group.members {
            listing.entry(member).or_default().push(name);
        }
    }
    let mut members: BTreeMap<&str, usize> = BTreeMap::new();
    let mut after = None;
    loop {
        let stretch = app.store.devices(after.as_ref(), STRETCH).await?;
        let Some(last) = stretch.last() else { break };
        after = Some(last.device.enrollment.id.clone());
        for device in stretch.iter().map(|row| &row.device.enrollment) {
            if device.phase == Phase::CheckedOut {
                continue;
            }
            let names = device.facts.names(&device.id);
            let listed = names.filter_map(|name| listing.get(name)).flatten().copied();
            let decided = device.groups.member.iter().map(String::as_str);
            let mut groups: Vec<&str> = listed.chain(decided).collect();
            groups.sort_unstable();
            groups.dedup();
            for group in groups.into_iter().filter(|group| world.is_member(device, group)) {
                if let Some((name, _)) = wish.groups.get_key_value(group) {
                    *members.entry(name).or_default() += 1;
                }
            }
        }
    }
    let row = |(name, group): (&String, &Group)| GroupRow {
        name: name.clone(),
        description: group.description.clone(),
        condition: group.condition.clone(),
        listed: group.members.len(),
        members: members.get(name.as_str()).copied().unwrap_or_default(),
    };
    Ok(Json(Groups {
        groups: wish.groups.iter().map(row).collect(),
        evaluation,
        revision: world.revision().number,
    }))
}

/// Looks at a stretch of the devices, in the order of their identifiers: who of them is in the group, and of whom that
/// is unknown.
#[utoipa::path(
    get, path = "/groups/{name}",
    params(("name" = String, Path, description = "the name of the group; `all` has every device"), GroupPage),
    responses(
        (status = 200, body = GroupMembers), (status = 400, body = Problem), (status = 404, body = Problem)
    )
)]
pub(crate) async fn group(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Query(page): Query<GroupPage>,
) -> Result<Json<GroupMembers>, Fault> {
    let world = app.world();
    let nothing = Group::default();
    let group = match world.revision().wish.groups.get(&name) {
        Some(group) => group,
        None if name == ALL => &nothing,
        None => return Err(Fault::NotFound(format!("there is no group {name}"))),
    };
    let after = page.after.map(|after| after.parse()).transpose();
    let after = after.map_err(|_| Fault::Invalid("after is no enrollment identifier".into()))?;
    let limit = page.limit.unwrap_or(STRETCH).clamp(1, MOST);
    let devices = app.store.known_devices(after.as_ref(), limit).await?;
    let is_last = devices.len() < limit as usize;
    let last = devices.last().map(|known| known.state.id.to_string());
    let (mut members, mut unknown) = (Vec::new(), Vec::new());
    for known in &devices {
        let Some(device) = known
            .state
            .device()
            .filter(|device| device.phase != Phase::CheckedOut)
        else {
            continue;
        };
        let is_member = world.is_member(device, &name);
        if is_member {
            members.push(member(device));
        }
        if let Some(missing) = world.conditions().missing(&name, device, &known.items) {
            unknown.push(UnknownMembership {
                device: member(device),
                is_member,
                missing: missing.into_iter().collect(),
            });
        }
    }
    Ok(Json(GroupMembers {
        description: group.description.clone(),
        condition: group.condition.clone(),
        listed: group.members.len(),
        members,
        unknown,
        looked_at: devices.len(),
        after: last.filter(|_| !is_last),
        evaluation: evaluation(&app, &world).await?,
        revision: world.revision().number,
        name,
    }))
}

fn member(device: &Enrollment) -> GroupMember {
    GroupMember {
        id: device.id.to_string(),
        name: device.facts.name.clone(),
        serial: device.facts.serial.clone(),
    }
}

async fn evaluation(app: &App, world: &World) -> Result<Evaluation, StoreError> {
    let devices = app.store.count_devices().await?;
    let due = app.due(world).await?;
    Ok(Evaluation {
        decided: devices.saturating_sub(due),
        devices,
    })
}

/// The groups by predicate of which it is unknown whether a device belongs to them.
pub(super) fn unknown_groups(
    world: &World,
    device: &Enrollment,
    items: &BTreeMap<String, Value>,
) -> Vec<UnknownGroup> {
    let groups = world.revision().wish.groups.keys();
    let unknown = groups.filter_map(|name| {
        let missing = world.conditions().missing(name, device, items)?;
        Some(UnknownGroup {
            name: name.clone(),
            is_member: world.is_member(device, name),
            missing: missing.into_iter().collect(),
        })
    });
    unknown.collect()
}
