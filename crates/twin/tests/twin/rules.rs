//! For each rule that a server can break: the twin complains of one that breaks it, and of nothing else otherwise.

/// The tamper that changes the answers to what fits the pattern.
macro_rules! on {
    ($pattern:pat, |$response:ident| $change:expr) => {
        |said, _turn, $response| {
            if matches!(said, $pattern) {
                $change;
            }
        }
    };
}

mod declarations;
mod items;
mod mdm;
mod tokens;

use ordain_apple::command::Command;
use ordain_catalog::Platform;
use ordain_twin::request::{About, Response};
use ordain_twin::{Complaint, Standing};
use serde_json::{Value, json};

use crate::fake::{Fake, Said, drive, profile, settle, twin};

/// Changes an answer on its way; the number counts the answers to the same saying.
type Tamper = fn(&Said, u32, &mut Response);

/// What the rule is, how it is broken, and what the complaint has to say.
struct Case {
    rule: &'static str,
    tells_tokens: bool,
    tamper: Tamper,
    complaint: &'static str,
}

const fn case(rule: &'static str, tamper: Tamper, complaint: &'static str) -> Case {
    Case {
        rule,
        tells_tokens: true,
        tamper,
        complaint,
    }
}

/// A rule about the answer to `tokens`.
const fn tokens_case(rule: &'static str, tamper: Tamper, complaint: &'static str) -> Case {
    Case {
        rule,
        tells_tokens: false,
        tamper,
        complaint,
    }
}

fn edit(response: &mut Response, edit: impl FnOnce(&mut Value)) {
    let mut body = serde_json::from_slice(&response.body).unwrap();
    edit(&mut body);
    response.body = body.to_string().into_bytes();
}

/// Edits the tokens in a command.
fn edit_data(response: &mut Response, edit: impl FnOnce(&mut Value)) {
    if response.body.is_empty() {
        return;
    }
    let command = Command::parse(&response.body).unwrap();
    let mut tokens = serde_json::from_slice(command.payload["Data"].as_data().unwrap()).unwrap();
    edit(&mut tokens);
    response.body = Command::declarative_management(command.uuid, tokens.to_string().into_bytes()).to_xml();
}

fn sync_command(uuid: &str, timestamp: &str, token: &str) -> Vec<u8> {
    let tokens = json!({"SyncTokens": {"Timestamp": timestamp, "DeclarationsToken": token}});
    Command::declarative_management(uuid.to_owned(), tokens.to_string().into_bytes()).to_xml()
}

fn status(response: &mut Response, status: u16) {
    *response = Response {
        status,
        ..Response::default()
    };
}

fn is_declaration(said: &Said, of: &str) -> bool {
    *said == Said::Declaration(of.to_owned())
}

fn is_download(said: &Said, of: &str) -> bool {
    matches!(said, Said::Download(url) if url.ends_with(of))
}

/// Two rounds with a change of policy between them, each of some wakes.
fn complaints(platform: Platform, tells_tokens: bool, tamper: Tamper) -> (Vec<Complaint>, Standing) {
    let (mut twin, mut fake) = (twin(platform), Fake::new());
    fake.tells_tokens = tells_tokens;
    let mut turns = std::collections::HashMap::<_, u32>::new();
    for wake in 0..8 {
        if wake == 4 {
            fake.want(
                "test",
                "configuration.management.test",
                json!({"Echo": "another"}),
            );
        }
        drive(&mut twin, wake * 60, |request| {
            let said = Fake::said(request);
            let mut response = fake.answer(request);
            let turn = turns.entry(std::mem::discriminant(&said)).or_default();
            tamper(&said, *turn, &mut response);
            *turn += 1;
            Some(response)
        });
    }
    (twin.complaints().kept().to_vec(), twin.standing())
}

#[test]
fn each_rule_that_is_broken_is_complained_of() {
    let cases = [mdm::CASES, tokens::CASES, items::CASES, declarations::CASES];
    for Case {
        rule,
        tells_tokens,
        tamper,
        complaint,
    } in cases.into_iter().flatten()
    {
        let (complaints, _) = complaints(Platform::Ios, *tells_tokens, *tamper);
        assert!(
            complaints.iter().any(|made| made.to_string().contains(complaint)),
            "{rule}: expected {complaint:?}, got {complaints:#?}"
        );
    }
}

#[test]
fn of_a_server_that_keeps_the_rules_nobody_complains() {
    for &platform in Platform::ALL {
        for tells_tokens in [true, false] {
            let (complaints, standing) = complaints(platform, tells_tokens, |_, _, _| {});
            assert_eq!(
                (complaints, standing),
                (Vec::new(), Standing::Converged),
                "{platform}"
            );
        }
    }
}

#[test]
fn a_refused_command_is_not_repeated_in_its_session() {
    let device = (0..)
        .map(|index| ordain_twin::Device::new(Platform::MacOs, 1, index))
        .find(|device| device.naps);
    let mut twin = ordain_twin::Twin::new(device.unwrap(), crate::fake::settings());
    let mut fake = Fake::new();
    let mut again = Vec::new();
    drive(&mut twin, 0, |request| {
        let mut response = fake.answer(request);
        match Fake::said(request) {
            Said::Idle => again = response.body.clone(),
            Said::Outcome(_, uuid) if !again.is_empty() => {
                assert_eq!(Command::parse(&again).unwrap().uuid, uuid);
                response.body = std::mem::take(&mut again);
            }
            _ => {}
        }
        Some(response)
    });
    let made = twin.complaints().kept();
    assert!(
        made.iter()
            .any(|complaint| matches!(complaint, Complaint::RefusedRepeated(_))),
        "{made:?}"
    );
    assert!(made.contains(&Complaint::SecondInSession));
}

#[test]
fn check_out_is_answered_too() {
    let (mut twin, mut fake) = (twin(Platform::TvOs), Fake::new());
    settle(&mut twin, &mut fake);
    twin.check_out();
    drive(&mut twin, 0, |request| {
        assert_eq!(Fake::said(request), Said::CheckOut);
        Some(Response {
            status: 500,
            ..Response::default()
        })
    });
    assert_eq!(
        twin.standing(),
        Standing::Unenrolled,
        "checking out is best effort"
    );
    assert_eq!(
        twin.complaints().kept(),
        [Complaint::Status {
            about: About::CheckOut,
            status: 500
        }]
    );
}
