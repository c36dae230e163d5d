//! F5: the task that compares what is with what is wanted, and mends it.

use ordain_windows::declared::{Body, Request, State};

use super::service::{Finding, end, setting, write};
use super::store::{Key, Outcome};
use super::{apply, inventory};
use crate::windows::tree::{Scene, Tree};

/// `RefreshInterval`, where it is not set: minutes.
const DEFAULT: i64 = 240;
/// The least that it can be.
const LEAST: i64 = 30;

/// How long it is between two refreshes, in seconds.
pub(super) fn interval(tree: &Tree) -> i64 {
    let minutes = setting(tree, "RefreshInterval").and_then(|value| value.data.parse::<i64>().ok());
    minutes.unwrap_or(DEFAULT).max(LEAST).saturating_mul(60)
}

/// Looks after each document once.
pub(super) fn run(scene: &mut Scene<'_>) -> Vec<Finding> {
    let keys: Vec<Key> = scene.tree.documents().documents.keys().cloned().collect();
    let looked = keys.iter().filter_map(|key| look_after(scene, key));
    looked.collect()
}

fn look_after(scene: &mut Scene<'_>, key: &Key) -> Option<Finding> {
    let held = scene.tree.documents_mut().documents.get_mut(key)?;
    // F5.5; and what is being worked on, or could not be deleted, is left alone.
    let is_skipped = held.abandoned || held.state == State::CONFIG_COMPLETED_SUCCESS_NO_REFRESH;
    if is_skipped || held.ended != Some(held.state) {
        return None;
    }
    match key.request {
        // \[U\]: that questions are asked again.
        Request::Inventory => {
            let outcome = inventory::read(scene, key)?;
            end(scene, key, Ok(outcome))
        }
        Request::Complete if apply::has_drifted(scene, key) => {
            scene.tree.documents_mut().documents.get_mut(key)?.repairing = true;
            write(scene, key)
        }
        // F4.13: what a template was filled in with is not there any more, so that nothing can be mended.
        Request::BulkTemplate if apply::has_drifted(scene, key) => {
            let outcome = broken(scene.tree, key)?;
            scene.tree.documents_mut().documents.get_mut(key)?.repairing = true;
            end(scene, key, Ok(outcome))
        }
        Request::Complete | Request::BulkTemplate => None,
    }
}

/// What was told last, with what is not so any more.
fn broken(tree: &Tree, key: &Key) -> Option<Outcome> {
    let held = tree.documents().documents.get(key)?;
    let mut outcome = held.outcome.clone()?;
    if let Body::Csp(csps) = &mut outcome {
        for csp in csps {
            for uri in &mut csp.uris {
                let node = apply::address(key.scope, &csp.name, &uri.path);
                if node.is_none_or(|node| !apply::is_as_written(tree, held, &node)) {
                    uri.status = Some("404".to_owned());
                    uri.state = Some(State::CONFIG_COMPLETED_ERROR);
                    csp.state = uri.state;
                }
            }
        }
    }
    Some(outcome)
}
