//! `ordain predicate fleet`.

use std::collections::BTreeMap;

use clap::{Args, ValueEnum};
use ordain_predicate::Dialect;
use ordain_server::api::{FleetAnswer, FleetQuestion, MissingInFleet, Outcome};

use super::ExpressionArgs;
use crate::args::{ConnectionArgs, JsonArgs};
use crate::client::Client;
use crate::connection::Connection;
use crate::meter::Meter;
use crate::output;
use crate::table::{NOTHING, Table, clean, shortened};

/// The server lists no more at once.
const PAGE: usize = 1_000;

/// Options of `ordain predicate fleet`.
#[derive(Debug, Args)]
pub(crate) struct FleetArgs {
    #[command(flatten)]
    expression: ExpressionArgs,
    /// Lists only the devices for which it is this
    #[arg(long, value_enum)]
    show: Option<Show>,
    /// Lists at most so many devices
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    limit: usize,
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    output: JsonArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Show {
    True,
    False,
    Unknown,
}

/// Asks the whole fleet, and counts.
pub(super) async fn run(args: FleetArgs) -> anyhow::Result<()> {
    args.expression.predicate(Dialect::Server)?;
    let outcome = args.show.map(|show| match show {
        Show::True => Outcome::True,
        Show::False => Outcome::False,
        Show::Unknown => Outcome::Unknown,
    });
    let client = Client::new(&Connection::find(&args.connection)?)?;
    let mut question = FleetQuestion {
        predicate: args.expression.expression,
        outcome,
        after: None,
        limit: None,
    };
    let (mut sum, mut meter) = (FleetAnswer::default(), None);
    loop {
        question.limit = Some(args.limit.saturating_sub(sum.devices.len()).min(PAGE));
        let answer: FleetAnswer = client.post("predicate/fleet", &question).await?;
        answer.findings.iter().for_each(|finding| output::note(finding));
        question.after = answer.next.clone();
        let all = answer.all;
        add(&mut sum, answer);
        if question.after.is_none() {
            break;
        }
        let all = all.unwrap_or_default();
        let meter = meter.get_or_insert_with(|| Meter::new(all));
        meter.reach(all);
        let done = of_all(&sum);
        meter.show(done, format!("{done} of {all} devices"));
    }
    if let Some(meter) = meter {
        meter.end();
    }
    match args.output.json {
        true => output::json(&sum),
        false => output::text(&view(&sum, outcome)),
    }
}

/// Adds what was found in a further stretch.
fn add(sum: &mut FleetAnswer, more: FleetAnswer) {
    sum.counts.holds += more.counts.holds;
    sum.counts.fails += more.counts.fails;
    sum.counts.unknown += more.counts.unknown;
    sum.unfit += more.unfit;
    sum.devices.extend(more.devices);
    sum.findings.extend(more.findings);
    let mut missing: BTreeMap<String, MissingInFleet> = BTreeMap::new();
    for found in sum.missing.drain(..).chain(more.missing) {
        let known = missing
            .entry(found.fact.clone())
            .or_insert_with(|| MissingInFleet {
                devices: 0,
                failed: 0,
                ..found.clone()
            });
        known.devices += found.devices;
        known.failed += found.failed;
    }
    sum.missing.extend(missing.into_values());
    sum.missing
        .sort_by_key(|missing| std::cmp::Reverse(missing.devices));
}

fn of_all(sum: &FleetAnswer) -> u64 {
    sum.counts.holds + sum.counts.fails + sum.counts.unknown
}

/// The devices as a table, below it the counts, and what is missing.
fn view(sum: &FleetAnswer, show: Option<Outcome>) -> String {
    let mut text = String::new();
    if !sum.devices.is_empty() {
        let mut table = Table::new(["outcome", "name", "device"]);
        for device in &sum.devices {
            table.row([
                device.outcome.to_string(),
                shortened(device.name.as_deref().unwrap_or(NOTHING), 40),
                shortened(device.serial.as_deref().unwrap_or(&device.id), 40),
            ]);
        }
        text = format!("{table}\n\n");
    }
    let counts = &sum.counts;
    let matching = match show {
        None => of_all(sum),
        Some(Outcome::True) => counts.holds,
        Some(Outcome::False) => counts.fails,
        Some(Outcome::Unknown) => counts.unknown,
    };
    if (sum.devices.len() as u64) < matching {
        let shown = sum.devices.len();
        text += &format!("{shown} of {matching} devices are shown; --limit shows more\n");
    }
    text += &format!(
        "{} true, {} false, {} unknown\n",
        counts.holds, counts.fails, counts.unknown
    );
    for missing in &sum.missing {
        let MissingInFleet {
            fact,
            devices,
            failed,
        } = missing;
        let failed = match failed {
            0 => String::new(),
            failed => format!(", {failed} of which could not give it"),
        };
        text += &clean(&format!("! {fact} is missing on {devices}{failed}"));
        text.push('\n');
    }
    if sum.unfit > 0 {
        text += &format!("! it cannot take what {} reported\n", sum.unfit);
    }
    text
}

#[cfg(test)]
mod tests {
    use ordain_server::api::{FleetCounts, FleetDevice};

    use super::*;

    fn stretch(holds: u64, unknown: u64, missing: &[(&str, u64, u64)]) -> FleetAnswer {
        FleetAnswer {
            counts: FleetCounts {
                holds,
                fails: 0,
                unknown,
            },
            missing: missing
                .iter()
                .map(|&(fact, devices, failed)| MissingInFleet {
                    fact: fact.to_owned(),
                    devices,
                    failed,
                })
                .collect(),
            ..FleetAnswer::default()
        }
    }

    #[test]
    fn stretches_are_summed_up() {
        let mut sum = stretch(2, 3, &[("@status(a)", 1, 1), ("@status(b)", 2, 0)]);
        sum.devices.push(FleetDevice {
            id: "5F8C0F9A-6B5C-4C55-9F7B-1C5A0E1D2B3C".into(),
            serial: Some("C02XK1ZZJGH5".into()),
            name: Some("Kim's\u{1b}[2J Mac".into()),
            outcome: Outcome::Unknown,
        });
        add(&mut sum, stretch(1, 5, &[("@status(a)", 4, 0)]));
        sum.unfit = 1;
        insta::assert_snapshot!(view(&sum, Some(Outcome::Unknown)), @r"
        OUTCOME  NAME           DEVICE
        unknown  Kim's�[2J Mac  C02XK1ZZJGH5

        1 of 8 devices are shown; --limit shows more
        3 true, 0 false, 8 unknown
        ! @status(a) is missing on 5, 1 of which could not give it
        ! @status(b) is missing on 2
        ! it cannot take what 1 reported
        ");
        assert_eq!(
            view(&FleetAnswer::default(), None),
            "0 true, 0 false, 0 unknown\n"
        );
    }
}
