//! `ordain revisions`.

use clap::{Args, Subcommand};
use ordain_server::api::{Overview, RevisionRow};

use crate::apply::{self, summary};
use crate::args::{ConnectionArgs, JsonArgs, PageArgs};
use crate::client::{Client, with_query};
use crate::connection::Connection;
use crate::table::{Table, shortened};
use crate::{output, time};

/// Options of `ordain revisions`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct RevisionsArgs {
    #[command(subcommand)]
    command: Option<RevisionsCommand>,
    #[command(flatten)]
    page: PageArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    output: JsonArgs,
}

/// The commands below `ordain revisions`.
#[derive(Debug, Subcommand)]
enum RevisionsCommand {
    /// Publishes an older revision again, checked as it would be today
    Publish(PublishArgs),
}

/// Which revision.
#[derive(Debug, Args)]
struct PublishArgs {
    /// Its number, as `ordain revisions` shows it
    #[arg(value_name = "NUMBER")]
    number: u64,
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    output: JsonArgs,
}

/// Lists revisions, or publishes one again.
pub(crate) async fn run(args: RevisionsArgs) -> anyhow::Result<()> {
    match args.command {
        Some(RevisionsCommand::Publish(args)) => publish(args).await,
        None => list(args).await,
    }
}

async fn publish(args: PublishArgs) -> anyhow::Result<()> {
    let client = Client::new(&Connection::find(&args.connection)?)?;
    let outcome = client
        .post(&format!("revisions/{}/publish", args.number), &())
        .await;
    apply::show(outcome, &format!("revision {}", args.number), args.output)
}

async fn list(args: RevisionsArgs) -> anyhow::Result<()> {
    let client = Client::new(&Connection::find(&args.connection)?)?;
    let revisions: Vec<RevisionRow> = client.get(&with_query("revisions", &args.page.page())?).await?;
    if args.output.json {
        return output::json(&revisions);
    }
    let overview: Overview = client.get("overview").await?;
    if let Some(problem) = &overview.problem {
        output::note(&format!("warning: {problem}"));
    }
    if revisions.is_empty() {
        return output::text("nothing was published");
    }
    let mut table = Table::new(["revision", "published", "by", "changes"]);
    for revision in revisions {
        table.row([
            revision.number.to_string(),
            time::date(revision.published_at),
            shortened(&revision.published_by, 24),
            summary(&revision.changes),
        ]);
    }
    output::text(&table.to_string())
}
