//! What documents have set that are gone, as a session of the device's own channel takes it away.

use ordain_catalog::Scope;
use ordain_catalog::windows::LocUri;

use super::task::{Meaning, words};
use super::work::Work;
use super::{Operation, Outcome, Scene, Session};
use crate::windows::cleaning::{Cleaning, Left, meet};
use crate::windows::settings::plan;

impl Session {
    /// What is to be taken away. What is of a user who is not there waits.
    pub(super) fn cleanings(&mut self, scene: &Scene<'_>) -> Vec<Work> {
        let mut works: Vec<Work> = Vec::new();
        for (node, left) in scene.cleaning.open() {
            if let Some(identifier) = declares(scene, node) {
                let waits = Left::Waits(identifier.clone());
                let is_news = *left != waits;
                self.cleaned.extend(is_news.then(|| (node.clone(), Some(waits))));
                continue;
            }
            let is_put_off = node.scope == Scope::User && !self.with_user;
            let is_seen_to = works
                .iter()
                .any(|work| matches!(work, Work::Clean(other) if other == node));
            if is_put_off || is_seen_to {
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
                .extend(stays.map(|why| (node.clone(), Some(Left::Stays(why)))));
            works.extend(command.map(|_| Work::Clean(node.clone())));
        }
        works
    }

    /// What the device says to it.
    pub(super) fn cleaned(&mut self, node: &LocUri, outcome: &Outcome) {
        let left = match outcome.meaning() {
            // It is tried again in another session.
            Meaning::Later => return,
            Meaning::Done | Meaning::Missing => None,
            Meaning::There | Meaning::Final => {
                let behind = outcome.original.map(|error| format!(", 0x{error:08X}"));
                let why = format!(
                    "the device says to its removal: {}{}",
                    words(outcome.code),
                    behind.unwrap_or_default()
                );
                Some(Left::Stays(why))
            }
        };
        // Where more is to be said of it, that was said before it was sent.
        self.cleaned.push((node.clone(), left));
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
    let is_open = scene.cleaning.open().any(|(open, _)| open == node);
    let (command, _) = plan::take_away(node.clone(), scene.catalog);
    let command =
        command.filter(|_| is_open && declares(scene, node).is_none() && owner(scene, node).is_none());
    command.map(|command| Operation::of(&command, false))
}

/// The document that is to set it. It is its own once the device has taken that, and until then it is left alone.
fn declares<'a>(scene: &Scene<'a>, node: &LocUri) -> Option<&'a String> {
    let mut declared = scene.declared.iter();
    declared.find_map(|(declared, identifier)| meet(declared, node).then_some(identifier))
}

/// Why it is no longer the document's to take away, if it is not.
fn owner(scene: &Scene<'_>, node: &LocUri) -> Option<String> {
    let is_in = |path: &LocUri| meet(path, node);
    let setting = scene
        .wanted
        .iter()
        .find(|declared| plan::read_back(&declared.settings).any(is_in));
    let by_setting = setting.map(|declared| format!("the settings {} have it now", declared.identifier));
    let account = || scene.standing.settings.iter().any(|setting| is_in(&setting.path));
    by_setting.or_else(|| account().then(|| "the device's account with the server needs it".to_owned()))
}
