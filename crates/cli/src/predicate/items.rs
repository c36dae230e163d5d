//! `ordain predicate items`.

use clap::Args;
use ordain_catalog::predicate::PredicateSchema;
use ordain_catalog::{Availability, Catalog, Platform, Scope, StatusItem};
use ordain_predicate::{Schema as _, Type};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::args::JsonArgs;
use crate::output;
use crate::table::Table;

/// Options of `ordain predicate items`.
#[derive(Debug, Args)]
pub(crate) struct ItemsArgs {
    /// Only those of this platform: iOS, iPadOS, macOS, tvOS, visionOS or watchOS
    #[arg(long, value_name = "PLATFORM")]
    platform: Option<Platform>,
    #[command(flatten)]
    output: JsonArgs,
}

#[derive(Serialize)]
struct Item<'a> {
    name: &'a str,
    #[serde(rename = "type")]
    found: Value,
}

/// Lists.
pub(super) fn run(args: &ItemsArgs) -> anyhow::Result<()> {
    let catalog = Catalog::builtin();
    let schema = PredicateSchema::new(catalog);
    let items = catalog.status_items().filter(|item| is_on(item, args.platform));
    let items = items.filter_map(|item| Some((item.name.as_str(), schema.status(&item.name)?)));
    if args.output.json {
        let items = items.map(|(name, found)| Item {
            name,
            found: to_json(&found),
        });
        return output::json(&items.collect::<Vec<_>>());
    }
    let mut table = Table::bare();
    for (name, found) in items {
        table.row([name.to_owned(), word(&found)]);
        keys(&mut table, &found, 1);
    }
    output::text(&table.to_string())
}

/// Whether some version of the platform reports it, on any channel.
fn is_on(item: &StatusItem, platform: Option<Platform>) -> bool {
    platform.is_none()
        || Scope::ALL.iter().any(|scope| {
            let availability = item.support.availability(platform, None, None, *scope);
            !matches!(availability, Availability::Unavailable(_))
        })
}

/// The keys of dictionaries, and of those in lists, one below the other.
fn keys(table: &mut Table, found: &Type, depth: usize) {
    match found {
        Type::List(element) => keys(table, element, depth),
        Type::Dictionary(members) => {
            for (key, found) in members {
                table.row([format!("{:1$}{key}", "", 2 * depth), word(found)]);
                keys(table, found, depth + 1);
            }
        }
        _ => {}
    }
}

fn word(found: &Type) -> String {
    match found {
        Type::Any => "anything".to_owned(),
        Type::Boolean => "Boolean".to_owned(),
        Type::Number => "number".to_owned(),
        Type::Text => "string".to_owned(),
        Type::Version => "version string".to_owned(),
        Type::List(element) => format!("list of {}", word(element)),
        Type::Dictionary(_) => "dictionary".to_owned(),
    }
}

/// A word, or an object with the one key `list` (the type of the elements) or `dictionary` (the types of the keys).
fn to_json(found: &Type) -> Value {
    match found {
        Type::List(element) => json!({"list": to_json(element)}),
        Type::Dictionary(members) => {
            let members = members.iter().map(|(key, found)| (key.clone(), to_json(found)));
            json!({"dictionary": members.collect::<Map<_, _>>()})
        }
        scalar => word(scalar).into(),
    }
}
