//! `ordain catalog import` and `reset`.

use std::path::PathBuf;

use clap::Args;
use ordain_catalog::facts;
use ordain_server::api::{CatalogSource, ReplacedCatalog};

use crate::args::{AskArgs, ConnectionArgs, JsonArgs};
use crate::catalog::{source, status};
use crate::client::{Client, with_query};
use crate::connection::Connection;
use crate::output;

/// Options of `ordain catalog import`.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// A checkout of Apple's schema (github.com/apple/device-management), or a file of facts
    #[arg(value_name = "DIR")]
    path: PathBuf,
    /// What `ordain catalog status` is to say of where it is from [default: the path]
    #[arg(long, value_name = "TEXT")]
    source: Option<String>,
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    output: JsonArgs,
}

/// Reads a catalog here, and puts it in force on the server.
pub(crate) async fn import(args: ImportArgs) -> anyhow::Result<()> {
    let client = Client::new(&Connection::find(&args.connection)?)?;
    let catalog = source::from_path(&args.path)?;
    let said = args.source.unwrap_or_else(|| args.path.display().to_string());
    let path = with_query("catalog", &CatalogSource { source: Some(said) })?;
    let replaced: ReplacedCatalog = client.post_text(&path, facts::write(&catalog)).await?;
    show(&replaced, args.output)
}

/// Puts the server's own catalog in force again.
pub(crate) async fn reset(args: AskArgs) -> anyhow::Result<()> {
    let client = Client::new(&Connection::find(&args.connection)?)?;
    let replaced: ReplacedCatalog = client.delete("catalog").await?;
    show(&replaced, args.output)
}

fn show(replaced: &ReplacedCatalog, output: JsonArgs) -> anyhow::Result<()> {
    if output.json {
        return output::json(replaced);
    }
    let mut text = status::text(&replaced.catalog);
    if replaced.touched.is_empty() {
        text.push_str("\nno published declaration is of a type that differs");
    } else {
        text.push_str("\npublished declarations of types that differ:");
        for touched in &replaced.touched {
            text.push_str(&format!("\n  {} ({})", touched.identifier, touched.type_name));
        }
        text.push_str(
            "\nNothing changes on devices until a policy is published: `ordain apply` says what does.",
        );
    }
    output::text(&text)
}
