//! Templates (`BulkTemplate`): what they are filled in with follows them, and is sent again when a device has lost what came
//! of it, since it keeps the template only.

use ordain_catalog::windows::Request;

use super::reconcile::pause_until;
use super::record::Known;
use super::state::{Kind, State, kind};
use super::told::Told;
use super::{Declared, Session, Work};
use crate::report::{Reason, Validity};
use crate::windows::conversation::Outcome;

impl Session {
    /// What a template needs beside itself that the device has; `told` of a device that lists its documents. What it is filled
    /// in with comes again after a growing pause only, and after the result was read that says what is lost.
    pub(super) fn fill_in(
        &self,
        declared: &Declared,
        known: Option<&Known>,
        told: Option<&Told>,
        now: i64,
    ) -> Option<Work> {
        let is_it = |known: &&Known| {
            known.request == Request::BulkTemplate && known.is_of(declared) && known.is_taken
        };
        let known = known.filter(is_it)?;
        let is_lost = told.is_some_and(|told| match kind(told.state) {
            // \[U\]: how a template tells that it waits, and drift, for which no number is published.
            Kind::Pending => told.state == Some(State::WAITS),
            Kind::Failed | Kind::Retryable | Kind::Unknown => {
                known.read_of(told).is_some() || self.tries(&Work::Result(declared.id.clone())) > 0
            }
            Kind::Good | Kind::Deleting | Kind::Gone | Kind::NotDeleted => false,
        });
        let is_due = !known.is_filled_in || is_lost && now >= known.retry_at;
        is_due.then_some(Work::FillIn(declared.id.clone(), declared.token))
    }
}

impl Known {
    /// The device has answered to what the template is filled in with. What it has taken once it may take again; what it has
    /// never taken waits for another version, as documents do.
    pub(super) fn fills_in(&mut self, outcome: &Outcome, is_done: bool, now: i64) {
        if !is_done && !outcome.is_refusal() {
            return;
        }
        if is_done {
            self.is_filled_in = true;
            // What follows is our doing.
            self.good = None;
        } else if !self.is_filled_in {
            self.refused = Some(outcome.refusal(Request::BulkTemplate));
        }
        self.retry_at = pause_until(now, self.retries);
        self.retries = self.retries.saturating_add(1).min(16);
    }

    /// How a template is that was not filled in, whatever the device says of it: \[U\], whether it calls that done.
    pub(super) fn not_filled_in(&self) -> Option<(Validity, Vec<Reason>)> {
        if self.request != Request::BulkTemplate || self.is_filled_in {
            return None;
        }
        let waits = || Reason {
            code: "Info.NotFilledIn".to_owned(),
            description: Some("the device has not taken yet what the template is filled in with".to_owned()),
            details: None,
        };
        Some(match &self.refused {
            Some(refused) => (Validity::Invalid, vec![refused.clone()]),
            None => (Validity::Unknown, vec![waits()]),
        })
    }
}
