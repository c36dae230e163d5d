//! What comes of enrollments, renewals and sessions when they end.

use super::{Activity, Event, PRIMARY, Standing, Task, Twin};
use crate::windows::enrollment::{EnrollError, Enrolled, Renewal};
use crate::windows::exchange::Response;
use crate::windows::schedule::Schedule;
use crate::windows::session::{Cause, Session, Verdict};
use crate::windows::tree::Effect;

const DAY: i64 = 86_400;
/// What Windows ends with where it has no number of its own: E_FAIL.
const FAIL: u32 = 0x8000_4005;

impl Twin {
    pub(super) fn enrolled(&mut self, enrolled: Enrolled, now: i64) {
        self.tree
            .provision(&enrolled.client, enrolled.account.renewal.as_ref());
        self.accounts.push(enrolled.account);
        self.store_certificates(self.accounts.len().saturating_sub(1), None);
        self.standing = Standing::Enrolled;
        self.note(Event::Enrolled);
        self.wake(now);
    }

    /// The server asks to come back later: an enrollment goes on then, a session is begun anew.
    pub(super) fn postponed(&mut self, at: i64, now: i64) {
        match std::mem::replace(&mut self.activity, Activity::Idle) {
            Activity::Idle => {}
            Activity::Enrolling(enrolling) => {
                self.activity = Activity::Enrolling(enrolling);
                self.resumes = at;
            }
            Activity::Linking(_) => {
                // The sessions of the primary enrollment go on meanwhile, and then all begins anew.
                if let Some(account) = self.accounts.first_mut() {
                    account.linking.due = Some(at);
                }
            }
            Activity::Renewing(index, _) => {
                if let Some(account) = self.accounts.get_mut(index) {
                    account.renewing.postponed = Some(at);
                }
            }
            Activity::Session(index, session) if session.cause() == Cause::Unenrollment => {
                self.leave(index, Standing::Unenrolled);
            }
            Activity::Session(index, session) => {
                if let Some(account) = self.accounts.get_mut(index) {
                    account.schedule.at(at);
                }
                self.note(Event::SessionFailed);
                self.after_session(index, session.effects, now);
            }
        }
    }

    /// What is under way comes to nothing.
    pub(super) fn failed(&mut self, error: EnrollError, now: i64) {
        match std::mem::replace(&mut self.activity, Activity::Idle) {
            Activity::Idle => {}
            Activity::Enrolling(_) => self.enrollment_failed(error),
            Activity::Linking(_) => self.link_failed(error),
            Activity::Renewing(index, _) => self.renewal_failed(index, error, now),
            Activity::Session(index, session) => {
                self.session_ended(index, *session, Verdict::Failed, now);
            }
        }
    }

    pub(super) fn enrollment_failed(&mut self, error: EnrollError) {
        self.complain(&error);
        self.error = Some(error);
        self.standing = Standing::Refused;
    }

    pub(super) fn renewal_answer(&mut self, index: usize, renewal: &Renewal, response: &Response, now: i64) {
        let Some(account) = self.accounts.get_mut(index) else {
            return;
        };
        let old = account.identity.certificate.clone();
        match renewal.respond(response, account, now) {
            Ok(()) => {
                account.renewing.status = 2;
                account.renewing.error = 0;
                account.renewing.renewed = Some(now);
                self.store_certificates(index, Some(&old));
                self.note(Event::Renewed);
            }
            Err(error) => self.renewal_failed(index, error, now),
        }
    }

    pub(super) fn renewal_failed(&mut self, index: usize, error: EnrollError, now: i64) {
        self.complain(&error);
        if let Some(account) = self.accounts.get_mut(index) {
            account.renewing.status = 3;
            account.renewing.tried = Some(now);
            account.renewing.now = false;
            account.renewing.error = error.hresult().unwrap_or(FAIL);
        }
        self.error = Some(error.clone());
        self.note(Event::RenewalFailed(error));
    }

    pub(super) fn session_ended(&mut self, index: usize, session: Session, verdict: Verdict, now: i64) {
        if session.cause() == Cause::Unenrollment {
            // One try, and no other.
            return self.leave(index, Standing::Unenrolled);
        }
        if verdict == Verdict::Unenroll {
            self.agenda.clear();
            return self.agenda.push_back(Task::Session(index, Cause::Unenrollment));
        }
        let is_over = verdict == Verdict::Over;
        let before = self.before.take();
        let is_as_before = before.is_some_and(|before| self.tree.is_as(&before));
        self.rested(index, is_over && is_as_before && session.effects.is_empty());
        if let Some(account) = self.accounts.get_mut(index) {
            if is_over {
                account.pushed = false;
                account.failures = 0;
                account.last_contact = now;
                account.schedule.held(now);
            } else {
                account.failures += 1;
                match account.backoff() {
                    Some(pause) => account.schedule.at(now.saturating_add(pause)),
                    None => {
                        account.failures = 0;
                        account.schedule.held(now);
                    }
                }
            }
        }
        self.note(if is_over {
            Event::Session
        } else {
            Event::SessionFailed
        });
        self.after_session(index, session.effects, now);
    }

    /// Does what the server's commands make happen after the session.
    fn after_session(&mut self, index: usize, effects: Vec<Effect>, now: i64) {
        for effect in effects {
            match effect {
                Effect::Wipe(kind) => {
                    self.note(Event::Wiped(kind));
                    return self.leave(PRIMARY, Standing::Wiped);
                }
                Effect::Reboot => self.reboot(now),
                Effect::Reschedule => {
                    if let Some(account) = self.accounts.get_mut(index) {
                        let poll = self.tree.poll(&account.provider_id);
                        let retry = Some(account.schedule.due()).filter(|_| account.failures > 0);
                        account.schedule = Schedule::new(Some(&poll), now);
                        account.schedule.held(now);
                        if let Some(retry) = retry {
                            account.schedule.at(retry);
                        }
                    }
                }
                Effect::Renew => {
                    if let Some(account) = self.accounts.get_mut(index) {
                        account.renewing.now = true;
                    }
                    self.agenda.push_back(Task::Renew(index));
                }
                Effect::Unenroll => {}
                Effect::Link => self.agenda.push_back(Task::Link),
                Effect::Unlink => self.agenda.push_back(Task::Unlink),
                Effect::Do(what) => self.note(Event::Did(what)),
            }
        }
    }

    /// The device is rebooted: what waited for that is in force, and its services begin anew.
    pub fn reboot(&mut self, now: i64) {
        for (uri, value) in self.tree.reboot() {
            if uri.segments.last().is_some_and(|name| name == "DeviceName") {
                self.pc.name = value.data;
                self.tree.take(&uri);
            }
        }
        self.tree.restart_service(now);
        self.note(Event::Rebooted);
    }

    /// What goes on at the device is told with the next session when it is done.
    pub(super) fn finish_jobs(&mut self, now: i64) {
        let mut alerts = Vec::new();
        for (node, job) in self.tree.jobs_mut() {
            if job.done <= now && !job.is_told {
                job.is_told = true;
                alerts.extend(job.alert(node));
            }
        }
        if let Some(account) = self.accounts.first_mut() {
            account.alerts.extend(alerts);
        }
    }

    /// The account whose server was not reached for longer than it wants its devices to wait.
    pub(super) fn lost(&self, now: i64) -> Option<usize> {
        self.accounts.iter().position(|account| {
            let name = ["NumberOfDaysAfterLostContactToUnenroll"];
            let days = self.tree.provider_text(&account.provider_id, &name);
            let days = days
                .and_then(|days| days.parse::<i64>().ok())
                .filter(|days| *days > 0);
            days.is_some_and(|days| now.saturating_sub(account.last_contact) > days.saturating_mul(DAY))
        })
    }

    /// Leaving takes along all that management brought; leaving the linked enrollment, all that that one brought.
    pub(super) fn leave(&mut self, index: usize, standing: Standing) {
        self.unlink();
        if index != PRIMARY {
            return;
        }
        self.accounts.clear();
        self.agenda.clear();
        self.activity = Activity::Idle;
        self.awaits = false;
        match standing {
            Standing::Wiped => self.tree.wipe(),
            _ => self.tree.unmanage(),
        }
        self.standing = standing;
        self.note(Event::Unenrolled);
    }
}
