//! `ordain catalog show` and `example`.

use std::collections::BTreeSet;
use std::fmt::{Display, Write as _};

use anyhow::bail;
use clap::Args;
use ordain_catalog::{Catalog, nearest, validate};
use serde_json::Value;

use crate::args::JsonArgs;
use crate::catalog::record::{self, Platforms, Record, Row, Said, Sort};
use crate::catalog::source::SourceArgs;
use crate::catalog::windows;
use crate::output;
use crate::table::{Table, shortened};

/// Allowed values that are shown of a long list.
const SOME: usize = 8;
/// Columns for what else is said of a key.
const WIDTH: usize = 110;

/// Options of `ordain catalog show`.
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// Its name: a declaration type, a status item, a RequestType, a MessageType, a profile's payload type, or the address
    /// of a node on Windows, such as ./Vendor/MSFT/BitLocker/RequireDeviceEncryption
    #[arg(value_name = "TYPE")]
    name: String,
    #[command(flatten)]
    source: SourceArgs,
    #[command(flatten)]
    output: JsonArgs,
}

/// Options of `ordain catalog example`.
#[derive(Debug, Args)]
pub(crate) struct ExampleArgs {
    /// The declaration type
    #[arg(value_name = "TYPE")]
    name: String,
    /// With every key that the type has, not only those that have to be there
    #[arg(long)]
    full: bool,
    #[command(flatten)]
    source: SourceArgs,
}

/// Shows everything that has the name.
pub(crate) async fn run(args: ShowArgs) -> anyhow::Result<()> {
    let catalog = args.source.read().await?;
    let records = match args.name.starts_with("./") {
        true => vec![windows::named(&args.name)?],
        false => record::named(&catalog, &args.name),
    };
    if records.is_empty() {
        let names: Vec<String> = record::all(&catalog).map(|record| record.name).collect();
        bail!(unknown(&args.name, names.iter().map(String::as_str)));
    }
    if args.output.json {
        return output::json(&records);
    }
    let pages: Vec<String> = records.iter().map(page).collect();
    output::text(&pages.join("\n\n"))
}

/// Prints an example.
pub(crate) async fn example(args: ExampleArgs) -> anyhow::Result<()> {
    let catalog: &Catalog = &*args.source.read().await?;
    let made = match args.full {
        true => validate::full_example(catalog, &args.name),
        false => validate::example(catalog, &args.name),
    };
    match made {
        Some(example) => output::json(&example),
        None => {
            let known = catalog
                .declarations()
                .map(|declaration| declaration.name.as_str());
            bail!(unknown(&args.name, known))
        }
    }
}

fn unknown<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let mut message = format!("the catalog has nothing of the name {name}");
    let near = nearest(name, known, &mut 100_000);
    if near.is_empty() {
        message.push_str("\n  `ordain catalog list` shows all that there is.");
    } else {
        let _ = write!(message, "\n  Did you mean {}?", near.join(" or "));
    }
    message
}

fn page(record: &Record) -> String {
    let mut page = format!("{}\n{}\n", record.name, headline(record));
    if !record.support.is_empty() {
        let mut table = Table::bare();
        for (platform, said) in &record.support {
            table.row(match said {
                None => [platform.to_string(), "never".to_owned(), String::new()],
                Some(said) => [platform.to_string(), versions(said), terms(said)],
            });
        }
        let _ = write!(page, "\n{table}\n");
    }
    if record.sort == Sort::Windows {
        let _ = write!(page, "\n{}\n", windows::particulars(record));
    }
    for part in ["payload", "value", "takes", "answers"] {
        let Some(rows) = record.parts.get(part) else {
            continue;
        };
        let title = match part {
            "payload" if record.sort == Sort::Credential => "Document",
            "payload" => "Payload",
            "value" => "Value",
            "takes" if record.sort == Sort::CheckIn => "What the device says",
            "takes" => "Keys",
            _ => "Answer",
        };
        let note = match record.sort {
            Sort::Windows => "",
            _ => " (* has to be there)",
        };
        let _ = write!(page, "\n{title}{note}\n{}\n", keys(rows));
    }
    page.trim_end().to_owned()
}

fn headline(record: &Record) -> String {
    let text = |what: &str| record.particulars.get(what).and_then(Value::as_str);
    let list = |what: &str| {
        let names = record.particulars.get(what).and_then(Value::as_array);
        let names = names.map(|names| names.iter().filter_map(Value::as_str).collect::<Vec<_>>());
        names.map(|names| names.join(", "))
    };
    let mut parts = vec![match record.sort {
        Sort::Declaration => text("kind").unwrap_or_default().to_owned(),
        Sort::Credential => "document that an asset refers to".to_owned(),
        Sort::Status => "status item".to_owned(),
        Sort::Command => "MDM command".to_owned(),
        Sort::CheckIn => "check-in message".to_owned(),
        Sort::Profile => match text("payload_type") {
            Some(name) if name != record.name => format!("payload of a profile, PayloadType {name}"),
            _ => "payload of a profile".to_owned(),
        },
        Sort::Windows => "node of a Windows CSP".to_owned(),
    }];
    parts.extend(text("apply").map(|apply| match apply {
        "single" => "single: of several, one has effect".to_owned(),
        "multiple" => "multiple: each has its own effect".to_owned(),
        _ => "combined: several are merged key by key".to_owned(),
    }));
    parts.extend(text("access_right").map(|right| format!("needs the access right {right}")));
    parts.extend(list("content_types").map(|types| format!("data are {types}")));
    parts.extend(list("status_items").map(|items| format!("see the status items {items}")));
    parts.join("; ")
}

fn versions(said: &Said) -> String {
    let mut parts = Vec::new();
    parts.extend(said.since.clone());
    parts.extend(
        said.deprecated
            .as_ref()
            .map(|version| format!("deprecated {version}")),
    );
    parts.extend(said.removed.as_ref().map(|version| format!("removed {version}")));
    if parts.is_empty() {
        "not stated".to_owned()
    } else {
        parts.join(", ")
    }
}

fn terms(said: &Said) -> String {
    let mut parts = Vec::new();
    parts.extend(said.enrollments.as_ref().map(words));
    parts.extend(
        said.scopes
            .as_ref()
            .map(|scopes| format!("scope {}", words(scopes))),
    );
    parts.extend(said.shared_ipad.as_ref().map(|scopes| match scopes.is_empty() {
        true => "not on Shared iPad".to_owned(),
        false => format!("Shared iPad {}", words(scopes)),
    }));
    if !said.requires.is_empty() {
        parts.push(format!("requires {}", words(&said.requires)));
    }
    parts.join("; ")
}

fn words<T: Display>(set: &BTreeSet<T>) -> String {
    let words: Vec<String> = set.iter().map(ToString::to_string).collect();
    words.join(", ")
}

fn keys(rows: &[Row]) -> String {
    if rows.is_empty() {
        return "no keys".to_owned();
    }
    let mut table = Table::bare();
    for row in rows {
        let star = if row.required { " *" } else { "" };
        let name = match row.name.as_str() {
            "" => "(the value)",
            "[]" => "each",
            "*" => "any key",
            name => name,
        };
        table.row([
            format!("{}{name}{star}", "  ".repeat(row.depth + 1)),
            value(row),
            shortened(&more(row), WIDTH),
        ]);
    }
    table.to_string()
}

/// The type with its bounds.
fn value(row: &Row) -> String {
    let mut text = row.shape.clone();
    match (&row.min, &row.max) {
        (Some(min), Some(max)) if min == max => drop(write!(text, ", exactly {min}")),
        (Some(min), Some(max)) => drop(write!(text, ", {min} to {max}")),
        (Some(min), None) => drop(write!(text, ", at least {min}")),
        (None, Some(max)) => drop(write!(text, ", at most {max}")),
        (None, None) => {}
    }
    text
}

fn more(row: &Row) -> String {
    let mut parts = Vec::new();
    if !row.refers.is_empty() {
        parts.push(format!("names {}", row.refers.join(" or ")));
    }
    if !row.allowed.is_empty() {
        let some: Vec<String> = row.allowed.iter().take(SOME).map(plain).collect();
        let left = row.allowed.len() - some.len();
        let rest = if left > 0 {
            format!(" and {left} more")
        } else {
            String::new()
        };
        parts.push(format!("{}{rest}", some.join(" | ")));
    }
    parts.extend(row.format.map(|format| format!("a {format}")));
    parts.extend(row.pattern.as_ref().map(|pattern| format!("like {pattern}")));
    parts.extend(
        row.default
            .as_ref()
            .map(|default| format!("default {}", plain(default))),
    );
    parts.extend(row.combine.map(|combine| format!("combined by {combine}")));
    parts.extend(row.support.as_ref().map(elsewhere));
    parts.join("; ")
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Where a key is, in short: `iOS 16.2, macOS 13.1, not on watchOS`.
fn elsewhere(support: &Platforms) -> String {
    let parts = support.iter().map(|(platform, said)| match said {
        None => format!("not on {platform}"),
        Some(said) => match terms(said) {
            terms if said.since.is_none() && !terms.is_empty() => format!("{platform} {terms}"),
            _ => format!("{platform} {}", versions(said)),
        },
    });
    parts.collect::<Vec<_>>().join(", ")
}
