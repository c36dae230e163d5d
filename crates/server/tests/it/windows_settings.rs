//! Settings of Windows devices: applied, read back, changed, removed.

use ordain_testbed::Database;
use ordain_twin::windows::Way;
use ordain_windows::syncml::alert::LoginStatus;
use serde_json::{Value, json};

use crate::house::{House, PUBLIC_URL};
use crate::policy::blueprint;
use crate::windows_twin::Managed;
use crate::windows_wire::token;

crate::on_each_database!(
    settings_are_set_changed_and_removed,
    what_a_device_refuses_is_told,
    a_large_value_goes_in_parts,
    a_session_that_breaks_off_is_made_good,
    all_or_nothing,
    a_users_settings_need_the_user,
    what_is_known_of_it_is_shown_as_of_any_other,
    a_policy_says_how_often_devices_come,
);

const CAMERA: &str = "./Device/Vendor/MSFT/Policy/Config/Camera/AllowCamera";

async fn managed(house: &House) -> Managed {
    let way = Way::new(PUBLIC_URL, "ada@example.org", token(house, "lab", 1).await);
    Managed::enrolled(house, 0, way).await
}

async fn publish(house: &House, files: &[(&'static str, String)]) {
    let mut all: Vec<(&str, String)> = files.to_vec();
    let names: Vec<&str> = files
        .iter()
        .map(|(path, _)| {
            let (_, name) = path.split_once('/').expect("a directory");
            name.split_once('.').expect("an extension").0
        })
        .collect();
    let blueprint = match names.is_empty() {
        true => "name: base\ninclude: [all]\ndeclarations: []\n".to_owned(),
        false => blueprint("base", "all", &names),
    };
    all.push(("blueprints/all.yaml", blueprint));
    house.publish(&all).await;
}

fn camera(value: u8) -> (&'static str, String) {
    (
        "windows/camera.yaml",
        format!("Identifier: camera\nsettings:\n  - {CAMERA}: {value}\n"),
    )
}

async fn declarations(house: &House, managed: &Managed) -> Value {
    house.device(managed.id()).await["channels"][0]["declarations"].clone()
}

async fn state(house: &House, managed: &Managed) -> Value {
    house.get("/devices").await["devices"]
        .as_array()
        .expect("devices")
        .iter()
        .find(|row| row["id"] == managed.id())
        .expect("it")["state"]
        .clone()
}

async fn settings_are_set_changed_and_removed(database: Database) {
    let house = House::open(database).await;
    let mut managed = managed(&house).await;
    assert_eq!(state(&house, &managed).await, "converged");
    publish(&house, &[camera(0)]).await;
    assert_eq!(state(&house, &managed).await, "pending");
    managed.session().await;
    assert_eq!(managed.value(CAMERA).as_deref(), Some("0"));
    let listed = declarations(&house, &managed).await;
    assert_eq!(state(&house, &managed).await, "converged", "{listed}");
    publish(&house, &[camera(1)]).await;
    managed.session().await;
    assert_eq!(managed.value(CAMERA).as_deref(), Some("1"));
    assert_eq!(state(&house, &managed).await, "converged");
    // Somebody else has changed it.
    let node = ordain_windows::syncml::loc_uri::LocUri::parse(CAMERA).expect("a node");
    managed.twin.remove(&node);
    managed.session().await;
    assert_eq!(managed.value(CAMERA).as_deref(), Some("1"));
    publish(&house, &[]).await;
    assert_eq!(state(&house, &managed).await, "pending");
    managed.session().await;
    assert_eq!(managed.value(CAMERA), None);
    assert_eq!(state(&house, &managed).await, "converged");
}

async fn what_a_device_refuses_is_told(database: Database) {
    let house = House::open(database).await;
    let mut managed = managed(&house).await;
    let path = "./Device/Vendor/MSFT/Policy/Config/Nowhere~Policy~None/Nothing";
    let bad = (
        "windows/bad.yaml",
        format!("Identifier: bad\nsettings:\n  - path: {path}\n    format: chr\n    value: \"<enabled/>\"\n"),
    );
    publish(&house, &[camera(0), bad]).await;
    managed.session().await;
    assert_eq!(state(&house, &managed).await, "failed");
    let all = declarations(&house, &managed).await;
    let bad = all
        .as_array()
        .expect("a list")
        .iter()
        .find(|one| one["identifier"] == "bad")
        .expect("it");
    let reasons = bad["reasons"].to_string();
    assert!(
        reasons.contains("Error.SyncML") && reasons.contains(path),
        "{all}"
    );
    // The other one is in force, and what is refused for good is not sent again.
    assert_eq!(managed.value(CAMERA).as_deref(), Some("0"));
    managed.session().await;
    assert_eq!(state(&house, &managed).await, "failed");
    assert_eq!(declarations(&house, &managed).await, all);
}

async fn a_large_value_goes_in_parts(database: Database) {
    let house = House::open(database).await;
    let mut managed = managed(&house).await;
    let path = "./Device/Vendor/MSFT/WiFi/Profile/Lab/WlanXml";
    let filler = "<x>&amp;</x>".repeat(12_000);
    let profile = format!(
        "<?xml version=\"1.0\"?><WLANProfile xmlns=\"http://www.microsoft.com/networking/WLAN/profile/v1\"><name>Lab</name>{filler}</WLANProfile>"
    );
    let file = json!({"Identifier": "wifi", "settings": [{"path": path, "format": "chr", "value": profile}]});
    publish(&house, &[("windows/wifi.json", file.to_string())]).await;
    managed.session().await;
    assert!(managed.value(path).is_some_and(|value| value == profile));
    let listed = declarations(&house, &managed).await;
    assert_eq!(state(&house, &managed).await, "converged", "{listed}");
}

async fn a_session_that_breaks_off_is_made_good(database: Database) {
    let mut house = House::open(database).await;
    let mut managed = managed(&house).await;
    publish(&house, &[camera(0)]).await;
    for stop in 1..6 {
        managed.twin.sync(house.now());
        for _ in 0..stop {
            let Some(request) = managed.request() else { break };
            let answer = managed.send(&request).await.with(200);
            managed.respond(&answer);
        }
        let now = house.now();
        if managed.request().is_some() {
            managed.twin.interrupted(now);
        }
        house.kill();
        house.start().await.expect("a server");
    }
    assert_eq!(managed.value(CAMERA).as_deref(), Some("0"));
    // Set and then taken back while the device did not know.
    publish(&house, &[]).await;
    managed.twin.sync(house.now());
    managed.hold().await;
    assert_eq!(managed.value(CAMERA), None);
    assert_eq!(managed.twin.complaints().kept(), []);
}

const CORTANA: &str = "./Device/Vendor/MSFT/Policy/Config/Experience/AllowCortana";

async fn all_or_nothing(database: Database) {
    let house = House::open(database).await;
    let mut managed = managed(&house).await;
    let file = |second: &str| {
        let content = format!(
            "Identifier: both\natomic: true\nsettings:\n  - {CAMERA}: 0\n  - path: {second}\n    format: chr\n    value: <enabled/>\n"
        );
        ("windows/both.yaml", content)
    };
    publish(
        &house,
        &[file(
            "./Device/Vendor/MSFT/Policy/Config/Nowhere~Policy~None/Nothing",
        )],
    )
    .await;
    managed.session().await;
    assert_eq!(state(&house, &managed).await, "failed");
    assert_eq!(managed.value(CAMERA), None, "it was rolled back");
    let reasons = declarations(&house, &managed).await[0]["reasons"].to_string();
    assert!(
        reasons.contains("Nothing") && !reasons.contains("Camera"),
        "the one that failed is told: {reasons}"
    );
    let both = format!("Identifier: both\natomic: true\nsettings:\n  - {CAMERA}: 0\n  - {CORTANA}: 0\n");
    publish(&house, &[("windows/both.yaml", both)]).await;
    managed.session().await;
    let listed = declarations(&house, &managed).await;
    assert_eq!(state(&house, &managed).await, "converged", "{listed}");
    assert_eq!(managed.value(CAMERA).as_deref(), Some("0"));
}

async fn a_users_settings_need_the_user(database: Database) {
    let house = House::open(database).await;
    let mut managed = managed(&house).await;
    let node = "./User/Vendor/MSFT/Policy/Config/Education/PrinterNames";
    let file =
        format!("Identifier: printers\nsettings:\n  - path: {node}\n    format: chr\n    value: One\n");
    managed.twin.pc_mut().login = LoginStatus::None;
    publish(&house, &[("windows/printers.yaml", file)]).await;
    managed.session().await;
    assert_eq!(managed.value(node), None);
    assert_eq!(state(&house, &managed).await, "pending");
    managed.twin.log_in(house.now());
    managed.session().await;
    assert_eq!(managed.value(node).as_deref(), Some("One"));
    let listed = declarations(&house, &managed).await;
    assert_eq!(state(&house, &managed).await, "converged", "{listed}");
    // What was said of it stays as it was while the user is away.
    managed.twin.pc_mut().login = LoginStatus::None;
    managed.session().await;
    assert_eq!(state(&house, &managed).await, "converged");
}

async fn what_is_known_of_it_is_shown_as_of_any_other(database: Database) {
    let house = House::open(database).await;
    let mut managed = managed(&house).await;
    publish(&house, &[camera(0)]).await;
    managed.session().await;
    let device = house.device(managed.id()).await;
    let channel = &device["channels"][0];
    assert_eq!(channel["offered_token"], channel["wanted_token"]);
    assert_eq!(channel["pinned_token"], channel["wanted_token"]);
    let declaration = &channel["declarations"][0];
    assert_eq!(declaration["identifier"], "camera");
    for fact in ["offered", "fetched", "reported", "confirmed"] {
        assert_eq!(declaration[fact], true, "{fact} in {declaration}");
    }
}

async fn a_policy_says_how_often_devices_come(database: Database) {
    let house = House::open(database).await;
    let mut managed = managed(&house).await;
    let poll = |name: &str| format!("./Vendor/MSFT/DMClient/Provider/Ordain/Poll/{name}");
    let (last, login) = (poll("IntervalForRemainingScheduledRetries"), poll("PollOnLogin"));
    assert_eq!(managed.value(&last).as_deref(), Some("1560"));
    let often = "Identifier: often\npoll: {every: 8h, on-login: false}\n".to_owned();
    publish(&house, &[("windows/often.yaml", often)]).await;
    managed.session().await;
    assert_eq!(state(&house, &managed).await, "converged");
    assert_eq!(managed.value(&last).as_deref(), Some("480"));
    assert_eq!(managed.value(&login).as_deref(), Some("false"));
    // The stages begin anew with it: eight times a quarter of an hour first.
    assert_eq!(managed.twin.due(), Some(house.now() + 15 * 60));
    // Without it the schedule is the usual one again, and never none.
    publish(&house, &[]).await;
    managed.session().await;
    assert_eq!(state(&house, &managed).await, "converged");
    assert_eq!(managed.value(&last).as_deref(), Some("1560"));
    assert_eq!(managed.value(&login).as_deref(), Some("true"));
}
