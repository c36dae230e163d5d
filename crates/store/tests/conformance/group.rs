//! Many at once: each commit stands for itself, however they are grouped.

use std::sync::Arc;

use ordain_model::decision::Write;
use ordain_store::{Store, StoreError};

use crate::fixtures::*;

/// Of 200 commits at once every third is stale: only these fail, and each leaves nothing.
#[tokio::test(flavor = "multi_thread")]
async fn only_the_stale_ones_fail() {
    for database in ordain_testbed::databases().await {
        let store = Arc::new(database.open().await.unwrap());
        let is_stale = |number: usize| number.is_multiple_of(3);
        for number in (0..200).filter(|&number| is_stale(number)) {
            enroll(&store, &format!("d{number}")).await;
        }
        let commits: Vec<_> = (0..200)
            .map(|number| {
                let store = store.clone();
                tokio::spawn(async move {
                    let name = format!("d{number}");
                    let mut enrolled = enrollment(&name);
                    enrolled.stamp = 5;
                    // Nobody has read that it is there already.
                    let writes = [Write::Identity(pinned(&name, &name)), write(&enrolled)];
                    store
                        .commit(&nothing(id(&name)), &writes, Some(&audit(&name)))
                        .await
                })
            })
            .collect();
        for (number, commit) in commits.into_iter().enumerate() {
            let expected = if is_stale(number) {
                Err(StoreError::Conflict)
            } else {
                Ok(())
            };
            assert_eq!(commit.await.unwrap(), expected, "{} d{number}", database.name());
        }
        for number in 0..200 {
            let name = format!("d{number}");
            let stored = store.channel(&id(&name)).await.unwrap();
            assert_eq!(
                stored.channel().unwrap().stamp,
                if is_stale(number) { 0 } else { 5 }
            );
            let identity = store.identity(digest(&name)).await.unwrap();
            assert_eq!(identity.is_some(), !is_stale(number));
        }
        assert_eq!(store.audit(None, 1_000).await.unwrap().len(), 133);
    }
}

/// Everybody adds one to one row, and tries again after a conflict: no addition is lost.
#[tokio::test(flavor = "multi_thread")]
async fn no_update_is_lost() {
    for database in ordain_testbed::databases().await {
        let store = Arc::new(database.open().await.unwrap());
        enroll(&store, "d1").await;
        let add = |store: Arc<Store>| async move {
            loop {
                let state = store.channel(&id("d1")).await.unwrap();
                let mut next = state.channel().unwrap().clone();
                next.stamp += 1;
                match store.commit(&state, &[write(&next)], None).await {
                    Ok(()) => return,
                    Err(StoreError::Conflict) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        };
        let all: Vec<_> = (0..20).map(|_| tokio::spawn(add(store.clone()))).collect();
        for one in all {
            one.await.unwrap();
        }
        let state = store.channel(&id("d1")).await.unwrap();
        assert_eq!(state.channel().unwrap().stamp, 20, "{}", database.name());
    }
}
