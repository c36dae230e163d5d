//! The inventory: what is asked, when, and what an answer makes known.

use ordain_catalog::{Catalog, OsVersion, Platform};
use ordain_model::decision::Write;
use ordain_model::device::DeviceFacts;
use ordain_model::enrollment::{Answer, Enrollment};
use ordain_model::inventory::{Survey, command_uuid, due_at, survey_of};
use ordain_model::queries::queries;
use ordain_model::session::{Give, Piece, Says, respond};
use serde_json::{Value, json};

use crate::fixtures::*;

const DAY: i64 = 24 * 60 * 60;

/// A Mac that was told all.
fn told() -> Enrollment {
    let wanted = wanted(1, "a");
    let mac = enrolled();
    let decision = respond(&session(&mac, &wanted, &[]), &Says::Idle, NOW).unwrap();
    let mac = after(&mac, &decision.writes);
    let outcome = Says::Outcome(Piece::Declarations, Answer::Acknowledged);
    let decision = respond(&session(&mac, &wanted, &[]), &outcome, NOW).unwrap();
    let mac = after(&mac, &decision.writes);
    Enrollment {
        pinned: Some(wanted.manifest.token()),
        ..mac
    }
}

/// The surveys of one session, each answered by `answer`; with what was written.
fn surveyed(
    mac: &Enrollment,
    answer: impl Fn(Survey) -> (Answer, Option<Value>),
    now: i64,
) -> (Enrollment, Vec<(Survey, String)>, Vec<Write>) {
    let wanted = wanted(1, "a");
    let (mut mac, mut given, mut written) = (mac.clone(), Vec::new(), Vec::new());
    let mut says = Says::Idle;
    loop {
        let decision = respond(&session(&mac, &wanted, &[]), &says, now).unwrap();
        mac = after(&mac, &decision.writes);
        written.extend(decision.writes);
        let Some(give) = decision.reply else {
            return (mac, given, written);
        };
        let Give::Survey { uuid, survey } = give else {
            panic!("{give:?}");
        };
        assert_eq!(survey_of(&mac, &uuid, now), Some(survey));
        given.push((survey, uuid));
        let (answer, found) = answer(survey);
        says = Says::Outcome(Piece::Survey(survey, found), answer);
    }
}

fn acknowledged(survey: Survey) -> (Answer, Option<Value>) {
    (
        Answer::Acknowledged,
        Some(json!({survey.answer_key(): {"of": survey.request_type()}})),
    )
}

fn findings(writes: &[Write]) -> Vec<(Survey, Result<Option<Value>, String>)> {
    let findings = writes.iter().filter_map(|write| match write {
        Write::Inventory(id, finding) => {
            assert_eq!(id.to_string(), "D1");
            Some((finding.survey, finding.outcome.clone()))
        }
        _ => None,
    });
    findings.collect()
}

#[test]
fn all_are_asked_once_after_enrolling_and_then_daily() {
    let (mac, given, writes) = surveyed(&told(), acknowledged, NOW);
    let asked: Vec<_> = given.iter().map(|(survey, _)| *survey).collect();
    assert_eq!(asked, Survey::ALL);
    assert_eq!(findings(&writes).len(), 3);
    let (mac, given, writes) = surveyed(&mac, acknowledged, NOW + DAY / 2);
    assert!(
        given.is_empty() && writes.is_empty(),
        "steady state writes nothing"
    );
    let (_, again, _) = surveyed(&mac, acknowledged, NOW + DAY + 3_600);
    assert_eq!(again.len(), 3);
    let other_device = Enrollment {
        id: "D2".parse().unwrap(),
        ..mac.clone()
    };
    assert_ne!(
        due_at(&mac, &mac.facts, Survey::SecurityInfo, Catalog::builtin()),
        due_at(
            &other_device,
            &mac.facts,
            Survey::SecurityInfo,
            Catalog::builtin()
        ),
        "they drift apart"
    );
}

#[test]
fn a_survey_is_one_command_for_a_whole_round() {
    // The answer to the first begins the round, and must not rename the others, nor itself.
    let mac = told();
    let names = |mac: &Enrollment, now| Survey::ALL.map(|survey| command_uuid(mac, survey, now));
    let before = names(&mac, NOW);
    let (later, given, _) = surveyed(&mac, acknowledged, NOW);
    assert_eq!(
        given.into_iter().map(|(_, uuid)| uuid).collect::<Vec<_>>(),
        before
    );
    assert_eq!(names(&later, NOW), before);
    assert_ne!(names(&later, NOW + 2 * DAY), before);
    let next = Enrollment {
        generation: 2,
        ..mac.clone()
    };
    assert_ne!(names(&next, NOW), before);
}

#[test]
fn what_cannot_be_told_now_is_asked_again_in_the_next_session() {
    let locked = |survey| match survey {
        Survey::SecurityInfo => (Answer::NotNow, None),
        other => acknowledged(other),
    };
    let (mac, given, writes) = surveyed(&told(), locked, NOW);
    assert_eq!((given.len(), findings(&writes).len()), (3, 2));
    let (mac, given, _) = surveyed(&mac, acknowledged, NOW + 60);
    assert_eq!(given.len(), 1);
    assert_eq!(given[0].0, Survey::SecurityInfo);
    assert!(surveyed(&mac, acknowledged, NOW + 120).1.is_empty());
}

#[test]
fn a_refusal_is_an_answer_and_a_repeated_one_changes_nothing() {
    let refuses = |_| (Answer::Failed("12021".into()), None);
    let (mac, _, writes) = surveyed(&told(), refuses, NOW);
    assert!(
        findings(&writes)
            .iter()
            .all(|(_, outcome)| *outcome == Err("12021".into()))
    );
    assert_eq!(mac.facts, mac_facts());
    let wanted = wanted(1, "a");
    for survey in Survey::ALL {
        let (answer, found) = acknowledged(survey);
        let outcome = Says::Outcome(Piece::Survey(survey, found), answer);
        let decision = respond(&session(&mac, &wanted, &[]), &outcome, NOW).unwrap();
        assert_eq!((decision.writes, decision.reply), (vec![], None));
    }
}

#[test]
fn the_system_and_the_name_are_learned_and_nothing_of_what_the_device_is() {
    let responses = json!({"QueryResponses": {
        "OSVersion": "26.2", "BuildVersion": "25C56", "DeviceName": "Ann's Mac", "ProductName": "Mac14,2",
        "ModelName": "MacBook Air", "SerialNumber": "OTHER", "UDID": "OTHER",
    }});
    let answer = |survey| match survey {
        Survey::DeviceInformation => (Answer::Acknowledged, Some(responses.clone())),
        other => acknowledged(other),
    };
    let (mac, _, writes) = surveyed(&told(), answer, NOW);
    let learned = DeviceFacts {
        name: Some("Ann's Mac".into()),
        model: Some("Mac14,2".into()),
        os_version: Some(OsVersion::new(26, 2)),
        build: Some("25C56".into()),
        ..mac_facts()
    };
    assert_eq!(mac.facts, learned);
    assert!(
        writes.contains(&Write::Wake(mac.id.clone(), NOW)),
        "its audience may be another now"
    );
    // Nonsense teaches nothing, and is no reason to refuse the answer.
    for nonsense in [
        json!({"QueryResponses": {"OSVersion": "new", "DeviceName": 5, "BuildVersion": "x".repeat(2_000)}}),
        json!({"QueryResponses": []}),
        json!({}),
    ] {
        let answer = |_| (Answer::Acknowledged, Some(nonsense.clone()));
        let (same, given, writes) = surveyed(&told(), answer, NOW);
        assert_eq!((given.len(), findings(&writes).len()), (3, 3));
        assert_eq!(same.facts, mac_facts());
    }
}

#[test]
fn each_platform_is_asked_what_it_can_answer() {
    let of = |platform| {
        queries(&DeviceFacts {
            platform,
            ..mac_facts()
        })
    };
    assert!(of(Some(Platform::MacOs)).contains(&"IsAppleSilicon"));
    assert!(of(Some(Platform::Ios)).contains(&"ServiceSubscriptions"));
    assert!(!of(Some(Platform::TvOs)).contains(&"ServiceSubscriptions"));
    let user = DeviceFacts {
        udid: None,
        ..mac_facts()
    };
    let every = [None, Some(Platform::MacOs), Some(Platform::WatchOs)];
    for asked in every.map(of).iter().chain([&queries(&user)]) {
        let mut once = asked.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), asked.len());
        assert!(
            ["OSVersion", "DeviceName"]
                .iter()
                .all(|name| asked.contains(name))
        );
    }
    assert!(!queries(&user).contains(&"SerialNumber"));
}
