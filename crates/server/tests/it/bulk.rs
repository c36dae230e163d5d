//! Commands for groups: every member gets one, and no other device, whatever is killed on the way.

use std::collections::BTreeSet;
use std::time::Duration;

use ordain_model::decision::Write;
use ordain_model::enrollment::{Enrollment, Memberships, Phase, Pin};
use ordain_model::ids::Digest;
use ordain_testbed::Database;
use serde_json::{Value, json};

use crate::commands::{order, settled};
use crate::house::House;
use crate::policy::rich;

crate::on_each_database!(
    a_whole_fleet_with_a_kill_in_the_middle,
    members_and_nobody_else,
    taken_back_on_the_way,
);

/// Devices that are there without having spoken, named so that some come before and some after the others.
pub(crate) async fn enrolled(database: &Database, count: usize) {
    let store = database.open().await.expect("a store");
    for number in 0..count {
        let id: ordain_model::ids::EnrollmentId = format!("bulk-{number:04}").parse().expect("an identifier");
        let enrollment = Enrollment {
            identity: Some(Pin {
                fingerprint: Digest::of(id.to_string().as_bytes()),
                not_after: crate::house::START + 1_000_000,
            }),
            id: id.clone(),
            generation: 1,
            phase: Phase::Enrolled,
            facts: Default::default(),
            memberships: Memberships::Granted,
            tags: Default::default(),
            groups: Default::default(),
            push: None,
            capabilities: None,
            known: None,
            offer: None,
            stamp: 0,
            pinned: None,
            told: None,
            standing: None,
            inventory: Default::default(),
            since: crate::house::START,
        };
        let state = store.channel(&id).await.expect("a state");
        let write = Write::Enrollment(Box::new(enrollment));
        store.commit(&state, &[write], None).await.expect("a row");
    }
}

/// Waits until all members are reached.
async fn reached(house: &House, id: &str) -> Value {
    loop {
        let found = house.get(&format!("/commands/{id}?limit=0")).await;
        if found["reaching"] == false {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The channels of an order, page by page.
async fn channels(house: &House, id: &str) -> Vec<String> {
    let (mut all, mut before) = (Vec::new(), String::new());
    loop {
        let found = house.get(&format!("/commands/{id}?limit=100{before}")).await;
        let rows = found["deliveries"].as_array().expect("rows").clone();
        let Some(last) = rows.last() else { return all };
        before = format!("&before={}", last["number"]);
        all.extend(
            rows.iter()
                .map(|row| row["enrollment"].as_str().expect("an id").to_owned()),
        );
    }
}

async fn a_whole_fleet_with_a_kill_in_the_middle(database: Database) {
    const COUNT: usize = 1_200;
    enrolled(&database, COUNT).await;
    let mut house = House::open(database).await;
    let device = settled(&house, "zz").await;
    let id = order(&house, json!({"group": "all", "request_type": "ProfileList"})).await;
    house.kill();
    house.start().await.expect("a server");
    let done = reached(&house, &id).await;
    assert_eq!(
        (&done["states"], &done["open"]),
        (&json!({"queued": COUNT + 1}), &json!(COUNT + 1))
    );
    let channels = channels(&house, &id).await;
    let once: BTreeSet<&String> = channels.iter().collect();
    assert_eq!((channels.len(), once.len()), (COUNT + 1, COUNT + 1));
    let command = device.ask().await.expect("a command");
    assert_eq!(command.request_type, "ProfileList");
    assert_eq!(device.answer("Acknowledged", &command.uuid, "").await, None);
    house.restart().await;
    let states = reached(&house, &id).await["states"].clone();
    assert_eq!(
        states,
        json!({"queued": COUNT, "acknowledged": 1}),
        "nobody gets it twice"
    );
}

async fn members_and_nobody_else(database: Database) {
    let house = House::open(database).await;
    house.publish(&rich("S-D")).await;
    let (member, other) = (settled(&house, "D").await, settled(&house, "E").await);
    let id = order(&house, json!({"group": "lab", "request_type": "ProfileList"})).await;
    reached(&house, &id).await;
    assert_eq!(channels(&house, &id).await, ["D"]);
    assert_eq!(other.ask().await, None);
    assert_eq!(member.ask().await.expect("a command").request_type, "ProfileList");
    // A device that only claims to be the member is none, until somebody says that it is.
    member.enroll().await;
    let id = order(&house, json!({"group": "lab", "request_type": "ProfileList"})).await;
    assert_eq!(reached(&house, &id).await["states"], json!({}));
    let lock = json!({"group": "lab", "request_type": "DeviceLock", "confirm": true});
    let refused = house
        .admin("POST", "/commands", Some(lock))
        .await
        .with(409)
        .json();
    assert!(
        refused["error"]
            .as_str()
            .is_some_and(|error| error.contains("no members")),
        "{refused}"
    );
}

async fn taken_back_on_the_way(database: Database) {
    enrolled(&database, 700).await;
    let house = House::open(database).await;
    let id = order(&house, json!({"group": "all", "request_type": "ProfileList"})).await;
    house
        .admin("DELETE", &format!("/commands/{id}"), None)
        .await
        .with(200);
    let found = reached(&house, &id).await;
    assert_eq!(found["open"], 0, "{found}");
    assert_eq!(found["states"]["queued"], Value::Null);
}
