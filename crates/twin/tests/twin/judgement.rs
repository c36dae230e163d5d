//! What a twin says of declarations in each situation of Apple's table of reasons.

use ordain_catalog::Platform;
use serde_json::{Value, json};

use crate::fake::{Fake, profile, settle, twin};

/// What is declared, and what is said of one declaration: `active`, `valid`, and the first reason.
struct Case {
    declare: fn(&mut Fake),
    identifier: &'static str,
    expected: &'static str,
}

const fn case(declare: fn(&mut Fake), identifier: &'static str, expected: &'static str) -> Case {
    Case {
        declare,
        identifier,
        expected,
    }
}

fn activation(fake: &mut Fake, predicate: Option<Value>) {
    let mut payload = json!({"StandardConfigurations": ["c"]});
    if let Some(predicate) = predicate {
        payload["Predicate"] = predicate;
    }
    fake.want("a", "activation.simple", payload);
    fake.want("c", "configuration.management.test", json!({"Echo": "e"}));
}

fn activated(fake: &mut Fake, type_name: &str, payload: Value) {
    fake.want("a", "activation.simple", json!({"StandardConfigurations": ["c"]}));
    fake.want("c", &format!("configuration.{type_name}"), payload);
}

fn predicate(fake: &mut Fake, text: &str) {
    fake.want("p", "management.properties", json!({"age": 18, "name": "Ann"}));
    activation(fake, Some(json!(text)));
}

fn asset(fake: &mut Fake, type_name: &str, content: &[u8], change: fn(&mut Value)) {
    let content_type = match type_name {
        "credential.certificate" => "application/pem",
        "credential.userpassword" => "application/json",
        _ => "application/octet-stream",
    };
    let mut reference = fake.file("https://fake/x", content_type, content.to_vec());
    change(&mut reference);
    fake.want(
        "x",
        &format!("asset.{type_name}"),
        json!({"Reference": reference}),
    );
}

fn certificate(fake: &mut Fake, change: fn(&mut Value)) {
    asset(fake, "credential.certificate", b"certificate", change);
    activated(
        fake,
        "security.certificate",
        json!({"CredentialAssetReference": "x"}),
    );
}

fn legacy(fake: &mut Fake, content: Vec<u8>) {
    fake.file("https://fake/p", "application/x-apple-aspen-config", content);
    activated(fake, "legacy", json!({"ProfileURL": "https://fake/p"}));
}

const CASES: &[Case] = &[
    case(|f| activation(f, None), "a", "active valid"),
    // Apple returns the echo as a reason.
    case(|f| activation(f, None), "c", "active valid e"),
    // Predicates, with nil for what is not there.
    case(
        |f| predicate(f, "@status(device.model.family) == 'iPhone'"),
        "a",
        "active valid",
    ),
    case(
        |f| predicate(f, "@property(age) >= 18 AND @property(name) == 'Ann'"),
        "a",
        "active valid",
    ),
    case(|f| predicate(f, "@property(none) == nil"), "a", "active valid"),
    case(
        |f| predicate(f, "@status(diskmanagement.filevault.enabled) == true"),
        "a",
        "inactive valid Info.Predicate",
    ),
    case(
        |f| predicate(f, "@property(age) > 18"),
        "a",
        "inactive valid Info.Predicate",
    ),
    case(|f| predicate(f, "@property(age) > 18"), "c", "inactive unknown"),
    case(
        |f| predicate(f, "@property(name) > 18"),
        "a",
        "inactive invalid Error.PredicateFailed",
    ),
    case(
        |f| predicate(f, "@property(name) > 18"),
        "c",
        "inactive unknown Error.ActivationFailed",
    ),
    case(
        |f| predicate(f, "@invalid == 'AppleTV'"),
        "a",
        "inactive invalid Error.UnableToParsePredicateWithCustomOperator",
    ),
    case(
        |f| activation(f, Some(json!(1))),
        "a",
        "inactive invalid Error.InvalidPayload",
    ),
    // Activations.
    case(
        |f| f.want("a", "activation.simple", json!({})),
        "a",
        "inactive invalid Error.InvalidPayload",
    ),
    case(
        |f| f.want("a", "activation.simple", json!({"StandardConfigurations": ["c"]})),
        "a",
        "inactive invalid Error.MissingConfigurations",
    ),
    case(
        |f| f.want("a", "activation.complex", json!({})),
        "a",
        "inactive invalid Error.UnknownDeclarationType",
    ),
    // A configuration that is named by two activations is applied while either is active.
    case(
        |f| {
            predicate(f, "1 == 0");
            f.want("b", "activation.simple", json!({"StandardConfigurations": ["c"]}));
        },
        "c",
        "active valid e",
    ),
    // Configurations.
    case(
        |f| f.want("c", "configuration.management.test", json!({"Echo": "e"})),
        "c",
        "inactive unknown Info.NotReferencedByActivation",
    ),
    case(
        |f| activated(f, "of.tomorrow", json!({})),
        "c",
        "inactive invalid Error.UnknownDeclarationType",
    ),
    case(
        |f| activated(f, "diskmanagement.settings", json!({})),
        "c",
        "inactive invalid Error.ConfigurationNotSupported",
    ),
    case(
        |f| activated(f, "management.test", json!({})),
        "c",
        "inactive invalid Error.ConfigurationIsInvalid",
    ),
    case(
        |f| activated(f, "management.status-subscriptions", json!({"StatusItems": [1]})),
        "c",
        "inactive invalid Error.ConfigurationIsInvalid",
    ),
    case(
        |f| {
            activated(
                f,
                "management.test",
                json!({"Echo": "e", "ReturnStatus": "Failed"}),
            )
        },
        "c",
        "inactive invalid Error.ConfigurationCannotBeApplied",
    ),
    case(
        |f| activated(f, "passcode.settings", json!({"RequirePasscode": true})),
        "c",
        "active valid",
    ),
    case(
        |f| legacy(f, profile("com.apple.wifi.managed")),
        "c",
        "active valid",
    ),
    case(|f| legacy(f, vec![0x30, 0x80]), "c", "active valid"),
    case(
        |f| legacy(f, b"nothing".to_vec()),
        "c",
        "inactive invalid Error.ConfigurationCannotBeApplied",
    ),
    case(
        |f| activated(f, "legacy", json!({"ProfileURL": "https://fake/none"})),
        "c",
        "inactive invalid Error.ConfigurationCannotBeApplied",
    ),
    case(
        |f| activated(f, "legacy", json!({"ProfileURL": "http://fake/p"})),
        "c",
        "inactive invalid Error.ConfigurationIsInvalid",
    ),
    // Assets.
    case(
        |f| {
            activated(
                f,
                "security.certificate",
                json!({"CredentialAssetReference": "x"}),
            )
        },
        "c",
        "inactive invalid Error.MissingAssets",
    ),
    case(
        |f| {
            asset(f, "data", b"", |_| {});
            activated(
                f,
                "security.certificate",
                json!({"CredentialAssetReference": "x"}),
            );
        },
        "c",
        "inactive invalid Error.MissingAssets",
    ),
    case(
        |f| {
            certificate(f, |_| {});
            f.want(
                "c",
                "configuration.security.identity",
                json!({"CredentialAssetReference": "x"}),
            );
        },
        "x",
        "inactive unknown Error.ConfigurationFailed",
    ),
    case(|f| certificate(f, |_| {}), "x", "active valid"),
    case(|f| certificate(f, |_| {}), "c", "active valid"),
    case(
        |f| certificate(f, |r| r["Size"] = json!(1)),
        "x",
        "active invalid Error.AssetCannotBeVerified",
    ),
    case(
        |f| certificate(f, |r| r["Hash-SHA-256"] = json!("00")),
        "c",
        "inactive invalid Error.ConfigurationCannotBeApplied",
    ),
    case(
        |f| certificate(f, |r| r["DataURL"] = json!("https://fake/none")),
        "x",
        "active invalid Error.AssetCannotBeDownloaded",
    ),
    case(
        |f| certificate(f, |r| r["DataURL"] = json!(null)),
        "x",
        "inactive invalid Error.InvalidPayload",
    ),
    case(
        |f| certificate(f, |r| r["DataURL"] = json!(null)),
        "c",
        "inactive invalid Error.ConfigurationCannotBeApplied",
    ),
    case(
        |f| asset(f, "data", b"", |_| {}),
        "x",
        "inactive unknown Info.NotReferencedByConfiguration",
    ),
    case(
        |f| {
            predicate(f, "1 == 0");
            asset(f, "data", b"", |_| {});
            f.want(
                "c",
                "configuration.management.test",
                json!({"Echo": "e", "EchoDataAssetReference": "x"}),
            );
        },
        "x",
        "inactive unknown",
    ),
    case(
        |f| {
            asset(f, "credential.userpassword", b"no JSON", |_| {});
            activated(
                f,
                "account.caldav",
                json!({
                    "HostName": "h", "AuthenticationCredentialsAssetReference": "x",
                }),
            );
        },
        "x",
        "active invalid Error.AssetCannotBeDeserialized",
    ),
    case(
        |f| {
            f.want("x", "asset.useridentity", json!({"FullName": "Ann"}));
            activated(f, "account.google", json!({"UserIdentityAssetReference": "x"}));
        },
        "x",
        "active valid",
    ),
    // Management declarations are never active.
    case(
        |f| f.want("m", "management.properties", json!({})),
        "m",
        "inactive valid",
    ),
    case(
        |f| f.want("m", "management.of.tomorrow", json!({})),
        "m",
        "inactive invalid Error.UnknownDeclarationType",
    ),
];

#[test]
fn each_situation_has_its_reason() {
    for Case {
        declare,
        identifier,
        expected,
    } in CASES
    {
        let (mut twin, mut fake) = (twin(Platform::Ios), Fake::new());
        fake.wanted.clear();
        declare(&mut fake);
        for wake in 0..3 {
            crate::fake::drive(&mut twin, wake, |request| Some(fake.answer(request)));
        }
        let listed = fake.listed(identifier);
        let active = if listed.active { "active" } else { "inactive" };
        let valid = serde_json::to_value(listed.valid).unwrap();
        let reason = listed.reasons.first().map_or("", |reason| reason.code.as_str());
        let said = format!("{active} {} {reason}", valid.as_str().unwrap());
        assert_eq!(said.trim_end(), *expected, "{:#?}", fake.wanted);
    }
}

#[test]
fn reasons_name_what_they_are_about() {
    let (mut twin, mut fake) = (twin(Platform::Ios), Fake::new());
    fake.wanted.clear();
    predicate(&mut fake, "1 == 0");
    fake.want("b", "activation.simple", json!({"StandardConfigurations": ["d"]}));
    settle(&mut twin, &mut fake);
    let details = |identifier: &str| fake.listed(identifier).reasons[0].details.clone().unwrap();
    let token = |identifier: &str| fake.listed(identifier).server_token;
    assert_eq!(
        details("a"),
        json!({"Identifier": "a", "ServerToken": token("a"), "Predicate": "1 == 0"})
    );
    assert_eq!(
        details("b"),
        json!({"Identifier": "b", "ServerToken": token("b"), "ConfigurationIdentifiers": ["d"]})
    );
}

#[test]
fn what_a_channel_lacks_is_not_supported_there() {
    let (mut twin, mut fake) = (twin(Platform::MacOs), Fake::new());
    fake.wanted.clear();
    activated(&mut fake, "diskmanagement.settings", json!({}));
    settle(&mut twin, &mut fake);
    let codes: Vec<Option<String>> = fake
        .channels
        .values()
        .map(|known| {
            let declarations = known
                .reports
                .iter()
                .rev()
                .find_map(|report| report.declarations.as_ref())
                .unwrap();
            let listed = declarations
                .listed
                .values()
                .flatten()
                .find(|listed| listed.identifier == "c")
                .unwrap();
            listed.reasons.first().map(|reason| reason.code.clone())
        })
        .collect();
    assert_eq!(
        codes[1].as_deref(),
        Some("Error.ConfigurationNotSupported"),
        "on the user channel"
    );
    assert_ne!(
        codes[0].as_deref(),
        Some("Error.ConfigurationNotSupported").filter(|_| is_new_enough(&twin))
    );
}

/// Whether the Mac's system has the type at all.
fn is_new_enough(twin: &ordain_twin::Twin) -> bool {
    twin.device().system.version >= "15"
}
