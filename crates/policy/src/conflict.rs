//! Configurations that get in each other's way on a device.

use std::collections::{BTreeMap, BTreeSet};

use ordain_catalog::{Apply, DeclarationType, Kind, Platform, Scope, replaced_by};

use crate::compile::Compiler;
use crate::declaration::Draft;
use crate::in_force::{Activated, InForce};
use crate::meeting::{Meetings, channels};
use crate::payload::Payload;
use crate::problem::quoted;
use crate::tree::{Node, Value};

/// A configuration, and where and when it acts.
struct Acting<'a> {
    draft: &'a Draft<'a>,
    channels: BTreeSet<(Platform, Scope)>,
    in_force: InForce<'a>,
}

impl<'a> Acting<'a> {
    fn new(draft: &'a Draft<'a>, activated: &Activated<'a>) -> Self {
        Self {
            draft,
            channels: channels(draft),
            in_force: activated.of(draft),
        }
    }

    /// Whether both can act on a channel at a time, when a device gets both.
    fn meets(&self, other: &Self) -> bool {
        !self.channels.is_disjoint(&other.channels) && self.in_force.overlaps(&other.in_force)
    }
}

/// How many of those before it each configuration of a set is compared with: sets are small, and must not cost their
/// square when they are not.
const COMPARED: usize = 16;

impl Compiler<'_> {
    /// Warns of configurations that contradict each other, and of profiles that contradict configurations.
    pub(crate) fn warn_of_conflicts(
        &mut self,
        drafts: &BTreeMap<String, Draft<'_>>,
        meetings: &Meetings<'_>,
    ) {
        let activated = Activated::new(drafts.values());
        let mut configurations: BTreeMap<&str, Vec<Acting<'_>>> = BTreeMap::new();
        let mut profiles: BTreeMap<&str, Vec<Carrying<'_>>> = BTreeMap::new();
        for draft in drafts.values() {
            let Some(known) = draft.known().filter(|known| known.kind == Kind::Configuration) else {
                continue;
            };
            let acting = Acting::new(draft, &activated);
            configurations.entry(&known.name).or_default().push(acting);
            for payload in &draft.carried {
                for type_name in replaced_by(&payload.type_name) {
                    let acting = Acting::new(draft, &activated);
                    profiles
                        .entry(type_name)
                        .or_default()
                        .push(Carrying { acting, payload });
                }
            }
        }
        for (type_name, mut acting) in configurations {
            let Some(known) = self.catalog.declaration(type_name) else {
                continue;
            };
            acting.sort_by_key(|acting| acting.draft.place);
            if known.apply.is_some_and(|apply| apply != Apply::Multiple) {
                self.warn_of_contradictions(known, &acting, meetings);
            }
            if let Some(profiles) = profiles.get(type_name) {
                self.warn_of_profiles(known, &acting, profiles, meetings);
            }
        }
    }

    /// Of configurations of a type, of which one has effect or which are merged, those that leave open what is in force.
    fn warn_of_contradictions(
        &mut self,
        known: &DeclarationType,
        acting: &[Acting<'_>],
        meetings: &Meetings<'_>,
    ) {
        let drafts: Vec<&Draft<'_>> = acting.iter().map(|acting| acting.draft).collect();
        let payloads: Vec<_> = drafts.iter().map(|draft| draft.payload.to_json()).collect();
        let company = meetings.among(&drafts, &mut self.problems);
        let mut compared = BTreeSet::new();
        for (present, devices) in company.sets() {
            for (one, other) in pairs(present) {
                let (Some(earlier), Some(later)) = (acting.get(one), acting.get(other)) else {
                    continue;
                };
                let (Some(first), Some(second)) = (payloads.get(one), payloads.get(other)) else {
                    continue;
                };
                if !compared.insert((one, other)) || !later.meets(earlier) {
                    continue;
                }
                let conflicts = known
                    .effective(&[first, second])
                    .map_or_else(Vec::new, |effective| effective.conflicts);
                let devices = devices.devices(one, other);
                if known.apply == Some(Apply::Combined) {
                    for conflict in &conflicts {
                        self.warn_of_key(&conflict.pointer, later.draft, earlier.draft, &devices);
                    }
                } else if !conflicts.is_empty() {
                    let message = format!(
                        "{} and {} ({}) are both for {devices}, and a device obeys one {} only",
                        quoted(&later.draft.identifier),
                        quoted(&earlier.draft.identifier),
                        self.problems.name(earlier.draft.place),
                        known.name,
                    );
                    self.problems.warning(later.draft.place, message);
                }
            }
        }
    }

    fn warn_of_key(&mut self, pointer: &str, later: &Draft<'_>, earlier: &Draft<'_>, devices: &str) {
        let place = |draft: &Draft<'_>| {
            draft
                .payload
                .pointer(pointer)
                .map_or(draft.place, |node| node.place)
        };
        let message = format!(
            "{} is something else in {} ({}), and both are for {devices}: it is not said which one counts",
            quoted(&path(pointer)),
            quoted(&earlier.identifier),
            self.problems.name(place(earlier)),
        );
        self.problems.warning(place(later), message);
    }

    /// Of profiles that carry what declarations of this type have replaced, those that come to a device beside one.
    /// Where each has its own effect, only those that set the same.
    fn warn_of_profiles(
        &mut self,
        known: &DeclarationType,
        declared: &[Acting<'_>],
        profiles: &[Carrying<'_>],
        meetings: &Meetings<'_>,
    ) {
        let drafts: Vec<&Draft<'_>> = declared
            .iter()
            .chain(profiles.iter().map(|profile| &profile.acting))
            .map(|acting| acting.draft)
            .collect();
        let company = meetings.among(&drafts, &mut self.problems);
        let mut compared = BTreeSet::new();
        for (present, devices) in company.sets() {
            for (one, other) in pairs(present) {
                let Some(declared) = declared.get(one) else {
                    continue;
                };
                let Some(profile) = other
                    .checked_sub(drafts.len() - profiles.len())
                    .and_then(|place| profiles.get(place))
                else {
                    continue;
                };
                if !compared.insert((one, other)) || !profile.acting.meets(declared) {
                    continue;
                }
                let Some(shared) = profile.shared_with(known, &declared.draft.payload) else {
                    continue;
                };
                let message = format!(
                    "{} and {} ({}), which sets the same by {}, are both for {}{shared}; keep one of them",
                    profile.payload.type_name,
                    quoted(&declared.draft.identifier),
                    self.problems.name(declared.draft.place),
                    known.name,
                    devices.devices(one, other),
                );
                self.problems.warning(profile.payload.keys.place, message);
            }
        }
    }
}

/// A profile with one of its payloads.
struct Carrying<'a> {
    acting: Acting<'a>,
    payload: &'a Payload,
}

impl Carrying<'_> {
    /// The keys that it shares with a declaration of this type, in words; `None` when the two may well stand side by
    /// side.
    fn shared_with(&self, known: &DeclarationType, declared: &Node) -> Option<String> {
        let own = &self.payload.keys;
        // One payload type is for all sorts of VPN, and declarations have a type for each.
        let is_always_on = own
            .get("VPNType")
            .is_none_or(|sort| sort.as_text() == Some("AlwaysOn"));
        if known.name.ends_with(".vpn.always-on") && !is_always_on {
            return None;
        }
        let both = own.members().iter().filter_map(|member| {
            let mut others = declared.members().iter();
            let other = others.find(|other| other.key.eq_ignore_ascii_case(&member.key))?;
            Some((member, other))
        });
        let both: Vec<_> = both
            .filter(|(member, other)| match known.apply {
                Some(Apply::Multiple) => {
                    !matches!(member.value.value, Value::Bool(_))
                        && member.value.to_json() == other.value.to_json()
                }
                _ => true,
            })
            .map(|(_, other)| quoted(&other.key))
            .take(SHOWN)
            .collect();
        match (known.apply, both.as_slice()) {
            (Some(Apply::Multiple), []) => None,
            (_, []) => Some(String::new()),
            (_, both) => Some(format!(", and both set {}", both.join(", "))),
        }
    }
}

/// How many keys are named.
const SHOWN: usize = 8;

/// The way that a JSON pointer tells, as people write it: `A.B[0].C`.
fn path(pointer: &str) -> String {
    let mut path = String::new();
    for step in pointer.split('/').skip(1) {
        let name = step.replace("~1", "/").replace("~0", "~");
        if name.bytes().all(|byte| byte.is_ascii_digit()) {
            path += &format!("[{name}]");
        } else {
            let dot = if path.is_empty() { "" } else { "." };
            path += &format!("{dot}{name}");
        }
    }
    path
}

/// Pairs of what is in the list, the earlier one first.
fn pairs(present: &[usize]) -> impl Iterator<Item = (usize, usize)> {
    present.iter().enumerate().flat_map(move |(position, later)| {
        let before = present.get(..position).unwrap_or_default();
        let from = position.saturating_sub(COMPARED);
        let compared = before.get(from..).unwrap_or_default();
        compared.iter().map(move |earlier| (*earlier, *later))
    })
}
