//! Sessions with devices that answer anything.

use std::collections::{BTreeMap, BTreeSet};

use ordain_catalog::windows::{Verb, WindowsCatalog};
use ordain_model::decision::Write;
use ordain_model::enrollment::{Enrollment, Push, WnsChannel};
use ordain_model::ids::Digest;
use ordain_model::windows::cleaning::Cleaning;
use ordain_model::windows::session::{
    Answer, Answered, Body, Declared, Link, Operation, Said, Scene, Session, Status, Turn, standing,
};
use ordain_model::windows::settings::Settings;
use proptest::prelude::*;
use serde_json::json;

use crate::fixtures::enrolled;

fn settings(atomic: bool, path: &str) -> Settings {
    let payload = json!({"atomic": atomic, "settings": [
        {"path": format!("{path}/A"), "format": "int", "value": 1},
        {"path": format!("{path}/B"), "format": "chr", "value": "<b>"},
    ]});
    Settings::from_payload(payload.as_object().unwrap()).unwrap()
}

fn declared(name: &str, settings: Settings) -> Declared {
    Declared {
        identifier: name.to_owned(),
        token: Digest::of(name.as_bytes()),
        settings,
    }
}

fn wanted() -> Vec<Declared> {
    vec![
        declared("plain", settings(false, "./Device/Vendor/MSFT/Unknown/One")),
        declared("atomic", settings(true, "./Device/Vendor/MSFT/Unknown/Two")),
        declared("user", settings(false, "./User/Vendor/MSFT/Unknown/Three")),
    ]
}

/// Each command of an answer, those in groups too.
fn operations(answer: &Answer) -> Vec<(u32, Option<&Operation>)> {
    let mut all = Vec::new();
    for sending in &answer.sendings {
        match &sending.body {
            Body::One(operation) | Body::Part(operation, ..) => all.push((sending.id, Some(operation))),
            Body::Atomic(inside) => {
                all.push((sending.id, None));
                all.extend(inside.iter().map(|(id, operation)| (*id, Some(operation))));
            }
        }
    }
    all
}

const ADDRESS: &str = "https://mdm.example.org/";
/// Nothing is for a linked channel.
const UNLINKED: Link<'static> = Link {
    is_wanted: false,
    endpoint: "https://mdm.example.org/linked",
    channel: None,
};

/// Holds a session with a device that answers each command as `code` says, and `Get`s with `value`. What was sent, message
/// by message, and the session.
fn hold(
    with_user: bool,
    mut code: impl FnMut(Option<&Operation>) -> u16,
    value: impl Fn(&Operation) -> String,
) -> (Vec<Answer>, Session) {
    let (wanted, unwanted, refused) = (wanted(), BTreeMap::new(), BTreeMap::new());
    let scene = Scene {
        standing: &standing(ADDRESS, None, &wanted),
        package: None,
        wanted: &wanted,
        unwanted: &unwanted,
        refused: &refused,
        catalog: WindowsCatalog::builtin(),
        queue: &[],
        cleaning: &Cleaning::default(),
        declared: &BTreeMap::new(),
        link: UNLINKED,
        now: 0,
    };
    let mut session = Session::begin("1".to_owned(), None);
    let mut said = Said {
        with_user: Some(with_user),
        is_whole: true,
        ..Said::default()
    };
    let mut answers = Vec::new();
    for message in 1..60 {
        // Whatever is kept between messages comes back.
        let stored = serde_json::to_string(&session).unwrap();
        session = serde_json::from_str(&stored).unwrap();
        session.hears(message, Digest::of(&message.to_le_bytes()));
        let answer = session.respond(&scene, std::mem::take(&mut said), 2);
        let sent = operations(&answer);
        let ids: BTreeSet<_> = sent.iter().map(|(id, _)| id).collect();
        assert!(ids.len() == sent.len() && ids.iter().all(|id| **id >= 2));
        if sent.is_empty() {
            answers.push(answer);
            return (answers, session);
        }
        said.is_whole = true;
        for (command, operation) in sent {
            let code = code(operation);
            said.statuses.push(Status {
                message,
                command,
                code,
                original: None,
            });
            if let (Some(operation), 200) = (operation, code)
                && operation.verb == Verb::Get
            {
                said.results.push(Answered {
                    message,
                    command,
                    value: value(operation),
                });
            }
        }
        answers.push(answer);
    }
    panic!("a session without end");
}

fn sent(answers: &[Answer], verb: Verb) -> usize {
    let all = answers.iter().flat_map(operations);
    all.filter(|(_, operation)| operation.is_some_and(|it| it.verb == verb))
        .count()
}

#[test]
fn whatever_every_command_is_answered_with_a_session_ends() {
    for code in [
        0, 200, 202, 213, 214, 215, 216, 401, 404, 405, 418, 500, 507, 516, 999,
    ] {
        let (answers, session) = hold(true, |_| code, |_| "other".to_owned());
        let reports = answers.iter().filter(|answer| answer.reports).count();
        assert_eq!(reports, 1, "{code}");
        let again = Session::turn(Some(&session), "1", 60, Digest::of(b"later"), 1);
        assert!(again.is_err(), "it is over");
    }
}

#[test]
fn what_is_there_is_not_set() {
    let value = |operation: &Operation| match operation.path.rsplit('/').next() {
        Some("A") => "01".to_owned(),
        Some("B") => "<b>".to_owned(),
        _ => String::new(),
    };
    let (answers, session) = hold(true, |_| 200, value);
    assert_eq!((sent(&answers, Verb::Add), sent(&answers, Verb::Delete)), (0, 0));
    assert_eq!(session.taken().collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(session.set().len(), 3);
}

#[test]
fn what_is_there_already_is_replaced() {
    let mut is_set = false;
    let code = |operation: Option<&Operation>| match operation.map(|it| it.verb) {
        Some(Verb::Get) if !is_set => 404,
        Some(Verb::Add) => 418,
        Some(Verb::Replace) => {
            is_set = true;
            200
        }
        None if !is_set => 507,
        _ => 200,
    };
    let (answers, _) = hold(true, code, |_| "1".to_owned());
    // Each of the two, in a new Atomic where they were in one.
    assert!(sent(&answers, Verb::Add) >= 4);
    let atomics = answers.iter().flat_map(|answer| &answer.sendings);
    let atomics = atomics.filter(|sending| matches!(sending.body, Body::Atomic(_)));
    assert!(atomics.count() >= 2);
}

#[test]
fn a_users_settings_wait_for_the_user() {
    let (answers, session) = hold(false, |_| 404, |_| String::new());
    let all = answers.iter().flat_map(operations);
    assert!(
        all.flat_map(|(_, it)| it)
            .all(|it| !it.path.starts_with("./User/"))
    );
    assert!(!session.set().contains(&Digest::of(b"user")));
}

#[test]
fn each_message_has_its_turn() {
    let digest = |text: &str| Digest::of(text.as_bytes());
    assert_eq!(Session::turn(None, "1", 1, digest("a"), 1), Ok(Turn::First));
    assert!(Session::turn(None, "1", 2, digest("a"), 1).is_err());
    let mut session = Session::begin("1".to_owned(), None);
    session.hears(1, digest("a"));
    assert_eq!(
        Session::turn(Some(&session), "1", 1, digest("a"), 1),
        Ok(Turn::Again)
    );
    assert!(Session::turn(Some(&session), "1", 1, digest("b"), 1).is_err());
    assert_eq!(
        Session::turn(Some(&session), "1", 2, digest("b"), 1),
        Ok(Turn::Next)
    );
    assert_eq!(
        Session::turn(Some(&session), "2", 1, digest("b"), 1),
        Ok(Turn::First)
    );
    assert!(Session::turn(Some(&session), "2", 2, digest("b"), 1).is_err());
    // After challenges, a session begins later.
    let turn = |id, message| Session::turn(Some(&session), id, message, digest("b"), 3);
    assert_eq!(turn("2", 2), Ok(Turn::First));
    assert!(turn("2", 4).is_err());
    assert_eq!(turn("1", 2), Ok(Turn::Next));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn any_answers_lead_to_an_end(
        codes in proptest::collection::vec(proptest::sample::select(vec![0, 200, 213, 215, 404, 405, 418, 500, 507]), 1..40),
        value in "[a-z<>&/0-9]{0,20}",
    ) {
        let mut turn = codes.iter().cycle();
        let (answers, _) = hold(true, |_| turn.next().copied().unwrap_or(200), |_| value.clone());
        prop_assert_eq!(answers.iter().filter(|answer| answer.reports).count(), 1);
    }
}

/// A session with a device that answers `Get`s of its account as `said` says, and where it can be pushed then.
fn told(before: &Enrollment, said: &[(&str, &str)], now: i64) -> Option<(Option<Push>, Vec<Write>)> {
    let scene = Scene {
        standing: &standing(ADDRESS, Some("P"), &[]),
        package: Some("P"),
        wanted: &[],
        unwanted: &BTreeMap::new(),
        refused: &BTreeMap::new(),
        catalog: WindowsCatalog::builtin(),
        queue: &[],
        cleaning: &Cleaning::default(),
        declared: &BTreeMap::new(),
        link: UNLINKED,
        now,
    };
    let mut session = Session::begin("1".to_owned(), None);
    let mut heard = Said {
        is_whole: true,
        ..Said::default()
    };
    for message in 1..9 {
        session.hears(message, Digest::of(&message.to_le_bytes()));
        let answer = session.respond(&scene, std::mem::take(&mut heard), 2);
        heard.is_whole = true;
        for (command, operation) in operations(&answer) {
            let path = &operation.unwrap().path;
            let said = said.iter().find(|(name, _)| path.ends_with(name));
            let code = if said.is_some() { 200 } else { 404 };
            heard.statuses.push(Status {
                message,
                command,
                code,
                original: None,
            });
            heard.results.extend(said.map(|(_, value)| Answered {
                message,
                command,
                value: (*value).to_owned(),
            }));
        }
    }
    let moved = session.moved(before, "P", |uri| uri.starts_with("https:"), now);
    moved.map(|(device, writes)| (device.push, writes))
}

#[test]
fn a_device_tells_where_it_can_be_pushed() {
    let none = enrolled();
    let at = |uri: &str, told_at| {
        Some(Push::Wns(WnsChannel {
            package: "P".into(),
            uri: uri.into(),
            told_at,
        }))
    };
    let wake = || vec![Write::Wake(none.id.clone(), 9)];
    let [package, other] = [("Push/PFN", "P"), ("Push/PFN", "Q")];
    let (uri, bad) = (("Push/ChannelURI", "https://a"), ("Push/ChannelURI", "http://a"));
    let status = |status| ("Push/Status", status);
    let known = Enrollment {
        push: at("https://a", 0),
        ..none.clone()
    };
    for said in [
        &[package, uri, status("0")][..],
        &[package, uri, status("7")],
        &[package, uri],
    ] {
        assert_eq!(
            told(&none, said, 9),
            Some((at("https://a", 9), wake())),
            "{said:?}"
        );
        assert_eq!(told(&known, said, 9), None, "it is told again");
    }
    for said in [
        &[package, bad, status("0")][..],
        &[package, uri, status("5")],
        &[package, status("4")],
        &[package],
        &[other, uri, status("0")],
        &[],
    ] {
        assert_eq!(told(&none, said, 9), None, "{said:?}");
        assert_eq!(told(&known, said, 9), Some((None, wake())), "{said:?}");
    }
    // A day later it is kept that it was told anew, and nobody is woken for that.
    let said = [package, uri, status("0")];
    assert_eq!(
        told(&known, &said, 86_400),
        Some((at("https://a", 86_400), vec![]))
    );
    // A device that says nothing has said nothing of its channel.
    let silent = Session::begin("1".to_owned(), None);
    assert!(silent.moved(&known, "P", |_| true, 9).is_none());
}
