use proptest::prelude::*;
use serde_json::json;

use super::*;

fn item(identifier: &str, server_token: &str) -> Item {
    Item {
        identifier: identifier.into(),
        server_token: server_token.into(),
    }
}

#[test]
fn endpoints() {
    let declaration = |kind, identifier: &str| Endpoint::Declaration {
        kind,
        identifier: identifier.into(),
    };
    for (text, endpoint) in [
        ("tokens", Endpoint::Tokens),
        ("declaration-items", Endpoint::DeclarationItems),
        ("status", Endpoint::Status),
        (
            "declaration/activation/act.base",
            declaration(Kind::Activation, "act.base"),
        ),
        ("declaration/asset/a b%20c", declaration(Kind::Asset, "a b%20c")),
        (
            "declaration/configuration/a/b//c",
            declaration(Kind::Configuration, "a/b//c"),
        ),
        ("declaration/management//", declaration(Kind::Management, "/")),
    ] {
        assert_eq!(text.parse(), Ok(endpoint.clone()));
        assert_eq!(endpoint.to_string(), text);
    }
    for text in [
        "",
        "token",
        "Tokens",
        "tokens/",
        "/tokens",
        "declaration",
        "declaration/",
        "declaration/asset",
        "declaration/asset/",
        "declaration/assets/a",
        "declaration/Asset/a",
        "declaration//a",
        "declaration-items/",
    ] {
        assert_eq!(text.parse::<Endpoint>(), Err(UnknownEndpoint), "{text}");
    }
}

#[test]
fn the_bytes_of_tokens() {
    let tokens = TokensResponse {
        timestamp: 1_793_525_400,
        declarations_token: "5f1c".into(),
    };
    let expected = r#"{"SyncTokens":{"Timestamp":"2026-11-01T09:30:00Z","DeclarationsToken":"5f1c"}}"#;
    assert_eq!(String::from_utf8(tokens.to_json()).unwrap(), expected);
    assert_eq!(TokensResponse::parse(expected.as_bytes()), Ok(tokens));
}

#[test]
fn a_timestamp_beyond_its_form_is_written_in_it() {
    for (timestamp, written) in [
        (i64::MIN, "1970-01-01T00:00:00Z"),
        (i64::MAX, "9999-12-30T22:00:00Z"),
    ] {
        let json = TokensResponse {
            timestamp,
            declarations_token: "t".into(),
        }
        .to_json();
        let expected = format!(r#"{{"SyncTokens":{{"Timestamp":"{written}","DeclarationsToken":"t"}}}}"#);
        assert_eq!(String::from_utf8(json).unwrap(), expected);
    }
}

#[test]
fn a_twin_refuses_bad_tokens() {
    let refused = |body: Value| {
        TokensResponse::parse(body.to_string().as_bytes())
            .unwrap_err()
            .to_string()
    };
    let good = json!({"Timestamp": "2026-11-01T09:30:00Z", "DeclarationsToken": "t"});
    assert_eq!(refused(json!({})), "SyncTokens is missing");
    assert_eq!(refused(json!({"SyncTokens": []})), "SyncTokens is not an object");
    assert_eq!(refused(good.clone()), "SyncTokens is missing");
    for key in ["Timestamp", "DeclarationsToken"] {
        let mut tokens = good.clone();
        tokens.as_object_mut().unwrap().remove(key);
        assert_eq!(
            refused(json!({"SyncTokens": tokens})),
            format!("{key} is missing")
        );
        tokens[key] = 1.into();
        assert_eq!(
            refused(json!({"SyncTokens": tokens})),
            format!("{key} is not a string")
        );
        tokens[key] = "".into();
        assert_eq!(
            refused(json!({"SyncTokens": tokens})),
            format!("{key} has a value that is not allowed")
        );
    }
    for timestamp in [
        "2026-11-01T09:30:00.5Z",
        "2026-11-01T09:30:00+00:00",
        "2026-11-01 09:30:00Z",
        "2026-11-01T09:30Z",
        "2026-11-01t09:30:00z",
        "2026-02-30T09:30:00Z",
        "2026-11-01T09:30:60Z",
        "20261101T093000Z",
        "2026-11-01T09:30:00",
        "1793525400",
        "-002026-11-01T09:30:00Z",
    ] {
        let tokens = json!({"SyncTokens": {"Timestamp": timestamp, "DeclarationsToken": "t"}});
        assert_eq!(
            refused(tokens),
            "Timestamp has a value that is not allowed",
            "{timestamp}"
        );
    }
    let long =
        json!({"SyncTokens": {"Timestamp": "2026-11-01T09:30:00Z", "DeclarationsToken": "t".repeat(257)}});
    assert_eq!(refused(long), "DeclarationsToken has a value that is not allowed");
}

#[test]
fn the_bytes_of_declaration_items() {
    let mut items = DeclarationItems {
        declarations_token: "5f1c".into(),
        ..DeclarationItems::default()
    };
    let empty = r#"{"Declarations":{"Activations":[],"Assets":[],"Configurations":[],"Management":[]},"DeclarationsToken":"5f1c"}"#;
    assert_eq!(String::from_utf8(items.to_json()).unwrap(), empty);
    items
        .declarations
        .of_mut(Kind::Activation)
        .push(item("act.base", "a1"));
    items
        .declarations
        .of_mut(Kind::Configuration)
        .push(item("cfg.passcode", "c7"));
    items
        .declarations
        .of_mut(Kind::Configuration)
        .push(item("a", "c8"));
    items
        .declarations
        .of_mut(Kind::Management)
        .push(item("mgmt.org", "m1"));
    let expected = concat!(
        r#"{"Declarations":{"Activations":[{"Identifier":"act.base","ServerToken":"a1"}],"Assets":[],"#,
        r#""Configurations":[{"Identifier":"cfg.passcode","ServerToken":"c7"},{"Identifier":"a","ServerToken":"c8"}],"#,
        r#""Management":[{"Identifier":"mgmt.org","ServerToken":"m1"}]},"DeclarationsToken":"5f1c"}"#
    );
    assert_eq!(String::from_utf8(items.to_json()).unwrap(), expected);
    assert_eq!(DeclarationItems::parse(expected.as_bytes()), Ok(items));
}

#[test]
fn a_twin_refuses_bad_declaration_items() {
    let good = json!({
        "Declarations": {"Activations": [], "Assets": [{"Identifier": "i", "ServerToken": "t"}], "Configurations": [], "Management": []},
        "DeclarationsToken": "t",
    });
    let refused = |body: &Value| {
        DeclarationItems::parse(body.to_string().as_bytes())
            .unwrap_err()
            .to_string()
    };
    assert!(DeclarationItems::parse(good.to_string().as_bytes()).is_ok());
    for kind in Kind::ALL {
        let key = kind.manifest_key();
        let mut items = good.clone();
        items["Declarations"][key] = Value::Null;
        assert_eq!(refused(&items), format!("{key} is not an array"));
        items["Declarations"][key] = json!(["i"]);
        assert_eq!(refused(&items), format!("{key} is not an array of objects"));
        items["Declarations"].as_object_mut().unwrap().remove(key);
        assert_eq!(refused(&items), format!("{key} is missing"));
    }
    for key in ["Identifier", "ServerToken"] {
        let mut items = good.clone();
        let declared = items["Declarations"]["Assets"][0].as_object_mut().unwrap();
        declared.insert(key.into(), "x".repeat(65).into());
        assert_eq!(refused(&items), format!("{key} has a value that is not allowed"));
        items["Declarations"]["Assets"][0]
            .as_object_mut()
            .unwrap()
            .remove(key);
        assert_eq!(refused(&items), format!("{key} is missing"));
    }
    for key in ["Declarations", "DeclarationsToken"] {
        let mut items = good.clone();
        items.as_object_mut().unwrap().remove(key);
        assert_eq!(refused(&items), format!("{key} is missing"));
    }
}

#[test]
fn a_declaration_has_exactly_its_four_keys() {
    let good = json!({"Type": "com.apple.management.properties", "Identifier": "i", "ServerToken": "t", "Payload": {"a": 1}});
    let parse = |body: &Value| Declaration::parse(body.to_string().as_bytes());
    let refused = |body: &Value| parse(body).unwrap_err().to_string();
    let declaration = parse(&good).unwrap();
    assert_eq!(
        (declaration.identifier.as_str(), declaration.server_token.as_str()),
        ("i", "t")
    );
    assert_eq!(Value::from(declaration.payload), json!({"a": 1}));
    for key in ["Type", "Identifier", "ServerToken", "Payload"] {
        let mut declaration = good.clone();
        declaration[key] = Value::Null;
        let expected = if key == "Payload" { "an object" } else { "a string" };
        assert_eq!(refused(&declaration), format!("{key} is not {expected}"));
        declaration.as_object_mut().unwrap().remove(key);
        assert_eq!(refused(&declaration), format!("{key} is missing"));
    }
    for key in ["Identifier", "ServerToken"] {
        let mut declaration = good.clone();
        declaration[key] = "x".repeat(64).into();
        assert!(parse(&declaration).is_ok());
        declaration[key] = "x".repeat(65).into();
        assert_eq!(
            refused(&declaration),
            format!("{key} has a value that is not allowed")
        );
    }
    let mut more = good.clone();
    more["Extra"] = 1.into();
    assert_eq!(parse(&more), Err(Malformed::UnknownKeys));
    let twice = br#"{"Type":"t","Identifier":"i","ServerToken":"s","Payload":{"a":1,"a":2}}"#;
    assert_eq!(
        Declaration::parse(twice),
        Err(Malformed::Json(json::Error::DuplicateKey))
    );
}

proptest! {
    #[test]
    fn any_endpoint_is_read_as_it_is_written(text in "(declaration/)?(asset/|x/)?[a-z/%. -]{0,20}") {
        if let Ok(endpoint) = text.parse::<Endpoint>() {
            prop_assert_eq!(endpoint.to_string(), text);
        }
    }

    #[test]
    fn what_is_written_is_read(
        timestamp in 0i64..253_402_207_200,
        declarations_token in "\\PC{1,64}",
        assets in prop::collection::vec(("[a-z\"\\\\]{1,64}", "\\PC{1,16}"), 0..5),
    ) {
        let tokens = TokensResponse { timestamp, declarations_token: declarations_token.clone() };
        prop_assert_eq!(TokensResponse::parse(&tokens.to_json()), Ok(tokens));
        let assets = assets.iter().map(|(identifier, token)| item(identifier, token)).collect();
        let items = DeclarationItems { declarations: Items { assets, ..Items::default() }, declarations_token };
        prop_assert_eq!(DeclarationItems::parse(&items.to_json()), Ok(items));
    }

    #[test]
    fn whatever_comes_is_read_or_refused(octets: Vec<u8>) {
        let _ = (TokensResponse::parse(&octets), DeclarationItems::parse(&octets), Declaration::parse(&octets));
    }
}
