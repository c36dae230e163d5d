//! `ordain validate` and `ordain catalog`, without a server.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// Runs `ordain` in an environment in which nothing is set up.
fn ordain(words: &[&str]) -> Output {
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_ordain"));
    command.args(words).env_clear().env("HOME", home.path());
    command.stdin(Stdio::null()).output().unwrap()
}

/// What it prints, when it says nothing else and exits with `code`.
fn prints(code: i32, words: &[&str]) -> String {
    let output = ordain(words);
    assert_eq!(output.status.code(), Some(code), "{words:?}: {output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn json(code: i32, words: &[&str]) -> Value {
    serde_json::from_str(&prints(code, words)).unwrap()
}

fn here(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    path.canonicalize().unwrap().to_str().unwrap().to_owned()
}

/// A copy of the policy with mistakes, to do more to.
fn mistakes() -> tempfile::TempDir {
    fn copy(from: &Path, to: &Path) {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let (entry, to): (_, PathBuf) = (
                entry.as_ref().unwrap(),
                to.join(entry.as_ref().unwrap().file_name()),
            );
            match entry.file_type().unwrap().is_dir() {
                true => copy(&entry.path(), &to),
                false => drop(fs::copy(entry.path(), to).unwrap()),
            }
        }
    }
    let dir = tempfile::tempdir().unwrap();
    copy(Path::new(&here("tests/mistakes")), dir.path());
    dir
}

#[test]
fn fifteen_mistakes_in_eight_files_are_named_at_once() {
    let dir = here("tests/mistakes");
    let text = prints(1, &["validate", &dir]).replace(&dir, "mistakes");
    insta::assert_snapshot!(text);
    let told = json(1, &["validate", &dir, "--json"]);
    assert_eq!((&told["errors"], &told["warnings"]), (&15.into(), &0.into()));
    let files: std::collections::BTreeSet<_> = told["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["file"].as_str().unwrap())
        .collect();
    assert_eq!(files.len(), 8);
    let first = &told["problems"][0];
    assert_eq!((&first["line"], &first["column"]), (&3.into(), &7.into()));
}

#[test]
fn what_cannot_be_read_hides_nothing() {
    let dir = mistakes();
    symlink("nowhere", dir.path().join("declarations/gone.json")).unwrap();
    fs::write(dir.path().join("declarations/odd.json"), b"{\"Type\": \"\xff\"}").unwrap();
    let text = prints(1, &["validate", dir.path().to_str().unwrap()]);
    assert!(
        text.contains("error: declarations/gone.json:1:1: cannot be read: "),
        "{text}"
    );
    assert!(
        text.contains("error: declarations/odd.json:1:11: not UTF-8 text"),
        "{text}"
    );
    assert!(text.contains(": 17 errors"), "{text}");
}

#[test]
fn the_example_is_right_and_warnings_alone_exit_with_0() {
    let example = here("../../examples/policy");
    let text = prints(0, &["validate", &example]);
    assert!(
        text.contains(" with 19 declarations (5 for Windows), 3 blueprints, 3 groups: nothing is wrong"),
        "{text}"
    );
    let some = ["--for", "macOS:26.4:supervised", "--for", "macOS:14.0:supervised"];
    let text = prints(0, &[&["validate", &example][..], &some].concat());
    assert!(
        text.contains("needs macOS 15.0 (macOS 14.0, supervised, device channel)"),
        "{text}"
    );
    assert!(text.contains("warning") && !text.contains("error"), "{text}");
    let text = prints(1, &["validate", &example, "--for", "macOS:12.0"]);
    assert!(text.contains("error: "), "{text}");
    let text = prints(0, &["validate", &example, "--for", "Windows:10.0.22631:pro"]);
    assert!(text.contains("nothing is wrong"), "{text}");
    assert_eq!(
        ordain(&["validate", &example, "--for", "Windows:11"])
            .status
            .code(),
        Some(0)
    );
    assert_eq!(
        ordain(&["validate", &example, "--for", "Windows:pro"])
            .status
            .code(),
        Some(64)
    );
}

#[test]
fn unknown_types_and_keys_are_allowed_only_aloud() {
    let dir = tempfile::tempdir().unwrap();
    let folder = |name: &str| {
        let folder = dir.path().join(name);
        fs::create_dir_all(&folder).unwrap();
        folder
    };
    let seed = "Type: com.apple.configuration.next.settings\nIdentifier: next\nPayload: {Anything: 1}\n";
    fs::write(folder("declarations").join("next.yaml"), seed).unwrap();
    let all = "name: all\ninclude: [all]\ndeclarations: [next]\n";
    fs::write(folder("blueprints").join("all.yaml"), all).unwrap();
    let dir = dir.path().to_str().unwrap();
    let text = prints(1, &["validate", dir]);
    assert!(
        text.contains("error: declarations/next.yaml:1:7: unknown declaration type"),
        "{text}"
    );
    let text = prints(0, &["validate", dir, "--allow-unknown"]);
    assert!(text.contains("warning: declarations/next.yaml:1:7: "), "{text}");
}

#[test]
fn the_catalog_is_shown() {
    let status = prints(0, &["catalog", "status"]);
    assert!(
        status.contains("60 declaration types, 4 credential documents, 63 status items, 68 commands"),
        "{status}"
    );
    assert!(status.contains("126 profile schemas of 120 types"), "{status}");
    let passcode = "com.apple.configuration.passcode.settings";
    insta::assert_snapshot!(prints(0, &["catalog", "show", passcode]));
    let shown = json(0, &["catalog", "show", passcode, "--json"]);
    let rows = shown[0]["parts"]["payload"].as_array().unwrap();
    let row = rows.iter().find(|row| row["path"] == "MinimumLength").unwrap();
    assert_eq!(
        (&row["min"], &row["max"], &row["combine"]),
        (&0.into(), &16.into(), &"number-max".into())
    );
    let listed = prints(
        0,
        &[
            "catalog",
            "list",
            "--sort",
            "declaration",
            "--platform",
            "tvOS",
            "--os",
            "26.0",
            "--enrollment",
            "supervised",
        ],
    );
    assert!(
        !listed.contains(passcode) && listed.contains("com.apple.configuration.legacy"),
        "{listed}"
    );

    assert!(
        status.contains("\nWindows: ") && status.contains(" CSPs with "),
        "{status}"
    );
    let listed = prints(0, &["catalog", "list", "--sort", "windows"]);
    assert!(
        listed.contains("./Vendor/MSFT/WiFi/Profile/{SSID}/WlanXml") && !listed.contains(passcode),
        "{listed}"
    );
    let deferral = "./Device/Vendor/MSFT/Policy/Config/Update/DeferQualityUpdatesPeriodInDays";
    insta::assert_snapshot!(prints(0, &["catalog", "show", deferral]), @r#"
    ./Device/Vendor/MSFT/Policy/Config/Update/DeferQualityUpdatesPeriodInDays
    node of a Windows CSP

    formats   int
    commands  Add, Delete, Get, Replace
    scopes    system, user
    change    replace
    delete    the policy is not configured
    outcome   ./Vendor/MSFT/Policy/Result/Update/DeferQualityUpdatesPeriodInDays

    Value
      (the value)  integer, 0 to 30
    "#);
    let shown = json(
        0,
        &["catalog", "show", "./Vendor/MSFT/WiFi/Profile/{SSID}", "--json"],
    );
    assert_eq!(shown[0]["delete"][0], "what was set is gone");
    let unknown = ordain(&["catalog", "show", "./Vendor/MSFT/BitLoker/Status"]);
    let why = String::from_utf8(unknown.stderr).unwrap();
    assert!(why.contains("Did you mean ./Vendor/MSFT/BitLocker?"), "{why}");

    let unknown = ordain(&["catalog", "show", "com.apple.configuration.pascode.settings"]);
    assert_eq!(unknown.status.code(), Some(1));
    let why = String::from_utf8(unknown.stderr).unwrap();
    assert!(
        why.contains("Did you mean com.apple.configuration.passcode.settings?"),
        "{why}"
    );
}

#[test]
fn every_example_validates() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("declarations")).unwrap();
    for item in json(0, &["catalog", "list", "--sort", "declaration", "--json"])
        .as_array()
        .unwrap()
    {
        let name = item["name"].as_str().unwrap();
        let example = prints(0, &["catalog", "example", name]);
        fs::write(dir.path().join(format!("declarations/{name}.json")), example).unwrap();
    }
    let told = json(1, &["validate", dir.path().to_str().unwrap(), "--json"]);
    let errors: Vec<&str> = told["problems"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|problem| problem["severity"] == "error")
        .map(|problem| problem["message"].as_str().unwrap())
        // They name assets and configurations that are not there.
        .filter(|message| !message.starts_with("there is no "))
        .collect();
    assert_eq!(errors, Vec::<&str>::new());
}

#[test]
fn what_a_checkout_adds_is_what_differs() {
    let checkout = |files: &[(&str, &str)]| {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("declarative/declarations/configurations");
        fs::create_dir_all(&folder).unwrap();
        for (name, text) in files {
            fs::write(folder.join(name), text).unwrap();
        }
        dir
    };
    let schema = |name: &str, keys: &str| {
        format!(
            "title: T\ndescription: D\npayload:\n  declarationtype: com.apple.configuration.{name}\n  supportedOS:\n    \
             iOS:\n      introduced: '27.0'\n  apply: single\npayloadkeys:\n{keys}"
        )
    };
    let size = "- key: Size\n  type: <integer>\n  presence: required\n  range:\n    min: 1\n    max: 9\n";
    let colour = "- key: Colour\n  type: <string>\n  presence: optional\n  rangelist:\n  - red\n  - green\n";
    let old = checkout(&[("a.yaml", &schema("a", size))]);
    let new = checkout(&[
        ("a.yaml", &schema("a", &format!("{size}{colour}"))),
        ("b.yaml", &schema("b", size)),
    ]);
    let (old, new) = (old.path().to_str().unwrap(), new.path().to_str().unwrap());
    assert_eq!(
        prints(2, &["catalog", "diff", old, new]),
        "~ declaration com.apple.configuration.a\n    + Colour: string in red,green\n\
         + declaration com.apple.configuration.b\n\n1 added, 1 changed, 0 removed\n"
    );
    assert_eq!(
        prints(0, &["catalog", "diff", new, new]),
        "the catalogs state the same\n"
    );
    // The new type can be validated at once.
    let example = prints(
        0,
        &[
            "catalog",
            "example",
            "com.apple.configuration.b",
            "--catalog",
            new,
        ],
    );
    assert_eq!(
        serde_json::from_str::<Value>(&example).unwrap()["Payload"]["Size"],
        1
    );

    let broken = checkout(&[("a.yaml", "payload: [\n"), ("b.yaml", &schema("b", "- key: X\n"))]);
    let output = ordain(&["catalog", "diff", "builtin", broken.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    let why = String::from_utf8(output.stderr).unwrap();
    assert!(
        why.contains("configurations/a.yaml: ") && why.contains("configurations/b.yaml: X: "),
        "{why}"
    );
}
