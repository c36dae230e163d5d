//! What devices are about to lose, compared with what is in force: ways to the server, and what proves who they are.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use ordain_catalog::{Catalog, Platform, PlatformSupport};
use ordain_model::declaration::Placement;
use ordain_model::wish::{Blueprint, Group, Wish};

use crate::audience::{Blueprints, Together};
use crate::compile::Compiler;
use crate::declaration::Draft;
use crate::problem::{Place, quoted};

/// Something that devices should not lose unnoticed.
struct Guarded {
    /// The types of declarations and of profiles' payloads that give it.
    types: &'static [&'static str],
    /// Whether any other of these types does as well; else each is missed unless another one comes for it.
    any_will_do: bool,
    /// What may come of it, and what to do.
    why: &'static str,
}

const GUARDED: [Guarded; 5] = [
    Guarded {
        types: &[
            "com.apple.apn.managed",
            "com.apple.cellular",
            "com.apple.cellularprivatenetwork.managed",
            "com.apple.firstactiveethernet.managed",
            "com.apple.firstethernet.managed",
            "com.apple.globalethernet.managed",
            "com.apple.secondactiveethernet.managed",
            "com.apple.secondethernet.managed",
            "com.apple.thirdactiveethernet.managed",
            "com.apple.thirdethernet.managed",
            "com.apple.wifi.managed",
        ],
        any_will_do: true,
        why: "no other configuration of a network (Wi-Fi, Ethernet, cellular) is left to them, and without a network \
              nothing more can be changed on them; give them another one first",
    },
    Guarded {
        types: &[
            "com.apple.configuration.network.relay",
            "com.apple.configuration.network.vpn.always-on",
            "com.apple.relay.managed",
            "com.apple.vpn.managed",
        ],
        any_will_do: true,
        why: "no other VPN or relay is left to them; make sure that they reach this server without",
    },
    Guarded {
        types: &[
            "com.apple.ADCertificate.managed",
            "com.apple.asset.credential.acme",
            "com.apple.asset.credential.identity",
            "com.apple.asset.credential.scep",
            "com.apple.configuration.security.identity",
            "com.apple.security.acme",
            "com.apple.security.pkcs12",
            "com.apple.security.scep",
        ],
        any_will_do: false,
        why: "the identity in it goes with it; make sure that no network and no server on their way here asks for it",
    },
    Guarded {
        types: &[
            "com.apple.asset.credential.certificate",
            "com.apple.configuration.security.certificate",
            "com.apple.security.pem",
            "com.apple.security.pkcs1",
            "com.apple.security.root",
        ],
        any_will_do: false,
        why: "the certificate in it goes with it; make sure that they trust no network and no server on their way here \
              by it",
    },
    Guarded {
        types: &[
            "com.apple.MCX.FileVault2",
            "com.apple.security.FDERecoveryKeyEscrow",
            "com.apple.security.FDERecoveryRedirect",
        ],
        any_will_do: true,
        why: "nothing else is left to them that escrows recovery keys, and a Mac without one stays locked when its \
              password is lost; give them another one first",
    },
];

/// Something guarded that a policy gives.
#[derive(PartialEq)]
struct Gift<'a> {
    /// The place in [`GUARDED`].
    guarded: usize,
    identifier: &'a str,
    platforms: BTreeSet<Platform>,
    /// By their places.
    blueprints: BTreeSet<usize>,
}

/// A policy, as far as it is looked at here.
struct Side<'a> {
    blueprints: Blueprints<'a>,
    gifts: Vec<Gift<'a>>,
    groups: Vec<(&'a str, &'a Group)>,
}

impl<'a> Side<'a> {
    /// `given` has each declaration with the types that it gives and its placement.
    fn new(
        blueprints: Blueprints<'a>,
        groups: &'a BTreeMap<String, Group>,
        given: impl Iterator<Item = (&'a str, Vec<&'a str>, &'a Placement)>,
        catalog: &Catalog,
    ) -> Self {
        let mut gifts = Vec::new();
        for (identifier, types, placement) in given {
            let guards = |guarded: &Guarded| types.iter().any(|name| guarded.types.contains(name));
            for (guarded, _) in GUARDED.iter().enumerate().filter(|(_, guarded)| guards(guarded)) {
                gifts.push(Gift {
                    guarded,
                    identifier,
                    platforms: platforms(types.first().copied(), placement, catalog),
                    blueprints: blueprints.bringing(identifier),
                });
            }
        }
        let groups = blueprints.groups_in(groups);
        Self {
            blueprints,
            gifts,
            groups,
        }
    }

    /// The blueprints of devices in these of its groups.
    fn audience(&self, groups: &[usize]) -> Vec<usize> {
        let names: Vec<&str> = groups
            .iter()
            .filter_map(|group| self.groups.get(*group))
            .map(|(name, _)| *name)
            .collect();
        self.blueprints.for_members(&names)
    }

    /// What an audience is given of one kind.
    fn given(&self, guarded: usize, audience: &[usize]) -> Vec<&Gift<'a>> {
        let is_given = |gift: &&Gift<'_>| {
            gift.guarded == guarded && audience.iter().any(|place| gift.blueprints.contains(place))
        };
        self.gifts.iter().filter(is_given).collect()
    }
}

impl Compiler<'_> {
    /// Warns of what some devices have by the policy in force and would no longer have.
    pub(crate) fn warn_of_removals(
        &mut self,
        drafts: &BTreeMap<String, Draft<'_>>,
        blueprints: &BTreeMap<String, Blueprint>,
        groups: &BTreeMap<String, Group>,
    ) {
        let Some(wish) = self.before else { return };
        let before = of_wish(wish, self.catalog);
        let after = of_drafts(drafts, blueprints, groups, self.catalog);
        if before.gifts.is_empty()
            || (before.gifts == after.gifts && wish.blueprints == *blueprints && wish.groups == *groups)
        {
            return;
        }
        for ((guarded, identifier), from) in losses(&before, &after) {
            let Some(Guarded { why, .. }) = GUARDED.get(guarded) else {
                continue;
            };
            let place = drafts.get(identifier).map_or(Place::POLICY, |draft| draft.place);
            let named: Vec<String> = from.iter().take(3).map(|name| quoted(name)).collect();
            let others = match from.len().saturating_sub(named.len()) {
                0 => String::new(),
                others => format!(" and {others} more"),
            };
            let message = format!(
                "some devices lose {}, which they had by the blueprint {}{others}: {why}",
                quoted(identifier),
                named.join(", "),
            );
            self.problems.warning(place, message);
        }
    }
}

/// What some devices lose, by kind and identifier, with the names of the blueprints that gave it to them.
fn losses<'a>(before: &Side<'a>, after: &Side<'_>) -> BTreeMap<(usize, &'a str), BTreeSet<&'a str>> {
    // Devices are followed from one policy to the other by the groups of both.
    let groups: Vec<&Group> = before
        .groups
        .iter()
        .chain(&after.groups)
        .map(|(_, group)| *group)
        .collect();
    let changes: HashSet<(Vec<usize>, Vec<usize>)> = Together::of(&groups)
        .sets
        .into_iter()
        .map(|set| {
            let (old, new) = set.split_at(set.partition_point(|group| *group < before.groups.len()));
            let new: Vec<usize> = new.iter().map(|group| group - before.groups.len()).collect();
            (before.audience(old), after.audience(&new))
        })
        .collect();
    let mut losses: BTreeMap<(usize, &str), BTreeSet<&str>> = BTreeMap::new();
    for (old, new) in &changes {
        for (guarded, Guarded { any_will_do, .. }) in GUARDED.iter().enumerate() {
            let had = before.given(guarded, old);
            let have = after.given(guarded, new);
            let is_kept = |gift: &Gift<'_>, platform: &Platform| {
                let mut kept = have.iter().filter(|kept| kept.identifier == gift.identifier);
                kept.any(|kept| kept.platforms.contains(platform))
            };
            // Where any will do, it is enough that the platform has one; else one has to have come.
            let is_new = |gift: &&&Gift<'_>| had.iter().all(|old| old.identifier != gift.identifier);
            let in_its_place: BTreeSet<Platform> = have
                .iter()
                .filter(|gift| *any_will_do || is_new(gift))
                .flat_map(|gift| gift.platforms.iter().copied())
                .collect();
            for gift in &had {
                let mut platforms = gift.platforms.difference(&in_its_place);
                if platforms.any(|platform| !is_kept(gift, platform)) {
                    let giving = old.iter().filter(|place| gift.blueprints.contains(place));
                    losses
                        .entry((guarded, gift.identifier))
                        .or_default()
                        .extend(giving.map(|place| before.blueprints.name(*place)));
                }
            }
        }
    }
    losses
}

/// The policy in force. Assets go where the configurations go that use them.
fn of_wish<'a>(wish: &'a Wish, catalog: &Catalog) -> Side<'a> {
    let given = wish.declarations.values().map(|declaration| {
        let own = [declaration.type_name.as_str()];
        let types = own
            .into_iter()
            .chain(declaration.carries.iter().map(String::as_str));
        (
            declaration.identifier.as_str(),
            types.collect(),
            &declaration.placement,
        )
    });
    Side::new(Blueprints::of(wish), &wish.groups, given, catalog)
}

fn of_drafts<'a>(
    drafts: &'a BTreeMap<String, Draft<'_>>,
    blueprints: &'a BTreeMap<String, Blueprint>,
    groups: &'a BTreeMap<String, Group>,
    catalog: &Catalog,
) -> Side<'a> {
    let given = drafts.values().map(|draft| {
        let carried = draft.carried.iter().map(|payload| payload.type_name.as_str());
        let types = draft.type_name().into_iter().chain(carried);
        (draft.identifier.as_str(), types.collect(), &draft.placement)
    });
    let references = drafts.iter().map(|(name, draft)| (name, &draft.references));
    Side::new(
        Blueprints::new(blueprints.iter(), references),
        groups,
        given,
        catalog,
    )
}

/// The platforms that may have a declaration of this type.
fn platforms(type_name: Option<&str>, placement: &Placement, catalog: &Catalog) -> BTreeSet<Platform> {
    let known = type_name.and_then(|name| catalog.declaration(name));
    let has = |platform: &Platform| {
        known.is_none_or(|known| known.support.on(*platform) != Some(&PlatformSupport::Never))
    };
    let listed = placement.platforms.as_ref();
    Platform::ALL
        .iter()
        .copied()
        .filter(|platform| listed.is_none_or(|listed| listed.contains(platform)) && has(platform))
        .collect()
}
