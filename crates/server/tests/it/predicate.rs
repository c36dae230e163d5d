//! Predicates, asked of what devices have reported.

use ordain_testbed::Database;
use serde_json::{Value, json};

use crate::device::Device;
use crate::house::House;
use crate::policy::{blueprint, small};

crate::on_each_database!(
    what_a_device_said_decides,
    properties_are_those_that_it_was_given,
    the_fleet_is_counted_and_listed,
    a_list_goes_on_where_it_was_full,
    what_is_no_predicate_is_refused,
);

async fn ask(house: &House, device: &str, predicate: &str) -> Value {
    let path = format!("/devices/{device}/predicate");
    let answer = house.admin("POST", &path, Some(json!({"predicate": predicate})));
    answer.await.with(200).json()
}

async fn fleet(house: &House, question: Value) -> Value {
    let answer = house.admin("POST", "/predicate/fleet", Some(question));
    answer.await.with(200).json()
}

/// A device that has reported `items`, and that it cannot give `failed`.
async fn reporting(house: &House, name: &str, items: Value, failed: &[&str]) -> Device {
    let device = Device::mac(house, name);
    device.enroll().await;
    let errors = failed
        .iter()
        .map(|name| json!({"StatusItem": name, "Reasons": [{"Code": "Error.NotSupported"}]}));
    let errors: Vec<Value> = errors.collect();
    device
        .report(&json!({"StatusItems": items, "Errors": errors}))
        .await;
    device
}

fn family(name: &str) -> Value {
    json!({"device": {"model": {"family": name}}})
}

async fn what_a_device_said_decides(database: Database) {
    let house = House::open(database).await;
    house.publish(&small(8)).await;
    let apps = json!([{"identifier": "com.example.app", "state": "managed"}]);
    let items = json!({"device": {"model": {"family": "Mac"}}, "app": {"managed": {"list": apps}}});
    reporting(&house, "D", items, &["passcode.is-compliant"]).await;
    for (predicate, outcome) in [
        ("@status(device.model.family) == 'Mac'", "true"),
        ("@status(device.model.family) == 'iPad'", "false"),
        ("@status(passcode.is-present) == TRUE", "unknown"),
        (
            "SUBQUERY(@status(app.managed.list), $a, $a.@key(identifier) == 'com.example.app').@count == 1",
            "true",
        ),
        ("@device(serial) == 'S-D'", "true"),
        ("@tag(lab) == TRUE", "false"),
    ] {
        assert_eq!(
            ask(&house, "S-D", predicate).await["outcome"],
            outcome,
            "{predicate}"
        );
    }
    let predicate = "@status(passcode.is-compliant) == TRUE AND @status(passcode.is-present) == TRUE";
    let told = ask(&house, "D", predicate).await;
    assert_eq!(
        told["missing"],
        json!([
            {"fact": "@status(passcode.is-compliant)", "why": "the device could not give it: Error.NotSupported"},
            {"fact": "@status(passcode.is-present)", "why": "the device never reported it"},
        ])
    );
    assert_eq!(told["explanation"]["parts"][0]["outcome"], "unknown");
    let text = told["text"].as_str().expect("a text");
    assert!(text.starts_with("▸ unknown: all of these\n"), "{text}");
    assert_eq!((&told["properties"], &told["id"]), (&Value::Null, &json!("D")));
    // What publishing would refuse is evaluated all the same.
    let told = ask(&house, "D", "@status(device.modl.family) == 'Mac' OR 1 == 1").await;
    assert_eq!(told["outcome"], "true");
    let finding = told["findings"][0].as_str().expect("a finding");
    assert!(finding.contains("error[unknown-item]"), "{finding}");

    let nobody = json!({"predicate": "1 == 1"});
    house
        .admin("POST", "/devices/E/predicate", Some(nobody))
        .await
        .with(404);
}

async fn properties_are_those_that_it_was_given(database: Database) {
    let house = House::open(database).await;
    let policy = |shard: u32| {
        let properties = json!({
            "Type": "com.apple.management.properties", "Identifier": "p", "Payload": {"shard": shard},
        });
        vec![
            ("declarations/p.json", properties.to_string()),
            ("blueprints/all.yaml", blueprint("base", "all", &["p"])),
        ]
    };
    house.publish(&policy(1)).await;
    let device = Device::mac(&house, "D");
    device.enroll().await;
    let shown = async |predicate: &str| {
        let told = ask(&house, "D", predicate).await;
        (told["outcome"].clone(), told["properties"].clone())
    };
    assert_eq!(
        shown("@property(shard) == 1").await,
        (json!("true"), json!("wanted"))
    );
    device.converge().await;
    house.publish(&policy(2)).await;
    assert_eq!(
        shown("@property(shard) == 1").await,
        (json!("true"), json!("pinned"))
    );
    device.converge().await;
    assert_eq!(
        shown("@property(shard) == 1").await,
        (json!("false"), json!("pinned"))
    );
    assert_eq!(
        shown("@property(other) == 1").await,
        (json!("unknown"), json!("pinned"))
    );
    assert_eq!(
        ask(&house, "D", "@property(other) == 1").await["missing"][0]["why"],
        "no declaration that the device was given defines it"
    );
}

async fn the_fleet_is_counted_and_listed(database: Database) {
    let house = House::open(database).await;
    house.publish(&small(8)).await;
    reporting(&house, "A", family("Mac"), &[]).await;
    reporting(&house, "B", family("Mac"), &[]).await;
    let apps = json!([{"identifier": "com.example.app", "state": "managed"}]);
    let items = json!({"device": {"model": {"family": "iPad"}}, "app": {"managed": {"list": apps}}});
    reporting(&house, "C", items, &[]).await;
    reporting(&house, "D", json!({}), &["device.model.family"]).await;
    Device::mac(&house, "E").enroll().await;
    let left = reporting(&house, "F", family("Mac"), &[]).await;
    left.check_out().await;

    let told = fleet(
        &house,
        json!({"predicate": "@status(device.model.family) == 'Mac'"}),
    )
    .await;
    assert_eq!(told["counts"], json!({"true": 2, "false": 1, "unknown": 2}));
    let outcomes = ["true", "true", "false", "unknown", "unknown"];
    for (device, (id, outcome)) in told["devices"]
        .as_array()
        .expect("devices")
        .iter()
        .zip(["A", "B", "C", "D", "E"].into_iter().zip(outcomes))
    {
        assert_eq!((&device["id"], &device["outcome"]), (&json!(id), &json!(outcome)));
        assert_eq!(device["serial"], json!(format!("S-{id}")));
    }
    assert_eq!(
        told["missing"],
        json!([{"fact": "@status(device.model.family)", "devices": 2, "failed": 1}])
    );
    assert_eq!((&told["next"], &told["all"]), (&Value::Null, &Value::Null));

    // What is not extracted is read where it was reported.
    let by_list =
        "SUBQUERY(@status(app.managed.list), $a, $a.@key(identifier) == 'com.example.app').@count > 0";
    for (predicate, counts) in [
        (by_list, [1, 0, 4]),
        (
            "@device(serial) == 'S-B' OR @status(device.model.family) == 'iPad'",
            [2, 1, 2],
        ),
        ("@device(platform) == 'macOS' AND @tag(lab) == FALSE", [5, 0, 0]),
        ("TRUEPREDICATE", [5, 0, 0]),
    ] {
        let told = fleet(&house, json!({"predicate": predicate, "limit": 0})).await;
        let expected = json!({"true": counts[0], "false": counts[1], "unknown": counts[2]});
        assert_eq!(told["counts"], expected, "{predicate}");
        assert_eq!(told["devices"], json!([]));
    }
    // Values that do not fit leave it unknown too, and then nothing is missing.
    let told = fleet(
        &house,
        json!({"predicate": "@status(device.model.family) > 1", "limit": 0}),
    )
    .await;
    assert_eq!(
        (&told["counts"]["unknown"], &told["unfit"]),
        (&json!(5), &json!(3))
    );
    let finding = told["findings"][0].as_str().expect("a finding");
    assert!(finding.contains("error[type-mismatch]"), "{finding}");
}

async fn a_list_goes_on_where_it_was_full(database: Database) {
    let house = House::open(database).await;
    house.publish(&small(8)).await;
    for name in ["A", "B", "C", "D"] {
        let family = if name == "B" { "iPad" } else { "Mac" };
        reporting(&house, name, self::family(family), &[]).await;
    }
    let (mut after, mut pages) = (Value::Null, Vec::new());
    loop {
        let told = fleet(
            &house,
            json!({
                "predicate": "@status(device.model.family) == 'Mac'", "outcome": "true", "limit": 1, "after": after,
            }),
        )
        .await;
        let ids: Vec<_> = told["devices"].as_array().expect("devices").iter().collect();
        let ids: Vec<_> = ids.iter().map(|device| device["id"].clone()).collect();
        pages.push((
            ids,
            told["counts"]["true"].clone(),
            told["counts"]["false"].clone(),
        ));
        after = told["next"].clone();
        if after.is_null() {
            break;
        }
        assert_eq!(told["all"], 4);
    }
    let page = |id: &str, fails: u32| (vec![json!(id)], json!(1), json!(fails));
    let end = (vec![], json!(0), json!(0));
    assert_eq!(pages, [page("A", 0), page("C", 1), page("D", 0), end]);
}

async fn what_is_no_predicate_is_refused(database: Database) {
    let house = House::open(database).await;
    house.publish(&small(8)).await;
    Device::mac(&house, "D").enroll().await;
    let long = format!("1 == 1 {}", "OR 1 == 1 ".repeat(2_000));
    for (path, predicate, told) in [
        (
            "/predicate/fleet",
            "@property(shard) == 1",
            "@property is for activations",
        ),
        ("/predicate/fleet", "@invalid == 'AppleTV'", "^^^^^^^^"),
        ("/predicate/fleet", long.as_str(), "16"),
        ("/devices/D/predicate", "@status(device.model.family) ==", "^"),
        (
            "/devices/D/predicate",
            "@property(a) == @tag(b)",
            "@property is for activations",
        ),
        ("/devices/D/predicate", long.as_str(), "16"),
    ] {
        let answer = house.admin("POST", path, Some(json!({"predicate": predicate})));
        let problem = answer.await.with(400).json();
        let error = problem["error"].as_str().expect("a text");
        assert!(error.contains(told), "{predicate}: {error}");
    }
    for wrong in [
        json!({"predicate": "1 == 1", "limit": 1_001}),
        json!({"predicate": "1 == 1", "after": ""}),
        json!({"predicate": "1 == 1", "outcome": "maybe"}),
        json!({"predicate": "1 == 1", "x": 1}),
    ] {
        house
            .admin("POST", "/predicate/fleet", Some(wrong))
            .await
            .with(400);
    }
}
