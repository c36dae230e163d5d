//! Windows devices: enrolling by the rules of check-in, arriving, renewing, leaving; and nothing of Apple's is theirs.

use ordain_catalog::Catalog;
use ordain_model::agenda::{Work, agenda};
use ordain_model::checkin::{self, AuthenticateState, EnrollmentPolicy, Presented, Refusal};
use ordain_model::decision::{Claim, Decision, EscrowKind, Role, Write};
use ordain_model::device::DeviceFacts;
use ordain_model::enrollment::{Counts, Drifted, Enrollment, Memberships, Phase, Pin, Standing};
use ordain_model::event::EventKind;
use ordain_model::subject;
use ordain_model::windows::WindowsFacts;
use ordain_model::windows::enroll::{self, Enrolling, NotRenewable, admit, arrived, renew, unenroll};
use ordain_model::wish::Revision;
use ordain_model::world::World;

use crate::checkin::{identity, presented};
use crate::fixtures::*;

const DAY: i64 = 24 * 60 * 60;
const POLICY: EnrollmentPolicy = EnrollmentPolicy {
    open: false,
    allow_reenrollment: false,
};

fn facts() -> DeviceFacts {
    DeviceFacts {
        name: Some("LAB-PC-01".into()),
        os_version: "10.0.22631.3958".parse().ok(),
        windows: Some(Box::new(WindowsFacts {
            hardware_id: Some("AA11".into()),
            device_id: Some("9C2D".into()),
            edition: Some(48),
            ..WindowsFacts::default()
        })),
        ..DeviceFacts::default()
    }
}

fn enrolling(
    before: Option<&Enrollment>,
    claimed_elsewhere: &[&str],
    certificate: &str,
    serial: Option<&str>,
) -> Result<Decision<()>, Refusal> {
    let facts = facts();
    let id = facts.windows.as_ref().unwrap().enrollment_id().unwrap();
    let enrolling = Enrolling {
        id: &id,
        facts,
        certificate: Presented {
            own: true,
            ..presented(certificate)
        },
        serial: serial.map(str::to_owned),
        account: b"sealed".to_vec(),
    };
    enroll::enroll(
        no_world(),
        before,
        names(claimed_elsewhere),
        enrolling,
        POLICY,
        NOW,
    )
}

fn first() -> Enrollment {
    let writes = enrolling(None, &[], "one", None).unwrap().writes;
    after(&enrolled(), &writes)
}

fn arrive(device: &Enrollment) -> Enrollment {
    after(device, &arrived(device, device, NOW).unwrap().writes)
}

#[test]
fn what_issuing_writes() {
    let writes = enrolling(None, &[], "one", None).unwrap().writes;
    let device = after(&enrolled(), &writes);
    assert_eq!(
        (device.id.to_string(), device.generation, device.phase),
        ("AA11".into(), 1, Phase::Authenticated)
    );
    assert_eq!(
        (device.memberships, device.identity),
        (Memberships::Granted, Some(presented("one").pin))
    );
    let pinned = identity("one", Role::Pinned, Some("AA11"), None);
    assert!(writes.contains(&Write::Identity(pinned)));
    let claims = [("AA11".to_owned(), Claim::First)].into();
    assert!(writes.contains(&Write::Claims(device.id.clone(), claims)));
    let account = Write::Escrow(device.id.clone(), EscrowKind::DmAccount, Some(b"sealed".to_vec()));
    assert_eq!(writes.last(), Some(&account), "behind the end of a generation");
}

#[test]
fn the_first_message_completes_the_enrollment_once() {
    let device = first();
    let decision = arrived(&device, &device, NOW).unwrap();
    let Some(Write::Event(event)) = decision.writes.first() else {
        panic!("{decision:?}");
    };
    assert_eq!(event.kind, EventKind::Enrolled);
    assert_eq!(
        (&event.detail["platform"], &event.detail["name"]),
        (&"Windows".into(), &"LAB-PC-01".into())
    );
    let enrolled = arrive(&device);
    assert_eq!(enrolled.phase, Phase::Enrolled);
    assert_eq!(arrived(&enrolled, &enrolled, NOW), None);
    let left = after(&enrolled, &unenroll(&enrolled, &enrolled, NOW).writes);
    assert_eq!(arrived(&left, &left, NOW), None);
}

#[test]
fn the_same_hardware_again_is_a_new_generation_whose_memberships_wait() {
    let before = arrive(&first());
    let writes = enrolling(Some(&before), &[], "two", None).unwrap().writes;
    assert_eq!(writes[0], Write::EndGeneration(before.id.clone()));
    let retired = identity("one", Role::Retired, Some("AA11"), None);
    assert!(writes.contains(&Write::Identity(retired)));
    let again = after(&before, &writes);
    assert_eq!((again.generation, again.memberships), (2, Memberships::Waiting));
    // One that never arrived had nothing to inherit, and tries again.
    let again = after(
        &before,
        &enrolling(Some(&first()), &[], "two", None).unwrap().writes,
    );
    assert_eq!((again.generation, again.memberships), (2, Memberships::Granted));
    // Nor is a name given to the second who claims it.
    let second = after(&before, &enrolling(None, &["AA11"], "two", None).unwrap().writes);
    assert_eq!(second.memberships, Memberships::Waiting);
}

#[test]
fn a_token_for_a_serial_number_enrolls_no_windows_device() {
    assert_eq!(
        enrolling(None, &[], "one", Some("S1")).err(),
        Some(Refusal::WrongSerial)
    );
}

#[test]
fn the_two_protocols_share_no_device() {
    let (windows, mac) = (arrive(&first()), enrolled());
    // Whoever says to be the Mac, or the PC, by the other protocol.
    assert_eq!(
        enrolling(Some(&mac), &[], "two", None).err(),
        Some(Refusal::OtherProtocol)
    );
    let state = AuthenticateState {
        device: Some(windows.clone()),
        identity: Some(identity("one", Role::Pinned, Some("AA11"), None)),
        ..AuthenticateState::default()
    };
    let outcome = checkin::authenticate(
        no_world(),
        &state,
        &windows.id,
        mac_facts(),
        &presented("one"),
        POLICY,
        NOW,
    );
    assert_eq!(outcome.err(), Some(Refusal::OtherProtocol));
    assert!(admit(Some(&windows), &presented("one")).is_ok());
    assert_eq!(
        checkin::admit(Some(&windows), &presented("one")).err(),
        Some(Refusal::OtherProtocol)
    );
    assert!(checkin::admit(Some(&mac), &presented("pinned")).is_ok());
    assert_eq!(
        admit(Some(&mac), &presented("pinned")).err(),
        Some(Refusal::OtherProtocol)
    );
    assert_eq!(
        admit(Some(&windows), &presented("two")).err(),
        Some(Refusal::WrongIdentity)
    );
    assert_eq!(admit(None, &presented("one")).err(), Some(Refusal::NotEnrolled));
}

#[test]
fn certificates_are_renewed_in_their_period_only() {
    let device = arrive(&first());
    let end = NOW + 365 * DAY;
    let presented = Presented {
        pin: Pin {
            not_after: end,
            ..presented("one").pin
        },
        ..presented("one")
    };
    let at = |now| renew(&device, &presented, digest("two"), now).map(|decision| decision.writes);
    assert_eq!(at(end - 43 * DAY - 1), Err(NotRenewable::TooEarly));
    assert_eq!(at(end + 1), Err(NotRenewable::Expired));
    let issued = identity("two", Role::Issued, Some("AA11"), None);
    for now in [end - 43 * DAY, end] {
        assert_eq!(at(now), Ok(vec![Write::Identity(issued.clone())]));
    }
    // The first message under it makes it the identity, and no other device's.
    let two = crate::checkin::presented("two");
    let renewed = after(
        &device,
        &checkin::succeed(&device, &issued, &two, NOW).unwrap().writes,
    );
    assert_eq!(renewed.identity, Some(two.pin));
    assert!(admit(Some(&renewed), &two).is_ok());
    assert_eq!(
        admit(Some(&renewed), &presented).err(),
        Some(Refusal::WrongIdentity)
    );
}

#[test]
fn who_leaves_takes_the_certificate_along() {
    let device = arrive(&first());
    let writes = unenroll(&device, &device, NOW).writes;
    let left = after(&device, &writes);
    assert_eq!(left.phase, Phase::CheckedOut);
    let retired = identity("one", Role::Retired, Some("AA11"), None);
    assert!(writes.contains(&Write::Identity(retired.clone())));
    assert!(
        writes
            .iter()
            .any(|write| matches!(write, Write::Event(event) if event.kind == EventKind::CheckedOut))
    );
    assert_eq!(
        admit(Some(&left), &presented("one")).err(),
        Some(Refusal::CheckedOut)
    );
    assert_eq!(
        checkin::succeed(&left, &retired, &presented("one"), NOW).err(),
        Some(Refusal::RetiredIdentity)
    );
}

#[test]
fn nothing_of_apples_is_for_it() {
    let device = arrive(&first());
    let wish = wish(&[declaration(PASSCODE, "a", &[])], &["a"]);
    let revision = Revision {
        wish,
        ..Revision::nothing(digest("catalog"))
    };
    let world = World::new(revision, Catalog::builtin().clone());
    let wanted = world.wanted(&device, &device.id, None);
    assert!(wanted.manifest.entries().is_empty());
    let reason = &wanted.manifest.omissions[0].reason;
    assert_eq!(reason, "it is for Apple devices");
    // A Mac of which nothing is known gets what is wanted.
    let unknown = Enrollment {
        facts: DeviceFacts::default(),
        ..enrolled()
    };
    assert!(
        !world
            .wanted(&unknown, &unknown.id, None)
            .manifest
            .entries()
            .is_empty()
    );
    let token = wanted.manifest.token();
    let work = |pinned, queued| {
        let device = Enrollment {
            pinned,
            ..device.clone()
        };
        let agenda = agenda(&device, &device.facts, token, queued, Catalog::builtin(), NOW);
        agenda.map(|agenda| agenda.work)
    };
    assert_eq!(
        work(Some(token), None),
        None,
        "neither DeclarativeManagement nor surveys, and it has had a session for this"
    );
    for (pinned, queued) in [
        (None, None),
        (Some(digest("other")), None),
        (Some(token), Some(7)),
    ] {
        let expected = Work {
            token: (pinned != Some(token)).then_some(token),
            queued,
            round: None,
        };
        assert_eq!(work(pinned, queued), Some(expected));
    }
    let cleans = Enrollment {
        pinned: Some(token),
        standing: Some(Standing {
            at: NOW,
            held: None,
            judged: None,
            counts: Counts::default(),
            cleans: true,
            drift: Drifted::default(),
            disputed: 0,
            heard: None,
        }),
        ..device.clone()
    };
    let agenda = agenda(&cleans, &device.facts, token, None, Catalog::builtin(), NOW).unwrap();
    assert_eq!((agenda.at, agenda.work), (0, Work::default()));
    let terms = subject::terms(&device);
    assert_eq!(terms.get("platform"), Some(&"Windows".into()));
    assert_eq!(terms.get("os.version"), Some(&"10.0.22631.3958".into()));
    assert_eq!((terms.get("enrollment"), terms.get("supervised")), (None, None));
}

#[test]
fn rows_from_before_are_read_and_new_ones_read_back() {
    let device = first();
    let text = serde_json::to_string(&device).unwrap();
    assert_eq!(serde_json::from_str::<Enrollment>(&text).unwrap(), device);
    let mac = serde_json::to_value(enrolled()).unwrap();
    assert_eq!(mac["facts"].get("windows"), None);
}
