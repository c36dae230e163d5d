//! What the binary says and how it exits, without a server.

use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Runs `ordain` in an environment in which nothing is set up.
fn ordain(home: &Path, words: &[&str]) -> Output {
    command(home, words).output().unwrap()
}

fn command(home: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ordain"));
    command
        .args(words)
        .env_clear()
        .env("HOME", home)
        .stdin(Stdio::null());
    command
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn help_and_version_succeed() {
    let home = tempfile::tempdir().unwrap();
    for words in [
        &["--help"][..],
        &["--version"],
        &["serve", "--help"],
        &["token", "create", "--help"],
    ] {
        let output = ordain(home.path(), words);
        assert_eq!(output.status.code(), Some(0), "{words:?}");
        assert!(!output.stdout.is_empty() && output.stderr.is_empty(), "{words:?}");
    }
}

#[test]
fn what_makes_no_sense_exits_with_64() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let data = data.to_str().unwrap();
    for words in [
        &[][..],
        &["frobnicate"],
        &["device"],
        &["devices", "--state", "happy"],
        &["devices", "--sort", "colour"],
        &["devices", "--server", "mdm.example.org"],
        &["devices", "--server", "http://mdm.example.org"],
        &["audit", "--limit", "0"],
        &["events", "--kind", "erased"],
        &["webhook", "add"],
        &["serve", "--keep-events", "a while"],
        &["token", "create", "x", "--role", "king"],
        &["token", "create", "x", "--valid-for", "soon"],
        &["token", "create", "x", "--uses", "3"],
        &["serve", "--listen", "8443"],
        &["push"],
        &["push-certificate", "import"],
        &["serve", "--push-rate", "0"],
        &["token", "create", "x", "--role", "enrollment", "--topic", ""],
        &[
            "enrollment-profile",
            "--topic",
            "",
            "-o",
            "/nonexistent/a.mobileconfig",
        ],
        &["serve", "--enroll", "ajar"],
        &["serve", "--destructive-budget", "many"],
        &["command", "D", "EraseDevice", "more"],
        &["command", "--group", "lab"],
        &["command", "--group", "lab", "D", "EraseDevice"],
        &["command", "--file", "/nonexistent"],
        &["command", "D", "--file", "/nonexistent"],
        &["command", "D", "ProfileList", "--expires", "soon"],
        &["command", "D", "InstallProfile", "--Payload", "@/nonexistent"],
        &["command", "--list", "ProfilList"],
        &["commands", "show"],
        &["commands", "cancel"],
        &["revisions", "publish"],
        &["revisions", "publish", "first"],
        &["serve", "--reenroll", "never"],
        &["serve", "--config", "/nonexistent/ordain.toml"],
        &["serve", "--data-dir", data, "--http"],
        &["serve", "--data-dir", data, "--client-cert-header", "X-Cert"],
        &["serve", "--data-dir", data, "--tls-key", "key.pem"],
    ] {
        let output = ordain(home.path(), words);
        assert_eq!(output.status.code(), Some(64), "{words:?}: {}", stderr(&output));
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{words:?}");
    }
}

#[test]
fn the_environment_sets_up_the_server_after_options() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("ordain.toml");
    std::fs::write(&file, "listen = \"127.0.0.1:0\"\nunknown = 1\n").unwrap();
    for (name, value, expected) in [
        ("ORDAIN_LISTEN", "nowhere", "nowhere"),
        ("ORDAIN_TRUSTED_PROXY", "10.0.0.0/8,nonsense", "nonsense"),
        ("ORDAIN_HTTP", "perhaps", "perhaps"),
        ("ORDAIN_REENROLL", "never", "never"),
        (
            "ORDAIN_PUBLIC_URL",
            "http://plain.example.org",
            "http://plain.example.org",
        ),
        ("ORDAIN_CONFIG", file.to_str().unwrap(), "unknown"),
    ] {
        let output = command(home.path(), &["serve"])
            .env(name, value)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(64), "{name}");
        assert!(stderr(&output).contains(expected), "{name}: {}", stderr(&output));
    }
    let output = command(
        home.path(),
        &["serve", "--public-url", "http://option.example.org"],
    )
    .env("ORDAIN_PUBLIC_URL", "http://environment.example.org")
    .output()
    .unwrap();
    assert!(
        stderr(&output).contains("option.example.org"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn empty_variables_count_as_unset() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("ordain.toml");
    // The settings are whole, but for what is refused at last: the file's word, which counts.
    std::fs::write(&file, "public-url = \"http://file.example.org\"\n").unwrap();
    let mut command = command(home.path(), &["serve", "--config", file.to_str().unwrap()]);
    for name in [
        "LISTEN",
        "DATA_DIR",
        "DATABASE",
        "DEVICE_CA",
        "TRUSTED_PROXY",
        "CLIENT_CERT_HEADER",
        "HTTP",
        "PUBLIC_URL",
        "TLS_CERTIFICATE",
        "TLS_KEY",
        "ENROLL",
        "REENROLL",
        "DESTRUCTIVE_BUDGET",
    ] {
        command.env(format!("ORDAIN_{name}"), "");
    }
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(64));
    assert!(
        stderr(&output).contains("file.example.org"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn without_a_server_commands_say_what_to_do() {
    let home = tempfile::tempdir().unwrap();
    let output = ordain(home.path(), &["devices"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).starts_with("error: no server is known\n"),
        "{}",
        stderr(&output)
    );
    assert!(stderr(&output).contains("ordain login"));

    let token = home.path().join("token");
    std::fs::write(&token, "secret-word\n").unwrap();
    let token = token.to_str().unwrap();
    let output = ordain(
        home.path(),
        &[
            "revisions",
            "--server",
            "http://127.0.0.1:1",
            "--token-file",
            token,
        ],
    );
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    assert!(
        said.contains("http://127.0.0.1:1 cannot be reached") && said.contains("ordain serve"),
        "{said}"
    );
    assert!(!said.contains("secret-word"));

    let output = ordain(home.path(), &["device", "C02", "--server", "https://127.0.0.1:1"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("no token is known"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn the_environment_names_the_server_too() {
    let home = tempfile::tempdir().unwrap();
    let output = command(home.path(), &["audit"])
        .env("ORDAIN_SERVER", "http://127.0.0.1:1")
        .env("ORDAIN_TOKEN_FILE", home.path().join("missing"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("missing"), "{}", stderr(&output));
}

#[test]
fn a_directory_that_cannot_be_read_is_named_before_anything_is_sent() {
    let home = tempfile::tempdir().unwrap();
    let output = ordain(
        home.path(),
        &["apply", "/nonexistent/policy", "--server", "http://127.0.0.1:1"],
    );
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("/nonexistent/policy"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let home = tempfile::tempdir().unwrap();
    let mut child = command(home.path(), &["--help"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn the_commands_are_shown_with_their_keys_wherever_one_is() {
    let home = tempfile::tempdir().unwrap();
    let shown = |words: &[&str]| {
        let output = ordain(home.path(), words);
        assert_eq!(output.status.code(), Some(0), "{words:?}: {}", stderr(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    let all = shown(&["command", "--list"]);
    assert!(
        all.contains("\nDeviceLock  (needs --confirm)\n  --Message string\n"),
        "{all}"
    );
    assert!(all.contains("\nInstallProfile\n  --Payload data *\n"), "{all}");
    assert!(!all.contains("DeclarativeManagement"), "that one nobody orders");
    assert_eq!(shown(&["command"]), all);
    assert_eq!(shown(&["command", "D"]), all);
    let one: Vec<serde_json::Value> =
        serde_json::from_str(&shown(&["command", "--list", "EraseDevice", "--json"])).unwrap();
    assert_eq!((one.len(), &one[0]["needs_confirm"]), (1, &true.into()));
}
