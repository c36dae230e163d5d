//! `ordain command`.

use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use http::StatusCode;
use ordain_catalog::Catalog;
use ordain_model::destructive::harm;
use ordain_model::queue::State;
use ordain_server::api::{Command, NewCommand};
use serde_json::{Value, json};

use crate::args::{ConnectionArgs, JsonArgs, Usage};
use crate::client::{Client, ClientError, encoded, with_query};
use crate::commands;
use crate::connection::Connection;
use crate::meter::Meter;
use crate::{command_keys, output, time};

/// Options of `ordain command`.
#[derive(Debug, Args)]
#[command(
    override_usage = "ordain command ID NAME [--Key VALUE]...\n       \
                      ordain command --group GROUP NAME [--Key VALUE]...\n       \
                      ordain command ID --file FILE\n       \
                      ordain command --list [NAME]",
    after_help = "Keys are spelled as the protocol spells them: --PIN 123456 --Message \"Call 555-0100\". Arrays and \
                  dictionaries are JSON, data is base64, @FILE stands for what is in a file, and a key without a value \
                  is true."
)]
pub(crate) struct CommandArgs {
    /// The device (serial number, UDID or enrollment identifier), unless there is a group; then the command
    #[arg(value_name = "ID NAME", num_args = 0..=2)]
    words: Vec<String>,
    /// For all in this group
    #[arg(long)]
    group: Option<String>,
    /// A ready command, as property list or JSON
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// How long it may wait for the device: 90s, 30m, 12h, 7d [default: 7d]
    #[arg(long, value_name = "SPAN", value_parser = time::parse_span)]
    expires: Option<Duration>,
    /// What it takes from devices is meant
    #[arg(long)]
    confirm: bool,
    /// Show how far it is, until every device has answered
    #[arg(long)]
    wait: bool,
    /// Show the commands with their keys
    #[arg(long, conflicts_with_all = ["group", "file", "expires", "confirm", "wait"])]
    list: bool,
    #[arg(long = command_keys::KEY, value_name = "NAME=VALUE", hide = true)]
    keys: Vec<String>,
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    output: JsonArgs,
}

/// Orders a command, or shows those that there are.
pub(crate) async fn run(args: CommandArgs) -> anyhow::Result<()> {
    let mut words = args.words.iter().cloned();
    let is_order = args.group.is_some() || args.file.is_some() || args.words.len() == 2;
    if args.list || !is_order {
        let name = args.list.then(|| words.next()).flatten();
        return list(name.as_deref(), args.output.json);
    }
    let devices: Vec<String> = match args.group {
        Some(_) => Vec::new(),
        None => words.by_ref().take(1).collect(),
    };
    let request_type = words.next();
    if words.next().is_some() {
        return Err(Usage("--group stands in place of ID".to_owned()).into());
    }
    if devices.is_empty() && args.group.is_none() {
        return Err(Usage("for which device? Name it, or a group with --group".to_owned()).into());
    }
    let file = match &args.file {
        Some(path) => {
            let octets =
                std::fs::read(path).map_err(|error| Usage(format!("{}: {error}", path.display())))?;
            Some(STANDARD.encode(octets))
        }
        None => None,
    };
    let keys = match (&request_type, &file) {
        (Some(name), None) => command_keys::read(name, &args.keys)?,
        (None, None) => {
            return Err(Usage("which command? `ordain command --list` shows them".to_owned()).into());
        }
        (_, Some(_)) if !args.keys.is_empty() => {
            return Err(Usage("a file has its keys in it".to_owned()).into());
        }
        (_, Some(_)) => command_keys::read("", &[])?,
    };
    let new = NewCommand {
        devices,
        group: args.group,
        request_type,
        keys,
        file,
        expires_in: args
            .expires
            .map(|span| i64::try_from(span.as_secs()))
            .transpose()?,
        confirm: args.confirm,
    };
    let client = Client::new(&Connection::find(&args.connection)?)?;
    let ordered = order(&client, &new).await?;
    let command = match args.wait {
        true => wait(&client, ordered).await?,
        false => ordered,
    };
    match args.output.json {
        true => output::json(&command)?,
        false => output::text(&commands::view(&command, time::now()))?,
    }
    let states = &command.row.states;
    let done = states.get(&State::Acknowledged).copied().unwrap_or(0);
    let all: u64 = states.values().sum();
    if args.wait && done < all {
        anyhow::bail!("{done} of {all} carried it out");
    }
    Ok(())
}

async fn order(client: &Client, new: &NewCommand) -> anyhow::Result<Command> {
    match client.post("commands", new).await {
        Err(ClientError::Problem { status, problem }) => {
            for detail in &problem.details {
                output::note(&crate::table::clean(detail));
            }
            if status == StatusCode::PRECONDITION_REQUIRED {
                return Err(Usage(format!("{}: repeat it with --confirm", problem.error)).into());
            }
            Err(ClientError::Problem { status, problem }.into())
        }
        other => Ok(other?),
    }
}

/// Shows how far it is until nobody is waited for, and tells all of it.
async fn wait(client: &Client, ordered: Command) -> anyhow::Result<Command> {
    const PERIOD: Duration = Duration::from_millis(500);
    let path = format!("commands/{}", encoded(&ordered.row.id));
    let mut meter = Meter::new(0);
    let mut row = ordered.row;
    while row.reaching || row.open > 0 {
        let all: u64 = row.states.values().sum();
        meter.reach(all);
        meter.show(all - row.open, commands::progress(&row));
        tokio::time::sleep(meter.period().max(PERIOD)).await;
        let found: Command = client.get(&with_query(&path, &json!({"limit": 0}))?).await?;
        row = found.row;
    }
    meter.end();
    Ok(client.get(&path).await?)
}

/// The commands that can be ordered, with their keys; `*` stands with those that are required.
fn list(name: Option<&str>, is_json: bool) -> anyhow::Result<()> {
    let catalog = Catalog::builtin();
    let mut commands: Vec<_> = catalog
        .commands()
        .filter(|command| command.request_type != ordain_model::command::REQUEST_TYPE)
        .filter(|command| name.is_none_or(|name| command.request_type == name))
        .collect();
    commands.sort_by(|a, b| a.request_type.cmp(&b.request_type));
    if commands.is_empty() {
        let name = name.unwrap_or_default();
        return Err(Usage(format!(
            "no command {name} is known; `ordain command --list` shows them"
        ))
        .into());
    }
    if is_json {
        let commands: Vec<Value> = commands.iter().map(|command| in_json(command)).collect();
        return output::json(&commands);
    }
    let mut text = String::new();
    for command in commands {
        text += &command.request_type;
        if harm(&command.request_type, catalog).is_some() {
            text += "  (needs --confirm)";
        }
        text += "\n";
        for (key, takes) in &command.keys {
            let required = if takes.required { " *" } else { "" };
            let allowed = takes.shape.allowed();
            let allowed = match allowed.as_slice() {
                [] => String::new(),
                allowed => format!(": {}", allowed.join(", ")),
            };
            text += &format!("  --{key} {}{allowed}{required}\n", takes.shape);
        }
    }
    output::text(&text)
}

fn in_json(command: &ordain_catalog::Command) -> Value {
    let keys = command.keys.iter().map(|(name, key)| {
        json!({"key": name, "type": key.shape.to_string(), "allowed": key.shape.allowed(), "required": key.required})
    });
    json!({
        "request_type": command.request_type,
        "needs_confirm": harm(&command.request_type, Catalog::builtin()).is_some(),
        "keys": keys.collect::<Vec<_>>(),
    })
}
