//! Which decision makes which event, and that the same said again makes none.

use ordain_catalog::Kind;
use ordain_model::checkin::{check_out, token_update};
use ordain_model::decision::{Decision, Write};
use ordain_model::enrollment::{ApnsToken, Enrollment, Phase, Push};
use ordain_model::event::{CommandAnswer, Event, EventKind};
use ordain_model::ids::EnrollmentId;
use ordain_model::record::StatusRecord;
use ordain_model::report::{DeclarationsReport, Report, Validity};
use ordain_model::status::{StatusState, heard, status};
use ordain_model::sync::Wanted;
use serde_json::{Value, json};

use crate::fixtures::*;

fn events<R>(decision: &Decision<R>) -> Vec<Event> {
    let event = |write: &Write| match write {
        Write::Event(event) => Some(event.clone()),
        _ => None,
    };
    decision.writes.iter().filter_map(event).collect()
}

fn push(token: &str) -> Push {
    Push::Apns(ApnsToken {
        topic: "com.apple.mgmt.External.x".into(),
        magic: "secret magic".into(),
        token: token.into(),
    })
}

fn began() -> Enrollment {
    let mut began = Enrollment {
        phase: Phase::Authenticated,
        generation: 2,
        ..enrolled()
    };
    began.facts.name = Some("ü".repeat(2_000));
    began
}

#[test]
fn the_first_token_update_of_a_generation_is_told() {
    let device = began();
    let id = device.id.clone();
    let decision = token_update(
        &device,
        None,
        &id,
        push("00ff"),
        Some(b"unlock".to_vec()),
        NOW + 5,
    )
    .unwrap();
    let [event] = &events(&decision)[..] else {
        panic!("one event, not {decision:?}")
    };
    assert_eq!(
        (event.kind, &event.enrollment, event.at),
        (EventKind::Enrolled, &id, NOW + 5)
    );
    let detail = json!({
        "generation": 2, "serial": "S1", "udid": "D1", "name": "ü".repeat(500), "model": null, "platform": "macOS",
        "os_version": "26.0",
    });
    assert_eq!(event.detail, detail, "no more of a long text, and nothing secret");

    let device = after(&device, &decision.writes);
    for (token, unlock) in [("00ff", None), ("11", None), ("00ff", Some(b"u".to_vec()))] {
        let again = token_update(&device, None, &id, push(token), unlock, NOW).unwrap();
        assert_eq!(events(&again), []);
    }
    let user = EnrollmentId::user("D1", "ann").unwrap();
    let decision = token_update(&device, None, &user, push("22"), None, NOW).unwrap();
    let of_user = events(&decision);
    assert_eq!((of_user.len(), &of_user[0].enrollment), (1, &user));
    assert_eq!(of_user[0].detail["serial"], "S1", "which device it is on");
    let channel = after(&device, &decision.writes);
    let again = token_update(&device, Some(&channel), &user, push("33"), None, NOW).unwrap();
    assert_eq!(events(&again), []);
}

#[test]
fn leaving_is_told() {
    let device = enrolled();
    for id in [device.id.clone(), EnrollmentId::user("D1", "ann").unwrap()] {
        let told = events(&check_out(&device, &id, NOW + 7));
        let expected = Event {
            kind: EventKind::CheckedOut,
            enrollment: id,
            at: NOW + 7,
            detail: json!({"generation": 1}),
        };
        assert_eq!(told, [expected]);
    }
}

/// A channel that should hold one configuration, and what is kept of it.
struct Device {
    enrollment: Enrollment,
    record: StatusRecord,
    wanted: Wanted,
}

impl Device {
    fn told(&mut self, report: Report<'_>) -> Vec<Event> {
        let state = StatusState {
            enrollment: &self.enrollment,
            record: self.record.clone().into(),
            against: Some(self.wanted.manifest.clone()),
            pinned: Some(self.wanted.manifest.clone()),
            wanted: self.wanted.clone(),
            heard: heard(&self.enrollment, &self.wanted, report.digest()),
            world: no_world(),
        };
        let decision = status(state, report, NOW).unwrap();
        for write in &decision.writes {
            if let Write::Status(_, record) = write {
                self.record = (**record).clone();
            }
        }
        self.enrollment = after(&self.enrollment, &decision.writes);
        events(&decision)
    }

    fn kinds(&mut self, report: Report<'_>) -> Vec<EventKind> {
        self.told(report).iter().map(|event| event.kind).collect()
    }

    fn lists(&self, valid: Validity, codes: &[&str]) -> Report<'static> {
        let entries = self.wanted.manifest.entries();
        let all = entries.iter().map(|entry| listed(entry, true, valid, codes));
        Report {
            declarations: Some(DeclarationsReport {
                listed: [(Kind::Configuration, all.collect())].into(),
            }),
            ..Report::default()
        }
    }
}

#[test]
fn reports_are_told_when_they_are_new_and_convergence_when_it_changes() {
    use EventKind::{Converged, Diverged, Reported};
    let mut device = Device {
        enrollment: enrolled(),
        record: StatusRecord::default(),
        wanted: wanted(1, "a"),
    };
    let good = |device: &Device| device.lists(Validity::Valid, &[]);
    let item = |value: i64| Report {
        items: [("battery".to_owned(), Value::from(value))].into(),
        problems: vec!["something odd".into()],
        ..Report::default()
    };
    assert_eq!(device.kinds(item(1)), [Reported]);
    assert_eq!(device.kinds(item(1)), [], "the same again");
    let report = good(&device);
    let told = device.told(report);
    let token = device.wanted.manifest.token();
    let standing = json!({
        "generation": 1, "wanted": token, "held": token,
        "counts": {"confirmed": 1, "settled": 0, "failed": 0, "pending": 0},
    });
    assert_eq!((told[1].kind, &told[1].detail), (Converged, &standing));
    let mut with_problems = standing;
    with_problems["problems"] = json!(0);
    assert_eq!((told[0].kind, &told[0].detail), (Reported, &with_problems));
    let report = good(&device);
    assert_eq!(device.kinds(report), []);
    let told = device.told(item(2));
    assert_eq!((told.len(), told[0].detail["problems"].clone()), (1, json!(1)));

    let bad = device.lists(Validity::Invalid, &["Error.ConfigurationCannotBeApplied"]);
    assert_eq!(device.kinds(bad.clone()), [Reported, Diverged]);
    assert_eq!(device.kinds(bad), []);
    let report = good(&device);
    assert_eq!(device.kinds(report), [Reported, Converged]);

    // Another wish is not the device's word: it has not diverged, and converges anew.
    device.wanted = wanted(2, "b");
    assert_eq!(device.kinds(item(3)), [Reported]);
    let report = good(&device);
    assert_eq!(device.kinds(report), [Reported, Converged]);
    let unlisted = Report {
        full: true,
        ..Report::default()
    };
    assert_eq!(device.kinds(unlisted), [Reported, Diverged]);
}

#[test]
fn an_answer_to_a_command_tells_no_result() {
    let enrollment = began();
    let answer = CommandAnswer {
        uuid: "U-1",
        request_type: "EraseDevice",
        state: "failed",
        failure: Some("MCMDMErrorDomain 12021: unknown"),
    };
    let event = Event::command_answered(&enrollment, answer, NOW);
    assert_eq!(
        (event.kind, event.enrollment, event.at),
        (EventKind::CommandAnswered, enrollment.id, NOW)
    );
    let detail = json!({
        "generation": 2, "uuid": "U-1", "request_type": "EraseDevice", "state": "failed",
        "failure": "MCMDMErrorDomain 12021: unknown",
    });
    assert_eq!(event.detail, detail);
}

#[test]
fn each_kind_has_one_word() {
    for kind in EventKind::ALL {
        assert_eq!(kind.word().parse(), Ok(kind));
        assert_eq!(
            serde_json::to_value(kind).unwrap(),
            kind.word(),
            "one word for it everywhere"
        );
    }
    let unknown = "gap".parse::<EventKind>().unwrap_err().to_string();
    assert!(
        EventKind::ALL.iter().all(|kind| unknown.contains(kind.word())),
        "{unknown}"
    );
}
