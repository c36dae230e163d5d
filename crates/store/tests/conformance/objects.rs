//! Objects known by their content: written once, the same for ever.

use std::sync::Arc;

use ordain_model::decision::Write;
use ordain_model::report::Capabilities;

use crate::fixtures::*;

#[tokio::test]
async fn a_manifest_is_kept_with_the_declarations_that_exist_only_for_it() {
    on_each(async |store, database| {
        let (a, b) = (declaration("a", 1), declaration("b", 2));
        let state = nothing(id("d1"));
        for declarations in [&[&a][..], &[&a, &b], &[&a, &b]] {
            store.commit(&state, &[keep(declarations)], None).await.unwrap();
            // Another node does not know that it is there already.
            database
                .open()
                .await
                .unwrap()
                .commit(&state, &[keep(declarations)], None)
                .await
                .unwrap();
            let kept = manifest(declarations);
            assert_eq!(store.manifest(kept.token()).await.unwrap().as_ref(), Some(&*kept));
        }
        assert_eq!(store.declaration(b.server_token).await.unwrap(), Some(b.body()));
        assert_eq!(store.manifest(digest("unknown")).await.unwrap(), None);
        assert_eq!(store.declaration(digest("unknown")).await.unwrap(), None);
        assert_eq!(store.blob(digest("unknown")).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn a_manifest_of_a_lost_commit_is_kept_by_the_next_one() {
    on_each(async |store, _| {
        let stale = nothing(id("d1"));
        enroll(store, "d1").await;
        let a = declaration("a", 1);
        let writes = [keep(&[&a]), write(&enrollment("d1"))];
        store.commit(&stale, &writes, None).await.unwrap_err();
        assert_eq!(store.manifest(manifest(&[&a]).token()).await.unwrap(), None);
        store
            .commit(&store.channel(&id("d1")).await.unwrap(), &writes, None)
            .await
            .unwrap();
        assert!(store.manifest(manifest(&[&a]).token()).await.unwrap().is_some());
    })
    .await;
}

#[tokio::test]
async fn capabilities_are_kept_by_their_digest() {
    on_each(async |store, _| {
        let known = Capabilities {
            declarations: Some(names(&["a", "b"])),
            status_items: None,
        };
        let write = [Write::Capabilities(digest("c"), Arc::new(known.clone()))];
        for _ in 0..2 {
            store.commit(&nothing(id("d1")), &write, None).await.unwrap();
        }
        assert_eq!(store.capabilities(digest("c")).await.unwrap(), Some(known));
        assert_eq!(store.capabilities(digest("unknown")).await.unwrap(), None);
    })
    .await;
}
