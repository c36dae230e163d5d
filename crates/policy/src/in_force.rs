//! When configurations are in force: by which predicates.

use std::collections::{BTreeSet, HashMap};

use ordain_catalog::Kind;
use ordain_model::manifest::PREDICATE_KEY;

use crate::declaration::Draft;

/// When a configuration is in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum InForce<'a> {
    /// On every device that gets it.
    Always,
    /// While one of these predicates holds.
    While(BTreeSet<&'a str>),
}

impl InForce<'_> {
    /// Whether there is a time at which both are: two predicates are taken to be for different times unless they are the
    /// same.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::While(own), Self::While(others)) => !own.is_disjoint(others),
            (Self::Always, _) | (_, Self::Always) => true,
        }
    }
}

/// The configurations that activations of the policy name, and when they are in force.
pub(crate) struct Activated<'a>(HashMap<&'a str, InForce<'a>>);

impl<'a> Activated<'a> {
    pub(crate) fn new(drafts: impl Iterator<Item = &'a Draft<'a>>) -> Self {
        let mut activated = HashMap::new();
        for activation in drafts.filter(|draft| draft.kind() == Some(Kind::Activation)) {
            let predicate = activation
                .payload
                .get(PREDICATE_KEY)
                .and_then(|node| node.as_text());
            for name in &activation.references {
                let in_force = activated
                    .entry(name.as_str())
                    .or_insert_with(|| InForce::While(BTreeSet::new()));
                match (in_force, predicate) {
                    (InForce::While(predicates), Some(predicate)) => {
                        predicates.insert(predicate);
                    }
                    (in_force, None) => *in_force = InForce::Always,
                    (InForce::Always, Some(_)) => {}
                }
            }
        }
        Self(activated)
    }

    /// When `configuration` is in force.
    pub(crate) fn of(&self, configuration: &'a Draft<'_>) -> InForce<'a> {
        let own = || match &configuration.placement.when {
            Some(when) => InForce::While([when.as_str()].into()),
            None => InForce::Always,
        };
        self.0
            .get(configuration.identifier.as_str())
            .cloned()
            .unwrap_or_else(own)
    }
}
