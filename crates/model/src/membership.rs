//! Memberships in groups by predicate: decided when what is known of a device changes, and kept, so that whoever is
//! served is not waited for.
//!
//! True makes a member and false none. Unknown leaves it as it was, and at first a device is in no group, so that nothing
//! is taken from a device, nor given to it, for want of a fact.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ordain_predicate::{Dialect, Predicate, Truth, parse};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::decision::Write;
use crate::enrollment::Enrollment;
use crate::ids::Digest;
use crate::subject::{Subject, terms};
use crate::sync::Behind;
use crate::wish::Wish;
use crate::world::World;

/// What was decided of the memberships of a device, on its own channel; on those of users nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// By which conditions ([`Conditions::digest`]); none: what is known has changed since, or there were none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Digest>,
    /// A revision that had these conditions.
    #[serde(default)]
    pub revision: u64,
    /// The groups that it is in.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub member: BTreeSet<String>,
}

impl Decided {
    /// The same, but due: what is known has changed, and not all of it is at hand.
    #[must_use]
    pub fn due(self) -> Self {
        Self { by: None, ..self }
    }
}

/// The predicates of a wish's groups, each read once.
#[derive(Debug, Default)]
pub struct Conditions {
    digest: Option<Digest>,
    /// None for a text that was published by a program that read more than this one: its outcome is unknown.
    predicates: BTreeMap<String, Option<Predicate>>,
    /// What they are about.
    status: BTreeSet<String>,
    terms: BTreeSet<String>,
    /// How many predicates were evaluated, by this and by what it took the place of.
    evaluations: Arc<AtomicU64>,
}

impl Conditions {
    /// Those of `wish`. Evaluations are added to `evaluations`.
    pub(crate) fn new(wish: &Wish, evaluations: Arc<AtomicU64>) -> Self {
        let by_predicate = wish.groups.iter();
        let texts: BTreeMap<&String, &String> = by_predicate
            .filter_map(|(name, group)| Some((name, group.condition.as_ref()?)))
            .collect();
        let mut conditions = Self {
            // Maps of strings can be written.
            digest: (!texts.is_empty()).then(|| Digest::of(&serde_json::to_vec(&texts).unwrap_or_default())),
            evaluations,
            ..Self::default()
        };
        for (name, text) in texts {
            let predicate = parse(text, Dialect::Server).ok();
            if let Some(predicate) = &predicate {
                let needs = predicate.needs();
                conditions.status.extend(needs.status);
                conditions.terms.extend(needs.device);
            }
            conditions.predicates.insert(name.clone(), predicate);
        }
        conditions
    }

    /// The hash of all names and texts; none without any. What was decided by it is decided, until a fact changes.
    pub fn digest(&self) -> Option<Digest> {
        self.digest
    }

    /// How many predicates were evaluated to decide memberships.
    pub fn evaluations(&self) -> u64 {
        self.evaluations.load(Ordering::Relaxed)
    }

    pub(crate) fn counter(&self) -> Arc<AtomicU64> {
        self.evaluations.clone()
    }

    pub(crate) fn has(&self, group: &str) -> bool {
        self.predicates.contains_key(group)
    }

    /// The facts for want of which nobody knows whether `device` is in `group`, a group by predicate; none when that is
    /// known. It is unknown without any, too, when a part of the predicate has no outcome.
    pub fn missing(
        &self,
        group: &str,
        device: &Enrollment,
        items: &BTreeMap<String, Value>,
    ) -> Option<BTreeSet<String>> {
        let Some(predicate) = self.predicates.get(group)? else {
            return Some(BTreeSet::new());
        };
        let subject = Subject::new(device, items);
        if predicate.evaluate_with_unknown(&subject) != Truth::Unknown {
            return None;
        }
        let explanation = predicate.explain(&subject);
        Some(explanation.missing().into_iter().map(str::to_owned).collect())
    }

    /// Whether something that a predicate is about has changed.
    fn are_touched(&self, before: Basis<'_>, after: Basis<'_>) -> bool {
        let is_another = |name: &String| before.items.get(name) != after.items.get(name);
        if self.status.iter().any(is_another) {
            return true;
        }
        if self.terms.is_empty() || before.device.facts == after.device.facts {
            return false;
        }
        let (old, new) = (terms(before.device), terms(after.device));
        self.terms
            .iter()
            .any(|term| old.get(term.as_str()) != new.get(term.as_str()))
    }
}

/// What memberships are decided on: a device with the status items that its own channel has reported.
#[derive(Debug, Clone, Copy)]
pub struct Basis<'a> {
    /// Its own channel.
    pub device: &'a Enrollment,
    /// What that has reported.
    pub items: &'a BTreeMap<String, Value>,
}

/// Decides the memberships of a device by the conditions of `world`.
///
/// # Errors
/// When newer conditions than those of this node decided them: it has to reload.
pub fn decide(world: &World, Basis { device, items }: Basis<'_>) -> Result<Decided, Behind> {
    let conditions = world.conditions();
    let before = &device.groups;
    if before.by != conditions.digest && before.revision > world.revision().number {
        return Err(Behind);
    }
    let subject = Subject::new(device, items);
    let is_member = |(name, predicate): &(&String, &Option<Predicate>)| {
        let truth = predicate.as_ref().map_or(Truth::Unknown, |predicate| {
            conditions.evaluations.fetch_add(1, Ordering::Relaxed);
            predicate.evaluate_with_unknown(&subject)
        });
        match truth {
            Truth::True => true,
            Truth::False => false,
            Truth::Unknown => before.member.contains(*name),
        }
    };
    let members = conditions.predicates.iter().filter(is_member);
    Ok(Decided {
        by: conditions.digest,
        revision: world.revision().number,
        member: members.map(|(name, _)| name.clone()).collect(),
    })
}

/// The memberships of a device that has reported something new: decided again if a predicate is about that, or if that
/// was due anyway.
///
/// # Errors
/// As [`decide`].
pub fn after_report(world: &World, before: Basis<'_>, after: Basis<'_>) -> Result<Decided, Behind> {
    let (conditions, decided) = (world.conditions(), &before.device.groups);
    if decided.by == conditions.digest && !conditions.are_touched(before, after) {
        return Ok(decided.clone());
    }
    decide(world, after)
}

/// The memberships of a device of which something else was learned, while its status items are not at hand.
pub(crate) fn after_learning(before: &Enrollment, after: &Enrollment) -> Decided {
    match terms(before) == terms(after) {
        true => before.groups.clone(),
        false => before.groups.clone().due(),
    }
}

/// What is to be written of a device whose memberships are decided again, after it became what is `known`. Whoever gets
/// another share is woken.
///
/// # Errors
/// As [`decide`].
pub fn redecided(world: &World, known: Basis<'_>, now: i64) -> Result<Vec<Write>, Behind> {
    let Basis { device, .. } = known;
    let groups = decide(world, known)?;
    let mut writes = Vec::new();
    if groups.member != device.groups.member {
        writes.push(Write::Wake(device.id.clone(), now));
    }
    writes.push(Write::Enrollment(Box::new(Enrollment {
        groups,
        ..device.clone()
    })));
    Ok(writes)
}
