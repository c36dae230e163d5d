//! Simulated PCs with documents of declared configuration, over days: applied, drifted, repaired, taken away.

use ordain_catalog::windows::Join;
use ordain_testbed::Database;
use ordain_twin::windows::Fault;
use ordain_windows::syncml::Verb;
use ordain_windows::syncml::loc_uri::LocUri;
use ordain_windows::syncml::status::StatusCode;
use serde_json::{Value, json};

use crate::events;
use crate::house::House;
use crate::policy::blueprint;
use crate::windows_tenant::*;
use crate::windows_twin::Managed;

crate::on_each_database!(
    drift_is_told_as_it_is,
    what_leaves_leaves_what_the_policy_says,
    what_is_to_be_clean_goes_after_its_document,
);

pub(crate) const WIFI: &str = "./Device/Vendor/MSFT/WiFi/Profile/Lab/WlanXml";
pub(crate) const VPN: &str = "./Device/Vendor/MSFT/VPNv2/Work/AlwaysOn";

/// A profile of Wi-Fi, by a document of that name.
fn wifi_by(identifier: &str, on_removal: &str) -> String {
    format!(
        "Identifier: {identifier}\nscenario: MSFTWifi\non-removal: {on_removal}\ncsp:\n  - name: ./Vendor/MSFT/WiFi\n    settings:\n      \
         - path: Profile/Lab/WlanXml\n        format: chr\n        value: '<WLANProfile xmlns=\"http://www.microsoft.com/networking/WLAN/profile/v1\"><name>Lab</name></WLANProfile>'\n"
    )
}

/// The same by `wifi`.
pub(crate) fn wifi(on_removal: &str) -> (&'static str, String) {
    ("windows/wifi.yaml", wifi_by("wifi", on_removal))
}

/// A VPN to this server.
pub(crate) fn vpn(on_removal: &str, server: &str) -> (&'static str, String) {
    let vpn = format!(
        "Identifier: vpn\nscenario: MSFTVPN\non-removal: {on_removal}\ncsp:\n  - name: ./Vendor/MSFT/VPNv2\n    settings:\n      \
         - Work/NativeProfile/Servers: {server}\n      - Work/NativeProfile/NativeProtocolType: IKEv2\n      - Work/AlwaysOn: true\n"
    );
    ("windows/vpn.yaml", vpn)
}

async fn publish(house: &House, on_removal: &str, names: &[&str]) {
    let base = match names.is_empty() {
        true => "name: base\ninclude: [all]\ndeclarations: []\n".to_owned(),
        false => blueprint("base", "all", names),
    };
    let mut files = vec![("blueprints/base.yaml", base)];
    if names.contains(&"wifi") {
        files.push(wifi(on_removal));
    }
    if names.contains(&"other") {
        files.push(("windows/other.yaml", wifi_by("other", on_removal)));
    }
    if names.contains(&"vpn") {
        files.push(vpn(on_removal, "vpn.example.org"));
    }
    house.publish(&files).await;
}

/// A PC that has enrolled, is linked, and has all that is for it.
pub(crate) async fn settled(house: &House) -> Managed {
    let mut managed = in_entra(house, Join::Joined);
    enroll(house, &mut managed).await;
    pass(house, &mut managed, HOUR).await;
    managed
}

pub(crate) fn node(path: &str) -> LocUri {
    LocUri::parse(path).expect("a node")
}

async fn drift_is_told_as_it_is(database: Database) {
    let house = house(database).await;
    publish(&house, "delete", &["wifi", "vpn"]).await;
    let mut managed = settled(&house).await;
    assert_eq!(
        states(&house, &managed).await,
        ["vpn confirmed", "wifi confirmed"],
        "{}",
        linked(&house, &managed).await
    );
    assert_eq!(managed.value(VPN).as_deref(), Some("true"));
    // A day in which nothing happens.
    pass(&house, &mut managed, 24 * HOUR).await;
    assert_eq!(linked(&house, &managed).await.get("drift"), None);
    // Changed behind its back: repaired with the next refresh, and told with the next session.
    managed.twin.remove(&node(VPN));
    pass(&house, &mut managed, 24 * HOUR).await;
    assert_eq!(managed.value(VPN).as_deref(), Some("true"));
    assert_eq!(
        states(&house, &managed).await,
        ["vpn confirmed", "wifi confirmed"]
    );
    let told = events::told(&house, "drifted,drift-repaired", 1).await;
    assert_eq!(
        (told[0].0.as_str(), &told[0].1["document"], &told[0].1["drift"]),
        ("drift-repaired", &json!("vpn"), &json!("repaired"))
    );
    // What it cannot repair it tells in a session of its own, at once.
    managed.twin.inject(Fault {
        node: node("./Device/Vendor/MSFT/WiFi"),
        verb: None,
        status: StatusCode(500),
        original_error: Some(0x8007_0005),
        times: None,
    });
    managed.twin.remove(&node(WIFI));
    pass(&house, &mut managed, 4 * HOUR).await;
    assert_eq!(states(&house, &managed).await, ["vpn confirmed", "wifi failed"]);
    let told = events::told(&house, "drifted,drift-repaired", 2).await;
    assert_eq!(
        (told[1].0.as_str(), &told[1].1["drift"]),
        ("drifted", &json!("unrepaired"))
    );
    assert!(
        told[1].1["settings"].to_string().contains("Lab/WlanXml"),
        "{told:?}"
    );
    managed.twin.clear_faults();
    pass(&house, &mut managed, 24 * HOUR).await;
    assert_eq!(
        states(&house, &managed).await,
        ["vpn confirmed", "wifi confirmed"]
    );
    let told = events::told(&house, "drifted,drift-repaired", 3).await;
    assert_eq!(
        (told[2].0.as_str(), &told[2].1["document"]),
        ("drift-repaired", &json!("wifi"))
    );
    // All of its documents are lost, and come again.
    managed.twin.lose_documents();
    pass(&house, &mut managed, 24 * HOUR).await;
    assert_eq!(
        states(&house, &managed).await,
        ["vpn confirmed", "wifi confirmed"]
    );
    let told = events::told(&house, "drifted", 3).await;
    assert!(
        told[1..].iter().all(|(_, detail)| detail["drift"] == "missing"),
        "{told:?}"
    );
}

async fn what_leaves_leaves_what_the_policy_says(database: Database) {
    let house = house(database).await;
    for (on_removal, is_listed) in [("delete", false), ("abandon", true)] {
        publish(&house, on_removal, &["wifi"]).await;
        let mut managed = settled(&house).await;
        assert_eq!(states(&house, &managed).await, ["wifi confirmed"]);
        publish(&house, on_removal, &[]).await;
        pass(&house, &mut managed, 24 * HOUR).await;
        assert!(managed.value(WIFI).is_some(), "what it set stays");
        let channel = linked(&house, &managed).await;
        assert_eq!(
            (&channel["declarations"], &channel["converged"]),
            (&json!([]), &json!(true))
        );
        assert_eq!(channel["stays"][0]["identifier"], "wifi");
        assert_eq!(channel.get("documents").is_some(), is_listed, "{channel}");
        assert_eq!(channel.get("drift"), None);
        managed.twin.unenroll();
        managed.hold().await;
    }
}

/// What is left on the device of documents that are gone: the declaration, and the nodes.
async fn left(house: &House, managed: &Managed) -> Value {
    let device = house.device(managed.id()).await;
    let own = &device["channels"][0];
    assert_eq!(own["id"], managed.id(), "{device}");
    let left = own["cleaning"].as_array().into_iter().flatten();
    left.map(|it| json!([it["identifier"], it["nodes"]])).collect()
}

async fn what_is_to_be_clean_goes_after_its_document(database: Database) {
    // Two of the linked sessions, and then one of the device's own.
    const A_WHILE: i64 = (8 + 8 + 26 + 1) * HOUR;
    const PROFILE: &str = "./Device/Vendor/MSFT/WiFi/Profile/Lab";
    let house = house(database).await;
    publish(&house, "clean", &["wifi", "vpn"]).await;
    let mut managed = settled(&house).await;
    assert!(managed.value(WIFI).is_some() && managed.value(VPN).is_some());
    publish(&house, "clean", &[]).await;
    pass(&house, &mut managed, A_WHILE).await;
    assert_eq!((managed.value(WIFI), managed.value(VPN)), (None, None));
    assert_eq!(left(&house, &managed).await, json!([]));
    assert_eq!(linked(&house, &managed).await.get("stays"), None);

    // It comes back, whatever of its removal was done by then.
    publish(&house, "clean", &["wifi"]).await;
    pass(&house, &mut managed, A_WHILE).await;
    publish(&house, "clean", &[]).await;
    pass(&house, &mut managed, 9 * HOUR).await;
    publish(&house, "clean", &["wifi"]).await;
    pass(&house, &mut managed, A_WHILE).await;
    assert!(managed.value(WIFI).is_some());
    assert_eq!(states(&house, &managed).await, ["wifi confirmed"]);
    assert_eq!(left(&house, &managed).await, json!([]));

    // Another document is to take its place, and the device does not take that.
    managed.twin.inject(Fault {
        node: node("./Device/Vendor/MSFT/DeclaredConfiguration/Host/Complete/Documents"),
        verb: Some(Verb::Replace),
        status: StatusCode(500),
        original_error: None,
        times: None,
    });
    publish(&house, "clean", &["other"]).await;
    pass(&house, &mut managed, A_WHILE).await;
    assert!(managed.value(WIFI).is_some());
    let why = "the document other is to set it, which the device has not taken yet";
    assert_eq!(left(&house, &managed).await, json!([["wifi", {PROFILE: why}]]));
    let address = format!("/devices/{}/explain?declaration=wifi", managed.id());
    let explained = house.get(&address).await.to_string();
    let waits = "is left alone as long as the document other is to set it";
    assert!(
        explained.contains(&format!("{PROFILE}, which it has set, {waits}")),
        "{explained}"
    );
    // Neither is for it any more.
    managed.twin.clear_faults();
    publish(&house, "clean", &[]).await;
    pass(&house, &mut managed, A_WHILE).await;
    assert_eq!(managed.value(WIFI), None);
    assert_eq!(left(&house, &managed).await, json!([]));
    publish(&house, "clean", &["wifi"]).await;
    pass(&house, &mut managed, A_WHILE).await;
    assert!(managed.value(WIFI).is_some());

    // Another document takes its place.
    publish(&house, "clean", &["other"]).await;
    pass(&house, &mut managed, A_WHILE).await;
    assert!(managed.value(WIFI).is_some());
    assert_eq!(states(&house, &managed).await, ["other confirmed"]);
    let taken_over = json!(["wifi", {PROFILE: "the document other has it now"}]);
    assert_eq!(left(&house, &managed).await, json!([taken_over]));

    // The device refuses.
    managed.twin.inject(Fault {
        node: node(PROFILE),
        verb: Some(Verb::Delete),
        status: StatusCode(405),
        original_error: None,
        times: None,
    });
    publish(&house, "clean", &[]).await;
    pass(&house, &mut managed, A_WHILE).await;
    assert!(managed.value(WIFI).is_some());
    let why = "the device says to its removal: not with this node (405)";
    let left = left(&house, &managed).await;
    assert!(
        left.as_array()
            .expect("a list")
            .contains(&json!(["other", {PROFILE: why}])),
        "{left}"
    );
    let address = format!("/devices/{}/explain?declaration=other", managed.id());
    let explained = house.get(&address).await.to_string();
    assert!(
        explained.contains(&format!("{PROFILE} stays on the device: {why}")),
        "{explained}"
    );
}
