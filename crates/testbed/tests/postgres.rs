//! The throw-away PostgreSQL: one for each process, a database for each caller, and nothing left over.

use ordain_testbed::{Postgres, connect, databases, postgres_url};

#[tokio::test]
async fn every_caller_has_a_database_of_its_own() {
    let (Some(one), Some(other)) = (postgres_url().await, postgres_url().await) else {
        return;
    };
    assert_ne!(one, other);
    connect(&one)
        .await
        .batch_execute("CREATE TABLE mine (x INT)")
        .await
        .unwrap();
    connect(&other)
        .await
        .batch_execute("CREATE TABLE mine (x INT)")
        .await
        .unwrap();
}

#[tokio::test]
async fn a_private_one_ends_when_told_and_takes_its_files_along() {
    let Some(server) = Postgres::start() else { return };
    let url = server.database().await;
    let row = connect(&url)
        .await
        .query_one("SHOW data_directory", &[])
        .await
        .unwrap();
    let data: String = row.get(0);
    assert!(std::path::Path::new(&data).is_dir());
    server.stop();
    assert!(!std::path::Path::new(&data).exists());
    assert!(
        tokio_postgres::connect(&url, tokio_postgres::NoTls)
            .await
            .is_err()
    );
}

#[tokio::test]
async fn a_store_opens_on_each_database_as_often_as_one_likes() {
    for database in databases().await {
        for _ in 0..2 {
            database
                .open()
                .await
                .unwrap_or_else(|error| panic!("{}: {error}", database.name()))
                .ping()
                .await
                .unwrap();
        }
    }
}
