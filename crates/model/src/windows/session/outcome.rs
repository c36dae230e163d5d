//! What is made of the outcomes of what was sent.

use ordain_catalog::windows::{Verb, WindowsCatalog};

use super::channel;
use super::task::{Meaning, words};
use super::work::{Work, removing, steps};
use super::{Outcome, Scene, Session};
use crate::ids::Digest;
use crate::windows::facts::FACTS;
use crate::windows::settings::Setting;
use crate::windows::settings::plan::{self, Proven};

impl Session {
    /// What is made of the outcomes of `work`.
    pub(super) fn resolve(&mut self, scene: &Scene<'_>, work: &Work, outcomes: &[Outcome]) {
        let Some(outcome) = outcomes.first() else { return };
        match *work {
            Work::Fact(place) => {
                let Some(fact) = FACTS.get(place) else { return };
                let value = outcome.value.as_deref().filter(|_| outcome.code == 200);
                let value = value.and_then(|text| fact.value(text)).ok_or(outcome.code);
                self.facts.insert(fact.name.to_owned(), value);
            }
            Work::Look(place) => {
                let node = scene.standing.settings.get(place);
                let has = |text: &str| node.is_some_and(|node| node.is(text));
                if !outcome.value.as_deref().is_some_and(has) {
                    if node.is_some_and(channel::is_package) {
                        self.repackaged();
                    }
                    self.conversation.todo.push_back(Work::Account(place));
                }
            }
            // It is looked at again in the next session.
            Work::Account(_) => {}
            Work::Enroll(place) => self.sent_to_enroll(scene, place, outcome),
            Work::Channel(place) => self.channel_said(place, outcome),
            Work::Remove(token, place) => self.removed(scene, token, place, outcome),
            Work::Clean(ref node) => self.cleaned(node, outcome),
            Work::Read(number, place) => self.read(scene, number, place, outcome),
            Work::Prove(number, place) => self.proved(scene, number, place, outcome),
            Work::Do(number, step, place) => {
                let again = self.done(scene, number, step, place, outcome);
                if again {
                    self.conversation.todo.push_front(work.clone());
                }
            }
            Work::Act(number, place) => self.acted(scene, number, place, outcome),
            Work::All(number, step) => {
                let mut again = false;
                let mut is_explained = false;
                for (place, outcome) in outcomes.iter().skip(1).enumerate() {
                    let meaning = outcome.meaning();
                    is_explained |= matches!(meaning, Meaning::There | Meaning::Missing | Meaning::Final);
                    if !matches!(meaning, Meaning::Later) {
                        again |= self.done(scene, number, step, place, outcome);
                    }
                }
                let has_failed = self
                    .tasks
                    .get(number)
                    .is_some_and(|task| !task.failures.is_empty());
                if again && !has_failed {
                    self.conversation.todo.push_front(work.clone());
                } else if outcome.meaning() != Meaning::Done
                    && !is_explained
                    && let Some(task) = self.tasks.get_mut(number)
                {
                    match outcome.meaning() {
                        Meaning::Later => task.is_unfinished = true,
                        _ => task.refused("Atomic", "of its settings", outcome.code, outcome.original),
                    }
                }
            }
        }
    }

    fn removed(&mut self, scene: &Scene<'_>, token: Digest, place: usize, outcome: &Outcome) {
        match outcome.meaning() {
            Meaning::Done | Meaning::Missing => {}
            Meaning::Later => {
                self.lingering.insert(token);
                self.set.insert(token);
            }
            Meaning::There | Meaning::Final => {
                let settings = scene.unwanted.get(&token);
                let removing = settings.map(|settings| removing(settings, scene));
                let path =
                    removing.and_then(|removing| removing.commands.get(place).map(|it| it.path.to_string()));
                let path = path.unwrap_or_default();
                let why = words(outcome.code);
                self.stays.push(format!(
                    "{path} stays on the device, which says to its removal: {why}"
                ));
            }
        }
    }

    fn read(&mut self, scene: &Scene<'_>, number: usize, place: usize, outcome: &Outcome) {
        let declared = scene.wanted.get(number);
        let setting = declared.and_then(|declared| declared.settings.settings.get(place));
        let (Some(setting), Some(declared), Some(task)) = (setting, declared, self.tasks.get_mut(number))
        else {
            return;
        };
        let is_there = outcome.code == 200 && outcome.value.as_deref().is_some_and(|text| setting.is(text));
        let path = setting.path.to_string();
        match (is_there, task.is_applied, outcome.meaning()) {
            (true, ..) => {
                self.set.insert(declared.token);
            }
            (false, _, Meaning::Later) => task.is_unfinished = true,
            (false, false, _) => task.differs = true,
            (false, true, Meaning::Done) => task.differs_at(&path, needs_reboot(setting, scene.catalog)),
            (false, true, Meaning::Missing) => {
                task.refused(Verb::Get.as_str(), &path, outcome.code, outcome.original);
            }
            (false, true, _) => task.unreadable(&path, words(outcome.code)),
        }
    }

    /// What the device says of what a declaration was to bring about, after its values were read.
    fn proved(&mut self, scene: &Scene<'_>, number: usize, place: usize, outcome: &Outcome) {
        let Some(declared) = scene.wanted.get(number) else {
            return;
        };
        let proofs = plan::proofs(&declared.settings, scene.catalog);
        let (Some(proof), Some(task)) = (proofs.get(place), self.tasks.get_mut(number)) else {
            return;
        };
        let is_tried = task.is_applied || (self.accepted.contains(&declared.token) && !task.differs);
        let said = outcome.value.as_deref().filter(|_| outcome.code == 200);
        match said.and_then(|text| proof.says(text, scene.catalog)) {
            Some(Proven::Done) => {}
            Some(Proven::Pending) => (task.is_unfinished, task.is_busy) = (true, true),
            Some(Proven::Failed(what)) if is_tried => task.came_to_nothing(&proof.path.to_string(), &what),
            None if outcome.meaning() == Meaning::Later => task.is_unfinished = true,
            None if is_tried => task.unreadable(&proof.path.to_string(), words(outcome.code)),
            Some(Proven::Failed(_)) | None => task.differs = true,
        }
    }

    /// What became of a command of a step. Whether it is to be sent again, as one for a node that is there.
    fn done(
        &mut self,
        scene: &Scene<'_>,
        number: usize,
        step: usize,
        place: usize,
        outcome: &Outcome,
    ) -> bool {
        let steps = steps(scene, number).unwrap_or_default();
        let command = steps.get(step).and_then(|step| step.commands.get(place));
        let (Some(command), Some(task)) = (command, self.tasks.get_mut(number)) else {
            return false;
        };
        match outcome.meaning() {
            Meaning::Done => {}
            Meaning::Missing if command.verb == Verb::Delete => {}
            Meaning::There if command.if_there.is_some() && task.there.insert((step, place)) => return true,
            Meaning::Later => task.is_unfinished = true,
            Meaning::There | Meaning::Missing | Meaning::Final => {
                let path = command.path.to_string();
                task.refused(command.verb.as_str(), &path, outcome.code, outcome.original);
            }
        }
        false
    }
}

fn needs_reboot(setting: &Setting, catalog: &WindowsCatalog) -> bool {
    let found = catalog.find(&setting.path.to_string(), &mut 0);
    found.is_ok_and(|found| found.node.reboot)
}
