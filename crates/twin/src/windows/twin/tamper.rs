//! What tests do to a twin behind its server's back.

use std::collections::BTreeMap;

use ordain_windows::syncml::loc_uri::LocUri;

use super::Twin;
use crate::windows::declared::Providers;
use crate::windows::pc::Pc;
use crate::windows::quirks::Quirks;
use crate::windows::tree::{Fault, Look, Tree, Value};

impl Twin {
    /// The hardware, to be tampered with.
    pub fn pc_mut(&mut self) -> &mut Pc {
        &mut self.pc
    }

    /// What it does where no text says what Windows does.
    pub fn quirks_mut(&mut self) -> &mut Quirks {
        &mut self.settings.quirks
    }

    /// Somebody at the device sets a node.
    pub fn set(&mut self, node: LocUri, value: Value) {
        self.tree.put_by_hand(node, value);
    }

    /// Somebody at the device takes a node away, with all that is in it.
    pub fn remove(&mut self, node: &LocUri) {
        self.tree.take_by_hand(node);
    }

    /// All nodes that somebody has set: its servers, documents, its own enrollments, or a test. What it says of itself is not
    /// among them.
    pub fn nodes(&self) -> &BTreeMap<LocUri, Value> {
        self.tree.nodes()
    }

    /// Commands fail from now on.
    pub fn inject(&mut self, fault: Fault) {
        self.tree.faults.push(fault);
    }

    /// No command fails any more because a test wants it to.
    pub fn clear_faults(&mut self) {
        self.tree.faults.clear();
    }

    /// Whether rolling back an `Atomic` fails from now on.
    pub fn fail_rollbacks(&mut self, fail: bool) {
        self.tree.rollback_fails = fail;
    }

    /// A policy, by its node in `Policy/Config`, is not in force whatever its value is: `Policy/Result` has none.
    pub fn hold_back(&mut self, policy: LocUri) {
        self.tree.ineffective.insert(policy);
    }

    /// The service that applies documents stops, and looks after nothing.
    pub fn stop_service(&mut self) {
        self.tree.service.stopped = true;
    }

    /// The service begins anew, at what it was at, as after a reboot.
    pub fn start_service(&mut self, now: i64) {
        self.tree.restart_service(now);
    }

    /// The service stops after it has applied the next document, and before it says so.
    pub fn crash_service(&mut self) {
        self.tree.service.crashes = true;
    }

    /// The next documents fail because the machinery does, not what they set: states 62, 72 and 82.
    pub fn fail_service(&mut self, times: u32) {
        self.tree.service.failures = times;
    }

    /// Whether documents cannot be deleted from now on: state 71.
    pub fn keep_deleted(&mut self, keep: bool) {
        self.tree.service.keeps_deleted = keep;
    }

    /// What documents want at this node, or in it, takes so many seconds: state 3 meanwhile.
    pub fn slow(&mut self, node: LocUri, seconds: i64) {
        self.tree.service.slow.insert(node, seconds);
    }

    /// Documents of this scenario are applied once, and not looked after: state 63.
    pub fn one_time(&mut self, scenario: &str) {
        self.tree.service.one_time.insert(scenario.to_ascii_lowercase());
    }

    /// The service has lost all documents. What they set stays.
    pub fn lose_documents(&mut self) {
        self.tree.lose_documents();
    }

    /// The providers of DSC resources, and what they have.
    pub fn providers_mut(&mut self) -> &mut Providers {
        &mut self.tree.service.providers
    }

    /// Installing the product of this code, as `{8888…}`, ends with this HRESULT.
    pub fn install_ends_with(&mut self, code: impl Into<String>, hresult: u32) {
        self.tree.products.insert(code.into(), hresult);
    }

    /// The value of a node; what a device says of itself is there while it is enrolled.
    pub(super) fn read(&self, uri: &LocUri, now: i64) -> Option<Value> {
        let account = self.accounts.first();
        let facts = account.map(|account| self.tree.facts(&self.pc, account, now));
        let facts = facts.unwrap_or_default();
        let found = Tree::catalog().find(&uri.to_string(), &mut 0).ok()?;
        let look = Look {
            tree: &self.tree,
            facts: &facts,
        };
        look.read(&found, uri).ok()
    }
}
