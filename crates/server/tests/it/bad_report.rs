//! Status reports that are wrong, wholly or in parts, and such as are only large.

use ordain_testbed::Database;
use serde_json::{Value, json};

use crate::bad_message::{converged, without_sightings};
use crate::message::Message;
use crate::policy::small;

crate::on_each_database!(
    reports_that_cannot_be_read,
    large_reports_are_taken,
    the_good_parts_of_a_report_count
);

async fn reports_that_cannot_be_read(database: Database) {
    let (house, device) = converged(database).await;
    let before = without_sightings(&house).await;
    device.ddm("status").await.with(400);
    let deep = |times: usize| format!("{{\"StatusItems\":{}", "{\"a\":".repeat(times));
    let good = json!({"StatusItems": {"passcode": {"is-present": true}}}).to_string();
    let mut reports: Vec<Vec<u8>> = [
        String::new(),
        "null".to_owned(),
        "[]".to_owned(),
        "\"a\"".to_owned(),
        format!("{good}{good}"),
        format!("{good},"),
        deep(4_000),
        deep(400_000),
        format!("{}1{}", deep(4_000), "}".repeat(4_001)),
        format!("{{\"StatusItems\":{{\"a\":[{}0]}}}}", "0,".repeat(500_000)),
    ]
    .map(String::into_bytes)
    .into();
    reports.push(b"{\"StatusItems\": \"\xff\"}".to_vec());
    reports.extend((1..good.len()).map(|end| good.as_bytes()[..end].to_vec()));
    for report in reports {
        let answer = device.agent.put(&Message::status(&device.ids, &report)).await;
        let begin = String::from_utf8_lossy(&report[..report.len().min(80)]).into_owned();
        assert_eq!(answer.status, 400, "{begin}");
        assert!(answer.body.is_empty(), "{begin}");
    }
    let text = "<key>Endpoint</key><string>status</string><key>Data</key><string>e30=</string>";
    let message = Message::check_in(&device.ids, "DeclarativeManagement", text);
    device.agent.put(&message).await.with(400);
    assert_eq!(without_sightings(&house).await, before);
}

async fn large_reports_are_taken(database: Database) {
    let (house, device) = converged(database).await;
    let apps: Vec<_> = (0..8_000)
        .map(|number| json!({"identifier": format!("com.example.app{number}"), "name": "x".repeat(200), "state": "managed"}))
        .collect();
    device
        .report(&json!({"StatusItems": {"app": {"managed": {"list": apps}}}, "FullReport": true}))
        .await;
    let device = house.device("D").await;
    let kept = &device["channels"][0]["status"]["app.managed.list"];
    assert_eq!(kept.as_array().map(Vec::len), Some(apps.len()));
}

async fn the_good_parts_of_a_report_count(database: Database) {
    let (house, device) = converged(database).await;
    house.publish(&small(10)).await;
    let held = device.sync().await;
    let mut listing = held.all_good();
    listing["configurations"].as_array_mut().expect("a list").extend([
        json!({"identifier": 5, "server-token": "x", "active": true, "valid": "valid"}),
        json!("nonsense"),
        Value::Null,
    ]);
    listing["assets"] = json!({"not": "a list"});
    let report = json!({
        "StatusItems": {
            "management": {"declarations": listing, "client-capabilities": 7},
            "passcode": {"is-present": true},
            "device": {"model": {"family": {"what": ["is", "this"]}}, "operating-system": null},
            "of-the-future": {"item": [1, 2, 3]},
        },
        "Errors": [7, {"StatusItem": "passcode.is-compliant", "Reasons": [{"Code": "Error.X"}, 3]}],
        "FullReport": "yes",
    });
    device.report(&report).await;
    let shown = house.device("D").await;
    let channel = &shown["channels"][0];
    let confirmed = |identifier: &str| {
        let all = channel["declarations"].as_array().expect("declarations");
        all.iter()
            .any(|one| one["identifier"] == identifier && one["confirmed"] == true)
    };
    assert!(confirmed("passcode") && confirmed("organization"), "{channel}");
    assert_eq!(channel["status"]["passcode.is-present"], true);
    assert_eq!(channel["status"]["of-the-future.item"], json!([1, 2, 3]));
    assert_eq!(
        channel["status_errors"]["passcode.is-compliant"][0]["code"],
        "Error.X"
    );
    let problems = channel["report_problems"].to_string();
    for part in ["FullReport", "client-capabilities"] {
        assert!(problems.contains(part), "{part} in {problems}");
    }
    // Nothing at all that is good is no reason for a device to send it again.
    device
        .report(&json!({"StatusItems": 1, "Errors": 2, "FullReport": 3}))
        .await;
    device.report(&json!({})).await;
    assert_eq!(
        house.device("D").await["channels"][0]["status"]["passcode.is-present"],
        true
    );
}
