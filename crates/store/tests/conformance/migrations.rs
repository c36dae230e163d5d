//! Migrations: as often as one likes, by as many as one likes, and never backwards.

use futures_util::future::join_all;
use ordain_testbed::{Database, connect, databases};

use crate::fixtures::*;

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_start_together_all_come_up() {
    for database in databases().await {
        for store in join_all((0..8).map(|_| database.open())).await {
            store
                .unwrap_or_else(|error| panic!("{}: {error}", database.name()))
                .ping()
                .await
                .unwrap();
        }
    }
}

#[tokio::test]
async fn what_was_stored_outlives_the_store() {
    for database in databases().await {
        let store = database.open().await.unwrap();
        enroll(&store, "d1").await;
        store.set("key", b"value".to_vec(), &audit("set")).await.unwrap();
        drop(store);
        let store = database.open().await.unwrap();
        assert_eq!(
            store.channel(&id("d1")).await.unwrap().channel(),
            Some(&enrollment("d1"))
        );
        assert_eq!(store.setting("key").await.unwrap().unwrap(), b"value");
        assert_eq!(actions(&store).await, ["set"]);
    }
}

#[tokio::test]
async fn a_database_of_a_newer_ordain_is_refused() {
    const NEWER: &str = "INSERT INTO migration (number) VALUES (1000)";
    for database in databases().await {
        drop(database.open().await.unwrap());
        match &database {
            Database::Sqlite(_) => {
                let file = rusqlite::Connection::open(database.path().unwrap()).unwrap();
                file.execute_batch(NEWER).unwrap();
            }
            Database::Postgres(url) => connect(url).await.batch_execute(NEWER).await.unwrap(),
        }
        let refused = database.open().await;
        let error = refused.err().unwrap().to_string();
        assert!(error.contains("newer"), "{}: {error}", database.name());
    }
}
