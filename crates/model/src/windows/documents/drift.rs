//! Drift: what the list in a device's alert says against what it said before. Nothing is drift that the server has done.

use std::collections::BTreeSet;

use super::record::{Documents, Drift, DriftKind, Good, Known, Leaving};
use super::state::{Kind, State, kind};
use super::told::{Told, Verdict};
use super::{Declared, Scene, Session, reconcile};
use crate::windows::document::OnRemoval;
use ordain_catalog::Scope;
use ordain_catalog::windows::{Request, WindowsCatalog};

impl Session {
    /// Takes the list of a message; `is_first` when it is the first one of the session.
    pub(super) fn hear(&self, scene: &Scene<'_>, documents: &mut Documents, list: &[Told], is_first: bool) {
        // What was seen with the message before has been asked for since, if it could be.
        for drift in &mut documents.drift {
            drift.is_examined = true;
        }
        for declared in scene.wanted {
            let told = list.iter().find(|told| told.id == declared.id);
            let can_be_told = declared.document.scope == Scope::System || self.with_user;
            let before = documents.known.remove(&declared.id);
            let is_other = before.as_ref().is_none_or(|known| !known.is_of(declared));
            let known = match told.filter(|told| is_other && declared.is_listed(told)) {
                // It has taken this version, and its word on that got lost.
                Some(_) => Some(Known::adopted(declared, before, scene.catalog)),
                None => before,
            };
            if let Some(mut known) = known {
                if told.is_some() || can_be_told {
                    hear_of(documents, &mut known, declared, told, scene.now, is_first);
                }
                documents.known.insert(declared.id.clone(), known);
            }
        }
        self.leave(scene, documents, list);
        foreign(scene, documents, list);
    }

    /// What the list says of documents that are no longer wanted.
    fn leave(&self, scene: &Scene<'_>, documents: &mut Documents, list: &[Told]) {
        let there = reconcile::ids(list);
        let unwanted = documents
            .known
            .iter()
            .filter(|(id, _)| scene.wanted(id).is_none());
        let unwanted: Vec<String> = unwanted.map(|(id, _)| id.clone()).collect();
        for id in unwanted {
            let Some(mut known) = documents.known.remove(&id) else {
                continue;
            };
            // Nothing is drift of what is going.
            if let Some(drift) = documents.open(&known.identifier) {
                drift.repaired = Some(scene.now);
            }
            if there.contains(id.as_str()) {
                if let Some(told) = list.iter().find(|told| told.id == id) {
                    known.sees(told, scene.now);
                }
            } else if known.scope == Scope::System || self.with_user {
                let why = match known.on_removal {
                    // What is to go after it is taken over by the device's own sessions.
                    OnRemoval::Clean => known.has_forgotten.then_some(
                        "its earlier versions have set more than is remembered, which is not removed",
                    ),
                    // \[U\]: the device says nothing of what becomes of it.
                    OnRemoval::Delete | OnRemoval::Abandon => {
                        Some("the document is deleted, which Windows describes as leaving what it set")
                    }
                };
                let was_there = known.is_taken || known.seen.is_some();
                let why = why.filter(|_| was_there && known.request != Request::Inventory);
                if let Some(why) = why {
                    documents.leaves_behind(&known.identifier, why, scene.now);
                }
                continue;
            }
            documents.known.insert(id, known);
        }
    }
}

/// What the list says of a document that is wanted.
fn hear_of(
    documents: &mut Documents,
    known: &mut Known,
    declared: &Declared,
    told: Option<&Told>,
    now: i64,
    is_first: bool,
) {
    if let Some(told) = told {
        known.sees(told, now);
    }
    let is_whole = known.request != Request::Inventory && known.not_filled_in().is_none();
    let is_ours = is_whole && known.is_of(declared);
    let settings = |known: &Known| match known.result.as_ref() {
        Some(result) if told.is_some_and(|told| known.read_of(told).is_some()) => {
            let bad = result
                .outcomes
                .iter()
                .filter(|outcome| outcome.verdict != Verdict::Good);
            bad.map(|outcome| outcome.path.clone())
                .take(MOST_SETTINGS)
                .collect()
        }
        _ => Vec::new(),
    };
    let drifts = |documents: &mut Documents, known: &Known, kind: DriftKind, state: Option<State>| {
        match documents.open(&declared.identifier) {
            Some(open) => {
                // It lasts, and may be better known by now.
                let said: Vec<String> = settings(known);
                if open.settings.is_empty() {
                    open.settings = said;
                }
            }
            None => documents.drifts(Drift {
                document: declared.identifier.clone(),
                kind,
                state,
                since: now,
                repaired: None,
                settings: settings(known),
                is_examined: false,
            }),
        }
    };
    let Some(told) = told else {
        if is_ours && known.good.is_some() {
            drifts(documents, known, DriftKind::Missing, None);
        }
        return;
    };
    if told.is_abandoned(Some(known)) {
        return;
    }
    if !declared.is_listed(told) {
        if is_ours && known.good.is_some() {
            drifts(documents, known, DriftKind::Replaced, told.state);
        }
        return;
    }
    if !is_ours {
        return;
    }
    match kind(told.state) {
        Kind::Good => {
            if let Some(open) = documents.open(&declared.identifier) {
                open.repaired = Some(now);
            } else if known.is_repaired(told) {
                documents.drifts(Drift {
                    document: declared.identifier.clone(),
                    kind: DriftKind::Repaired,
                    state: told.state,
                    since: now,
                    repaired: Some(now),
                    settings: Vec::new(),
                    is_examined: false,
                });
            }
            let read = known.read_of(told).and_then(|read| read.timestamp);
            let before = known.good.as_ref();
            let before = before.filter(|good| good.result_checksum == told.result_checksum);
            known.good = Some(Good {
                result_checksum: told.result_checksum.clone(),
                timestamp: read.or(before.and_then(|good| good.timestamp)),
            });
            known.retries = 0;
            // What follows from putting it in force again has followed by the next session.
            if known.leaving == Leaving::Resumed && is_first {
                known.leaving = Leaving::No;
            } else if known.leaving == Leaving::Resumed {
                known.good = None;
            }
        }
        Kind::Pending | Kind::Deleting | Kind::Gone => {}
        Kind::Failed | Kind::Retryable | Kind::NotDeleted | Kind::Unknown => {
            if known.good.is_some() || documents.open(&declared.identifier).is_some() {
                drifts(documents, known, DriftKind::Unrepaired, told.state);
            }
        }
    }
}

/// How many settings are named.
const MOST_SETTINGS: usize = 50;
/// How many documents that nobody has sent are told of at a time: a device may list any, and they take no room from what has
/// drifted of its own.
const MOST_FOREIGN: usize = 50;

/// Documents that nobody has sent are told of, once as long as they are there.
fn foreign(scene: &Scene<'_>, documents: &mut Documents, list: &[Told]) {
    let there = reconcile::ids(list);
    for drift in &mut documents.drift {
        if drift.kind == DriftKind::Foreign && !there.contains(drift.document.as_str()) {
            drift.repaired.get_or_insert(scene.now);
        }
    }
    let open = documents.drift.iter();
    let open = open.filter(|drift| drift.kind == DriftKind::Foreign && drift.repaired.is_none());
    let mut room = MOST_FOREIGN.saturating_sub(open.count());
    for told in list {
        let is_ours = documents.known.contains_key(&told.id) || scene.wanted(&told.id).is_some();
        if !is_ours && room > 0 && documents.open(&told.id).is_none() {
            room -= 1;
            documents.drifts(Drift {
                document: told.id.clone(),
                kind: DriftKind::Foreign,
                state: told.state,
                since: scene.now,
                repaired: None,
                settings: Vec::new(),
                is_examined: false,
            });
        }
    }
}

impl Known {
    /// A document that the device has in the version that is wanted, and that nobody here remembers to have sent: the
    /// version is a hash of what it says. `before` is what is known of the version that was sent last.
    fn adopted(declared: &Declared, before: Option<Self>, catalog: &WindowsCatalog) -> Self {
        let (seen, history, leaving) = before
            .as_ref()
            .map(|known| {
                (
                    known.seen.clone(),
                    known.history.clone(),
                    known.leaving.of_another(),
                )
            })
            .unwrap_or_default();
        let adopted = Self {
            identifier: declared.identifier.clone(),
            token: declared.token,
            scope: declared.document.scope,
            request: declared.document.request,
            on_removal: declared.document.on_removal,
            is_taken: true,
            // Nobody knows. Being filled in once more harms nothing.
            is_filled_in: false,
            refused: None,
            seen,
            history,
            result: None,
            good: None,
            retries: 0,
            retry_at: 0,
            leaving,
            sets: BTreeSet::new(),
            sets_no_more: BTreeSet::new(),
            has_forgotten: false,
        };
        adopted.setting(declared.document.resources(catalog), before.as_ref())
    }

    /// Whether the device has made good again what was good: its result is another one under the same version. A device
    /// whose result stays the same when it repairs something tells nobody of it (\[U\]), and then nothing is claimed.
    fn is_repaired(&self, told: &Told) -> bool {
        let Some(good) = &self.good else { return false };
        let checksum = match (&good.result_checksum, &told.result_checksum) {
            (Some(before), Some(now)) => !before.eq_ignore_ascii_case(now),
            // There was no result yet.
            _ => false,
        };
        let read = self.read_of(told).and_then(|read| read.timestamp);
        let timestamp = matches!((good.timestamp, read), (Some(before), Some(now)) if before != now);
        checksum || timestamp
    }
}
