//! `ordain wns`.

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Subcommand};
use ordain_server::api::{NewWnsCredentials, WnsStatus};

use crate::args::{AskArgs, ConnectionArgs, JsonArgs};
use crate::client::Client;
use crate::connection::Connection;
use crate::push::progress_view;
use crate::table::Table;
use crate::{output, time};

/// The commands below `ordain wns`.
#[derive(Debug, Subcommand)]
pub(crate) enum WnsCommand {
    /// Takes the credentials of an app of Microsoft's store, in place of those before
    Set(SetArgs),
    /// Shows how far Windows devices have been told of the newest revision, and what stands in the way
    Status(AskArgs),
    /// Takes the credentials away: Windows devices then come by their own schedule alone
    Remove(AskArgs),
}

/// Options of `ordain wns set`.
#[derive(Debug, Args)]
pub(crate) struct SetArgs {
    /// The package family name, such as Contoso.MDM_8wekyb3d8bbwe
    #[arg(long, value_name = "PFN")]
    package_family_name: String,
    /// The package SID: ms-app://S-1-15-2-…
    #[arg(long, value_name = "SID")]
    sid: String,
    /// A file with the client secret
    #[arg(long, value_name = "FILE")]
    secret_file: PathBuf,
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    output: JsonArgs,
}

/// Sets, shows or removes.
pub(crate) async fn run(command: WnsCommand) -> anyhow::Result<()> {
    match command {
        WnsCommand::Set(args) => set(args).await,
        WnsCommand::Status(args) => {
            let client = Client::new(&Connection::find(&args.connection)?)?;
            show(&client.get("wns").await?, args.output)
        }
        WnsCommand::Remove(args) => {
            let client = Client::new(&Connection::find(&args.connection)?)?;
            show(&client.delete("wns").await?, args.output)
        }
    }
}

async fn set(args: SetArgs) -> anyhow::Result<()> {
    let file = &args.secret_file;
    let secret =
        std::fs::read_to_string(file).with_context(|| format!("the secret in {}", file.display()))?;
    let new = NewWnsCredentials {
        package_family_name: args.package_family_name,
        sid: args.sid,
        secret: secret.trim().to_owned(),
    };
    let client = Client::new(&Connection::find(&args.connection)?)?;
    show(&client.post("wns", &new).await?, args.output)
}

fn show(status: &WnsStatus, as_json: JsonArgs) -> anyhow::Result<()> {
    match as_json.json {
        true => output::json(status),
        false => output::text(&view(status, time::now())),
    }
}

fn view(status: &WnsStatus, now: i64) -> String {
    let mut table = Table::bare();
    for (name, value) in [
        ("package family name", &status.package_family_name),
        ("package SID", &status.sid),
    ] {
        if let Some(value) = value {
            table.row([name.to_owned(), value.clone()]);
        }
    }
    table.row(["channels".to_owned(), status.channels.to_string()]);
    let note = status.note.as_ref().map(|note| format!("\n! {note}"));
    let progress = progress_view(&status.progress, "WNS", "channel", now);
    format!("{table}{}{progress}", note.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use ordain_server::api::{PushProgress, PushRefusals};

    use super::*;

    #[test]
    fn what_stands_in_the_way_is_said() {
        let mut status = WnsStatus {
            package_family_name: None,
            sid: None,
            note: Some("there are no credentials for WNS".into()),
            channels: 0,
            progress: PushProgress::default(),
        };
        insta::assert_snapshot!(view(&status, 1_000), @r"
        channels  0
        ! there are no credentials for WNS

        to be looked at now        0
        pushed, and not there yet  0
        with a dead channel        0
        ");
        status.note = None;
        status.package_family_name = Some("Contoso.MDM_8wekyb3d8bbwe".into());
        status.sid = Some("S-1-15-2-1".into());
        status.channels = 5;
        status.progress.refused = vec![PushRefusals {
            reason: "HTTP 403".into(),
            channels: 5,
        }];
        insta::assert_snapshot!(view(&status, 1_000), @r"
        package family name  Contoso.MDM_8wekyb3d8bbwe
        package SID          S-1-15-2-1
        channels             5

        to be looked at now        0
        pushed, and not there yet  0
        with a dead channel        0
        refused by WNS: HTTP 403   5
        ");
    }
}
