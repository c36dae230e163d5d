//! Webhooks: one node sends at a time, and what was taken is not sent again.

use ordain_model::event::EventKind;
use ordain_store::{Cursor, Progress, StoreError, Webhook};

use crate::events::{happen, read};
use crate::fixtures::*;

pub(crate) fn webhook(id: &str, after: Cursor) -> Webhook {
    Webhook {
        id: id.into(),
        url: "https://hooks.example.org/ordain".into(),
        kinds: [EventKind::Enrolled, EventKind::CommandAnswered].into(),
        secret: b"\0sealed".to_vec(),
        created_at: NOW,
        after,
        progress: Progress {
            next_at: NOW,
            ..Progress::default()
        },
    }
}

#[tokio::test]
async fn they_are_made_listed_and_removed() {
    on_each(async |store, _| {
        let start = store.newest_event().await.unwrap();
        let (one, mut two) = (webhook("one", start), webhook("two", start));
        two.created_at += 1;
        two.progress.next_at += 1;
        two.kinds.clear();
        store.create_webhook(&two, &audit("two")).await.unwrap();
        store.create_webhook(&one, &audit("one")).await.unwrap();
        let again = store.create_webhook(&one, &audit("again")).await;
        assert_eq!(again, Err(StoreError::Conflict));
        assert_eq!(store.webhooks().await.unwrap(), [one.clone(), two]);
        assert_eq!(store.webhook("one").await.unwrap(), Some(one));
        store.remove_webhook("one", &audit("remove")).await.unwrap();
        assert_eq!(store.webhook("one").await.unwrap(), None);
        let again = store.remove_webhook("one", &audit("again")).await;
        assert_eq!(again, Err(StoreError::Conflict));
        assert_eq!(actions(store).await, ["remove", "one", "two"]);
    })
    .await;
}

#[tokio::test]
async fn one_node_sends_at_a_time() {
    on_each(async |store, database| {
        let other = database.open().await.unwrap();
        let start = store.newest_event().await.unwrap();
        let first = webhook("w", start);
        store.create_webhook(&first, &audit("create")).await.unwrap();
        happen(store, "a", NOW).await;
        let next = read(store, start, 1).await.next;
        assert_eq!(
            store.lease_webhook(&first, "n1", NOW - 1, NOW).await,
            Err(StoreError::Conflict),
            "it is not due yet"
        );
        store.lease_webhook(&first, "n1", NOW, NOW + 30).await.unwrap();
        store
            .lease_webhook(&first, "n1", NOW + 1, NOW + 31)
            .await
            .unwrap();
        let taken = other.lease_webhook(&first, "n2", NOW + 30, NOW + 60).await;
        assert_eq!(taken, Err(StoreError::Conflict));
        // A node that is gone for good holds it up until its lease ends, and then has lost it.
        other
            .lease_webhook(&first, "n2", NOW + 31, NOW + 61)
            .await
            .unwrap();
        let progress = Progress {
            delivered_at: Some(NOW + 40),
            attempts: 0,
            next_at: NOW + 40,
            failing_since: None,
            problem: None,
        };
        let late = store.settle_webhook("w", "n1", next, &progress).await;
        assert_eq!(late, Err(StoreError::Conflict));
        other.settle_webhook("w", "n2", next, &progress).await.unwrap();
        let second = store.webhook("w").await.unwrap().unwrap();
        assert_eq!((second.after, &second.progress), (next, &progress));
        // Whoever read it before knows less than what it has.
        let stale = store.lease_webhook(&first, "n1", NOW + 70, NOW + 90).await;
        assert_eq!(stale, Err(StoreError::Conflict));

        store
            .lease_webhook(&second, "n1", NOW + 70, NOW + 90)
            .await
            .unwrap();
        let failing = Progress {
            attempts: 3,
            next_at: NOW + 200,
            failing_since: Some(NOW + 50),
            problem: Some("answered 500".into()),
            ..progress
        };
        store.settle_webhook("w", "n1", next, &failing).await.unwrap();
        assert_eq!(store.webhook("w").await.unwrap().unwrap().progress, failing);
    })
    .await;
}
