//! The whole wish as published: declarations, blueprints, groups.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::declaration::Declaration;
use crate::ids::Digest;

/// The group of every device. No policy may define one of this name.
pub const ALL: &str = "all";

/// What administrators want, compiled from a policy directory. Its serialized form is deterministic.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Wish {
    /// By identifier.
    pub declarations: BTreeMap<String, Declaration>,
    /// By name.
    pub blueprints: BTreeMap<String, Blueprint>,
    /// By name; `all` is not among them.
    pub groups: BTreeMap<String, Group>,
}

/// A named collection of declarations with the groups it is for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blueprint {
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Members of any of these get it,
    pub include: BTreeSet<String>,
    /// unless they are members of one of these.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub exclude: BTreeSet<String>,
    /// Identifiers of declarations; what those refer to comes along.
    pub declarations: BTreeSet<String>,
}

/// A set of devices: listed, or by a predicate.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Serial numbers, UDIDs, or enrollment identifiers of devices; none of a group by predicate.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub members: BTreeSet<String>,
    /// The predicate of which devices it has: its author's text, in the server's dialect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
}

/// A published wish. Numbers grow by one.
#[derive(Debug, Clone, PartialEq)]
pub struct Revision {
    /// 0 before anything was published.
    pub number: u64,
    /// What was published.
    pub wish: Wish,
    /// The facts of the catalog that it was published under. Its manifests are made by that one whatever comes after.
    pub catalog: Digest,
}

impl Revision {
    /// What there is before anything was published.
    pub fn nothing(catalog: Digest) -> Self {
        Self {
            number: 0,
            wish: Wish::default(),
            catalog,
        }
    }

    /// What publishing `self` after `before` changes.
    pub fn changes_since(&self, before: &Revision) -> Changes {
        let is_another = before.number > 0 && before.catalog != self.catalog;
        Changes {
            declarations: difference(&before.wish.declarations, &self.wish.declarations),
            blueprints: difference(&before.wish.blueprints, &self.wish.blueprints),
            groups: difference(&before.wish.groups, &self.wish.groups),
            catalog: is_another.then_some(CatalogChange {
                from: before.catalog,
                to: self.catalog,
            }),
        }
    }
}

impl Wish {
    /// The hash of the whole wish: equal wishes, equal digests.
    pub fn digest(&self) -> Digest {
        // Maps with string keys and no floats but those inside checked payloads: this cannot fail.
        Digest::of(&serde_json::to_vec(self).unwrap_or_default())
    }
}

/// The names that one publication adds, changes and removes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// Of declarations, by identifier.
    pub declarations: Difference,
    /// Of blueprints, by name.
    pub blueprints: Difference,
    /// Of groups, by name.
    pub groups: Difference,
    /// The catalog, when another one than before decides what devices can take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub catalog: Option<CatalogChange>,
}

/// One catalog in the place of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogChange {
    /// The facts that it was published under before,
    pub from: Digest,
    /// and those from now on.
    pub to: Digest,
}

/// Names added, changed and removed, each in order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// New names.
    pub added: Vec<String>,
    /// Names whose content differs.
    pub changed: Vec<String>,
    /// Names that are gone.
    pub removed: Vec<String>,
}

impl Changes {
    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

fn difference<T: PartialEq>(before: &BTreeMap<String, T>, after: &BTreeMap<String, T>) -> Difference {
    let names = |map: &BTreeMap<String, T>, keep: &dyn Fn(&str, &T) -> bool| {
        map.iter()
            .filter(|(name, item)| keep(name, item))
            .map(|(name, _)| name.clone())
            .collect()
    };
    Difference {
        added: names(after, &|name, _| !before.contains_key(name)),
        changed: names(after, &|name, item| {
            before.get(name).is_some_and(|old| old != item)
        }),
        removed: names(before, &|name, _| !after.contains_key(name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_name_what_was_added_changed_and_removed() {
        let group = |member: &str| Group {
            members: [member.to_owned()].into(),
            ..Group::default()
        };
        let wish = |groups: &[(&str, &str)]| Wish {
            groups: groups
                .iter()
                .map(|(name, member)| ((*name).to_owned(), group(member)))
                .collect(),
            ..Wish::default()
        };
        let revision = |number, groups, catalog: &str| Revision {
            number,
            wish: wish(groups),
            catalog: Digest::of(catalog.as_bytes()),
        };
        let before = revision(1, &[("b", "1"), ("c", "1")], "old");
        let after = revision(2, &[("a", "1"), ("b", "2")], "old");
        let changes = after.changes_since(&before);
        assert_eq!(changes.groups.added, ["a"]);
        assert_eq!(changes.groups.changed, ["b"]);
        assert_eq!(changes.groups.removed, ["c"]);
        assert!(changes.declarations.added.is_empty() && !changes.is_empty());
        assert_eq!(changes.catalog, None);

        let same = revision(2, &[("b", "1"), ("c", "1")], "old");
        assert!(same.changes_since(&before).is_empty());
        let judged_anew = revision(2, &[("b", "1"), ("c", "1")], "new").changes_since(&before);
        let replaced = CatalogChange {
            from: before.catalog,
            to: Digest::of(b"new"),
        };
        assert_eq!(judged_anew.catalog, Some(replaced));
        assert!(!judged_anew.is_empty() && judged_anew.groups == Difference::default());
        let first = before.changes_since(&Revision::nothing(Digest::of(b"new")));
        assert_eq!(first.catalog, None, "there was none before");
        assert_ne!(wish(&[("a", "1")]).digest(), wish(&[("a", "2")]).digest());
    }
}
