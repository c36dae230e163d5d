//! The commands by which a device comes to have settings ([`reach`]), tells whether it has them ([`read_back`]), and loses
//! them ([`remove`]). What each node needs is the catalog's to say; what it does not know is set as most nodes are.

mod proof;

use std::collections::BTreeSet;

use ordain_catalog::windows::{Change, DataFormat, LocUri, Node, Removal, Together, Verb, WindowsCatalog};

use super::{Setting, Settings, Wanted};

pub use proof::{Proof, Proven, acts, proofs};

/// Commands that go together, in their order.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// In what.
    pub bound: Bound,
    /// At least one. Of an `Atomic`, none is a `Delete`: on a node that is not there, one would undo all of it.
    pub commands: Vec<Command>,
}

/// What the commands of a step share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// A message.
    Message,
    /// An `Atomic`: all of them or none.
    Atomic,
}

/// A command that may be sent again and again, but for an `Exec`.
#[derive(Debug, Clone, PartialEq)]
pub struct Command {
    /// `Add`, `Replace` or `Delete`; an `Exec` at the end of an `Atomic`, which does what was set in it. A `Delete` that is
    /// answered with 404 has done what it should.
    pub verb: Verb,
    /// The node.
    pub path: LocUri,
    /// What it carries; nothing with a `Delete` and an `Exec`.
    pub value: Option<(DataFormat, Wanted)>,
    /// What is sent instead, with the same value, when an `Add` is answered with 418 (already exists): in place of it within
    /// a whole new `Atomic` where it was in one.
    pub if_there: Option<Verb>,
}

/// How settings go that are no longer wanted.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Removing {
    /// Each by itself.
    pub commands: Vec<Command>,
    /// What stays on the device nevertheless.
    pub stays: Vec<Stays>,
}

/// A setting that stays on a device that it was set on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stays {
    /// The node.
    pub path: LocUri,
    /// Why, for people.
    pub why: &'static str,
}

/// The commands after which a device has `settings`, whatever it had there.
///
/// Steps are in the order of the settings, each where its first one stands. A step is an `Atomic` for all of them where
/// that was asked for, and for those of one thing that takes nothing else, such as a VPN profile; what makes the device act on the
/// others is at its end. What has to be deleted before is a step of its own before an `Atomic`. ADMX files come alone, since what uses them is refused before.
pub fn reach(settings: &Settings, catalog: &WindowsCatalog) -> Vec<Step> {
    let mut groups: Vec<Group> = Vec::new();
    for setting in &settings.settings {
        let means = Means::of(&setting.path, catalog);
        let together = means.together(settings.atomic);
        let shared = together.is_shared.then(|| {
            let mut groups = groups.iter_mut();
            groups.find(|group| group.together == together)
        });
        match shared.flatten() {
            Some(group) => group.add(setting, &means),
            None => {
                let mut group = Group {
                    together,
                    deletes: Vec::new(),
                    sets: Vec::new(),
                    last: Vec::new(),
                };
                group.add(setting, &means);
                groups.push(group);
            }
        }
    }
    groups.into_iter().flat_map(Group::into_steps).collect()
}

/// The nodes to `Get`, each of which has to have the value of its setting ([`Setting::is`]).
pub fn read_back(settings: &Settings) -> impl Iterator<Item = &LocUri> {
    settings.settings.iter().map(|setting| &setting.path)
}

/// The commands after which a device no longer has `settings`, except for what is still `wanted` of it; the last one goes
/// first. Something that is made as one, such as a VPN profile, goes as one, unless anything in it is still wanted.
pub fn remove(settings: &Settings, wanted: &[&Settings], catalog: &WindowsCatalog) -> Removing {
    let kept: BTreeSet<&LocUri> = wanted.iter().flat_map(|settings| read_back(settings)).collect();
    let mut removing = Removing::default();
    let mut gone: BTreeSet<LocUri> = BTreeSet::new();
    let unwanted = settings
        .settings
        .iter()
        .rev()
        .filter(|setting| !kept.contains(&setting.path));
    for setting in unwanted {
        let instance = catalog
            .instance(&setting.path)
            .filter(|instance| !kept.iter().any(|kept| kept.is_in(instance)));
        let path = instance.unwrap_or_else(|| setting.path.clone());
        if !gone.insert(path.clone()) {
            continue;
        }
        let (command, why) = take_away(path, catalog);
        removing.commands.extend(command);
        let path = || setting.path.clone();
        removing.stays.extend(why.map(|why| Stays { path: path(), why }));
    }
    removing
}

/// What takes away a node with all below it, and why something of it stays nevertheless. At least one of them.
pub fn take_away(path: LocUri, catalog: &WindowsCatalog) -> (Option<Command>, Option<&'static str>) {
    let node = node(&path, catalog);
    let removal = node.and_then(|node| node.removal);
    match (removal, node.is_none_or(|node| node.takes(Verb::Delete))) {
        (Some(Removal::EmptyValue), _) => {
            // What goes like this is text.
            let value = Wanted::read(DataFormat::Chr, "").map(|empty| (DataFormat::Chr, empty));
            let command = Command {
                verb: Verb::Replace,
                path,
                value,
                if_there: None,
            };
            (Some(command), None)
        }
        (_, false) => (
            None,
            Some("the node takes no Delete: its value stays on the device"),
        ),
        (Some(Removal::Keeps), true) => (Some(Command::delete(path)), Some(Removal::Keeps.described())),
        (_, true) => (Some(Command::delete(path)), None),
    }
}

impl Command {
    fn delete(path: LocUri) -> Self {
        Self {
            verb: Verb::Delete,
            path,
            value: None,
            if_there: None,
        }
    }
}

/// What is known of how a node is set.
struct Means {
    change: Change,
    /// What is made and deleted as one and has the node: itself, where nothing else is.
    whole: LocUri,
    /// The CSP.
    csp: Option<String>,
    together: Option<Together>,
    is_admx: bool,
    /// Whether the device acts on it, with what was set before,
    is_last: bool,
    /// or what has to be run for that.
    completion: Option<LocUri>,
}

impl Means {
    fn of(path: &LocUri, catalog: &WindowsCatalog) -> Self {
        let node = node(path, catalog);
        let together = node.and_then(|node| node.together);
        let csp = catalog
            .find(&path.to_string(), &mut 0)
            .ok()
            .map(|found| found.csp.name.clone());
        let whole = catalog.instance(path).unwrap_or_else(|| match together {
            Some(Together::Atomic) => first_atomic(path, catalog),
            _ => path.clone(),
        });
        Self {
            change: node.and_then(Node::way_to_change).unwrap_or_default(),
            whole,
            csp,
            together,
            is_admx: is_admx(path),
            is_last: acts(path, catalog),
            completion: proof::completion(path, catalog),
        }
    }

    fn together(&self, atomic: bool) -> Company {
        let (bound, of, is_shared) = match self.together {
            _ if self.is_admx => (Bound::Message, None, false),
            _ if atomic => (Bound::Atomic, None, true),
            Some(Together::Atomic) => (Bound::Atomic, Some(self.whole.to_string()), true),
            Some(Together::Message) => (Bound::Message, self.csp.clone(), true),
            None if self.change == Change::DeleteThenAdd => {
                (Bound::Message, Some(self.whole.to_string()), true)
            }
            None => (Bound::Message, None, false),
        };
        Company { bound, of, is_shared }
    }
}

/// Which settings go together: those of equal company that is shared.
#[derive(PartialEq)]
struct Company {
    bound: Bound,
    /// What they are of; `None` for the whole file.
    of: Option<String>,
    is_shared: bool,
}

struct Group {
    together: Company,
    /// What is deleted before.
    deletes: Vec<LocUri>,
    sets: Vec<Command>,
    /// What comes after them.
    last: Vec<Command>,
}

impl Group {
    fn add(&mut self, setting: &Setting, means: &Means) {
        let (verb, if_there) = match means.change {
            Change::Replace => (Verb::Replace, None),
            Change::AddThenReplace => (Verb::Add, Some(Verb::Replace)),
            Change::DeleteThenAdd => (Verb::Add, None),
        };
        if means.change == Change::DeleteThenAdd && !self.deletes.contains(&means.whole) {
            self.deletes.push(means.whole.clone());
        }
        let set = Command {
            verb,
            path: setting.path.clone(),
            value: Some((setting.format, setting.value.clone())),
            if_there,
        };
        match means.is_last {
            true => self.last.push(set),
            false => self.sets.push(set),
        }
        let runs = |command: &Command| means.completion.as_ref() == Some(&command.path);
        if let Some(path) = means.completion.clone().filter(|_| !self.last.iter().any(runs)) {
            self.last.push(Command {
                verb: Verb::Exec,
                path,
                value: None,
                if_there: None,
            });
        }
    }

    fn into_steps(self) -> Vec<Step> {
        let bound = self.together.bound;
        let mut deletes: Vec<Command> = self.deletes.into_iter().map(Command::delete).collect();
        let mut steps = Vec::new();
        if bound == Bound::Atomic && !deletes.is_empty() {
            steps.push(Step {
                bound: Bound::Message,
                commands: std::mem::take(&mut deletes),
            });
        }
        deletes.extend(self.sets);
        deletes.extend(self.last);
        steps.push(Step {
            bound,
            commands: deletes,
        });
        steps
    }
}

fn node<'c>(path: &LocUri, catalog: &'c WindowsCatalog) -> Option<&'c Node> {
    let found = catalog.find(&path.to_string(), &mut 0);
    found.ok().map(|found| found.node)
}

/// The first node on the way whose nodes are set in one `Atomic`.
fn first_atomic(path: &LocUri, catalog: &WindowsCatalog) -> LocUri {
    let on_the_way = (1..=path.names.len()).filter_map(|length| {
        let names = path.names.get(..length)?.to_vec();
        Some(LocUri {
            scope: path.scope,
            names,
        })
    });
    let atomic =
        |path: &LocUri| node(path, catalog).is_some_and(|node| node.together == Some(Together::Atomic));
    on_the_way
        .into_iter()
        .find(atomic)
        .unwrap_or_else(|| path.clone())
}

/// Whether the node takes an ADMX file, whose policies other settings are of.
pub fn is_admx(path: &LocUri) -> bool {
    let admx = ["Vendor", "MSFT", "Policy", "ConfigOperations", "ADMXInstall"];
    path.names.iter().take(admx.len()).eq(admx)
}

#[cfg(test)]
mod tests;
