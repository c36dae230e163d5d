//! Simulated PCs with documents of declared configuration, over days: applied, drifted, repaired, taken away.

use std::sync::LazyLock;

use ordain_catalog::windows::Join;
use ordain_pki::KeyPair;
use ordain_pki::key::KeyKind;
use ordain_server::EntraSettings;
use ordain_testbed::Database;
use ordain_twin::windows::entra::{Issuer, Membership};
use ordain_twin::windows::{Fault, Way};
use ordain_windows::syncml::loc_uri::LocUri;
use ordain_windows::syncml::status::StatusCode;
use serde_json::{Value, json};

use crate::events;
use crate::house::{House, PUBLIC_URL};
use crate::policy::blueprint;
use crate::windows_twin::Managed;
use crate::windows_wire::token;

crate::on_each_database!(drift_is_told_as_it_is, what_leaves_leaves_what_the_policy_says);

const TENANT: &str = "11111111-2222-3333-4444-555555555555";
pub(crate) const HOUR: i64 = 3_600;
const WIFI: &str = "./Device/Vendor/MSFT/WiFi/Profile/Lab/WlanXml";
const VPN: &str = "./Device/Vendor/MSFT/VPNv2/Work/AlwaysOn";
static ISSUER: LazyLock<Issuer> = LazyLock::new(|| {
    let key = KeyPair::generate(KeyKind::Rsa2048).expect("a key");
    Issuer::new(key, "k1").expect("a key of RSA")
});

/// A server that believes the tenant.
pub(crate) async fn house(database: Database) -> House {
    let mut house = House::closed(database);
    let jwks = house.file("keys.json", &ISSUER.jwks().to_string());
    house.settings().entra = Some(EntraSettings {
        tenant: TENANT.to_owned(),
        audience: "https://mdm.example.org/".to_owned(),
        jwks: jwks.to_str().expect("a path").to_owned(),
    });
    house.start().await.expect("a server");
    house
}

async fn publish(house: &House, on_removal: &str, names: &[&str]) {
    let wifi = format!(
        "Identifier: wifi\nscenario: MSFTWifi\non-removal: {on_removal}\ncsp:\n  - name: ./Vendor/MSFT/WiFi\n    settings:\n      \
         - path: Profile/Lab/WlanXml\n        format: chr\n        value: '<WLANProfile xmlns=\"http://www.microsoft.com/networking/WLAN/profile/v1\"><name>Lab</name></WLANProfile>'\n"
    );
    let vpn = "Identifier: vpn\nscenario: MSFTVPN\ncsp:\n  - name: ./Vendor/MSFT/VPNv2\n    settings:\n      \
               - Work/NativeProfile/Servers: vpn.example.org\n      - Work/NativeProfile/NativeProtocolType: IKEv2\n      - Work/AlwaysOn: true\n";
    let base = match names.is_empty() {
        true => "name: base\ninclude: [all]\ndeclarations: []\n".to_owned(),
        false => blueprint("base", "all", names),
    };
    let mut files = vec![("blueprints/base.yaml", base)];
    if names.contains(&"wifi") {
        files.push(("windows/wifi.yaml", wifi));
    }
    if names.contains(&"vpn") {
        files.push(("windows/vpn.yaml", vpn.to_owned()));
    }
    house.publish(&files).await;
}

/// A PC that has enrolled, is linked, and has all that is for it.
pub(crate) async fn settled(house: &House) -> Managed {
    let mut managed = Managed::new(house, 0);
    let membership = Membership {
        issuer: ISSUER.clone(),
        tenant: TENANT.to_owned(),
        device_id: "77777777-0000-0000-0000-000000000001".to_owned(),
    };
    managed.twin.join(membership, Join::Joined);
    let way = Way::new(PUBLIC_URL, "ada@example.org", token(house, "lab", 1).await);
    managed.twin.enroll(way).expect("a new computer");
    managed.hold().await;
    pass(house, &mut managed, HOUR).await;
    managed
}

/// So much time passes, in which it does what is due.
pub(crate) async fn pass(house: &House, managed: &mut Managed, seconds: i64) {
    let end = house.now() + seconds;
    while let Some(due) = managed.twin.due().filter(|due| *due <= end) {
        house.pass((due - house.now()).max(0));
        managed.twin.wake(house.now());
        managed.hold().await;
    }
    house.pass(end - house.now());
    managed.is_content();
}

pub(crate) async fn channel(house: &House, managed: &Managed) -> Value {
    let device = house.device(managed.id()).await;
    let id = format!("{}::linked", managed.id());
    let channels = device["channels"].as_array().expect("channels").iter();
    channels
        .clone()
        .find(|it| it["id"] == id.as_str())
        .expect("a linked channel")
        .clone()
}

pub(crate) async fn states(house: &House, managed: &Managed) -> Vec<String> {
    let channel = channel(house, managed).await;
    let all = channel["declarations"].as_array().expect("declarations").iter();
    all.map(|it| format!("{} {}", it["identifier"], it["state"]).replace('"', ""))
        .collect()
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
        channel(&house, &managed).await
    );
    assert_eq!(managed.value(VPN).as_deref(), Some("true"));
    // A day in which nothing happens.
    pass(&house, &mut managed, 24 * HOUR).await;
    assert_eq!(channel(&house, &managed).await.get("drift"), None);
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
        let channel = channel(&house, &managed).await;
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
