//! The inventory: every device is asked after it enrolled, and then daily.

use ordain_testbed::Database;
use serde_json::{Value, json};

use crate::commands::{order_for, states};
use crate::device::{Device, facts};
use crate::house::House;
use crate::policy::small;

crate::on_each_database!(
    asked_and_kept,
    a_user_enrollment_is_asked_what_it_may_say,
    whoever_comes_back_with_an_answer_is_given_the_rest,
);

async fn asked_and_kept(database: Database) {
    let house = House::open(database).await;
    let device = Device::mac(&house, "D");
    device.enroll().await;
    let first = device.ask().await.expect("the DeclarativeManagement command");
    let information = device
        .answer("Acknowledged", &first.uuid, "")
        .await
        .expect("a survey");
    assert_eq!(information.request_type, "DeviceInformation");
    for query in ["OSVersion", "IsAppleSilicon", "SerialNumber"] {
        assert!(
            information.xml.contains(&format!("<string>{query}</string>")),
            "{}",
            information.xml
        );
    }
    let responses = "<key>QueryResponses</key><dict><key>OSVersion</key><string>26.2</string>\
                     <key>BuildVersion</key><string>25C1</string><key>DeviceName</key><string>Ann's Mac</string>\
                     <key>SerialNumber</key><string>OTHER</string><key>BatteryLevel</key><real>0.5</real></dict>";
    let security = device
        .answer("Acknowledged", &information.uuid, responses)
        .await
        .expect("the next");
    assert_eq!(security.request_type, "SecurityInfo");
    let apps = device
        .answer("NotNow", &security.uuid, "")
        .await
        .expect("the next");
    assert_eq!(apps.request_type, "InstalledApplicationList");
    let list =
        "<key>InstalledApplicationList</key><array><dict><key>Name</key><string>Maps</string></dict></array>";
    assert_eq!(device.answer("Acknowledged", &apps.uuid, list).await, None);

    let shown = house.device("D").await;
    assert_eq!(
        (&shown["name"], &shown["os_version"], &shown["serial"]),
        (&json!("Ann's Mac"), &json!("26.2"), &json!("S-D")),
        "what it is, it said when it enrolled"
    );
    let surveys: Vec<(&Value, &Value)> = shown["inventory"]
        .as_array()
        .expect("surveys")
        .iter()
        .map(|survey| (&survey["survey"], &survey["found_at"]))
        .collect();
    let now = json!(house.now());
    assert_eq!(
        surveys,
        [
            (&json!("DeviceInformation"), &now),
            (&json!("InstalledApplicationList"), &now)
        ]
    );
    assert_eq!(shown["inventory"][0]["facts"]["BatteryLevel"], 0.5);
    assert_eq!(shown["inventory"][1]["facts"], json!([{"Name": "Maps"}]));

    // What it could not say it is asked again, and the rest a day later. Nothing of that is noted as an order.
    device.converge().await;
    assert_eq!(device.ask().await, Some(security.clone()));
    assert_eq!(device.answer("Error", &security.uuid, "").await, None);
    assert_eq!(house.device("D").await["inventory"][2]["failure"], "Error");
    assert_eq!(device.ask().await, None);
    house.pass(26 * 60 * 60);
    let again = device.ask().await.expect("the next day");
    assert_eq!(again.request_type, "DeviceInformation");
    assert_ne!(again.uuid, information.uuid);
    assert_eq!(house.get("/commands").await, json!([]));
}

async fn a_user_enrollment_is_asked_what_it_may_say(database: Database) {
    let house = House::open(database).await;
    let mut device = Device::mac(&house, "E-1");
    device.ids = vec![("EnrollmentID", "E-1".to_owned())];
    device.facts = facts("iPhone15,2", "26.1", "").replace("<key>SerialNumber</key><string></string>", "");
    device.enroll().await;
    let first = device.ask().await.expect("a command");
    let information = device
        .answer("Acknowledged", &first.uuid, "")
        .await
        .expect("a survey");
    assert_eq!(information.request_type, "DeviceInformation");
    assert!(information.xml.contains("OSVersion") && !information.xml.contains("SerialNumber"));
}

/// A session was cut off at a survey, and the device never says `Idle` again.
async fn whoever_comes_back_with_an_answer_is_given_the_rest(database: Database) {
    let house = House::open(database).await;
    let device = Device::mac(&house, "D");
    device.enroll().await;
    let first = device.ask().await.expect("a command");
    let mut given = device.answer("Acknowledged", &first.uuid, "").await;
    let order = order_for(&house, "D", "ProfileList", json!({})).await;
    house.publish(&small(8)).await;
    let mut types = Vec::new();
    while let Some(command) = given {
        let status = match command.request_type.as_str() {
            "SecurityInfo" => "NotNow",
            _ => "Acknowledged",
        };
        given = device.answer(status, &command.uuid, "").await;
        types.push(command.request_type);
    }
    assert_eq!(
        types,
        [
            "DeviceInformation",
            "DeclarativeManagement",
            "ProfileList",
            "SecurityInfo",
            "InstalledApplicationList"
        ]
    );
    assert_eq!(states(&house, &order).await, (json!({"acknowledged": 1}), 0));
    let again = device.ask().await.expect("what it refused");
    assert_eq!(again.request_type, "SecurityInfo");
}
