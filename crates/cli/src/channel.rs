//! One channel of a device, as `ordain device` shows it.

use std::collections::BTreeMap;

use ordain_model::compile::RESERVED_PREFIX;
use ordain_model::enrollment::Phase;
use ordain_model::ids::{Channel as Which, EnrollmentId};
use ordain_model::report::Reason;
use ordain_server::api::{Channel, Declaration};
use serde_json::Value;
use unicode_width::UnicodeWidthStr;

use crate::documents;
use crate::table::{COLUMNS, Table, abridged, clean, shortened};
use crate::time;

/// The names of status items are seldom longer.
const NAME_COLUMNS: usize = 46;

/// A channel: how far it is, the five facts of its declarations, what else the device said, and what is wrong. `now` is in unix seconds.
pub(crate) fn view(channel: &Channel, now: i64) -> String {
    let phase = match channel.phase {
        Phase::Authenticated => "authenticated",
        Phase::Enrolled => "enrolled",
        Phase::CheckedOut => "checked out",
    };
    let id = channel.id.parse().ok();
    let whose = match id.as_ref().map(EnrollmentId::channel) {
        Some(Which::Device) => "device channel".to_owned(),
        Some(Which::Linked) => "linked channel".to_owned(),
        Some(Which::User) | None => format!("user channel {}", channel.id),
    };
    let converged = if channel.converged {
        "converged"
    } else {
        "not converged"
    };
    let mut text = clean(&format!(
        "{whose}: {phase}, {converged}, wants revision {}",
        channel.wanted_revision
    ));
    text += "\n";
    if let Some(command) = channel
        .command
        .as_ref()
        .and_then(|command| command_line(command, now))
    {
        text += &format!("{}\n", clean(&command));
    }
    text += &format!(
        "seen {}, last new report {}\n",
        time::moment(channel.seen_at, now),
        time::moment(channel.reported_at, now)
    );
    if !channel.declarations.is_empty() {
        text += &format!("\n{}\n", declarations(&channel.declarations));
    }
    let mut list = |title: &str, lines: Vec<String>| {
        if !lines.is_empty() {
            text += &format!("\n{title}\n");
            for line in lines {
                text += &format!("  {}\n", clean(&line));
            }
        }
    };
    let queue = channel.queue.iter();
    list(
        "commands that wait",
        queue
            .map(|queued| {
                let state = queued.state.word();
                format!(
                    "{} {}: {state}, until {}",
                    queued.request_type,
                    queued.command,
                    time::date(queued.expires_at)
                )
            })
            .collect(),
    );
    let declarations = channel.declarations.iter();
    list(
        "why not confirmed",
        declarations
            .flat_map(|declaration| complaints(declaration, now))
            .collect(),
    );
    let omissions = channel.omissions.iter();
    list(
        "left out",
        omissions
            .map(|left| format!("{}: {}", left.identifier, left.reason))
            .collect(),
    );
    list("status items that it reported", items(&channel.status));
    let errors = channel.status_errors.iter();
    let errors = errors.flat_map(|(item, why)| why.iter().map(move |why| format!("{item}: {}", reason(why))));
    list("status items that it could not give", errors.collect());
    list("wrong in its last report", channel.report_problems.clone());
    list("documents", documents::documents(&channel.documents, now));
    list("drift", documents::drift(&channel.drift, now));
    list(
        "set by documents that are gone",
        documents::cleaning(&channel.cleaning, now),
    );
    text
}

/// The last command in words: `DeclarativeManagement: acknowledged 3 min ago`.
fn command_line(command: &Value, now: i64) -> Option<String> {
    let answer = match command.get("answer")? {
        Value::String(word) if word == "none" => "not answered yet".to_owned(),
        Value::String(word) if word == "not-now" => "answered NotNow".to_owned(),
        Value::String(word) => word.clone(),
        Value::Object(failed) => format!("failed: {}", failed.get("failed")?.as_str()?),
        _ => return None,
    };
    Some(format!(
        "DeclarativeManagement: {answer} ({})",
        time::ago(command.get("at")?.as_i64()?, now)
    ))
}

/// The five facts of each declaration, by kind, those that Ordain made after the policy's.
fn declarations(all: &[Declaration]) -> String {
    let mut table = Table::new([
        "declaration",
        "wanted",
        "offered",
        "fetched",
        "reported",
        "confirmed",
        "state",
    ]);
    let is_made = |declaration: &Declaration| declaration.identifier.starts_with(RESERVED_PREFIX);
    let mut heading = String::new();
    for declaration in all.chunk_by(|one, next| one.kind == next.kind).flat_map(|alike| {
        let (made, own): (Vec<_>, Vec<_>) = alike.iter().partition(|one| is_made(one));
        own.into_iter().chain(made)
    }) {
        let made = if is_made(declaration) {
            ", made by Ordain"
        } else {
            ""
        };
        let above = format!("{}{made}", declaration.kind);
        if above != heading {
            table.row([above.clone()]);
            heading = above;
        }
        let Declaration {
            wanted,
            offered,
            fetched,
            reported,
            confirmed,
            ..
        } = *declaration;
        let [wanted, offered, fetched, reported, confirmed] = [wanted, offered, fetched, reported, confirmed]
            .map(|fact| if fact { "✓" } else { "·" }.to_owned());
        let name = format!("  {}", abridged(&declaration.identifier, 38));
        table.row([
            name,
            wanted,
            offered,
            fetched,
            reported,
            confirmed,
            declaration.state.clone(),
        ]);
    }
    table.to_string()
}

/// Name and value of each item, side by side.
pub(crate) fn items(items: &BTreeMap<String, Value>) -> Vec<String> {
    let names = items.keys().map(|name| abridged(name, NAME_COLUMNS));
    let widest = names.clone().map(|name| name.width()).max().unwrap_or(0);
    let room = COLUMNS - "    ".len() - widest;
    let mut table = Table::bare();
    for (name, item) in names.zip(items.values()) {
        table.row([name, value(item, room)]);
    }
    table.to_string().lines().map(str::to_owned).collect()
}

/// A value in at most `room` columns: texts lose their end, and of what is made of many values remains the number.
fn value(item: &Value, room: usize) -> String {
    let json = item.to_string();
    match item {
        Value::String(text) if !text.is_empty() => shortened(text, room),
        Value::Array(entries) if json.width() > room => format!("[{} entries]", entries.len()),
        Value::Object(keys) if json.width() > room => format!("{{{} keys}}", keys.len()),
        _ => json,
    }
}

/// What the device said of a declaration that is not confirmed, a line for each reason.
fn complaints(declaration: &Declaration, now: i64) -> Vec<String> {
    if declaration.confirmed {
        return Vec::new();
    }
    let since = declaration
        .failing_since
        .map(|at| format!(", since {} ({})", time::date(at), time::ago(at, now)));
    let since = since.unwrap_or_default();
    let head = format!("{}: {}{since}", declaration.identifier, declaration.state);
    let reasons = declaration.reasons.iter().map(|why| format!("  {}", reason(why)));
    match (declaration.reasons.is_empty(), declaration.failing_since) {
        (true, None) => Vec::new(),
        _ => std::iter::once(head).chain(reasons).collect(),
    }
}

/// `Error.Code: description {details}`.
fn reason(why: &Reason) -> String {
    let mut text = why.code.clone();
    if let Some(description) = &why.description {
        text += &format!(": {description}");
    }
    if let Some(details) = &why.details {
        text += &format!(" {details}");
    }
    text
}
