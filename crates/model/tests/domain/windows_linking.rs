//! What the sessions of a device's own channel see to of its linked one: when it is sent to enroll, when again, when not,
//! and what is told of it.

use std::collections::BTreeMap;

use ordain_catalog::windows::{Verb, WindowsCatalog};
use ordain_model::decision::Write;
use ordain_model::enrollment::Phase;
use ordain_model::held::Listing;
use ordain_model::ids::Digest;
use ordain_model::queue::{Delivery, State};
use ordain_model::windows::action::{Action, UNLINK};
use ordain_model::windows::cleaning::Cleaning;
use ordain_model::windows::link::{Channel, LinkState};
use ordain_model::windows::session::{Answered, Body, Link, Queued, Said, Scene, Session, Status, standing};
use serde_json::{Value, json};

use crate::fixtures::enrolled;

const ENDPOINT: &str = "https://mdm.example.org/EnrollmentServer/Linked/Discovery";
const MINUTE: i64 = 60;

/// A device that can be linked, as it answers.
#[derive(Clone)]
struct Pc {
    status: Option<&'static str>,
    error: &'static str,
    endpoint: String,
    edition: Option<&'static str>,
    version: &'static str,
    entra: &'static str,
    /// The code for `Exec`.
    takes: u16,
}

impl Pc {
    fn new() -> Self {
        Self {
            status: Some("1"),
            error: "0",
            endpoint: String::new(),
            edition: Some("48"),
            version: "10.0.26100.1301",
            entra: "7777",
            takes: 200,
        }
    }

    fn says(&self, path: &str) -> Option<String> {
        let name = path.rsplit('/').next().unwrap();
        Some(match name {
            "EnrollStatus" => self.status?.to_owned(),
            "LastError" => self.error.to_owned(),
            "DiscoveryEndpoint" => self.endpoint.clone(),
            "Edition" => self.edition?.to_owned(),
            "SwV" => self.version.to_owned(),
            "AADDeviceID" => self.entra.to_owned(),
            _ => String::new(),
        })
    }
}

/// What one session came to.
struct Held {
    session: Session,
    /// The last names of the nodes that were written to or run, those of the account left out.
    done: Vec<String>,
    asked: usize,
    writes: Vec<Write>,
    items: BTreeMap<String, Value>,
    errors: Vec<String>,
}

fn link(channel: Option<Channel>) -> Link<'static> {
    Link {
        is_wanted: true,
        endpoint: ENDPOINT,
        channel,
    }
}

fn hold(pc: &mut Pc, before: Option<&Session>, link: Link<'_>, queue: &[Queued], now: i64) -> Held {
    let scene = Scene {
        standing: &standing("https://mdm.example.org/", None, &[]),
        package: None,
        wanted: &[],
        unwanted: &BTreeMap::new(),
        refused: &BTreeMap::new(),
        catalog: WindowsCatalog::builtin(),
        queue,
        cleaning: &Cleaning::default(),
        declared: &BTreeMap::new(),
        link,
        now,
    };
    let mut session = Session::begin(now.to_string(), before);
    let mut said = Said {
        is_whole: true,
        ..Said::default()
    };
    let (mut done, mut asked, mut writes) = (Vec::new(), 0, Vec::new());
    let mut has_unlinked = false;
    for message in 1..20 {
        let stored = serde_json::to_string(&session).unwrap();
        session = serde_json::from_str(&stored).unwrap();
        session.hears(message, Digest::of(&message.to_le_bytes()));
        let answer = session.respond(&scene, std::mem::take(&mut said), 2);
        has_unlinked |= session.has_unlinked();
        writes.extend(session.queue_writes(&scene, &enrolled()));
        said.is_whole = true;
        for sending in &answer.sendings {
            let Body::One(operation) = &sending.body else {
                panic!("{sending:?}");
            };
            let path = operation.path.clone();
            let value = pc.says(&path);
            let code = match operation.verb {
                Verb::Get if value.is_none() => 404,
                Verb::Exec => pc.takes,
                _ => 200,
            };
            if operation.verb == Verb::Get {
                asked += usize::from(path.contains("LinkedEnrollment"));
                said.results.extend(value.map(|value| Answered {
                    message,
                    command: sending.id,
                    value,
                }));
            } else if path.contains("LinkedEnrollment") {
                done.push(path.rsplit('/').next().unwrap().to_owned());
                if let (Verb::Replace, Some((_, value))) = (operation.verb, &operation.value) {
                    pc.endpoint.clone_from(value);
                }
            }
            said.statuses.push(Status {
                message,
                command: sending.id,
                code,
                original: None,
            });
        }
        if answer.sendings.is_empty() {
            break;
        }
    }
    let report = session.report(&scene, &Listing::new());
    let errors = report.errors.keys().cloned();
    let errors = errors.filter(|name| name.starts_with("windows.linked")).collect();
    if has_unlinked {
        done.push("unlinked".to_owned());
    }
    Held {
        done,
        asked,
        writes,
        errors,
        items: report.items.clone(),
        session,
    }
}

fn state(items: &BTreeMap<String, Value>, channel: Option<Channel>) -> LinkState {
    LinkState::of(
        |name| items.get(name),
        channel,
        ENDPOINT,
        WindowsCatalog::builtin(),
    )
}

const SENT: [&str; 2] = ["DiscoveryEndpoint", "Enroll"];
const LIVE: Channel = Channel {
    phase: Phase::Enrolled,
    is_live: true,
};
const SILENT: Channel = Channel {
    phase: Phase::Enrolled,
    is_live: false,
};
const ISSUED: Channel = Channel {
    phase: Phase::Authenticated,
    is_live: false,
};

#[test]
fn a_device_is_sent_to_enroll_where_something_is_for_it() {
    let mut pc = Pc::new();
    let nothing = Link {
        is_wanted: false,
        ..link(None)
    };
    let held = hold(&mut pc, None, nothing, &[], 0);
    assert_eq!((held.done.len(), held.asked), (0, 0), "it is not even asked");
    let held = hold(&mut pc, None, link(None), &[], 0);
    assert_eq!(held.done, SENT);
    assert_eq!(pc.endpoint, ENDPOINT);
    assert_eq!(held.items["windows.linked.status"], json!(1));
    // It takes its time for it.
    let after = hold(&mut pc, Some(&held.session), link(None), &[], 15 * MINUTE);
    assert_eq!(after.done, [""; 0]);
    for (status, channel) in [
        ("2", None),
        ("4", Some(ISSUED)),
        ("4", Some(LIVE)),
        ("3", Some(LIVE)),
    ] {
        pc.status = Some(status);
        let after = hold(&mut pc, Some(&held.session), link(channel), &[], 40 * MINUTE);
        let expected: &[&str] = if channel == Some(ISSUED) { &SENT } else { &[] };
        assert_eq!(after.done, expected, "{status} {channel:?}");
    }
}

#[test]
fn failures_are_tried_again_ever_more_seldom() {
    let mut pc = Pc::new();
    let mut held = hold(&mut pc, None, link(None), &[], 0);
    assert_eq!(held.done, SENT);
    pc.status = Some("3");
    pc.error = "-2145910782";
    let (mut now, mut pauses) = (0, Vec::new());
    while pauses.len() < 8 {
        let mut pause = 0;
        loop {
            pause += 30 * MINUTE;
            held = hold(&mut pc, Some(&held.session), link(None), &[], now + pause);
            assert_eq!(
                state(&held.items, None).to_string(),
                "not linked: the last attempt failed on the device: its credentials were rejected (0x80180002)"
            );
            if !held.done.is_empty() {
                break;
            }
        }
        now += pause;
        pauses.push(pause / MINUTE);
    }
    assert_eq!(pauses, [30, 60, 120, 240, 480, 960, 1_440, 1_440]);
    // Once it is linked, the count begins anew.
    held = hold(&mut pc, Some(&held.session), link(Some(LIVE)), &[], now);
    assert_eq!(
        hold(&mut pc, Some(&held.session), link(None), &[], now).done,
        SENT
    );
}

#[test]
fn what_a_device_must_be_is_known_first() {
    /// What is changed, how, and what is told then.
    type Case = (&'static str, fn(&mut Pc), &'static str);
    let cases: [Case; 6] = [
        (
            "edition",
            |pc| pc.edition = Some("101"),
            "not linked: the device cannot be: not in the edition home",
        ),
        (
            "entra",
            |pc| pc.entra = "",
            "not linked: the device cannot be: not on a device that is not-joined",
        ),
        (
            "no edition",
            |pc| pc.edition = None,
            "not linked: which edition it has",
        ),
        (
            "odd edition",
            |pc| pc.edition = Some("9999"),
            "not linked: which edition it has",
        ),
        (
            "version",
            |pc| pc.version = "ten",
            "not linked: which version it has is not known",
        ),
        (
            "old",
            |pc| pc.version = "10.0.19044.2192",
            "not linked: the device cannot be: needs Windows",
        ),
    ];
    for (name, change, sentence) in cases {
        let mut pc = Pc::new();
        change(&mut pc);
        let held = hold(&mut pc, None, link(None), &[], 0);
        assert_eq!(held.done, [""; 0], "{name}");
        let told = state(&held.items, None).to_string();
        assert!(told.starts_with(sentence), "{told}");
    }
    // A build that can be linked only if it is joined, which is not told apart: the device knows.
    let mut pc = Pc::new();
    pc.version = "10.0.22000.918";
    assert_eq!(hold(&mut pc, None, link(None), &[], 0).done, SENT);
    // Without the nodes nothing is attempted.
    let mut pc = Pc::new();
    pc.status = None;
    pc.endpoint = ENDPOINT.to_owned();
    assert_eq!(
        hold(&mut pc, None, link(None), &[], 0).done,
        SENT,
        "the other node is there"
    );
}

#[test]
fn what_another_server_left_is_told_and_left_alone() {
    let elsewhere = "https://dc.example.org/discovery";
    for (status, endpoint) in [
        ("4", ""),
        ("4", ENDPOINT),
        ("4", elsewhere),
        ("1", elsewhere),
        ("3", elsewhere),
    ] {
        let mut pc = Pc::new();
        pc.status = Some(status);
        pc.endpoint = endpoint.to_owned();
        let held = hold(&mut pc, None, link(None), &[], 0);
        assert_eq!(held.done, [""; 0], "{status} {endpoint}");
        let told = state(&held.items, None).to_string();
        assert!(told.contains("linked with another server"), "{told}");
        assert_eq!(told.contains(elsewhere), endpoint == elsewhere, "{told}");
    }
    // Once that has ended there is room for this one.
    let mut pc = Pc::new();
    pc.status = Some("8");
    pc.endpoint = elsewhere.to_owned();
    assert_eq!(hold(&mut pc, None, link(None), &[], 0).done, SENT);
    assert_eq!(pc.endpoint, ENDPOINT);
}

#[test]
fn a_refusal_is_told() {
    let mut pc = Pc::new();
    pc.takes = 500;
    let held = hold(&mut pc, None, link(None), &[], 0);
    assert_eq!(held.errors, ["windows.linked.status"]);
    let again = hold(&mut pc, Some(&held.session), link(None), &[], 15 * MINUTE);
    assert_eq!(again.done, [""; 0], "it counts as an attempt");
}

#[test]
fn unlinking_is_done_when_the_device_says_so() {
    let ordered = |state| Queued {
        delivery: Delivery {
            number: 7,
            uuid: "uuid 7".to_owned(),
            command: "order".to_owned(),
            request_type: UNLINK.to_owned(),
            state,
            expires_at: 100,
        },
        action: Action::Unlink,
    };
    let mut pc = Pc::new();
    pc.status = Some("4");
    pc.endpoint = ENDPOINT.to_owned();
    let held = hold(&mut pc, None, link(Some(LIVE)), &[ordered(State::Queued)], 0);
    assert_eq!(held.done, ["Unenroll"]);
    let moved = |held: &Held| {
        let writes = held.writes.iter().filter_map(|write| match write {
            Write::Delivery(moved) => Some(serde_json::to_value(moved.to).unwrap()),
            _ => None,
        });
        writes.collect::<Vec<_>>()
    };
    assert_eq!(
        moved(&held),
        [json!("sent")],
        "that it was taken says nothing of what came of it"
    );
    let sent = [ordered(State::Sent)];
    for (status, expected, is_gone) in [
        ("4", None, false),
        ("5", None, false),
        ("6", None, false),
        ("7", Some("failed"), false),
        ("8", Some("acknowledged"), true),
        ("1", Some("acknowledged"), true),
    ] {
        pc.status = Some(status);
        let after = hold(&mut pc, Some(&held.session), link(Some(LIVE)), &sent, 1);
        let expected: Vec<Value> = expected.into_iter().map(Value::from).collect();
        assert_eq!(moved(&after), expected, "{status}");
        let done: &[&str] = if is_gone { &["unlinked"] } else { &[] };
        assert_eq!(after.done, done, "{status}: and nothing is begun");
    }
    // Of another server's, there is nothing here that goes.
    pc.status = Some("8");
    let after = hold(&mut pc, Some(&held.session), link(None), &sent, 1);
    assert_eq!((moved(&after), after.done), (vec![json!("acknowledged")], vec![]));
    // Ended by somebody else: gone, and begun anew.
    let after = hold(&mut pc, None, link(Some(SILENT)), &[], 0);
    assert_eq!(after.done, ["DiscoveryEndpoint", "Enroll", "unlinked"]);
}
