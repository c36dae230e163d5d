//! Commands in sessions: once, until the server has taken the result, and not now.

use ordain_apple::checkin::{CheckIn, Message};
use ordain_apple::command::{self, Command, Status};
use ordain_catalog::Platform;
use ordain_twin::request::{Request, Response, To};
use ordain_twin::state::ENROLLMENT_PROFILE;
use ordain_twin::{Complaint, Device, Standing, Twin};
use serde_json::json;

use super::keys_of;
use crate::fake::{Fake, Said, drive, profile, settings, settle, twin};

fn command(uuid: &str, request_type: &str, keys: serde_json::Value) -> Command {
    Command {
        uuid: uuid.to_owned(),
        request_type: request_type.to_owned(),
        payload: keys_of(&keys),
    }
}

fn rests(platform: Platform) -> (Twin, Fake) {
    let (mut twin, mut fake) = (twin(platform), Fake::new());
    settle(&mut twin, &mut fake);
    (twin, fake)
}

/// Answers `Idle` and results on the device channel with these commands in turn, and tells what was said of them.
fn session(twin: &mut Twin, fake: &mut Fake, commands: &[Command]) -> Vec<command::Message> {
    let (mut next, mut said) = (commands.iter(), Vec::new());
    drive(twin, 1_000, |request| {
        let mut response = fake.answer(request);
        if let Some(message) = message(request).filter(|message| message.ids.enrollment.user_part().is_none())
        {
            response.body = next.next().map(Command::to_xml).unwrap_or_default();
            if message.status != Status::Idle {
                said.push(message);
            }
        }
        Some(response)
    });
    said
}

fn message(request: &Request) -> Option<command::Message> {
    (request.to == To::Command).then(|| command::Message::parse(&request.body).unwrap())
}

fn statuses(said: &[command::Message]) -> Vec<Status> {
    said.iter().map(|message| message.status).collect()
}

const FAILED: Response = Response {
    status: 500,
    content_type: None,
    body: Vec::new(),
};

#[test]
fn a_result_is_kept_until_it_is_taken_and_the_effect_comes_once() {
    let (mut twin, mut fake) = rests(Platform::MacOs);
    let restart = command("r", "RestartDevice", json!({}));
    fake.command = Some(restart.clone());
    for taken in [false, false, true] {
        let mut said = Vec::new();
        drive(&mut twin, 1_000, |request| {
            let heard = message(request)?;
            said.push(heard.status);
            Some(match heard.status {
                Status::Idle if heard.ids.enrollment.user_part().is_none() => fake.answer(request),
                Status::Acknowledged if !taken => FAILED,
                _ => Response {
                    status: 200,
                    ..Response::default()
                },
            })
        });
        assert!(said.contains(&Status::Acknowledged), "{said:?}");
        let entry = twin.journal().find(|entry| entry.uuid() == "r").unwrap();
        assert_eq!(
            (entry.is_taken(), entry.status()),
            (taken, Some(Status::Acknowledged))
        );
        assert_eq!(twin.wants_poll(), !taken);
        // The server has given it once.
        fake.command = None;
    }
    assert_eq!((twin.executions("r"), twin.device().state().restarts), (1, 1));
    assert_eq!(twin.effects().collect::<Vec<_>>(), ["restarted"]);
    let complaints = twin.complaints().count();
    // The server gives it again, although it has the result.
    let said = session(&mut twin, &mut fake, &[restart]);
    assert_eq!(statuses(&said), [Status::Acknowledged]);
    assert_eq!((twin.executions("r"), twin.device().state().restarts), (2, 1));
    assert_eq!(twin.complaints().count(), complaints + 1);
    assert!(
        twin.complaints()
            .kept()
            .contains(&Complaint::CommandRepeated("r".into()))
    );
}

#[test]
fn a_thousand_commands_are_remembered() {
    let (mut twin, mut fake) = rests(Platform::TvOs);
    for batch in 0..40 {
        let commands: Vec<Command> = (0..30)
            .map(|number| command(&format!("{batch} {number}"), "RestartDevice", json!({})))
            .collect();
        session(&mut twin, &mut fake, &commands);
    }
    assert_eq!(twin.device().state().restarts, 1200);
    assert_eq!(twin.journal().count(), 1024);
    assert!(
        twin.journal()
            .all(|entry| entry.is_taken() && entry.deliveries() == 1)
    );
    assert_eq!(twin.executions("39 29"), 1);
    assert_eq!(twin.complaints().kept(), []);
    // One for the DDM command.
    assert_eq!(twin.taken().results, 1201);
}

#[test]
fn what_the_server_took_is_counted() {
    let (twin, fake) = rests(Platform::Ios);
    let taken = twin.taken();
    assert_eq!(
        (taken.authenticates, taken.token_updates, taken.results),
        (1, 1, 1)
    );
    let reports = fake.channels.values().next().unwrap().reports.len();
    assert_eq!(taken.reports, u64::try_from(reports).unwrap());
}

#[test]
fn a_locked_phone_does_what_it_can_and_polls_when_it_is_unlocked() {
    let (mut twin, mut fake) = rests(Platform::Ios);
    twin.device_mut().locked = true;
    let data =
        json!({"Payload": format!("data:{}", String::from_utf8(profile("com.apple.wifi.managed")).unwrap())});
    let install = command("i", "InstallProfile", data);
    let said = session(
        &mut twin,
        &mut fake,
        &[
            command("s", "SecurityInfo", json!({})),
            command("l", "ProfileList", json!({})),
            command("c", "CertificateList", json!({})),
            command("m", "ManagedMediaList", json!({})),
            command("p", "InstallProvisioningProfile", json!({})),
            command("a", "InstallApplication", json!({})),
            install.clone(),
        ],
    );
    let mut expected = vec![Status::NotNow; 7];
    expected[1] = Status::Acknowledged;
    assert_eq!(statuses(&said), expected);
    assert!(!twin.wants_poll(), "it is still locked");
    assert_eq!(twin.executions("i"), 0);
    twin.device_mut().locked = false;
    assert!(twin.wants_poll());
    let said = session(&mut twin, &mut fake, &[install]);
    assert_eq!(statuses(&said), [Status::Acknowledged]);
    assert!(!twin.wants_poll());
    assert_eq!(twin.executions("i"), 1);
    assert_eq!(twin.complaints().kept(), []);
}

#[test]
fn some_phones_are_locked_at_first_and_those_locked_by_command_are_unlocked_by_their_users() {
    let mut devices = (0..).map(|index| Device::new(Platform::Ios, 1, index));
    let locked = devices.find(|device| device.locked && device.supervised).unwrap();
    let (mut twin, mut fake) = (Twin::new(locked, settings()), Fake::new());
    let security = |uuid| command(uuid, "SecurityInfo", json!({}));
    assert_eq!(
        statuses(&session(&mut twin, &mut fake, &[security("1")])),
        [Status::NotNow]
    );
    assert!(twin.wants_poll(), "its user has unlocked it");
    assert_eq!(
        statuses(&session(&mut twin, &mut fake, &[security("1")])),
        [Status::Acknowledged]
    );
    let lock = command("2", "DeviceLock", json!({}));
    let said = session(&mut twin, &mut fake, &[lock, security("3")]);
    assert_eq!(statuses(&said), [Status::Acknowledged, Status::NotNow]);
    assert!(twin.wants_poll());
}

#[test]
fn a_napping_mac_does_only_what_cannot_wait() {
    let mut devices = (0..).map(|index| Device::new(Platform::MacOs, 1, index));
    let napping = devices.find(|device| device.naps).unwrap();
    let (mut twin, mut fake) = (Twin::new(napping, settings()), Fake::new());
    let said = session(
        &mut twin,
        &mut fake,
        &[
            command("1", "DeviceInformation", json!({"Queries": []})),
            command("2", "DeviceLock", json!({"PIN": "123456"})),
            command("3", "RestartDevice", json!({})),
            command("4", "UserList", json!({})),
            command("5", "ActivationLockBypassCode", json!({})),
            command("6", "ProfileList", json!({})),
        ],
    );
    let (not_now, done) = (Status::NotNow, Status::Acknowledged);
    assert_eq!(statuses(&said), [not_now, done, done, done, done, not_now]);
    assert!(twin.wants_poll());
    let said = session(&mut twin, &mut fake, &[command("6", "ProfileList", json!({}))]);
    assert_eq!(statuses(&said), [done]);
}

#[test]
fn an_erased_device_is_gone_and_enrolls_anew_only_when_told() {
    let (mut twin, mut fake) = rests(Platform::Ios);
    let token = twin.device().unlock_token();
    let erase = command("e", "EraseDevice", json!({}));
    fake.command = Some(erase);
    // The server does not take the answer at first: the device is still there.
    drive(&mut twin, 1_000, |request| match Fake::said(request) {
        Said::Outcome(..) => None,
        _ => Some(fake.answer(request)),
    });
    assert_eq!(twin.standing(), Standing::Converged);
    let next = command("n", "RestartDevice", json!({})).to_xml();
    drive(&mut twin, 1_060, |request| {
        let response = fake.answer(request);
        Some(Response {
            body: next.clone(),
            ..response
        })
    });
    assert_eq!((twin.standing(), twin.tally()), (Standing::Unenrolled, (0, 0)));
    assert!(!twin.device().passcode && *twin.device().state() == Default::default());
    assert_ne!(twin.device().unlock_token(), token);
    assert_eq!(
        twin.effects().collect::<Vec<_>>(),
        ["erased"],
        "what came after it was not done"
    );
    drive(&mut twin, 2_000, |request| panic!("{request:?}"));
    assert!(twin.is_at_rest() && !twin.wants_poll());
    fake.command = None;
    twin.enroll();
    settle(&mut twin, &mut fake);
    assert_eq!(twin.standing(), Standing::Converged);
    assert_eq!(twin.executions("e"), 1, "it is remembered for tests");
    assert_eq!(twin.complaints().kept(), []);
}

#[test]
fn removing_the_enrollment_profile_unenrolls() {
    let (mut twin, mut fake) = rests(Platform::MacOs);
    fake.log.clear();
    let remove = command("r", "RemoveProfile", json!({"Identifier": ENROLLMENT_PROFILE}));
    session(
        &mut twin,
        &mut fake,
        &[command("1", "EnableRemoteDesktop", json!({})), remove],
    );
    assert_eq!(fake.log.last(), Some(&Said::CheckOut));
    assert_eq!(twin.standing(), Standing::Unenrolled);
    assert!(
        !twin.device().state().remote_desktop,
        "what management brought is gone"
    );
}

#[test]
fn unlock_tokens_and_awaited_configurations_are_told_and_told_again() {
    let mut phone = twin(Platform::Ios).device().clone();
    phone.awaiting_configuration = true;
    let (mut twin, mut fake) = (Twin::new(phone, settings()), Fake::new());
    let configured = command("c", "DeviceConfigured", json!({}));
    let mut told = Vec::new();
    for round in 0..3 {
        fake.command = (round == 0).then(|| configured.clone());
        drive(&mut twin, round * 60, |request| {
            if request.to == To::CheckIn
                && let CheckIn::TokenUpdate {
                    unlock_token,
                    awaiting_configuration,
                    ..
                } = Message::parse(&request.body).unwrap().check_in
            {
                told.push((unlock_token, awaiting_configuration));
            }
            let ends = round == 0 && matches!(Fake::said(request), Said::Outcome(..));
            let response = fake.answer(request);
            Some(if ends {
                Response {
                    body: Vec::new(),
                    ..response
                }
            } else {
                response
            })
        });
        assert_eq!(twin.wants_poll(), round == 0, "the TokenUpdate is due");
    }
    let token = twin.device().unlock_token();
    assert_eq!(told, [(token.clone(), true), (token, false)]);
}

#[test]
fn what_no_device_knows_is_an_error_and_so_is_what_cannot_be_read() {
    let (mut twin, mut fake) = rests(Platform::VisionOs);
    let said = session(
        &mut twin,
        &mut fake,
        &[command("1", "Levitate", json!({"High": true}))],
    );
    assert_eq!(statuses(&said), [Status::Error]);
    assert_eq!(said[0].error_chain[0].code, Some(12021));
    let entry = twin.journal().last().unwrap();
    assert_eq!(
        (entry.uuid(), entry.request_type(), entry.effect()),
        ("1", "", None)
    );
}
