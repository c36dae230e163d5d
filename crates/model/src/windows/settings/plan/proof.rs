//! What tells beside the values whether settings are in force: what came of installing a certificate.

use std::collections::BTreeSet;

use ordain_catalog::windows::{LocUri, Outcome, Together, Verb, WindowsCatalog};

use super::{Settings, node};

/// A node that tells by a number what came of settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The node to `Get`.
    pub path: LocUri,
    done: i64,
    pending: BTreeSet<i64>,
}

/// What a [`Proof`] says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proven {
    /// They are in force.
    Done,
    /// The device is still about it.
    Pending,
    /// It came to nothing: the number, and what it means where that is known.
    Failed(String),
}

/// What proves `settings`, each once.
pub fn proofs(settings: &Settings, catalog: &WindowsCatalog) -> Vec<Proof> {
    let mut proofs: Vec<Proof> = Vec::new();
    for setting in &settings.settings {
        let done_by = completion(&setting.path, catalog);
        let proof = proof(&setting.path, catalog)
            .or_else(|| done_by.and_then(|done_by| proof(&done_by, catalog)))
            .filter(|proof| !proofs.contains(proof));
        proofs.extend(proof);
    }
    proofs
}

/// Whether setting the node makes the device act on what was set before it, and a proof tells what came of that.
pub fn acts(path: &LocUri, catalog: &WindowsCatalog) -> bool {
    proof(path, catalog).is_some()
}

/// What came of setting a node, where a number tells that.
fn proof(path: &LocUri, catalog: &WindowsCatalog) -> Option<Proof> {
    let found = catalog.find(&path.to_string(), &mut 0).ok()?;
    let Outcome { done, pending, .. } = found.node.outcome.as_ref()?;
    Some(Proof {
        path: found.outcome()?,
        done: (*done)?,
        pending: pending.clone(),
    })
}

/// The node whose `Exec` ends the `Atomic` that this one is set in, and makes the device do what was set, where a proof tells
/// what came of that: `Enroll` of SCEP.
pub(super) fn completion(path: &LocUri, catalog: &WindowsCatalog) -> Option<LocUri> {
    let (_, names) = path.names.split_last()?;
    let within = |last: &[String]| LocUri {
        scope: path.scope,
        names: [names, last].concat(),
    };
    let holder = node(&within(&[]), catalog)?;
    let is_it = |(_, node): &(_, &ordain_catalog::windows::Node)| {
        let is_told = node
            .outcome
            .as_ref()
            .is_some_and(|outcome| outcome.done.is_some());
        node.together == Some(Together::Atomic) && node.verbs.iter().eq([&Verb::Exec]) && is_told
    };
    let (name, _) = holder.children.iter().find(is_it)?;
    Some(within(std::slice::from_ref(name)))
}

impl Proof {
    /// What it says when it has the value `text`. `None`: that is none of its values.
    pub fn says(&self, text: &str, catalog: &WindowsCatalog) -> Option<Proven> {
        let number: i64 = text.trim_ascii().parse().ok()?;
        Some(if number == self.done {
            Proven::Done
        } else if self.pending.contains(&number) {
            Proven::Pending
        } else {
            let meaning = node(&self.path, catalog).and_then(|node| node.meanings.get(&number));
            let meaning = meaning.map(|meaning| format!(" ({meaning})"));
            Proven::Failed(format!("{number}{}", meaning.unwrap_or_default()))
        })
    }
}
