//! F2.5: `Atomic` with its rollback, and `Sequence`.

use std::collections::BTreeSet;

use ordain_windows::syncml::status::StatusCode;
use ordain_windows::syncml::{Command, Item, Kind, Verb};

use super::execute::Execution;
use crate::windows::complaint::Complaint;

/// What became of a command of an `Atomic`.
struct Part {
    id: Option<u32>,
    name: String,
    code: StatusCode,
    original: Option<u32>,
}

impl Execution<'_, '_> {
    /// All or nothing: after the first failure the tree is what it was, and so is what was to happen after the session.
    pub(super) fn atomic(&mut self, id: u32, commands: Vec<Command>) {
        let snapshot = self.scene.tree.snapshot();
        let effects = self.scene.effects.len();
        let mut parts: Vec<Part> = Vec::new();
        let mut added = BTreeSet::new();
        self.scene.in_atomic = true;
        let mut failed = false;
        for command in commands {
            let name = command.name().to_owned();
            let id = command.id;
            let (code, original) = if failed {
                (StatusCode::NOT_EXECUTED, None)
            } else {
                self.inside(command, &mut added)
            };
            if self.unenrolls {
                break;
            }
            failed |= !failed && code != StatusCode::OK;
            parts.push(Part {
                id,
                name,
                code,
                original,
            });
        }
        self.scene.in_atomic = false;
        if self.unenrolls {
            return;
        }
        let rolls_back = !self.scene.tree.rollback_fails;
        if failed && rolls_back {
            self.scene.tree.restore(snapshot);
            self.scene.effects.truncate(effects);
        }
        let code = match (failed, rolls_back) {
            (false, _) => StatusCode::OK,
            (true, true) => StatusCode::ATOMIC_FAILED,
            (true, false) => StatusCode::ROLLBACK_FAILED,
        };
        self.status(id, "Atomic", code, None);
        for part in parts {
            let code = match part.code {
                StatusCode::OK if failed && rolls_back => StatusCode::ROLLED_BACK,
                code => code,
            };
            match part.id {
                Some(id) => self.status(id, &part.name, code, part.original),
                None => self.command(Command {
                    id: None,
                    kind: Kind::Malformed(part.name),
                }),
            }
        }
    }

    /// Does one command of an `Atomic`.
    fn inside(&mut self, command: Command, added: &mut BTreeSet<String>) -> (StatusCode, Option<u32>) {
        let Some(id) = command.id else {
            return (StatusCode::BAD_REQUEST, None);
        };
        if !self.is_new(id) {
            return (StatusCode::BAD_REQUEST, None);
        }
        match command.kind {
            // Nothing is read in the middle of a change, and changes are not within each other. [U]: neither are
            // sequences.
            Kind::Verb(Verb::Get, _) | Kind::Atomic(_) | Kind::Sequence(_) => {
                (StatusCode::COMMAND_FAILED, None)
            }
            Kind::Verb(verb, items) => {
                let uri = |item: &Item| item.target.as_ref().map(|target| target.uri.clone());
                if items.iter().any(|item| item.more_data) {
                    return (StatusCode::UNSUPPORTED_FEATURE, None);
                }
                if verb == Verb::Replace && items.iter().filter_map(uri).any(|uri| added.contains(&uri)) {
                    return (StatusCode::COMMAND_FAILED, None);
                }
                if verb == Verb::Add {
                    added.extend(items.iter().filter_map(uri));
                }
                let (outcomes, _) = self.items(verb, &items);
                let failure = outcomes.into_iter().find_map(Result::err);
                failure.map_or((StatusCode::OK, None), |refusal| (refusal.code, refusal.original))
            }
            kind => {
                let name = Command::new(id, kind).name().to_owned();
                self.scene.complaints.add(Complaint::Malformed(name));
                (StatusCode::BAD_REQUEST, None)
            }
        }
    }

    /// One after the other, each for itself.
    pub(super) fn sequence(&mut self, id: u32, commands: Vec<Command>) {
        self.status(id, "Sequence", StatusCode::OK, None);
        for command in commands {
            // What reads the messages bounds how deep they are nested.
            self.command(command);
            if self.unenrolls {
                return;
            }
        }
    }
}
