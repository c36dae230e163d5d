//! F2.2 and F2.8: doing what a server's message asks for, and what is answered.

use std::collections::BTreeSet;

use ordain_windows::syncml::alert::AlertCode;
use ordain_windows::syncml::chunk::{Assembly, ChunkError, Progress};
use ordain_windows::syncml::status::StatusCode;
use ordain_windows::syncml::{Alert, Command, Item, Kind, Results, Status, Verb};

use super::Limits;
use super::check::Incoming;
use crate::windows::complaint::Complaint;
use crate::windows::tree::{Effect, Refusal, Scene};

/// A command whose data has come in part.
#[derive(Debug)]
pub(super) struct Incomplete {
    verb: Verb,
    assembly: Assembly,
}

/// What came of a message.
#[derive(Default)]
pub(super) struct Done {
    /// What is to be sent, in order.
    pub(super) answers: Vec<Kind>,
    /// Whether the device is to leave, at once.
    pub(super) unenrolls: bool,
    /// Whether the next message of the server's package is wanted.
    pub(super) waits_for_more: bool,
    /// Whether the message goes on with nothing.
    pub(super) is_stuck: bool,
}

/// The commands of one message.
pub(super) struct Execution<'s, 't> {
    pub(super) scene: &'s mut Scene<'t>,
    /// `MsgID` of the message.
    message: u32,
    ids: BTreeSet<u32>,
    pub(super) statuses: Vec<Status>,
    results: Vec<Results>,
    pub(super) unenrolls: bool,
}

/// Does what is in a message, in its order.
pub(super) fn package(
    incoming: Incoming,
    is_final: bool,
    message: u32,
    incomplete: &mut Option<Incomplete>,
    limits: Limits,
    scene: &mut Scene<'_>,
) -> Done {
    if incoming.is_only_statuses() && !is_final {
        return Done {
            is_stuck: true,
            ..Done::default()
        };
    }
    let wants_next = incoming.alerts(AlertCode::NEXT_MESSAGE);
    let mut execution = Execution {
        scene,
        message,
        ids: BTreeSet::new(),
        statuses: vec![Status::new(message, Some(0), "SyncHdr", StatusCode::OK)],
        results: Vec::new(),
        unenrolls: false,
    };
    let mut alerts = Vec::new();
    let mut is_within = false;
    for command in incoming.commands {
        // What leads on in a package is no part of data.
        let continues = !matches!(command.kind, Kind::Alert(_));
        let part = match command {
            Command {
                id: Some(id),
                kind: Kind::Verb(verb, items),
            } if is_part(&items, incomplete.as_ref(), verb) => {
                execution.part(id, verb, items, incomplete, limits, &mut alerts)
            }
            command => {
                if continues && incomplete.take().is_some() {
                    execution.broken_off(ChunkError::NoEndOfData, &mut alerts);
                }
                execution.command(command);
                false
            }
        };
        is_within |= part;
        if execution.unenrolls {
            return Done {
                unenrolls: true,
                ..Done::default()
            };
        }
    }
    let statuses = execution.statuses.into_iter().map(Kind::Status);
    let results = execution.results.into_iter().map(Kind::Results);
    let alerts = alerts.into_iter().map(|code| {
        Kind::Alert(Alert {
            code,
            items: Vec::new(),
        })
    });
    Done {
        answers: statuses.chain(results).chain(alerts).collect(),
        unenrolls: false,
        waits_for_more: is_within || !is_final && !wants_next,
        is_stuck: false,
    }
}

/// Whether a command carries the first, or the next, part of data.
fn is_part(items: &[Item], incomplete: Option<&Incomplete>, verb: Verb) -> bool {
    items.iter().any(|item| item.more_data) || incomplete.is_some_and(|incomplete| incomplete.verb == verb)
}

impl Execution<'_, '_> {
    pub(super) fn command(&mut self, command: Command) {
        let name = command.name().to_owned();
        let Some(id) = command.id else {
            self.scene.complaints.add(Complaint::Malformed(name.clone()));
            self.statuses
                .push(Status::new(self.message, None, name, StatusCode::BAD_REQUEST));
            return;
        };
        if !self.is_new(id) {
            return self.status(id, &name, StatusCode::BAD_REQUEST, None);
        }
        match command.kind {
            Kind::Verb(verb, items) => {
                let (outcomes, results) = self.items(verb, &items);
                self.answer(id, verb, &items, &outcomes);
                if !results.is_empty() {
                    self.results.push(Results {
                        message: self.message,
                        command: id,
                        items: results,
                    });
                }
            }
            Kind::Atomic(commands) => self.atomic(id, commands),
            Kind::Sequence(commands) => self.sequence(id, commands),
            Kind::Alert(alert) => {
                // The alerts for people are not supported.
                let is_ui = (1100..1200).contains(&alert.code.0);
                let code = if is_ui {
                    StatusCode::UNSUPPORTED_FEATURE
                } else {
                    StatusCode::OK
                };
                self.status(id, &name, code, None);
            }
            Kind::Results(_) | Kind::Status(_) => {
                self.scene.complaints.add(Complaint::Unexpected(name.clone()));
                self.status(id, &name, StatusCode::BAD_REQUEST, None);
            }
            Kind::Malformed(_) => {
                self.scene.complaints.add(Complaint::Malformed(name.clone()));
                self.status(id, &name, StatusCode::BAD_REQUEST, None);
            }
        }
    }

    /// Whether no other command of the message has this `CmdID`.
    pub(super) fn is_new(&mut self, id: u32) -> bool {
        let is_new = self.ids.insert(id);
        if !is_new {
            self.scene.complaints.add(Complaint::CommandIdTwice(id));
        }
        is_new
    }

    pub(super) fn status(&mut self, id: u32, name: &str, code: StatusCode, original: Option<u32>) {
        let mut status = Status::new(self.message, Some(id), name, code);
        status.original_error = original;
        self.statuses.push(status);
    }

    /// Does what a command asks of each of its nodes, and gives what became of each, and what a `Get` got.
    pub(super) fn items(&mut self, verb: Verb, items: &[Item]) -> (Vec<Result<(), Refusal>>, Vec<Item>) {
        let (mut outcomes, mut results) = (Vec::new(), Vec::new());
        for item in items {
            let outcome = self.scene.execute(verb, item);
            if self.scene.effects.contains(&Effect::Unenroll) {
                self.unenrolls = true;
                break;
            }
            outcomes.push(outcome.map(|got| results.extend(got)));
        }
        (outcomes, results)
    }

    /// One status when all items ended alike, else one for each.
    pub(super) fn answer(&mut self, id: u32, verb: Verb, items: &[Item], outcomes: &[Result<(), Refusal>]) {
        let code = |outcome: &Result<(), Refusal>| match outcome {
            Ok(()) => (StatusCode::OK, None),
            Err(refusal) => (refusal.code, refusal.original),
        };
        let first = outcomes.first().map(code).unwrap_or((StatusCode::OK, None));
        if outcomes.iter().all(|outcome| code(outcome) == first) {
            return self.status(id, verb.as_str(), first.0, first.1);
        }
        for (item, outcome) in items.iter().zip(outcomes) {
            let (code, original) = code(outcome);
            let mut status = Status::new(self.message, Some(id), verb.as_str(), code);
            status.original_error = original;
            status
                .targets
                .extend(item.target.as_ref().map(|target| target.uri.clone()));
            self.statuses.push(status);
        }
    }

    /// Takes a part of data, and does the command when it was the last. Whether the next one is wanted.
    fn part(
        &mut self,
        id: u32,
        verb: Verb,
        mut items: Vec<Item>,
        incomplete: &mut Option<Incomplete>,
        limits: Limits,
        alerts: &mut Vec<AlertCode>,
    ) -> bool {
        if !self.is_new(id) {
            self.status(id, verb.as_str(), StatusCode::BAD_REQUEST, None);
            return false;
        }
        let (Some(item), true) = (items.pop(), items.is_empty()) else {
            self.scene
                .complaints
                .add(Complaint::Malformed(verb.as_str().to_owned()));
            self.status(id, verb.as_str(), StatusCode::UNSUPPORTED_FEATURE, None);
            return false;
        };
        let progress = match incomplete.take() {
            Some(before) => before.assembly.next(item),
            None => Assembly::begin(item, limits.object),
        };
        match progress {
            Ok(Progress::More(assembly)) => {
                *incomplete = Some(Incomplete { verb, assembly });
                self.status(id, verb.as_str(), StatusCode::CHUNK_ACCEPTED, None);
                true
            }
            Ok(Progress::Whole(item)) => {
                let items = [item];
                let (outcomes, _) = self.items(verb, &items);
                self.answer(id, verb, &items, &outcomes);
                false
            }
            Err(error) => {
                self.status(id, verb.as_str(), error.status(), None);
                self.broken_off(error, alerts);
                false
            }
        }
    }

    fn broken_off(&mut self, error: ChunkError, alerts: &mut Vec<AlertCode>) {
        // What is too large is told, and no fault.
        if error != ChunkError::TooLarge {
            self.scene.complaints.add(Complaint::Chunk(error));
        }
        alerts.extend(error.alert());
    }
}
