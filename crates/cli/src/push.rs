//! `ordain push`.

use std::time::Duration;

use clap::{Args, Subcommand};
use ordain_server::api::{PushProgress, PushStatus, PushSweep};
use tokio::time::sleep;

use crate::args::{ConnectionArgs, JsonArgs};
use crate::client::Client;
use crate::connection::Connection;
use crate::table::{NOTHING, Table, clean};
use crate::{output, push_certificate, time};

/// How often it is shown anew.
const PERIOD: Duration = Duration::from_secs(1);

/// The commands below `ordain push`.
#[derive(Debug, Subcommand)]
pub(crate) enum PushCommand {
    /// Shows how far devices have been told of the newest revision, and what stands in the way
    Status(StatusArgs),
}

/// Options of `ordain push status`.
#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// Show it anew each second until the sweep is over
    #[arg(long)]
    watch: bool,
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    output: JsonArgs,
}

/// Shows.
pub(crate) async fn run(command: PushCommand) -> anyhow::Result<()> {
    let PushCommand::Status(args) = command;
    let client = Client::new(&Connection::find(&args.connection)?)?;
    loop {
        let status: PushStatus = client.get("push").await?;
        if args.output.json {
            output::json(&status)?;
        } else {
            output::text(&view(&status, time::now()))?;
        }
        let is_over = status
            .progress
            .sweep
            .as_ref()
            .is_none_or(|sweep| sweep.finished_at.is_some());
        if !args.watch || is_over {
            return Ok(());
        }
        if !args.output.json {
            output::text("")?;
        }
        sleep(PERIOD).await;
    }
}

fn view(status: &PushStatus, now: i64) -> String {
    let mut text = match &status.certificate {
        Some(certificate) => push_certificate::view(certificate),
        None => String::new(),
    };
    if let Some(note) = &status.note {
        text += &format!("! {note}");
    }
    text + &progress_view(&status.progress, "APNs", "push token", now)
}

/// How far the pushes through `service` are, below what is said of what it is pushed with; `address` is what devices have
/// there.
pub(crate) fn progress_view(status: &PushProgress, service: &str, address: &str, now: i64) -> String {
    let mut text = String::new();
    if let Some(problem) = &status.problem {
        let again = match problem.tried_again_at.saturating_sub(now) {
            1.. => format!("in {}", time::span(problem.tried_again_at - now)),
            _ => "now".to_owned(),
        };
        text += &format!(
            "\n! {service}: {} ({}; tried again {again})",
            clean(&problem.reason),
            time::ago(problem.since, now)
        );
    }
    let mut table = Table::bare();
    for (name, value) in [
        ("to be looked at now", status.due),
        ("pushed, and not there yet", status.unanswered),
        (&*format!("with a dead {address}"), status.dead),
    ] {
        table.row([name.to_owned(), value.to_string()]);
    }
    for refused in &status.refused {
        let name = format!("refused by {service}: {}", clean(&refused.reason));
        table.row([name, refused.channels.to_string()]);
    }
    text += &format!("\n\n{table}");
    match &status.sweep {
        Some(sweep) => text + "\n\n" + &sweep_view(sweep, now),
        None => text,
    }
}

fn sweep_view(sweep: &PushSweep, now: i64) -> String {
    let state = match sweep.finished_at {
        Some(at) => format!("all looked at {}", time::ago(at, now)),
        None => {
            let percent = (sweep.passed * 100).checked_div(sweep.channels).unwrap_or(100);
            let left = sweep
                .seconds_left
                .and_then(|seconds| i64::try_from(seconds).ok())
                .map_or(NOTHING.to_owned(), time::span);
            format!("{percent}%, {} a second, {left} left", sweep.per_second)
        }
    };
    let mut table = Table::new([
        "revision",
        "channels",
        "pushed",
        "waiting",
        "up to date",
        "not reachable",
        "state",
    ]);
    table.row([
        sweep.revision.to_string(),
        sweep.channels.to_string(),
        sweep.pushed.to_string(),
        sweep.waiting.to_string(),
        sweep.up_to_date.to_string(),
        sweep.unreachable.to_string(),
        state,
    ]);
    table.to_string()
}

#[cfg(test)]
mod tests {
    use ordain_server::api::{PushProblem, PushRefusals};

    use super::*;

    #[test]
    fn what_stands_in_the_way_is_said() {
        let mut status = PushStatus {
            certificate: None,
            note: Some("there is no push certificate".into()),
            progress: PushProgress {
                due: 3,
                ..PushProgress::default()
            },
        };
        insta::assert_snapshot!(view(&status, 1_000), @r"
        ! there is no push certificate

        to be looked at now        3
        pushed, and not there yet  0
        with a dead push token     0
        ");
        status.note = None;
        status.progress.problem = Some(PushProblem {
            reason: "BadCertificate".into(),
            since: 940,
            tried_again_at: 1_030,
        });
        status.progress.refused = vec![PushRefusals {
            reason: "BadDeviceToken".into(),
            channels: 2,
        }];
        status.progress.sweep = Some(PushSweep {
            revision: 4,
            channels: 10_000,
            passed: 2_500,
            pushed: 2_000,
            waiting: 300,
            up_to_date: 200,
            unreachable: 0,
            started_at: 995,
            finished_at: None,
            per_second: 500,
            seconds_left: Some(15),
        });
        insta::assert_snapshot!(view(&status, 1_000).trim_start(), @r"
        ! APNs: BadCertificate (1 min ago; tried again in 30 s)

        to be looked at now              3
        pushed, and not there yet        0
        with a dead push token           0
        refused by APNs: BadDeviceToken  2

        REVISION  CHANNELS  PUSHED  WAITING  UP TO DATE  NOT REACHABLE  STATE
        4         10000     2000    300      200         0              25%, 500 a second, 15 s left
        ");
    }
}
