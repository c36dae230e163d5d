//! What tests do to a twin behind its server's back.

use ordain_windows::syncml::loc_uri::LocUri;

use super::Twin;
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
        self.tree.put(node, value);
    }

    /// Somebody at the device takes a node away, with all that is in it.
    pub fn remove(&mut self, node: &LocUri) {
        self.tree.take(node);
    }

    /// Commands fail from now on.
    pub fn inject(&mut self, fault: Fault) {
        self.tree.faults.push(fault);
    }

    /// Whether rolling back an `Atomic` fails from now on.
    pub fn fail_rollbacks(&mut self, fail: bool) {
        self.tree.rollback_fails = fail;
    }

    /// A policy, by its node in `Policy/Config`, is not in force whatever its value is: `Policy/Result` has none.
    pub fn hold_back(&mut self, policy: LocUri) {
        self.tree.ineffective.insert(policy);
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
