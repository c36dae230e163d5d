//! What is published beyond today's catalog, or once more.

use std::path::Path;

use ordain_catalog::{Catalog, facts};
use ordain_store::{Actor, AuditRecord, NewCatalog, Store};
use serde_json::Value;

use crate::serve::Serve;

/// What devices do not know yet is published when that is allowed, and shows as what devices make of it.
#[test]
fn what_devices_do_not_know_fails_visibly() {
    let dir = tempfile::tempdir().unwrap();
    let policy = dir.path().join("policy");
    let write = |file: &str, text: &str| {
        let file = policy.join(file);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    };
    let declaration = |identifier: &str, type_name: &str, key: &str| {
        let text = format!("Type: {type_name}\nIdentifier: {identifier}\nPayload:\n  {key}: Example\n");
        write(&format!("declarations/{identifier}.yaml"), &text);
    };
    declaration("of-tomorrow", "com.apple.management.of.tomorrow", "Name");
    declaration(
        "new-key",
        "com.apple.configuration.management.test",
        "Echo: e\n  Colour",
    );
    let blueprint = "name: all\ninclude: [all]\ndeclarations: [of-tomorrow, new-key]\n";
    write("blueprints/all.yaml", blueprint);

    let policy = policy.to_str().unwrap();
    let server = Serve::start(&dir.path().join("data"), &[]);
    assert_eq!(server.run(&["apply", policy]).status.code(), Some(1));
    server.json(&["apply", policy, "--allow-unknown"]);
    let simulated = server.run(&["simulate", "-n", "2", "--timeout", "1m"]);
    assert_eq!(simulated.status.code(), Some(0));
    let devices = server.json(&["devices"]);
    assert_eq!(devices["states"]["failed"], 2);
    for device in devices["devices"].as_array().unwrap() {
        let device = server.json(&["device", device["id"].as_str().unwrap()]);
        let channel = &device["channels"][0];
        let declarations = channel["declarations"].as_array().unwrap();
        let of = |identifier| {
            declarations
                .iter()
                .find(|found| found["identifier"] == identifier)
        };
        let new_key = of("new-key").unwrap();
        assert_eq!(new_key["state"], "failed");
        assert_eq!(
            new_key["reasons"][0],
            serde_json::json!({
                "code": "Error.UnknownPayloadKeys",
                "details": {"UnknownPayloadKeys": ["Colour"]},
            })
        );
        // Once it has said what it can take, it is not sent the type any more.
        assert_eq!(of("of-tomorrow"), None);
        assert_eq!(channel["omissions"][0]["identifier"], "of-tomorrow");
    }
    assert_eq!(server.stop(), Some(0));
}

/// A policy directory with these declarations, each an identifier and a type.
fn policy_of(dir: &Path, name: &str, declarations: &[(&str, &str)]) -> String {
    let policy = dir.join(name);
    for (identifier, type_name) in declarations {
        let file = policy.join("declarations").join(format!("{identifier}.yaml"));
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        let key = if type_name.contains("passcode") {
            "RequirePasscode: true"
        } else {
            "Name: Example"
        };
        let text = format!("Type: {type_name}\nIdentifier: {identifier}\nPayload:\n  {key}\n");
        std::fs::write(file, text).unwrap();
    }
    policy.to_str().unwrap().to_owned()
}

/// An older revision is published again, unless it has errors under today's catalog.
#[test]
fn an_older_revision_is_published_again() {
    const PASSCODE: &str = "com.apple.configuration.passcode.settings";
    let dir = tempfile::tempdir().unwrap();
    let organization = ("organization", "com.apple.management.organization-info");
    let plain = policy_of(dir.path(), "plain", &[organization]);
    let both = policy_of(dir.path(), "both", &[organization, ("passcode", PASSCODE)]);
    let data_dir = dir.path().join("data");
    let server = Serve::start(&data_dir, &[]);
    server.json(&["apply", &plain]);
    server.json(&["apply", &both]);
    let published = server.json(&["revisions", "publish", "1"]);
    assert_eq!(published["revision"], 3);
    assert_eq!(
        published["changes"]["declarations"]["removed"],
        serde_json::json!(["passcode"])
    );
    let again = server.run(&["revisions", "publish", "1"]);
    assert_eq!(
        String::from_utf8(again.stdout).unwrap(),
        "nothing changed: revision 3 is what revision 1 says\n"
    );
    let missing = server.run(&["revisions", "publish", "9"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(
        String::from_utf8(missing.stderr)
            .unwrap()
            .contains("there is no revision 9")
    );
    assert_eq!(server.stop(), Some(0));

    let mut catalog = Catalog::default();
    for known in Catalog::builtin()
        .declarations()
        .filter(|known| known.name != PASSCODE)
    {
        catalog.add_declaration(known.clone());
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(import(&data_dir, &catalog));
    let server = Serve::start(&data_dir, &[]);
    for words in [&["revisions", "publish", "2"][..], &["apply", &both]] {
        let refused = server.run(words);
        let said = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(1), "{words:?}: {said}");
        let problem = "error: declarations/passcode.yaml:1:7: unknown declaration type";
        assert!(said.starts_with(problem), "{said}");
    }
    let revisions = server.json(&["revisions"]);
    assert_eq!(revisions.as_array().unwrap().len(), 3);
    let report = server.run(&["apply", &plain]);
    let report = String::from_utf8(report.stdout).unwrap();
    let head = "revision 4 is published: 0 added, 0 changed, 0 removed, another catalog";
    assert!(report.starts_with(head), "{report}");
}

/// Puts `catalog` in force while no server runs.
async fn import(data_dir: &Path, catalog: &Catalog) {
    let store = Store::sqlite(&data_dir.join("ordain.db")).await.unwrap();
    let new = NewCatalog {
        facts: facts::write(catalog),
        source: "a test".into(),
    };
    let audit = AuditRecord {
        at: 0,
        actor: Actor {
            name: "a test".into(),
            origin: "here".into(),
        },
        action: "import-catalog".into(),
        detail: Value::Null,
    };
    store.import_catalog(&new, &audit).await.unwrap();
}
