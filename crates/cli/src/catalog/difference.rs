//! `ordain catalog diff`.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use clap::Args;
use ordain_catalog::facts::{Change, Difference, differences};
use ordain_server::api::PublishedDeclaration;
use serde_json::json;

use crate::args::{ConnectionArgs, JsonArgs};
use crate::catalog::source::Source;
use crate::client::Client;
use crate::connection::Connection;
use crate::output::{self, Different};

/// Options of `ordain catalog diff`.
#[derive(Debug, Args)]
pub(crate) struct DiffArgs {
    /// The older catalog: `builtin`, `server`, a file of facts, or a checkout of Apple's schema
    #[arg(value_name = "OLD")]
    old: Source,
    /// The newer one
    #[arg(value_name = "NEW")]
    new: Source,
    /// Tell as well which of the declarations that the server has published are of a type that differs
    #[arg(long)]
    published: bool,
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    output: JsonArgs,
}

/// Compares, and fails with [`Different`] if anything differs.
pub(crate) async fn run(args: DiffArgs) -> anyhow::Result<()> {
    let (old, new) = (
        args.old.read(&args.connection).await?,
        args.new.read(&args.connection).await?,
    );
    let differences = differences(&old, &new);
    let touched = match args.published {
        true => Some(touched(&args.connection, &differences).await?),
        false => None,
    };
    if args.output.json {
        output::json(&json!({"differences": differences, "touched": touched}))?;
    } else if differences.is_empty() {
        output::text("the catalogs state the same")?;
    } else {
        output::text(&text(&differences, touched.as_deref()))?;
    }
    match differences.is_empty() {
        true => Ok(()),
        false => Err(Different.into()),
    }
}

/// What is published of the types that differ.
async fn touched(
    connection: &ConnectionArgs,
    differences: &[Difference],
) -> anyhow::Result<Vec<PublishedDeclaration>> {
    let client = Client::new(&Connection::find(connection)?)?;
    let mut published: Vec<PublishedDeclaration> = client.get("declarations").await?;
    let types: BTreeSet<&str> = differences
        .iter()
        .filter(|difference| difference.sort == "declaration")
        .map(|difference| difference.name.as_str())
        .collect();
    published.retain(|declaration| types.contains(declaration.type_name.as_str()));
    Ok(published)
}

fn text(differences: &[Difference], touched: Option<&[PublishedDeclaration]>) -> String {
    let mut text = String::new();
    for Difference { sort, name, change } in differences {
        let (sign, statements) = match change {
            Change::Added => ('+', &[][..]),
            Change::Removed => ('-', &[][..]),
            Change::Changed(statements) => ('~', statements.as_slice()),
        };
        let _ = writeln!(text, "{sign} {sort} {name}");
        for statement in statements {
            let about = match statement.about.as_str() {
                "" => "(itself)",
                about => about,
            };
            let _ = match (&statement.before, &statement.after) {
                (None, Some(after)) => writeln!(text, "    + {about}: {after}"),
                (Some(before), None) => writeln!(text, "    - {about}: {before}"),
                (before, after) => writeln!(
                    text,
                    "    ~ {about}: {} -> {}",
                    before.as_deref().unwrap_or_default(),
                    after.as_deref().unwrap_or_default()
                ),
            };
        }
    }
    let count = |sign: fn(&Change) -> bool| differences.iter().filter(|it| sign(&it.change)).count();
    let _ = write!(
        text,
        "\n{} added, {} changed, {} removed",
        count(|change| matches!(change, Change::Added)),
        count(|change| matches!(change, Change::Changed(_))),
        count(|change| matches!(change, Change::Removed))
    );
    match touched {
        None => {}
        Some([]) => text.push_str("\nno published declaration is of a type that differs"),
        Some(touched) => {
            text.push_str("\npublished declarations of types that differ:");
            for PublishedDeclaration {
                identifier,
                type_name,
            } in touched
            {
                let _ = write!(text, "\n  {identifier} ({type_name})");
            }
        }
    }
    text
}
