//! What is set on Windows devices as a whole, against the strict twin: VPN profiles, certificates, ADMX files and what is of
//! them, in messages of any length.

use ordain_testbed::Database;
use ordain_twin::windows::{Event, Way};
use serde_json::{Value, json};

use crate::house::{House, PUBLIC_URL};
use crate::policy::blueprint;
use crate::windows_raw_session::publish;
use crate::windows_twin::Managed;
use crate::windows_wire::token;

crate::on_each_database!(
    a_vpn_profile,
    a_certificate_by_scep,
    a_certificate_from_a_pfx_file,
    policies_of_an_admx_file,
    devices_of_short_messages,
);

async fn way(house: &House) -> Way {
    Way::new(PUBLIC_URL, "ada@example.org", token(house, "lab", 1).await)
}

/// The state of the device, and what is known of its one declaration.
async fn known(house: &House, managed: &Managed) -> (Value, Value) {
    let row = house.get("/devices").await["devices"][0].clone();
    let device = house.device(managed.id()).await;
    (
        row["state"].clone(),
        device["channels"][0]["declarations"][0].clone(),
    )
}

async fn is_converged(house: &House, managed: &Managed) {
    let (state, declaration) = known(house, managed).await;
    assert_eq!(state, "converged", "{declaration}");
    assert_eq!(declaration["confirmed"], true, "{declaration}");
}

async fn a_vpn_profile(database: Database) {
    let house = House::open(database).await;
    let mut managed = Managed::enrolled(&house, 0, way(&house).await).await;
    let node = "./Device/Vendor/MSFT/VPNv2/Work";
    let vpn = |servers: &str| {
        json!({"settings": [
            {format!("{node}/NativeProfile/Servers"): servers},
            {format!("{node}/NativeProfile/NativeProtocolType"): "IKEv2"},
            {format!("{node}/NativeProfile/Authentication/MachineMethod"): "Certificate"},
            {format!("{node}/AlwaysOn"): true},
            {format!("{node}/DnsSuffix"): "example.org"},
        ]})
    };
    for servers in ["vpn.example.org", "vpn2.example.org"] {
        publish(&house, "vpn", &vpn(servers)).await;
        managed.session().await;
        is_converged(&house, &managed).await;
        let value = managed.value(&format!("{node}/NativeProfile/Servers"));
        assert_eq!(value.as_deref(), Some(servers));
    }
    house
        .publish(&[(
            "blueprints/all.yaml",
            "name: base\ninclude: [all]\ndeclarations: []\n".to_owned(),
        )])
        .await;
    managed.session().await;
    assert_eq!(managed.value(&format!("{node}/AlwaysOn")), None);
    assert_eq!(known(&house, &managed).await.0, "converged");
}

async fn a_certificate_by_scep(database: Database) {
    let mut house = House::open(database).await;
    let mut managed = Managed::enrolled(&house, 0, way(&house).await).await;
    let node = "./Device/Vendor/MSFT/ClientCertificateInstall/SCEP/LabCert1";
    let scep = |subject: &str| {
        let settings = [
            ("ServerURL", json!("https://scep.example.org/scep")),
            ("Challenge", json!("one-time-challenge")),
            ("SubjectName", json!(subject)),
            ("EKUMapping", json!("1.3.6.1.5.5.7.3.2")),
            ("KeyUsage", json!(160)),
            ("KeyLength", json!(2048)),
            ("HashAlgorithm", json!("SHA-2")),
            ("CAThumbprint", json!("0123456789ABCDEF0123456789ABCDEF01234567")),
        ];
        let settings = settings.map(|(name, value)| json!({format!("{node}/Install/{name}"): value}));
        json!({"settings": settings})
    };
    publish(&house, "scep", &scep("CN=lab-1")).await;
    // Killed after each message, and asked again.
    managed.twin.sync(house.now());
    while let Some(request) = managed.request() {
        managed.send(&request).await.with(200);
        house.kill();
        house.start().await.expect("a server");
        let answer = managed.send(&request).await.with(200);
        managed.respond(&answer);
    }
    managed.is_content();
    assert_eq!(managed.value(&format!("{node}/Status")).as_deref(), Some("2"));
    assert_eq!(known(&house, &managed).await.0, "pending", "it is not there yet");
    house.pass(3600);
    managed.session().await;
    is_converged(&house, &managed).await;
    // One that is pending is waited for before anything is changed.
    publish(&house, "scep", &scep("CN=lab-2")).await;
    managed.session().await;
    publish(&house, "scep", &scep("CN=lab-3")).await;
    managed.session().await;
    let subject = format!("{node}/Install/SubjectName");
    assert_eq!(managed.value(&subject).as_deref(), Some("CN=lab-2"));
    assert_eq!(known(&house, &managed).await.0, "pending");
    house.pass(3600);
    managed.session().await;
    house.pass(3600);
    managed.session().await;
    assert_eq!(managed.value(&subject).as_deref(), Some("CN=lab-3"));
    is_converged(&house, &managed).await;
}

async fn a_certificate_from_a_pfx_file(database: Database) {
    let house = House::open(database).await;
    let mut managed = Managed::enrolled(&house, 0, way(&house).await).await;
    let node = "./Device/Vendor/MSFT/ClientCertificateInstall/PFXCertInstall/LabCert2";
    let pfx = |blob: &str, location: bool| {
        // The file is first here, and last on the way.
        let mut settings = vec![
            json!({"path": format!("{node}/PFXCertBlob"), "format": "chr", "value": blob}),
            json!({format!("{node}/PFXCertPassword"): "secret-of-the-file"}),
        ];
        settings.extend(location.then(|| json!({format!("{node}/KeyLocation"): 3})));
        json!({"settings": settings})
    };
    for blob in ["QUFBQQ==", "QkJCQg=="] {
        publish(&house, "pfx", &pfx(blob, true)).await;
        managed.session().await;
        is_converged(&house, &managed).await;
        assert_eq!(
            managed.value(&format!("{node}/PFXCertBlob")).as_deref(),
            Some(blob)
        );
    }
    // Set once, though it cannot be read.
    let before = managed.twin.complaints().kept().len();
    managed.session().await;
    is_converged(&house, &managed).await;
    assert_eq!(managed.twin.complaints().kept().len(), before);
    // One that cannot be installed is said to be so.
    house
        .publish(&[(
            "blueprints/all.yaml",
            "name: base\ninclude: [all]\ndeclarations: []\n".to_owned(),
        )])
        .await;
    managed.session().await;
    publish(&house, "pfx", &pfx("Q0NDQw==", false)).await;
    managed.session().await;
    let (state, declaration) = known(&house, &managed).await;
    assert_eq!(state, "failed");
    assert!(
        declaration["reasons"]
            .to_string()
            .contains("LabCert2/Status is 1168"),
        "{declaration}"
    );
    assert!(
        !house
            .everything()
            .await
            .to_string()
            .contains("secret-of-the-file")
    );
}

async fn policies_of_an_admx_file(database: Database) {
    let house = House::open(database).await;
    let mut managed = Managed::enrolled(&house, 0, way(&house).await).await;
    let admx = r#"<policyDefinitions revision="1.0" schemaVersion="1.0"><policyNamespaces><target prefix="app" namespace="Example.App"/></policyNamespaces><resources minRequiredRevision="1.0"/><categories><category name="ExampleCat"/></categories><policies><policy name="Banner" class="Both" displayName="Banner" explainText="Shows a banner" key="Software\Policies\ExampleApp" valueName="Banner"><parentCategory ref="ExampleCat"/><supportedOn ref="x"/><enabledValue><decimal value="1"/></enabledValue><disabledValue><decimal value="0"/></disabledValue></policy></policies></policyDefinitions>"#;
    let file = |enabled: bool| {
        let path = "./Device/Vendor/MSFT/Policy/Config/ExampleApp~Policy~ExampleCat/Banner";
        json!({
            "Identifier": "app",
            "admx": [{"app": "ExampleApp", "id": "one", "file": "windows/app.admx"}],
            "settings": [{"path": path, "enabled": enabled}],
        })
    };
    let user = json!({"Identifier": "users", "settings": [
        {"path": "./User/Vendor/MSFT/Policy/Config/ExampleApp~Policy~ExampleCat/Banner", "enabled": true},
    ]});
    for enabled in [true, false] {
        house
            .publish(&[
                ("windows/app.json", file(enabled).to_string()),
                ("windows/users.json", user.to_string()),
                ("windows/app.admx", admx.to_owned()),
                ("blueprints/all.yaml", blueprint("base", "all", &["app", "users"])),
            ])
            .await;
        managed.session().await;
        is_converged(&house, &managed).await;
        let wanted = if enabled { "<enabled/>" } else { "<disabled/>" };
        let value = managed.value("./Device/Vendor/MSFT/Policy/Config/ExampleApp~Policy~ExampleCat/Banner");
        assert_eq!(value.as_deref(), Some(wanted));
    }
}

async fn devices_of_short_messages(database: Database) {
    let house = House::open(database).await;
    let mut managed = Managed::limited(&house, 0, 6_000);
    managed.enroll(way(&house).await).await;
    managed.is_content();
    let node = "./Device/Vendor/MSFT/WiFi/Profile/Lab/WlanXml";
    let filler = "<x>ä&amp;</x>".repeat(3_000);
    let profile = format!(
        "<WLANProfile xmlns=\"http://www.microsoft.com/networking/WLAN/profile/v1\"><name>Lab</name>{filler}</WLANProfile>"
    );
    let policies = ["Camera/AllowCamera", "Experience/AllowCortana"];
    let mut settings: Vec<Value> = policies
        .iter()
        .map(|name| json!({format!("./Device/Vendor/MSFT/Policy/Config/{name}"): 0}))
        .collect();
    settings.push(json!({"path": node, "format": "chr", "value": profile}));
    publish(&house, "all", &json!({"settings": settings})).await;
    managed.session().await;
    is_converged(&house, &managed).await;
    assert!(managed.value(node).is_some_and(|value| value == profile));
    assert!(!managed.twin.history().contains(&Event::SessionFailed));
}
