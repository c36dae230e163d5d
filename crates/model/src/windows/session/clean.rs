//! What documents have set that are gone, as a session of the device's own channel takes it away.

use ordain_catalog::Scope;
use ordain_catalog::windows::LocUri;

use super::standing::standing;
use super::task::{Meaning, words};
use super::work::Work;
use super::{Operation, Outcome, Scene, Session};
use crate::windows::cleaning::{Cleaned, Cleaning, meet};
use crate::windows::settings::plan;

impl Session {
    /// What is to be taken away. What is of a user who is not there waits.
    pub(super) fn cleanings(&mut self, scene: &Scene<'_>) -> Vec<Work> {
        let mut works: Vec<Work> = Vec::new();
        for node in scene.cleaning.due() {
            let is_put_off = node.scope == Scope::User && !self.with_user;
            let is_seen_to = works
                .iter()
                .any(|work| matches!(work, Work::Clean(other) if other == node));
            if is_put_off || is_seen_to || is_declared(scene, node) {
                continue;
            }
            let (command, stays) = match owner(scene, node) {
                Some(why) => (None, Some(why)),
                None => {
                    let (command, stays) = plan::take_away(node.clone(), scene.catalog);
                    (command, stays.map(str::to_owned))
                }
            };
            self.cleaned
                .extend(stays.map(|why| (node.clone(), Cleaned::Stays(why))));
            works.extend(command.map(|_| Work::Clean(node.clone())));
        }
        works
    }

    /// What the device says to it.
    pub(super) fn cleaned(&mut self, node: &LocUri, outcome: &Outcome) {
        let cleaned = match outcome.meaning() {
            // It is tried again in another session.
            Meaning::Later => return,
            Meaning::Done | Meaning::Missing => Cleaned::Gone,
            Meaning::There | Meaning::Final => {
                let behind = outcome.original.map(|error| format!(", 0x{error:08X}"));
                let why = format!(
                    "the device says to its removal: {}{}",
                    words(outcome.code),
                    behind.unwrap_or_default()
                );
                Cleaned::Stays(why)
            }
        };
        // Where more is to be said of it, that was said before it was sent.
        self.cleaned.push((node.clone(), cleaned));
    }

    /// What is still to be taken away, and what stays.
    pub(super) fn cleaning(&self, scene: &Scene<'_>) -> Option<Cleaning> {
        (!self.cleaned.is_empty()).then(|| {
            let mut cleaning = scene.cleaning.clone();
            cleaning.cleaned(&self.cleaned);
            cleaning
        })
    }
}

/// Nothing is sent for what is wanted again by now.
pub(super) fn operation(scene: &Scene<'_>, node: &LocUri) -> Option<Operation> {
    let is_due = scene.cleaning.due().any(|due| due == node);
    let (command, _) = plan::take_away(node.clone(), scene.catalog);
    let command = command.filter(|_| is_due && !is_declared(scene, node) && owner(scene, node).is_none());
    command.map(|command| Operation::of(&command, false))
}

/// Whether a document is to set it. It is its own once the device has taken that, and until then it is left alone.
fn is_declared(scene: &Scene<'_>, node: &LocUri) -> bool {
    scene.declared.iter().any(|declared| meet(declared, node))
}

/// Why it is no longer the document's to take away, if it is not.
fn owner(scene: &Scene<'_>, node: &LocUri) -> Option<String> {
    let is_in = |path: &LocUri| meet(path, node);
    let setting = scene
        .wanted
        .iter()
        .find(|declared| plan::read_back(&declared.settings).any(is_in));
    let by_setting = setting.map(|declared| format!("the settings {} have it now", declared.identifier));
    let account = || standing(scene).iter().any(|setting| is_in(&setting.path));
    by_setting.or_else(|| account().then(|| "the device's account with the server needs it".to_owned()))
}
