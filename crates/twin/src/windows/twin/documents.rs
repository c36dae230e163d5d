//! The documents of the linked enrollment, between its sessions.

use super::{Event, LINKED, Twin};
use crate::windows::complaint::Complaints;
use crate::windows::declared::{Finding, work};
use crate::windows::tree::{By, Scene};

impl Twin {
    /// The device's own service works at what is due. With what it finds out, a session may begin at once.
    pub(super) fn see_to_documents(&mut self, now: i64) {
        let is_due = self.tree.documents().due().is_some_and(|due| due <= now);
        let Some(account) = self.accounts.get_mut(LINKED).filter(|_| is_due) else {
            return;
        };
        let mut scene = Scene {
            pc: &self.pc,
            facts: self.tree.facts(&self.pc, account, now),
            account,
            tree: &mut self.tree,
            // No document makes anything happen beside what it sets.
            effects: &mut Vec::new(),
            complaints: &mut Complaints::default(),
            // A document is one already.
            in_atomic: true,
            by: By::Document,
            quirks: self.settings.quirks,
            now,
        };
        for finding in work(&mut scene) {
            match finding {
                Finding::Repaired(id) => self.note(Event::Repaired(id.to_string())),
                Finding::Drifted(id) => {
                    self.at_once(now);
                    self.note(Event::Drifted(id.to_string()));
                }
                Finding::Failed(_) => self.at_once(now),
            }
        }
    }

    fn at_once(&mut self, now: i64) {
        if let Some(account) = self.accounts.get_mut(LINKED) {
            account.schedule.at(now);
        }
    }
}
