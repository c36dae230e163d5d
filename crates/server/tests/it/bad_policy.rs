//! Policies with faults: named with file, line and column, and nothing of them is published.

use ordain_testbed::Database;
use serde_json::{Value, json};

use crate::device::Device;
use crate::house::House;
use crate::policy::{Files, blueprint, small};

crate::on_each_database!(
    faults_are_named_and_nothing_is_published,
    bodies_that_are_no_policy
);

/// Files that spoil a policy, and where that is found.
fn faults() -> Vec<(Files, Vec<&'static str>)> {
    let file = |path: &'static str, content: &str| vec![(path, content.to_owned())];
    let properties = |identifier: &str, payload: Value| {
        let declaration =
            json!({"Type": "com.apple.management.properties", "Identifier": identifier, "Payload": payload});
        format!("{declaration:#}")
    };
    vec![
        (
            file(
                "declarations/broken.json",
                "{\n  \"Type\": \"com.apple.management.properties\",\n  oops\n}",
            ),
            vec!["error: declarations/broken.json:3:3: "],
        ),
        (
            file(
                "declarations/broken.yaml",
                "Type: com.apple.management.properties\nIdentifier: a\n  Payload: {}\n",
            ),
            vec!["error: declarations/broken.yaml:3:10: "],
        ),
        (
            file(
                "declarations/mail.yaml",
                "Type: com.apple.configuration.account.mail\nIdentifier: mail\nPayload:\n  IncomingServer:\n    \
                 AuthenticationCredentialsAssetReference: nowhere\n",
            ),
            vec!["error: declarations/mail.yaml:5:46: there is no asset `nowhere`"],
        ),
        (
            file(
                "declarations/activation.yaml",
                "Type: com.apple.activation.simple\nIdentifier: act\nPayload:\n  StandardConfigurations:\n    - passcod\n",
            ),
            vec!["error: declarations/activation.yaml:5:7: there is no configuration `passcod`"],
        ),
        (
            file("blueprints/more.yaml", &blueprint("more", "nobody", &["nothing"])),
            vec![
                "error: blueprints/more.yaml:2:11: ",
                "error: blueprints/more.yaml:4:5: ",
            ],
        ),
        (
            file(
                "declarations/again.json",
                &properties("passcode", json!({"a": 1})),
            ),
            vec!["`passcode` is already used (declarations/again.json:2:17)"],
        ),
        (
            file(
                "declarations/long.json",
                &properties(&"a".repeat(65), json!({"a": 1})),
            ),
            vec!["error: declarations/long.json:2:17: ", "has 65 octets"],
        ),
        (
            file(
                "declarations/octets.json",
                &properties(&format!("a{}", "ä".repeat(32)), json!({"a": 1})),
            ),
            vec!["error: declarations/octets.json:2:17: ", "has 65 octets"],
        ),
        (
            file("declarations/list.json", &properties("list", json!(["a"]))),
            vec!["error: declarations/list.json:3:14: "],
        ),
        (
            file("declarations/text.json", &properties("text", json!("a"))),
            vec!["error: declarations/text.json:3:14: "],
        ),
        (
            file(
                "declarations/variable.json",
                &properties("variable", json!({"a": "${device.serial}"})),
            ),
            vec!["error: declarations/variable.json:4:10: "],
        ),
        (
            file(
                "declarations/predicate.yaml",
                "Type: com.apple.activation.simple\nIdentifier: act\nPayload:\n  StandardConfigurations: [passcode]\n  \
                 Predicate: \"@status(device.model.family) ==\"\n",
            ),
            vec!["error: declarations/predicate.yaml:5:"],
        ),
        (
            file("declarations/deep.json", &"[".repeat(100_000)),
            vec!["error: declarations/deep.json:1:"],
        ),
        (
            file(
                "declarations/aliases.yaml",
                "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n",
            ),
            vec!["error: declarations/aliases.yaml:1:4: "],
        ),
        (
            file(
                "profiles/bomb.mobileconfig",
                "<?xml version=\"1.0\"?>\n<!DOCTYPE plist [<!ENTITY a \"aaaaaaaa\"><!ENTITY b \"&a;&a;\">]>\n\
                 <plist version=\"1.0\"><dict><key>PayloadIdentifier</key><string>&b;</string></dict></plist>\n",
            ),
            vec!["error: profiles/bomb.mobileconfig:"],
        ),
        (
            file("../outside.json", "{}"),
            vec!["error: ../outside.json:1:1: "],
        ),
    ]
}

async fn faults_are_named_and_nothing_is_published(database: Database) {
    let house = House::open(database).await;
    house.publish(&small(8)).await;
    let device = Device::mac(&house, "D");
    device.enroll().await;
    device.told().await;
    device.converge().await;
    let (before, tokens) = (house.everything().await, device.tokens().await);
    for (spoiled, expected) in faults() {
        // What is good about it is not published either.
        let mut files = small(10);
        files.extend(spoiled.clone());
        let answer = house.try_publish(&files).await.with(422).json();
        assert_eq!(answer["error"], "the policy has errors; nothing was published");
        let details = answer["details"].as_array().expect("details");
        let text: Vec<_> = details
            .iter()
            .map(|detail| detail.as_str().expect("a text"))
            .collect();
        for expected in expected {
            assert!(
                text.iter().any(|detail| detail.contains(expected)),
                "{expected} is not in {text:#?}"
            );
        }
        for detail in text {
            let place = detail
                .strip_prefix("error: ")
                .or_else(|| detail.strip_prefix("warning: "));
            let mut parts = place.expect("a severity").splitn(4, ':');
            assert!(parts.next().is_some_and(|file| !file.is_empty()), "{detail}");
            for _ in ["line", "column"] {
                assert!(
                    parts.next().is_some_and(|number| number.parse::<u32>().is_ok()),
                    "{detail}"
                );
            }
        }
        assert_eq!(house.everything().await, before, "{spoiled:?}");
        assert_eq!(device.tokens().await, tokens);
        assert_eq!(device.idle().await, None);
    }
    assert_eq!(
        house.publish(&small(10)).await["revision"],
        2,
        "no number was lost"
    );
}

async fn bodies_that_are_no_policy(database: Database) {
    let house = House::open(database).await;
    let before = house.everything().await;
    let same = json!({"path": "declarations/a.json", "content": ""});
    for body in [
        json!({}),
        json!({"files": 1}),
        json!({"files": [{"path": "a"}]}),
        json!({"files": [{"path": "a", "content": "%"}]}),
        json!({"files": [same, same]}),
        json!({"files": [], "more": true}),
    ] {
        let answer = house.admin("POST", "/policy", Some(body)).await.with(400).json();
        assert!(answer["error"].as_str().is_some_and(|error| !error.is_empty()));
    }
    assert_eq!(house.everything().await, before);
}
