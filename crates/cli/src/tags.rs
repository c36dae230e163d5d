//! `ordain tag` and `ordain untag`.

use clap::Args;
use ordain_server::api::{TagChange, Tags};

use crate::args::{ConnectionArgs, JsonArgs};
use crate::client::{Client, encoded};
use crate::connection::Connection;
use crate::output;

/// Options of both.
#[derive(Debug, Args)]
pub(crate) struct TagArgs {
    /// Its serial number, UDID or enrollment identifier
    #[arg(value_name = "DEVICE")]
    device: String,
    /// Names, each of 1 to 64 letters, digits, hyphens, underscores and dots
    #[arg(value_name = "NAME", required = true)]
    names: Vec<String>,
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    output: JsonArgs,
}

/// Tags a device.
pub(crate) async fn tag(mut args: TagArgs) -> anyhow::Result<()> {
    let add = std::mem::take(&mut args.names);
    change(
        args,
        TagChange {
            add,
            ..TagChange::default()
        },
    )
    .await
}

/// Takes tags from a device.
pub(crate) async fn untag(mut args: TagArgs) -> anyhow::Result<()> {
    let remove = std::mem::take(&mut args.names);
    change(
        args,
        TagChange {
            remove,
            ..TagChange::default()
        },
    )
    .await
}

async fn change(args: TagArgs, change: TagChange) -> anyhow::Result<()> {
    let client = Client::new(&Connection::find(&args.connection)?)?;
    let path = format!("devices/{}/tags", encoded(&args.device));
    let tags: Tags = client.post(&path, &change).await?;
    if args.output.json {
        return output::json(&tags);
    }
    output::text(&match tags.tags.as_slice() {
        [] => format!("{} has no tags", args.device),
        tags => format!("{} is tagged {}", args.device, tags.join(", ")),
    })
}
