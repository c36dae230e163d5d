//! Migration: what a replay may change, and which certificate the first contact pins.

use std::collections::BTreeSet;

use ordain_model::checkin::{AuthenticateState, EnrollmentPolicy, Presented, Refusal, admit};
use ordain_model::decision::{Claim, Decision, EscrowKind, Role, Write};
use ordain_model::enrollment::{ApnsToken, Enrollment, Memberships, Phase, Push};
use ordain_model::ids::EnrollmentId;
use ordain_model::migration::{
    GENERATION, NotReplayed, Window, authenticate, first_contact, set_bootstrap_token, token_update,
};
use proptest::prelude::*;

use crate::checkin::{claims, identity, presented};
use crate::fixtures::*;

const POLICY: EnrollmentPolicy = EnrollmentPolicy {
    open: false,
    allow_reenrollment: false,
};
const OPEN: Window = Window {
    until: NOW + 100,
    ca: None,
};

fn push(token: &str) -> Push {
    Push::Apns(ApnsToken {
        topic: "com.apple.mgmt.External.test".into(),
        magic: "magic".into(),
        token: token.into(),
    })
}

fn replayed(device: Option<&Enrollment>, elsewhere: &[&str]) -> Result<Decision<()>, NotReplayed> {
    let state = AuthenticateState {
        device: device.cloned(),
        identity: None,
        claimed_elsewhere: names(elsewhere),
    };
    authenticate(&state, &enrolled().id, mac_facts(), POLICY, NOW)
}

/// A Mac that was migrated and has not come yet.
fn migrated() -> Enrollment {
    let device = after(&enrolled(), &replayed(None, &[]).unwrap().writes);
    let id = device.id.clone();
    let decision = token_update(Some(&device), None, &id, push("00"), None, NOW).unwrap();
    after(&device, &decision.writes)
}

fn user() -> EnrollmentId {
    "D1:ann".parse().unwrap()
}

#[test]
fn what_is_replayed_is_an_enrollment_without_a_certificate() {
    let device = migrated();
    assert_eq!((device.generation, device.identity), (GENERATION, None));
    assert_eq!((device.phase, &device.push), (Phase::Enrolled, &Some(push("00"))));
    assert_eq!(
        (&device.facts, device.memberships),
        (&mac_facts(), Memberships::Granted)
    );

    let writes = replayed(None, &[]).unwrap().writes;
    let first = claims(&[("D1", Claim::First), ("S1", Claim::First)]);
    assert_eq!(writes[0], Write::Claims(device.id.clone(), first));
    // A name that another device went by first makes it wait, as in any enrollment.
    let others = replayed(None, &["S1"]).unwrap().writes;
    assert_eq!(after(&enrolled(), &others).memberships, Memberships::Waiting);
}

#[test]
fn a_replay_repeated_changes_only_what_is_new() {
    let device = migrated();
    assert_eq!(replayed(Some(&device), &["S1"]).unwrap().writes, []);
    let id = device.id.clone();
    let again = |token, unlock| token_update(Some(&device), None, &id, push(token), unlock, NOW).unwrap();
    assert_eq!(again("00", None).writes, []);
    let moved = again("01", Some(vec![1]));
    assert_eq!(after(&device, &moved.writes).push, Some(push("01")));
    assert!(moved.writes.contains(&Write::Wake(id.clone(), NOW)));
    assert!(
        moved
            .writes
            .contains(&Write::Escrow(id.clone(), EscrowKind::Unlock, Some(vec![1])))
    );
    let mut other = device.clone();
    other.facts.name = Some("another name".into());
    let renamed = after(&other, &replayed(Some(&other), &[]).unwrap().writes);
    assert_eq!(renamed, device, "and it keeps what TokenUpdate said");
}

#[test]
fn nothing_changes_once_a_certificate_is_pinned() {
    let pinned = Enrollment {
        identity: Some(presented("c").pin),
        ..migrated()
    };
    let id = pinned.id.clone();
    let nothing = Ok(Decision::reply(()));
    let mut other = pinned.clone();
    other.facts.name = Some("another name".into());
    assert_eq!(replayed(Some(&other), &[]), nothing);
    let update = token_update(Some(&pinned), None, &id, push("01"), Some(vec![1]), NOW);
    assert_eq!(update, nothing);
    assert_eq!(
        set_bootstrap_token(Some(&pinned), Some(&pinned), Some(vec![1])),
        nothing
    );
    // A user of whom nothing came yet is no change of what is there.
    let writes = token_update(Some(&pinned), None, &user(), push("02"), None, NOW)
        .unwrap()
        .writes;
    let ann = after(&pinned, &writes);
    assert_eq!(
        (&ann.id, ann.identity, ann.generation),
        (&user(), pinned.identity, GENERATION)
    );
    let again = token_update(Some(&pinned), Some(&ann), &user(), push("03"), None, NOW);
    assert_eq!(again, nothing);
}

#[test]
fn what_is_enrolled_here_by_itself_is_left_alone() {
    let here = enrolled();
    let id = here.id.clone();
    let refused = Err(NotReplayed::EnrolledHere);
    assert_eq!(replayed(Some(&here), &[]), refused);
    assert_eq!(
        token_update(Some(&here), None, &id, push("01"), None, NOW),
        refused
    );
    assert_eq!(
        token_update(Some(&here), None, &user(), push("01"), None, NOW),
        refused
    );
    assert_eq!(set_bootstrap_token(Some(&here), Some(&here), None), refused);
}

#[test]
fn users_and_tokens_need_a_device() {
    let refused = Err(NotReplayed::NoDevice);
    assert_eq!(token_update(None, None, &user(), push("01"), None, NOW), refused);
    assert_eq!(set_bootstrap_token(None, None, Some(vec![1])), refused);
    let device = migrated();
    assert_eq!(set_bootstrap_token(Some(&device), None, Some(vec![1])), refused);
    let writes = set_bootstrap_token(Some(&device), Some(&device), Some(vec![1]))
        .unwrap()
        .writes;
    let escrowed = Write::Escrow(device.id.clone(), EscrowKind::Bootstrap, Some(vec![1]));
    assert_eq!(writes, [escrowed]);
}

#[test]
fn the_first_contact_pins_one_certificate_for_good() {
    let device = migrated();
    assert_eq!(admit(Some(&device), &presented("c")), Err(Refusal::NotPinned));
    let decision = first_contact(&device, None, &presented("c"), Some(&OPEN), NOW).unwrap();
    let pinned = after(&device, &decision.writes);
    assert_eq!(
        pinned,
        Enrollment {
            identity: Some(presented("c").pin),
            ..device.clone()
        }
    );
    let known = identity("c", Role::Pinned, Some("D1"), None);
    assert_eq!(decision.writes[0], Write::Identity(known));
    assert!(admit(Some(&pinned), &presented("c")).is_ok());
    assert_eq!(admit(Some(&pinned), &presented("d")), Err(Refusal::WrongIdentity));
    let second = first_contact(&pinned, None, &presented("d"), Some(&OPEN), NOW);
    assert_eq!(second, Err(Refusal::WrongIdentity));
}

#[test]
fn the_first_contact_refuses_every_other_certificate() {
    let device = migrated();
    let refused = |role, owner| {
        let known = identity("c", role, owner, None);
        first_contact(&device, Some(&known), &presented("c"), Some(&OPEN), NOW).unwrap_err()
    };
    assert_eq!(refused(Role::Pinned, Some("D2")), Refusal::ForeignIdentity);
    assert_eq!(refused(Role::Retired, Some("D1")), Refusal::RetiredIdentity);
    assert_eq!(refused(Role::Retired, Some("D2")), Refusal::RetiredIdentity);
    assert_eq!(refused(Role::Issued, Some("D2")), Refusal::WrongIdentity);
    assert_eq!(refused(Role::Issued, Some("D1")), Refusal::WrongIdentity);
    let own = Presented {
        own: true,
        ..presented("c")
    };
    assert_eq!(
        first_contact(&device, None, &own, Some(&OPEN), NOW),
        Err(Refusal::WrongIdentity)
    );
    let at = |now| {
        first_contact(
            &device,
            None,
            &presented("c"),
            Some(&Window {
                until: NOW + 9_000,
                ca: None,
            }),
            now,
        )
    };
    assert_eq!(at(NOW + 1_001), Err(Refusal::Expired));
    let left = Enrollment {
        phase: Phase::CheckedOut,
        ..device.clone()
    };
    let gone = first_contact(&left, None, &presented("c"), Some(&OPEN), NOW);
    assert_eq!(gone, Err(Refusal::CheckedOut));
}

#[test]
fn the_window_has_an_end_and_may_be_for_one_authority() {
    let device = migrated();
    let at =
        |window: Option<Window>, now| first_contact(&device, None, &presented("c"), window.as_ref(), now);
    assert_eq!(at(None, NOW), Err(Refusal::NotPinned));
    assert!(at(Some(OPEN), OPEN.until - 1).is_ok());
    assert_eq!(at(Some(OPEN), OPEN.until), Err(Refusal::NotPinned));
    let of = |ca: &str| {
        Some(Window {
            ca: Some(digest(ca)),
            ..OPEN
        })
    };
    assert!(at(of("a device CA"), NOW).is_ok());
    assert_eq!(at(of("another CA"), NOW), Err(Refusal::NotPinned));
}

fn role() -> impl Strategy<Value = Option<Role>> {
    prop_oneof![
        Just(None),
        Just(Some(Role::Issued)),
        Just(Some(Role::Pinned)),
        Just(Some(Role::Retired))
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Whatever comes together, a certificate is pinned only where every single condition holds.
    #[test]
    fn one_condition_missing_is_enough(
        role in role(),
        own in any::<bool>(),
        has_pin in any::<bool>(),
        of_the_ca in any::<bool>(),
        until in NOW - 2..NOW + 3,
        not_after in NOW - 2..NOW + 3,
        not_before in NOW - 86_402..NOW + 86_403,
    ) {
        let mut device = migrated();
        device.identity = has_pin.then(|| presented("pinned").pin);
        let mut shown = Presented { own, not_before, ..presented("c") };
        shown.pin.not_after = not_after;
        let ca = Some(if of_the_ca { shown.anchor } else { digest("another CA") });
        let known = role.map(|role| identity("c", role, Some("D1"), None));
        let outcome = first_contact(&device, known.as_ref(), &shown, Some(&Window { until, ca }), NOW);
        let may = role.is_none() && !own && !has_pin && of_the_ca && NOW < until
            && NOW <= not_after && not_before - 86_400 <= NOW;
        prop_assert_eq!(outcome.is_ok(), may);
    }

    /// No order of replays changes a device that has a pin, or gives one to a device that has none.
    #[test]
    fn replays_neither_pin_nor_touch_what_is_pinned(has_pin in any::<bool>(), steps in prop::collection::vec(0..4, 0..12)) {
        let mut device = migrated();
        device.identity = has_pin.then(|| presented("pinned").pin);
        let before = device.clone();
        let (mut user_channel, mut escrowed) = (None, BTreeSet::new());
        for step in steps {
            let id = device.id.clone();
            let decision = match step {
                0 => replayed(Some(&device), &[]),
                1 => token_update(Some(&device), None, &id, push("01"), Some(vec![1]), NOW),
                2 => set_bootstrap_token(Some(&device), Some(&device), None),
                _ => token_update(Some(&device), user_channel.as_ref(), &user(), push("02"), None, NOW),
            }.unwrap();
            for write in decision.writes {
                match write {
                    Write::Enrollment(row) if row.id == device.id => device = *row,
                    Write::Enrollment(row) => user_channel = Some(*row),
                    Write::Escrow(id, kind, _) => { escrowed.insert((id, kind.word())); }
                    Write::Wake(..) | Write::Claims(..) | Write::Event(_) => {}
                    other => prop_assert!(false, "{:?}", other),
                }
            }
        }
        prop_assert_eq!(device.identity, before.identity);
        if has_pin {
            prop_assert_eq!((device, escrowed), (before, BTreeSet::new()));
        }
    }
}
