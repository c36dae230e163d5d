//! `ordain devices`.

use std::collections::BTreeMap;

use clap::{Args, ValueEnum};
use ordain_model::enrollment::Counts;
use ordain_server::api::{DeviceFilter, DeviceRow, Devices};

use crate::args::{ConnectionArgs, JsonArgs};
use crate::client::{Client, with_query};
use crate::connection::Connection;
use crate::table::{NOTHING, Table, shortened};
use crate::{output, time};

/// Options of `ordain devices`.
#[derive(Debug, Args)]
pub(crate) struct DevicesArgs {
    /// Only those whose name, serial number, model, identifier or one of whose tags contains this
    #[arg(value_name = "TEXT")]
    search: Option<String>,
    /// Only those of this platform, such as macOS
    #[arg(long)]
    platform: Option<String>,
    /// Only those of this state
    #[arg(long, value_enum)]
    state: Option<State>,
    /// Only members of this group
    #[arg(long)]
    group: Option<String>,
    /// The order: id, name, serial, platform, os, state or seen; with a - before it, the other way round
    #[arg(long, value_name = "KEY", allow_hyphen_values = true, value_parser = parse_sort)]
    sort: Option<String>,
    /// At most so many [default: 1000]
    #[arg(long, value_name = "COUNT")]
    limit: Option<usize>,
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    output: JsonArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum State {
    Converged,
    Failed,
    Pending,
    Unknown,
    Left,
}

const SORT_KEYS: [&str; 7] = ["id", "name", "serial", "platform", "os", "state", "seen"];

fn parse_sort(text: &str) -> Result<String, String> {
    let key = text.strip_prefix('-').unwrap_or(text);
    if SORT_KEYS.contains(&key) {
        Ok(text.to_owned())
    } else {
        Err(format!("one of {}", SORT_KEYS.join(", ")))
    }
}

/// Lists devices.
pub(crate) async fn run(args: DevicesArgs) -> anyhow::Result<()> {
    let filter = DeviceFilter {
        search: args.search,
        platform: args.platform,
        state: args
            .state
            .and_then(|state| Some(state.to_possible_value()?.get_name().to_owned())),
        group: args.group,
        sort: args.sort,
        limit: args.limit,
    };
    let client = Client::new(&Connection::find(&args.connection)?)?;
    let devices: Devices = client.get(&with_query("devices", &filter)?).await?;
    if args.output.json {
        output::json(&devices)
    } else {
        output::text(&view(&devices, time::now()))
    }
}

/// The list as a table, and below it what needs an eye and how many there are of each state.
fn view(devices: &Devices, now: i64) -> String {
    let mut text = String::new();
    if !devices.devices.is_empty() {
        let mut table = Table::new(["name", "device", "system", "state", "confirmed", "seen"]);
        for row in &devices.devices {
            table.row([
                shortened(
                    row.name.as_deref().or(row.model.as_deref()).unwrap_or(NOTHING),
                    28,
                ),
                shortened(row.serial.as_deref().unwrap_or(&row.id), 20),
                shortened(&system(row), 14),
                row.state.clone(),
                confirmed(&row.counts),
                row.seen_at.map_or(NOTHING.to_owned(), |at| time::ago(at, now)),
            ]);
        }
        text = format!("{table}\n\n");
    }
    for row in &devices.devices {
        for note in &row.notes {
            text += &format!(
                "! {}: {note}\n",
                shortened(row.serial.as_deref().unwrap_or(&row.id), 40)
            );
        }
    }
    let shown = devices.devices.len();
    if shown < devices.matching {
        text += &format!(
            "{shown} of {} that match are shown; --limit shows more\n",
            devices.matching
        );
    }
    text + &summary(&devices.states, devices.revision)
}

/// Platform and version of a device's system, as far as it told.
pub(crate) fn system(row: &DeviceRow) -> String {
    match (&row.platform, &row.os_version) {
        (Some(platform), Some(version)) => format!("{platform} {version}"),
        (Some(only), None) | (None, Some(only)) => only.clone(),
        (None, None) => NOTHING.to_owned(),
    }
}

/// How many of the declarations that it holds a device has confirmed. Those that do not apply now count as neither.
fn confirmed(counts: &Counts) -> String {
    let Counts {
        confirmed,
        settled: _,
        failed,
        pending,
    } = counts;
    format!(
        "{confirmed}/{}",
        u64::from(*confirmed) + u64::from(*failed) + u64::from(*pending)
    )
}

/// How many devices there are of each state: `50 devices at revision 2: 49 converged, 1 pending`.
pub(crate) fn summary(states: &BTreeMap<String, usize>, revision: u64) -> String {
    let all: usize = states.values().sum();
    let devices = if all == 1 { "device" } else { "devices" };
    let states: Vec<String> = states
        .iter()
        .filter(|(_, count)| **count > 0)
        .map(|(state, count)| format!("{count} {state}"))
        .collect();
    match states.as_slice() {
        [] => format!("no devices; revision {revision} is wanted"),
        states => format!("{all} {devices} at revision {revision}: {}", states.join(", ")),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use unicode_width::UnicodeWidthStr;

    use super::*;

    pub(crate) const NOW: i64 = 1_795_264_807;

    pub(crate) fn row(name: &str, state: &str) -> DeviceRow {
        DeviceRow {
            id: "5F8C0F9A-6B5C-4C55-9F7B-1C5A0E1D2B3C".into(),
            name: Some(name.into()),
            serial: Some("C02XK1ZZJGH5".into()),
            model: Some("Mac15,3".into()),
            platform: Some("macOS".into()),
            os_version: Some("26.1".into()),
            state: state.into(),
            counts: Counts {
                confirmed: 9,
                settled: 2,
                failed: 0,
                pending: 1,
            },
            seen_at: Some(NOW - 200),
            reported_at: Some(NOW - 4000),
            tags: vec!["floor-2".into(), "kiosk".into()],
            notes: Vec::new(),
        }
    }

    #[test]
    fn a_fleet_fits_into_a_hundred_columns() {
        let devices = Devices {
            devices: vec![
                row("Kim's MacBook Pro", "converged"),
                DeviceRow {
                    notes: vec!["its listed memberships wait for approval".into()],
                    seen_at: Some(NOW - 400 * 86_400),
                    ..row(
                        "The laptop with a name far too long for any table of this world",
                        "pending",
                    )
                },
                DeviceRow {
                    name: None,
                    serial: None,
                    os_version: None,
                    seen_at: None,
                    ..row("", "failed")
                },
                DeviceRow {
                    name: None,
                    model: None,
                    platform: None,
                    os_version: None,
                    serial: Some("S".repeat(64)),
                    ..row("", "left")
                },
                row("京都の\u{1b}[31miPad", "converged"),
            ],
            matching: 7,
            states: [
                ("converged".to_owned(), 5),
                ("failed".to_owned(), 1),
                ("left".to_owned(), 0),
            ]
            .into(),
            revision: 12,
        };
        let text = view(&devices, NOW);
        assert!(text.lines().all(|line| line.width() <= 100));
        insta::assert_snapshot!(text, @r#"
        NAME                         DEVICE                SYSTEM      STATE      CONFIRMED  SEEN
        Kim's MacBook Pro            C02XK1ZZJGH5          macOS 26.1  converged  9/10       3 min ago
        The laptop with a name far…  C02XK1ZZJGH5          macOS 26.1  pending    9/10       400 days ago
        Mac15,3                      5F8C0F9A-6B5C-4C55-…  macOS       failed     9/10       -
        -                            SSSSSSSSSSSSSSSSSSS…  -           left       9/10       3 min ago
        京都の�[31miPad              C02XK1ZZJGH5          macOS 26.1  converged  9/10       3 min ago

        ! C02XK1ZZJGH5: its listed memberships wait for approval
        5 of 7 that match are shown; --limit shows more
        6 devices at revision 12: 5 converged, 1 failed
        "#);
    }

    #[test]
    fn an_empty_fleet_is_said_to_be_one() {
        let none = Devices {
            devices: Vec::new(),
            matching: 0,
            states: BTreeMap::new(),
            revision: 3,
        };
        assert_eq!(view(&none, NOW), "no devices; revision 3 is wanted");
    }

    #[test]
    fn sort_keys_may_be_reversed() {
        assert_eq!(parse_sort("-seen"), Ok("-seen".to_owned()));
        assert!(parse_sort("--seen").is_err() && parse_sort("model").is_err());
    }
}
