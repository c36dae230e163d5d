//! What does not work is said, and what was not acknowledged is not there.

use std::time::Duration;

use ordain_model::decision::{EscrowKind, Write};
use ordain_store::{Store, StoreError};
use ordain_testbed::{Database, Postgres, connect, postgres_url};

use crate::fixtures::*;

#[tokio::test]
async fn a_full_disk_is_an_error_and_nothing_is_half_written() {
    let database = Database::sqlite();
    let path = database.path().unwrap();
    let store = Store::sqlite_bounded(&path, 120).await.unwrap();
    let state = enroll(&store, "d1").await;
    let large = |byte: u8| Write::Escrow(id("d1"), EscrowKind::Bootstrap, Some(vec![byte; 1 << 20]));
    let mut next = enrollment("d1");
    next.stamp = 9;
    for _ in 0..3 {
        let writes = [Write::Identity(pinned("c", "d1")), large(1), write(&next)];
        let outcome = store.commit(&state, &writes, Some(&audit("lost"))).await;
        assert!(is_unavailable(&outcome), "{outcome:?}");
    }
    // Many small ones, until there is no room for any.
    let mut kept = 0;
    let full = loop {
        let name = format!("e{kept}");
        match store
            .commit(
                &nothing(id(&name)),
                &[write(&enrollment(&name))],
                Some(&audit("kept")),
            )
            .await
        {
            Ok(()) => kept += 1,
            other => break other,
        }
    };
    assert!(is_unavailable(&full), "{full:?}");
    assert_eq!(store.channel(&id("d1")).await.unwrap(), state);
    assert_eq!(store.identity(digest("c")).await.unwrap(), None);
    assert_eq!(
        store.escrow(&id("d1"), EscrowKind::Bootstrap).await.unwrap(),
        None
    );
    drop(store);

    // With room again it goes on from what was acknowledged.
    let store = Store::sqlite(&path).await.unwrap();
    assert_eq!(store.devices(None, 10_000).await.unwrap().len(), kept + 1);
    assert_eq!(store.audit(None, 10_000).await.unwrap().len(), kept);
    store
        .commit(&state, &[large(2), write(&next)], None)
        .await
        .unwrap();
}

/// One who asks for too much among many who do not: they are committed together, and only it fails.
#[tokio::test]
async fn one_commit_that_does_not_fit_fails_alone() {
    let database = Database::sqlite();
    let store = Store::sqlite_bounded(&database.path().unwrap(), 300)
        .await
        .unwrap();
    let state = enroll(&store, "d1").await;
    let large = Write::Escrow(id("d1"), EscrowKind::Bootstrap, Some(vec![1; 4 << 20]));
    let small = async |name: &str| store.set(name, vec![1], &audit(name)).await;
    let writes = [large];
    let outcomes = tokio::join!(
        small("a"),
        small("b"),
        store.commit(&state, &writes, None),
        small("c"),
        small("d")
    );
    assert!(is_unavailable(&outcomes.2), "{outcomes:?}");
    for (name, outcome) in [
        ("a", outcomes.0),
        ("b", outcomes.1),
        ("c", outcomes.3),
        ("d", outcomes.4),
    ] {
        // Told that it failed, a caller tries again; what must not be is the other way round.
        assert_eq!(
            store.setting(name).await.unwrap().is_some(),
            outcome.is_ok(),
            "{name}"
        );
    }
    small("e").await.unwrap();
}

#[tokio::test]
async fn a_place_that_is_none_is_an_error() {
    let nowhere = Store::sqlite(std::path::Path::new("/nowhere/at/all.db")).await;
    assert!(is_unavailable(&nowhere));
    for url in [
        "postgres://127.0.0.1:1/none",
        "no url",
        "postgres://",
        "postgres://[::1",
    ] {
        let outcome = tokio::time::timeout(Duration::from_secs(20), Store::postgres(url))
            .await
            .unwrap();
        assert!(is_unavailable(&outcome), "{url}");
    }
}

#[tokio::test]
async fn a_lost_server_is_an_error_and_no_wait_for_ever() {
    let Some(server) = Postgres::start() else { return };
    let store = Store::postgres(&server.database().await).await.unwrap();
    let state = enroll(&store, "d1").await;
    server.stop();
    let late = Duration::from_secs(20);
    let read = tokio::time::timeout(late, store.channel(&id("d1")))
        .await
        .expect("no wait for ever");
    assert!(is_unavailable(&read), "{read:?}");
    let writes = [write(&enrollment("d1"))];
    let commit = store.commit(&state, &writes, None);
    let commit = tokio::time::timeout(late, commit)
        .await
        .expect("no wait for ever");
    assert!(is_unavailable(&commit), "{commit:?}");
    assert!(is_unavailable(&store.ping().await));
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_an_error() {
    let Some(url) = postgres_url().await else { return };
    let store = Store::postgres(&url).await.unwrap();
    store.set("key", b"before".to_vec(), &audit("set")).await.unwrap();
    let other = connect(&url).await;
    other.batch_execute("BEGIN; LOCK TABLE setting").await.unwrap();
    tokio::time::pause();
    let read = store.setting("key").await;
    assert!(is_unavailable(&read), "{read:?}");
    let written = store.set("key", b"after".to_vec(), &audit("set")).await;
    assert!(is_unavailable(&written), "{written:?}");
    tokio::time::resume();
    other.batch_execute("ROLLBACK").await.unwrap();
    store.ping().await.unwrap();
}

/// What is no word in one database is none in the other: the caller hears of it, and nobody else.
#[tokio::test]
async fn a_serial_number_with_a_nul_harms_only_itself() {
    on_each(async |store, _| {
        let mut strange = enrollment("d1");
        strange.facts.serial = Some("S\0".into());
        let outcome = store.commit(&nothing(id("d1")), &[write(&strange)], None).await;
        assert!(
            matches!(outcome, Ok(()) | Err(StoreError::Unavailable(_))),
            "{outcome:?}"
        );
        enroll(store, "d2").await;
    })
    .await;
}
