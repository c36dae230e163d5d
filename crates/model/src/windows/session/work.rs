//! The stages of a session, and what is to be sent in each.

use std::collections::VecDeque;

use ordain_catalog::windows::{LocUri, Verb, WindowsCatalog};
use serde::{Deserialize, Serialize};

use super::act::Step as Given;
use super::channel;
use super::clean;
use super::task::Task;
use super::{Declared, Operation, Scene, Sending, Session};
use crate::ids::Digest;
use crate::windows::conversation::Piece;
use crate::windows::facts::{FACTS, When};
use crate::windows::settings::plan::{self, Bound, Removing, Step};
use crate::windows::settings::{Setting, Settings};

/// What a session is about at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Stage {
    Begin,
    /// What the device is, and how its account is.
    Look,
    /// How it stands with its linked enrollment,
    Link,
    /// which is begun.
    Enroll,
    Remove,
    Read,
    /// ADMX files first: other settings are of policies in them.
    Admx,
    Apply,
    ReadBack,
    Report,
    /// What was ordered.
    Act,
    Over,
}

impl Stage {
    pub(super) fn next(self) -> Self {
        match self {
            Self::Begin => Self::Look,
            Self::Look => Self::Link,
            Self::Link => Self::Enroll,
            Self::Enroll => Self::Remove,
            Self::Remove => Self::Read,
            Self::Read => Self::Admx,
            Self::Admx => Self::Apply,
            Self::Apply => Self::ReadBack,
            Self::ReadBack => Self::Report,
            Self::Report | Self::Act => Self::Act,
            Self::Over => Self::Over,
        }
    }
}

/// Something to be sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Work {
    /// A fact of that place is asked for,
    Fact(usize),
    /// a node of the account,
    Look(usize),
    /// which is set.
    Account(usize),
    /// The device is sent to enroll for its linked channel, by the command of that place.
    Enroll(usize),
    /// A node tells where it can be pushed.
    Channel(usize),
    /// What is no longer wanted goes, by the command of that place.
    Remove(Digest, usize),
    /// and so does what a document has set that is gone.
    Clean(LocUri),
    /// A setting of a task is read, or read back,
    Read(usize, usize),
    /// what proves that it is in force is looked at,
    Prove(usize, usize),
    /// and it is set by a command of a step,
    Do(usize, usize, usize),
    /// or by all of it.
    All(usize, usize),
    /// A command of the queue is given, by its number and the place of what it sends.
    Act(i64, usize),
}

impl Session {
    /// What is to be sent in this stage.
    pub(super) fn works(&mut self, scene: &Scene<'_>) -> VecDeque<Work> {
        match self.stage {
            Stage::Begin | Stage::Report | Stage::Over => VecDeque::new(),
            Stage::Look => {
                let facts = facts(When::Asked);
                let account = (0..scene.standing.settings.len()).map(Work::Look);
                let pushed = scene.package.map_or(0, |_| channel::NODES);
                let channel = (0..pushed).map(Work::Channel);
                facts.chain(account).chain(channel).collect()
            }
            Stage::Link if self.sees_to_link(scene) => facts(When::Linking).collect(),
            Stage::Link => VecDeque::new(),
            Stage::Enroll => self.linking(scene),
            Stage::Act => self.next_action(scene),
            Stage::Remove => {
                let mut works = self.removals(scene);
                works.extend(self.cleanings(scene));
                works
            }
            Stage::Read => {
                let is_put_off = |declared: &Declared| {
                    let scope = declared.settings.scope();
                    scope == Some(ordain_catalog::Scope::User) && !self.with_user
                };
                let task = |declared: &Declared| Task::new(declared.token, is_put_off(declared));
                self.tasks = scene.wanted.iter().map(task).collect();
                let mut works = VecDeque::new();
                for (number, declared) in scene.wanted.iter().enumerate() {
                    works.extend(self.readings(scene, number, declared));
                }
                works
            }
            Stage::Admx => self.steps(scene, true),
            Stage::Apply => self.steps(scene, false),
            Stage::ReadBack => {
                let mut works = VecDeque::new();
                for (number, declared) in scene.wanted.iter().enumerate() {
                    let is_to_be_seen =
                        |task: &Task| task.is_applied && !task.is_unfinished && task.failures.is_empty();
                    if self.tasks.get(number).is_some_and(is_to_be_seen) {
                        self.accepted.insert(declared.token);
                        works.extend(self.readings(scene, number, declared));
                    }
                }
                works
            }
        }
    }

    /// What was set, and is no longer wanted.
    fn removals(&mut self, scene: &Scene<'_>) -> VecDeque<Work> {
        let mut works = VecDeque::new();
        // Settings that nobody can read any more are left where they are.
        let wanted = |token: &Digest| scene.wanted.iter().any(|declared| declared.token == *token);
        self.set
            .retain(|token| wanted(token) || scene.unwanted.contains_key(token));
        self.accepted.retain(wanted);
        for (token, settings) in scene.unwanted {
            let removing = removing(settings, scene);
            if settings.scope() == Some(ordain_catalog::Scope::User) && !self.with_user {
                self.lingering.insert(*token);
                continue;
            }
            let stays = removing.stays.iter();
            self.stays
                .extend(stays.map(|stays| format!("{} stays on the device: {}", stays.path, stays.why)));
            works.extend((0..removing.commands.len()).map(|place| Work::Remove(*token, place)));
            self.set.remove(token);
        }
        works
    }

    fn readings(&mut self, scene: &Scene<'_>, number: usize, declared: &Declared) -> Vec<Work> {
        let is_accepted = self.accepted.contains(&declared.token);
        let Some(task) = self.tasks.get_mut(number).filter(|task| !task.is_put_off) else {
            return Vec::new();
        };
        let mut works = Vec::new();
        let proofs = plan::proofs(&declared.settings, scene.catalog);
        for (place, setting) in declared.settings.settings.iter().enumerate() {
            let (takes_get, is_hidden) = readable(setting, scene.catalog);
            if takes_get && !is_hidden {
                works.push(Work::Read(number, place));
                continue;
            }
            if self.stage != Stage::Read {
                continue;
            }
            // Set once, which is all that can be known; but what was only needed for something that was done, and can be
            // looked at, is not set for its own sake.
            task.differs |= !is_accepted && (proofs.is_empty() || plan::acts(&setting.path, scene.catalog));
            if !takes_get {
                task.unreadable(&setting.path.to_string(), "the node takes no Get");
            } else if proofs.is_empty() {
                task.unreadable(&setting.path.to_string(), "devices do not show it");
            }
        }
        works.extend((0..proofs.len()).map(|place| Work::Prove(number, place)));
        works
    }

    /// The steps of those that differ, with or without ADMX files.
    fn steps(&mut self, scene: &Scene<'_>, is_admx: bool) -> VecDeque<Work> {
        let mut works = VecDeque::new();
        for (number, declared) in scene.wanted.iter().enumerate() {
            let differs = |task: &&mut Task| task.differs && !task.is_busy;
            let Some(task) = self.tasks.get_mut(number).filter(differs) else {
                continue;
            };
            if let Some(refused) = scene.refused.get(&declared.token) {
                task.failures.clone_from(refused);
                continue;
            }
            task.is_applied = true;
            self.set.insert(declared.token);
            self.accepted.remove(&declared.token);
            let steps = plan::reach(&declared.settings, scene.catalog);
            for (place, step) in steps.iter().enumerate() {
                let is_of_admx = |command: &plan::Command| plan::is_admx(&command.path);
                if step.commands.iter().any(is_of_admx) != is_admx {
                    continue;
                }
                match step.bound {
                    Bound::Atomic => works.push_back(Work::All(number, place)),
                    Bound::Message => {
                        let commands = 0..step.commands.len();
                        works.extend(commands.map(|command| Work::Do(number, place, command)));
                    }
                }
            }
        }
        works
    }

    /// As much of what is to be sent as there is room for.
    pub(super) fn fill(&mut self, scene: &Scene<'_>, first: u32) -> Vec<Sending> {
        let filled = self
            .conversation
            .fill(first, |work| piece(&self.tasks, scene, work));
        for work in &filled.sent {
            if let Work::Act(number, 0) = work {
                self.steps.push(Given::Given(*number));
            }
        }
        for work in &filled.too_long {
            if let Work::All(number, _) = work
                && let Some(task) = self.tasks.get_mut(*number)
            {
                task.too_long();
            }
        }
        filled.sendings
    }
}

/// What `work` comes to.
pub(super) fn piece(tasks: &[Task], scene: &Scene<'_>, work: &Work) -> Piece {
    Piece {
        operations: operations(tasks, scene, work).unwrap_or_default(),
        is_atomic: matches!(work, Work::All(..)),
        together: together(scene, work),
    }
}

/// The operations of `work`: one, or those of an `Atomic`.
fn operations(tasks: &[Task], scene: &Scene<'_>, work: &Work) -> Option<Vec<Operation>> {
    let of = |number: usize, step: usize, place: usize, command: &plan::Command| {
        let task = tasks.get(number);
        Operation::of(
            command,
            task.is_some_and(|task| task.there.contains(&(step, place))),
        )
    };
    Some(match *work {
        Work::Fact(place) => vec![Operation::get(FACTS.get(place)?.path)],
        Work::Look(place) => vec![Operation::get(&scene.standing.settings.get(place)?.path)],
        Work::Account(place) => {
            let node = scene.standing.settings.get(place)?;
            vec![Operation::replace(&node.path, node.format, &node.value.text())]
        }
        Work::Channel(place) => vec![channel::question(place)?],
        Work::Enroll(place) => scene.link.operations().into_iter().skip(place).take(1).collect(),
        Work::Remove(token, place) => {
            let removing = removing(scene.unwanted.get(&token)?, scene);
            vec![Operation::of(removing.commands.get(place)?, false)]
        }
        Work::Clean(ref node) => vec![clean::operation(scene, node)?],
        Work::Read(number, place) => {
            let setting = scene.wanted.get(number)?.settings.settings.get(place)?;
            vec![Operation::get(&setting.path)]
        }
        Work::Prove(number, place) => {
            let proofs = plan::proofs(&scene.wanted.get(number)?.settings, scene.catalog);
            vec![Operation::get(&proofs.get(place)?.path)]
        }
        Work::Do(number, step, place) => {
            let steps = steps(scene, number)?;
            let command = steps.get(step)?.commands.get(place)?;
            vec![of(number, step, place, command)]
        }
        Work::Act(number, place) => {
            let mut queue = scene.queue.iter();
            let queued = queue.find(|queued| queued.delivery.number == number)?;
            vec![queued.action.operations().into_iter().nth(place)?]
        }
        Work::All(number, step) => {
            let steps = steps(scene, number)?;
            let commands = steps.get(step)?.commands.iter().enumerate();
            commands
                .map(|(place, command)| of(number, step, place, command))
                .collect()
        }
    })
}

/// The room that all commands of a step take that have to be in one message, at the first of them.
fn together(scene: &Scene<'_>, work: &Work) -> Option<usize> {
    let Work::Do(number, step, 0) = *work else {
        return None;
    };
    let steps = steps(scene, number)?;
    let commands = steps.get(step)?.commands.iter();
    Some(
        commands
            .map(|command| Operation::of(command, false).octets())
            .sum(),
    )
}

/// What is asked for the facts that devices tell then.
fn facts(when: When) -> impl Iterator<Item = Work> {
    let facts = FACTS
        .iter()
        .enumerate()
        .filter(move |(_, fact)| fact.when == when);
    facts.map(|(place, _)| Work::Fact(place))
}

pub(super) fn steps(scene: &Scene<'_>, number: usize) -> Option<Vec<Step>> {
    Some(plan::reach(&scene.wanted.get(number)?.settings, scene.catalog))
}

pub(super) fn removing(settings: &Settings, scene: &Scene<'_>) -> Removing {
    let wanted = scene.wanted.iter().map(|declared| &declared.settings);
    // What the account is to have stays: it was set already to what it is without a policy.
    let wanted: Vec<&Settings> = wanted.chain([scene.standing]).collect();
    plan::remove(settings, &wanted, scene.catalog)
}

/// Whether the node takes `Get`, and whether that would not show the value.
fn readable(setting: &Setting, catalog: &WindowsCatalog) -> (bool, bool) {
    let found = catalog.find(&setting.path.to_string(), &mut 0);
    found.map_or((true, false), |found| {
        (found.node.takes(Verb::Get), found.node.hidden)
    })
}
