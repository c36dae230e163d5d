//! Channels: versioned rows, and what goes with them.

use ordain_model::decision::{EscrowKind, Write};
use ordain_model::enrollment::Enrollment;
use ordain_model::record::{Exception, StatusRecord};
use ordain_model::report::Reason;
use ordain_store::StoreError;
use serde_json::json;

use crate::fixtures::*;

#[tokio::test]
async fn a_channel_is_read_with_its_device() {
    on_each(async |store, _| {
        let nothing = store.channel(&id("d1:ann")).await.unwrap();
        assert!(nothing.device().is_none() && nothing.channel().is_none());
        enroll(store, "d1").await;
        let before = store.channel(&id("d1:ann")).await.unwrap();
        assert!(before.device().is_some() && before.channel().is_none());
        let state = enroll(store, "d1:ann").await;
        assert_eq!(state.device().unwrap(), &enrollment("d1"));
        assert_eq!(state.channel().unwrap(), &enrollment("d1:ann"));
        assert!(store.channel(&id("d1")).await.unwrap().beside.is_none());
        let all = store.channels_of(&id("d1")).await.unwrap();
        assert_eq!(all, [enrollment("d1"), enrollment("d1:ann")]);
    })
    .await;
}

#[tokio::test]
async fn who_read_an_older_version_loses() {
    on_each(async |store, _| {
        let stale = store.channel(&id("d1")).await.unwrap();
        let first = enroll(store, "d1").await;
        let mut changed = enrollment("d1");
        changed.stamp = 7;
        // Nobody can enroll it a second time,
        assert_eq!(
            store.commit(&stale, &[write(&changed)], None).await,
            Err(StoreError::Conflict)
        );
        store
            .commit(&first, &[write(&changed)], Some(&audit("won")))
            .await
            .unwrap();
        // nor write over what was written meanwhile; what goes with it is lost too, the audit included.
        let lost = [
            Write::Escrow(id("d1"), EscrowKind::Bootstrap, Some(b"lost".to_vec())),
            write(&enrollment("d1")),
            Write::Identity(pinned("lost", "d1")),
        ];
        assert_eq!(
            store.commit(&first, &lost, Some(&audit("lost"))).await,
            Err(StoreError::Conflict)
        );
        let now = store.channel(&id("d1")).await.unwrap();
        assert_eq!(now.channel().unwrap().stamp, 7);
        assert_eq!(
            store.escrow(&id("d1"), EscrowKind::Bootstrap).await.unwrap(),
            None
        );
        assert_eq!(store.identity(digest("lost")).await.unwrap(), None);
        assert_eq!(actions(store).await, ["won"]);
    })
    .await;
}

#[tokio::test]
async fn what_is_written_beside_the_row_goes_by_its_version() {
    on_each(async |store, _| {
        for channel in ["d1", "d1:ann"] {
            let read = enroll(store, channel).await;
            let escrow =
                |sealed: &[u8]| Write::Escrow(id(channel), EscrowKind::Bootstrap, Some(sealed.to_vec()));
            store.commit(&read, &[escrow(b"one")], None).await.unwrap();
            let mut next = enrollment(channel);
            next.stamp = 1;
            store.commit(&read, &[write(&next)], None).await.unwrap();
            assert_eq!(
                store.commit(&read, &[escrow(b"stale")], None).await,
                Err(StoreError::Conflict),
                "{channel}"
            );
            let kept = store.escrow(&id(channel), EscrowKind::Bootstrap).await.unwrap();
            assert_eq!(kept.as_deref(), Some(&b"one"[..]));
        }
    })
    .await;
}

#[tokio::test]
async fn reports_and_escrow_are_kept_replaced_and_deleted() {
    on_each(async |store, _| {
        let state = enroll(store, "d1").await;
        assert_eq!(store.status(&id("d1")).await.unwrap(), StatusRecord::default());
        let failed = |identifier: &str| Exception {
            identifier: identifier.into(),
            server_token: digest(identifier),
            reasons: vec![Reason {
                code: "Error.X".into(),
                description: None,
                details: Some(json!({"a": [1.5]})),
            }],
            since: NOW,
        };
        let mut record = StatusRecord::default();
        record.items.insert(
            "passcode.is-present".into(),
            json!({"nul": "\u{0}", "deep": [1, null]}),
        );
        record.problems.push("a problem".into());
        // In the order of their bytes, which is not that of people: a report that says the same must be equal.
        record.exceptions = ["A", "a", "b", "ä"].map(failed).to_vec();
        store
            .commit(&state, &[Write::Status(id("d1"), record.clone().into())], None)
            .await
            .unwrap();
        assert_eq!(store.status(&id("d1")).await.unwrap(), record);
        record.exceptions.remove(0);
        store
            .commit(&state, &[Write::Status(id("d1"), record.clone().into())], None)
            .await
            .unwrap();
        assert_eq!(store.status(&id("d1")).await.unwrap(), record);

        let escrow = |sealed: Option<&[u8]>| {
            [Write::Escrow(
                id("d1"),
                EscrowKind::Unlock,
                sealed.map(<[u8]>::to_vec),
            )]
        };
        store.commit(&state, &escrow(Some(b"one")), None).await.unwrap();
        store.commit(&state, &escrow(Some(b"\0two")), None).await.unwrap();
        assert_eq!(
            store
                .escrow(&id("d1"), EscrowKind::Unlock)
                .await
                .unwrap()
                .unwrap(),
            b"\0two"
        );
        assert_eq!(
            store.escrow(&id("d1"), EscrowKind::Bootstrap).await.unwrap(),
            None
        );
        store.commit(&state, &escrow(None), None).await.unwrap();
        assert_eq!(store.escrow(&id("d1"), EscrowKind::Unlock).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn devices_are_listed_in_stretches_and_found_by_name() {
    on_each(async |store, _| {
        for name in ["b", "a", "B", "a:ann", "c"] {
            enroll(store, name).await;
        }
        let mut listed = Vec::new();
        let mut after = None;
        loop {
            let rows = store.devices(after.as_ref(), 3).await.unwrap();
            let Some(last) = rows.last() else { break };
            after = Some(last.device.enrollment.id.clone());
            listed.extend(rows.into_iter().map(|row| row.device.enrollment.id.to_string()));
        }
        assert_eq!(listed, ["B", "a", "b", "c"]);
        for name in ["a", "a:ann", "S-a"] {
            assert_eq!(store.devices_named(name).await.unwrap(), [id("a")], "{name}");
        }
        assert!(store.devices_named("S-nobody").await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn migrated_devices_are_counted_by_whether_their_certificate_is_pinned() {
    on_each(async |store, _| {
        enroll(store, "enrolled").await;
        let migrated = |channel: &str| Enrollment {
            generation: 0,
            identity: None,
            ..enrollment(channel)
        };
        for channel in ["a", "a:ann", "b", "c"] {
            let state = store.channel(&id(channel)).await.unwrap();
            store
                .commit(&state, &[write(&migrated(channel))], None)
                .await
                .unwrap();
        }
        let state = store.channel(&id("b")).await.unwrap();
        assert_eq!(state.device().unwrap().identity, None);
        let pinned = Enrollment {
            identity: enrollment("b").identity,
            ..migrated("b")
        };
        store.commit(&state, &[write(&pinned)], None).await.unwrap();
        let count = store.count_migrated().await.unwrap();
        assert_eq!((count.all, count.waiting), (3, 2));
    })
    .await;
}
