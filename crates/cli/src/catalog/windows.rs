//! The nodes of Windows' CSPs, as the catalog has them.

use std::collections::BTreeMap;
use std::fmt::Display;

use anyhow::bail;
use ordain_catalog::windows::{Csp, Node, Stated, WindowsCatalog};
use ordain_catalog::{Scope, Support};
use serde_json::{Value, json};

use crate::catalog::record::{self, Record, Sort};
use crate::table::Table;

/// What is shown of a node, in this order, where it is stated.
const PARTICULARS: [&str; 15] = [
    "formats", "commands", "scopes", "editions", "since", "join", "change", "together", "delete", "default",
    "means", "example", "outcome", "notes", "nodes",
];

/// Every node, by what stands for its address: `./Vendor/MSFT/WiFi/Profile/{SSID}/WlanXml`.
pub(super) fn nodes() -> impl Iterator<Item = (String, &'static Node)> {
    WindowsCatalog::builtin().csps().flat_map(Csp::nodes)
}

/// The node of this name or address.
pub(super) fn named(name: &str) -> anyhow::Result<Record> {
    for csp in WindowsCatalog::builtin().csps() {
        if let Some((template, node)) = csp.nodes().into_iter().find(|(template, _)| template == name) {
            return Ok(of_node(template, csp, node));
        }
    }
    match WindowsCatalog::builtin().find(name, &mut 100_000) {
        Ok(found) => Ok(of_node(found.uri.to_string(), found.csp, found.node)),
        Err(error) => match error.nearest() {
            [] => bail!("{error}\n  `ordain catalog list --sort windows` shows all nodes."),
            near => bail!("{error}\n  Did you mean {}?", near.join(" or ")),
        },
    }
}

fn of_node(name: String, csp: &Csp, node: &Node) -> Record {
    let needs = &node.needs;
    let joins = needs
        .joins
        .iter()
        .map(|(join, builds)| match builds.0.is_empty() {
            true => join.to_string(),
            false => format!("{join} since {builds}"),
        });
    let meanings = node
        .meanings
        .iter()
        .map(|(value, meaning)| format!("{value} {meaning}"));
    let mut notes = Vec::new();
    if node.reboot {
        notes.push("a reboot makes a change effective");
    }
    if node.unverified {
        notes.push("not verified: devices may not have it");
    }
    let children = node.children.keys();
    let outcome = node
        .outcome
        .iter()
        .map(|outcome| format!("{}/{}", csp.name, outcome.path));
    let mut particulars = BTreeMap::from([
        ("formats", words(&node.formats)),
        ("commands", words(&node.verbs)),
        ("scopes", scopes(&node.scopes)),
        ("editions", words(&needs.editions)),
        ("since", words(&needs.builds.0)),
        ("join", words(joins)),
        ("change", words(node.change.iter().filter(|_| node.can_be_set()))),
        ("together", words(node.together)),
        ("delete", words(node.removal.map(|removal| removal.described()))),
        ("default", words(&node.default)),
        ("means", words(meanings)),
        ("example", words(&node.example)),
        ("outcome", words(outcome)),
        ("notes", words(notes)),
        ("nodes", words(children)),
    ]);
    particulars.retain(|_, words| !words.is_empty());
    let particulars = particulars.into_iter().map(|(what, words)| (what, json!(words)));
    let support = Support::default();
    let record = match &node.value {
        Some(shape) => record::record(Sort::Windows, &name, &support, [("value", shape)]),
        None => record::record(Sort::Windows, &name, &support, []),
    };
    record.with(particulars.collect())
}

fn words<T: Display>(all: impl IntoIterator<Item = T>) -> Vec<String> {
    all.into_iter().map(|one| one.to_string()).collect()
}

fn scopes(scopes: &Stated<Scope>) -> Vec<String> {
    let certain = scopes.certain.iter().map(ToString::to_string);
    let unverified = scopes
        .unverified
        .iter()
        .map(|scope| format!("{scope} (not verified)"));
    certain.chain(unverified).collect()
}

/// What is shown of it besides its value.
pub(super) fn particulars(record: &Record) -> String {
    let mut table = Table::bare();
    for what in PARTICULARS {
        let Some(words) = record.particulars.get(what).and_then(Value::as_array) else {
            continue;
        };
        let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
        let between = match what {
            "means" | "notes" | "join" => "; ",
            _ => ", ",
        };
        table.row([what.to_owned(), words.join(between)]);
    }
    table.to_string()
}
