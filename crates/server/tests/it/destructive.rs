//! What takes something from devices: it must be meant, it is audited, there is a budget for it, and its secrets are
//! sealed.

use ordain_testbed::Database;
use serde_json::{Value, json};

use crate::commands::{order, settled, states};
use crate::house::House;
use crate::message::{Message, TOPIC, value_of};

crate::on_each_database!(
    it_must_be_confirmed,
    no_more_than_the_budget_in_an_hour,
    a_group_is_counted_when_it_is_ordered,
    the_passcode_is_cleared_with_what_was_escrowed,
    secrets_are_sealed,
);

fn erase(devices: &[&str]) -> Value {
    json!({"devices": devices, "request_type": "EraseDevice", "keys": {"PIN": "815473"}, "confirm": true})
}

fn error(answer: &Value) -> &str {
    answer["error"].as_str().expect("an error")
}

async fn it_must_be_confirmed(database: Database) {
    let house = House::open(database).await;
    settled(&house, "D").await;
    let before = house.everything().await;
    for (request_type, keys) in [
        ("EraseDevice", json!({})),
        ("DeviceLock", json!({})),
        ("RemoveProfile", json!({"Identifier": "x"})),
        ("ClearPasscode", json!({})),
    ] {
        let asked = json!({"devices": ["D"], "request_type": request_type, "keys": keys});
        let refused = house
            .admin("POST", "/commands", Some(asked))
            .await
            .with(428)
            .json();
        assert!(error(&refused).contains(request_type), "{refused}");
        assert_eq!(refused["details"], json!(["D (Device S-D, S-D)"]));
        let asked = json!({"group": "all", "request_type": request_type, "keys": keys});
        let refused = house
            .admin("POST", "/commands", Some(asked))
            .await
            .with(428)
            .json();
        assert!(error(&refused).contains("1 device"), "{refused}");
    }
    assert_eq!(house.everything().await, before);
    order(&house, erase(&["D"])).await;
    let audit = &house.get("/audit").await[0];
    assert_eq!(
        (&audit["action"], &audit["detail"]["request_type"]),
        (&json!("command"), &json!("EraseDevice"))
    );
    assert!(!audit.to_string().contains("815473"), "{audit}");
}

async fn no_more_than_the_budget_in_an_hour(database: Database) {
    let house = House::open_with(database, |settings| settings.destructive_budget = 3).await;
    for name in ["A", "B", "C", "D"] {
        settled(&house, name).await;
    }
    order(&house, erase(&["A", "B"])).await;
    house.pass(600);
    // Two at once, of which one has room.
    let (one, two) = tokio::join!(
        house.admin("POST", "/commands", Some(erase(&["C"]))),
        house.admin("POST", "/commands", Some(erase(&["D"]))),
    );
    let mut outcomes = [one.status.as_u16(), two.status.as_u16()];
    outcomes.sort_unstable();
    assert_eq!(outcomes, [200, 409]);
    let refused = house
        .admin("POST", "/commands", Some(erase(&["D"])))
        .await
        .with(409)
        .json();
    for part in ["3 are used", "in 50 min", "--destructive-budget"] {
        assert!(error(&refused).contains(part), "{refused}");
    }
    let too_many = erase(&["A", "B", "C", "D"]);
    let refused = house
        .admin("POST", "/commands", Some(too_many))
        .await
        .with(409)
        .json();
    assert!(error(&refused).contains("that alone is too much"), "{refused}");
    // What takes nothing does not count.
    order(&house, json!({"devices": ["D"], "request_type": "ProfileList"})).await;
    house.pass(3_000);
    order(&house, erase(&["D"])).await;
}

async fn a_group_is_counted_when_it_is_ordered(database: Database) {
    let house = House::open_with(database, |settings| settings.destructive_budget = 2).await;
    for name in ["A", "B", "C"] {
        settled(&house, name).await;
    }
    let lock = json!({"group": "all", "request_type": "DeviceLock", "confirm": true});
    house
        .admin("POST", "/commands", Some(lock.clone()))
        .await
        .with(409);
    let gone = crate::device::Device::mac(&house, "C");
    gone.enroll().await;
    gone.check_out().await;
    assert_eq!(house.get("/commands").await, json!([]));
}

async fn the_passcode_is_cleared_with_what_was_escrowed(database: Database) {
    let house = House::open(database).await;
    let (with, without) = (settled(&house, "D").await, settled(&house, "E").await);
    let escrows = format!(
        "{TOPIC}<key>PushMagic</key><string>magic</string><key>Token</key><data>AQIDBA==</data>\
         <key>UnlockToken</key><data>dW5sb2Nr</data>"
    );
    with.agent
        .put(&Message::check_in(&with.ids, "TokenUpdate", &escrows))
        .await
        .with(200);
    let clear =
        |devices: &[&str]| json!({"devices": devices, "request_type": "ClearPasscode", "confirm": true});
    let refused = house
        .admin("POST", "/commands", Some(clear(&["D", "E"])))
        .await
        .with(409)
        .json();
    assert!(error(&refused).contains("UnlockToken"), "{refused}");
    assert_eq!(refused["details"], json!(["E (Device S-E, S-E)"]));
    let id = order(&house, clear(&["D"])).await;
    let command = with.ask().await.expect("a command");
    assert_eq!(
        value_of(&command.xml, "UnlockToken", "data").map(str::trim),
        Some("dW5sb2Nr")
    );
    assert_eq!(without.ask().await, None);
    // In the next generation the device has escrowed none.
    with.enroll().await;
    assert_eq!(states(&house, &id).await, (json!({"sent": 1}), 0));
    house
        .admin("POST", "/commands", Some(clear(&["D"])))
        .await
        .with(409);
}

async fn secrets_are_sealed(database: Database) {
    let mut house = House::open(database).await;
    let device = settled(&house, "D").await;
    let id = order(&house, erase(&["D"])).await;
    let command = device.ask().await.expect("a command");
    assert!(command.xml.contains("815473"));
    let results = "<key>Secret</key><string>key to everything</string>";
    device.answer("Acknowledged", &command.uuid, results).await;
    let found = house.get(&format!("/commands/{id}")).await;
    assert_eq!(
        found["deliveries"][0]["result"],
        json!({"Secret": "key to everything"})
    );
    house.stop().await;
    let Some(path) = house.database.path() else { return };
    let octets = std::fs::read(path).expect("a file");
    let holds = |text: &str| octets.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds("EraseDevice"), "this is where it is kept");
    assert!(!holds("815473") && !holds("key to everything"));
}
