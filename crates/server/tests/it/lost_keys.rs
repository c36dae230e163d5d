//! Commands that the server itself can no longer read: they hold up nothing that comes after them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ordain_pki::seal::KeyRing;
use ordain_testbed::Database;
use serde_json::{Value, json};

use crate::commands::{order, order_for, settled, states};
use crate::device::Device;
use crate::house::House;
use crate::keys::{id, key_file, keys, put_keys};
use crate::message::{Message, TOPIC};

crate::on_each_database!(
    what_cannot_be_read_is_closed_and_the_next_one_given,
    what_the_device_escrowed_cannot_be_read_either,
    a_result_that_is_lost_hides_no_other,
);

/// A house that seals under a key which it will lose; the key that it will keep, and that one.
async fn open(database: Database) -> (House, String, String) {
    let mut house = House::open(database).await;
    let (kept, lost) = (keys(&house).remove(0), KeyRing::new_entry());
    put_keys(&house, &[&lost, &kept]);
    house.restart().await;
    (house, kept, lost)
}

async fn lose(house: &mut House, kept: &str) {
    put_keys(house, &[kept]);
    house.restart().await;
}

/// How an order stands on its only channel: state, and why.
async fn outcome(house: &House, order: &str) -> (Value, String) {
    let found = house.get(&format!("/commands/{order}")).await;
    let delivery = &found["deliveries"][0];
    assert_eq!((&found["open"], &delivery["open"]), (&json!(0), &json!(false)));
    let reason = delivery["reason"].as_str().expect("a reason");
    (delivery["state"].clone(), reason.to_owned())
}

/// The audit records of what the server has closed by itself, the newest first.
async fn closed(house: &House) -> Vec<Value> {
    let mut records = house.get("/audit").await.as_array().expect("records").clone();
    records.retain(|record| record["action"] == "cancel-command" && record["who"] == "server");
    records
        .into_iter()
        .map(|mut record| record["detail"].take())
        .collect()
}

async fn what_cannot_be_read_is_closed_and_the_next_one_given(database: Database) {
    let (mut house, kept, lost) = open(database).await;
    let device = settled(&house, "D").await;
    let sent = order_for(&house, "D", "ProfileList", json!({})).await;
    let first = device.ask().await.expect("a command");
    let refused = order_for(&house, "D", "CertificateList", json!({})).await;
    let queued = order_for(&house, "D", "RestartDevice", json!({})).await;
    let second = device.answer("NotNow", &first.uuid, "").await.expect("a command");
    device
        .answer("NotNow", &second.uuid, "")
        .await
        .expect("a command");
    // The last one was given, and its answer never came.
    lose(&mut house, &kept).await;
    let good = order_for(&house, "D", "ProfileList", json!({})).await;
    let last = order_for(&house, "D", "RestartDevice", json!({})).await;

    let given = device.ask().await.expect("a command");
    assert_eq!(states(&house, &good).await, (json!({"sent": 1}), 1));
    for (order, state) in [(&sent, "cancelled"), (&refused, "cancelled"), (&queued, "sent")] {
        let (found, reason) = outcome(&house, order).await;
        assert_eq!(found, state, "what was sent may have been carried out");
        let names = [id(&lost), key_file(&house).display().to_string()];
        assert!(names.iter().all(|name| reason.contains(name)), "{reason}");
    }
    let records = closed(&house).await;
    let of: Vec<_> = records
        .iter()
        .map(|record| record["id"].as_str().expect("a name"))
        .collect();
    assert_eq!(of, [&queued, &refused, &sent]);
    assert_eq!(records[0]["enrollment"], "D");
    assert!(
        records[0]["reason"]
            .as_str()
            .is_some_and(|reason| reason.contains(&id(&lost)))
    );

    let next = device
        .answer("Acknowledged", &given.uuid, "")
        .await
        .expect("the next");
    assert_eq!(device.answer("Acknowledged", &next.uuid, "").await, None);
    for order in [&good, &last] {
        assert_eq!(states(&house, order).await, (json!({"acknowledged": 1}), 0));
    }
    assert_eq!(device.ask().await, None);
    assert_eq!(closed(&house).await.len(), 3, "each once");
}

async fn what_the_device_escrowed_cannot_be_read_either(database: Database) {
    let (mut house, kept, lost) = open(database).await;
    let device = settled(&house, "D").await;
    escrow(&device).await;
    lose(&mut house, &kept).await;
    let asked = json!({"devices": ["D"], "request_type": "ClearPasscode", "confirm": true});
    let clear = order(&house, asked.clone()).await;
    let list = order_for(&house, "D", "ProfileList", json!({})).await;
    let given = device.ask().await.expect("a command");
    assert_eq!(given.request_type, "ProfileList");
    assert_eq!(device.answer("Acknowledged", &given.uuid, "").await, None);
    assert_eq!(states(&house, &list).await, (json!({"acknowledged": 1}), 0));
    let (state, reason) = outcome(&house, &clear).await;
    assert_eq!(state, "cancelled");
    assert!(
        reason.contains(&id(&lost)) && reason.contains("unlock token"),
        "{reason}"
    );
    // The device tells it again.
    escrow(&device).await;
    order(&house, asked).await;
    assert_eq!(
        device.ask().await.expect("a command").request_type,
        "ClearPasscode"
    );
}

async fn a_result_that_is_lost_hides_no_other(database: Database) {
    let (mut house, kept, lost) = open(database).await;
    let device = settled(&house, "D").await;
    let answers = async |house: &House| {
        let order = order_for(house, "D", "ProfileList", json!({})).await;
        let given = device.ask().await.expect("a command");
        let result = "<key>ProfileList</key><array/>";
        assert_eq!(device.answer("Acknowledged", &given.uuid, result).await, None);
        order
    };
    let before = answers(&house).await;
    lose(&mut house, &kept).await;
    let after = answers(&house).await;

    let all = house.get("/devices/D/commands").await;
    for (order, listed) in [(&after, &all[0]), (&before, &all[1])] {
        assert_eq!(listed["command"], **order);
        let shown = house.get(&format!("/commands/{order}")).await;
        assert_eq!(shown["deliveries"][0], *listed);
        assert_eq!(listed["state"], "acknowledged");
    }
    assert_eq!(
        (&all[0]["result"], &all[0]["result_lost"]),
        (&json!({"ProfileList": []}), &Value::Null)
    );
    assert_eq!(all[1]["result"], Value::Null);
    let why = all[1]["result_lost"].as_str().expect("a reason");
    let names = [id(&lost), key_file(&house).display().to_string()];
    assert!(names.iter().all(|name| why.contains(name)), "{why}");
}

async fn escrow(device: &Device) {
    let token = STANDARD.encode(b"what unlocks a forgotten passcode");
    let keys = format!(
        "{TOPIC}<key>PushMagic</key><string>magic</string><key>Token</key><data>AQIDBA==</data>\
         <key>UnlockToken</key><data>{token}</data>"
    );
    let update = Message::check_in(&device.ids, "TokenUpdate", &keys);
    device.agent.put(&update).await.with(200);
}
