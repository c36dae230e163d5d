//! `ordain webhook`.

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Subcommand};
use http::Method;
use ordain_model::event::EventKind;
use ordain_server::api::{CreatedWebhook, NewWebhook, WebhookRow};

use crate::args::{AskArgs, ConnectionArgs, JsonArgs};
use crate::client::{Client, encoded};
use crate::connection::Connection;
use crate::table::{NOTHING, Table, abridged, shortened};
use crate::{output, time};

/// The commands below `ordain webhook`.
#[derive(Debug, Subcommand)]
pub(crate) enum WebhookCommand {
    /// Sets up a receiver of the events from now on, and shows the secret that its messages are signed with
    Add(AddArgs),
    /// Lists the receivers and how they do, but not their secrets
    List(AskArgs),
    /// Removes a receiver
    Remove(RemoveArgs),
}

/// Options of `ordain webhook add`.
#[derive(Debug, Args)]
pub(crate) struct AddArgs {
    /// Where events are sent: https, or http to the server's own machine
    #[arg(value_name = "URL")]
    url: String,
    /// Only these kinds: enrolled, checked-out, reported, converged, diverged, command-answered, drifted, drift-repaired
    #[arg(long = "kind", value_name = "KIND", value_delimiter = ',')]
    kinds: Vec<EventKind>,
    /// A file with the secret, of 16 to 255 octets; otherwise the server makes one
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    output: JsonArgs,
}

/// Options of `ordain webhook remove`.
#[derive(Debug, Args)]
pub(crate) struct RemoveArgs {
    /// Its identifier, as `ordain webhook list` shows it
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// Adds, lists or removes.
pub(crate) async fn run(command: WebhookCommand) -> anyhow::Result<()> {
    match command {
        WebhookCommand::Add(args) => add(args).await,
        WebhookCommand::List(args) => list(args).await,
        WebhookCommand::Remove(args) => remove(args).await,
    }
}

async fn add(args: AddArgs) -> anyhow::Result<()> {
    let read = |file: &PathBuf| {
        let secret =
            std::fs::read_to_string(file).with_context(|| format!("the secret in {}", file.display()));
        secret.map(|secret| secret.trim().to_owned())
    };
    let new = NewWebhook {
        url: args.url,
        kinds: args.kinds.iter().map(|kind| kind.word().to_owned()).collect(),
        secret: args.secret_file.as_ref().map(read).transpose()?,
    };
    let client = Client::new(&Connection::find(&args.connection)?)?;
    let created: CreatedWebhook = client.post("webhooks", &new).await?;
    if args.output.json {
        return output::json(&created);
    }
    // What is known already need not stand in a terminal.
    if new.secret.is_none() {
        output::text(&created.secret)?;
        output::note("messages are signed with this secret; it is shown this once");
    }
    output::note(&format!("events from now on are sent to {}", created.row.id));
    Ok(())
}

async fn list(args: AskArgs) -> anyhow::Result<()> {
    let client = Client::new(&Connection::find(&args.connection)?)?;
    let webhooks: Vec<WebhookRow> = client.get("webhooks").await?;
    if args.output.json {
        output::json(&webhooks)
    } else if webhooks.is_empty() {
        output::text("there are no webhooks")
    } else {
        output::text(&view(&webhooks, time::now()))
    }
}

fn view(webhooks: &[WebhookRow], now: i64) -> String {
    let mut table = Table::new(["id", "url", "kinds", "state", "delivered", "problem"]);
    for webhook in webhooks {
        let kinds = match webhook.kinds.as_slice() {
            [] => "all".to_owned(),
            kinds => shortened(&kinds.join(","), 20),
        };
        table.row([
            webhook.id.clone(),
            abridged(&webhook.url, 32),
            kinds,
            webhook.state.clone(),
            webhook
                .delivered_at
                .map_or(NOTHING.to_owned(), |at| time::ago(at, now)),
            webhook
                .problem
                .as_deref()
                .map_or(NOTHING.to_owned(), |problem| shortened(problem, 32)),
        ]);
    }
    table.to_string()
}

async fn remove(args: RemoveArgs) -> anyhow::Result<()> {
    let client = Client::new(&Connection::find(&args.connection)?)?;
    client
        .order(Method::DELETE, &format!("webhooks/{}", encoded(&args.id)))
        .await?;
    output::text(&format!("removed: {}", args.id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receivers_are_listed_with_how_they_do() {
        let good = WebhookRow {
            id: "3f1c".into(),
            url: "https://hooks.example.org/ordain".into(),
            kinds: vec![],
            created_at: 0,
            cursor: "0-9".into(),
            state: "delivering".into(),
            delivered_at: Some(940),
            attempts: 0,
            failing_since: None,
            next_at: None,
            problem: None,
        };
        let bad = WebhookRow {
            id: "77aa".into(),
            url: "https://hooks.example.org/a/long/path/to/the/receiver?key=value".into(),
            kinds: vec!["converged".into(), "diverged".into(), "enrolled".into()],
            state: "retrying".into(),
            delivered_at: None,
            attempts: 3,
            failing_since: Some(900),
            next_at: Some(1_020),
            problem: Some("it answered 503 Service Unavailable, as it did before".into()),
            ..good.clone()
        };
        insta::assert_snapshot!(view(&[good, bad], 1_000), @r#"
        ID    URL                               KINDS                 STATE       DELIVERED  PROBLEM
        3f1c  https://hooks.example.org/ordain  all                   delivering  1 min ago  -
        77aa  https://hooks.ex…eiver?key=value  converged,diverged,…  retrying    -          it answered 503 Service Unavail…
        "#);
    }
}
