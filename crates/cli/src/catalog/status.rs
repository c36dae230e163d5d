//! `ordain catalog status`.

use clap::Args;
use ordain_catalog::windows::WindowsCatalog;
use ordain_catalog::{Catalog, Counts};
use ordain_server::api::{CatalogCounts, CatalogStatus};
use serde_json::json;

use crate::args::{ConnectionArgs, JsonArgs};
use crate::client::Client;
use crate::connection::{Connection, NoServer};
use crate::{output, time};

/// Options of `ordain catalog status`.
#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// Tell of the catalog of this binary, and ask no server
    #[arg(long)]
    builtin: bool,
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    output: JsonArgs,
}

/// Tells which catalog is in force.
pub(crate) async fn run(args: StatusArgs) -> anyhow::Result<()> {
    let found = match args.builtin {
        true => None,
        false => match Connection::find(&args.connection) {
            Err(error) if error.is::<NoServer>() => None,
            found => Some(found?),
        },
    };
    let Some(connection) = found else {
        let counts = Catalog::builtin().counts();
        let windows = WindowsCatalog::builtin().counts();
        if args.output.json {
            return output::json(&json!({
                "is_builtin": true,
                "counts": CatalogCounts::from(counts),
                "windows": windows.to_string(),
            }));
        }
        let which = "the catalog of this command";
        let why = if args.builtin {
            ""
        } else {
            " (no server is set up)"
        };
        return output::text(&format!("{which}{why}\n{counts}\nWindows: {windows}"));
    };
    let client = Client::new(&connection)?;
    let status: CatalogStatus = client.get("catalog").await?;
    if args.output.json {
        return output::json(&status);
    }
    let counts = Counts::from(status.counts);
    let windows = WindowsCatalog::builtin().counts();
    output::text(&format!(
        "{}\n{counts}\nWindows, in this command: {windows}",
        text(&status)
    ))
}

/// What is said of the catalog in force, also after an import.
pub(crate) fn text(status: &CatalogStatus) -> String {
    let short = |digest: &str| digest.chars().take(12).collect::<String>();
    let from = match status.imported_at {
        Some(at) => format!("imported {} from {}", time::date(at), status.source),
        None => "the one that came with the server".to_owned(),
    };
    let mut text = format!("in force: {} ({from})", short(&status.digest));
    if status.is_builtin && status.imported_at.is_some() {
        text.push_str("; the same as the one that came with the server");
    }
    match &status.revision_digest {
        Some(digest) if *digest != status.digest => {
            text.push_str(&format!(
                "\nrevision {} was published under {}: devices get it by that one until the next is published",
                status.revision,
                short(digest)
            ));
        }
        Some(_) => text.push_str(&format!("\nrevision {} was published under it", status.revision)),
        None => {}
    }
    text
}
