//! Generations: re-enroll, and nothing of the old one counts any more.

use std::collections::BTreeSet;

use ordain_catalog::Catalog;
use ordain_model::checkin::{self, AuthenticateState, EnrollmentPolicy, Presented};
use ordain_model::decision::{EscrowKind, Write};
use ordain_model::enrollment::{Answer, ApnsToken, Enrollment, Offer, Phase, Pin, Push, Standing, Told};
use ordain_model::record::StatusRecord;
use ordain_model::wish::Revision;
use ordain_model::world::World;
use ordain_store::{ChannelState, Sighting, Store, StoreError};
use ordain_testbed::Database;

use crate::fixtures::*;

const OPEN: EnrollmentPolicy = EnrollmentPolicy {
    open: true,
    allow_reenrollment: false,
};

/// What Authenticate under `certificate` writes, decided from the state as it is now.
async fn authenticate(store: &Store, device: &str, certificate: &str) -> (ChannelState, Vec<Write>) {
    let state = store.channel(&id(device)).await.unwrap();
    let pin = Pin {
        fingerprint: digest(certificate),
        not_after: NOW + 1_000,
    };
    let presented = Presented {
        pin,
        not_before: NOW,
        own: false,
        anchor: digest("a device CA"),
    };
    let identity = store.identity(pin.fingerprint).await.unwrap();
    let facts = enrollment(device).facts;
    let known = AuthenticateState {
        device: state.device().cloned(),
        identity,
        claimed_elsewhere: BTreeSet::new(),
    };
    let world = World::new(Revision::nothing(digest("catalog")), Catalog::builtin().clone());
    let decision = checkin::authenticate(&world, &known, &id(device), facts, &presented, OPEN, NOW).unwrap();
    (state, decision.writes)
}

/// A device and a user's channel on it that have everything a channel can have.
async fn lived_in(store: &Store) {
    let (state, writes) = authenticate(store, "d1", "first").await;
    store.commit(&state, &writes, None).await.unwrap();
    for channel in ["d1", "d1:ann"] {
        let state = store.channel(&id(channel)).await.unwrap();
        let token = digest("manifest");
        let full = Enrollment {
            generation: 1,
            identity: Some(Pin {
                fingerprint: digest("first"),
                not_after: NOW + 1_000,
            }),
            push: Some(Push::Apns(ApnsToken {
                topic: "t".into(),
                magic: "m".into(),
                token: "00".into(),
            })),
            offer: Some(Offer {
                revision: 1,
                token,
                stamp: NOW,
            }),
            stamp: NOW,
            pinned: Some(token),
            told: Some(Told {
                uuid: "u".into(),
                token,
                answer: Answer::Acknowledged,
                at: NOW,
                attempts: 1,
            }),
            standing: Some(Standing {
                heard: None,
                at: NOW,
                held: Some(token),
                judged: Some(token),
                cleans: false,
                disputed: 0,
                drift: Default::default(),
                counts: Default::default(),
            }),
            capabilities: Some(digest("capabilities")),
            ..enrollment(channel)
        };
        let record = StatusRecord {
            problems: vec!["reported".into()],
            ..StatusRecord::default()
        };
        let writes = [
            Write::Status(id(channel), record.into()),
            Write::Escrow(id(channel), EscrowKind::Bootstrap, Some(b"b".to_vec())),
            Write::Escrow(id(channel), EscrowKind::Unlock, Some(b"u".to_vec())),
            write(&full),
        ];
        store.commit(&state, &writes, None).await.unwrap();
        store.note(vec![sighting(channel, 1)]).await.unwrap();
        assert!(store.sighting(&id(channel)).await.unwrap().is_some());
    }
}

fn sighting(channel: &str, generation: u64) -> Sighting {
    Sighting {
        enrollment: id(channel),
        generation,
        seen_at: NOW,
        manifest: Some(digest("manifest")),
        fetched: "ff".into(),
        wakes: 1,
    }
}

async fn assert_nothing_is_left(store: &Store) {
    let device = store.channel(&id("d1")).await.unwrap().channel().unwrap().clone();
    assert_eq!((device.generation, device.phase), (2, Phase::Authenticated));
    assert_eq!(
        (device.push, device.offer, device.pinned, device.told),
        (None, None, None, None)
    );
    assert_eq!((device.standing, device.capabilities), (None, None));
    assert_eq!(device.stamp, NOW, "time does not run backwards");
    assert!(store.channel(&id("d1:ann")).await.unwrap().beside.is_none());
    assert_eq!(store.channels_of(&id("d1")).await.unwrap().len(), 1);
    for channel in ["d1", "d1:ann"] {
        assert_eq!(store.status(&id(channel)).await.unwrap(), StatusRecord::default());
        assert_eq!(store.sighting(&id(channel)).await.unwrap(), None);
        for kind in [EscrowKind::Bootstrap, EscrowKind::Unlock] {
            assert_eq!(store.escrow(&id(channel), kind).await.unwrap(), None);
        }
    }
    assert_eq!(store.devices(None, 10).await.unwrap()[0].device.seen_at, None);
}

#[tokio::test]
async fn reenroll_and_nothing_is_left_over() {
    on_each(async |store, _| {
        for certificate in ["first", "second"] {
            lived_in_again(store).await;
            let (state, writes) = authenticate(store, "d1", certificate).await;
            store.commit(&state, &writes, None).await.unwrap();
            assert_nothing_is_left(store).await;
            // What was seen of the old generation, and is written only now, is not noted.
            store
                .note(vec![sighting("d1", 1), sighting("d1:ann", 1)])
                .await
                .unwrap();
            assert_nothing_is_left(store).await;
        }
    })
    .await;

    /// The first time only: the second certificate comes to what the first left.
    async fn lived_in_again(store: &Store) {
        let state = store.channel(&id("d1")).await.unwrap();
        if let Some(device) = state.device() {
            let back = Enrollment {
                generation: 1,
                phase: Phase::Enrolled,
                ..device.clone()
            };
            store.commit(&state, &[write(&back)], None).await.unwrap();
        } else {
            lived_in(store).await;
        }
    }
}

#[tokio::test]
async fn what_was_decided_before_is_lost() {
    on_each(async |store, _| {
        lived_in(store).await;
        let (device, user) = (
            store.channel(&id("d1")).await.unwrap(),
            store.channel(&id("d1:ann")).await.unwrap(),
        );
        let other_user = store.channel(&id("d1:bob")).await.unwrap();
        let (state, writes) = authenticate(store, "d1", "second").await;
        store.commit(&state, &writes, None).await.unwrap();
        let escrow = |channel: &str| Write::Escrow(id(channel), EscrowKind::Bootstrap, Some(b"old".to_vec()));
        let report = |channel: &str| Write::Status(id(channel), Default::default());
        let late: [(&ChannelState, Vec<Write>); 8] = [
            (&device, vec![escrow("d1")]),
            (&device, vec![report("d1")]),
            (&device, vec![write(&enrollment("d1"))]),
            (&user, vec![escrow("d1:ann")]),
            (&user, vec![report("d1:ann"), write(&enrollment("d1:ann"))]),
            (&user, vec![Write::Forget(id("d1:ann"))]),
            (&other_user, vec![write(&enrollment("d1:bob"))]),
            (&state, writes),
        ];
        for (state, writes) in late {
            assert_eq!(
                store.commit(state, &writes, None).await,
                Err(StoreError::Conflict),
                "{writes:?}"
            );
        }
        assert_nothing_is_left(store).await;
    })
    .await;
}

#[tokio::test]
async fn a_users_channel_is_written_only_under_the_devices_certificate_and_while_it_stays() {
    on_each(async |store, _| {
        let device = enroll(store, "d1").await;
        let user = enroll(store, "d1:ann").await;
        let mut renewed = enrollment("d1");
        renewed.identity = Some(Pin {
            fingerprint: digest("successor"),
            not_after: NOW + 1_000,
        });
        store.commit(&device, &[write(&renewed)], None).await.unwrap();
        let lost = store.commit(&user, &[write(&enrollment("d1:ann"))], None).await;
        assert_eq!(lost, Err(StoreError::Conflict));

        let user = store.channel(&id("d1:ann")).await.unwrap();
        store
            .commit(&user, &[write(&enrollment("d1:ann"))], None)
            .await
            .unwrap();
        let (device, user) = (
            store.channel(&id("d1")).await.unwrap(),
            store.channel(&id("d1:ann")).await.unwrap(),
        );
        store
            .commit(
                &device,
                &checkin::check_out(device.device().unwrap(), &id("d1"), NOW).writes,
                None,
            )
            .await
            .unwrap();
        let lost = store.commit(&user, &[write(&enrollment("d1:ann"))], None).await;
        assert_eq!(lost, Err(StoreError::Conflict));
        assert!(store.channel(&id("d1:ann")).await.unwrap().channel().is_none());
    })
    .await;
}

#[tokio::test]
async fn a_user_who_leaves_takes_nothing_of_others_along() {
    on_each(async |store, _| {
        lived_in(store).await;
        let state = store.channel(&id("d1:ann")).await.unwrap();
        let decision = checkin::check_out(state.device().unwrap(), &id("d1:ann"), NOW);
        store.commit(&state, &decision.writes, None).await.unwrap();
        assert!(store.channel(&id("d1:ann")).await.unwrap().beside.is_none());
        assert_eq!(
            store.status(&id("d1:ann")).await.unwrap(),
            StatusRecord::default()
        );
        assert_eq!(
            store.escrow(&id("d1:ann"), EscrowKind::Bootstrap).await.unwrap(),
            None
        );
        assert!(
            store
                .escrow(&id("d1"), EscrowKind::Bootstrap)
                .await
                .unwrap()
                .is_some()
        );
        assert!(store.sighting(&id("d1")).await.unwrap().is_some());
        assert_ne!(store.status(&id("d1")).await.unwrap(), StatusRecord::default());
    })
    .await;
}

/// Whoever ends a user's channel, the user's time goes on; and that of the device, which may be ahead.
#[tokio::test]
async fn the_stamps_of_users_outlive_their_channels() {
    on_each(async |store, _| {
        let stamped = async |channel: &str, stamp: i64| {
            let state = store.channel(&id(channel)).await.unwrap();
            let next = Enrollment {
                stamp,
                ..state.channel().cloned().unwrap_or_else(|| enrollment(channel))
            };
            store.commit(&state, &[write(&next)], None).await.unwrap();
        };
        let stamp = async || store.channel(&id("d1")).await.unwrap().device().unwrap().stamp;
        let leave = async |channel: &str| {
            let state = store.channel(&id(channel)).await.unwrap();
            let decision = checkin::check_out(state.device().unwrap(), &id(channel), NOW);
            store.commit(&state, &decision.writes, None).await.unwrap();
        };
        stamped("d1", 5).await;
        stamped("d1:ann", 7).await;
        stamped("d1:bob", 6).await;
        assert_eq!(stamp().await, 5);
        let before = store.channel(&id("d1:cid")).await.unwrap();
        leave("d1:ann").await;
        assert_eq!(stamp().await, 7);
        leave("d1:bob").await;
        assert_eq!(stamp().await, 7);
        // A user who is begun from what was read before starts too early.
        let early = store.commit(&before, &[write(&enrollment("d1:cid"))], None).await;
        assert_eq!(early, Err(StoreError::Conflict));
        stamped("d1:ann", 9).await;
        leave("d1").await;
        assert_eq!(stamp().await, 9);
        let (state, writes) = authenticate(store, "d1", "second").await;
        store.commit(&state, &writes, None).await.unwrap();
        assert_eq!(stamp().await, 9);
        // What was decided before the user left does not turn it back.
        let state = store.channel(&id("d1")).await.unwrap();
        let stale = Enrollment {
            stamp: 5,
            ..state.device().unwrap().clone()
        };
        store.commit(&state, &[write(&stale)], None).await.unwrap();
        assert_eq!(stamp().await, 9);
    })
    .await;
}

/// A user's first TokenUpdate while the device starts a new generation: whoever is first, nobody of the old
/// generation is left.
#[tokio::test(flavor = "multi_thread")]
async fn a_user_who_comes_while_the_device_starts_anew_is_not_left_over() {
    on_each(async |store: &Store, database: &Database| {
        let other_node = if store.is_shared() {
            Some(database.open().await.unwrap())
        } else {
            None
        };
        let other_node = other_node.as_ref().unwrap_or(store);
        for round in 0..40 {
            let device = format!("race-{round}");
            let user = format!("{device}:ann");
            enroll(store, &device).await;
            let (state, writes) = authenticate(store, &device, &format!("new-{round}")).await;
            let before = other_node.channel(&id(&user)).await.unwrap();
            let channel = [write(&enrollment(&user))];
            let (anew, arrived) = tokio::join!(
                store.commit(&state, &writes, None),
                other_node.commit(&before, &channel, None)
            );
            let device = store.channel(&id(&user)).await.unwrap();
            match (anew, arrived) {
                (Ok(()), _) => {
                    assert_eq!(device.device().unwrap().generation, 2);
                    assert!(device.beside.is_none(), "round {round}: left over");
                }
                (Err(StoreError::Conflict), Ok(())) => assert_eq!(device.device().unwrap().generation, 1),
                other => panic!("round {round}: {other:?}"),
            }
        }
    })
    .await;
}
