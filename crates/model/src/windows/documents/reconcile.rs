//! What a device is sent, by what it lists and what it is to have; and what is made of its answers.

use std::collections::BTreeSet;

use ordain_catalog::Scope;
use ordain_catalog::windows::Request;

use super::record::{Documents, Known, Leaving, MOST_OUTCOMES, Read, Refresh};
use super::state::{Kind, kind};
use super::told::{DocumentResult, Told, Verdict};
use super::{Declared, MOST_DOCUMENTS, Scene, Session, Work};
use crate::report::Reason;
use crate::windows::conversation::Outcome;
use crate::windows::document::{DocId, OnRemoval};
use crate::windows::session::REFUSED;

/// How often a result is asked for in a session: it may change while the two talk.
const MOST_READ: u8 = 3;
/// How long nothing is sent again after the machinery of the device has failed, in seconds, and at most.
const RETRY: i64 = 3_600;
const MOST_RETRY: i64 = 24 * 3_600;

impl Session {
    /// What is to be sent, the most pressing first. `list` is what the device has listed in this message.
    pub(super) fn reconcile(
        &self,
        scene: &Scene<'_>,
        documents: &Documents,
        list: Option<&[Told]>,
    ) -> Vec<Work> {
        let is_new = |work: &Work| self.tries(work) == 0;
        if !self.has_listed && !scene.wanted.is_empty() && is_new(&Work::Probe) {
            // \[U\]: a device without documents may send no list, and one that has no declared configuration sends none.
            return vec![Work::Probe];
        }
        if list.is_none() && (self.has_listed || documents.unsupported.is_some()) {
            // Each message has the list; from one without it nothing follows.
            return Vec::new();
        }
        let told = |id: &str| list.and_then(|list| list.iter().find(|told| told.id == id));
        let mut works = Vec::new();
        for told in list.into_iter().flatten().filter(|_| !scene.is_ending) {
            works.extend(self.removal(scene, documents, told));
        }
        for declared in scene.wanted {
            let known = documents.known.get(&declared.id);
            works.extend(self.want(declared, known, told(&declared.id), scene.now));
        }
        works.retain(|work| match work {
            Work::Result(_) => self.tries(work) < MOST_READ,
            work => is_new(work),
        });
        works.extend(refresh(scene, documents).filter(is_new));
        let mut sent = 0;
        works.retain(|work| {
            let is_document = matches!(work, Work::Send(..) | Work::FillIn(..));
            sent += usize::from(is_document);
            !is_document || sent <= MOST_DOCUMENTS
        });
        works
    }

    /// What a document that is wanted needs.
    fn want(&self, declared: &Declared, known: Option<&Known>, told: Option<&Told>, now: i64) -> Vec<Work> {
        let id = || declared.id.clone();
        if declared.document.scope == Scope::User && !self.with_user {
            return Vec::new();
        }
        let is_refused = known.is_some_and(|known| known.token == declared.token && known.refused.is_some());
        if is_refused {
            return Vec::new();
        }
        let send = || Work::Send(id(), declared.token);
        let is_current = |told: &&Told| declared.is_listed(told) && kind(told.state) != Kind::Gone;
        let is_abandoned = told.is_some_and(|told| told.is_abandoned(known));
        let mut works = Vec::new();
        match told.filter(is_current) {
            // Where it is not known whether it is there, what the device has taken is not sent again.
            None if told.is_none()
                && !self.has_listed
                && known.is_some_and(|it| it.is_of(declared) && it.is_taken) =>
            {
                works.extend(self.fill_in(declared, known, None, now));
            }
            None => match (told, known) {
                // It is in another place, by the same name: \[U\], whether devices have both. What is going has to be gone.
                (Some(told), Some(known)) if known.request != declared.document.request => {
                    let is_going = matches!(kind(told.state), Kind::Deleting);
                    works.extend((!is_going).then(|| Work::Delete(id(), known.scope, known.request)));
                }
                _ => works.push(send()),
            },
            Some(told) => {
                let is_read = known.is_some_and(|known| known.read_of(told).is_some());
                let is_final = !matches!(kind(told.state), Kind::Pending | Kind::Deleting);
                if is_final && !is_read && !is_abandoned {
                    works.push(Work::Result(id()));
                }
                let may_retry = known.is_none_or(|known| now >= known.retry_at);
                if declared.document.request == Request::BulkTemplate {
                    works.extend(self.fill_in(declared, known, Some(told), now));
                } else if kind(told.state) == Kind::Retryable && may_retry {
                    works.push(send());
                }
            }
        }
        if is_abandoned {
            // After the document, so that none that is outdated is put in force.
            works.push(Work::Abandon(id(), false));
        }
        works
    }

    /// What is to be done about a listed document that is not wanted.
    fn removal(&self, scene: &Scene<'_>, documents: &Documents, told: &Told) -> Option<Work> {
        let id = &told.id;
        if scene.wanted(id).is_some() {
            return None;
        }
        let Some(known) = documents.known.get(id) else {
            // Not ours, or not known to be. What it has set stays, whoever did it. Only what is named as documents are
            // has a node.
            id.parse::<DocId>().ok()?;
            return Some(Work::Delete(id.clone(), Scope::System, Request::Complete));
        };
        if known.scope == Scope::User && !self.with_user {
            return None;
        }
        if matches!(kind(told.state), Kind::Deleting) {
            return None;
        }
        match known.on_removal {
            OnRemoval::Abandon if known.request == Request::Complete => {
                (!told.is_abandoned(Some(known))).then(|| Work::Abandon(id.clone(), true))
            }
            _ => Some(Work::Delete(id.clone(), known.scope, known.request)),
        }
    }

    /// What became of `work`.
    pub(super) fn resolve(
        &self,
        scene: &Scene<'_>,
        documents: &mut Documents,
        work: &Work,
        outcome: &Outcome,
    ) {
        let is_done = outcome.is_said && (200..=202).contains(&outcome.code);
        match work {
            Work::Probe => {
                documents.unsupported = [404, 405].contains(&outcome.code).then_some(outcome.code);
            }
            Work::Result(id) => {
                let result = outcome.value.as_deref().filter(|_| outcome.code == 200);
                if let Some(result) = result.and_then(|text| (scene.wire.read)(text)) {
                    read(scene, documents, id, result);
                }
            }
            Work::Send(id, token) => {
                let Some(declared) = scene.wanted(id).filter(|declared| declared.token == *token) else {
                    return;
                };
                let is_nowhere = outcome.is_said && [404, 405].contains(&outcome.code);
                let may_lack_all = declared.document.request != Request::BulkTemplate;
                match is_nowhere && !self.has_listed && may_lack_all {
                    // A device that lists documents has the CSP; of another one, this says that it has not. That it has no
                    // templates says nothing of the rest.
                    true => documents.unsupported = Some(outcome.code),
                    false => sent(scene, documents, declared, outcome, is_done),
                }
            }
            Work::FillIn(id, token) => {
                if let Some(known) = documents.known.get_mut(id).filter(|known| known.token == *token) {
                    known.fills_in(outcome, is_done, scene.now);
                }
            }
            Work::Abandon(id, is_abandoned) => {
                let Some(known) = documents.known.get_mut(id).filter(|_| is_done) else {
                    return;
                };
                known.leaving = match is_abandoned {
                    true => Leaving::Abandoned,
                    false => Leaving::Resumed,
                };
                // What follows is our doing.
                known.good = None;
                let identifier = known.identifier.clone();
                match is_abandoned {
                    true => {
                        let why = "the document is abandoned, which Windows describes as leaving what it set, not looked after";
                        documents.leaves_behind(&identifier, why, scene.now);
                    }
                    false => drop(documents.stays.remove(&identifier)),
                }
            }
            // Whether it is gone is seen in the list.
            Work::Delete(..) => {}
            Work::Refresh(minutes) => match (minutes, outcome.code) {
                // \[U\]: many builds have no such node, which is no failure.
                (Some(minutes), code @ (200 | 404 | 405)) if outcome.is_said => {
                    documents.refresh = Some(Refresh {
                        minutes: *minutes,
                        code,
                    });
                }
                (None, 200 | 404 | 405) if outcome.is_said => documents.refresh = None,
                _ => {}
            },
        }
    }
}

/// A version was sent.
fn sent(scene: &Scene<'_>, documents: &mut Documents, declared: &Declared, outcome: &Outcome, is_done: bool) {
    let refusal = outcome.is_refusal() && !is_done;
    if !refusal && !is_done {
        // Not for good, or nothing was said: again in another session.
        return;
    }
    let before = documents.known.remove(&declared.id);
    let again = before.as_ref().filter(|known| known.token == declared.token);
    let is_retry = again.is_some_and(|known| {
        let state = known.seen.as_ref().and_then(|seen| seen.state);
        kind(state) == Kind::Retryable
    });
    let retries = if is_retry {
        again.map_or(0, |known| known.retries + 1)
    } else {
        0
    };
    let (seen, history, leaving) = before
        .as_ref()
        .map(|known| (known.seen.clone(), known.history.clone(), known.leaving))
        .unwrap_or_default();
    // One that is refused leaves what is there.
    let sets = match (is_done, &before) {
        (true, _) => declared.document.resources(scene.catalog),
        (false, before) => before
            .as_ref()
            .map(|known| known.sets.clone())
            .unwrap_or_default(),
    };
    let known = Known {
        identifier: declared.identifier.clone(),
        token: declared.token,
        scope: declared.document.scope,
        request: declared.document.request,
        on_removal: declared.document.on_removal,
        is_taken: is_done,
        is_filled_in: false,
        refused: refusal.then(|| outcome.refusal(declared.document.request)),
        seen,
        history,
        result: again.and_then(|known| known.result.clone()),
        // What follows is our doing.
        good: None,
        retries: retries.min(16),
        retry_at: if is_done {
            pause_until(scene.now, retries)
        } else {
            0
        },
        leaving: leaving.of_another(),
        sets: BTreeSet::new(),
        sets_no_more: BTreeSet::new(),
        has_forgotten: false,
    };
    let known = known.setting(sets, before.as_ref());
    documents.known.insert(declared.id.clone(), known);
    documents.stays.remove(&declared.identifier);
}

/// Until when nothing is sent again, after it was `retries` times.
pub(super) fn pause_until(now: i64, retries: u32) -> i64 {
    let wait = RETRY.checked_shl(retries);
    now.saturating_add(wait.map_or(MOST_RETRY, |wait| wait.clamp(RETRY, MOST_RETRY)))
}

/// A result came: it counts for the version that is wanted, and for no other.
fn read(scene: &Scene<'_>, documents: &mut Documents, id: &str, result: DocumentResult) {
    let Some(known) = documents.known.get_mut(id) else {
        return;
    };
    let Some(declared) = scene.wanted(id).filter(|declared| known.is_of(declared)) else {
        return;
    };
    let checksum = result.checksum.as_deref().unwrap_or_default().to_lowercase();
    if result.id != id || !known.token.is_written(&checksum) {
        return;
    }
    let unnamed: Vec<String> = result.unnamed(&declared.document).take(MOST_OUTCOMES).collect();
    let outcomes: Vec<_> = result.parts.iter().map(|part| part.outcome()).collect();
    let is_any = |verdict| outcomes.iter().any(|outcome| outcome.verdict == verdict);
    // The device's word on the whole counts, unless a part that it names speaks against it. Without that word nothing is
    // good, whatever the parts are. The result of a template that does not name all is of something else: of the template as
    // it is (\[U\]), or of other instances.
    let is_open = is_any(Verdict::Open) || known.request == Request::BulkTemplate && !unnamed.is_empty();
    let verdict = match (is_any(Verdict::Bad), is_open, kind(result.state)) {
        (true, ..) | (_, _, Kind::Failed | Kind::Retryable | Kind::NotDeleted) => Verdict::Bad,
        (false, false, Kind::Good) => Verdict::Good,
        _ => Verdict::Open,
    };
    let values = result.parts.into_iter().flat_map(|part| part.values);
    let values = values
        .filter(|_| known.request == Request::Inventory)
        .take(MOST_OUTCOMES);
    let more = outcomes.len().saturating_sub(MOST_OUTCOMES);
    known.result = Some(Read {
        checksum,
        result_checksum: result.result_checksum,
        timestamp: result.timestamp,
        state: result.state,
        // What is wrong is kept first.
        outcomes: {
            let (good, bad): (Vec<_>, Vec<_>) = outcomes
                .into_iter()
                .partition(|outcome| outcome.verdict == Verdict::Good);
            let rest = MOST_OUTCOMES.saturating_sub(bad.len());
            let bad = bad.into_iter().take(MOST_OUTCOMES);
            bad.chain(good.into_iter().take(rest)).collect()
        },
        more,
        unnamed,
        verdict,
        values: values.collect(),
    });
}

/// How often the device is to look after its documents, where it does not know yet.
fn refresh(scene: &Scene<'_>, documents: &Documents) -> impl Iterator<Item = Work> {
    let wanted = scene
        .wanted
        .iter()
        .filter_map(|declared| declared.document.refresh_interval)
        .min();
    let work = match (wanted, documents.refresh) {
        (Some(minutes), Some(Refresh { minutes: sent, .. })) if minutes == sent => None,
        (Some(minutes), _) => Some(Work::Refresh(Some(minutes))),
        (None, Some(Refresh { code: 200, .. })) => Some(Work::Refresh(None)),
        (None, _) => None,
    };
    work.into_iter()
}

impl Outcome {
    /// Whether the device has said for good that it does not take it.
    pub(super) fn is_refusal(&self) -> bool {
        // Cancelled, not executed, rolled back; full; state unknown; and what is about the session.
        self.is_said && !matches!(self.code, 200..=216 | 401 | 407 | 420 | 508 | 516)
    }

    /// Why a document of this kind is not on the device.
    pub(super) fn refusal(&self, request: Request) -> Reason {
        let behind = self
            .original
            .map(|error| format!(", 0x{error:08X}"))
            .unwrap_or_default();
        let what = match (request, self.code) {
            // \[U\]: only one of Microsoft's pages has these nodes.
            (Request::BulkTemplate, 404 | 405) => {
                "templates are not supported here: the device has no such node"
            }
            _ => "the device does not take the document",
        };
        Reason {
            code: format!("{REFUSED}{}", self.code),
            description: Some(format!("{what}: status {}{behind}", self.code)),
            details: None,
        }
    }
}

impl Known {
    /// Whether what was last sent is this version.
    pub(super) fn is_of(&self, declared: &Declared) -> bool {
        self.token == declared.token
    }
}

impl Told {
    /// Whether it is abandoned: as it says, else as it was told to be. \[U\]: lists may not say it.
    pub(super) fn is_abandoned(&self, known: Option<&Known>) -> bool {
        self.abandoned
            .unwrap_or_else(|| known.is_some_and(|known| known.leaving == Leaving::Abandoned))
    }
}

/// The ids of a list, each once.
pub(super) fn ids(list: &[Told]) -> BTreeSet<&str> {
    list.iter().map(|told| told.id.as_str()).collect()
}
