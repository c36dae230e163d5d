//! Who gets what: the groups that devices are in together, the blueprints that this gives them, and the declarations
//! that those bring.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use ordain_model::wish::{ALL, Blueprint, Group, Wish};

/// The groups, by their places in `groups`, that some device is in together, each set once and in order. That of
/// devices which are in none is among them.
///
/// Devices count by the names that lists have for them: one that is listed under two names counts twice.
pub(crate) fn memberships(groups: &[&Group]) -> Vec<Vec<usize>> {
    // Each group splits the sets so far: those of its members, and the others.
    let mut sets = vec![Vec::new()];
    let mut members = vec![1_usize];
    // Growing would hash every name again and again.
    let listed: usize = groups.iter().map(|group| group.members.len()).sum();
    let mut set_of: HashMap<&str, usize> = HashMap::with_capacity(listed.min(1 << 20));
    for (group, listed) in groups.iter().enumerate() {
        let mut split: HashMap<usize, usize> = HashMap::new();
        for name in &listed.members {
            let set = set_of.entry(name).or_default();
            let within = *split.entry(*set).or_insert_with(|| {
                let mut within = sets.get(*set).cloned().unwrap_or_default();
                within.push(group);
                sets.push(within);
                members.push(0);
                sets.len() - 1
            });
            if let Some(left) = members.get_mut(*set).filter(|_| *set > 0) {
                *left -= 1;
            }
            *set = within;
            if let Some(joined) = members.get_mut(within) {
                *joined += 1;
            }
        }
    }
    let inhabited = sets.into_iter().zip(members).filter(|(_, members)| *members > 0);
    inhabited.map(|(set, _)| set).collect()
}

/// The blueprints of a policy, by their places in the order of their names.
pub(crate) struct Blueprints<'a> {
    named: Vec<(&'a str, &'a Blueprint)>,
    including: HashMap<&'a str, Vec<usize>>,
    listing: HashMap<&'a str, Vec<usize>>,
    referring: HashMap<&'a str, Vec<&'a str>>,
}

impl<'a> Blueprints<'a> {
    /// `references` has every declaration with those that it names.
    pub(crate) fn new(
        blueprints: impl Iterator<Item = (&'a String, &'a Blueprint)>,
        references: impl Iterator<Item = (&'a String, &'a BTreeSet<String>)>,
    ) -> Self {
        let named: Vec<(&str, &Blueprint)> = blueprints
            .map(|(name, blueprint)| (name.as_str(), blueprint))
            .collect();
        let mut including: HashMap<&str, Vec<usize>> = HashMap::new();
        let mut listing: HashMap<&str, Vec<usize>> = HashMap::new();
        for (place, (_, blueprint)) in named.iter().enumerate() {
            for group in &blueprint.include {
                including.entry(group).or_default().push(place);
            }
            for identifier in &blueprint.declarations {
                listing.entry(identifier).or_default().push(place);
            }
        }
        let mut referring: HashMap<&str, Vec<&str>> = HashMap::new();
        for (identifier, named) in references {
            for name in named {
                referring.entry(name).or_default().push(identifier);
            }
        }
        Self {
            named,
            including,
            listing,
            referring,
        }
    }

    /// Those of a wish.
    pub(crate) fn of(wish: &'a Wish) -> Self {
        let references = wish
            .declarations
            .iter()
            .map(|(identifier, declaration)| (identifier, &declaration.references));
        Self::new(wish.blueprints.iter(), references)
    }

    /// Those of the listed `groups` that decide who gets them, in order of their names.
    pub(crate) fn groups_in<'g>(&self, groups: &'g BTreeMap<String, Group>) -> Vec<(&'g str, &'g Group)> {
        let named: BTreeSet<&String> = self
            .named
            .iter()
            .flat_map(|(_, blueprint)| blueprint.include.iter().chain(&blueprint.exclude))
            .collect();
        let listed = named.into_iter().filter_map(|name| groups.get_key_value(name));
        listed.map(|(name, group)| (name.as_str(), group)).collect()
    }

    /// The blueprints that bring a declaration to those who have them. What others name comes along with those, and only
    /// so: an asset with configurations, a configuration with the policy's own activations.
    pub(crate) fn bringing(&self, identifier: &str) -> BTreeSet<usize> {
        let mut seen = HashSet::new();
        let mut open = vec![identifier];
        let mut bringing = BTreeSet::new();
        while let Some(identifier) = open.pop() {
            if !seen.insert(identifier) {
                continue;
            }
            match self.referring.get(identifier) {
                Some(referring) => open.extend(referring),
                None => bringing.extend(self.listing.get(identifier).into_iter().flatten()),
            }
        }
        bringing
    }

    /// The blueprints for devices that are in these groups, which are in order, and in `all`; in order.
    pub(crate) fn for_members(&self, groups: &[&str]) -> Vec<usize> {
        let is_member = |group: &String| group == ALL || groups.binary_search(&group.as_str()).is_ok();
        let including = groups.iter().chain([&ALL]);
        let included: BTreeSet<usize> = including
            .filter_map(|group| self.including.get(group))
            .flatten()
            .copied()
            .collect();
        let is_excluded = |place: &usize| {
            let blueprint = self.named.get(*place);
            blueprint.is_some_and(|(_, blueprint)| blueprint.exclude.iter().any(is_member))
        };
        included.into_iter().filter(|place| !is_excluded(place)).collect()
    }

    pub(crate) fn name(&self, place: usize) -> &'a str {
        self.named.get(place).map_or("", |(name, _)| name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(members: &[&str]) -> Group {
        Group {
            description: None,
            members: members.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    #[test]
    fn only_sets_that_some_device_is_in_count() {
        let groups = [
            group(&["a", "b"]),
            group(&["b", "c"]),
            group(&["a", "b"]),
            group(&[]),
            group(&["c"]),
        ];
        let mut sets = memberships(&groups.iter().collect::<Vec<_>>());
        sets.sort();
        assert_eq!(sets, [vec![], vec![0, 1, 2], vec![0, 2], vec![1, 4]]);
    }

    #[test]
    fn blueprints_bring_what_their_declarations_name() {
        let names =
            |names: &[&str]| -> BTreeSet<String> { names.iter().map(|name| (*name).to_owned()).collect() };
        let blueprint = |include: &[&str], exclude: &[&str], declarations: &[&str]| Blueprint {
            description: None,
            include: names(include),
            exclude: names(exclude),
            declarations: names(declarations),
        };
        let all = [
            ("a".to_owned(), blueprint(&["all"], &["lab"], &["activation"])),
            (
                "b".to_owned(),
                blueprint(&["lab", "shop"], &[], &["configuration", "alone"]),
            ),
            ("c".to_owned(), blueprint(&["lab"], &["all"], &["asset"])),
        ];
        let references = [
            ("activation".to_owned(), names(&["configuration"])),
            ("configuration".to_owned(), names(&["asset"])),
            ("loop".to_owned(), names(&["loop"])),
        ];
        let blueprints = Blueprints::new(
            all.iter().map(|(name, blueprint)| (name, blueprint)),
            references.iter().map(|(name, named)| (name, named)),
        );
        let groups = ["all", "lab", "other"].map(|name| (name.to_owned(), group(&[])));
        let groups = groups.into();
        let named = blueprints.groups_in(&groups);
        assert_eq!(named, [("all", &group(&[])), ("lab", &group(&[]))]);
        assert_eq!(blueprints.bringing("asset"), [0].into());
        assert_eq!(blueprints.bringing("activation"), [0].into());
        assert_eq!(blueprints.bringing("alone"), [1].into());
        assert!(blueprints.bringing("loop").is_empty() && blueprints.bringing("nothing").is_empty());
        assert_eq!(blueprints.for_members(&[]), [0]);
        assert_eq!(blueprints.for_members(&["lab"]), [1]);
        assert_eq!(blueprints.for_members(&["lab", "shop"]), [1]);
        assert_eq!(blueprints.for_members(&["shop"]), [0, 1]);
    }
}
