//! F3: the linked enrollment beside the primary one, its making and its end.

use ordain_catalog::windows::Join;

use super::{Activity, Event, LINKED, PRIMARY, Task, Twin};
use crate::windows::enrollment::{EnrollError, Enrolled, Enrolling};
use crate::windows::entra::Membership;
use crate::windows::tree::{Tree, own_store};

/// What Windows ends with where it has no number of its own: E_FAIL.
const FAIL: u32 = 0x8000_4005;
/// \[U\]: seen when a linked enrollment is wanted while there is one.
const LINKED_ALREADY: u32 = 0x8018_000b;
/// ERROR_NOT_FOUND.
const NOT_LINKED: u32 = 0x8007_0490;

impl Twin {
    /// The device joins Entra, or is registered there, and gets tokens for itself from then on.
    pub fn join(&mut self, membership: Membership, join: Join) {
        self.pc.join = join;
        self.pc.entra_device_id = Some(membership.device_id.clone());
        self.membership = Some(membership);
    }

    /// F3.1, F3.4 and F3.7: begins to enroll, if that can be.
    pub(super) fn link(&mut self) -> Option<Enrolling> {
        let (is_linked, status) = (self.linked().is_some(), self.linked_status());
        let primary = self.accounts.get_mut(PRIMARY)?;
        primary.linking.due = None;
        if is_linked {
            // \[U\]: what is there stays, and so does what is said of it.
            primary.linking.status = status;
            primary.linking.error = LINKED_ALREADY;
            return None;
        }
        primary.linking.status = 2;
        primary.linking.error = 0;
        let provider = primary.provider_id.clone();
        let text = |path: &[&str]| self.tree.provider_text(&provider, path).map(str::to_owned);
        let endpoint = text(&["LinkedEnrollment", "DiscoveryEndpoint"]).unwrap_or_default();
        let ent_dm_id = text(&["EntDMID"]);
        let documents = Tree::catalog().find("./Device/Vendor/MSFT/DeclaredConfiguration", &mut 0);
        if documents.is_ok_and(|found| found.node.needs.lack(&self.pc.kind()).is_some()) {
            self.link_failed(EnrollError::NotSupported);
            return None;
        }
        let (join, membership) = (self.pc.join, self.membership.clone());
        let primary = self.accounts.get(PRIMARY)?;
        let enrolling = Enrolling::linked(endpoint, primary, ent_dm_id, join, membership, &mut self.random);
        Some(enrolling)
    }

    pub(super) fn link_made(&mut self, enrolled: Enrolled, now: i64) {
        self.tree.provision(&enrolled.client, None);
        self.accounts.truncate(LINKED);
        self.accounts.push(enrolled.account);
        self.store_certificates(LINKED, None);
        let status = self.linked_status();
        if let Some(primary) = self.accounts.first_mut() {
            primary.linking.status = status;
        }
        self.note(Event::Linked);
        self.wake(now);
    }

    /// `EnrollStatus` of a linked enrollment that works.
    fn linked_status(&self) -> u8 {
        match self.settings.quirks.link_status_stays_failed {
            true => 3,
            false => 4,
        }
    }

    pub(super) fn link_failed(&mut self, error: EnrollError) {
        self.complain(&error);
        if let Some(primary) = self.accounts.first_mut() {
            primary.linking.status = 3;
            primary.linking.error = error.hresult().unwrap_or(FAIL);
        }
        self.note(Event::LinkFailed(error));
    }

    /// The server wants the linked enrollment to end: nobody else is told.
    pub(super) fn unlink_ordered(&mut self) {
        let is_linked = self.linked().is_some();
        if let Some(primary) = self.accounts.first_mut() {
            primary.linking.status = if is_linked { 6 } else { 7 };
            primary.linking.error = if is_linked { 0 } else { NOT_LINKED };
        }
        self.unlink();
    }

    /// F3.6: the linked enrollment goes, and with it all that its documents set.
    pub(super) fn unlink(&mut self) {
        // What is on its way to be one comes to nothing as well.
        if matches!(self.activity, Activity::Linking(_)) {
            self.activity = Activity::Idle;
            self.awaits = false;
        }
        let Some(linked) = self.accounts.get(LINKED) else {
            return;
        };
        self.tree.roll_back();
        self.tree.withdraw(
            &linked.provider_id,
            own_store(linked.store),
            &linked.identity.certificate,
        );
        self.accounts.truncate(LINKED);
        self.agenda
            .retain(|task| !matches!(task, Task::Renew(LINKED) | Task::Session(LINKED, _)));
        if matches!(
            self.activity,
            Activity::Renewing(LINKED, _) | Activity::Session(LINKED, _)
        ) {
            self.activity = Activity::Idle;
            self.awaits = false;
        }
        if let Some(primary) = self.accounts.first_mut() {
            primary.linking.status = 8;
        }
        self.note(Event::Unlinked);
    }
}
