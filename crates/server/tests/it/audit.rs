//! Each administrative change is in the audit, or it did not happen.

use ordain_testbed::Database;
use serde_json::json;

use crate::api::create_token;
use crate::catalog::narrower;
use crate::commands::order;
use crate::device::Device;
use crate::house::{House, START};
use crate::issue::{issued, renewed};
use crate::policy::{rich, small};

crate::on_each_database!(each_change_is_in_the_audit, without_the_audit_nothing_is_changed);

async fn each_change_is_in_the_audit(database: Database) {
    let house = House::open(database).await;
    house.publish(&small(8)).await;
    for _ in 0..2 {
        Device::mac(&house, "D")
            .agent
            .send("GET", "/mdm", "", b"")
            .await
            .with(405);
    }
    let device = Device::mac(&house, "D");
    device.enroll().await;
    device.enroll().await;
    house.pass(5);
    house.admin("POST", "/devices/D/approve", None).await.with(204);
    let (id, _) = create_token(&house, json!({"name": "t", "role": "admin"})).await;
    house
        .admin("DELETE", &format!("/tokens/{id}"), None)
        .await
        .with(204);
    issued(&house, Some("S-X")).await;
    renewed(&house, "D").await;
    house.import(narrower().as_bytes()).await.with(200);
    house.admin("POST", "/revisions/1/publish", None).await.with(200);
    house.admin("DELETE", "/catalog", None).await.with(200);
    let audit = house.get("/audit").await;
    let rows: Vec<_> = audit.as_array().expect("rows").iter().rev().collect();
    let actions: Vec<_> = rows
        .iter()
        .map(|row| row["action"].as_str().expect("a text"))
        .collect();
    assert_eq!(
        actions,
        [
            "create-token",
            "set-public-url",
            "publish",
            "approve",
            "create-token",
            "revoke-token",
            "issue-enrollment-profile",
            "issue-enrollment-profile",
            "import-catalog",
            "publish",
            "reset-catalog"
        ]
    );
    for row in &rows[3..] {
        assert_eq!(
            [&row["at"], &row["who"], &row["origin"]],
            [&json!(START + 5), &json!("admin.token"), &json!("127.0.0.1")]
        );
    }
    assert_eq!(rows[0]["who"], "server");
    assert_eq!(rows[2]["detail"]["revision"], 1);
    assert_eq!(rows[5]["detail"]["id"], id.as_str());
    assert_eq!(rows[6]["detail"]["serial"], "S-X");
    assert_eq!(rows[7]["detail"]["renews"], "D");
    assert_eq!(rows[8]["detail"]["source"], "a test");
    assert_eq!(rows[9]["detail"]["source_of"], 1);
    for (row, from, to) in [(8, 2, 9), (10, 9, 2)] {
        let catalog = |row: usize| &rows[row]["detail"]["catalog"];
        let detail = &rows[row]["detail"];
        assert_eq!([&detail["from"], &detail["to"]], [catalog(from), catalog(to)]);
    }
}

/// Runs SQL beside the server.
async fn execute(database: &Database, sql: &str) {
    match database {
        Database::Sqlite(_) => {
            let connection = rusqlite::Connection::open(database.path().expect("a file")).expect("SQLite");
            connection.execute_batch(sql).expect("SQL");
        }
        Database::Postgres(url) => {
            let client = ordain_testbed::connect(url).await;
            client.batch_execute(sql).await.expect("SQL");
        }
    }
}

async fn without_the_audit_nothing_is_changed(database: Database) {
    let house = House::open(database).await;
    house.publish(&rich("S-D")).await;
    let device = Device::mac(&house, "D");
    device.enroll().await;
    device.enroll().await;
    let (id, _) = create_token(&house, json!({"name": "t", "role": "admin"})).await;
    let asked = |request_type: &str| json!({"devices": ["D"], "request_type": request_type, "confirm": true});
    let list = order(&house, asked("ProfileList")).await;
    let before = (house.everything().await, house.get("/commands").await);
    execute(&house.database, "ALTER TABLE audit RENAME TO audit_away").await;
    let changes = [
        ("POST", "/devices/D/approve".to_owned(), None),
        (
            "POST",
            "/tokens".to_owned(),
            Some(json!({"name": "u", "role": "admin"})),
        ),
        ("DELETE", format!("/tokens/{id}"), None),
        ("POST", "/commands".to_owned(), Some(asked("EraseDevice"))),
        ("DELETE", format!("/commands/{list}"), None),
        ("DELETE", "/catalog".to_owned(), None),
        (
            "POST",
            "/enrollment-profiles".to_owned(),
            Some(json!({"topic": "t", "renew": "D"})),
        ),
    ];
    for (method, path, body) in changes {
        let answer = house.admin(method, &path, body).await.with(503);
        assert!(answer.json()["error"].is_string(), "{answer:?}");
    }
    house.try_publish(&small(10)).await.with(503);
    house.import(narrower().as_bytes()).await.with(503);
    execute(&house.database, "ALTER TABLE audit_away RENAME TO audit").await;
    assert_eq!((house.everything().await, house.get("/commands").await), before);
    house.publish(&small(10)).await;
}
