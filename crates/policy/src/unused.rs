//! What no device will ever get, though the policy has it.

use std::collections::{BTreeMap, BTreeSet};

use ordain_catalog::Kind;

use crate::compile::Compiler;
use crate::declaration::Draft;
use crate::problem::quoted;

impl Compiler<'_> {
    /// Warns of declarations that reach nobody, or nobody in force.
    pub(crate) fn warn_of_unused(&mut self, drafts: &BTreeMap<String, Draft<'_>>) {
        let listed: BTreeSet<&str> = self.listed.iter().map(|(name, _)| name.as_str()).collect();
        let reached = reached(&listed, drafts);
        let used: BTreeSet<&str> = of_kind(Kind::Configuration, drafts)
            .flat_map(|configuration| configuration.references.iter().map(String::as_str))
            .collect();
        for draft in drafts.values() {
            let name = draft.identifier.as_str();
            if draft.kind() == Some(Kind::Asset) && !used.contains(name) {
                self.problems.warning(
                    draft.place,
                    format!("no configuration uses the asset {}", quoted(name)),
                );
            } else if !reached.contains(name) {
                let message = format!("{} is in no blueprint, so no device gets it", quoted(name));
                self.problems.warning(draft.place, message);
            }
        }

        let mut idle: BTreeMap<&str, &Draft<'_>> = BTreeMap::new();
        let mut active: BTreeSet<&str> = BTreeSet::new();
        for activation in of_kind(Kind::Activation, drafts) {
            for name in &activation.references {
                if reached.contains(activation.identifier.as_str()) {
                    active.insert(name);
                } else {
                    idle.entry(name).or_insert(activation);
                }
            }
        }
        for (name, place) in &self.listed {
            let Some(activation) = idle
                .get(name.as_str())
                .filter(|_| !active.contains(name.as_str()))
            else {
                continue;
            };
            let message = format!(
                "{} will not be in force: its activation {} ({}) is in no blueprint",
                quoted(name),
                quoted(&activation.identifier),
                self.problems.name(activation.place)
            );
            self.problems.warning(*place, message);
        }
    }
}

/// The names that blueprints list, and all that those refer to.
fn reached<'a>(listed: &BTreeSet<&'a str>, drafts: &'a BTreeMap<String, Draft<'_>>) -> BTreeSet<&'a str> {
    let mut open: Vec<&str> = listed.iter().copied().collect();
    let mut reached = BTreeSet::new();
    while let Some(name) = open.pop() {
        if reached.insert(name) {
            open.extend(
                drafts
                    .get(name)
                    .into_iter()
                    .flat_map(|draft| draft.references.iter().map(String::as_str)),
            );
        }
    }
    reached
}

fn of_kind<'a, 'c>(
    kind: Kind,
    drafts: &'a BTreeMap<String, Draft<'c>>,
) -> impl Iterator<Item = &'a Draft<'c>> {
    drafts.values().filter(move |draft| draft.kind() == Some(kind))
}
