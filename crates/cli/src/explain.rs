//! `ordain explain`.

use clap::Args;
use ordain_model::explain::{Explanation, State, Step};
use ordain_server::api::{ExplainQuery, Explained};

use crate::args::{ConnectionArgs, JsonArgs};
use crate::client::{Client, encoded, with_query};
use crate::connection::Connection;
use crate::table::{clean, wrapped};
use crate::{output, time};

/// Columns of the words before each step.
const STATE: usize = "not needed  ".len();

/// Options of `ordain explain`.
#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// Its serial number, UDID or enrollment identifier; or the identifier of the channel of a user
    #[arg(value_name = "DEVICE")]
    device: String,
    /// The identifier of one declaration; all of the device unless said otherwise
    #[arg(value_name = "DECLARATION")]
    declaration: Option<String>,
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    output: JsonArgs,
}

/// Explains.
pub(crate) async fn run(args: ExplainArgs) -> anyhow::Result<()> {
    let client = Client::new(&Connection::find(&args.connection)?)?;
    let path = format!("devices/{}/explain", encoded(&args.device));
    let query = ExplainQuery {
        declaration: args.declaration,
    };
    let explained: Explained = client.get(&with_query(&path, &query)?).await?;
    if args.output.json {
        output::json(&explained)
    } else {
        output::text(&view(&explained, time::now()))
    }
}

/// One channel after the other. `now` is in unix seconds.
fn view(explained: &Explained, now: i64) -> String {
    let channels = explained.channels.iter();
    let channels = channels.map(|channel| of_channel(explained, channel, now));
    channels.collect::<Vec<_>>().join("\n\n")
}

fn of_channel(device: &Explained, channel: &Explanation, now: i64) -> String {
    let name = device.name.as_deref().or(device.serial.as_deref());
    let mut whose = clean(name.unwrap_or(&device.id));
    if let Some(user) = channel.channel.user_part() {
        whose += &format!(", user {}", clean(user));
    } else if !channel.channel.is_device() {
        whose += ", linked channel";
    }
    let title = match &channel.declaration {
        Some(about) => {
            let what = about.type_name.as_deref();
            let what = what.or(about.kind.map(|kind| kind.as_str()));
            let what = what.map(|what| format!(" ({})", clean(what))).unwrap_or_default();
            format!("{}{what} on {whose}", clean(&about.identifier))
        }
        None => whose,
    };
    let mut text = wrapped(&title, 0) + "\n\n" + &wrapped(&sentence(&channel.headline, now), 0) + "\n";
    let mut list = |title: &str, lines: Vec<String>| {
        if !lines.is_empty() {
            text += &format!("\n{title}\n{}\n", lines.join("\n"));
        }
    };
    list(
        "step by step",
        channel.steps.iter().map(|step| line(step, now)).collect(),
    );
    let open = channel.open.iter();
    let open = open.map(|open| {
        let names = wrapped(&format!("  {}", clean(&open.declarations.join(", "))), 2);
        let cause = wrapped(&format!("    {}", sentence(&open.cause, now)), 4);
        format!("{names}\n{cause}")
    });
    list("not confirmed, and why", open.collect());
    let next = channel.next.iter();
    let next = next.map(|step| wrapped(&format!("  {}", sentence(step, now)), 4));
    list("what happens next", next.collect());
    text.trim_end().to_owned()
}

/// `done        the device is enrolled – 2 days ago (…)`.
fn line(step: &Step, now: i64) -> String {
    let state = match step.state {
        State::Done => "done",
        State::Missing => "missing",
        State::Failed => "failed",
        State::NotNeeded => "not needed",
        State::Unknown => "unknown",
    };
    wrapped(&format!("  {state:<STATE$}{}", sentence(step, now)), 2 + STATE)
}

fn sentence(step: &Step, now: i64) -> String {
    let time = step.at.map(|at| format!(" – {}", time::around(at, now)));
    clean(&step.sentence) + &time.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use ordain_catalog::Kind;
    use ordain_model::explain::{About, Code, Open};
    use unicode_width::UnicodeWidthStr;

    use super::*;

    const NOW: i64 = 1_795_264_807;

    fn step(code: Code, state: State, sentence: &str, at: Option<i64>) -> Step {
        Step {
            code,
            state,
            sentence: sentence.into(),
            at,
            facts: Vec::new(),
        }
    }

    #[test]
    fn the_missing_step_comes_first_and_then_the_chain() {
        let silent = "the server pushed the device 3 times to wake it, and it has not come";
        let pushed = |head: &str| {
            step(
                Code::Pushed,
                State::Missing,
                &format!("{head}{silent}"),
                Some(NOW - 200),
            )
        };
        let of_one = Explanation {
            channel: "D1".parse().unwrap(),
            declaration: Some(About {
                identifier: "com.example.wifi".into(),
                kind: Some(Kind::Configuration),
                type_name: Some("com.apple.configuration.network.wifi".into()),
            }),
            headline: pushed("not on the device yet: "),
            steps: vec![
                step(
                    Code::Enrolled,
                    State::Done,
                    "the device is enrolled",
                    Some(NOW - 90_000),
                ),
                step(
                    Code::Blueprint,
                    State::NotNeeded,
                    "the blueprint lab gives it to the group lab, which lists 3 devices, but not this one",
                    None,
                ),
                pushed(""),
            ],
            open: Vec::new(),
            next: vec![step(
                Code::Next,
                State::Missing,
                "the server pushes the device again, unless it comes before",
                Some(NOW + 700),
            )],
        };
        let of_user = Explanation {
            channel: "D1:kim\u{1b}".parse().unwrap_or("D1:kim".parse().unwrap()),
            declaration: None,
            headline: pushed("not converged: "),
            steps: vec![pushed("")],
            open: vec![Open {
                cause: pushed("not on the device yet: "),
                declarations: vec!["com.example.wifi".into(), "com.example.mail".into()],
            }],
            next: Vec::new(),
        };
        let explained = Explained {
            id: "D1".into(),
            name: Some("Kim's\u{1b}[31m Mac".into()),
            serial: None,
            channels: vec![of_one, of_user],
        };
        let text = view(&explained, NOW);
        assert!(text.lines().all(|line| line.width() <= 100), "{text}");
        insta::assert_snapshot!(text, @r"
        com.example.wifi (com.apple.configuration.network.wifi) on Kim's�[31m Mac

        not on the device yet: the server pushed the device 3 times to wake it, and it has not come – 3 min
        ago (2026-11-21 12:36:47Z)

        step by step
          done        the device is enrolled – 1 day ago (2026-11-20 11:40:07Z)
          not needed  the blueprint lab gives it to the group lab, which lists 3 devices, but not this one
          missing     the server pushed the device 3 times to wake it, and it has not come – 3 min ago
                      (2026-11-21 12:36:47Z)

        what happens next
          the server pushes the device again, unless it comes before – in 11 min (2026-11-21 12:51:47Z)

        Kim's�[31m Mac, user kim

        not converged: the server pushed the device 3 times to wake it, and it has not come – 3 min ago
        (2026-11-21 12:36:47Z)

        step by step
          missing     the server pushed the device 3 times to wake it, and it has not come – 3 min ago
                      (2026-11-21 12:36:47Z)

        not confirmed, and why
          com.example.wifi, com.example.mail
            not on the device yet: the server pushed the device 3 times to wake it, and it has not come – 3
            min ago (2026-11-21 12:36:47Z)
        ");
    }
}
