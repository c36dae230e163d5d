//! Settings that go together in the specification's examples, by a client that shares nothing with the server.

use ordain_testbed::Database;
use serde_json::json;

use crate::house::House;
use crate::policy::blueprint;
use crate::windows_raw::RawPc;
use crate::windows_raw_session::{POLICY, known, publish};

crate::on_each_database!(
    admx_files_and_their_policies,
    a_wifi_profile,
    a_certificate_by_scep,
);

/// Example 16.
async fn admx_files_and_their_policies(database: Database) {
    let house = House::open(database).await;
    let mut pc = RawPc::enrolled(&house).await;
    let admx = r#"<policyDefinitions revision="1.0" schemaVersion="1.0"><policyNamespaces><target prefix="app" namespace="Example.App"/></policyNamespaces><categories><category name="ExampleCat"/></categories><policies><policy name="Banner" class="Machine" displayName="Banner" explainText="Shows a banner" key="Software\Policies\ExampleApp" valueName="Banner"><parentCategory ref="ExampleCat"/><supportedOn ref="x"/><enabledValue><decimal value="1"/></enabledValue><disabledValue><decimal value="0"/></disabledValue></policy></policies></policyDefinitions>"#;
    let banner = format!("{POLICY}/ExampleApp~Policy~ExampleCat/Banner");
    let listed = format!("{POLICY}/ADMX_MMC/MMC_Restrict_To_Permitted_Snapins");
    let file = json!({
        "Identifier": "app",
        "admx": [{"app": "ExampleApp", "id": "ExampleAppAdmx01", "file": "windows/app.admx"}],
        "settings": [
            {"path": banner, "enabled": true},
            {"path": listed, "enabled": true, "data": {"ElementId": ["key1", "value1"]}},
        ],
    });
    house
        .publish(&[
            ("windows/app.json", file.to_string()),
            ("windows/app.admx", admx.to_owned()),
            ("blueprints/all.yaml", blueprint("base", "all", &["app"])),
        ])
        .await;
    pc.session().await;
    let ingestion = format!(
        "Add ./Device/Vendor/MSFT/Policy/ConfigOperations/ADMXInstall/ExampleApp/Policy/ExampleAppAdmx01 chr {admx}"
    );
    let place = |what: &str| pc.given.iter().position(|given| given == what);
    let policy = place(&format!("Replace {banner} chr <enabled/>")).expect("the policy");
    assert!(place(&ingestion).expect("the file") < policy, "the file is first");
    let list = "<enabled/><data id=\"ElementId\" value=\"key1&#xF000;value1\"/>";
    assert!(
        place(&format!("Replace {listed} chr {list}")).is_some(),
        "{:?}",
        pc.given
    );
    let (app, state) = known(&house).await;
    assert_eq!(
        (&app["confirmed"], state),
        (&json!(true), json!("converged")),
        "{app}"
    );
}

/// Example 17.
async fn a_wifi_profile(database: Database) {
    let house = House::open(database).await;
    let mut pc = RawPc::enrolled(&house).await;
    let profile = |key: &str| {
        format!(
            r#"<WLANProfile xmlns="http://www.microsoft.com/networking/WLAN/profile/v1"><name>LabWifi</name><SSIDConfig><SSID><hex>4C616257696669</hex><name>LabWifi</name></SSID></SSIDConfig><connectionType>ESS</connectionType><connectionMode>auto</connectionMode><MSM><security><authEncryption><authentication>WPA2PSK</authentication><encryption>AES</encryption><useOneX>false</useOneX></authEncryption><sharedKey><keyType>passPhrase</keyType><protected>false</protected><keyMaterial>{key}</keyMaterial></sharedKey></security></MSM></WLANProfile>"#
        )
    };
    let node = "./Device/Vendor/MSFT/WiFi/Profile/LabWifi";
    let wifi = |key: &str| json!({"settings": [{"path": format!("{node}/WlanXml"), "format": "chr", "value": profile(key)}]});
    publish(&house, "wifi", &wifi("not-a-real-key")).await;
    pc.session().await;
    let given = |pc: &RawPc| -> Vec<String> {
        let of_wifi = pc
            .given
            .iter()
            .filter(|given| given.contains("/WiFi/") && !given.starts_with("Get"));
        of_wifi.cloned().collect()
    };
    let add = |key: &str| format!("Add {node}/WlanXml chr {}", profile(key));
    let delete = format!("Delete {node}");
    assert_eq!(given(&pc), [delete.clone(), add("not-a-real-key")]);
    assert_eq!(known(&house).await.1, "converged");
    // It is changed as a whole, and goes as a whole.
    pc.given.clear();
    publish(&house, "wifi", &wifi("another-key")).await;
    pc.session().await;
    assert_eq!(given(&pc), [delete.clone(), add("another-key")]);
    assert_eq!(known(&house).await.1, "converged");
    pc.given.clear();
    house
        .publish(&[(
            "blueprints/all.yaml",
            "name: base\ninclude: [all]\ndeclarations: []\n".to_owned(),
        )])
        .await;
    pc.session().await;
    assert_eq!(given(&pc), [delete]);
    assert!(!pc.tree.keys().any(|node| node.contains("/WiFi/")));
    assert_eq!(known(&house).await.1, "converged");
}

/// Example 18.
async fn a_certificate_by_scep(database: Database) {
    let house = House::open(database).await;
    let mut pc = RawPc::enrolled(&house).await;
    let node = "./Device/Vendor/MSFT/ClientCertificateInstall/SCEP/LabCert1";
    let install = |name: &str| format!("{node}/Install/{name}");
    let scep = |challenge: &str| {
        let settings = [
            ("ServerURL", json!("https://scep.example.org/scep")),
            ("Challenge", json!(challenge)),
            ("SubjectName", json!("CN=lab-pc-01")),
            ("EKUMapping", json!("1.3.6.1.5.5.7.3.2")),
            ("KeyUsage", json!(160)),
            ("KeyLength", json!(2048)),
            ("HashAlgorithm", json!("SHA-2")),
            ("CAThumbprint", json!("0123456789ABCDEF0123456789ABCDEF01234567")),
            ("KeyProtection", json!(3)),
        ];
        let settings = settings.map(|(name, value)| json!({install(name): value}));
        json!({"settings": settings})
    };
    publish(&house, "scep", &scep("one-time-challenge")).await;
    // Pending while it goes on.
    let status = format!("{node}/Status").replace("/Device", "");
    pc.tree.insert(status.clone(), "2".to_owned());
    let enroll = format!("  Exec {}", install("Enroll"));
    let enrolls = |pc: &RawPc| pc.given.iter().filter(|given| **given == enroll).count();
    pc.tree.remove(&status);
    let mut next = Some(pc.package_1());
    while let Some(message) = next {
        let answer = pc.send(&message).await;
        next = pc.answer(&answer);
        if enrolls(&pc) > 0 {
            pc.tree.insert(status.clone(), "2".to_owned());
            // It is used up.
            pc.tree.remove(&install("Challenge").replace("/Device", ""));
        }
    }
    let atomic = pc
        .given
        .iter()
        .position(|given| given == "Atomic")
        .expect("an Atomic");
    assert_eq!(
        pc.given[atomic + 1],
        format!("  Add {} chr https://scep.example.org/scep", install("ServerURL"))
    );
    assert_eq!(
        pc.given[atomic + 2],
        format!("  Add {} chr one-time-challenge", install("Challenge"))
    );
    assert_eq!(
        pc.given[atomic + 9],
        format!("  Add {} int 3", install("KeyProtection"))
    );
    assert_eq!(pc.given[atomic + 10], enroll);
    let pending = known(&house).await;
    assert_eq!(
        (&pending.0["confirmed"], pending.1),
        (&json!(false), json!("pending"))
    );
    pc.session().await;
    assert_eq!((enrolls(&pc), known(&house).await.1), (1, json!("pending")));
    // Failed: told, and not tried again before the file changes.
    pc.tree.insert(status.clone(), "16".to_owned());
    pc.session().await;
    pc.session().await;
    let (failed, state) = known(&house).await;
    assert_eq!((enrolls(&pc), state), (1, json!("failed")));
    let why = failed["reasons"].to_string();
    assert!(
        why.contains("Error.Outcome") && why.contains("LabCert1/Status is 16 (failed)"),
        "{why}"
    );
    publish(&house, "scep", &scep("another-challenge")).await;
    let mut next = Some(pc.package_1());
    while let Some(message) = next {
        let answer = pc.send(&message).await;
        next = pc.answer(&answer);
        if enrolls(&pc) > 1 {
            pc.tree.insert(status.clone(), "1".to_owned());
        }
    }
    let (enrolled, state) = known(&house).await;
    assert_eq!(
        (&enrolled["confirmed"], state),
        (&json!(true), json!("converged")),
        "{enrolled}"
    );
    // What was there already was replaced, in a whole new Atomic.
    let replaced = format!("  Replace {} chr CN=lab-pc-01", install("SubjectName"));
    assert!(pc.given.contains(&replaced), "{:?}", pc.given);
    let before = enrolls(&pc);
    // A challenge for the next one is no reason to enroll again.
    publish(&house, "scep", &scep("for-new-devices")).await;
    pc.session().await;
    assert_eq!(
        (enrolls(&pc), known(&house).await.1),
        (before, json!("converged"))
    );
    let shown = house.everything().await.to_string();
    assert!(!shown.contains("one-time-challenge") && !shown.contains("another-challenge"));
}
