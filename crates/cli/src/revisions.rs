//! `ordain revisions`.

use clap::Args;
use ordain_server::api::RevisionRow;

use crate::apply::summary;
use crate::args::{ConnectionArgs, JsonArgs, PageArgs};
use crate::client::{Client, with_query};
use crate::connection::Connection;
use crate::table::{Table, shortened};
use crate::{output, time};

/// Options of `ordain revisions`.
#[derive(Debug, Args)]
pub(crate) struct RevisionsArgs {
    #[command(flatten)]
    page: PageArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    output: JsonArgs,
}

/// Lists revisions.
pub(crate) async fn run(args: RevisionsArgs) -> anyhow::Result<()> {
    let client = Client::new(&Connection::find(&args.connection)?)?;
    let revisions: Vec<RevisionRow> = client.get(&with_query("revisions", &args.page.page())?).await?;
    if args.output.json {
        return output::json(&revisions);
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
