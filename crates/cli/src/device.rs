//! `ordain device` and `ordain approve`.

use clap::Args;
use http::Method;
use ordain_server::api::Device;

use crate::args::{ConnectionArgs, JsonArgs};
use crate::client::{Client, encoded};
use crate::connection::Connection;
use crate::devices::system;
use crate::table::{NOTHING, Table, abridged, clean};
use crate::{channel, inventory, output, time};

/// Options of `ordain device`.
#[derive(Debug, Args)]
pub(crate) struct DeviceArgs {
    /// Its serial number, UDID or enrollment identifier
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    output: JsonArgs,
}

/// Options of `ordain approve`.
#[derive(Debug, Args)]
pub(crate) struct ApproveArgs {
    /// Its serial number, UDID or enrollment identifier
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// Shows a device.
pub(crate) async fn run(args: DeviceArgs) -> anyhow::Result<()> {
    let client = Client::new(&Connection::find(&args.connection)?)?;
    let device: Device = client.get(&format!("devices/{}", encoded(&args.id))).await?;
    if args.output.json {
        output::json(&device)
    } else {
        output::text(&view(&device, time::now()))
    }
}

/// Approves a device.
pub(crate) async fn approve(args: ApproveArgs) -> anyhow::Result<()> {
    let client = Client::new(&Connection::find(&args.connection)?)?;
    client
        .order(Method::POST, &format!("devices/{}/approve", encoded(&args.id)))
        .await?;
    output::text(&format!(
        "approved: the listed memberships of {} count again",
        args.id
    ))
}

fn view(device: &Device, now: i64) -> String {
    let mut text = heading(device, now);
    text += &inventory::view(&device.inventory, now);
    for channel in &device.channels {
        text += "\n";
        text += &channel::view(channel, now);
    }
    text
}

/// What concerns the device as a whole.
fn heading(device: &Device, now: i64) -> String {
    let row = &device.row;
    let known = |text: &Option<String>| text.as_deref().unwrap_or(NOTHING).to_owned();
    let counts = row.counts;
    let mut facts = Table::bare();
    let mut fact = |name: &str, value: String| facts.row([name.to_owned(), value]);
    fact("system", format!("{} on {}", system(row), known(&row.model)));
    fact("serial", known(&row.serial));
    fact("enrollment", row.id.clone());
    fact(
        "generation",
        format!("{}, since {}", device.generation, time::date(device.since)),
    );
    let groups = device.groups.join(", ");
    fact(
        "groups",
        if groups.is_empty() {
            NOTHING.to_owned()
        } else {
            groups
        },
    );
    for unknown in &device.unknown_groups {
        let is = if unknown.is_member { "in" } else { "not in" };
        let why = match unknown.missing.as_slice() {
            [] => "its predicate has no outcome".to_owned(),
            missing => format!("unknown is {}", missing.join(", ")),
        };
        fact("", format!("{is} {} as before: {why}", unknown.name));
    }
    if !row.tags.is_empty() {
        fact("tags", row.tags.join(", "));
    }
    fact(
        "state",
        format!(
            "{}: {} confirmed, {} settled, {} failed, {} pending",
            row.state, counts.confirmed, counts.settled, counts.failed, counts.pending
        ),
    );
    fact("seen", time::moment(row.seen_at, now));
    fact("reported", time::moment(row.reported_at, now));
    if let Some(windows) = &device.windows {
        fact("edition", known(&windows.edition));
        let vouched = match windows.entra_tenant {
            Some(_) => "by Microsoft Entra's word",
            None => "by their own word",
        };
        let user = windows.user.as_ref();
        fact(
            "user",
            user.map_or(NOTHING.to_owned(), |user| format!("{user}, {vouched}")),
        );
    }
    let certificate = device.certificate.as_deref();
    fact(
        "certificate",
        certificate.map_or(NOTHING.to_owned(), |hash| abridged(hash, 24)),
    );
    if let Some(end) = device.certificate_expires {
        fact("", format!("ends {}", time::date(end)));
    }
    let name = row.name.as_deref().or(row.serial.as_deref()).unwrap_or(&row.id);
    let mut text = format!("{}\n\n{facts}\n", clean(name));
    for note in &row.notes {
        text += &format!("! {}\n", clean(note));
    }
    text
}

#[cfg(test)]
mod tests {
    use ordain_model::enrollment::{Memberships, Phase};
    use ordain_model::report::Reason;
    use ordain_server::api::{Channel, Declaration, DeviceRow, Omission, UnknownGroup, Windows};
    use serde_json::json;
    use unicode_width::UnicodeWidthStr;

    use super::*;
    use crate::devices::tests::{NOW, row};

    fn declaration(kind: &str, identifier: &str, facts: usize, state: &str) -> Declaration {
        Declaration {
            kind: kind.into(),
            identifier: identifier.into(),
            type_name: format!("com.apple.{kind}.example"),
            server_token: "t".repeat(64),
            wanted: facts > 0,
            offered: facts > 1,
            fetched: facts > 2,
            reported: facts > 3,
            confirmed: facts > 4,
            state: state.into(),
            reasons: Vec::new(),
            failing_since: None,
        }
    }

    fn channel(id: &str) -> Channel {
        Channel {
            id: id.into(),
            phase: Phase::Enrolled,
            converged: false,
            wanted_revision: 12,
            wanted_token: "a".repeat(64),
            offered_token: None,
            pinned_token: None,
            command: Some(
                json!({"uuid": "u", "token": "a", "answer": "acknowledged", "at": NOW - 90, "attempts": 1}),
            ),
            queue: Vec::new(),
            declarations: Vec::new(),
            omissions: Vec::new(),
            status: Default::default(),
            status_errors: Default::default(),
            report_problems: Vec::new(),
            documents: Vec::new(),
            drift: Vec::new(),
            stays: Vec::new(),
            cleaning: Vec::new(),
            reported_at: None,
            seen_at: None,
        }
    }

    fn device() -> Device {
        let mut row = row("Kim's MacBook\u{1b}[31m Pro", "failed");
        row.notes.push("its listed memberships wait".into());
        let refused = Reason {
            code: "Error.ConfigurationCannotBeApplied".into(),
            description: Some("The passcode is too short\nfor this device".into()),
            details: Some(json!({"minimum": 4})),
        };
        let own = Channel {
            declarations: vec![
                declaration("activation", "com.example.at-work", 5, "confirmed"),
                declaration("activation", "ordain.activation.0123456789abcdef", 5, "confirmed"),
                declaration("configuration", "com.example.passcode", 5, "confirmed"),
                Declaration {
                    reasons: vec![refused.clone()],
                    failing_since: Some(NOW - 3600),
                    ..declaration(
                        "configuration",
                        &format!("com.example.{}.tail", "x".repeat(47)),
                        4,
                        "failed",
                    )
                },
                declaration("configuration", "com.example.wifi", 1, "pending"),
                declaration("configuration", "ordain.status-subscriptions", 5, "confirmed"),
                declaration("configuration", "w", 1, "pending"),
                declaration("management", "com.example.organization", 3, "pending"),
            ],
            omissions: vec![Omission {
                identifier: "com.example.safari".into(),
                reason: "not supported on macOS 12.6".into(),
            }],
            status: [
                (
                    "device.identifier.udid",
                    json!("5F8C0F9A-6B5C-4C55-9F7B-1C5A0E1D2B3C"),
                ),
                ("device.model.family", json!("Mac\u{1b}[2J")),
                ("device.operating-system.supplemental.build-version", json!("")),
                ("device.power.battery-health", json!(null)),
                ("diskmanagement.filevault.enabled", json!(true)),
                (
                    "mdm.app",
                    json!(vec![
                        json!({"identifier": "com.example.app", "state": "managed"});
                        40
                    ]),
                ),
                ("passcode.is-compliant", json!(false)),
                (
                    "softwareupdate.failure-reason",
                    json!({"count": 0, "reason": "京都".repeat(40)}),
                ),
                ("softwareupdate.install-state", json!({"state": "none"})),
                ("softwareupdate.pending-version", json!("w".repeat(300))),
                ("test.array-value", json!([1, "two"])),
            ]
            .map(|(name, value)| (name.to_owned(), value))
            .into(),
            reported_at: Some(NOW - 4_000),
            seen_at: Some(NOW - 200),
            status_errors: [("passcode.is-present".to_owned(), vec![refused])].into(),
            report_problems: vec!["StatusItems.device: not an object".into()],
            documents: Vec::new(),
            drift: Vec::new(),
            stays: Vec::new(),
            cleaning: Vec::new(),
            ..channel(&row.id)
        };
        let user = Channel {
            converged: true,
            command: Some(json!({"answer": {"failed": "12021 unknown"}, "at": NOW - 5})),
            ..channel("5F8C0F9A:502")
        };
        Device {
            row,
            generation: 2,
            since: NOW - 86_400,
            memberships: Memberships::Granted,
            groups: vec!["all".into(), "lab".into()],
            unknown_groups: vec![UnknownGroup {
                name: "protected".into(),
                is_member: false,
                missing: vec!["@status(passcode.is-present)".into()],
            }],
            certificate: Some("0123456789abcdef".repeat(4)),
            certificate_expires: Some(NOW + 31_536_000),
            windows: None,
            inventory: Vec::new(),
            channels: vec![own, user],
        }
    }

    #[test]
    fn a_device_is_shown_with_the_five_facts() {
        let text = view(&device(), NOW);
        insta::assert_snapshot!(text, @r#"
        Kim's MacBook�[31m Pro

        system       macOS 26.1 on Mac15,3
        serial       C02XK1ZZJGH5
        enrollment   5F8C0F9A-6B5C-4C55-9F7B-1C5A0E1D2B3C
        generation   2, since 2026-11-20 12:40:07Z
        groups       all, lab
                     not in protected as before: unknown is @status(passcode.is-present)
        tags         floor-2, kiosk
        state        failed: 9 confirmed, 2 settled, 0 failed, 1 pending
        seen         3 min ago (2026-11-21 12:36:47Z)
        reported     1 h ago (2026-11-21 11:33:27Z)
        certificate  0123456789ab…56789abcdef
                     ends 2027-11-21 12:40:07Z
        ! its listed memberships wait

        device channel: enrolled, not converged, wants revision 12
        DeclarativeManagement: acknowledged (1 min ago)
        seen 3 min ago (2026-11-21 12:36:47Z), last new report 1 h ago (2026-11-21 11:33:27Z)

        DECLARATION                               WANTED  OFFERED  FETCHED  REPORTED  CONFIRMED  STATE
        activation
          com.example.at-work                     ✓       ✓        ✓        ✓         ✓          confirmed
        activation, made by Ordain
          ordain.activation.0123456789abcdef      ✓       ✓        ✓        ✓         ✓          confirmed
        configuration
          com.example.passcode                    ✓       ✓        ✓        ✓         ✓          confirmed
          com.example.xxxxxxx…xxxxxxxxxxxxx.tail  ✓       ✓        ✓        ✓         ·          failed
          com.example.wifi                        ✓       ·        ·        ·         ·          pending
          w                                       ✓       ·        ·        ·         ·          pending
        configuration, made by Ordain
          ordain.status-subscriptions             ✓       ✓        ✓        ✓         ✓          confirmed
        management
          com.example.organization                ✓       ✓        ✓        ·         ·          pending

        why not confirmed
          com.example.xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.tail: failed, since 2026-11-21 11:40:07Z (1 h ago)
            Error.ConfigurationCannotBeApplied: The passcode is too short for this device {"minimum":4}

        left out
          com.example.safari: not supported on macOS 12.6

        status items that it reported
          device.identifier.udid                          5F8C0F9A-6B5C-4C55-9F7B-1C5A0E1D2B3C
          device.model.family                             Mac�[2J
          device.operating-system…lemental.build-version  ""
          device.power.battery-health                     null
          diskmanagement.filevault.enabled                true
          mdm.app                                         [40 entries]
          passcode.is-compliant                           false
          softwareupdate.failure-reason                   {2 keys}
          softwareupdate.install-state                    {"state":"none"}
          softwareupdate.pending-version                  wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww…
          test.array-value                                [1,"two"]

        status items that it could not give
          passcode.is-present: Error.ConfigurationCannotBeApplied: The passcode is too short for this device {"minimum":4}

        wrong in its last report
          StatusItems.device: not an object

        user channel 5F8C0F9A:502: enrolled, converged, wants revision 12
        DeclarativeManagement: failed: 12021 unknown (5 s ago)
        seen -, last new report -
        "#);
        // Only words for people may be longer.
        let is_table = |line: &&str| line.contains(['✓', '·']) || line.starts_with("DECLARATION");
        let status = text
            .lines()
            .skip_while(|line| *line != "status items that it reported");
        assert!(status.take(12).all(|line| line.width() <= 100));
        assert!(text.lines().filter(is_table).all(|line| line.width() <= 100));
    }

    #[test]
    fn a_windows_device_is_shown_whatever_it_says() {
        let device = |entra: Option<&str>| Device {
            row: DeviceRow {
                id: "00FF11".into(),
                serial: None,
                model: None,
                platform: Some("Windows".into()),
                os_version: Some("10.0.22631.3958".into()),
                ..row("=cmd|' /C calc'!A0\u{1b}]8;;http://x\u{7}", "pending")
            },
            windows: Some(Windows {
                hardware_id: Some("00FF11".into()),
                device_id: Some("9C2D".into()),
                edition: Some("pro".into()),
                user: Some("ada@example.org\u{1b}[2J'; DROP TABLE enrollment; --<script>".into()),
                entra_tenant: entra.map(str::to_owned),
                entra_device: None,
            }),
            ..device()
        };
        let text = heading(&device(None), NOW);
        assert!(text.contains("Windows 10.0.22631.3958 on -"), "{text}");
        assert!(text.contains("edition      pro"), "{text}");
        assert!(text.contains("<script>, by their own word"), "{text}");
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text}");
        let text = heading(&device(Some("t")), NOW);
        assert!(text.contains("by Microsoft Entra's word"), "{text}");
    }

    #[test]
    fn a_device_of_which_nothing_is_known_is_shown() {
        let mut device = device();
        device.row.notes.clear();
        device.groups.clear();
        device.unknown_groups.clear();
        device.row.tags.clear();
        device.channels.clear();
        device.row.name = None;
        device.row.serial = None;
        device.row.model = None;
        device.row.platform = None;
        device.row.os_version = None;
        device.row.seen_at = None;
        device.row.reported_at = None;
        insta::assert_snapshot!(view(&device, NOW), @r#"
        5F8C0F9A-6B5C-4C55-9F7B-1C5A0E1D2B3C

        system       - on -
        serial       -
        enrollment   5F8C0F9A-6B5C-4C55-9F7B-1C5A0E1D2B3C
        generation   2, since 2026-11-20 12:40:07Z
        groups       -
        state        failed: 9 confirmed, 2 settled, 0 failed, 1 pending
        seen         -
        reported     -
        certificate  0123456789ab…56789abcdef
                     ends 2027-11-21 12:40:07Z
        "#);
    }
}
