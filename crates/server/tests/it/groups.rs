//! Groups by predicate: who is in them by what devices say, what is decided again when, and tags.

use std::time::Duration;

use ordain_testbed::Database;
use serde_json::{Value, json};

use crate::bulk::enrolled;
use crate::device::Device;
use crate::house::House;
use crate::policy::{Files, blueprint, small};

crate::on_each_database!(
    what_devices_say_decides_and_nothing_else_is_evaluated,
    other_predicates_are_evaluated_behind_the_requests,
    a_killed_server_goes_on_deciding,
    tags_count_when_memberships_do,
    tags_that_cannot_be,
    groups_that_are_looked_at,
);

/// [`small`], and a group of this predicate whose members have a property.
fn with_group(condition: &str) -> Files {
    let mut files = small(8);
    files.extend([
        (
            "declarations/properties.json",
            json!({
                "Type": "com.apple.management.properties",
                "Identifier": "properties",
                "Payload": {"room": "lab"},
            })
            .to_string(),
        ),
        (
            "groups/lab.json",
            json!({"name": "lab", "where": condition}).to_string(),
        ),
        ("blueprints/lab.yaml", blueprint("lab", "lab", &["properties"])),
    ]);
    files
}

const PASSCODE: &str = "@device(platform) == 'macOS' AND @status(passcode.is-present) == TRUE";

/// How many predicates of groups the server has evaluated.
async fn evaluations(house: &House) -> u64 {
    let answer = house.client().send("GET", "/metrics", &[], b"").await.with(200);
    let line = answer
        .text()
        .lines()
        .find_map(|line| line.strip_prefix("ordain_group_evaluations_total "));
    line.expect("the counter").parse().expect("a number")
}

/// Waits until all memberships are decided.
async fn decided(house: &House) -> Value {
    loop {
        let found = house.get("/groups").await;
        if found["evaluation"]["decided"] == found["evaluation"]["devices"] {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn is_member(house: &House, device: &str) -> bool {
    let groups = house.device(device).await["groups"].clone();
    groups.as_array().expect("groups").contains(&json!("lab"))
}

async fn says(device: &Device, items: Value) {
    device.report(&json!({"StatusItems": items, "Errors": []})).await;
}

fn passcode(is_present: bool) -> Value {
    json!({"passcode": {"is-present": is_present}})
}

async fn what_devices_say_decides_and_nothing_else_is_evaluated(database: Database) {
    let house = House::open(database).await;
    house.publish(&with_group(PASSCODE)).await;
    let device = Device::mac(&house, "D");
    device.enroll().await;
    device.converge().await;
    let shown = house.device("D").await;
    let unknown = json!([
        {"name": "lab", "is_member": false, "missing": ["@status(passcode.is-present)"]}
    ]);
    assert_eq!(shown["unknown_groups"], unknown, "{shown}");
    assert!(device.sync().await.find("properties").is_none());

    let before = evaluations(&house).await;
    says(&device, json!({"device": {"model": {"family": "Mac"}}})).await;
    says(&device, json!({"passcode": {"is-compliant": true}})).await;
    assert_eq!(evaluations(&house).await, before, "no group asks for these");
    says(&device, passcode(true)).await;
    assert_eq!(evaluations(&house).await, before + 1);
    says(&device, passcode(true)).await;
    assert_eq!(evaluations(&house).await, before + 1, "it says nothing new");
    assert!(is_member(&house, "D").await);
    assert_eq!(house.device("D").await["unknown_groups"], json!([]));
    device.told().await;
    assert!(device.converge().await.find("properties").is_some());

    // What it cannot tell any more takes nothing from it.
    let error = json!({"StatusItem": "passcode.is-present", "Reasons": [{"Code": "Error.NotAvailable"}]});
    device
        .report(&json!({"StatusItems": {}, "Errors": [error]}))
        .await;
    assert!(is_member(&house, "D").await);
    assert_eq!(house.device("D").await["unknown_groups"][0]["is_member"], true);
    says(&device, passcode(false)).await;
    assert!(!is_member(&house, "D").await);
    device.told().await;
    assert!(device.converge().await.find("properties").is_none());

    // Nothing of it is left to the next generation.
    says(&device, passcode(true)).await;
    device.enroll().await;
    assert!(!is_member(&house, "D").await);
}

async fn other_predicates_are_evaluated_behind_the_requests(database: Database) {
    let house = House::open(database).await;
    let published = house.publish(&small(8)).await;
    assert_eq!(published["memberships_due"], 0);
    let device = Device::mac(&house, "D");
    device.enroll().await;
    device.converge().await;
    says(&device, passcode(true)).await;
    assert_eq!(evaluations(&house).await, 0);

    house.publish(&with_group(PASSCODE)).await;
    let groups = decided(&house).await;
    assert_eq!(groups["groups"][0]["members"], 1, "{groups}");
    assert_eq!(groups["groups"][0]["condition"], PASSCODE);
    assert_eq!(evaluations(&house).await, 1);
    device.told().await;
    assert!(device.converge().await.find("properties").is_some());

    // Publishing something else evaluates nothing.
    let mut files = with_group(PASSCODE);
    files[0] = crate::policy::passcode(9);
    assert_eq!(house.publish(&files).await["memberships_due"], 0);
    decided(&house).await;
    assert_eq!(evaluations(&house).await, 1);

    house.publish(&with_group("@device(platform) == 'iOS'")).await;
    assert_eq!(decided(&house).await["groups"][0]["members"], 0);
    assert!(!is_member(&house, "D").await);
    // And back: what changed meanwhile counts.
    says(&device, passcode(false)).await;
    house.publish(&with_group(PASSCODE)).await;
    assert_eq!(decided(&house).await["groups"][0]["members"], 0);
}

async fn a_killed_server_goes_on_deciding(database: Database) {
    const COUNT: usize = 1_200;
    enrolled(&database, COUNT).await;
    let mut house = House::open(database).await;
    let published = house
        .publish(&with_group("@tag(lab) == TRUE OR @device(serial) == 'S'"))
        .await;
    assert!(published["memberships_due"].as_u64() <= Some(COUNT as u64));
    house.kill();
    house.start().await.expect("a server");
    let groups = decided(&house).await;
    let all = json!({"decided": COUNT, "devices": COUNT});
    assert_eq!(groups["evaluation"], all);
    assert!(
        evaluations(&house).await <= COUNT as u64,
        "none of them twice since it began again"
    );
    let page = house.get("/groups/lab?limit=500").await;
    assert_eq!(
        (&page["looked_at"], &page["after"]),
        (&json!(500), &json!("bulk-0499"))
    );
    assert_eq!(
        page["unknown"].as_array().map(Vec::len),
        Some(500),
        "nobody knows their serial numbers"
    );
    let page = house.get("/groups/lab?limit=5000&after=bulk-0499").await;
    assert_eq!(
        (&page["looked_at"], &page["after"]),
        (&json!(COUNT - 500), &Value::Null)
    );
}

async fn tag(house: &House, device: &str, add: &[&str], remove: &[&str]) -> Value {
    let change = json!({"add": add, "remove": remove});
    let answer = house
        .admin("POST", &format!("/devices/{device}/tags"), Some(change))
        .await;
    answer.with(200).json()["tags"].clone()
}

async fn tags_count_when_memberships_do(database: Database) {
    let house = House::open(database).await;
    house
        .publish(&with_group("@tag(lab) == TRUE AND NOT @tag(kiosk) == TRUE"))
        .await;
    let device = Device::mac(&house, "D");
    device.enroll().await;
    assert!(device.converge().await.find("properties").is_none());
    assert_eq!(
        tag(&house, "S-D", &["lab", "floor-2"], &[]).await,
        json!(["floor-2", "lab"])
    );
    assert!(is_member(&house, "D").await);
    device.told().await;
    assert!(device.converge().await.find("properties").is_some());
    assert_eq!(
        house.get("/devices").await["devices"][0]["tags"],
        json!(["floor-2", "lab"])
    );
    let audit = house.get("/audit").await;
    assert_eq!(
        (&audit[0]["action"], &audit[0]["detail"]),
        (
            &json!("tag"),
            &json!({"enrollment": "D", "before": [], "after": ["floor-2", "lab"]})
        )
    );
    // What changes nothing is no change.
    tag(&house, "D", &["lab"], &["nothing"]).await;
    assert_eq!(house.get("/audit").await, audit);
    tag(&house, "D", &["kiosk"], &[]).await;
    assert!(!is_member(&house, "D").await);
    assert_eq!(tag(&house, "D", &[], &["kiosk"]).await, json!(["floor-2", "lab"]));
    assert!(is_member(&house, "D").await);

    // They stay with the device, and count again when somebody says that it is the one.
    device.enroll().await;
    let shown = house.device("D").await;
    assert_eq!(
        (&shown["memberships"], &shown["tags"]),
        (&json!("waiting"), &json!(["floor-2", "lab"]))
    );
    assert!(!is_member(&house, "D").await);
    house.admin("POST", "/devices/D/approve", None).await.with(204);
    assert!(is_member(&house, "D").await);
}

async fn tags_that_cannot_be(database: Database) {
    let house = House::open(database).await;
    Device::mac(&house, "D").enroll().await;
    let before = house.everything().await;
    let many: Vec<String> = (0..101).map(|number| format!("t{number}")).collect();
    let long = "t".repeat(65);
    for bad in [
        json!({"add": ["a b"]}),
        json!({"add": [""]}),
        json!({"add": ["1st"]}),
        json!({"add": ["é"]}),
        json!({"add": ["good", "a\u{0}"]}),
        json!({"add": [long]}),
        json!({"add": many}),
        json!({"added": ["x"]}),
        json!({"add": "x"}),
        json!("x"),
    ] {
        house.admin("POST", "/devices/D/tags", Some(bad)).await.with(400);
    }
    house
        .admin("POST", "/devices/E/tags", Some(json!({"add": ["x"]})))
        .await
        .with(404);
    assert_eq!(house.everything().await, before);
}

async fn groups_that_are_looked_at(database: Database) {
    let house = House::open(database).await;
    house.publish(&with_group(PASSCODE)).await;
    for name in ["D", "E", "F"] {
        Device::mac(&house, name).enroll().await;
    }
    let known = Device::mac(&house, "G");
    known.enroll().await;
    says(&known, passcode(true)).await;
    let ids = |found: &Value| -> Vec<String> {
        let rows = found.as_array().expect("rows");
        rows.iter()
            .map(|row| row["id"].as_str().expect("an id").to_owned())
            .collect()
    };
    let lab = house.get("/groups/lab").await;
    assert_eq!(
        (ids(&lab["members"]), ids(&lab["unknown"])),
        (vec!["G".into()], vec!["D".into(), "E".into(), "F".into()])
    );
    assert_eq!(
        lab["unknown"][0]["missing"],
        json!(["@status(passcode.is-present)"])
    );
    assert_eq!((&lab["looked_at"], &lab["after"]), (&json!(4), &Value::Null));
    let all = house.get("/groups/all?limit=2&after=D").await;
    assert_eq!(
        (ids(&all["members"]), &all["after"]),
        (vec!["E".into(), "F".into()], &json!("F"))
    );
    assert_eq!(all["unknown"], json!([]));
    assert_eq!(house.get("/devices?group=lab").await["matching"], 1);
    for (path, status) in [
        ("/groups/nobody", 404),
        ("/groups/lab?after=a%20b:", 400),
        ("/groups/lab?of=1", 400),
    ] {
        house.admin("GET", path, None).await.with(status);
    }
}
