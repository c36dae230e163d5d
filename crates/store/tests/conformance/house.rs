//! Settings, tokens, and the audit that goes with each change.

use ordain_model::decision::{Identity, Role};
use ordain_store::{NewToken, StoreError, TokenRecord, TokenRole};

use crate::fixtures::*;

#[tokio::test]
async fn a_setting_is_whatever_came_first_until_it_is_changed() {
    on_each(async |store, _| {
        assert_eq!(store.setting("key").await.unwrap(), None);
        assert_eq!(
            store.setting_or("key", b"\0one".to_vec()).await.unwrap(),
            b"\0one"
        );
        assert_eq!(store.setting_or("key", b"two".to_vec()).await.unwrap(), b"\0one");
        store.set("key", b"three".to_vec(), &audit("set")).await.unwrap();
        assert_eq!(store.setting("key").await.unwrap().unwrap(), b"three");
        assert_eq!(actions(store).await, ["set"]);
    })
    .await;
}

fn token(id: &str, created_at: i64, uses_left: Option<i64>) -> NewToken {
    NewToken {
        record: TokenRecord {
            id: id.into(),
            name: "for tests".into(),
            role: if uses_left.is_some() {
                TokenRole::Enrollment
            } else {
                TokenRole::Admin
            },
            created_at,
            expires_at: uses_left.map(|_| NOW),
            uses_left,
            serial: uses_left.map(|_| "S1".into()),
            topic: None,
        },
        hash: digest(id),
    }
}

fn issued(certificate: &str) -> Identity {
    Identity {
        role: Role::Issued,
        enrollment: None,
        ..pinned(certificate, "d")
    }
}

#[tokio::test]
async fn tokens_are_made_listed_found_and_revoked() {
    on_each(async |store, _| {
        let (old, new) = (token("old", NOW, None), token("new", NOW + 1, Some(2)));
        store.create_token(&old, &audit("old")).await.unwrap();
        store.create_token(&new, &audit("new")).await.unwrap();
        assert_eq!(
            store.create_token(&old, &audit("again")).await,
            Err(StoreError::Conflict)
        );
        assert_eq!(
            store.tokens().await.unwrap(),
            [new.record.clone(), old.record.clone()]
        );
        assert_eq!(store.token_by_hash(old.hash).await.unwrap(), Some(old.record));
        store.revoke_token("old", &audit("revoke")).await.unwrap();
        assert_eq!(
            store.revoke_token("old", &audit("again")).await,
            Err(StoreError::Conflict)
        );
        assert_eq!(store.token_by_hash(old.hash).await.unwrap(), None);
        assert_eq!(actions(store).await, ["revoke", "new", "old"]);
    })
    .await;
}

#[tokio::test]
async fn each_use_of_an_enrollment_token_is_counted() {
    on_each(async |store, _| {
        store
            .create_token(&token("two", NOW, Some(2)), &audit("two"))
            .await
            .unwrap();
        store
            .create_token(&token("any", NOW, None), &audit("any"))
            .await
            .unwrap();
        let uses = async |id: &str| store.token_by_hash(digest(id)).await.unwrap().unwrap().uses_left;
        for certificate in ["a", "b"] {
            store
                .issue(vec![issued(certificate)], Some("two"), &audit(certificate))
                .await
                .unwrap();
        }
        let third = store.issue(vec![issued("c")], Some("two"), &audit("c")).await;
        assert_eq!(third, Err(StoreError::Conflict));
        assert_eq!(uses("two").await, Some(0));
        assert_eq!(store.identity(digest("c")).await.unwrap(), None);
        store
            .issue(vec![issued("d"), issued("e")], Some("any"), &audit("d"))
            .await
            .unwrap();
        assert_eq!(uses("any").await, None);
        let revoked = store.issue(vec![issued("f")], Some("revoked"), &audit("f")).await;
        assert_eq!(revoked, Err(StoreError::Conflict));
        assert_eq!(actions(store).await, ["d", "b", "a", "any", "two"]);
    })
    .await;
}

#[tokio::test]
async fn one_use_is_not_taken_twice_at_once() {
    on_each(async |store, _| {
        store
            .create_token(&token("one", NOW, Some(1)), &audit("one"))
            .await
            .unwrap();
        let take = async |certificate: &str| {
            store
                .issue(vec![issued(certificate)], Some("one"), &audit(certificate))
                .await
        };
        let outcomes = tokio::join!(take("a"), take("b"), take("c"), take("d"));
        let taken = [outcomes.0, outcomes.1, outcomes.2, outcomes.3]
            .into_iter()
            .filter(Result::is_ok)
            .count();
        assert_eq!(taken, 1);
    })
    .await;
}

#[tokio::test]
async fn the_audit_is_read_from_the_newest_on() {
    on_each(async |store, _| {
        for action in ["one", "two", "three"] {
            store.set("key", vec![], &audit(action)).await.unwrap();
        }
        let newest = store.audit(None, 2).await.unwrap();
        assert_eq!(newest[0].1, audit("three"));
        let older = store.audit(Some(newest[1].0), 2).await.unwrap();
        assert_eq!(
            older.iter().map(|(_, record)| record).collect::<Vec<_>>(),
            [&audit("one")]
        );
    })
    .await;
}
