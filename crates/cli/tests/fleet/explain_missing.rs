//! `ordain explain` where something is missing that nobody said no to: a status item, an asset's data, a device that
//! was never here, and one that does not come although it is pushed.

use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use ordain_catalog::Platform;
use ordain_twin::apns::Apns;
use ordain_twin::driver::{Fleet, Identities, Issuer, Keys, Options, Proof, Roots, Target, Until};
use ordain_twin::twin::Settings;
use serde_json::Value;
use tokio::runtime::Runtime;
use tokio::sync::watch;

use crate::explain::{TEST, declare, headline, write};
use crate::serve::Serve;

const TOPIC: &str = "com.apple.mgmt.External.00000000-0000-4000-8000-000000000000";
const BASE: &str = "name: base\ninclude: [all]\ndeclarations: [for-encrypted, certificate]\n";

/// A policy whose condition some devices cannot tell, and whose certificate is nowhere.
fn policy(dir: &Path, server: &str) {
    let of_encrypted = "when: \"@status(diskmanagement.filevault.enabled) == TRUE\"\n";
    declare(dir, "for-encrypted", TEST, "{Echo: encrypted}", of_encrypted);
    let certificate = "com.apple.configuration.security.certificate";
    declare(
        dir,
        "certificate",
        certificate,
        "{CredentialAssetReference: root}",
        "",
    );
    let reference = format!("{{DataURL: '{server}/nowhere', ContentType: application/pem}}");
    let root = format!(
        "Type: com.apple.asset.credential.certificate\nIdentifier: root\nPayload: {{Reference: {reference}}}\n"
    );
    write(dir, "assets/root.yaml", &root);
    write(dir, "groups/lab.yaml", "name: lab\nmembers: [C02AWAITED]\n");
    write(dir, "blueprints/base.yaml", BASE);
}

/// A Mac and an iPhone enroll, do what they are told, and are switched off; who pushes them then reaches nobody.
fn come_and_go(runtime: &Runtime, apns: &Arc<Apns>, data_dir: &Path) {
    let state = std::fs::read(data_dir.join("server.json")).unwrap();
    let state: Value = serde_json::from_slice(&state).unwrap();
    let target = Target {
        server_url: format!("{}/mdm", state["url"].as_str().unwrap()),
        check_in_url: None,
        roots: Roots::Pem(std::fs::read(state["ca"].as_str().unwrap()).unwrap()),
        proof: Proof::Tls,
    };
    let authority = apns.authority();
    let (certificate, key) = (authority.certificate().to_pem(), authority.key().to_pem());
    let identities = Identities {
        keys: Keys::Fresh,
        issuer: Issuer::authority(&certificate, &key.unwrap()).unwrap(),
    };
    let options = Options {
        sessions: 2,
        poll: Duration::from_millis(500),
        until: Until::Rest,
        apns: Some(apns.clone()),
        silent: None,
    };
    let settings = Settings {
        topic: TOPIC.to_owned(),
        gather: 0,
    };
    let mut fleet = Fleet::new(2, 1, &[Platform::MacOs, Platform::Ios], &settings);
    let (_stop, stopped) = watch::channel(false);
    let life = async {
        fleet.equip(&identities).await.unwrap();
        fleet.run(&target, &options, &stopped).await.unwrap()
    };
    let outcome = runtime.block_on(async { tokio::time::timeout(Duration::from_secs(120), life).await });
    assert_eq!(outcome.unwrap().progress.errors, 0);
}

/// The steps with this code: how each stands, and its sentence.
fn steps(server: &Serve, device: &str, declaration: &str, code: &str) -> Vec<String> {
    let told = server.json(&["explain", device, declaration]);
    let steps = told["channels"][0]["steps"].as_array().unwrap().iter();
    let steps = steps.filter(|step| step["code"] == code);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    steps
        .map(|step| format!("{}: {}", text(&step["state"]), text(&step["sentence"])))
        .collect()
}

fn what_is_missing_is_named(runtime: &Runtime, database: &[&str]) {
    let apns = Arc::new(runtime.block_on(Apns::start()).unwrap());
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        write(dir.path(), name, text);
        dir.path().join(name).to_str().unwrap().to_owned()
    };
    let (data_dir, files) = (dir.path().join("data"), dir.path().join("policy"));
    let url = apns.url();
    // Who vouches for the push service vouches for the devices as well.
    let ca = file("ca.pem", &apns.authority().certificate().to_pem());
    let words = [
        &["--apns-url", &url, "--apns-ca", &ca, "--device-ca", &ca],
        database,
    ];
    let server = Serve::start(&data_dir, &words.concat());
    let certificate = file("push.pem", &apns.push_certificate(TOPIC).unwrap());
    server.json(&["push-certificate", "import", &certificate]);
    policy(&files, &server.url);
    let policy = files.to_str().unwrap();
    server.json(&["apply", policy]);
    come_and_go(runtime, &apns, &data_dir);
    let devices = server.json(&["devices"]);
    let of = |platform: &str| {
        let mut devices = devices["devices"].as_array().unwrap().iter();
        let device = devices.find(|device| device["platform"] == platform);
        device.unwrap()["id"].as_str().unwrap().to_owned()
    };
    let (mac, phone) = (of("macOS"), of("iOS"));

    insta::assert_snapshot!(
        "a_predicate_is_unknown",
        headline(&server, &phone, "for-encrypted")
    );
    let own = steps(&server, &phone, "for-encrypted", "device-verdict");
    insta::assert_snapshot!("a_predicate_is_unknown_by_the_device", own.join("\n"));
    for declaration in ["certificate", "root"] {
        let name = format!("the_data_of_an_asset_are_missing_for_{declaration}");
        insta::assert_snapshot!(name, headline(&server, &mac, declaration));
    }

    let awaited = server.run(&["explain", "C02AWAITED"]);
    assert_eq!(awaited.status.code(), Some(1));
    let awaited = String::from_utf8(awaited.stderr).unwrap();
    insta::assert_snapshot!("a_device_was_never_seen", awaited);

    // Both are switched off.
    declare(&files, "another", TEST, "{Echo: another}", "");
    let more = "name: more\ninclude: [all]\ndeclarations: [another]\n";
    write(&files, "blueprints/more.yaml", more);
    server.json(&["apply", policy]);
    for device in [&mac, &phone] {
        let mut pushed = Vec::new();
        for _ in 0..600 {
            pushed = steps(&server, device, "another", "pushed");
            if !pushed.is_empty() {
                break;
            }
            thread::sleep(Duration::from_millis(100));
        }
        insta::assert_snapshot!("a_push_reaches_nobody", pushed.join("\n"));
        insta::assert_snapshot!("a_device_is_silent", headline(&server, device, "another"));
        let told = server.run(&["explain", device]);
        let told = String::from_utf8(told.stdout).unwrap();
        assert!(
            told.contains("the server pushes the device again, unless it comes before – "),
            "{told}"
        );
    }
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn what_is_missing_is_named_on_sqlite() {
    what_is_missing_is_named(&Runtime::new().unwrap(), &[]);
}

#[test]
fn what_is_missing_is_named_on_postgresql() {
    let runtime = Runtime::new().unwrap();
    // Where there is no PostgreSQL, the testbed says so.
    if let Some(url) = runtime.block_on(ordain_testbed::postgres_url()) {
        what_is_missing_is_named(&runtime, &["--database", &url]);
    }
}
