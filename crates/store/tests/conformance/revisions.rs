//! Revisions: one transaction each, in a row.

use ordain_model::wish::{Blueprint, Revision, Wish};
use ordain_store::{Blob, NewCatalog, Publication, SourceFile, StoreError};

use crate::fixtures::*;

pub(crate) fn own_catalog() -> NewCatalog {
    NewCatalog {
        facts: "the program's".into(),
        source: "Ordain 1".into(),
    }
}

pub(crate) fn publication(number: u64, content: i64) -> Publication {
    let declaration = declaration("passcode", content);
    let blueprint = Blueprint {
        include: names(&["all"]),
        declarations: names(&["passcode"]),
        ..Blueprint::default()
    };
    let wish = Wish {
        declarations: [("passcode".to_owned(), declaration)].into(),
        blueprints: [("base".to_owned(), blueprint)].into(),
        ..Wish::default()
    };
    let file = |path: &str| SourceFile {
        path: path.into(),
        body: format!("{path} {content}").into_bytes(),
    };
    let revision = Revision {
        number,
        wish,
        catalog: own_catalog().digest(),
    };
    Publication {
        changes: revision.changes_since(&Revision::nothing(revision.catalog)),
        revision,
        own_catalog: Some(own_catalog()),
        downloads: vec![Blob {
            content_type: Some("text/plain".into()),
            body: b"download".to_vec(),
        }],
        source: ["b.json", "B.json", "a/ä.json", "a.json"].map(file).to_vec(),
    }
}

#[tokio::test]
async fn what_is_published_is_there_with_its_bytes_and_its_source() {
    on_each(async |store, database| {
        assert_eq!(store.newest_revision().await.unwrap(), None);
        assert_eq!(store.newest_revision_number().await.unwrap(), 0);
        let (first, second) = (publication(1, 6), publication(2, 8));
        store.publish(&first, &audit("publish 1")).await.unwrap();
        store.publish(&second, &audit("publish 2")).await.unwrap();

        for store in [store, &database.open().await.unwrap()] {
            assert_eq!(
                store.newest_revision().await.unwrap().as_ref(),
                Some(&second.revision)
            );
            assert_eq!(store.newest_revision_number().await.unwrap(), 2);
            let listed = store.revisions(None, 10).await.unwrap();
            assert_eq!(
                listed.iter().map(|summary| summary.number).collect::<Vec<_>>(),
                [2, 1]
            );
            assert_eq!(listed[0].digest, second.revision.wish.digest());
            assert_eq!(listed[0].catalog, own_catalog().digest());
            assert_eq!(
                (listed[0].published_at, listed[0].published_by.as_str()),
                (NOW, "ada")
            );
            assert_eq!(listed[1].changes, first.changes);
            assert_eq!(store.revisions(Some(2), 10).await.unwrap()[..], listed[1..]);
            assert_eq!(store.revisions(None, 1).await.unwrap()[..], listed[..1]);
            for publication in [&first, &second] {
                let source = store.source(publication.revision.number).await.unwrap();
                let paths: Vec<&str> = source.iter().map(|file| file.path.as_str()).collect();
                assert_eq!(
                    paths,
                    ["B.json", "a.json", "a/ä.json", "b.json"],
                    "in the order of their bytes"
                );
                assert!(source.iter().all(|file| publication.source.contains(file)));
                let declaration = &publication.revision.wish.declarations["passcode"];
                let body = store.declaration(declaration.server_token).await.unwrap();
                assert_eq!(body, Some(declaration.body()));
            }
            assert!(store.source(3).await.unwrap().is_empty());
            assert_eq!(
                store.blob(digest("download")).await.unwrap(),
                Some(first.downloads[0].clone())
            );
        }
        assert_eq!(actions(store).await, ["publish 2", "publish 1"]);
    })
    .await;
}

#[tokio::test]
async fn of_two_who_publish_one_number_one_does() {
    on_each(async |store, _| {
        let (one, other) = (publication(1, 6), publication(1, 8));
        let (first, second) = (audit("one"), audit("other"));
        let outcomes = tokio::join!(store.publish(&one, &first), store.publish(&other, &second));
        let (winner, loser) = match outcomes {
            (Ok(()), Err(StoreError::Conflict)) => (&one, &other),
            (Err(StoreError::Conflict), Ok(())) => (&other, &one),
            outcomes => panic!("{outcomes:?}"),
        };
        assert_eq!(
            store.newest_revision().await.unwrap().as_ref(),
            Some(&winner.revision)
        );
        let lost = loser.revision.wish.declarations["passcode"].server_token;
        assert_eq!(
            store.declaration(lost).await.unwrap(),
            None,
            "nothing of it is there"
        );
        assert_eq!(actions(store).await.len(), 1);
        assert_eq!(store.publish(&one, &first).await, Err(StoreError::Conflict));
    })
    .await;
}
