//! What the device has said of its documents, as the report that it amounts to.

use std::borrow::Cow;
use std::collections::BTreeMap;

use ordain_catalog::windows::Request;
use ordain_catalog::{Kind as DeclarationKind, Scope};
use serde_json::Value;

use super::record::{Documents, Known, Seen};
use super::state::{Kind, kind};
use super::told::{Told, Verdict};
use super::{Declared, Scene, Session};
use crate::held::Listing;
use crate::record::StatusRecord;
use crate::report::{DeclarationsReport, Listed, Reason, Report, Validity};
use crate::windows::document::INVENTORY;

impl Session {
    /// The report, after the message that was answered. `before` is what the channel listed until now: as long as a device
    /// lists nothing in this session, that stays.
    pub fn report(
        &self,
        scene: &Scene<'_>,
        documents: &Documents,
        list: Option<&[Told]>,
        before: &Listing<'_>,
    ) -> Report<'static> {
        let before = || before.get(&DeclarationKind::Configuration).into_iter().flatten();
        let kept = |token: &str| {
            let same = before().find(|listed| listed.server_token == token);
            same.map(|listed| listed.clone().into_owned())
        };
        let mut listed: Vec<Listed<'static>> = Vec::new();
        match list {
            None => listed.extend(before().map(|listed| listed.clone().into_owned())),
            Some(list) => {
                for (id, known) in &documents.known {
                    let told = list.iter().find(|told| told.id == *id);
                    let is_silent = told.is_none() && known.scope == Scope::User && !self.with_user();
                    listed.extend(match (is_silent, told) {
                        // It cannot be told without its user.
                        (true, _) => kept(&known.token.to_string()),
                        (false, Some(told)) => known.listed(told, scene.wanted(id)),
                        (false, None) => known.refused(scene.wanted(id)),
                    });
                }
            }
        }
        Report {
            declarations: Some(DeclarationsReport {
                listed: BTreeMap::from([(DeclarationKind::Configuration, listed)]),
            }),
            problems: problems(documents),
            documents: Some(documents.clone()),
            ..Report::default()
        }
    }
}

impl Documents {
    /// What inventories have told of the device, by the names of status items. They are the device's, as all that is
    /// known of it is.
    pub fn inventory(&self) -> BTreeMap<String, Value> {
        let asked = self.known.values();
        let asked = asked.filter(|known| known.request == Request::Inventory);
        let items = asked.flat_map(|known| {
            let values = known.result.iter().flat_map(|result| &result.values);
            values.map(|(name, value)| (format!("{INVENTORY}{}.{name}", known.identifier), value.clone()))
        });
        items.take(MOST_ITEMS).collect()
    }

    /// The report that inventories amount to on the device's own channel, which has `reported` so far; `None` when that
    /// says nothing new.
    pub fn told(&self, reported: &StatusRecord) -> Option<Report<'static>> {
        let (items, errors) = (self.inventory(), self.untold(reported));
        let is_known = items
            .iter()
            .all(|(name, value)| reported.items.get(name) == Some(value));
        (!is_known || !errors.is_empty()).then(|| Report {
            items,
            errors,
            // They are of the channel's settings.
            problems: reported.problems.clone(),
            ..Report::default()
        })
    }

    /// What inventories have told of the device, and no inventory tells any more: it is no longer known.
    pub fn untold(&self, reported: &StatusRecord) -> BTreeMap<String, Vec<Reason>> {
        let items = self.inventory();
        let known = reported.items.keys();
        let untold = known.filter(|name| name.starts_with(INVENTORY) && !items.contains_key(*name));
        let reason = info("Info.NotAsked", "no inventory asks for it any more");
        untold.map(|name| (name.clone(), vec![reason.clone()])).collect()
    }
}

/// How many of them are kept.
const MOST_ITEMS: usize = 500;

/// What administrators have to know of, in words.
fn problems(documents: &Documents) -> Vec<String> {
    let unsupported = documents.unsupported.map(|code| {
        format!(
            "the device says that it has no declared configuration ({code}), so that it gets no documents"
        )
    });
    let refresh = documents.refresh.filter(|refresh| refresh.code != 200);
    let refresh = refresh.map(|refresh| {
        format!(
            "`refresh-interval` is not supported here ({}): the device looks after its documents as often as it does",
            refresh.code
        )
    });
    let stays = documents.stays.iter();
    let stays = stays
        .map(|(identifier, stays)| format!("what {identifier} set may stay on the device: {}", stays.why));
    unsupported.into_iter().chain(refresh).chain(stays).collect()
}

impl Known {
    /// How the device lists it, under the version that it says; `None` for one that is abandoned, which counts as gone.
    fn listed(&self, told: &Told, wanted: Option<&Declared>) -> Option<Listed<'static>> {
        let said = told.checksum.as_deref().unwrap_or_default();
        let is_wanted = wanted.is_some_and(|declared| declared.is_listed(told));
        let listed = |token: String, valid, reasons| Listed {
            identifier: Cow::Owned(self.identifier.clone()),
            server_token: Cow::Owned(token),
            active: valid == Validity::Valid,
            valid,
            reasons,
        };
        match wanted {
            None if told.is_abandoned(Some(self)) => None,
            Some(declared) if is_wanted => {
                let (valid, reasons) = match told.is_abandoned(Some(self)) {
                    true => (
                        Validity::Unknown,
                        vec![info("Info.Abandoned", "it is abandoned on the device")],
                    ),
                    false => self.not_filled_in().unwrap_or_else(|| self.judge(told)),
                };
                Some(listed(declared.token.to_string(), valid, reasons))
            }
            Some(declared) if self.is_of(declared) && self.refused.is_some() => self.refused(wanted),
            _ => Some(listed(said.to_owned(), Validity::Unknown, Vec::new())),
        }
    }

    /// One that the device has not taken, by its own word.
    fn refused(&self, wanted: Option<&Declared>) -> Option<Listed<'static>> {
        let declared = wanted.filter(|declared| self.is_of(declared))?;
        let refused = self.refused.clone()?;
        Some(Listed {
            identifier: Cow::Owned(self.identifier.clone()),
            server_token: Cow::Owned(declared.token.to_string()),
            active: false,
            valid: Validity::Invalid,
            reasons: vec![refused],
        })
    }

    /// What is made of what the device tells of the version that is wanted. Good is only what both the list and the result
    /// call good, the result being that of this very state and good as [`super::Read::verdict`] says.
    fn judge(&self, told: &Told) -> (Validity, Vec<Reason>) {
        let read = self.read_of(told);
        let against = |verdict| {
            let outcomes = read.iter().flat_map(|read| &read.outcomes);
            let against = outcomes.filter(move |outcome| outcome.verdict == verdict);
            against
                .map(super::Outcome::reason)
                .take(MOST_REASONS)
                .collect::<Vec<_>>()
        };
        let state = |code: &str| {
            let said = told.state.map(|state| state.to_string());
            let said = said.unwrap_or_else(|| "no state is told".to_owned());
            info(code, &format!("the document is {said}"))
        };
        let or = |reasons: Vec<Reason>, other: Reason| if reasons.is_empty() { vec![other] } else { reasons };
        match (kind(told.state), read.map(|read| read.verdict)) {
            (Kind::Failed | Kind::Retryable, _) => {
                let code = format!("Error.State{}", told.state.map_or(0, |state| state.0));
                (Validity::Invalid, or(against(Verdict::Bad), state(&code)))
            }
            (Kind::Good, Some(Verdict::Good)) => (Validity::Valid, Vec::new()),
            (Kind::Good, Some(Verdict::Bad)) => (
                Validity::Invalid,
                or(against(Verdict::Bad), state("Error.Result")),
            ),
            (Kind::Good, Some(Verdict::Open)) => (
                Validity::Unknown,
                or(
                    against(Verdict::Open),
                    info("Info.NotSaid", "its result does not say that it is done"),
                ),
            ),
            (Kind::Good, None) => (
                Validity::Unknown,
                vec![info(
                    "Info.NoResult",
                    "the document is done, and its result was not read yet",
                )],
            ),
            (Kind::Pending, _) => (Validity::Unknown, vec![state("Info.UnderWay")]),
            (Kind::Deleting | Kind::Gone | Kind::NotDeleted | Kind::Unknown, _) => {
                (Validity::Unknown, vec![state("Info.Attention")])
            }
        }
    }
}

/// How many parts are named.
const MOST_REASONS: usize = 20;

fn info(code: &str, description: &str) -> Reason {
    Reason {
        code: code.to_owned(),
        description: Some(description.to_owned()),
        details: None,
    }
}

impl Seen {
    /// How far the document has got, in words.
    pub fn words(&self) -> String {
        self.state
            .map_or_else(|| "no state is told".to_owned(), |state| state.to_string())
    }
}
