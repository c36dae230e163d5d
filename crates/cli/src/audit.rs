//! `ordain audit`.

use clap::Args;
use ordain_server::api::AuditRow;

use crate::args::{ConnectionArgs, JsonArgs, PageArgs};
use crate::client::{Client, with_query};
use crate::connection::Connection;
use crate::table::{Table, shortened};
use crate::{output, time};

/// Options of `ordain audit`.
#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    #[command(flatten)]
    page: PageArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    output: JsonArgs,
}

/// Lists what administrators did.
pub(crate) async fn run(args: AuditArgs) -> anyhow::Result<()> {
    let client = Client::new(&Connection::find(&args.connection)?)?;
    let entries: Vec<AuditRow> = client.get(&with_query("audit", &args.page.page())?).await?;
    if args.output.json {
        return output::json(&entries);
    }
    if entries.is_empty() {
        return output::text("nothing was done");
    }
    let mut table = Table::new(["number", "when", "who", "from", "what", "exactly"]);
    for entry in entries {
        table.row([
            entry.number.to_string(),
            time::date(entry.at),
            shortened(&entry.who, 16),
            shortened(&entry.origin, 15),
            entry.action,
            shortened(&entry.detail.to_string(), 48),
        ]);
    }
    output::text(&table.to_string())
}
