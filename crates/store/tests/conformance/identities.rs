//! Identities: a certificate belongs to one enrollment for ever, and a retired one never comes back.

use ordain_model::decision::{Identity, Role, Write};
use ordain_store::StoreError;

use crate::fixtures::*;

#[tokio::test]
async fn a_certificate_changes_hands_never() {
    on_each(async |store, _| {
        let (one, other) = (enroll(store, "d1").await, enroll(store, "d2").await);
        store
            .commit(&one, &[Write::Identity(pinned("c", "d1"))], None)
            .await
            .unwrap();
        store
            .commit(&one, &[Write::Identity(pinned("c", "d1"))], None)
            .await
            .unwrap();
        let stolen = store
            .commit(&other, &[Write::Identity(pinned("c", "d2"))], None)
            .await;
        assert_eq!(stolen, Err(StoreError::Conflict));
        assert_eq!(
            store.identity(digest("c")).await.unwrap(),
            Some(pinned("c", "d1"))
        );
        assert_eq!(store.identity(digest("unknown")).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn a_retired_certificate_stays_so() {
    on_each(async |store, _| {
        let state = enroll(store, "d1").await;
        let retired = Identity {
            role: Role::Retired,
            ..pinned("c", "d1")
        };
        for identity in [&pinned("c", "d1"), &retired, &retired] {
            store
                .commit(&state, &[Write::Identity(identity.clone())], None)
                .await
                .unwrap();
        }
        let again = store
            .commit(&state, &[Write::Identity(pinned("c", "d1"))], None)
            .await;
        assert_eq!(again, Err(StoreError::Conflict));
        assert_eq!(store.identity(digest("c")).await.unwrap(), Some(retired));
    })
    .await;
}

#[tokio::test]
async fn a_certificate_is_new_once() {
    on_each(async |store, _| {
        let state = enroll(store, "d1").await;
        let retired = Identity {
            role: Role::Retired,
            ..pinned("retired", "d1")
        };
        let issued = Identity {
            role: Role::Issued,
            enrollment: None,
            ..pinned("issued", "d1")
        };
        assert_eq!(store.identity(digest("pinned")).await.unwrap(), None);
        let known = [pinned("pinned", "d1"), retired, issued];
        for identity in &known {
            let new = [Write::NewIdentity(identity.clone())];
            store.commit(&state, &new, None).await.unwrap();
        }
        for identity in known {
            let again = Identity {
                serial: Some("S2".into()),
                ..pinned("", "d1")
            };
            let fingerprint = identity.fingerprint;
            let again = [Write::NewIdentity(Identity { fingerprint, ..again })];
            assert!(store.may_be_new(fingerprint), "nobody has asked yet");
            assert_eq!(
                store.commit(&state, &again, None).await,
                Err(StoreError::Conflict)
            );
            assert_eq!(store.identity(fingerprint).await.unwrap(), Some(identity));
            assert!(!store.may_be_new(fingerprint));
        }
    })
    .await;
}

#[tokio::test]
async fn an_issued_certificate_is_bound_when_it_is_pinned_and_keeps_its_serial_number() {
    on_each(async |store, _| {
        let issued = Identity {
            fingerprint: digest("c"),
            role: Role::Issued,
            enrollment: None,
            serial: Some("S1".into()),
            usable_until: Some(NOW),
        };
        store
            .issue(vec![issued.clone()], None, &audit("issue"))
            .await
            .unwrap();
        assert_eq!(store.identity(digest("c")).await.unwrap(), Some(issued.clone()));
        // One certificate is issued once.
        assert_eq!(
            store.issue(vec![issued], None, &audit("again")).await,
            Err(StoreError::Conflict)
        );
        assert_eq!(actions(store).await, ["issue"]);

        let state = enroll(store, "d1").await;
        store
            .commit(&state, &[Write::Identity(pinned("c", "d1"))], None)
            .await
            .unwrap();
        let bound = Identity {
            serial: Some("S1".into()),
            ..pinned("c", "d1")
        };
        assert_eq!(store.identity(digest("c")).await.unwrap(), Some(bound));
    })
    .await;
}

#[tokio::test]
async fn two_who_pin_one_certificate_at_once_are_one_too_many() {
    on_each(async |store, _| {
        let claim = async |owner: &str| {
            let state = nothing(id(owner));
            let writes = [Write::Identity(pinned("c", owner)), write(&enrollment(owner))];
            store.commit(&state, &writes, None).await
        };
        let outcomes = tokio::join!(claim("d1"), claim("d2"));
        assert!(outcomes.0.is_ok() != outcomes.1.is_ok(), "{outcomes:?}");
        let owner = store
            .identity(digest("c"))
            .await
            .unwrap()
            .unwrap()
            .enrollment
            .unwrap();
        let devices = store.devices(None, 10).await.unwrap();
        assert_eq!(
            devices
                .iter()
                .map(|row| &row.device.enrollment.id)
                .collect::<Vec<_>>(),
            [&owner]
        );
    })
    .await;
}

#[tokio::test]
async fn a_device_is_found_by_its_certificate() {
    on_each(async |store, _| {
        let state = enroll(store, "d1:ann").await;
        let pinned = [Write::Identity(pinned("d1", "d1"))];
        store.commit(&state, &pinned, None).await.unwrap();
        let found = async || store.device_of(digest("d1")).await.unwrap();
        assert_eq!(found().await, None, "a user's channel is no device");
        let state = enroll(store, "d1").await;
        assert_eq!(found().await, Some(enrollment("d1")));
        let mut renewed = enrollment("d1");
        renewed.identity = enrollment("d2").identity;
        store.commit(&state, &[write(&renewed)], None).await.unwrap();
        assert_eq!(found().await, None, "it has another certificate by now");
    })
    .await;
}
