//! What a twin does, request by request.

use ordain_apple::command::{Command, Status};
use ordain_catalog::{Catalog, Platform};
use ordain_twin::request::Response;
use ordain_twin::{Device, Standing, Twin};
use serde_json::json;

use crate::fake::{Fake, Said, drive, settings, settle, twin};

#[test]
fn a_device_enrolls_syncs_and_reports() {
    let (mut twin, mut fake) = (twin(Platform::Ios), Fake::new());
    assert_eq!(twin.standing(), Standing::New);
    assert_eq!(twin.request(0), None, "nothing happens unless it wakes");
    drive(&mut twin, 0, |request| Some(fake.answer(request)));
    let kinds: Vec<String> = fake
        .log
        .iter()
        .map(|said| format!("{said:?}").chars().take(4).collect())
        .collect();
    let expected = "Auth Toke Idle Outc Item Decl Decl Decl Decl Decl Decl Decl Down Down Stat";
    assert_eq!(kinds.join(" "), expected);
    assert_eq!(twin.standing(), Standing::Converged);
    assert_eq!(twin.tally(), (7, 0));
    fake.log.clear();
    drive(&mut twin, 60, |request| Some(fake.answer(request)));
    assert_eq!(fake.log, [Said::Idle], "it has nothing more to do");
    assert!(twin.is_at_rest());
}

#[test]
fn what_is_subscribed_to_is_reported_once() {
    let (mut twin, mut fake) = (twin(Platform::Ios), Fake::new());
    settle(&mut twin, &mut fake);
    let reports = &fake.channels.values().next().unwrap().reports;
    let items: Vec<&str> = reports
        .iter()
        .flat_map(|report| report.items.keys())
        .map(String::as_str)
        .collect();
    assert_eq!(
        items,
        [
            "device.model.family",
            "device.operating-system.version",
            "security.certificate.list"
        ]
    );
    assert_eq!(
        reports[0].items["security.certificate.list"][0]["declaration-identifier"],
        "cert"
    );
    assert!(reports[0].errors.contains_key("test.error-value"));
    let capabilities: Vec<_> = reports
        .iter()
        .filter_map(|report| report.capabilities.as_ref())
        .collect();
    assert_eq!(capabilities.len(), 1);
    let types = capabilities[0].declarations.as_ref().unwrap();
    assert!(types.contains("com.apple.configuration.passcode.settings"));
    assert!(
        !types.contains("com.apple.configuration.diskmanagement.settings"),
        "that is for Macs"
    );
    for name in capabilities[0].status_items.as_ref().unwrap() {
        assert!(Catalog::builtin().status_item(name).is_some());
    }
}

#[test]
fn a_change_is_fetched_and_reported_alone() {
    let (mut twin, mut fake) = (twin(Platform::Ios), Fake::new());
    settle(&mut twin, &mut fake);
    fake.want(
        "test",
        "configuration.management.test",
        json!({"Echo": "another"}),
    );
    fake.wanted.remove("cert");
    fake.want(
        "act",
        "activation.simple",
        json!({"StandardConfigurations": ["sub", "test", "legacy"]}),
    );
    fake.log.clear();
    drive(&mut twin, 60, |request| Some(fake.answer(request)));
    let fetched: Vec<&str> = fake
        .log
        .iter()
        .filter_map(|said| match said {
            Said::Declaration(identifier) => Some(identifier.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(fetched, ["act", "test"]);
    let report = fake
        .channels
        .values()
        .next()
        .unwrap()
        .reports
        .last()
        .unwrap()
        .clone();
    assert_eq!(report.items.len(), 1, "{:?}", report.items);
    let removed = &report.items["security.certificate.list"][0];
    assert_eq!(removed["_removed"], true);
    assert_eq!(removed.as_object().unwrap().len(), 2);
    assert!(report.capabilities.is_none());
    assert_eq!(fake.listed("test").reasons[0].code, "another");
    assert_eq!(twin.tally(), (6, 0), "what is no longer listed is gone");
}

#[test]
fn a_status_that_is_not_taken_is_sent_again() {
    let (mut twin, mut fake) = (twin(Platform::Ios), Fake::new());
    drive(&mut twin, 0, |request| {
        let taken = Fake::said(request) != Said::Status;
        Some(if taken {
            fake.answer(request)
        } else {
            Response {
                status: 500,
                ..Response::default()
            }
        })
    });
    assert_eq!(twin.standing(), Standing::Enrolled);
    assert!(fake.channels.values().next().unwrap().reports.is_empty());
    settle(&mut twin, &mut fake);
    let report = &fake.channels.values().next().unwrap().reports[0];
    assert!(report.capabilities.is_some() && report.declarations.is_some() && report.items.len() == 3);
}

#[test]
fn a_broken_connection_loses_nothing() {
    let whole = {
        let (mut twin, mut fake) = (twin(Platform::MacOs), Fake::new());
        settle(&mut twin, &mut fake);
        fake.log.len()
    };
    // The connection breaks at each place, before the server heard, and after.
    for place in 0..whole {
        for heard in [false, true] {
            let (mut twin, mut fake) = (twin(Platform::MacOs), Fake::new());
            let mut count = 0;
            drive(&mut twin, 0, |request| {
                count += 1;
                match count - 1 == place {
                    true if heard => {
                        fake.answer(request);
                        None
                    }
                    true => None,
                    false => Some(fake.answer(request)),
                }
            });
            settle(&mut twin, &mut fake);
            assert_eq!(twin.standing(), Standing::Converged, "{place} {heard}");
            assert_eq!(twin.complaints().kept(), [], "{place} {heard}");
        }
    }
}

#[test]
fn a_failed_sync_begins_anew_with_the_tokens() {
    let (mut twin, mut fake) = (twin(Platform::Ios), Fake::new());
    drive(&mut twin, 0, |request| {
        let fails = Fake::said(request) == Said::Declaration("test".into());
        Some(if fails {
            Response {
                status: 500,
                ..Response::default()
            }
        } else {
            fake.answer(request)
        })
    });
    assert_eq!(twin.tally(), (0, 0), "nothing is applied before all is there");
    fake.log.clear();
    drive(&mut twin, 60, |request| Some(fake.answer(request)));
    assert_eq!(fake.log[..3], [Said::Idle, Said::Tokens, Said::Items]);
    assert_eq!(twin.standing(), Standing::Converged);
}

#[test]
fn what_was_listed_and_is_gone_does_not_stop_the_rest() {
    let (mut twin, mut fake) = (twin(Platform::Ios), Fake::new());
    drive(&mut twin, 0, |request| {
        let gone = Fake::said(request) == Said::Declaration("org".into());
        Some(if gone {
            Response {
                status: 404,
                ..Response::default()
            }
        } else {
            fake.answer(request)
        })
    });
    assert_eq!(twin.tally(), (6, 0));
    fake.want(
        "test",
        "configuration.management.test",
        json!({"Echo": "another"}),
    );
    drive(&mut twin, 60, |request| Some(fake.answer(request)));
    assert_eq!(twin.tally(), (7, 0), "the next sync repairs it");
}

#[test]
fn a_download_that_failed_is_tried_again_after_a_while() {
    let (mut twin, mut fake) = (twin(Platform::Ios), Fake::new());
    let file = fake.files.remove("https://fake/assets/ca").unwrap();
    drive(&mut twin, 0, |request| Some(fake.answer(request)));
    assert_eq!(fake.listed("ca").reasons[0].code, "Error.AssetCannotBeDownloaded");
    assert_eq!(
        (twin.standing(), twin.tally()),
        (Standing::Converged, (7, 2)),
        "with what it could get"
    );
    fake.files.insert("https://fake/assets/ca".into(), file);
    fake.log.clear();
    drive(&mut twin, 59, |request| Some(fake.answer(request)));
    assert_eq!(fake.log, [Said::Idle]);
    drive(&mut twin, 60, |request| Some(fake.answer(request)));
    assert_eq!(twin.tally(), (7, 0));
    assert!(fake.listed("ca").reasons.is_empty());
}

#[test]
fn tokens_that_are_older_are_ignored() {
    let (mut twin, mut fake) = (twin(Platform::Ios), Fake::new());
    settle(&mut twin, &mut fake);
    let tokens = json!({"SyncTokens": {"Timestamp": "2001-01-01T00:00:00Z", "DeclarationsToken": "old"}});
    let command = Command::declarative_management("old".into(), tokens.to_string().into_bytes());
    fake.log.clear();
    drive(&mut twin, 60, |request| {
        let mut response = fake.answer(request);
        if Fake::said(request) == Said::Idle {
            response.body = command.to_xml();
        }
        Some(response)
    });
    assert_eq!(
        fake.log,
        [Said::Idle, Said::Outcome(Status::Acknowledged, "old".into())]
    );
}

#[test]
fn other_commands_are_unknown() {
    let (mut twin, mut fake) = (twin(Platform::WatchOs), Fake::new());
    let payload = Default::default();
    fake.command = Some(Command {
        uuid: "u".into(),
        request_type: "Levitate".into(),
        payload,
    });
    drive(&mut twin, 0, |request| Some(fake.answer(request)));
    let known = fake.channels.values().next().unwrap();
    assert_eq!(known.outcomes[0].status, Status::Error);
    assert_eq!(known.outcomes[0].error_chain[0].code, Some(12021));
    assert_eq!(known.outcomes[1].status, Status::Acknowledged);
    assert_eq!(twin.standing(), Standing::Converged);
}

#[test]
fn a_mac_in_power_nap_answers_not_now_and_comes_back() {
    let device = (0..)
        .map(|index| Device::new(Platform::MacOs, 1, index))
        .find(|device| device.naps);
    let (mut twin, mut fake) = (Twin::new(device.unwrap(), settings()), Fake::new());
    drive(&mut twin, 0, |request| Some(fake.answer(request)));
    let device_channel = fake.channels.values().next().unwrap();
    assert_eq!(device_channel.outcomes[0].status, Status::NotNow);
    assert_eq!(twin.standing(), Standing::Enrolled);
    settle(&mut twin, &mut fake);
    assert_eq!(twin.standing(), Standing::Converged);
    assert_eq!(twin.complaints().kept(), []);
}

#[test]
fn the_user_of_a_mac_has_a_channel_of_its_own() {
    let (mut twin, mut fake) = (twin(Platform::MacOs), Fake::new());
    settle(&mut twin, &mut fake);
    let ids: Vec<String> = fake.channels.keys().cloned().collect();
    let device = twin.device();
    let user = format!("{}:{}", device.udid, device.user.as_ref().unwrap());
    assert_eq!(ids, [device.udid.clone(), user]);
    assert_eq!(twin.tally(), (14, 0));
}

#[test]
fn each_day_a_device_reports_all_and_asks_by_itself() {
    const DAY: i64 = 24 * 60 * 60;
    let (mut twin, mut fake) = (twin(Platform::Ios), Fake::new());
    settle(&mut twin, &mut fake);
    fake.log.clear();
    drive(&mut twin, DAY - 1, |request| Some(fake.answer(request)));
    assert_eq!(fake.log, [Said::Idle]);
    fake.log.clear();
    drive(&mut twin, 2 * DAY, |request| Some(fake.answer(request)));
    assert_eq!(fake.log, [Said::Idle, Said::Tokens, Said::Status]);
    let report = fake.channels.values().next().unwrap().reports.last().unwrap();
    assert!(report.full && report.capabilities.is_some() && report.declarations.is_some());
    assert_eq!(report.items.len(), 3);
}

#[test]
fn changes_are_gathered_before_they_are_reported() {
    let device = twin(Platform::Ios).device().clone();
    let mut twin = Twin::new(
        device,
        ordain_twin::twin::Settings {
            gather: 60,
            ..settings()
        },
    );
    let mut fake = Fake::new();
    drive(&mut twin, 0, |request| Some(fake.answer(request)));
    assert!(!fake.log.contains(&Said::Status));
    drive(&mut twin, 59, |request| Some(fake.answer(request)));
    assert!(!fake.log.contains(&Said::Status));
    drive(&mut twin, 60, |request| Some(fake.answer(request)));
    assert!(fake.log.contains(&Said::Status));
    assert_eq!(twin.standing(), Standing::Converged);
}

#[test]
fn a_passcode_is_set_when_it_is_demanded() {
    let device = (0..)
        .map(|index| Device::new(Platform::Ios, 1, index))
        .find(|device| !device.passcode);
    let (mut twin, mut fake) = (Twin::new(device.unwrap(), settings()), Fake::new());
    settle(&mut twin, &mut fake);
    assert!(!twin.device().passcode);
    fake.want(
        "code",
        "configuration.passcode.settings",
        json!({"MinimumLength": 6}),
    );
    fake.want(
        "act",
        "activation.simple",
        json!({"StandardConfigurations": ["sub", "code"]}),
    );
    fake.want(
        "sub",
        "configuration.management.status-subscriptions",
        json!({"StatusItems": [{"Name": "passcode.is-present"}]}),
    );
    settle(&mut twin, &mut fake);
    assert!(twin.device().passcode);
    let report = fake.channels.values().next().unwrap().reports.last().unwrap();
    assert_eq!(report.items["passcode.is-present"], true);
}

#[test]
fn a_server_that_unenrolls_a_device_loses_it() {
    let (mut twin, mut fake) = (twin(Platform::MacOs), Fake::new());
    settle(&mut twin, &mut fake);
    drive(&mut twin, 60, |_| {
        Some(Response {
            status: 401,
            ..Response::default()
        })
    });
    assert_eq!((twin.standing(), twin.tally()), (Standing::Unenrolled, (0, 0)));
    drive(&mut twin, 120, |request| panic!("{request:?}"));
}
