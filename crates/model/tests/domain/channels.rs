//! How channels come and go after Authenticate: TokenUpdate and CheckOut.

use ordain_model::checkin::{AuthenticateState, Refusal, check_out, token_update};
use ordain_model::decision::{EscrowKind, Role, Write};
use ordain_model::device::DeviceFacts;
use ordain_model::enrollment::{ApnsToken, Enrollment, Memberships, Offer, Phase, Push};
use ordain_model::ids::EnrollmentId;

use crate::checkin::{identity, presented, try_with};
use crate::fixtures::*;

pub(crate) fn push() -> Push {
    push_by("00ff")
}

fn push_by(token: &str) -> Push {
    Push::Apns(ApnsToken {
        topic: "com.apple.mgmt.External.x".into(),
        magic: "m".into(),
        token: token.into(),
    })
}

#[test]
fn token_update_completes_and_says_the_same_once() {
    let began = Enrollment {
        phase: Phase::Authenticated,
        ..enrolled()
    };
    let id = began.id.clone();
    let decision = token_update(&began, None, &id, push(), Some(b"u".to_vec()), NOW).unwrap();
    let done = after(&began, &decision.writes);
    assert_eq!((done.phase, &done.push), (Phase::Enrolled, &Some(push())));
    let kept = Write::Escrow(id.clone(), EscrowKind::Unlock, Some(b"u".to_vec()));
    assert!(decision.writes.contains(&kept));
    assert!(decision.writes.contains(&Write::Wake(id.clone(), NOW)));
    assert!(
        token_update(&done, None, &id, push(), None, NOW + 9)
            .unwrap()
            .writes
            .is_empty()
    );
    let moved = token_update(&done, None, &id, push_by("11"), None, NOW).unwrap();
    let is_escrow = |write: &Write| matches!(write, Write::Escrow(..));
    assert!(
        !moved.writes.is_empty() && !moved.writes.iter().any(is_escrow),
        "the stored unlock token is left alone"
    );
}

#[test]
fn a_user_comes_after_the_device_and_goes_without_it() {
    let user = EnrollmentId::user("D1", "ann").unwrap();
    let began = Enrollment {
        phase: Phase::Authenticated,
        ..enrolled()
    };
    assert_eq!(
        token_update(&began, None, &user, push(), None, NOW).unwrap_err(),
        Refusal::NotEnrolled
    );
    let device = Enrollment {
        generation: 3,
        stamp: NOW + 50,
        ..enrolled()
    };
    let decision = token_update(&device, None, &user, push(), None, NOW).unwrap();
    let channel = after(&device, &decision.writes);
    assert_eq!(
        (&channel.id, channel.generation, channel.phase),
        (&user, 3, Phase::Enrolled)
    );
    assert_eq!(
        (channel.identity, &channel.facts),
        (device.identity, &DeviceFacts::default())
    );
    assert_eq!(
        channel.stamp,
        NOW + 50,
        "no older one than a user before was given"
    );
    let again = token_update(&device, Some(&channel), &user, push(), None, NOW + 5).unwrap();
    assert!(again.writes.is_empty());
    assert!(
        check_out(&device, &user, NOW)
            .writes
            .contains(&Write::Forget(user))
    );
}

#[test]
fn check_out_ends_the_channels_and_keeps_the_certificate_and_the_stamp() {
    let device = Enrollment {
        push: Some(push()),
        pinned: Some(digest("t")),
        offer: Some(Offer {
            revision: 1,
            token: digest("t"),
            stamp: NOW,
        }),
        stamp: NOW,
        ..enrolled()
    };
    let decision = check_out(&device, &device.id, NOW);
    assert_eq!(decision.writes[0], Write::EndGeneration(device.id.clone()));
    let left = after(&device, &decision.writes);
    assert_eq!(
        left,
        Enrollment {
            phase: Phase::CheckedOut,
            stamp: NOW,
            ..enrolled()
        }
    );
    // It comes back as another generation, and its memberships wait.
    let state = AuthenticateState {
        device: Some(left),
        identity: Some(identity("pinned", Role::Pinned, Some("D1"), None)),
        ..Default::default()
    };
    assert_eq!(
        try_with(&state, mac_facts(), &presented("pinned")),
        Ok(Memberships::Waiting)
    );
}
