//! Commands that administrators order: each goes to its device in order, until that has answered, and what it answered
//! is kept.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ordain_testbed::Database;
use serde_json::{Value, json};

use crate::device::{Device, Given};
use crate::house::House;
use crate::message::Message;

crate::on_each_database!(
    ordered_given_and_answered,
    what_cannot_be_done_now,
    again_until_it_is_answered_whatever_is_killed,
    results_count_for_their_own_device_only,
    what_expires,
    what_is_taken_back,
    the_end_of_an_enrollment,
    from_a_file,
    orders_that_make_no_sense,
);

/// An enrolled Mac that was told all and asked all.
pub(crate) async fn settled(house: &House, name: &str) -> Device {
    let device = Device::mac(house, name);
    device.enroll().await;
    device.told().await;
    device.converge().await;
    assert_eq!(device.idle().await, None);
    device
}

/// Orders, and tells the name of the order.
pub(crate) async fn order(house: &House, asked: Value) -> String {
    let ordered = house
        .admin("POST", "/commands", Some(asked))
        .await
        .with(200)
        .json();
    ordered["id"].as_str().expect("a name").to_owned()
}

pub(crate) async fn order_for(house: &House, device: &str, request_type: &str, keys: Value) -> String {
    let asked = json!({"devices": [device], "request_type": request_type, "keys": keys});
    order(house, asked).await
}

/// The states of an order, and on how many channels it is open.
pub(crate) async fn states(house: &House, order: &str) -> (Value, u64) {
    let found = house.get(&format!("/commands/{order}")).await;
    (found["states"].clone(), found["open"].as_u64().expect("a number"))
}

fn given(given: &Option<Given>) -> Option<&str> {
    given.as_ref().map(|given| given.request_type.as_str())
}

async fn ordered_given_and_answered(database: Database) {
    let house = House::open(database).await;
    let device = settled(&house, "D").await;
    let first = order_for(&house, "S-D", "RestartDevice", json!({"NotifyUser": "true"})).await;
    let second = order_for(&house, "D", "ProfileList", json!({})).await;
    let queue = &house.device("D").await["channels"][0]["queue"];
    let waiting: Vec<_> = queue.as_array().expect("a queue").iter().collect();
    assert_eq!(waiting.len(), 2);
    assert_eq!(
        (&waiting[0]["command"], &waiting[0]["state"]),
        (&json!(first), &json!("queued"))
    );

    let restart = device.ask().await.expect("a command");
    assert_eq!(restart.request_type, "RestartDevice");
    assert!(restart.xml.contains("<key>NotifyUser</key>"), "{}", restart.xml);
    assert_eq!(states(&house, &first).await, (json!({"sent": 1}), 1));
    let list = device
        .answer("Acknowledged", &restart.uuid, "")
        .await
        .expect("the next");
    assert_eq!(list.request_type, "ProfileList");
    // Said once more, since the server's answer was lost: it changes nothing, and the same comes after it.
    house.pass(5);
    assert_eq!(
        device.answer("Error", &restart.uuid, "").await,
        Some(list.clone())
    );
    let profiles = "<key>ProfileList</key><array><dict><key>PayloadIdentifier</key><string>a.b</string>\
                    <key>PayloadContent</key><data>AQI=</data></dict></array>";
    assert_eq!(device.answer("Acknowledged", &list.uuid, profiles).await, None);
    let found = house.get(&format!("/commands/{second}")).await;
    let delivery = &found["deliveries"][0];
    assert_eq!(
        delivery["result"],
        json!({"ProfileList": [{"PayloadIdentifier": "a.b", "PayloadContent": "AQI="}]})
    );
    assert_eq!(
        (&delivery["enrollment"], &delivery["state"]),
        (&json!("D"), &json!("acknowledged"))
    );
    assert_eq!((&delivery["open"], &found["open"]), (&json!(false), &json!(0)));
    assert_eq!(states(&house, &first).await, (json!({"acknowledged": 1}), 0));
    let of_device = house.get("/devices/S-D/commands").await;
    let orders: Vec<_> = of_device
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| &row["command"])
        .collect();
    assert_eq!(orders, [&json!(second), &json!(first)]);
    let all = house.get("/commands?limit=1").await;
    assert_eq!((&all[0]["id"], &all[1]), (&json!(second), &Value::Null));
    let audit = &house.get("/audit").await[1];
    assert_eq!(audit["action"], "command");
    let detail = json!({
        "id": first, "request_type": "RestartDevice", "keys": ["NotifyUser"], "devices": ["D"], "group": null
    });
    assert_eq!(audit["detail"], detail);
    assert_eq!(device.ask().await, None);
}

async fn what_cannot_be_done_now(database: Database) {
    let house = House::open(database).await;
    let device = settled(&house, "D").await;
    let (list, restart) = (
        order_for(&house, "D", "CertificateList", json!({})).await,
        order_for(&house, "D", "RestartDevice", json!({})).await,
    );
    let certificates = device.ask().await.expect("a command");
    let next = device
        .answer("NotNow", &certificates.uuid, "")
        .await
        .expect("the next");
    assert_eq!(next.request_type, "RestartDevice");
    assert_eq!(states(&house, &list).await, (json!({"not-now": 1}), 1));
    assert_eq!(
        device.answer("NotNow", &next.uuid, "").await,
        None,
        "nothing twice in a session"
    );
    // The device comes back by itself: the same commands, in the same order.
    assert_eq!(device.ask().await, Some(certificates.clone()));
    let chain = "<key>ErrorChain</key><array><dict><key>ErrorCode</key><integer>12021</integer>\
                 <key>ErrorDomain</key><string>MCMDMErrorDomain</string></dict></array>";
    assert_eq!(
        device.answer("Error", &certificates.uuid, chain).await,
        Some(next.clone())
    );
    assert_eq!(device.answer("CommandFormatError", &next.uuid, "").await, None);
    for (order, reason) in [
        (list, "MCMDMErrorDomain 12021: no description"),
        (restart, "CommandFormatError"),
    ] {
        let found = house.get(&format!("/commands/{order}")).await;
        let delivery = &found["deliveries"][0];
        assert_eq!(
            (&delivery["state"], &delivery["reason"]),
            (&json!("failed"), &json!(reason))
        );
    }
}

async fn again_until_it_is_answered_whatever_is_killed(database: Database) {
    let mut house = House::open(database).await;
    let device = settled(&house, "D").await;
    let id = order_for(&house, "D", "ProfileList", json!({})).await;
    house.kill();
    house.start().await.expect("a server");
    let command = device.ask().await.expect("a command");
    house.kill();
    house.start().await.expect("a server");
    assert_eq!(
        states(&house, &id).await,
        (json!({"sent": 1}), 1),
        "it was written before it was given"
    );
    assert_eq!(device.ask().await, Some(command.clone()));
    assert_eq!(device.answer("Acknowledged", &command.uuid, "").await, None);
    house.kill();
    house.start().await.expect("a server");
    assert_eq!(states(&house, &id).await, (json!({"acknowledged": 1}), 0));
    assert_eq!(device.ask().await, None);
}

async fn results_count_for_their_own_device_only(database: Database) {
    let house = House::open(database).await;
    let device = settled(&house, "D").await;
    let other = settled(&house, "E").await;
    let user = device.user("U");
    user.token_update().await.with(200);
    user.told().await;
    let id = order_for(&house, "D", "ProfileList", json!({})).await;
    let command = device.ask().await.expect("a command");
    let before = house.get(&format!("/commands/{id}")).await;
    // As another device, as a user of this one, and as this one under another's certificate.
    for who in [&other, &user] {
        assert_eq!(who.answer("Acknowledged", &command.uuid, "").await, None);
    }
    let keys = format!("<key>CommandUUID</key><string>{}</string>", command.uuid);
    for message in [
        Message::command(&device.ids, "Acknowledged", &keys),
        Message::command(&device.ids, "Idle", ""),
    ] {
        let refused = other.agent.put(&message).await.with(403);
        assert!(refused.body.is_empty());
    }
    assert_eq!(house.get(&format!("/commands/{id}")).await, before);

    // A user's own queue is the user's.
    let for_user = order_for(&house, "D:U", "ProfileList", json!({})).await;
    let list = user.ask().await.expect("a command");
    assert_ne!(list.uuid, command.uuid);
    assert_eq!(
        device.answer("Acknowledged", &list.uuid, "").await,
        Some(command.clone())
    );
    assert_eq!(states(&house, &for_user).await, (json!({"sent": 1}), 1));
    assert_eq!(user.answer("Acknowledged", &list.uuid, "").await, None);
    assert_eq!(device.answer("Acknowledged", &command.uuid, "").await, None);
    assert_eq!(states(&house, &for_user).await, (json!({"acknowledged": 1}), 0));
}

/// Waits until nothing of an order is open.
async fn closed(house: &House, order: &str) -> Value {
    loop {
        let (states, open) = states(house, order).await;
        if open == 0 {
            return states;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}

async fn what_expires(database: Database) {
    let house = House::open(database).await;
    let device = settled(&house, "D").await;
    let asked =
        |expires_in: i64| json!({"devices": ["D"], "request_type": "ProfileList", "expires_in": expires_in});
    let sent = order(&house, asked(60)).await;
    let command = device.ask().await.expect("a command");
    let queued = order(&house, asked(60)).await;
    let longer = order(&house, asked(600)).await;
    house.pass(60);
    let next = device.ask().await.expect("the one that has not expired");
    assert_eq!(
        closed(&house, &sent).await,
        json!({"sent": 1}),
        "it may have been carried out"
    );
    assert_eq!(closed(&house, &queued).await, json!({"expired": 1}));
    // A result that comes late still counts.
    assert_eq!(device.answer("Acknowledged", &command.uuid, "").await, Some(next));
    assert_eq!(states(&house, &sent).await.0, json!({"acknowledged": 1}));
    assert_eq!(states(&house, &longer).await.1, 1);
}

async fn what_is_taken_back(database: Database) {
    let house = House::open(database).await;
    let device = settled(&house, "D").await;
    let other = settled(&house, "E").await;
    let asked = json!({"devices": ["D", "E"], "request_type": "ProfileList"});
    let id = order(&house, asked).await;
    let path = format!("/commands/{id}");
    let command = device.ask().await.expect("a command");
    let cancelled = house.admin("DELETE", &path, None).await.with(200).json();
    assert_eq!(cancelled["states"], json!({"sent": 1, "cancelled": 1}));
    assert_eq!(cancelled["deliveries"][0]["reason"], "taken back by admin.token");
    assert_eq!(other.ask().await, None);
    let refused = house.admin("DELETE", &path, None).await.with(409).json();
    assert!(
        refused["error"]
            .as_str()
            .is_some_and(|error| error.contains("1 sent")),
        "{refused}"
    );
    // What the device could not do it does not keep.
    assert_eq!(device.answer("NotNow", &command.uuid, "").await, None);
    let cancelled = house.admin("DELETE", &path, None).await.with(200).json();
    assert_eq!(cancelled["states"], json!({"cancelled": 2}));
    assert_eq!(device.ask().await, None);
    let actions = house.get("/audit").await;
    assert_eq!(actions[0]["action"], "cancel-command");
    house.admin("DELETE", "/commands/nothing", None).await.with(404);
}

async fn the_end_of_an_enrollment(database: Database) {
    let house = House::open(database).await;
    let device = settled(&house, "D").await;
    let sent = order_for(&house, "D", "ProfileList", json!({})).await;
    let command = device.ask().await.expect("a command");
    let queued = order_for(&house, "D", "ProfileList", json!({})).await;
    device.enroll().await;
    assert_eq!(states(&house, &sent).await, (json!({"sent": 1}), 0));
    assert_eq!(states(&house, &queued).await, (json!({"cancelled": 1}), 0));
    device.told().await;
    assert_eq!(
        device.result("Acknowledged", &command.uuid).await,
        None,
        "of the generation before: as good as nothing"
    );
    assert_eq!(states(&house, &sent).await, (json!({"sent": 1}), 0));
    let left = order_for(&house, "D", "ProfileList", json!({})).await;
    device.check_out().await.with(200);
    assert_eq!(states(&house, &left).await, (json!({"cancelled": 1}), 0));
    let asked = json!({"devices": ["D"], "request_type": "ProfileList"});
    let refused = house
        .admin("POST", "/commands", Some(asked))
        .await
        .with(409)
        .json();
    assert!(
        refused["error"]
            .as_str()
            .is_some_and(|error| error.contains("checked out")),
        "{refused}"
    );
}

async fn from_a_file(database: Database) {
    let house = House::open(database).await;
    let device = settled(&house, "D").await;
    let file = STANDARD.encode(
        "<?xml version=\"1.0\"?><plist version=\"1.0\"><dict><key>Command</key><dict>\
         <key>RequestType</key><string>Settings</string><key>Settings</key><array/></dict></dict></plist>",
    );
    let asked =
        |request_type: Option<&str>| json!({"devices": ["D"], "file": file, "request_type": request_type});
    house
        .admin("POST", "/commands", Some(asked(Some("ProfileList"))))
        .await
        .with(400);
    order(&house, asked(None)).await;
    let command = device.ask().await;
    assert_eq!(given(&command), Some("Settings"));
}

async fn orders_that_make_no_sense(database: Database) {
    let house = House::open(database).await;
    settled(&house, "D").await;
    let before = house.everything().await;
    for (status, asked) in [
        (400, json!({})),
        (400, json!({"devices": ["D"]})),
        (400, json!({"request_type": "ProfileList"})),
        (
            400,
            json!({"devices": ["D"], "group": "all", "request_type": "ProfileList"}),
        ),
        (
            400,
            json!({"devices": ["D"], "request_type": "ProfileList", "expires_in": 0}),
        ),
        (
            400,
            json!({"devices": ["D"], "request_type": "ProfileList", "expires_in": i64::MAX}),
        ),
        (
            400,
            json!({"devices": ["D"], "request_type": "ProfileList", "more": 1}),
        ),
        (400, json!({"devices": ["D"], "file": "*"})),
        (400, json!({"devices": ["D"], "file": "e30=", "keys": {"a": 1}})),
        (404, json!({"devices": ["nobody"], "request_type": "ProfileList"})),
        (
            404,
            json!({"devices": ["D", "D:nobody"], "request_type": "ProfileList"}),
        ),
        (404, json!({"group": "nothing", "request_type": "ProfileList"})),
        (422, json!({"devices": ["D"], "file": "e30="})),
        (422, json!({"devices": ["D"], "request_type": "ProfilList"})),
        (
            422,
            json!({"devices": ["D"], "request_type": "ProfileList", "keys": {"ManagedOnly": "perhaps"}}),
        ),
        (422, json!({"devices": ["D"], "request_type": "InstallProfile"})),
        (
            422,
            json!({"devices": ["D"], "request_type": "DeclarativeManagement"}),
        ),
    ] {
        let answer = house.admin("POST", "/commands", Some(asked.clone())).await;
        assert_eq!(answer.status, status, "{asked}: {answer:?}");
        assert!(!answer.json()["error"].as_str().expect("an error").is_empty());
    }
    assert_eq!(house.everything().await, before);
    assert_eq!(house.get("/commands").await, json!([]));
    house.admin("GET", "/commands/%00", None).await.with(400);
    house.admin("GET", "/commands/nothing", None).await.with(404);
}
