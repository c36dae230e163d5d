//! `ordain compliance`.

use std::time::Duration;

use clap::Args;
use ordain_server::api::{Compliance, ComplianceQuery, DeviceCounts};

use crate::args::{ConnectionArgs, JsonArgs};
use crate::client::{Client, with_query};
use crate::connection::Connection;
use crate::output::Different;
use crate::table::{NOTHING, Table};
use crate::{output, time};

/// Options of `ordain compliance`.
#[derive(Debug, Args)]
pub(crate) struct ComplianceArgs {
    /// Only members of this group
    #[arg(long)]
    group: Option<String>,
    /// The state of a device that was silent for so long is unknown: 90s, 30m, 12h, 7d [default: 3d, and for Windows devices
    /// at least twice their poll schedule]
    #[arg(long, value_name = "SPAN", value_parser = time::parse_span)]
    silent_after: Option<Duration>,
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    output: JsonArgs,
}

/// Counts the devices, and ends with differences when any is not as it should be.
pub(crate) async fn run(args: ComplianceArgs) -> anyhow::Result<()> {
    let query = ComplianceQuery {
        group: args.group,
        silent_after: args
            .silent_after
            .map(|span| u32::try_from(span.as_secs()).unwrap_or(u32::MAX)),
    };
    let client = Client::new(&Connection::find(&args.connection)?)?;
    let compliance: Compliance = client.get(&with_query("compliance", &query)?).await?;
    if args.output.json {
        output::json(&compliance)?;
    } else {
        output::text(&view(&compliance))?;
    }
    match compliance.total.converged == compliance.total.devices {
        true => Ok(()),
        false => Err(Different.into()),
    }
}

/// A row for each platform, and what it comes to.
fn view(compliance: &Compliance) -> String {
    let Compliance {
        platforms,
        total,
        silent_after,
        repaired_within,
        revision,
    } = compliance;
    if total.devices == 0 {
        return format!("no devices; revision {revision} is wanted");
    }
    let mut table = Table::new([
        "platform",
        "devices",
        "converged",
        "failed",
        "pending",
        "unknown",
        "drifted",
        "repaired",
    ]);
    let rows = platforms
        .iter()
        .map(|row| (row.platform.as_deref().unwrap_or(NOTHING), &row.counts));
    for (platform, counts) in rows.chain([("all", total)]) {
        let DeviceCounts {
            devices,
            converged,
            failed,
            pending,
            unknown,
            drifted,
            repaired,
        } = counts;
        let [devices, converged, failed, pending, unknown, drifted, repaired] =
            [devices, converged, failed, pending, unknown, drifted, repaired].map(ToString::to_string);
        table.row([
            platform.to_owned(),
            devices,
            converged,
            failed,
            pending,
            unknown,
            drifted,
            repaired,
        ]);
    }
    let mut text = format!(
        "{table}\n\n{} of {} devices are as revision {revision} wants them",
        total.converged, total.devices
    );
    if total.unknown > 0 {
        text += &format!(
            "\n{} unknown: never reported, or silent for more than {}, or than their schedule allows",
            total.unknown,
            time::span((*silent_after).into())
        );
    }
    if total.drifted > 0 {
        text += &format!(
            "\n{} drifted: what documents set there is not so any more, or not surely",
            total.drifted
        );
    }
    if total.repaired > 0 {
        text += &format!(
            "\n{} repaired: within {} something had drifted that the device has mended by itself",
            total.repaired,
            time::span((*repaired_within).into())
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use ordain_server::api::PlatformCompliance;

    use super::*;

    fn compliance(rows: &[(Option<&str>, [u64; 6])]) -> Compliance {
        let mut total = DeviceCounts::default();
        let mut platforms = Vec::new();
        for (platform, [converged, failed, pending, unknown, drifted, repaired]) in rows {
            let counts = DeviceCounts {
                devices: converged + failed + pending + unknown,
                converged: *converged,
                failed: *failed,
                pending: *pending,
                unknown: *unknown,
                drifted: *drifted,
                repaired: *repaired,
            };
            total = DeviceCounts {
                devices: total.devices + counts.devices,
                converged: total.converged + counts.converged,
                failed: total.failed + counts.failed,
                pending: total.pending + counts.pending,
                unknown: total.unknown + counts.unknown,
                drifted: total.drifted + counts.drifted,
                repaired: total.repaired + counts.repaired,
            };
            platforms.push(PlatformCompliance {
                platform: platform.map(str::to_owned),
                counts,
            });
        }
        Compliance {
            platforms,
            total,
            silent_after: 3 * 86_400,
            repaired_within: 7 * 86_400,
            revision: 12,
        }
    }

    #[test]
    fn platforms_stand_side_by_side() {
        let rows = [
            (Some("iOS"), [120, 1, 0, 4, 0, 0]),
            (Some("macOS"), [38, 0, 2, 0, 0, 0]),
            (Some("Windows"), [1041, 3, 12, 17, 2, 31]),
            (None, [0, 0, 0, 1, 0, 0]),
        ];
        insta::assert_snapshot!(view(&compliance(&rows)), @"
        PLATFORM  DEVICES  CONVERGED  FAILED  PENDING  UNKNOWN  DRIFTED  REPAIRED
        iOS       125      120        1       0        4        0        0
        macOS     40       38         0       2        0        0        0
        Windows   1073     1041       3       12       17       2        31
        -         1        0          0       0        1        0        0
        all       1239     1199       4       14       22       2        31

        1199 of 1239 devices are as revision 12 wants them
        22 unknown: never reported, or silent for more than 3 days, or than their schedule allows
        2 drifted: what documents set there is not so any more, or not surely
        31 repaired: within 7 days something had drifted that the device has mended by itself
        ");
    }

    #[test]
    fn what_there_is_none_of_is_not_told() {
        let view = view(&compliance(&[(Some("iOS"), [2, 0, 0, 0, 0, 0])]));
        assert!(
            view.ends_with("\n2 of 2 devices are as revision 12 wants them"),
            "{view}"
        );
    }

    #[test]
    fn an_empty_fleet_is_said_to_be_one() {
        assert_eq!(view(&compliance(&[])), "no devices; revision 12 is wanted");
    }
}
