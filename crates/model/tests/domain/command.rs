//! The DeclarativeManagement command, derived.

use std::collections::BTreeSet;

use ordain_catalog::{OsVersion, Platform};
use ordain_model::decision::Decision;
use ordain_model::device::DeviceFacts;
use ordain_model::enrollment::{Answer, Counts, Enrollment, Offer, Phase, Standing};
use ordain_model::session::{self, Piece, Says, Session};
use ordain_model::sync::{Behind, Wanted, declaration_items, tokens};

use crate::fixtures::*;

/// A DeclarativeManagement command.
#[derive(Debug, Clone, PartialEq)]
struct Give {
    uuid: String,
    offer: Offer,
}

/// What is answered on a channel without a queue; of the inventory nothing is told here.
fn respond(
    enrollment: &Enrollment,
    says: &Says,
    wanted: &Wanted,
    device: &DeviceFacts,
    now: i64,
) -> Result<Decision<Option<Give>>, Behind> {
    let session = Session {
        device,
        ..session(enrollment, wanted, &[])
    };
    let decision = session::respond(&session, says, now)?;
    let reply = match decision.reply {
        Some(session::Give::Declarations { uuid, offer }) => Some(Give { uuid, offer }),
        _ => None,
    };
    Ok(Decision {
        writes: decision.writes,
        reply,
    })
}

/// A device at the command channel.
struct Device {
    enrollment: Enrollment,
    now: i64,
}

impl Device {
    fn new() -> Self {
        Self {
            enrollment: enrolled(),
            now: NOW,
        }
    }

    fn says(&mut self, says: &Says, wanted: &Wanted) -> Option<Give> {
        let facts = self.enrollment.facts.clone();
        let decision = respond(&self.enrollment, says, wanted, &facts, self.now).unwrap();
        assert!(
            decision.reply.is_none() || !decision.writes.is_empty(),
            "what is given is written down"
        );
        self.enrollment = after(&self.enrollment, &decision.writes);
        decision.reply
    }

    fn idle(&mut self, wanted: &Wanted) -> Option<Give> {
        self.says(&Says::Idle, wanted)
    }

    fn answers(&mut self, give: &Give, answer: Answer, wanted: &Wanted) -> Option<Give> {
        let told = self.enrollment.told.as_ref().unwrap();
        assert_eq!(told.uuid, give.uuid);
        self.says(&Says::Outcome(Piece::Declarations, answer), wanted)
    }

    fn fetches_items(&mut self, wanted: &Wanted) {
        let decision = declaration_items(&self.enrollment, wanted, self.now).unwrap();
        self.enrollment = after(&self.enrollment, &decision.writes);
    }

    fn holds(&mut self, wanted: &Wanted) {
        let token = Some(wanted.manifest.token());
        let counts = Counts::default();
        self.enrollment.standing = Some(Standing {
            heard: None,
            at: self.now,
            held: token,
            judged: token,
            cleans: false,
            disputed: 0,
            drift: Default::default(),
            counts,
        });
    }
}

fn nothing() -> Wanted {
    Wanted {
        revision: 0,
        manifest: manifest(&[]),
        made: [].into(),
    }
}

#[test]
fn the_first_one_is_always_sent_even_for_nothing() {
    for mut device in [Device::new(), Device::new()] {
        device.holds(&nothing());
        device.fetches_items(&nothing());
        let give = device.idle(&nothing()).expect("it switches DDM on");
        assert_eq!(give.offer.token, nothing().manifest.token());
        assert_eq!(device.enrollment.offer, Some(give.offer));
        assert_eq!(device.answers(&give, Answer::Acknowledged, &nothing()), None);
        device.now += 1_000_000;
        assert_eq!(device.idle(&nothing()), None);
    }
}

#[test]
fn not_twice_in_a_session() {
    let mut device = Device::new();
    let give = device.idle(&wanted(1, "a")).unwrap();
    // Not even when something else was published meanwhile.
    for answer in [
        Answer::Acknowledged,
        Answer::NotNow,
        Answer::Failed("12021".into()),
    ] {
        let mut session = Device {
            enrollment: device.enrollment.clone(),
            now: device.now,
        };
        assert_eq!(session.answers(&give, answer.clone(), &wanted(2, "b")), None);
        assert_eq!(
            session.answers(&give, answer.clone(), &wanted(2, "b")),
            None,
            "a result that comes twice"
        );
        assert_eq!(session.enrollment.told.as_ref().unwrap().answer, answer);
    }
}

#[test]
fn the_same_command_when_the_session_broke_or_it_could_not() {
    let mut device = Device::new();
    let wanted = wanted(1, "a");
    let give = device.idle(&wanted).unwrap();
    device.now += 1;
    assert_eq!(device.idle(&wanted), Some(give.clone()), "the answer was lost");
    assert_eq!(device.answers(&give, Answer::NotNow, &wanted), None);
    device.now += 1;
    assert_eq!(device.idle(&wanted), Some(give.clone()), "in the next session");
    assert_eq!(device.answers(&give, Answer::Acknowledged, &wanted), None);
    assert_eq!(device.idle(&wanted), None);
}

#[test]
fn an_acknowledged_one_is_repeated_with_growing_patience() {
    let mut device = Device::new();
    let wanted = wanted(1, "a");
    let mut uuids = BTreeSet::new();
    let mut waits = Vec::new();
    for round in 0..14 {
        let give = device.idle(&wanted).unwrap();
        assert!(uuids.insert(give.uuid.clone()), "another command");
        assert_eq!(give.offer, device.enrollment.offer.unwrap());
        let answer = if round % 2 == 0 {
            Answer::Acknowledged
        } else {
            Answer::Failed("no".into())
        };
        device.answers(&give, answer, &wanted);
        let answered = device.now;
        let wait = (1..=1_000).map(|minutes| minutes * 60).find(|wait| {
            device.now = answered + wait;
            respond(&device.enrollment, &Says::Idle, &wanted, &mac_facts(), device.now)
                .unwrap()
                .reply
                .is_some()
        });
        waits.push(wait.unwrap() / 60);
    }
    assert_eq!(waits[..5], [1, 2, 4, 8, 16]);
    assert!(waits.is_sorted() && waits[13] == 360, "{waits:?}");
    device.fetches_items(&wanted);
    device.now += 1_000_000;
    assert_eq!(device.idle(&wanted), None, "it has fetched the items");
}

#[test]
fn who_holds_it_or_has_fetched_it_is_told_nothing() {
    let (old, new) = (wanted(1, "a"), wanted(2, "b"));
    for has_it in [Device::holds, Device::fetches_items] {
        let mut device = Device::new();
        let first = device.idle(&old).unwrap();
        device.answers(&first, Answer::Acknowledged, &old);
        has_it(&mut device, &old);
        assert_eq!(device.idle(&old), None);
        // Something else is told at once, and as another command.
        let second = device.idle(&new).unwrap();
        assert_ne!(second.uuid, first.uuid);
        device.answers(&second, Answer::Acknowledged, &new);
        has_it(&mut device, &new);
        assert_eq!(device.idle(&new), None);
        // The older state again is news.
        device.now += 1_000;
        let mut back = wanted(3, "a");
        back.revision = 3;
        device.enrollment.standing = None;
        let third = device.idle(&back).unwrap();
        assert!(third.offer.stamp > second.offer.stamp);
        assert!(![first.uuid, second.uuid].contains(&third.uuid));
    }
}

#[test]
fn who_cannot_take_it_is_not_told() {
    let given = |phase, facts: &DeviceFacts| {
        let enrollment = Enrollment { phase, ..enrolled() };
        respond(&enrollment, &Says::Idle, &wanted(1, "a"), facts, NOW)
            .unwrap()
            .reply
            .is_some()
    };
    assert!(given(Phase::Enrolled, &mac_facts()));
    assert!(
        given(Phase::Enrolled, &DeviceFacts::default()),
        "unknown excludes nothing"
    );
    assert!(!given(Phase::Authenticated, &mac_facts()));
    assert!(!given(Phase::CheckedOut, &mac_facts()));
    let old = DeviceFacts {
        os_version: Some(OsVersion::new(12, 6)),
        ..mac_facts()
    };
    assert!(!given(Phase::Enrolled, &old));
    let watch = DeviceFacts {
        platform: Some(Platform::WatchOs),
        os_version: Some(OsVersion::new(9, 0)),
        ..mac_facts()
    };
    assert!(!given(Phase::Enrolled, &watch));
}

#[test]
fn a_node_that_is_behind_gives_nothing() {
    let told = after(
        &enrolled(),
        &tokens(&enrolled(), &wanted(5, "new"), NOW).unwrap().writes,
    );
    let outcome = respond(&told, &Says::Idle, &wanted(4, "old"), &mac_facts(), NOW);
    assert_eq!(outcome.unwrap_err(), Behind);
}

#[test]
fn every_node_names_the_command_alike_and_each_generation_anew() {
    let give = |enrollment: &Enrollment| {
        respond(enrollment, &Says::Idle, &wanted(1, "a"), &mac_facts(), NOW)
            .unwrap()
            .reply
            .unwrap()
    };
    assert_eq!(give(&enrolled()), give(&enrolled()));
    let next = Enrollment {
        generation: 2,
        ..enrolled()
    };
    assert_ne!(give(&enrolled()).uuid, give(&next).uuid);
    let uuid = give(&enrolled()).uuid;
    let parts: Vec<usize> = uuid.split('-').map(str::len).collect();
    assert_eq!(parts, [8, 4, 4, 4, 12]);
    assert!(
        uuid.chars()
            .all(|c| c == '-' || c.is_ascii_digit() || ('A'..='F').contains(&c)),
        "{uuid}"
    );
}
