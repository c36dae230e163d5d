//! What a device makes of its activations' predicates, against what Ordain makes of them. The two differ only when our
//! model of the device is wrong, or what the device says of itself.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::OnceLock;

use ordain_predicate::{Dialect, Explanation, Fact, Facts, Predicate, Source, Truth, parse};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::held::{PREDICATE, Placed};
use crate::manifest::Entry;
use crate::report::{Listed, Validity};

/// What a device says of an activation's predicate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Said {
    /// It holds: the activation is active.
    True,
    /// It does not: `Info.Predicate`.
    False,
    /// It is none: `Error.UnableToParsePredicate` and the like.
    Unreadable,
    /// It has no outcome: `Error.UnableToEvaluatePredicate`, `Error.PredicateFailed`.
    Failed,
}

/// What two say of one predicate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Comparison {
    /// By what the device has reported of itself.
    pub ours: Truth,
    /// By the device, if it says.
    pub theirs: Option<Said>,
}

/// Whether two say the same of one predicate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Agreement {
    /// They do.
    Agreed,
    /// They do not: one of them is wrong.
    Disputed,
    /// One of them does not know.
    NotComparable,
}

impl Comparison {
    /// What was published was read here, so a device that cannot read it contradicts, whatever the outcome is.
    pub fn agreement(self) -> Agreement {
        match (self.ours, self.theirs) {
            (_, Some(Said::Unreadable)) => Agreement::Disputed,
            (Truth::Unknown, _) | (_, None) => Agreement::NotComparable,
            (Truth::True, Some(Said::True)) | (Truth::False, Some(Said::False)) => Agreement::Agreed,
            (Truth::True | Truth::False, Some(_)) => Agreement::Disputed,
        }
    }
}

/// How many of the activations that a listing is laid over are disputed. `items` are the status items that the channel
/// has reported.
pub fn count(placed: &Placed<'_>, items: &BTreeMap<String, Value>) -> u32 {
    let predicates = placed.manifest.conditions().of(placed.manifest.entries());
    let disputed = predicates
        .iter()
        .filter(|(place, _)| compare(placed, items, **place).agreement() == Agreement::Disputed);
    u32::try_from(disputed.count()).unwrap_or(u32::MAX)
}

/// What is said of the predicate of the activation at `place` of the manifest.
pub fn compare(placed: &Placed<'_>, items: &BTreeMap<String, Value>, place: usize) -> Comparison {
    let predicate = placed.manifest.conditions().at(placed.manifest.entries(), place);
    let known = Known { placed, items };
    Comparison {
        ours: predicate.map_or(Truth::Unknown, |predicate| {
            predicate.evaluate_with_unknown(&known)
        }),
        theirs: placed.entries.get(place).copied().flatten().and_then(said),
    }
}

/// Why the predicate of the activation at `place` comes to what it does here; `None` when it has none.
pub fn explain(placed: &Placed<'_>, items: &BTreeMap<String, Value>, place: usize) -> Option<Explanation> {
    let predicate = placed
        .manifest
        .conditions()
        .at(placed.manifest.entries(), place)?;
    Some(predicate.explain(&Known { placed, items }))
}

/// What a device says by listing an activation so.
fn said(listed: &Listed<'_>) -> Option<Said> {
    if listed.active {
        return Some(Said::True);
    }
    listed
        .reasons
        .iter()
        .find_map(|reason| match reason.code.as_str() {
            PREDICATE if listed.valid != Validity::Invalid => Some(Said::False),
            "Error.UnableToParsePredicate" | "Error.UnableToParsePredicateWithCustomOperator" => {
                Some(Said::Unreadable)
            }
            "Error.UnableToEvaluatePredicate" | "Error.PredicateFailed" => Some(Said::Failed),
            _ => None,
        })
}

/// What a device knows, as far as it has said so: the status items that it reported, and the properties of declarations
/// that it holds.
struct Known<'a> {
    placed: &'a Placed<'a>,
    items: &'a BTreeMap<String, Value>,
}

impl Facts for Known<'_> {
    fn value(&self, _: usize, fact: &Fact) -> Option<&Value> {
        match fact.source {
            Source::Status => self.items.get(&fact.name),
            Source::Property => property(self.placed, &fact.name).map(|(_, value)| value),
            // Words of the server's dialect.
            Source::Device | Source::Tag => None,
        }
    }
}

/// The one declaration that the device holds which defines the property `key`, and its value. Where several do, nobody
/// knows which one counts.
pub(crate) fn property<'a>(placed: &Placed<'a>, key: &str) -> Option<(&'a Entry, &'a Value)> {
    let held = placed.manifest.entries().iter().zip(&placed.entries);
    let mut defining = held
        .filter(|(_, listed)| listed.is_some())
        .filter_map(|(entry, _)| Some((entry, entry.properties.get(key)?)));
    let first = defining.next();
    first.filter(|_| defining.next().is_none())
}

/// The predicates of a manifest's activations by their places, parsed once. They follow from the entries, so that they
/// make no difference between manifests.
#[derive(Clone, Default)]
pub(crate) struct Conditions(OnceLock<BTreeMap<usize, Option<Predicate>>>);

impl Conditions {
    /// Those of `entries`; none of what is no predicate here.
    fn of(&self, entries: &[Entry]) -> &BTreeMap<usize, Option<Predicate>> {
        self.0.get_or_init(|| {
            let with_predicate = entries.iter().enumerate();
            with_predicate
                .filter_map(|(place, entry)| {
                    let text = entry.predicate.as_ref()?;
                    Some((place, parse(text, Dialect::Device).ok()))
                })
                .collect()
        })
    }

    fn at(&self, entries: &[Entry], place: usize) -> Option<&Predicate> {
        self.of(entries).get(&place)?.as_ref()
    }
}

impl fmt::Debug for Conditions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Conditions")
    }
}

impl PartialEq for Conditions {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Conditions {}
