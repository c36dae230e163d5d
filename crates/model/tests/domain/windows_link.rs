//! Linked enrollments: who is given one, what that writes, and that neither channel's certificate opens the other.

use ordain_model::checkin::{self, Presented, Refusal};
use ordain_model::decision::{EscrowKind, Role, Write};
use ordain_model::device::DeviceFacts;
use ordain_model::enrollment::{Enrollment, Phase, Pin};
use ordain_model::event::EventKind;
use ordain_model::windows::enroll::{admit, arrived, renew, unenroll};
use ordain_model::windows::link::{Linking, NotLinked, Proof, Shown, belongs, link};
use ordain_model::windows::{CertificateStore, Entra, WindowsFacts};

use crate::checkin::{identity, presented};
use crate::fixtures::*;

const LINKED: &str = "AA11::linked";
const ENTRA: &str = "77777777-0000-0000-0000-00000000000A";

/// A PC with a complete enrollment, in its second generation.
fn pc() -> Enrollment {
    Enrollment {
        id: "AA11".parse().unwrap(),
        generation: 2,
        stamp: 40,
        facts: DeviceFacts {
            windows: Some(Box::new(WindowsFacts {
                hardware_id: Some("AA11".into()),
                device_id: Some("9C2D".into()),
                ..WindowsFacts::default()
            })),
            ..DeviceFacts::default()
        },
        ..enrolled()
    }
}

fn linking(certificate: &str) -> Linking {
    Linking {
        windows: WindowsFacts {
            device_id: Some("5E5E".into()),
            store: CertificateStore::System,
            ..WindowsFacts::default()
        },
        certificate: Presented {
            own: true,
            ..presented(certificate)
        },
        account: b"sealed".to_vec(),
        signed_at: None,
    }
}

fn linked(before: Option<&Enrollment>, certificate: &str) -> (Enrollment, Vec<Write>) {
    let writes = link(Some(&pc()), before, linking(certificate), NOW)
        .unwrap()
        .writes;
    let row = writes.iter().find_map(|write| match write {
        Write::Enrollment(row) => Some((**row).clone()),
        _ => None,
    });
    (row.unwrap(), writes)
}

#[test]
fn what_issuing_writes() {
    let (row, writes) = linked(None, "dc");
    assert_eq!(
        (row.id.to_string().as_str(), row.generation, row.phase, row.stamp),
        (LINKED, 2, Phase::Authenticated, 40)
    );
    assert_eq!(row.identity, Some(presented("dc").pin));
    assert!(writes.contains(&Write::Identity(identity("dc", Role::Pinned, Some(LINKED), None))));
    let account = Write::Escrow(row.id.clone(), EscrowKind::DmAccount, Some(b"sealed".to_vec()));
    assert!(writes.contains(&account));
    // Nothing of the device's own is touched.
    assert!(
        writes
            .iter()
            .all(|write| !matches!(write, Write::EndGeneration(_) | Write::Claims(..)))
    );
    // Once more: what was before is worth nothing.
    let before = Enrollment { stamp: 50, ..row };
    let (again, writes) = linked(Some(&before), "dc2");
    assert_eq!(writes[0], Write::EndGeneration(before.id.clone()));
    assert!(writes.contains(&Write::Identity(identity(
        "dc",
        Role::Retired,
        Some(LINKED),
        None
    ))));
    assert_eq!((again.stamp, again.identity), (50, Some(presented("dc2").pin)));
}

#[test]
fn each_signed_message_counts_once() {
    let device = pc();
    let signed = |device: &Enrollment, at| {
        let linking = Linking {
            signed_at: Some(at),
            ..linking("dc")
        };
        link(Some(device), None, linking, NOW)
    };
    let writes = signed(&device, NOW - 60).unwrap().writes;
    let after = writes.iter().find_map(|write| match write {
        Write::Enrollment(row) if row.id == device.id => Some((**row).clone()),
        _ => None,
    });
    let after = after.unwrap();
    for at in [NOW - 60, NOW - 61] {
        assert_eq!(signed(&after, at).err(), Some(Refusal::Replayed));
    }
    assert!(signed(&after, NOW - 59).is_ok());
    // What is proven otherwise is as it was.
    assert!(link(Some(&after), None, linking("dc"), NOW).is_ok());
}

#[test]
fn only_a_device_that_is_enrolled_is_linked() {
    let refusal = |device: Option<&Enrollment>| link(device, None, linking("dc"), NOW).err();
    assert_eq!(refusal(None), Some(Refusal::NotEnrolled));
    assert_eq!(refusal(Some(&enrolled())), Some(Refusal::OtherProtocol), "a Mac");
    for (phase, expected) in [
        (Phase::Authenticated, Refusal::NotEnrolled),
        (Phase::CheckedOut, Refusal::CheckedOut),
    ] {
        assert_eq!(refusal(Some(&Enrollment { phase, ..pc() })), Some(expected));
    }
}

#[test]
fn the_channels_have_a_door_each() {
    let (device, (row, _)) = (pc(), linked(None, "dc"));
    assert!(admit(Some(&device), &presented("pinned")).is_ok());
    assert!(admit(Some(&row), &presented("dc")).is_ok());
    for (channel, certificate) in [(&device, "dc"), (&row, "pinned")] {
        assert_eq!(
            admit(Some(channel), &presented(certificate)).err(),
            Some(Refusal::WrongIdentity)
        );
    }
    // Nor does either take the place of the other's.
    let dc = identity("dc", Role::Pinned, Some(LINKED), None);
    assert!(checkin::succeed(&device, &dc, &presented("dc"), NOW).is_err());
    let successor = identity("next", Role::Issued, Some(LINKED), None);
    assert_eq!(
        checkin::succeed(&device, &successor, &presented("next"), NOW).err(),
        Some(Refusal::WrongIdentity)
    );
    let renewed = checkin::succeed(&row, &successor, &presented("next"), NOW).unwrap();
    assert!(renewed.writes.contains(&Write::Identity(identity(
        "dc",
        Role::Retired,
        Some(LINKED),
        None
    ))));
    let of_device = identity("next", Role::Issued, Some("AA11"), None);
    assert_eq!(
        checkin::succeed(&row, &of_device, &presented("next"), NOW).err(),
        Some(Refusal::WrongIdentity)
    );
}

#[test]
fn it_arrives_renews_and_leaves_by_itself() {
    let (device, (row, _)) = (pc(), linked(None, "dc"));
    let writes = arrived(&device, &row, NOW).unwrap().writes;
    let Some(Write::Event(event)) = writes.first() else {
        panic!("{writes:?}");
    };
    assert_eq!((event.kind, &event.enrollment), (EventKind::Enrolled, &row.id));
    let row = Enrollment {
        phase: Phase::Enrolled,
        ..row
    };
    assert_eq!(arrived(&device, &row, NOW), None);
    let shown = Presented {
        pin: Pin {
            not_after: NOW + 1,
            ..presented("dc").pin
        },
        ..presented("dc")
    };
    let writes = renew(&row, &shown, digest("next"), NOW).unwrap().writes;
    assert_eq!(
        writes,
        [Write::Identity(identity(
            "next",
            Role::Issued,
            Some(LINKED),
            None
        ))]
    );
    let writes = unenroll(&device, &row, NOW).writes;
    assert_eq!(writes[0], Write::Forget(row.id.clone()));
    assert!(writes.contains(&Write::Identity(identity(
        "dc",
        Role::Retired,
        Some(LINKED),
        None
    ))));
    assert!(
        writes
            .iter()
            .all(|write| !matches!(write, Write::Enrollment(_) | Write::EndGeneration(_))),
        "the device stays"
    );
}

#[test]
fn all_that_is_shown_is_of_one_device() {
    let verified = |id: &str| {
        let mut device = pc();
        let windows = device.facts.windows.as_mut().unwrap();
        windows.entra = Some(Entra {
            tenant: "t".into(),
            device: Some(id.into()),
        });
        device
    };
    let own = presented("pinned");
    let other = presented("other");
    let certificate = Some(Proof::Certificate(&own));
    let entra = Some(Proof::Entra(ENTRA));
    let lower = ENTRA.to_lowercase();
    let shown = |proof, emm_device_id, hardware_id| Shown {
        proof,
        emm_device_id,
        hardware_id,
    };
    let pc = pc();
    let judge = |device: &Enrollment, told, shown: &Shown<'_>| belongs(Some(device), told, shown, NOW);

    assert_eq!(judge(&pc, None, &shown(certificate, None, None)), Ok(()));
    assert_eq!(
        judge(&pc, None, &shown(certificate, Some("AA11"), Some("aa11"))),
        Ok(())
    );
    assert_eq!(
        judge(&pc, Some(&lower), &shown(entra, Some("AA11"), None)),
        Ok(())
    );
    assert_eq!(
        judge(&verified(&lower), None, &shown(entra, None, Some("AA11"))),
        Ok(())
    );

    let differs = Err(NotLinked::Differs);
    for proof in [certificate, entra] {
        assert_eq!(
            judge(&pc, Some(ENTRA), &shown(proof, Some("BB22"), None)),
            differs
        );
        assert_eq!(
            judge(&pc, Some(ENTRA), &shown(proof, Some("AA11"), Some("BB22"))),
            differs
        );
        assert_eq!(
            judge(&pc, Some(ENTRA), &shown(proof, Some(LINKED), None)),
            differs
        );
    }
    assert_eq!(
        judge(&pc, None, &shown(Some(Proof::Certificate(&other)), None, None)),
        differs
    );
    // Of what Entra says, both sides have to agree.
    assert_eq!(judge(&pc, Some("88"), &shown(entra, Some("AA11"), None)), differs);
    assert_eq!(
        judge(&verified("88"), Some(ENTRA), &shown(entra, Some("AA11"), None)),
        differs
    );
    assert_eq!(
        judge(&pc, None, &shown(entra, Some("AA11"), Some("AA11"))),
        Err(NotLinked::UnknownInEntra)
    );
    // Names prove nothing.
    assert_eq!(
        judge(&pc, None, &shown(None, Some("AA11"), Some("AA11"))),
        Err(NotLinked::NoParent)
    );
    let expired = Presented {
        pin: Pin {
            not_after: NOW - 1,
            ..own.pin
        },
        ..own
    };
    assert_eq!(
        judge(&pc, None, &shown(Some(Proof::Certificate(&expired)), None, None)),
        Err(NotLinked::Expired)
    );
    for phase in [Phase::Authenticated, Phase::CheckedOut] {
        let device = Enrollment { phase, ..pc.clone() };
        assert_eq!(
            judge(&device, None, &shown(certificate, None, None)),
            Err(NotLinked::NoParent)
        );
    }
    assert_eq!(
        belongs(None, None, &shown(certificate, None, None), NOW),
        Err(NotLinked::NoParent)
    );
    assert_eq!(
        judge(&enrolled(), None, &shown(certificate, None, None)),
        Err(NotLinked::NoParent)
    );
}
