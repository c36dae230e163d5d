//! The state of the whole fleet: what counts as what, over Apple's devices and Windows' alike.

use ordain_testbed::Database;
use ordain_twin::windows::Way;
use serde_json::{Value, json};

use crate::device::{Device, facts};
use crate::house::{House, PUBLIC_URL};
use crate::policy::{blueprint, rich};
use crate::windows_twin::Managed;
use crate::windows_wire::token;

crate::on_each_database!(
    each_device_is_counted_once,
    who_is_silent_is_unknown,
    who_comes_seldom_is_not_silent,
    questions_that_make_no_sense,
);

const DAY: i64 = 24 * 60 * 60;

/// Devices, converged, failed, pending, unknown.
fn counts(row: &Value) -> [u64; 5] {
    ["devices", "converged", "failed", "pending", "unknown"].map(|key| row[key].as_u64().expect("a number"))
}

/// The counts by platform, and the total, which is their sum.
async fn compliance(house: &House, query: &str) -> Vec<(Option<String>, [u64; 5])> {
    let answer = house.get(&format!("/compliance{query}")).await;
    let rows = answer["platforms"].as_array().expect("platforms");
    let mut sum = [0; 5];
    for row in rows {
        let counts = counts(row);
        assert_eq!(counts[0], counts[1..].iter().sum::<u64>(), "{answer}");
        for (sum, count) in sum.iter_mut().zip(counts) {
            *sum += count;
        }
    }
    assert_eq!(counts(&answer["total"]), sum, "{answer}");
    let platform = |row: &Value| row["platform"].as_str().map(str::to_owned);
    rows.iter().map(|row| (platform(row), counts(row))).collect()
}

fn row(platform: &str, counts: [u64; 5]) -> (Option<String>, [u64; 5]) {
    (Some(platform.to_owned()), counts)
}

async fn device(house: &House, name: &str, product: &str) -> Device {
    let mut device = Device::mac(house, name);
    device.facts = facts(product, "26.1", &format!("S-{name}"));
    device.enroll().await;
    device
}

async fn computer(house: &House, index: usize) -> Managed {
    let way = Way::new(PUBLIC_URL, "ada@example.org", token(house, "lab", 1).await);
    Managed::enrolled(house, index, way).await
}

async fn each_device_is_counted_once(database: Database) {
    let house = House::open(database).await;
    assert_eq!(compliance(&house, "").await, []);
    house.publish(&rich("S-B")).await;
    let converged = device(&house, "A", "Mac14,2").await;
    converged.converge().await;
    device(&house, "B", "iPhone15,2").await.converge().await;
    // One that never reports, one that refuses something, one that leaves.
    device(&house, "C", "Mac14,2").await;
    let failing = device(&house, "D", "iPhone15,2").await;
    let mut listing = failing.sync().await.all_good();
    let one = &mut listing["configurations"][0];
    (one["active"], one["valid"]) = (json!(false), json!("invalid"));
    let report = json!({"StatusItems": {"management": {"declarations": listing}}, "Errors": []});
    failing.report(&report).await;
    let leaving = device(&house, "E", "Mac14,2").await;
    leaving.converge().await;
    leaving.check_out().await.with(200);
    let mut managed = computer(&house, 0).await;
    let expected = [
        row("iOS", [2, 1, 1, 0, 0]),
        row("macOS", [2, 1, 0, 0, 1]),
        row("Windows", [1, 1, 0, 0, 0]),
    ];
    assert_eq!(compliance(&house, "").await, expected);
    assert_eq!(compliance(&house, "?group=all").await, expected);
    // The list says the same of each.
    let list = house.get("/devices?state=unknown").await;
    assert_eq!(
        (&list["matching"], &list["devices"][0]["id"]),
        (&json!(1), &json!("C"))
    );
    let states = json!({"converged": 3, "failed": 1, "pending": 0, "unknown": 1, "left": 1});
    assert_eq!(list["states"], states);
    assert_eq!(
        compliance(&house, "?group=lab").await,
        [row("iOS", [1, 1, 0, 0, 0])]
    );

    // What is published is at first on no device.
    let mut files = rich("S-B");
    let camera =
        "Identifier: camera\nsettings:\n  - ./Device/Vendor/MSFT/Policy/Config/Camera/AllowCamera: 0\n";
    files.push(("windows/camera.yaml", camera.to_owned()));
    files.push((
        "blueprints/camera.yaml",
        "name: camera\ninclude: [all]\ndeclarations: [camera]\n".to_owned(),
    ));
    house.publish(&files).await;
    let windows = async || compliance(&house, "").await.pop();
    assert_eq!(windows().await, Some(row("Windows", [1, 0, 0, 1, 0])));
    managed.session().await;
    assert_eq!(windows().await, Some(row("Windows", [1, 1, 0, 0, 0])));
    assert_eq!(
        compliance(&house, "").await[..2],
        expected[..2],
        "Apple's have it not"
    );
}

async fn who_is_silent_is_unknown(database: Database) {
    let house = House::open(database).await;
    let mac = device(&house, "A", "Mac14,2").await;
    mac.converge().await;
    let mut managed = computer(&house, 0).await;
    let all = [row("macOS", [1, 1, 0, 0, 0]), row("Windows", [1, 1, 0, 0, 0])];
    house.pass(3 * DAY);
    assert_eq!(compliance(&house, "").await, all);
    house.pass(1);
    let silent = [row("macOS", [1, 0, 0, 0, 1]), row("Windows", [1, 0, 0, 0, 1])];
    assert_eq!(compliance(&house, "").await, silent);
    assert_eq!(house.get("/devices?state=unknown").await["matching"], 2);
    assert_eq!(compliance(&house, "?silent_after=300000").await, all);
    // Whoever speaks again is known by what it said before, where nothing else is wanted.
    mac.idle().await;
    managed.session().await;
    assert_eq!(compliance(&house, "").await, all);
    house.pass(61);
    assert_eq!(compliance(&house, "?silent_after=60").await, silent);
}

async fn who_comes_seldom_is_not_silent(database: Database) {
    let house = House::open(database).await;
    let seldom = "Identifier: seldom\npoll: {every: 10d}\n".to_owned();
    let files = [
        ("windows/seldom.yaml", seldom),
        ("blueprints/all.yaml", blueprint("base", "all", &["seldom"])),
    ];
    house.publish(&files).await;
    computer(&house, 0).await;
    house.pass(20 * DAY);
    assert_eq!(compliance(&house, "").await, [row("Windows", [1, 1, 0, 0, 0])]);
    let silent = [row("Windows", [1, 0, 0, 0, 1])];
    assert_eq!(compliance(&house, "?silent_after=1000000").await, silent);
    house.pass(1);
    assert_eq!(compliance(&house, "").await, silent);
    assert_eq!(house.get("/devices").await["devices"][0]["state"], "unknown");
}

async fn questions_that_make_no_sense(database: Database) {
    let house = House::open(database).await;
    for (query, status) in [
        ("?group=nothing", 404),
        ("?group=", 404),
        ("?silent_after=-1", 400),
        ("?silent_after=x", 400),
        ("?platform=iOS", 400),
    ] {
        let path = format!("/compliance{query}");
        house.admin("GET", &path, None).await.with(status);
    }
}
