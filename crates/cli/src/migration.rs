//! `ordain migration`.

use std::time::Duration;

use clap::{Args, Subcommand};
use http::Method;
use ordain_server::api::{Migration, NewMigrationWindow};

use crate::args::{AskArgs, ConnectionArgs, JsonArgs};
use crate::client::Client;
use crate::connection::Connection;
use crate::table::Table;
use crate::{output, time};

/// The commands below `ordain migration`.
#[derive(Debug, Subcommand)]
pub(crate) enum MigrationCommand {
    /// Lets migrated devices in: the first certificate that each comes with is its own from then on
    Open(OpenArgs),
    /// Refuses migrated devices that have not come yet
    Close(AskArgs),
    /// Shows how many devices were migrated, and how many of them have come
    Status(AskArgs),
}

/// Options of `ordain migration open`.
#[derive(Debug, Args)]
pub(crate) struct OpenArgs {
    /// How long: 12h, 14d
    #[arg(long = "for", value_name = "SPAN", value_parser = time::parse_span)]
    open_for: Duration,
    /// Only for certificates of the device CA with this SHA-256 fingerprint [default: of every --device-ca]
    #[arg(long, value_name = "FINGERPRINT")]
    device_ca: Option<String>,
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    output: JsonArgs,
}

/// Opens, closes or shows.
pub(crate) async fn run(command: MigrationCommand) -> anyhow::Result<()> {
    let (migration, json): (Migration, _) = match command {
        MigrationCommand::Open(args) => {
            let client = Client::new(&Connection::find(&args.connection)?)?;
            let window = NewMigrationWindow {
                open_for: i64::try_from(args.open_for.as_secs())?,
                ca: args.device_ca,
            };
            (client.post("migration", &window).await?, args.output.json)
        }
        MigrationCommand::Close(args) => {
            let client = Client::new(&Connection::find(&args.connection)?)?;
            client.order(Method::DELETE, "migration").await?;
            (client.get("migration").await?, args.output.json)
        }
        MigrationCommand::Status(args) => {
            let client = Client::new(&Connection::find(&args.connection)?)?;
            (client.get("migration").await?, args.output.json)
        }
    };
    match json {
        true => output::json(&migration),
        false => output::text(&view(&migration)),
    }
}

fn view(migration: &Migration) -> String {
    let window = match (migration.open, migration.until) {
        (true, Some(until)) => format!("open until {}", time::date(until)),
        (false, Some(until)) => format!("closed since {}", time::date(until)),
        (_, None) => "never opened".to_owned(),
    };
    let mut table = Table::bare();
    let mut fact = |name: &str, value: String| table.row([name.to_owned(), value]);
    fact("window", window);
    if let Some(ca) = &migration.ca {
        fact("only for", ca.clone());
    }
    fact("migrated", migration.migrated.to_string());
    fact("pinned", migration.pinned.to_string());
    fact("waiting", migration.waiting.to_string());
    table.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_migration_is_shown() {
        let mut migration = Migration {
            open: true,
            until: Some(1_795_264_807),
            ca: Some("00ff".into()),
            migrated: 12,
            pinned: 9,
            waiting: 3,
        };
        insta::assert_snapshot!(view(&migration), @r"
        window    open until 2026-11-21 12:40:07Z
        only for  00ff
        migrated  12
        pinned    9
        waiting   3
        ");
        (migration.open, migration.ca) = (false, None);
        assert!(view(&migration).starts_with("window    closed since 2026-11-21 12:40:07Z\nmigrated"));
        migration.until = None;
        assert!(view(&migration).starts_with("window    never opened\n"));
    }
}
