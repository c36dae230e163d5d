//! `ordain commands`.

use clap::{Args, Subcommand};
use ordain_server::api::{Command, CommandRow, Delivery};

use crate::args::{ConnectionArgs, JsonArgs, PageArgs};
use crate::client::{Client, encoded, with_query};
use crate::connection::Connection;
use crate::table::{NOTHING, Table, abridged, clean, shortened};
use crate::{output, time};

/// Options of `ordain commands`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct CommandsArgs {
    #[command(subcommand)]
    command: Option<CommandsCommand>,
    /// Only those of this device and its users
    #[arg(long, value_name = "ID")]
    device: Option<String>,
    #[command(flatten)]
    page: PageArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    output: JsonArgs,
}

/// The commands below `ordain commands`.
#[derive(Debug, Subcommand)]
enum CommandsCommand {
    /// Shows what became of an order
    Show(OrderArgs),
    /// Takes an order back where it was not sent, or where the device could not do it
    Cancel(OrderArgs),
}

/// Which order.
#[derive(Debug, Args)]
struct OrderArgs {
    /// Its name, as `ordain commands` shows it
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    output: JsonArgs,
}

/// Lists orders, shows one, or takes it back.
pub(crate) async fn run(args: CommandsArgs) -> anyhow::Result<()> {
    match args.command {
        Some(CommandsCommand::Show(args)) => one(args, false).await,
        Some(CommandsCommand::Cancel(args)) => one(args, true).await,
        None => list(args).await,
    }
}

async fn one(args: OrderArgs, cancel: bool) -> anyhow::Result<()> {
    let client = Client::new(&Connection::find(&args.connection)?)?;
    let path = format!("commands/{}", encoded(&args.id));
    let command: Command = match cancel {
        true => client.delete(&path).await?,
        false => client.get(&path).await?,
    };
    match args.output.json {
        true => output::json(&command),
        false => output::text(&view(&command, time::now())),
    }
}

async fn list(args: CommandsArgs) -> anyhow::Result<()> {
    let client = Client::new(&Connection::find(&args.connection)?)?;
    let now = time::now();
    if let Some(device) = &args.device {
        let path = format!("devices/{}/commands", encoded(device));
        let deliveries: Vec<Delivery> = client.get(&with_query(&path, &args.page.page())?).await?;
        return match args.output.json {
            true => output::json(&deliveries),
            false => output::text(&of_device(&deliveries, now)),
        };
    }
    let rows: Vec<CommandRow> = client.get(&with_query("commands", &args.page.page())?).await?;
    match args.output.json {
        true => output::json(&rows),
        false => output::text(&orders(&rows, now)),
    }
}

fn orders(rows: &[CommandRow], now: i64) -> String {
    if rows.is_empty() {
        return "nothing was ordered".to_owned();
    }
    let mut table = Table::new(["number", "order", "command", "for", "when", "by", "state"]);
    for row in rows {
        table.row([
            row.number.to_string(),
            row.id.clone(),
            shortened(&row.request_type, 26),
            shortened(row.group.as_deref().unwrap_or(NOTHING), 12),
            time::ago(row.ordered_at, now),
            shortened(&row.ordered_by, 12),
            progress(row),
        ]);
    }
    table.to_string()
}

/// How many devices there are of each state: `3 queued, 1 acknowledged`.
pub(crate) fn progress(row: &CommandRow) -> String {
    let mut states: Vec<String> = row
        .states
        .iter()
        .map(|(state, count)| format!("{count} {}", state.word()))
        .collect();
    if row.reaching {
        states.push("more to come".to_owned());
    }
    match states.as_slice() {
        [] => "for nobody".to_owned(),
        states => states.join(", "),
    }
}

fn of_device(deliveries: &[Delivery], now: i64) -> String {
    if deliveries.is_empty() {
        return "nothing was ordered for it".to_owned();
    }
    let mut table = Table::new(["number", "order", "command", "state", "since", "reason"]);
    for delivery in deliveries {
        let queued = &delivery.queued;
        table.row([
            queued.number.to_string(),
            queued.command.clone(),
            shortened(&queued.request_type, 26),
            queued.state.word().to_owned(),
            since(delivery, now),
            shortened(delivery.reason.as_deref().unwrap_or(NOTHING), 40),
        ]);
    }
    table.to_string()
}

/// An order with what became of it, and the answer when there is one device.
pub(crate) fn view(command: &Command, now: i64) -> String {
    let row = &command.row;
    let group = row.group.as_ref().map(|group| format!(" for {group}"));
    let mut text = format!(
        "{} {}{}: {}\nordered {} by {}, waits until {}\n",
        clean(&row.request_type),
        row.id,
        group.unwrap_or_default(),
        progress(row),
        time::ago(row.ordered_at, now),
        clean(&row.ordered_by),
        time::date(row.expires_at),
    );
    if !command.deliveries.is_empty() {
        let mut table = Table::new(["device", "state", "since", "reason"]);
        for delivery in &command.deliveries {
            table.row([
                abridged(&delivery.enrollment, 40),
                delivery.queued.state.word().to_owned(),
                since(delivery, now),
                shortened(delivery.reason.as_deref().unwrap_or(NOTHING), 60),
            ]);
        }
        text += &format!("\n{table}\n");
    }
    let shown = command.deliveries.len() as u64;
    let all: u64 = row.states.values().sum();
    if shown < all {
        text += &format!("{shown} of {all} are shown; --json and the API give more\n");
    }
    match command.deliveries.as_slice() {
        [
            Delivery {
                result: Some(result), ..
            },
        ] => {
            let result = serde_json::to_string_pretty(result).unwrap_or_default();
            let lines: Vec<String> = result.lines().map(clean).collect();
            text += &format!("\n{}\n", lines.join("\n"));
        }
        [
            Delivery {
                result_lost: Some(why),
                ..
            },
        ] => text += &format!("\nwhat it answered cannot be shown: {}\n", clean(why)),
        several => {
            if several.iter().any(|delivery| delivery.result.is_some()) {
                text += "\n--json shows what they answered\n";
            }
            let lost = several.iter().filter(|delivery| delivery.result_lost.is_some());
            match lost.count() {
                0 => {}
                lost => text += &format!("\n{lost} answers cannot be shown; --json tells why\n"),
            }
        }
    }
    text
}

/// Since when it is in its state, as far as the device's word goes.
fn since(delivery: &Delivery, now: i64) -> String {
    let at = delivery
        .answered_at
        .max(delivery.sent_at)
        .unwrap_or(delivery.ordered_at);
    time::ago(at, now)
}

#[cfg(test)]
mod tests {
    use ordain_model::queue::State;
    use ordain_server::api::Queued;
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_795_264_807;

    fn row() -> CommandRow {
        CommandRow {
            number: 7,
            id: "1a2b3c4d5e".into(),
            request_type: "DeviceLock".into(),
            ordered_at: NOW - 90,
            ordered_by: "ann".into(),
            expires_at: NOW + 604_800,
            group: Some("lab".into()),
            reaching: true,
            states: [(State::Acknowledged, 1), (State::Failed, 1)].into(),
            open: 0,
        }
    }

    fn delivery(enrollment: &str, state: State) -> Delivery {
        Delivery {
            queued: Queued {
                number: 9,
                uuid: "U".into(),
                command: "1a2b3c4d5e".into(),
                request_type: "DeviceLock".into(),
                state,
                expires_at: NOW + 604_800,
            },
            enrollment: enrollment.into(),
            generation: 1,
            open: false,
            ordered_at: NOW - 90,
            sent_at: Some(NOW - 60),
            answered_at: Some(NOW - 50),
            reason: None,
            result: None,
            result_lost: None,
        }
    }

    #[test]
    fn an_order_is_shown_with_what_became_of_it() {
        let mut command = Command {
            row: row(),
            deliveries: vec![
                Delivery {
                    reason: Some("MCMDMErrorDomain 12021: no such\ncommand".into()),
                    ..delivery("D2", State::Failed)
                },
                Delivery {
                    result: Some(json!({"MessageResult": "Success"})),
                    ..delivery("5F8C0F9A-6B5C-4C55-9F7B-1C5A0E1D2B3C", State::Acknowledged)
                },
            ],
        };
        insta::assert_snapshot!(view(&command, NOW), @r#"
        DeviceLock 1a2b3c4d5e for lab: 1 acknowledged, 1 failed, more to come
        ordered 1 min ago by ann, waits until 2026-11-28 12:40:07Z

        DEVICE                                STATE         SINCE     REASON
        D2                                    failed        50 s ago  MCMDMErrorDomain 12021: no such command
        5F8C0F9A-6B5C-4C55-9F7B-1C5A0E1D2B3C  acknowledged  50 s ago  -

        --json shows what they answered
        "#);
        command.deliveries.remove(0);
        command.row.reaching = false;
        command.row.states = [(State::Acknowledged, 1)].into();
        insta::assert_snapshot!(view(&command, NOW), @r#"
        DeviceLock 1a2b3c4d5e for lab: 1 acknowledged
        ordered 1 min ago by ann, waits until 2026-11-28 12:40:07Z

        DEVICE                                STATE         SINCE     REASON
        5F8C0F9A-6B5C-4C55-9F7B-1C5A0E1D2B3C  acknowledged  50 s ago  -

        {
          "MessageResult": "Success"
        }
        "#);
    }

    #[test]
    fn what_cannot_be_shown_is_told_of() {
        let lost = Delivery {
            result_lost: Some("the key is\nmissing".into()),
            ..delivery("D2", State::Acknowledged)
        };
        let mut command = Command {
            row: row(),
            deliveries: vec![delivery("D1", State::Acknowledged), lost],
        };
        let ends = |command: &Command, end: &str| {
            let text = view(command, NOW);
            assert!(text.ends_with(end), "{text}");
        };
        ends(&command, "\n\n1 answers cannot be shown; --json tells why\n");
        command.deliveries.remove(0);
        ends(
            &command,
            "\n\nwhat it answered cannot be shown: the key is missing\n",
        );
    }

    #[test]
    fn orders_are_listed() {
        insta::assert_snapshot!(orders(&[row()], NOW), @r#"
        NUMBER  ORDER       COMMAND     FOR  WHEN       BY   STATE
        7       1a2b3c4d5e  DeviceLock  lab  1 min ago  ann  1 acknowledged, 1 failed, more to come
        "#);
        insta::assert_snapshot!(of_device(&[delivery("D1", State::Sent)], NOW), @r#"
        NUMBER  ORDER       COMMAND     STATE  SINCE     REASON
        9       1a2b3c4d5e  DeviceLock  sent   50 s ago  -
        "#);
        assert_eq!(orders(&[], NOW), "nothing was ordered");
    }
}
