//! `ordain explain` on a fleet of twins: what an administrator reads of devices in different states.

use std::path::Path;

use serde_json::{Value, json};

use crate::serve::Serve;

pub(crate) const TEST: &str = "com.apple.configuration.management.test";
const ORGANIZATION: &str = "com.apple.management.organization-info";

pub(crate) fn write(policy: &Path, file: &str, text: &str) {
    let file = policy.join(file);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, text).unwrap();
}

/// Writes a declaration; `more` are lines beside its three keys.
pub(crate) fn declare(policy: &Path, identifier: &str, type_name: &str, payload: &str, more: &str) {
    let text = format!("Type: {type_name}\nIdentifier: {identifier}\nPayload: {payload}\n{more}");
    write(policy, &format!("declarations/{identifier}.yaml"), &text);
}

/// A policy whose declarations fare differently.
fn policy(dir: &Path) {
    declare(dir, "organization", ORGANIZATION, "{Name: Example}", "");
    declare(dir, "good", TEST, "{Echo: good}", "");
    declare(dir, "new-key", TEST, "{Echo: e, Colour: red}", "");
    let subscribed = "{StatusItems: [{Name: device.model.family}]}";
    let subscriptions = "com.apple.configuration.management.status-subscriptions";
    declare(dir, "subscriptions", subscriptions, subscribed, "");
    let of_tvs = "when: \"@status(device.model.family) == 'AppleTV'\"\n";
    declare(dir, "for-tvs", TEST, "{Echo: tv}", of_tvs);
    let disks = "com.apple.configuration.diskmanagement.settings";
    declare(
        dir,
        "disks",
        disks,
        "{Restrictions: {ExternalStorage: Disallowed}}",
        "",
    );
    let all = "name: base\ninclude: [all]\ndeclarations: [organization, good, new-key, subscriptions, for-tvs, disks]\n";
    write(dir, "blueprints/base.yaml", all);
}

/// The headline of one declaration on the device, and that all of it is told with facts.
pub(crate) fn headline(server: &Serve, device: &str, declaration: &str) -> String {
    let told = server.json(&["explain", device, declaration]);
    let channel = &told["channels"][0];
    let steps = channel["steps"].as_array().unwrap();
    for step in steps.iter().chain([&channel["headline"]]) {
        assert!(!step["facts"].as_array().unwrap().is_empty(), "{step:#}");
    }
    channel["headline"]["sentence"].as_str().unwrap().to_owned()
}

fn devices_are_explained(database: &[&str]) {
    let dir = tempfile::tempdir().unwrap();
    let files = dir.path().join("policy");
    policy(&files);
    let policy = files.to_str().unwrap();
    let server = Serve::start(&dir.path().join("data"), database);
    server.json(&["apply", policy, "--allow-unknown"]);
    // A Mac and an iPhone.
    let simulated = server.run(&["simulate", "-n", "2", "--timeout", "2m"]);
    assert_eq!(
        simulated.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&simulated.stderr)
    );
    let devices = server.json(&["devices"]);
    // Each state that the server tells can be asked for.
    for (state, count) in devices["states"].as_object().unwrap() {
        let only = server.json(&["devices", "--state", state]);
        let only = only["devices"].as_array().unwrap().len();
        assert_eq!(*count, Value::from(only), "{state}");
    }
    let of = |platform: &str| -> Value {
        let mut devices = devices["devices"].as_array().unwrap().iter();
        devices
            .find(|device| device["platform"] == platform)
            .unwrap()
            .clone()
    };
    let (mac, phone) = (of("macOS"), of("iOS"));
    let (mac, serial) = (mac["id"].as_str().unwrap(), mac["serial"].as_str().unwrap());
    let phone = phone["id"].as_str().unwrap();

    assert_eq!(
        headline(&server, mac, "good"),
        "in force: the device says that it is valid and active"
    );
    assert_eq!(
        headline(&server, serial, "for-tvs"),
        "does not apply now: its activation puts it in force only where @status(device.model.family) == 'AppleTV', which \
         does not hold by what the device has reported: @status(device.model.family) is 'Mac'"
    );
    assert_eq!(
        headline(&server, mac, "new-key"),
        "failed: the device says that it does not know some keys of the payload: Colour (Error.UnknownPayloadKeys)"
    );
    assert_eq!(
        headline(&server, phone, "disks"),
        "not for this device: it is left out: the device does not list this type among its capabilities"
    );
    let all = server.run(&["explain", mac]);
    let all = String::from_utf8(all.stdout).unwrap();
    for part in [
        "not converged: new-key: failed: the device says that it does not know some keys",
        "done        the device acknowledged the command to synchronise – ",
        "not confirmed, and why\n",
        "  new-key\n",
    ] {
        assert!(all.contains(part), "{part}: {all}");
    }

    // The devices are away: what is published does not reach them.
    declare(&files, "organization", ORGANIZATION, "{Name: Another}", "");
    write(
        &files,
        "groups/kiosk.yaml",
        &format!("name: kiosk\nmembers: [{serial}]\n"),
    );
    write(
        &files,
        "blueprints/base.yaml",
        "name: base\ninclude: [all]\ndeclarations: [organization, new-key, subscriptions, for-tvs, disks]\n",
    );
    let rest = "name: rest\ninclude: [all]\nexclude: [kiosk]\ndeclarations: [good]\n";
    write(&files, "blueprints/rest.yaml", rest);
    let phones = "name: phones\nwhere: \"@status(device.model.family) == 'iPhone'\"\n";
    write(&files, "groups/phones.yaml", phones);
    declare(&files, "for-phones", TEST, "{Echo: phone}", "");
    let of_phones = "name: phones\ninclude: [phones]\ndeclarations: [for-phones]\n";
    write(&files, "blueprints/phones.yaml", of_phones);
    server.json(&["apply", policy, "--allow-unknown"]);
    // Which step is missing depends on whether the device was here in the very second of the publication.
    let behind = headline(&server, phone, "organization");
    assert!(
        behind.starts_with(
            "out of date: the device holds the version of revision 1, one revision behind; the "
        ),
        "{behind}"
    );
    assert_eq!(
        headline(&server, mac, "good"),
        format!(
            "to be removed: the blueprint rest gives it to the group all, in which every device is; but it excludes the group \
             kiosk, which lists the device by its serial number {serial}"
        )
    );
    assert_eq!(
        headline(&server, mac, "for-phones"),
        "not for this device: the blueprint phones gives it to the group phones, whose condition \
         @status(device.model.family) == 'iPhone' does not hold for the device: @status(device.model.family) is 'Mac'"
    );
    // Whether it was decided by now or not.
    let told = server.json(&["explain", phone, "for-phones"]);
    let mut steps = told["channels"][0]["steps"].as_array().unwrap().iter();
    let given = steps.find(|step| step["code"] == "blueprint").unwrap();
    let sentence = given["sentence"].as_str().unwrap();
    assert!(
        sentence.contains("holds for the device: @status(device.model.family) is 'iPhone'"),
        "{sentence}"
    );
    let family = json!({"fact": "device-record/status/device.model.family", "value": "iPhone"});
    assert!(given["facts"].as_array().unwrap().contains(&family), "{given:#}");
    let silent = server.run(&["explain", phone, "organization"]);
    let silent = String::from_utf8(silent.stdout).unwrap();
    assert!(silent.contains("the server has no push certificate"), "{silent}");

    for (words, advice) in [
        (["explain", mac, "organisation"], "did you mean organization?"),
        (["explain", "NOBODY", "organization"], "no device goes by NOBODY"),
    ] {
        let output = server.run(&words);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{words:?}: {said}");
        assert!(said.contains(advice), "{said}");
    }
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn devices_are_explained_on_sqlite() {
    devices_are_explained(&[]);
}

#[test]
fn devices_are_explained_on_postgresql() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    // Where there is no PostgreSQL, the testbed says so.
    if let Some(url) = runtime.block_on(ordain_testbed::postgres_url()) {
        devices_are_explained(&["--database", &url]);
    }
}
