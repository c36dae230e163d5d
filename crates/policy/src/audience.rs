//! Who gets what: the groups that devices are in together, the blueprints that this gives them, and the declarations
//! that those bring.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use ordain_model::wish::{ALL, Blueprint, Group, Wish};

/// Groups that some device may be in together.
pub(crate) struct Together {
    /// By their places, each set in order. That of devices which are in none is among them.
    pub(crate) sets: Vec<Vec<usize>>,
    /// Whether there were not too many of them.
    pub(crate) is_complete: bool,
}

impl Together {
    /// So many sets at most.
    const MOST: usize = 100_000;

    /// Those of `groups`. A group by predicate may have any device, whatever else that is in; groups of one predicate
    /// have the same. More than two predicates at a time are not looked at: it takes no more for two declarations to
    /// meet.
    pub(crate) fn of(groups: &[&Group]) -> Self {
        let listed = listed_together(groups);
        let mut by_condition: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (place, group) in groups.iter().enumerate() {
            if let Some(condition) = &group.condition {
                by_condition.entry(condition).or_default().push(place);
            }
        }
        let conditions: Vec<Vec<usize>> = by_condition.into_values().collect();
        let none = std::iter::once(Vec::new());
        let one = conditions.iter().cloned();
        let two = conditions.iter().enumerate().flat_map(|(place, one)| {
            let others = conditions.iter().skip(place + 1);
            others.map(|other| one.iter().chain(other).copied().collect())
        });
        let mut sets = none.chain(one).chain(two).flat_map(|besides: Vec<usize>| {
            listed.iter().map(move |set| {
                let mut set: Vec<usize> = set.iter().chain(&besides).copied().collect();
                set.sort_unstable();
                set
            })
        });
        Self {
            sets: sets.by_ref().take(Self::MOST).collect(),
            is_complete: sets.next().is_none(),
        }
    }
}

/// The listed ones of `groups`, by their places there, that some device is in together, each set once and in order. That
/// of devices which are in none is among them.
///
/// Devices count by the names that lists have for them: one that is listed under two names counts twice.
fn listed_together(groups: &[&Group]) -> Vec<Vec<usize>> {
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

    /// Those of `groups` that decide who gets them, in order of their names.
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
            members: members.iter().map(|name| (*name).to_owned()).collect(),
            ..Group::default()
        }
    }

    fn by_predicate(condition: &str) -> Group {
        Group {
            condition: Some(condition.to_owned()),
            ..Group::default()
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
        let mut sets = Together::of(&groups.iter().collect::<Vec<_>>()).sets;
        sets.sort();
        assert_eq!(sets, [vec![], vec![0, 1, 2], vec![0, 2], vec![1, 4]]);
    }

    #[test]
    fn any_device_may_be_in_groups_by_predicate_and_those_of_one_predicate_have_the_same() {
        let groups = [
            by_predicate("1"),
            group(&["a"]),
            by_predicate("2"),
            by_predicate("1"),
        ];
        let mut together = Together::of(&groups.iter().collect::<Vec<_>>());
        together.sets.sort();
        let sets: [&[usize]; 8] = [
            &[],
            &[0, 1, 2, 3],
            &[0, 1, 3],
            &[0, 2, 3],
            &[0, 3],
            &[1],
            &[1, 2],
            &[2],
        ];
        assert_eq!(together.sets, sets);
        assert!(together.is_complete);
    }

    #[test]
    fn too_many_sets_are_not_made() {
        let groups: Vec<Group> = (0..2_000)
            .map(|number| by_predicate(&number.to_string()))
            .collect();
        let together = Together::of(&groups.iter().collect::<Vec<_>>());
        assert!(!together.is_complete);
        assert_eq!(together.sets.len(), Together::MOST);
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
