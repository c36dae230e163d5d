//! Who meets whom: which declarations some device may get together.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use ordain_catalog::{Platform, PlatformSupport, Scope};
use ordain_model::declaration::Placement;
use ordain_model::wish::{Blueprint, Group};

use crate::audience::{Blueprints, Together};
use crate::declaration::Draft;
use crate::problem::{Place, Problems, quoted};

/// The sets of blueprints that devices of a policy have.
pub(crate) struct Meetings<'a> {
    blueprints: Blueprints<'a>,
    audiences: Vec<Vec<usize>>,
}

/// What is said when not all was compared.
pub(crate) const INCOMPLETE: &str = "too much of it comes together in too many ways to see what meets on each device; not all was \
                          compared";

impl<'a> Meetings<'a> {
    /// So many blueprints of audiences are kept. A policy that has more of them has nearly as many audiences as devices.
    const MAX_KEPT: usize = 2_000_000;
    /// So many declarations of sets that meet are looked at.
    const MAX_MET: usize = 100_000;

    pub(crate) fn new(
        drafts: &'a BTreeMap<String, Draft<'_>>,
        blueprints: &'a BTreeMap<String, Blueprint>,
        groups: &'a BTreeMap<String, Group>,
        problems: &mut Problems,
    ) -> Self {
        let references = drafts.iter().map(|(name, draft)| (name, &draft.references));
        let blueprints = Blueprints::new(blueprints.iter(), references);
        let (names, groups): (Vec<&str>, Vec<&Group>) = blueprints.groups_in(groups).into_iter().unzip();
        let mut audiences = HashSet::new();
        let mut kept = 0;
        let together = Together::of(&groups);
        if !together.is_complete {
            problems.warning(Place::POLICY, INCOMPLETE);
        }
        for set in together.sets {
            let named: Vec<&str> = set
                .iter()
                .filter_map(|group| names.get(*group).copied())
                .collect();
            let audience = blueprints.for_members(&named);
            kept += audience.len();
            if kept > Self::MAX_KEPT {
                problems.warning(Place::POLICY, INCOMPLETE);
                break;
            }
            audiences.insert(audience);
        }
        let mut audiences: Vec<Vec<usize>> = audiences.into_iter().collect();
        audiences.sort();
        Self {
            blueprints,
            audiences,
        }
    }

    /// How those of `drafts` come together.
    pub(crate) fn among(&self, drafts: &[&Draft<'_>], problems: &mut Problems) -> Company<'_> {
        let bringing: Vec<BTreeSet<usize>> = drafts
            .iter()
            .map(|draft| self.blueprints.bringing(&draft.identifier))
            .collect();
        let mut brought: HashMap<usize, Vec<usize>> = HashMap::new();
        for (draft, blueprints) in bringing.iter().enumerate() {
            for blueprint in blueprints {
                brought.entry(*blueprint).or_default().push(draft);
            }
        }
        let mut meetings: BTreeMap<Vec<usize>, &[usize]> = BTreeMap::new();
        let mut met = 0;
        for audience in &self.audiences {
            let brought = audience.iter().filter_map(|blueprint| brought.get(blueprint));
            let present: BTreeSet<usize> = brought.flatten().copied().collect();
            if present.len() < 2 {
                continue;
            }
            if let Entry::Vacant(new) = meetings.entry(present.into_iter().collect()) {
                met += new.key().len();
                if met > Self::MAX_MET {
                    problems.warning(Place::POLICY, INCOMPLETE);
                    break;
                }
                new.insert(audience);
            }
        }
        Company {
            blueprints: &self.blueprints,
            bringing,
            meetings: meetings.into_iter().collect(),
        }
    }
}

/// How certain declarations, known by their places in a list, come together.
pub(crate) struct Company<'a> {
    blueprints: &'a Blueprints<'a>,
    bringing: Vec<BTreeSet<usize>>,
    /// Those that some device gets, at least two, in order; each set once, with the blueprints of such a device.
    meetings: Vec<(Vec<usize>, &'a [usize])>,
}

impl Company<'_> {
    /// The sets of at least two that some device gets.
    pub(crate) fn sets(&self) -> impl Iterator<Item = (&[usize], Witness<'_>)> {
        self.meetings.iter().map(|(present, audience)| {
            let witness = Witness {
                company: self,
                audience,
            };
            (present.as_slice(), witness)
        })
    }
}

/// Devices that get a set of declarations.
#[derive(Clone, Copy)]
pub(crate) struct Witness<'a> {
    company: &'a Company<'a>,
    audience: &'a [usize],
}

impl Witness<'_> {
    /// Who gets both, by the blueprints that bring them: `devices with the blueprint …`.
    pub(crate) fn devices(self, one: usize, other: usize) -> String {
        let brings = |draft: usize, blueprint: &usize| {
            let bringing = self.company.bringing.get(draft);
            bringing.is_some_and(|bringing| bringing.contains(blueprint))
        };
        let first = |draft: usize| {
            let blueprint = self.audience.iter().find(|blueprint| brings(draft, blueprint));
            blueprint.map_or("", |blueprint| self.company.blueprints.name(*blueprint))
        };
        let both = self
            .audience
            .iter()
            .find(|blueprint| brings(one, blueprint) && brings(other, blueprint));
        match both {
            Some(both) => format!(
                "devices with the blueprint {}",
                quoted(self.company.blueprints.name(*both))
            ),
            None => format!(
                "devices with the blueprints {} and {}",
                quoted(first(one)),
                quoted(first(other))
            ),
        }
    }
}

/// The platforms that may have a declaration, and on which channel each.
pub(crate) fn channels(draft: &Draft<'_>) -> BTreeSet<(Platform, Scope)> {
    let Placement { scope, platforms, .. } = &draft.placement;
    let support = draft.known().map(|known| &known.support);
    Platform::ALL
        .iter()
        .filter(|platform| platforms.as_ref().is_none_or(|listed| listed.contains(platform)))
        .filter(|platform| {
            support.is_none_or(|support| support.on(**platform) != Some(&PlatformSupport::Never))
        })
        .map(|platform| {
            let default = || support.map(|support| support.default_scope(Some(*platform)));
            (*platform, scope.or_else(default).unwrap_or(Scope::System))
        })
        .collect()
}
