//! Catalogs: imported ones, the one in force, and those of revisions.

use ordain_model::wish::Revision;
use ordain_store::{CatalogRecord, NewCatalog, Publication, StoreError};

use crate::fixtures::*;
use crate::revisions::{own_catalog, publication};

fn imported(facts: &str) -> NewCatalog {
    NewCatalog {
        facts: facts.into(),
        source: format!("a file with {facts}"),
    }
}

/// A publication under an imported catalog.
fn under(catalog: &NewCatalog, number: u64) -> Publication {
    let before = publication(number, 6);
    Publication {
        revision: Revision {
            catalog: catalog.digest(),
            ..before.revision
        },
        own_catalog: None,
        ..before
    }
}

#[tokio::test]
async fn the_programs_own_is_in_force_until_another_is_imported() {
    on_each(async |store, database| {
        assert_eq!(store.catalog_in_force().await.unwrap(), None);
        let (one, other) = (imported("one \u{e4}"), imported("other"));
        assert_eq!(store.catalog(one.digest()).await.unwrap(), None);
        assert_eq!(store.catalog_facts(one.digest()).await.unwrap(), None);
        store.import_catalog(&one, &audit("one")).await.unwrap();
        store.import_catalog(&other, &audit("other")).await.unwrap();
        let again = NewCatalog {
            source: "the same".into(),
            ..one.clone()
        };
        store.import_catalog(&again, &audit("again")).await.unwrap();
        for store in [store, &database.open().await.unwrap()] {
            assert_eq!(store.catalog_in_force().await.unwrap(), Some(one.digest()));
            let record = CatalogRecord {
                source: "the same".into(),
                imported_at: Some(NOW),
            };
            assert_eq!(store.catalog(one.digest()).await.unwrap(), Some(record));
            let facts = store.catalog_facts(one.digest()).await.unwrap();
            assert_eq!(facts.as_ref(), Some(&one.facts));
        }
        store.reset_catalog(&audit("reset")).await.unwrap();
        assert_eq!(store.catalog_in_force().await.unwrap(), None);
        let kept = store.catalog_facts(other.digest()).await.unwrap();
        assert_eq!(kept, Some(other.facts), "revisions may be under it");
        assert_eq!(actions(store).await, ["reset", "again", "other", "one"]);
    })
    .await;
}

#[tokio::test]
async fn a_revision_is_published_under_the_catalog_in_force_or_not_at_all() {
    on_each(async |store, _| {
        let (one, other) = (imported("one"), imported("other"));
        let conflict = Err(StoreError::Conflict);
        let publish = async |publication: &Publication| store.publish(publication, &audit("publish")).await;
        assert_eq!(publish(&under(&one, 1)).await, conflict, "nobody imported it");
        publish(&publication(1, 6)).await.unwrap();
        let own = own_catalog();
        let kept = store.catalog_facts(own.digest()).await.unwrap();
        assert_eq!(kept, Some(own.facts), "a later program has another one");
        let record = CatalogRecord {
            source: own.source,
            imported_at: None,
        };
        assert_eq!(store.catalog(own_catalog().digest()).await.unwrap(), Some(record));

        store.import_catalog(&one, &audit("one")).await.unwrap();
        assert_eq!(publish(&publication(2, 8)).await, conflict);
        publish(&under(&one, 2)).await.unwrap();
        store.import_catalog(&other, &audit("other")).await.unwrap();
        assert_eq!(publish(&under(&one, 3)).await, conflict);
        store.reset_catalog(&audit("reset")).await.unwrap();
        assert_eq!(publish(&under(&other, 3)).await, conflict);
        assert_eq!(
            store.newest_revision().await.unwrap(),
            Some(under(&one, 2).revision)
        );
        publish(&publication(3, 8)).await.unwrap();
        let listed = store.revisions(None, 10).await.unwrap();
        let catalogs: Vec<_> = listed.iter().map(|revision| revision.catalog).collect();
        assert_eq!(
            catalogs,
            [own_catalog().digest(), one.digest(), own_catalog().digest()]
        );
    })
    .await;
}

#[tokio::test]
async fn of_an_import_and_a_publication_at_once_the_publication_never_overlooks_the_import() {
    on_each(async |store, database| {
        let node = database.open().await.unwrap();
        // Nobody else may write to SQLite.
        let other = if store.is_shared() { &node } else { store };
        let (catalog, publication) = (imported("one"), publication(1, 6));
        let (by_one, by_other) = (audit("publish"), audit("import"));
        let (published, done) = tokio::join!(
            store.publish(&publication, &by_one),
            other.import_catalog(&catalog, &by_other)
        );
        done.unwrap();
        let order = actions(store).await;
        match published {
            Ok(()) => assert_eq!(order, ["import", "publish"]),
            Err(StoreError::Conflict) => assert_eq!(order, ["import"]),
            Err(error) => panic!("{error}"),
        }
    })
    .await;
}
