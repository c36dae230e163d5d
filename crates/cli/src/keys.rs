//! `ordain keys`.

use std::collections::BTreeMap;

use anyhow::bail;
use clap::{Args, Subcommand};
use ordain_server::api::{KeyRotation, SealingKey, SealingKeys};

use crate::args::{AskArgs, ConnectionArgs};
use crate::client::Client;
use crate::connection::Connection;
use crate::meter::Meter;
use crate::output;
use crate::table::{NOTHING, Table, clean};

/// The commands below `ordain keys`.
#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Shows which keys there are, and how much is sealed under each
    Status(AskArgs),
    /// Seals everything under a new key, and ends the old one
    ///
    /// Device CA, push certificate and escrowed tokens are sealed in the database under a key that is not in it. A server
    /// with a key file and the embedded database makes a new key, seals everything anew and takes the old key out of the
    /// file, in this order; broken off at any moment, it goes on when it is run again. Where other nodes need the keys
    /// too, or they come from the environment, it says what to do by hand. Back up the key file afterwards.
    Rotate(RotateArgs),
}

/// Options of `ordain keys rotate`.
#[derive(Debug, Args)]
pub(crate) struct RotateArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// Shows or rotates.
pub(crate) async fn run(command: KeysCommand) -> anyhow::Result<()> {
    match command {
        KeysCommand::Status(args) => status(args).await,
        KeysCommand::Rotate(args) => rotate(args).await,
    }
}

async fn status(args: AskArgs) -> anyhow::Result<()> {
    let client = Client::new(&Connection::find(&args.connection)?)?;
    let status: SealingKeys = client.get("keys").await?;
    if args.output.json {
        return output::json(&status);
    }
    output::text(&view(&status))?;
    output::note(&format!("the keys are in {}", clean(&status.source)));
    Ok(())
}

fn view(status: &SealingKeys) -> String {
    let mut table = Table::new(["key", "role", "values", "where"]);
    for key in &status.keys {
        let places = key.values.iter().map(|(table, count)| format!("{count} {table}"));
        let places: Vec<_> = places.collect();
        table.row([
            key.id.clone().unwrap_or(NOTHING.to_owned()),
            key.role.clone(),
            values(&key.values).to_string(),
            if places.is_empty() {
                NOTHING.to_owned()
            } else {
                places.join(", ")
            },
        ]);
    }
    table.to_string()
}

fn values(by_table: &BTreeMap<String, u64>) -> u64 {
    by_table.values().sum()
}

async fn rotate(args: RotateArgs) -> anyhow::Result<()> {
    let client = Client::new(&Connection::find(&args.connection)?)?;
    let before: SealingKeys = client.get("keys").await?;
    let total = before.keys.iter().map(|key| values(&key.values)).sum();
    let mut rotation: KeyRotation = client.post("keys/rotate", &()).await?;
    let mut meter = Meter::new(total);
    while rotation.running {
        tokio::time::sleep(meter.period()).await;
        let words = format!("sealed anew: {} of at most {total}", rotation.resealed);
        meter.show(rotation.resealed, words);
        rotation = client.get("keys/rotate").await?;
    }
    meter.end();
    if let Some(failure) = rotation.failure {
        bail!("{failure}");
    }
    let after: SealingKeys = client.get("keys").await?;
    let new = after
        .keys
        .first()
        .and_then(|key| key.id.as_deref())
        .unwrap_or(NOTHING);
    output::text(&format!("sealed anew under the key {new}: {}", rotation.resealed))?;
    if rotation.unopened > 0 {
        for problem in &rotation.problems {
            output::note(&clean(problem));
        }
        bail!(
            "not opened, and left as they are: {}. Put the keys that are missing behind the first one \
             in {}, restart, and run this again",
            rotation.unopened,
            clean(&after.source)
        );
    }
    let is_idle = |key: &&SealingKey| key.role == "opens" && key.values.is_empty();
    let idle: Vec<_> = after
        .keys
        .iter()
        .filter(is_idle)
        .filter_map(|key| key.id.as_deref())
        .collect();
    if !idle.is_empty() {
        output::note(&format!(
            "nothing lies under {} any more: take it out of the keys of every node",
            idle.join(", ")
        ));
    }
    output::note("back up the keys now, apart from the database");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_shown_with_what_lies_under_them() {
        let key = |id: Option<&str>, role: &str, values: &[(&str, u64)]| SealingKey {
            id: id.map(str::to_owned),
            role: role.to_owned(),
            values: values
                .iter()
                .map(|&(table, count)| (table.to_owned(), count))
                .collect(),
        };
        let status = SealingKeys {
            source: "/var/lib/ordain/installation.key".into(),
            keys: vec![
                key(Some("1a2b3c4d"), "seals", &[("escrow", 12), ("setting", 1)]),
                key(Some("99999999"), "opens", &[]),
                key(None, "missing", &[("escrow", 1)]),
            ],
            rotation: None,
        };
        insta::assert_snapshot!(view(&status), @r"
        KEY       ROLE     VALUES  WHERE
        1a2b3c4d  seals    13      12 escrow, 1 setting
        99999999  opens    0       -
        -         missing  1       1 escrow
        ");
    }
}
