//! Whose names count: listed memberships go to the first device that claimed a name, or to who proves it.

use ordain_model::checkin::{AuthenticateState, EnrollmentPolicy, Refusal, approve, authenticate};
use ordain_model::decision::{Claim, Role, Write};
use ordain_model::device::DeviceFacts;
use ordain_model::enrollment::{Enrollment, Memberships, Phase};

use crate::checkin::{Certificate, claims, identity, presented, try_with};
use crate::fixtures::*;

/// A new device D1 of serial number S1, when another one claimed some of that before: a name is a name, whichever of
/// them it is to whom.
#[test]
fn a_name_that_another_device_claimed_waits_unless_it_is_bound() {
    use Certificate::*;
    use Memberships::{Granted, Waiting};
    // For each: an unused certificate, an issued one, one issued for S1.
    let table: [(&[&str], [Memberships; 3]); 4] = [
        (&[], [Granted, Granted, Granted]),
        (&["S1"], [Waiting, Waiting, Granted]),
        (&["D1"], [Waiting, Waiting, Waiting]),
        (&["D1", "S1"], [Waiting, Waiting, Waiting]),
    ];
    for (elsewhere, outcomes) in table {
        for (certificate, expected) in [Unused, Issued, IssuedAndBound].into_iter().zip(outcomes) {
            let state = AuthenticateState {
                device: None,
                identity: certificate.identity(),
                claimed_elsewhere: names(elsewhere),
            };
            let outcome = try_with(&state, mac_facts(), &presented("c"));
            assert_eq!(outcome, Ok(expected), "{elsewhere:?} {certificate:?}");
        }
    }
}

/// What is granted because nobody else has the name is lost if somebody has by then.
#[test]
fn who_is_granted_for_being_first_claims_to_be_first() {
    let (said, first) = (Claim::Said, Claim::First);
    let claimed = |certificate: Certificate, elsewhere: &[&str], allow: bool| {
        let state = AuthenticateState {
            device: None,
            identity: certificate.identity(),
            claimed_elsewhere: names(elsewhere),
        };
        let policy = EnrollmentPolicy {
            open: true,
            allow_reenrollment: allow,
        };
        let id = &enrolled().id;
        let decision =
            authenticate(no_world(), &state, id, mac_facts(), &presented("c"), policy, NOW).unwrap();
        let written = decision.writes.into_iter().find_map(|write| match write {
            Write::Claims(device, claims) if device == *id => Some(claims),
            _ => None,
        });
        written.unwrap()
    };
    let of = |device, serial| claims(&[("D1", device), ("S1", serial)]);
    assert_eq!(claimed(Certificate::Unused, &[], false), of(first, first));
    assert_eq!(claimed(Certificate::Unused, &["S1"], false), of(said, said));
    assert_eq!(
        claimed(Certificate::IssuedAndBound, &["S1"], false),
        of(first, said)
    );
    assert_eq!(
        claimed(Certificate::IssuedAndBound, &["D1"], false),
        of(said, said)
    );
    assert_eq!(claimed(Certificate::Unused, &["S1"], true), of(said, said));
}

/// A certificate bound to S1 proves S1, and not that this is D1.
#[test]
fn a_bound_certificate_proves_its_serial_number_alone() {
    let again = |serial: Option<&str>, memberships, phase| {
        let state = AuthenticateState {
            device: Some(Enrollment {
                memberships,
                phase,
                facts: DeviceFacts {
                    serial: serial.map(str::to_owned),
                    ..mac_facts()
                },
                ..enrolled()
            }),
            identity: Certificate::IssuedAndBound.identity(),
            ..Default::default()
        };
        try_with(&state, mac_facts(), &presented("c")).unwrap()
    };
    use Memberships::{Granted, Waiting};
    for phase in [Phase::Enrolled, Phase::CheckedOut] {
        assert_eq!(again(Some("S1"), Granted, phase), Granted);
        assert_eq!(again(Some("S2"), Granted, phase), Waiting, "another device");
        assert_eq!(again(None, Granted, phase), Waiting);
    }
    for phase in [Phase::Authenticated, Phase::Enrolled, Phase::CheckedOut] {
        assert_eq!(
            again(Some("S1"), Waiting, phase),
            Waiting,
            "the wait is not washed off"
        );
    }
}

#[test]
fn a_bound_certificate_demands_its_serial_number() {
    let state = AuthenticateState {
        identity: Certificate::IssuedAndBound.identity(),
        ..Default::default()
    };
    let silent = DeviceFacts {
        serial: None,
        ..mac_facts()
    };
    assert_eq!(
        try_with(&state, silent, &presented("c")),
        Err(Refusal::WrongSerial)
    );
}

/// What a generation was granted by approval or by its certificate, another certificate does not inherit, though the
/// generation was never completed.
#[test]
fn an_incomplete_generation_gives_its_memberships_to_its_own_certificate_alone() {
    let incomplete = |generation, memberships| AuthenticateState {
        device: Some(Enrollment {
            generation,
            memberships,
            phase: Phase::Authenticated,
            ..enrolled()
        }),
        ..Default::default()
    };
    let same = |state: AuthenticateState| {
        let state = AuthenticateState {
            identity: Some(identity("pinned", Role::Pinned, Some("D1"), None)),
            ..state
        };
        try_with(&state, mac_facts(), &presented("pinned"))
    };
    let other = |state: AuthenticateState| try_with(&state, mac_facts(), &presented("c"));
    let (granted, waiting) = (Memberships::Granted, Memberships::Waiting);
    assert_eq!(
        same(incomplete(1, granted)),
        Ok(granted),
        "the profile failed to install, and it tries again"
    );
    assert_eq!(same(incomplete(2, granted)), Ok(granted));
    assert_eq!(same(incomplete(2, waiting)), Ok(waiting));
    assert_eq!(
        other(incomplete(1, granted)),
        Ok(granted),
        "there was nothing before"
    );
    assert_eq!(other(incomplete(1, waiting)), Ok(waiting));
    assert_eq!(other(incomplete(2, granted)), Ok(waiting));
    let claimed = AuthenticateState {
        claimed_elsewhere: names(&["S1"]),
        ..incomplete(1, granted)
    };
    assert_eq!(other(claimed.clone()), Ok(waiting));
    assert_eq!(
        same(claimed),
        Ok(waiting),
        "what was decided was not decided for this name"
    );
}

#[test]
fn approval_is_for_what_waits() {
    assert_eq!(approve(no_world(), silent(&enrolled()), NOW), Ok(None));
    let waiting = Enrollment {
        memberships: Memberships::Waiting,
        ..enrolled()
    };
    let approved = approve(no_world(), silent(&waiting), NOW).unwrap().unwrap();
    assert_eq!(after(&waiting, &approved.writes), enrolled());
    assert_eq!(
        approved.writes[1],
        Write::Claims(
            waiting.id,
            claims(&[("D1", Claim::Approved), ("S1", Claim::Approved)])
        )
    );
}
