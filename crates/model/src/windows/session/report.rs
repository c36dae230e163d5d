//! What a session found out, as the report that it amounts to.

use std::borrow::Cow;
use std::collections::BTreeMap;

use ordain_catalog::Kind;

use super::task::{Task, words};
use super::{Declared, Scene, Session};
use crate::held::Listing;
use crate::report::{DeclarationsReport, Listed, Reason, Report, Validity};

impl Session {
    /// What the device has said in this session. `before` is what it listed until now: what was put off until its user is
    /// there, or could not be taken away yet, stays as it was.
    pub fn report(&self, scene: &Scene<'_>, before: &Listing<'_>) -> Report<'static> {
        let tasks = self.tasks.iter().zip(scene.wanted);
        let before = || before.get(&Kind::Configuration).into_iter().flatten();
        let mut listed: Vec<Listed<'static>> = tasks
            .clone()
            .filter_map(|(task, declared)| listed(task, declared))
            .collect();
        let put_off = tasks.filter(|(task, _)| task.is_put_off);
        let kept = put_off.map(|(task, _)| &task.token).chain(&self.lingering);
        for token in kept {
            let same = before().filter(|listed| token.is_written(&listed.server_token));
            listed.extend(same.map(|listed| listed.clone().into_owned()));
        }
        let mut report = Report {
            declarations: Some(DeclarationsReport {
                listed: BTreeMap::from([(Kind::Configuration, listed)]),
            }),
            problems: self.stays.clone(),
            cleaning: self.cleaning(scene),
            ..Report::default()
        };
        for (name, said) in &self.facts {
            match said {
                Ok(value) => drop(report.items.insert(name.clone(), value.clone())),
                Err(code) => drop(report.errors.insert(name.clone(), vec![untold(*code)])),
            }
        }
        report
    }

    /// The declarations that the device has taken, by their places among those that are wanted.
    pub fn taken(&self) -> impl Iterator<Item = usize> {
        let taken = |task: &Task| !task.is_put_off && !task.is_unfinished && task.failures.is_empty();
        let tasks = self.tasks.iter().enumerate();
        tasks.filter(move |(_, task)| taken(task)).map(|(place, _)| place)
    }
}

/// How the device lists a declaration; `None` as long as nothing final is known.
fn listed(task: &Task, declared: &Declared) -> Option<Listed<'static>> {
    if task.is_put_off || task.is_unfinished {
        return None;
    }
    let (valid, reasons) = match (task.failures.is_empty(), task.notes.is_empty()) {
        (false, _) => (Validity::Invalid, task.failures.clone()),
        (true, false) => (Validity::Unknown, task.notes.clone()),
        (true, true) => (Validity::Valid, Vec::new()),
    };
    Some(Listed {
        identifier: Cow::Owned(declared.identifier.clone()),
        server_token: Cow::Owned(declared.token.to_string()),
        active: task.failures.is_empty(),
        valid,
        reasons,
    })
}

/// Why a status item is not told.
fn untold(code: u16) -> Reason {
    Reason {
        code: format!("Error.SyncML{code}"),
        description: Some(words(code).to_owned()),
        details: None,
    }
}
