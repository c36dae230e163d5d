//! The trust of check-in: which certificate may do what, in one table, and what comes of it.

use std::collections::BTreeMap;

use ordain_model::checkin::{
    AuthenticateState, EnrollmentPolicy, Presented, Refusal, admit, authenticate, succeed,
};
use ordain_model::decision::{Claim, Identity, Role, Write};
use ordain_model::device::DeviceFacts;
use ordain_model::enrollment::{Answer, Enrollment, Memberships, Offer, Phase, Pin, Told};

use crate::channels::push;
use crate::fixtures::*;

const DAY: i64 = 24 * 60 * 60;

pub(crate) fn presented(certificate: &str) -> Presented {
    let pin = Pin {
        fingerprint: digest(certificate),
        not_after: NOW + 1_000,
    };
    Presented {
        pin,
        not_before: NOW - 1_000,
        own: false,
        anchor: digest("a device CA"),
    }
}

pub(crate) fn identity(certificate: &str, role: Role, owner: Option<&str>, serial: Option<&str>) -> Identity {
    Identity {
        fingerprint: digest(certificate),
        role,
        enrollment: owner.map(|owner| owner.parse().unwrap()),
        serial: serial.map(str::to_owned),
        usable_until: None,
    }
}

/// What is presented to Authenticate of D1, whose pinned certificate is "pinned" when it is enrolled already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Certificate {
    /// Of a device CA that an administrator named, never seen before.
    Unused,
    /// That of the enrollment itself.
    Pinned,
    /// The same, bound to its serial number by Ordain's own issue.
    PinnedAndBound,
    /// Pinned to another enrollment.
    OfAnother,
    /// Replaced.
    Retired,
    /// Replaced on another enrollment.
    RetiredOfAnother,
    /// Made by Ordain for whoever has it.
    Issued,
    /// Made by Ordain for this serial number.
    IssuedAndBound,
    /// Made by Ordain for another serial number.
    BoundToAnother,
    /// Made by Ordain to renew this enrollment.
    Renewal,
    /// Made by Ordain to renew another enrollment.
    RenewalOfAnother,
    /// Of Ordain's own CA, but not in its books.
    Forged,
}

impl Certificate {
    pub(crate) fn identity(self) -> Option<Identity> {
        use Role::{Issued, Pinned, Retired};
        let known = |role, owner, serial| Some(identity("c", role, owner, serial));
        match self {
            Self::Unused | Self::Forged => None,
            Self::Pinned => known(Pinned, Some("D1"), None),
            Self::PinnedAndBound => known(Pinned, Some("D1"), Some("S1")),
            Self::OfAnother => known(Pinned, Some("D2"), None),
            Self::Retired => known(Retired, Some("D1"), None),
            Self::RetiredOfAnother => known(Retired, Some("D2"), None),
            Self::Issued => known(Issued, None, None),
            Self::IssuedAndBound => known(Issued, None, Some("S1")),
            Self::BoundToAnother => known(Issued, None, Some("S2")),
            Self::Renewal => known(Issued, Some("D1"), None),
            Self::RenewalOfAnother => known(Issued, Some("D2"), None),
        }
    }
}

pub(crate) type Outcome = Result<Memberships, Refusal>;

pub(crate) fn attempt(certificate: Certificate, is_again: bool, open: bool, allow: bool) -> Outcome {
    let mut device = enrolled();
    if matches!(certificate, Certificate::Pinned | Certificate::PinnedAndBound) {
        device.identity = Some(presented("c").pin);
    }
    let state = AuthenticateState {
        device: is_again.then_some(device),
        identity: certificate.identity(),
        ..Default::default()
    };
    let presented = Presented {
        own: certificate == Certificate::Forged,
        ..presented("c")
    };
    let policy = EnrollmentPolicy {
        open,
        allow_reenrollment: allow,
    };
    let decision = authenticate(
        no_world(),
        &state,
        &enrolled().id,
        mac_facts(),
        &presented,
        policy,
        NOW,
    )?;
    let began = after(&enrolled(), &decision.writes);
    assert_eq!(began.generation, if is_again { 2 } else { 1 });
    assert_eq!(began.identity, Some(presented.pin));
    Ok(began.memberships)
}

pub(crate) fn try_with(state: &AuthenticateState, facts: DeviceFacts, presented: &Presented) -> Outcome {
    let policy = EnrollmentPolicy {
        open: true,
        allow_reenrollment: false,
    };
    let decision = authenticate(no_world(), state, &enrolled().id, facts, presented, policy, NOW)?;
    Ok(after(&enrolled(), &decision.writes).memberships)
}

pub(crate) fn claims(claims: &[(&str, Claim)]) -> BTreeMap<String, Claim> {
    claims
        .iter()
        .map(|&(name, claim)| (name.to_owned(), claim))
        .collect()
}

#[test]
fn who_may_authenticate() {
    use Certificate::*;
    use Refusal::*;
    let (granted, waiting) = (Ok(Memberships::Granted), Ok(Memberships::Waiting));
    // For each: first; again; again where re-enrollment is allowed; first, and again, where enrollment is closed.
    let table: [(Certificate, [Outcome; 5]); 12] = [
        (Unused, [granted, waiting, granted, Err(Closed), Err(Closed)]),
        (Pinned, [granted, waiting, granted, granted, waiting]),
        (PinnedAndBound, [granted, granted, granted, granted, granted]),
        (OfAnother, [Err(ForeignIdentity); 5]),
        (Retired, [Err(RetiredIdentity); 5]),
        (RetiredOfAnother, [Err(ForeignIdentity); 5]),
        (Issued, [granted, waiting, granted, granted, waiting]),
        (IssuedAndBound, [granted, granted, granted, granted, granted]),
        (BoundToAnother, [Err(WrongSerial); 5]),
        (Renewal, [granted, waiting, granted, granted, waiting]),
        (RenewalOfAnother, [Err(ForeignIdentity); 5]),
        (Forged, [Err(Closed); 5]),
    ];
    for (certificate, expected) in table {
        let outcomes = [
            attempt(certificate, false, true, false),
            attempt(certificate, true, true, false),
            attempt(certificate, true, true, true),
            attempt(certificate, false, false, false),
            attempt(certificate, true, false, false),
        ];
        assert_eq!(outcomes, expected, "{certificate:?}");
    }
}

#[test]
fn a_certificate_begins_within_its_validity_and_works_on_after_it() {
    let valid = presented("c");
    let of = |not_before: i64, not_after: i64| Presented {
        not_before,
        pin: Pin {
            not_after,
            ..valid.pin
        },
        ..valid
    };
    let unused = AuthenticateState::default();
    let pinned = AuthenticateState {
        identity: Certificate::Pinned.identity(),
        ..Default::default()
    };
    let issued = AuthenticateState {
        identity: Certificate::Issued.identity().map(|known| Identity {
            usable_until: Some(NOW),
            ..known
        }),
        ..Default::default()
    };
    let late = AuthenticateState {
        identity: Certificate::Issued.identity().map(|known| Identity {
            usable_until: Some(NOW - 1),
            ..known
        }),
        ..Default::default()
    };
    for (presented, first, again) in [
        (of(NOW - 9, NOW), true, true),
        (of(NOW + DAY, NOW + 2 * DAY), true, true),
        (of(NOW + DAY + 1, NOW + 2 * DAY), false, true),
        (of(NOW - 9, NOW - 1), false, true),
        (of(i64::MIN, i64::MIN), false, true),
    ] {
        assert_eq!(
            try_with(&unused, mac_facts(), &presented).is_ok(),
            first,
            "{presented:?}"
        );
        assert_eq!(
            try_with(&issued, mac_facts(), &presented).is_ok(),
            first,
            "{presented:?}"
        );
        assert_eq!(
            try_with(&pinned, mac_facts(), &presented).is_ok(),
            again,
            "{presented:?}"
        );
        assert_eq!(try_with(&late, mac_facts(), &presented), Err(Refusal::Expired));
    }
}

#[test]
fn a_new_generation_starts_with_nothing_but_its_stamp() {
    let before = Enrollment {
        generation: 4,
        push: Some(push()),
        offer: Some(Offer {
            revision: 1,
            token: digest("t"),
            stamp: NOW + 50,
        }),
        stamp: NOW + 50,
        pinned: Some(digest("t")),
        told: Some(Told {
            uuid: "u".into(),
            token: digest("t"),
            answer: Answer::None,
            at: 1,
            attempts: 1,
        }),
        capabilities: Some(digest("c")),
        ..enrolled()
    };
    let state = AuthenticateState {
        device: Some(before.clone()),
        ..Default::default()
    };
    let policy = EnrollmentPolicy {
        open: true,
        allow_reenrollment: true,
    };
    let facts = DeviceFacts {
        name: Some("renamed".into()),
        ..mac_facts()
    };
    let decision = authenticate(
        no_world(),
        &state,
        &before.id,
        facts.clone(),
        &presented("c"),
        policy,
        NOW,
    )
    .unwrap();
    let expected = Enrollment {
        generation: 5,
        phase: Phase::Authenticated,
        facts,
        identity: Some(presented("c").pin),
        stamp: NOW + 50,
        ..enrolled()
    };
    let retired = identity("pinned", Role::Retired, Some("D1"), None);
    let pinned = identity("c", Role::Pinned, Some("D1"), None);
    assert_eq!(
        decision.writes,
        [
            Write::EndGeneration(before.id.clone()),
            Write::Identity(retired),
            Write::NewIdentity(pinned),
            Write::Claims(
                before.id.clone(),
                claims(&[("D1", Claim::Said), ("S1", Claim::Said)])
            ),
            Write::Enrollment(Box::new(expected)),
        ]
    );
    // Its own certificate is not retired.
    let state = AuthenticateState {
        device: Some(before.clone()),
        identity: Some(identity("pinned", Role::Pinned, Some("D1"), None)),
        ..Default::default()
    };
    let decision = authenticate(
        no_world(),
        &state,
        &before.id,
        mac_facts(),
        &presented("pinned"),
        policy,
        NOW,
    )
    .unwrap();
    let retires =
        |write: &Write| matches!(write, Write::Identity(identity) if identity.role == Role::Retired);
    assert!(!decision.writes.iter().any(retires));
}

#[test]
fn only_the_pinned_certificate_is_let_in() {
    let device = enrolled();
    assert_eq!(admit(Some(&device), &presented("pinned")), Ok(&device));
    assert_eq!(admit(Some(&device), &presented("c")), Err(Refusal::WrongIdentity));
    assert_eq!(admit(None, &presented("pinned")), Err(Refusal::NotEnrolled));
    let left = Enrollment {
        phase: Phase::CheckedOut,
        ..enrolled()
    };
    assert_eq!(admit(Some(&left), &presented("pinned")), Err(Refusal::CheckedOut));
    assert_eq!(
        admit(Some(&left), &presented("c")),
        Err(Refusal::WrongIdentity),
        "and learns no more than that"
    );
    let expired = Presented {
        pin: Pin {
            not_after: 0,
            ..presented("pinned").pin
        },
        ..presented("pinned")
    };
    assert!(admit(Some(&device), &expired).is_ok());
}

#[test]
fn a_successor_takes_the_place_of_the_pinned_certificate() {
    let device = enrolled();
    let renewal = identity("c", Role::Issued, Some("D1"), Some("S1"));
    let decision = succeed(&device, &renewal, &presented("c"), NOW).unwrap();
    let renewed = after(&device, &decision.writes);
    assert_eq!(
        renewed,
        Enrollment {
            identity: Some(presented("c").pin),
            ..device.clone()
        },
        "nothing else changes"
    );
    assert_eq!(
        decision.writes[0],
        Write::Identity(identity("pinned", Role::Retired, Some("D1"), None))
    );
    assert!(
        matches!(&decision.writes[1], Write::Identity(new) if new.role == Role::Pinned && new.serial == renewal.serial)
    );

    let refused = |identity: &Identity| succeed(&device, identity, &presented("c"), NOW).unwrap_err();
    assert_eq!(
        refused(&identity("c", Role::Issued, Some("D2"), None)),
        Refusal::WrongIdentity
    );
    assert_eq!(
        refused(&identity("c", Role::Issued, None, None)),
        Refusal::WrongIdentity
    );
    assert_eq!(
        refused(&identity("c", Role::Retired, Some("D1"), None)),
        Refusal::RetiredIdentity
    );
    assert_eq!(
        refused(&identity("c", Role::Pinned, Some("D2"), None)),
        Refusal::ForeignIdentity
    );
    let late = Identity {
        usable_until: Some(NOW - 1),
        ..renewal.clone()
    };
    assert_eq!(refused(&late), Refusal::Expired);
    let left = Enrollment {
        phase: Phase::CheckedOut,
        ..enrolled()
    };
    assert_eq!(
        succeed(&left, &renewal, &presented("c"), NOW).unwrap_err(),
        Refusal::CheckedOut
    );
}
