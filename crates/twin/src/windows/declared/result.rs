//! F4.9: what is told of a document, beside its state.

use ordain_model::ids::Digest;
use ordain_windows::declared::{Body, DocumentResult, Node, Request, State};
use ordain_windows::syncml::Format;

use super::store::{Held, Key, Outcome};
use crate::windows::quirks::Repair;
use crate::windows::tree::{Scene, Tree, Value};

/// Whether each part of it is as it should be.
pub(super) fn is_good(outcome: &Outcome) -> bool {
    let is_good = |state: Option<State>| state.is_some_and(State::is_good);
    match outcome {
        Body::Csp(csps) => csps.iter().all(|csp| is_good(csp.state)),
        Body::Dsc(resources) => resources.iter().all(|dsc| is_good(dsc.state)),
    }
}

fn document(key: &Key, held: &Held, state: State, outcome: Outcome) -> DocumentResult {
    let operation = match key.request {
        Request::Inventory => "Get",
        Request::Complete | Request::BulkTemplate => "Set",
    };
    DocumentResult {
        scope: Some(key.scope),
        id: key.id.clone(),
        scenario: Some(held.document.scenario.clone()),
        checksum: Some(held.document.checksum.clone()),
        result_checksum: None,
        timestamp: None,
        operation: Some(operation.to_owned()),
        state: Some(state),
        body: outcome,
    }
}

/// \[U\]: while there is no result yet, there is one that says so.
pub(super) fn unfinished(tree: &mut Tree, key: &Key, state: State) {
    let Some(held) = tree.documents().documents.get(key) else {
        return;
    };
    let told = document(key, held, state, Outcome::Csp(Vec::new()));
    put(tree, key, &told);
}

/// What came of it. The same as before is told as before, unless it was repaired and that shows.
pub(super) fn finished(scene: &mut Scene<'_>, key: &Key, outcome: Outcome, repaired: bool) {
    let at = scene.now;
    let shows = scene.quirks.repair;
    let Some(held) = scene.tree.documents_mut().documents.get_mut(key) else {
        return;
    };
    let mut told = document(key, held, held.state, outcome.clone());
    let mut text = told.to_xml().unwrap_or_default();
    if shows == Repair::ChecksumAndTime && held.repairs > 0 {
        text.push_str(&held.repairs.to_string());
    }
    let checksum = Digest::of(text.as_bytes()).to_string().to_ascii_uppercase();
    let is_new = held.result_checksum.as_ref() != Some(&checksum);
    if is_new || repaired && shows != Repair::Nothing {
        held.timestamp = Some(at);
    }
    held.result_checksum = Some(checksum);
    held.outcome = Some(outcome);
    told.result_checksum.clone_from(&held.result_checksum);
    told.timestamp = held.timestamp;
    put(scene.tree, key, &told);
}

fn put(tree: &mut Tree, key: &Key, result: &DocumentResult) {
    let text = result.to_xml().unwrap_or_default();
    tree.put(key.uri(Node::Result), Value::new(Format::Chr, text));
}
