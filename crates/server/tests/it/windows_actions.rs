//! What administrators order Windows devices to do.

use ordain_testbed::Database;
use ordain_twin::windows::{Event, Standing, Way};
use serde_json::{Value, json};

use crate::device::Device;
use crate::house::{House, PUBLIC_URL};
use crate::windows_twin::Managed;
use crate::windows_wire::token;

crate::on_each_database!(
    a_reboot_is_done_once,
    what_takes_something_is_confirmed,
    packages_are_installed,
    the_server_ends_an_enrollment,
    orders_that_are_not_for_the_device,
);

async fn managed(house: &House) -> Managed {
    let way = Way::new(PUBLIC_URL, "ada@example.org", token(house, "lab", 1).await);
    Managed::enrolled(house, 0, way).await
}

pub(crate) async fn order(house: &House, body: Value) -> String {
    let made: Value = house
        .admin("POST", "/commands", Some(body))
        .await
        .with(200)
        .json();
    made["id"].as_str().expect("a name").to_owned()
}

/// What became of an order on its one device: state and reason.
pub(crate) async fn state(house: &House, id: &str) -> (Value, Value) {
    let command = house.get(&format!("/commands/{id}")).await;
    let delivery = &command["deliveries"][0];
    (delivery["state"].clone(), delivery["reason"].clone())
}

async fn a_reboot_is_done_once(database: Database) {
    let mut house = House::open(database).await;
    let mut managed = managed(&house).await;
    let id = order(
        &house,
        json!({"request_type": "windows.reboot", "devices": [managed.id()]}),
    )
    .await;
    assert_eq!(state(&house, &id).await.0, "queued");
    managed.twin.sync(house.now());
    while let Some(request) = managed.request() {
        let lost = managed.send(&request).await.with(200);
        house.kill();
        house.start().await.expect("a server");
        let answer = managed.send(&request).await.with(200);
        assert_eq!(answer.body, lost.body);
        managed.respond(&answer);
    }
    managed.is_content();
    assert_eq!(state(&house, &id).await.0, "acknowledged");
    managed.session().await;
    let reboots = managed.twin.history().iter();
    assert_eq!(reboots.filter(|event| **event == Event::Rebooted).count(), 1);
}

async fn what_takes_something_is_confirmed(database: Database) {
    let house = House::open(database).await;
    let mut managed = managed(&house).await;
    let mut body = json!({
        "request_type": "windows.wipe", "devices": [managed.id()], "keys": {"keep": "user-data"},
    });
    house
        .admin("POST", "/commands", Some(body.clone()))
        .await
        .with(428);
    managed.session().await;
    assert_eq!(managed.twin.standing(), Standing::Enrolled);
    body["confirm"] = json!(true);
    let id = order(&house, body).await;
    managed.twin.sync(house.now());
    managed.hold().await;
    assert_eq!(managed.twin.standing(), Standing::Wiped);
    assert_eq!(state(&house, &id).await.0, "acknowledged");
    let audit = house.get("/audit").await;
    assert_eq!(audit[0]["action"], "command");
}

async fn packages_are_installed(database: Database) {
    let house = House::open(database).await;
    let mut managed = managed(&house).await;
    let product = |last: char| format!("{{01234567-89AB-CDEF-0123-45678901234{last}}}");
    managed.twin.install_ends_with(product('1'), 0x8007_0643);
    let mut orders = Vec::new();
    for last in ['0', '1'] {
        let keys = json!({
            "product": product(last), "version": "1.0", "url": "https://example.org/a.msi?x=1&y=2",
            "sha256": "ab".repeat(32),
        });
        let body = json!({"request_type": "windows.install-msi", "devices": [managed.id()], "keys": keys});
        orders.push(order(&house, body).await);
    }
    managed.session().await;
    for id in &orders {
        assert_eq!(state(&house, id).await.0, "sent", "it has only begun");
    }
    managed.session().await;
    house.pass(3600);
    managed.session().await;
    managed.session().await;
    assert_eq!(state(&house, &orders[0]).await.0, "acknowledged");
    let (failed, why) = state(&house, &orders[1]).await;
    assert_eq!(failed, "failed");
    assert!(why.to_string().contains("0x80070643"), "{why}");
    let begun = managed.twin.history().iter();
    let begun = begun.filter(|event| matches!(event, Event::Did(what) if what.starts_with("install")));
    assert_eq!(begun.count(), 2, "each once");
}

async fn the_server_ends_an_enrollment(database: Database) {
    let house = House::open(database).await;
    let mut managed = managed(&house).await;
    let body = json!({"request_type": "windows.unenroll", "devices": [managed.id()], "confirm": true});
    let id = order(&house, body).await;
    managed.twin.sync(house.now());
    managed.hold().await;
    assert_eq!(managed.twin.standing(), Standing::Unenrolled);
    let device = house.device(managed.id()).await;
    assert_eq!(device["channels"][0]["phase"], "checked-out");
    assert_eq!(state(&house, &id).await.0, "acknowledged");
}

async fn orders_that_are_not_for_the_device(database: Database) {
    let house = House::open(database).await;
    let mut managed = managed(&house).await;
    let mac = Device::mac(&house, "D");
    mac.enroll().await;
    let refused = async |body: Value, status| {
        house.admin("POST", "/commands", Some(body)).await.with(status);
    };
    refused(json!({"request_type": "windows.reboot", "devices": ["D"]}), 409).await;
    refused(
        json!({"request_type": "RestartDevice", "devices": [managed.id()]}),
        409,
    )
    .await;
    for (name, keys) in [
        ("windows.lock", json!({})),
        ("windows.wipe", json!({"keep": "all"})),
        ("windows.install-msi", json!({})),
    ] {
        let body = json!({"request_type": name, "keys": keys, "devices": [managed.id()], "confirm": true});
        refused(body, 422).await;
    }
    // Of a group, each gets what is for it.
    let id = order(&house, json!({"request_type": "windows.reboot", "group": "all"})).await;
    for _ in 0..200 {
        let command = house.get(&format!("/commands/{id}")).await;
        if command["deliveries"].as_array().is_some_and(|all| all.len() == 1) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    managed.session().await;
    assert_eq!(state(&house, &id).await.0, "acknowledged");
}
