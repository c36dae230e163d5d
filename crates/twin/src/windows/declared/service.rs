//! F4.2 and F4.3: documents go through their states, by the clock, and never in a session.

use std::collections::{BTreeMap, BTreeSet};

use ordain_windows::declared::{DocId, Node, Request, State};
use ordain_windows::syncml::Format;
use ordain_windows::syncml::loc_uri::LocUri;

use super::mi::Providers;
use super::store::{Key, Outcome};
use super::{apply, inventory, refresh, result};
use crate::windows::tree::{Scene, Tree, Value, device};

/// The service of the device that applies documents, with what tests do to it.
#[derive(Debug, Clone, Default)]
pub(in crate::windows) struct Service {
    /// Whether it does nothing.
    pub(in crate::windows) stopped: bool,
    /// Whether it stops after it has applied the next document, before it says so.
    pub(in crate::windows) crashes: bool,
    /// How many of the next documents fail because the machinery does.
    pub(in crate::windows) failures: u32,
    /// Whether no document is deleted.
    pub(in crate::windows) keeps_deleted: bool,
    /// How many seconds what is in these nodes takes.
    pub(in crate::windows) slow: BTreeMap<LocUri, i64>,
    /// Scenarios, in lower case, whose documents end in state 63.
    pub(in crate::windows) one_time: BTreeSet<String>,
    /// The providers of DSC resources.
    pub(in crate::windows) providers: Providers,
}

/// What the service found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::windows) enum Finding {
    /// Something had drifted, and was repaired.
    Repaired(DocId),
    /// Something has drifted, and cannot be repaired: the server is to know at once.
    Drifted(DocId),
    /// A document failed, and the server wants to know that at once.
    Failed(DocId),
}

/// Does all that is due by now.
pub(in crate::windows) fn work(scene: &mut Scene<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let now = scene.now;
    while !scene.tree.service.stopped
        && let Some((key, at)) = scene.tree.documents().next(now)
    {
        // As it would have been then, however late somebody looks.
        scene.now = at;
        findings.extend(step(scene, &key));
        scene.now = now;
    }
    if scene.tree.documents().refresh.is_some_and(|at| at <= now) {
        // A run that is missed is not made up for.
        if !scene.tree.service.stopped {
            findings.extend(refresh::run(scene));
        }
        let interval = refresh::interval(scene.tree);
        scene.tree.documents_mut().refresh = Some(now.saturating_add(interval));
    }
    findings
}

/// The next state of one document.
fn step(scene: &mut Scene<'_>, key: &Key) -> Option<Finding> {
    let at = scene.now;
    let seconds = scene.pc.document_seconds;
    let held = scene.tree.documents_mut().documents.get_mut(key)?;
    held.due = Some(at.saturating_add(seconds));
    match held.state {
        State::CONFIG_REQUEST => held.state = State::CONFIG_IN_PROGRESS,
        State::DELETE_REQUEST => held.state = State::DELETE_IN_PROGRESS,
        State::GET_REQUEST => held.state = State::GET_IN_PROGRESS,
        State::DELETE_IN_PROGRESS => {
            delete(scene, key);
            return None;
        }
        State::GET_IN_PROGRESS => {
            held.due = None;
            let outcome = match fails(scene) {
                true => Err(State::GET_INFRA_ERROR),
                false => Ok(inventory::read(scene, key)?),
            };
            return end(scene, key, outcome);
        }
        State::CONFIG_IN_PROGRESS | State::CONFIG_IN_PROGRESS_ASYNC_PENDING => {
            held.due = None;
            if let Some(outcome) = held.waiting.take() {
                return end(scene, key, Ok(outcome));
            }
            return write(scene, key);
        }
        // Nothing follows.
        _ => held.due = None,
    }
    let state = held.state;
    result::unfinished(scene.tree, key, state);
    None
}

/// Applies a document, or what has drifted of it.
pub(super) fn write(scene: &mut Scene<'_>, key: &Key) -> Option<Finding> {
    let at = scene.now;
    if fails(scene) {
        return end(scene, key, Err(State::CONFIG_INFRA_ERROR));
    }
    let pause = apply::slowness(scene.tree, key);
    let held = scene.tree.documents_mut().documents.get_mut(key)?;
    if pause > 0 && !std::mem::replace(&mut held.has_waited, true) && !held.repairing {
        held.state = State::CONFIG_IN_PROGRESS_ASYNC_PENDING;
        held.due = Some(at.saturating_add(pause));
        result::unfinished(scene.tree, key, State::CONFIG_IN_PROGRESS_ASYNC_PENDING);
        return None;
    }
    let outcome = apply::apply(scene, key)?;
    if std::mem::take(&mut scene.tree.service.crashes) {
        scene.tree.service.stopped = true;
        return None;
    }
    let waits = apply::waits_until(scene.tree, key).filter(|until| *until > at);
    if let Some(until) = waits {
        let held = scene.tree.documents_mut().documents.get_mut(key)?;
        held.state = State::CONFIG_IN_PROGRESS_ASYNC_PENDING;
        held.due = Some(until);
        held.waiting = Some(outcome);
        result::unfinished(scene.tree, key, State::CONFIG_IN_PROGRESS_ASYNC_PENDING);
        return None;
    }
    end(scene, key, Ok(outcome))
}

/// A final state, and what is told of it.
pub(super) fn end(scene: &mut Scene<'_>, key: &Key, done: Result<Outcome, State>) -> Option<Finding> {
    let is_good = done.as_ref().is_ok_and(result::is_good);
    let quirks = scene.quirks;
    let one_time = &scene.tree.service.one_time;
    let held = scene.tree.documents().documents.get(key)?;
    let was_good = held.ended.is_some_and(State::is_good);
    let (repairing, is_inventory) = (held.repairing, key.request == Request::Inventory);
    let state = match &done {
        Err(state) => *state,
        Ok(_) => match (is_inventory, is_good) {
            (true, true) => State::GET_COMPLETED_SUCCESS,
            (true, false) => State::GET_COMPLETED_ERROR,
            (false, true) if one_time.contains(&held.document.scenario.to_ascii_lowercase()) => {
                State::CONFIG_COMPLETED_SUCCESS_NO_REFRESH
            }
            (false, true) => State::CONFIG_COMPLETED_SUCCESS,
            // \[U\]: what state tells of drift is not published.
            (false, false) if repairing && (was_good || held.state == quirks.drift_state) => {
                quirks.drift_state
            }
            (false, false) => State::CONFIG_COMPLETED_ERROR,
        },
    };
    let held = scene.tree.documents_mut().documents.get_mut(key)?;
    held.state = state;
    held.due = None;
    held.has_waited = false;
    held.repairing = false;
    held.ended = Some(state);
    held.instances = None;
    if repairing && is_good {
        held.repairs = held.repairs.saturating_add(1);
    }
    let outcome = done.unwrap_or(Outcome::Csp(Vec::new()));
    result::finished(scene, key, outcome, repairing && is_good);
    let wants_failures = || flag(scene.tree, "StartSyncSessionOnFailure");
    let id = key.id.clone();
    match (repairing, is_good) {
        (true, true) => Some(Finding::Repaired(id)),
        (true, false) if was_good => Some(Finding::Drifted(id)),
        (false, false) if wants_failures() => Some(Finding::Failed(id)),
        _ => None,
    }
}

/// Whether the machinery fails this time.
fn fails(scene: &mut Scene<'_>) -> bool {
    let failures = &mut scene.tree.service.failures;
    let fails = *failures > 0;
    *failures = failures.saturating_sub(1);
    fails
}

/// F4.8: the document goes, and the settings stay.
fn delete(scene: &mut Scene<'_>, key: &Key) {
    let failure = match (fails(scene), scene.tree.service.keeps_deleted) {
        (true, _) => Some(State::DELETE_INFRA_ERROR),
        (false, true) => Some(State::DELETE_COMPLETED_ERROR),
        (false, false) => None,
    };
    if let Some(state) = failure {
        if let Some(held) = scene.tree.documents_mut().documents.get_mut(key) {
            held.state = state;
            held.due = None;
        }
        return;
    }
    forget(scene.tree, key);
}

/// Nothing of the document remains but what it set.
pub(super) fn forget(tree: &mut Tree, key: &Key) {
    let mut result = key.uri(Node::Result);
    result.segments.pop();
    tree.take(&key.root());
    tree.take(&result);
    let store = tree.documents_mut();
    store.documents.remove(key);
    store.owners.retain(|_, owner| owner != key);
    if store.documents.is_empty() {
        store.refresh = None;
    }
}

impl Tree {
    /// The service begins anew, as after a reboot: what it was at is begun again.
    pub(in crate::windows) fn restart_service(&mut self, now: i64) {
        self.service.stopped = false;
        for held in self.documents_mut().documents.values_mut() {
            held.state = match held.state {
                State::CONFIG_IN_PROGRESS | State::CONFIG_IN_PROGRESS_ASYNC_PENDING => State::CONFIG_REQUEST,
                State::DELETE_IN_PROGRESS => State::DELETE_REQUEST,
                State::GET_IN_PROGRESS => State::GET_REQUEST,
                _ => continue,
            };
            held.waiting = None;
            held.due = Some(now);
        }
    }

    /// F5.7: the service has lost all that it knew. What it set stays.
    pub(in crate::windows) fn lose_documents(&mut self) {
        let keys: Vec<Key> = self.documents().documents.keys().cloned().collect();
        for key in keys {
            forget(self, &key);
        }
    }
}

/// A node of `ManagementServiceConfiguration`.
pub(super) fn setting<'t>(tree: &'t Tree, name: &str) -> Option<&'t Value> {
    let uri = device(&[
        "Vendor",
        "MSFT",
        "DeclaredConfiguration",
        "ManagementServiceConfiguration",
        name,
    ]);
    tree.get(&uri)
}

fn flag(tree: &Tree, name: &str) -> bool {
    setting(tree, name).is_some_and(|value| value.format == Format::Bool && value.data == "true")
}
