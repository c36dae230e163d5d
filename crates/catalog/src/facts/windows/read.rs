//! The facts about Windows, as they are read.

use std::collections::BTreeSet;
use std::str::FromStr;

use super::{HEADER, NOT_STATED};
use crate::facts::InvalidFacts;
use crate::facts::keys::{self, Place};
use crate::facts::line::{Line, Lines};
use crate::facts::terms::read_set;
use crate::windows::{Builds, Csp, Node, Outcome, Scenario, Segment, Stated, WindowsCatalog, is_csp_name};
use crate::{Key, MAX_DEPTH, Support};

/// Reads a text that is in its one form.
pub(super) fn read(text: &str) -> Result<WindowsCatalog, InvalidFacts> {
    let mut lines = Lines::of(text);
    for expected in HEADER.lines() {
        lines.expect(expected, "not facts about Windows of format 1")?;
    }
    let mut catalog = WindowsCatalog::default();
    while let Some(mut line) = lines.next_at(0) {
        match line.keyword() {
            Some("csp") => {
                let name = line.word()?.into_owned();
                if !is_csp_name(&name) {
                    return Err(line.invalid("not the name of a CSP"));
                }
                let root = node(&mut lines, line, 0, &Node::default())?;
                catalog.add_csp(Csp { name, root });
            }
            Some("scenario") => {
                let scenario = scenario(&mut lines, line)?;
                catalog.add_scenario(scenario);
            }
            _ => return Err(line.invalid("unknown record")),
        }
    }
    match lines.rest() {
        Some(line) => Err(line.invalid("indented otherwise than what is before it")),
        None => Ok(catalog),
    }
}

/// Reads a node, from its formats on, and what is in it. Recursion ends at [`MAX_DEPTH`].
fn node(
    lines: &mut Lines<'_>,
    mut line: Line<'_>,
    level: usize,
    holder: &Node,
) -> Result<Node, InvalidFacts> {
    if level >= MAX_DEPTH {
        return Err(line.invalid("nested too deep"));
    }
    let mut node = Node {
        formats: stated(&mut line, "unknown format")?,
        verbs: stated(&mut line, "unknown command")?,
        scopes: holder.scopes.clone(),
        needs: holder.needs.clone(),
        change: holder.change,
        together: holder.together,
        unverified: holder.unverified,
        ..Node::default()
    };
    let mut own_joins = false;
    while let Some(word) = line.keyword() {
        match word {
            "reboot" => node.reboot = true,
            "unverified" => node.unverified = true,
            "hidden" => node.hidden = true,
            _ => return Err(line.invalid("unknown word about a node")),
        }
    }
    let level = level + 1;
    while let Some(mut line) = lines.next_at(level) {
        match line.keyword() {
            Some("scopes") => node.scopes = certain(&mut line, "unknown scope")?,
            Some("editions") => node.needs.editions = read_set(&mut line, "unknown edition")?,
            Some("since") => node.needs.builds = Builds(read_set(&mut line, "not a version")?),
            Some("join") => {
                if !own_joins {
                    node.needs.joins.clear();
                    own_joins = true;
                }
                let join = line.value("unknown join state")?;
                let builds = match line.keyword() {
                    Some("since") => Builds(read_set(&mut line, "not a version")?),
                    _ => Builds::default(),
                };
                node.needs.joins.insert(join, builds);
            }
            Some("change") => node.change = Some(line.value("unknown way to change")?),
            Some("together") => node.together = Some(line.value("neither atomic nor message")?),
            Some("named") => node.named = Some(key(lines, line, level)?.shape),
            Some("value") => {
                let key = key(lines, line, level)?;
                (node.value, node.default) = (Some(key.shape), key.default);
            }
            Some("means") => {
                while !line.unread().is_empty() {
                    let number = line.value("not a number")?;
                    node.meanings.insert(number, line.word()?.into_owned());
                }
            }
            Some("example") => node.example = Some(line.word()?.into_owned()),
            Some("delete") => node.removal = Some(line.value("unknown removal")?),
            Some("outcome") => node.outcome = Some(outcome(&mut line)?),
            Some("node") => {
                let name = line.word()?.into_owned();
                if Segment::of(&name).is_none() {
                    return Err(line.invalid("not the name of a node"));
                }
                let child = self::node(lines, line, level, &node)?;
                node.children.insert(name, child);
            }
            _ => return Err(line.invalid("unknown word")),
        }
    }
    Ok(node)
}

fn outcome(line: &mut Line<'_>) -> Result<Outcome, InvalidFacts> {
    let mut outcome = Outcome {
        path: line.word()?.into_owned(),
        ..Outcome::default()
    };
    while let Some(word) = line.keyword() {
        match word {
            "done" => outcome.done = Some(line.value("not a number")?),
            "pending" => outcome.pending = read_set(line, "not a number")?,
            _ => return Err(line.invalid("unknown word about an outcome")),
        }
    }
    Ok(outcome)
}

/// What a value or a name must be.
fn key(lines: &mut Lines<'_>, line: Line<'_>, level: usize) -> Result<Key, InvalidFacts> {
    keys::read(lines, line, Place { level, holders: 0 }, &Support::default())
}

fn scenario(lines: &mut Lines<'_>, mut line: Line<'_>) -> Result<Scenario, InvalidFacts> {
    let mut scenario = Scenario {
        name: line.word()?.into_owned(),
        ..Scenario::default()
    };
    match line.keyword() {
        None => {}
        Some("draft") => scenario.draft = true,
        Some(_) => return Err(line.invalid("unknown word about a scenario")),
    }
    while let Some(mut line) = lines.next_at(1) {
        match line.keyword() {
            Some("body") => scenario.body = Some(line.value("neither csp nor dsc")?),
            Some("csps") => {
                scenario.csps = certain(&mut line, "not the name of a CSP")?;
                if !scenario.csps.iter().all(|name| is_csp_name(name)) {
                    return Err(line.invalid("not the name of a CSP"));
                }
            }
            Some("requests") => scenario.requests = read_set(&mut line, "unknown request")?,
            Some("scopes") => scenario.scopes = certain(&mut line, "unknown scope")?,
            _ => return Err(line.invalid("unknown word")),
        }
    }
    Ok(scenario)
}

/// A set, or nothing stated.
fn stated<T: FromStr + Ord>(line: &mut Line<'_>, problem: &'static str) -> Result<BTreeSet<T>, InvalidFacts> {
    match line.unread().split(' ').next() {
        Some(NOT_STATED) => {
            line.keyword();
            Ok(BTreeSet::new())
        }
        _ => read_set(line, problem),
    }
}

/// `A,B`, `A,B unverified C` or `none unverified C`.
fn certain<T: FromStr + Ord>(line: &mut Line<'_>, problem: &'static str) -> Result<Stated<T>, InvalidFacts> {
    let certain = read_set(line, problem)?;
    let unverified = match line.keyword() {
        None => BTreeSet::new(),
        Some("unverified") => read_set(line, problem)?,
        Some(_) => return Err(line.invalid(problem)),
    };
    Ok(Stated { certain, unverified })
}
