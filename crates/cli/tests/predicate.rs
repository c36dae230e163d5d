//! `ordain predicate`, without a server.

use std::fs;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const FACTS: &str = r#"{
  "status": {"device": {"model": {"family": "iPad"}, "operating-system": {"version": "17.10"}}},
  "properties": {"shard": 80}
}"#;

const ADVISORY: &str = "name: shards\nplatform: macOS\nsystems: [26A5001b]\ntrigger: {text: '@property(shard)'}\n\
    consequence: the computer takes fright\nreference: our own lab\n";

/// Runs `ordain predicate` in an environment in which nothing is set up, in a directory with the file `facts.json`.
fn ordain(words: &[&str]) -> Output {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("facts.json"), FACTS).unwrap();
    fs::write(home.path().join("wrong.json"), r#"{"state": {}}"#).unwrap();
    fs::write(home.path().join("advisory.yaml"), ADVISORY).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_ordain"));
    command.arg("predicate").args(words).current_dir(home.path());
    command.env_clear().env("HOME", home.path());
    command.stdin(Stdio::null()).output().unwrap()
}

/// What comes out of it: the exit code, and what each stream has.
fn shown(words: &[&str]) -> String {
    let output = ordain(words);
    let [stdout, stderr] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    let mut shown = format!("exit {}\n{stdout}", output.status.code().unwrap());
    if !stderr.is_empty() {
        shown.push_str("stderr:\n");
        shown.push_str(&stderr);
    }
    shown
}

const VERSIONS: &str = "@status(device.operating-system.version) >= '9'";

#[test]
fn each_mistake_has_its_verdict() {
    insta::assert_snapshot!(shown(&[
        "check",
        "@invalid == 'AppleTV'",
        "--platform",
        "macOS",
        "--os",
        "26.5"
    ]));
    insta::assert_snapshot!(shown(&["check", VERSIONS]));
    insta::assert_snapshot!(shown(&["check", "@status(passcode.is-present)"]));
    insta::assert_snapshot!(shown(&[
        "check",
        "@status(passcode.is-present) == true",
        "--platform",
        "tvOS"
    ]));
    insta::assert_snapshot!(shown(&[
        "check",
        "@status(device.modl.family) == 'Mac' AND @property(shard) <= 75"
    ]));
}

#[test]
fn what_a_file_knows_to_be_bad_is_refused_for_the_builds_that_it_names() {
    let check = |build: &str, files: &[&str]| {
        let words = [
            "check",
            "@property(shard) <= 75",
            "--platform",
            "macOS",
            "--os",
            "26.6",
            "--build",
            build,
        ];
        shown(&[&words[..], &["--advisories"], files].concat())
    };
    let bad = check("26A5001b", &["advisory.yaml"]);
    assert!(bad.starts_with("exit 1\n"), "{bad}");
    let told = "error[known-bad]: on macOS 26.6 (26A5001b), which this is for, the computer takes fright (our own lab)";
    assert!(bad.contains(told), "{bad}");
    let good = check("26A5002", &["advisory.yaml"]);
    assert!(good.starts_with("exit 0\n"), "{good}");
    let wrong = check("26A5001b", &["advisory.yaml", "wrong.json"]);
    assert!(
        wrong.contains("error: wrong.json:1:1: the key `systems` is missing"),
        "{wrong}"
    );
    assert!(check("26A5001b", &["none.yaml"]).contains("none.yaml"));
    assert_eq!(
        ordain(&["check", "1 == 1", "--build", "26A5001b"]).status.code(),
        Some(64)
    );
}

#[test]
fn what_is_right_is_publishable() {
    let right = "exit 0\npublishable: nothing is wrong\n";
    for words in [
        &["check", "@status(device.model.family) == 'AppleTV'"][..],
        &["check", "@status(passcode.is-present) == true"],
        &[
            "check",
            "@status(passcode.is-present) == true",
            "--platform",
            "ios",
        ],
        &["check", "@status(device.operating-system.version) >= '26'"],
        // Macs report it on their users' channels.
        &[
            "check",
            "@status(account.list.mail.incoming).@count == 0",
            "--platform",
            "macOS",
        ],
    ] {
        assert_eq!(shown(words), right, "{words:?}");
    }
}

#[test]
fn programs_get_codes_and_spans() {
    let check = |expression: &str| -> (Option<i32>, Value) {
        let output = ordain(&["check", expression, "--json"]);
        assert!(output.stderr.is_empty(), "{output:?}");
        (
            output.status.code(),
            serde_json::from_slice(&output.stdout).unwrap(),
        )
    };
    let (code, told) = check("1 == 1 AND @invalid == 'AppleTV'");
    assert_eq!(code, Some(1));
    assert_eq!(
        (&told["publishable"], &told["canonical"]),
        (&false.into(), &Value::Null)
    );
    let finding = &told["findings"][0];
    assert_eq!(finding["code"], "unknown-word");
    assert_eq!(finding["severity"], "error");
    assert_eq!(finding["span"], serde_json::json!({"start": 11, "end": 19}));
    let (code, told) = check(VERSIONS);
    assert_eq!((code, &told["publishable"]), (Some(0), &true.into()));
    assert_eq!(told["canonical"], VERSIONS);
    assert_eq!(told["findings"][0]["code"], "version-order");
    assert!(
        told["findings"][0]["rewriting"]
            .as_str()
            .unwrap()
            .contains("MATCHES")
    );
}

#[test]
fn the_outcome_stands_alone_on_a_line() {
    for (expression, outcome) in [
        ("@status(device.model.family) = 'iPad'", "true\n"),
        ("@property(shard) <= 75", "false\n"),
        ("@status(device.model.number) == 'A1'", "unknown\n"),
        (
            "@status(device.model.family) == 'Mac' AND @status(device.model.number) == 'A1'",
            "false\n",
        ),
    ] {
        let output = ordain(&["eval", expression, "--facts", "facts.json"]);
        assert_eq!(output.status.code(), Some(0));
        assert_eq!(String::from_utf8(output.stdout).unwrap(), outcome, "{expression}");
        assert!(output.stderr.is_empty(), "{expression}");
    }
}

#[test]
fn findings_hinder_no_evaluation_and_stay_out_of_its_outcome() {
    insta::assert_snapshot!(shown(&[
        "eval",
        "@status(device.modl.family) == 'iPad'",
        "--facts",
        "facts.json"
    ]));
    insta::assert_snapshot!(shown(&[
        "eval",
        "@property(shade) == 1 OR 1 == 1",
        "--facts",
        "facts.json"
    ]));
    insta::assert_snapshot!(shown(&[
        "eval",
        "@status(device.model.family) ==",
        "--facts",
        "facts.json"
    ]));
    insta::assert_snapshot!(shown(&["eval", "1 == 1", "--facts", "wrong.json"]));
    insta::assert_snapshot!(shown(&["eval", "1 == 1", "--facts", "missing.json"]));
}

#[test]
fn an_explanation_names_the_terms_that_decide() {
    let expression =
        "@status(device.model.family) == 'iPad' AND (@property(shard) <= 75 OR @property(site) == 'Paris')";
    insta::assert_snapshot!(shown(&["explain", expression, "--facts", "facts.json"]));
    let output = ordain(&["explain", expression, "--facts", "facts.json", "--json"]);
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&told["kind"], &told["outcome"]),
        (&"and".into(), &"unknown".into())
    );
    assert_eq!(told["parts"][0]["outcome"], "true");
}

#[test]
fn the_canonical_form_is_printed() {
    assert_eq!(
        shown(&[
            "fmt",
            "(@status(device.model.family)='iPad')&&NOT(@property(shard)=>75)"
        ]),
        "exit 0\n@status(device.model.family) == 'iPad' AND NOT @property(shard) >= 75\n"
    );
    insta::assert_snapshot!(shown(&["fmt", "@property(shard) <= %d"]));
}

#[test]
fn items_have_types() {
    insta::assert_snapshot!(shown(&["items", "--platform", "watchOS"]));
    let all = shown(&["items"]);
    for line in [
        "device.operating-system.version  ",
        "  short-version  ",
        "passcode.is-present  ",
    ] {
        assert!(all.contains(line), "{line}");
    }
    let output = ordain(&["items", "--platform", "tvOS", "--json"]);
    let items: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let item = |name: &str| items.iter().find(|item| item["name"] == name);
    assert_eq!(
        item("device.operating-system.version").unwrap()["type"],
        "version string"
    );
    assert_eq!(
        item("mdm.app").unwrap()["type"]["list"]["dictionary"]["identifier"],
        "string"
    );
    assert!(item("passcode.is-present").is_none());
}

#[test]
fn a_version_needs_a_platform() {
    let output = ordain(&["check", "1 == 1", "--os", "26.5"]);
    assert_eq!(output.status.code(), Some(64));
}
