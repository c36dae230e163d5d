//! Fleets of Apple's devices and Windows computers, and the state of all of them.

use std::path::Path;

use serde_json::{Value, json};

use crate::POLICY;
use crate::serve::Serve;

/// The exit code, and what each stream has.
fn says(server: &Serve, words: &[&str]) -> (Option<i32>, String, String) {
    let output = server.run(words);
    let [stdout, stderr] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    (output.status.code(), stdout, stderr)
}

fn tokens(server: &Serve) -> Vec<Value> {
    let tokens = server.json(&["token", "list"]);
    let tokens = tokens.as_array().unwrap().iter();
    tokens
        .filter(|token| token["role"] == "enrollment")
        .cloned()
        .collect()
}

fn a_mixed_fleet_converges(dir: &Path, database: &[&str]) {
    let server = Serve::start(dir, database);
    assert_eq!(
        says(&server, &["compliance"]),
        (
            Some(0),
            "no devices; revision 0 is wanted\n".to_owned(),
            String::new()
        )
    );
    server.json(&["apply", POLICY]);
    let fleet = ["simulate", "-n", "4", "--windows", "3", "--timeout", "2m"];
    let (code, stdout, stderr) = says(&server, &[&fleet[..], &["--json"]].concat());
    assert_eq!(code, Some(0), "{stderr}");
    let account: Value = serde_json::from_str(&stdout).unwrap();
    let windows = &account["platforms"]["Windows"];
    assert_eq!(
        *windows,
        json!({"twins": 3, "enrolled": 3, "converged": 3, "declarations": 0, "invalid": 0})
    );
    assert_eq!(
        (&account["total"]["twins"], &account["total"]["converged"]),
        (&json!(7), &json!(7)),
        "{account:#}"
    );
    // One in which all is set, and one that finds it so.
    assert!(account["sessions"].as_u64() >= Some(6), "{account:#}");
    assert_eq!(tokens(&server), Vec::<Value>::new(), "what it made, it took away");

    let (code, stdout, stderr) = says(&server, &["compliance"]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{stdout}");
    insta::assert_snapshot!("all_of_a_mixed_fleet_are_converged", stdout);
    // The lab has no devices, and a group that is not there has no state.
    let (code, stdout, _) = says(&server, &["compliance", "--group", "lab"]);
    assert_eq!(
        (code, stdout.as_str()),
        (Some(0), "no devices; revision 1 is wanted\n")
    );
    let (code, stdout, stderr) = says(&server, &["compliance", "--group", "nowhere"]);
    assert_eq!(
        (code, stdout.as_str(), stderr.as_str()),
        (Some(1), "", "error: there is no group nowhere\n")
    );

    // The devices are away, and something else is wanted of those of Windows.
    let policy = dir.join("policy");
    let write = |file: &str, text: &str| {
        let file = policy.join(file);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    };
    let camera =
        "Identifier: camera\nsettings:\n  - ./Device/Vendor/MSFT/Policy/Config/Camera/AllowCamera: 0\n";
    write("windows/camera.yaml", camera);
    write(
        "blueprints/all.yaml",
        "name: all\ninclude: [all]\ndeclarations: [camera]\n",
    );
    server.json(&["apply", policy.to_str().unwrap()]);
    let (code, stdout, _) = says(&server, &["compliance", "--json"]);
    assert_eq!(code, Some(2), "{stdout}");
    let compliance: Value = serde_json::from_str(&stdout).unwrap();
    let platforms = compliance["platforms"].as_array().unwrap();
    let windows = platforms.iter().find(|row| row["platform"] == "Windows");
    assert_eq!(
        windows,
        Some(&json!({
            "platform": "Windows", "devices": 3, "converged": 0, "failed": 0, "pending": 3, "unknown": 0,
            "drifted": 0, "repaired": 0
        }))
    );
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_mixed_fleet_converges_on_sqlite() {
    let dir = tempfile::tempdir().unwrap();
    a_mixed_fleet_converges(dir.path(), &[]);
}

#[test]
fn a_mixed_fleet_converges_on_postgresql() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    // Where there is no PostgreSQL, the testbed says so.
    if let Some(url) = runtime.block_on(ordain_testbed::postgres_url()) {
        let dir = tempfile::tempdir().unwrap();
        a_mixed_fleet_converges(dir.path(), &["--database", &url]);
    }
}

/// Windows computers alone, with a token that is good for less than all of them; and with what is good for nothing.
#[test]
fn windows_computers_enroll_with_a_token_alone() {
    let dir = tempfile::tempdir().unwrap();
    let server = Serve::start(dir.path(), &[]);
    let file = |name: &str, text: &str| {
        let file = dir.path().join(name);
        std::fs::write(&file, text).unwrap();
        file.to_str().unwrap().to_owned()
    };
    let created = server.json(&[
        "token",
        "create",
        "the lab",
        "--role",
        "enrollment",
        "--uses",
        "2",
    ]);
    let token = file(
        "enrollment.token",
        &format!("{}\n", created["token"].as_str().unwrap()),
    );
    let with = ["simulate", "--windows", "2", "--enrollment-token-file"];
    let (code, stdout, stderr) = says(&server, &[&with[..], &[&token, "--json"]].concat());
    assert_eq!(code, Some(0), "{stderr}");
    let account: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(account["total"]["twins"], 2, "none of Apple: {account:#}");
    assert_eq!(account["platforms"].as_object().unwrap().len(), 1);
    assert_eq!(tokens(&server).len(), 1, "what it did not make, it leaves");

    let more = [
        "simulate",
        "--windows",
        "1",
        "--seed",
        "2",
        "--enrollment-token-file",
        &token,
    ];
    let (code, stdout, stderr) = says(&server, &more);
    assert_eq!(code, Some(1));
    assert!(stderr.contains("1 of 1 devices have not converged"), "{stderr}");
    let trouble = stdout.lines().find(|line| line.starts_with("! ")).unwrap();
    insta::assert_snapshot!("a_used_token_is_refused", trouble);

    let none = dir.path().join("none");
    let missing = [
        "simulate",
        "--windows",
        "1",
        "--enrollment-token-file",
        none.to_str().unwrap(),
    ];
    let (code, _, stderr) = says(&server, &missing);
    assert_eq!(code, Some(1));
    assert!(stderr.contains(none.to_str().unwrap()), "{stderr}");
    let keys = dir.path().join("keys");
    std::fs::create_dir(&keys).unwrap();
    let key = ordain_pki::KeyPair::generate(ordain_pki::key::KeyKind::P256).unwrap();
    std::fs::write(keys.join("p256.pem"), key.to_pem().unwrap()).unwrap();
    let keys = ["simulate", "--windows", "1", "--keys", keys.to_str().unwrap()];
    let (code, _, stderr) = says(&server, &keys);
    assert_eq!(code, Some(1));
    assert!(stderr.contains("none of the keys is of RSA"), "{stderr}");
    let (code, _, _) = says(
        &server,
        &["simulate", "-n", "1", "--enrollment-token-file", &token],
    );
    assert_eq!(code, Some(64));
    assert_eq!(server.stop(), Some(0));
}
