//! Configurations that get in each other's way on a device.

use std::collections::{BTreeMap, BTreeSet};

use ordain_catalog::{Apply, Kind, Platform, Scope};

use crate::compile::Compiler;
use crate::declaration::Draft;
use crate::in_force::{Activated, InForce};
use crate::meeting::{Meetings, channels};
use crate::problem::quoted;

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
    /// Warns of configurations of which a device obeys another one.
    pub(crate) fn warn_of_conflicts(
        &mut self,
        drafts: &BTreeMap<String, Draft<'_>>,
        meetings: &Meetings<'_>,
    ) {
        let activated = Activated::new(drafts.values());
        let mut by_type: BTreeMap<&str, Vec<Acting<'_>>> = BTreeMap::new();
        for draft in drafts.values() {
            if let Some(known) = draft.known().filter(|known| known.kind == Kind::Configuration) {
                let acting = Acting::new(draft, &activated);
                by_type.entry(known.name.as_str()).or_default().push(acting);
            }
        }
        for (type_name, mut acting) in by_type {
            acting.sort_by_key(|acting| acting.draft.place);
            let apply = self.catalog.declaration(type_name).and_then(|known| known.apply);
            match apply {
                Some(Apply::Single) => self.warn_of_rivals(type_name, &acting, meetings),
                Some(Apply::Combined | Apply::Multiple) | None => {}
            }
        }
    }

    /// Configurations of a type of which only one has effect.
    fn warn_of_rivals(&mut self, type_name: &str, acting: &[Acting<'_>], meetings: &Meetings<'_>) {
        let drafts: Vec<&Draft<'_>> = acting.iter().map(|acting| acting.draft).collect();
        let payloads: Vec<_> = drafts.iter().map(|draft| draft.payload.to_json()).collect();
        let mut told = BTreeSet::new();
        let company = meetings.among(&drafts);
        for (present, devices) in company.sets() {
            for (one, other) in pairs(present) {
                let (Some(earlier), Some(later)) = (acting.get(one), acting.get(other)) else {
                    continue;
                };
                if payloads.get(one) == payloads.get(other)
                    || !later.meets(earlier)
                    || !told.insert((one, other))
                {
                    continue;
                }
                let message = format!(
                    "{} and {} ({}) are both for {}, and a device obeys one {type_name} only",
                    quoted(&later.draft.identifier),
                    quoted(&earlier.draft.identifier),
                    self.problems.name(earlier.draft.place),
                    devices.devices(one, other),
                );
                self.problems.warning(later.draft.place, message);
            }
        }
    }
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
