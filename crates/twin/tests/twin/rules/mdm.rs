//! Rules of enrolling and of the command channel.

use super::*;

pub(super) const CASES: &[Case] = &[
    case(
        "Authenticate is answered with an empty body",
        on!(Said::Authenticate, |r| r.body = b"<x/>".to_vec()),
        "Authenticate: answered with a body",
    ),
    case(
        "Authenticate is answered 200",
        |said, turn, r| {
            if *said == Said::Authenticate && turn == 0 {
                status(r, 500)
            }
        },
        "Authenticate: answered 500",
    ),
    case(
        "TokenUpdate is answered with an empty body",
        on!(Said::TokenUpdate, |r| r.body = b" ".to_vec()),
        "TokenUpdate: answered with a body",
    ),
    case(
        "TokenUpdate is answered 200",
        |said, turn, r| {
            if *said == Said::TokenUpdate && turn == 0 {
                status(r, 503)
            }
        },
        "TokenUpdate: answered 503",
    ),
    case(
        "401 is never sent",
        on!(Said::Idle, |r| status(r, 401)),
        "answered 401, which makes a device unenroll",
    ),
    case(
        "nor to a DDM request",
        on!(Said::Items, |r| status(r, 401)),
        "declaration-items: answered 401, which",
    ),
    case(
        "known devices are recognized",
        on!(Said::Status, |r| {
            *r = Response {
                status: 403,
                content_type: None,
                body: br#"{"code":"com.apple.unrecognized.device"}"#.to_vec(),
            }
        }),
        "status: answered 403, which makes a device unenroll",
    ),
    case(
        "403 is for others",
        on!(Said::Items, |r| status(r, 403)),
        "declaration-items: answered 403",
    ),
    // MDM: sessions.
    case(
        "the command channel is answered 200",
        |said, turn, r| {
            if *said == Said::Idle && turn == 0 {
                status(r, 502)
            }
        },
        "the command channel: answered 502",
    ),
    case(
        "a command is a property list",
        |said, turn, r| {
            if *said == Said::Idle && turn == 0 {
                r.body = b"{}".to_vec()
            }
        },
        "a command: not a property list",
    ),
    case(
        "a command has a RequestType",
        |said, turn, r| {
            if *said == Said::Idle && turn == 0 {
                r.body =
                    b"<plist version=\"1.0\"><dict><key>CommandUUID</key><string>u</string></dict></plist>"
                        .to_vec()
            }
        },
        "a command: Command is missing",
    ),
    case(
        "no two DeclarativeManagement commands of a session tell the same",
        |said, turn, r| {
            let uuid = match said {
                Said::Idle => "first",
                Said::Outcome(..) => "second",
                _ => return,
            };
            if turn == 0 {
                r.body = sync_command(uuid, "2030-01-01T00:00:00Z", "t");
            }
        },
        "a second DeclarativeManagement command",
    ),
    case(
        "a session ends",
        |said, turn, r| match said {
            Said::Idle | Said::Outcome(..) => {
                r.body = Command {
                    uuid: format!("{} {turn}", *said == Said::Idle),
                    request_type: "DeviceInformation".into(),
                    payload: Default::default(),
                }
                .to_xml()
            }
            _ => {}
        },
        "a session of more than 64 commands",
    ),
    case(
        "a CommandUUID stands for one command",
        |said, turn, r| {
            if *said == Said::Idle && turn < 2 {
                r.body = Command {
                    uuid: "u".into(),
                    request_type: format!("Query{turn}"),
                    payload: Default::default(),
                }
                .to_xml();
            }
        },
        "the CommandUUID u stands for two different commands",
    ),
    case(
        "a command is not given again",
        |said, turn, r| {
            if *said == Said::Idle && turn < 2 {
                r.body = Command {
                    uuid: "u".into(),
                    request_type: "Query".into(),
                    payload: Default::default(),
                }
                .to_xml();
            }
        },
        "the command u came again after its result was taken",
    ),
];
