//! The facts about Windows, as they are written.

use std::collections::BTreeSet;
use std::fmt::{self, Display};

use super::{HEADER, NOT_STATED};
use crate::facts::line::{Indented, Joined, Word};
use crate::facts::write::key;
use crate::windows::{Csp, Needs, Node, Scenario, Stated, WindowsCatalog};
use crate::{Key, Support};

/// The one text for a catalog. [`read_windows`](super::read_windows) makes the same catalog of it, but that a node has
/// what the node that holds it has where it says nothing itself. It refuses what is nested deeper than
/// [`MAX_DEPTH`](crate::MAX_DEPTH), and names that are none.
pub fn write_windows(catalog: &WindowsCatalog) -> String {
    Facts(catalog).to_string()
}

struct Facts<'a>(&'a WindowsCatalog);

impl Display for Facts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HEADER)?;
        for Csp { name, root } in self.0.csps() {
            write!(f, "csp {} ", Word(name))?;
            node(f, root, 0, &Node::default())?;
        }
        for record in self.0.scenarios() {
            scenario(f, record)?;
        }
        Ok(())
    }
}

/// What is to be said of a node after its name.
fn node(f: &mut fmt::Formatter<'_>, node: &Node, level: usize, holder: &Node) -> fmt::Result {
    stated(f, &node.formats)?;
    f.write_str(" ")?;
    stated(f, &node.verbs)?;
    if node.reboot {
        f.write_str(" reboot")?;
    }
    if node.unverified && !holder.unverified {
        f.write_str(" unverified")?;
    }
    if node.hidden {
        f.write_str(" hidden")?;
    }
    writeln!(f)?;
    let level = level + 1;
    if node.scopes != holder.scopes {
        writeln!(f, "{}scopes {}", Indented(level), Certain(&node.scopes))?;
    }
    needs(f, &node.needs, level, &holder.needs)?;
    if let Some(change) = node.change.filter(|_| node.change != holder.change) {
        writeln!(f, "{}change {change}", Indented(level))?;
    }
    if let Some(together) = node.together.filter(|_| node.together != holder.together) {
        writeln!(f, "{}together {together}", Indented(level))?;
    }
    if let Some(shape) = &node.named {
        write!(f, "{}named ", Indented(level))?;
        key(f, &Key::from(shape.clone()), level, &Support::default())?;
    }
    if let Some(shape) = &node.value {
        let value = Key {
            default: node.default.clone(),
            ..Key::from(shape.clone())
        };
        write!(f, "{}value ", Indented(level))?;
        key(f, &value, level, &Support::default())?;
    }
    if !node.meanings.is_empty() {
        write!(f, "{}means", Indented(level))?;
        for (number, meaning) in &node.meanings {
            write!(f, " {number} {}", Word(meaning))?;
        }
        writeln!(f)?;
    }
    if let Some(example) = &node.example {
        writeln!(f, "{}example {}", Indented(level), Word(example))?;
    }
    if let Some(removal) = node.removal {
        writeln!(f, "{}delete {removal}", Indented(level))?;
    }
    if let Some(outcome) = &node.outcome {
        write!(f, "{}outcome {}", Indented(level), Word(&outcome.path))?;
        if let Some(done) = outcome.done {
            write!(f, " done {done}")?;
        }
        if !outcome.pending.is_empty() {
            write!(f, " pending {}", Set(&outcome.pending))?;
        }
        writeln!(f)?;
    }
    for (name, child) in &node.children {
        write!(f, "{}node {} ", Indented(level), Word(name))?;
        self::node(f, child, level, node)?;
    }
    Ok(())
}

fn needs(f: &mut fmt::Formatter<'_>, needs: &Needs, level: usize, holder: &Needs) -> fmt::Result {
    if needs.editions != holder.editions {
        writeln!(f, "{}editions {}", Indented(level), Set(&needs.editions))?;
    }
    if needs.builds != holder.builds {
        writeln!(f, "{}since {}", Indented(level), Set(&needs.builds.0))?;
    }
    for (join, builds) in needs.joins.iter().filter(|_| needs.joins != holder.joins) {
        write!(f, "{}join {join}", Indented(level))?;
        if !builds.0.is_empty() {
            write!(f, " since {}", Set(&builds.0))?;
        }
        writeln!(f)?;
    }
    Ok(())
}

fn scenario(f: &mut fmt::Formatter<'_>, scenario: &Scenario) -> fmt::Result {
    let draft = if scenario.draft { " draft" } else { "" };
    writeln!(f, "scenario {}{draft}", Word(&scenario.name))?;
    if let Some(body) = scenario.body {
        writeln!(f, "{}body {body}", Indented(1))?;
    }
    if !scenario.csps.is_empty() {
        writeln!(f, "{}csps {}", Indented(1), Certain(&scenario.csps))?;
    }
    if !scenario.requests.is_empty() {
        writeln!(f, "{}requests {}", Indented(1), Set(&scenario.requests))?;
    }
    if !scenario.scopes.is_empty() {
        writeln!(f, "{}scopes {}", Indented(1), Certain(&scenario.scopes))?;
    }
    Ok(())
}

fn stated<T: Display>(f: &mut fmt::Formatter<'_>, set: &BTreeSet<T>) -> fmt::Result {
    match set.is_empty() {
        true => f.write_str(NOT_STATED),
        false => Set(set).fmt(f),
    }
}

struct Set<'a, T>(&'a BTreeSet<T>);

impl<T: Display> Display for Set<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.is_empty() {
            true => f.write_str("none"),
            false => Joined(self.0.iter()).fmt(f),
        }
    }
}

struct Certain<'a, T>(&'a Stated<T>);

impl<T: Display> Display for Certain<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Set(&self.0.certain).fmt(f)?;
        if !self.0.unverified.is_empty() {
            write!(f, " unverified {}", Set(&self.0.unverified))?;
        }
        Ok(())
    }
}
