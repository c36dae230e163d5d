use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Number, json};

use super::*;
use crate::validate::{self, Finding, Reach};
use crate::{Catalog, DeclarationType, Kind, OsVersion, Platform, PlatformSupport, Terms};

fn keys<const N: usize>(keys: [(&str, Key); N]) -> Keys {
    keys.into_iter()
        .map(|(name, key)| (name.to_owned(), key))
        .collect()
}

fn required(shape: Shape) -> Key {
    Key {
        required: true,
        ..shape.into()
    }
}

fn integer(allowed: &[i64], min: Option<i64>, max: Option<i64>) -> Shape {
    Shape::Integer {
        allowed: allowed.to_vec(),
        range: Range { min, max },
    }
}

fn string(allowed: &[&str], pattern: Option<&str>, format: Option<Format>) -> Shape {
    Shape::String {
        allowed: allowed.iter().map(|&word| word.to_owned()).collect(),
        pattern: pattern.map(str::to_owned),
        format,
    }
}

fn since(platform: Platform, major: u32) -> Option<Support> {
    let terms = Terms {
        introduced: Some(OsVersion::new(major, 0)),
        ..Terms::default()
    };
    Some(Support::from_iter([(
        platform,
        PlatformSupport::Supported(terms),
    )]))
}

/// One key of every kind.
fn shape() -> Shape {
    let folder = Shape::Dictionary(keys([
        ("Name", required(Shape::STRING)),
        ("Folder", Shape::Above(2).into()),
    ]));
    let forms = BTreeMap::from([
        (
            "Light".to_owned(),
            Shape::Dictionary(keys([("On", required(Shape::Boolean))])).into(),
        ),
        (
            "Sound".to_owned(),
            Shape::Dictionary(keys([("Volume", integer(&[], Some(0), Some(9)).into())])).into(),
        ),
    ]);
    Shape::Dictionary(keys([
        ("Any", Shape::Any.into()),
        ("Data", Shape::Data.into()),
        ("Date", Shape::Date.into()),
        ("Digits", string(&[], Some("^[0-9]+$"), None).into()),
        ("Enabled", required(Shape::Boolean)),
        ("Folders", Shape::array_of(folder).into()),
        ("Host", string(&[], None, Some(Format::Hostname)).into()),
        ("Level", integer(&[1, 3, 5], None, None).into()),
        ("MinimumLength", integer(&[], Some(4), None).into()),
        ("Mode", string(&["Optional", "Required"], None, None).into()),
        (
            "New",
            Key {
                support: since(Platform::MacOs, 15),
                ..integer(&[], None, Some(10)).into()
            },
        ),
        (
            "Pair",
            Shape::Array {
                elements: Elements::Alike(Box::new(Shape::STRING.into())),
                count: Range {
                    min: Some(2),
                    max: Some(2),
                },
            }
            .into(),
        ),
        ("Per", Shape::Map(Box::new(Shape::Boolean.into())).into()),
        (
            "Share",
            Shape::Real {
                allowed: Vec::new(),
                range: Range {
                    min: Number::from_f64(0.0),
                    max: Number::from_f64(0.5),
                },
            }
            .into(),
        ),
        (
            "Things",
            Shape::Array {
                elements: Elements::ByItem(forms),
                count: Range::default(),
            }
            .into(),
        ),
    ]))
}

fn findings_with(payload: &Value, reach: &Reach) -> Vec<Finding> {
    let declaration = DeclarationType {
        name: "com.apple.configuration.x".to_owned(),
        kind: Kind::Configuration,
        apply: None,
        support: Support::default(),
        payload: shape(),
        content_types: BTreeSet::new(),
        status_items: BTreeSet::new(),
        reasons: BTreeSet::new(),
    };
    validate::payload(&Catalog::default(), &declaration, payload, reach)
}

fn found(payload: Value) -> Vec<String> {
    let findings = findings_with(&payload, &Reach::default());
    for finding in &findings {
        assert!(
            payload.pointer(&finding.pointer).is_some(),
            "{finding:?} leads to nothing"
        );
    }
    let line = |finding: &Finding| {
        let Finding {
            severity,
            pointer,
            code,
            message,
            ..
        } = finding;
        format!("{severity} {code} {pointer}: {message}")
    };
    findings.iter().map(line).collect()
}

#[test]
fn what_the_schema_allows_is_right() {
    for payload in [
        json!({"Enabled": true}),
        json!({"Enabled": false, "Any": null, "Data": "AAAA", "Date": "2026-11-21T12:00:00Z", "Digits": "42",
            "Folders": [{"Name": "a", "Folder": [{"Name": "b", "Folder": [{"Name": "c"}]}]}], "Host": "[::1]",
            "Level": 3, "MinimumLength": 4, "Mode": "Required", "New": 10, "Pair": ["a", "b"],
            "Per": {"x": true, "": false}, "Share": 0, "Things": [{"Item": "Light", "On": true},
            {"Item": "Sound"}]}),
    ] {
        assert_eq!(found(payload), Vec::<String>::new());
    }
}

#[test]
fn each_mistake_is_told_where_it_is() {
    let nothing = json!({});
    for (key, value, expected) in [
        (
            "Enabled",
            json!(1),
            "wrong-type /Enabled: `Enabled` is 1, must be a boolean: `true` or `false`, without quotes",
        ),
        (
            "Data",
            json!("?"),
            "format /Data: `Data` is \"?\", must be base64",
        ),
        (
            "Date",
            json!("today"),
            "format /Date: `Date` is \"today\", must be a date and time with an offset",
        ),
        (
            "Digits",
            json!("4x"),
            "format /Digits: `Digits` is \"4x\", must be a match of `^[0-9]+$`",
        ),
        (
            "Host",
            json!("a b"),
            "format /Host: `Host` is \"a b\", must be a host name",
        ),
        (
            "Level",
            json!(2),
            "not-allowed /Level: `Level` is 2, must be `1`, `3` or `5`",
        ),
        (
            "Level",
            json!(3.5),
            "wrong-type /Level: `Level` is 3.5, must be an integer, written without a fraction",
        ),
        ("Level", json!(u64::MAX), "out-of-range /Level"),
        (
            "MinimumLength",
            json!(3),
            "out-of-range /MinimumLength: `MinimumLength` is 3, must be at least 4",
        ),
        (
            "New",
            json!(11),
            "out-of-range /New: `New` is 11, must be at most 10",
        ),
        (
            "Mode",
            json!("required"),
            "not-allowed /Mode: `Mode` is \"required\", must be `Optional` or `Required`; did you mean `Required`?",
        ),
        (
            "Pair",
            json!(["a"]),
            "count /Pair: `Pair` has 1 elements, must have 2",
        ),
        (
            "Pair",
            json!(["a", 2]),
            "wrong-type /Pair/1: `Pair[1]` is 2, must be a string",
        ),
        (
            "Per",
            json!({"a/b": 0}),
            "wrong-type /Per/a~1b: `Per.a/b` is 0, must be a boolean",
        ),
        (
            "Share",
            json!(0.75),
            "out-of-range /Share: `Share` is 0.75, must be 0 to 0.5",
        ),
        (
            "Folders",
            json!({}),
            "wrong-type /Folders: `Folders` is a dictionary, must be an array of dictionary",
        ),
        (
            "Folders",
            json!([{"Name": "a", "Folder": [{}]}]),
            "missing-key /Folders/0/Folder/0: `Folders[0].Folder[0]` lacks the required key `Name`, a string",
        ),
        (
            "Things",
            json!([{"On": true}]),
            "missing-key /Things/0: `Things[0]` lacks the required key `Item`, `Light` or `Sound`",
        ),
        (
            "Things",
            json!([{"Item": "Lights"}]),
            "not-allowed /Things/0/Item: `Things[0].Item` is \"Lights\", must be `Light` or `Sound`; did you mean `Light`?",
        ),
        (
            "Things",
            json!([{"Item": "Sound", "Volume": 10}]),
            "out-of-range /Things/0/Volume: `Things[0].Volume` is 10, must be 0 to 9",
        ),
        (
            "Things",
            json!([7]),
            "wrong-type /Things/0: `Things[0]` is 7, must be a dictionary",
        ),
        (
            "MinimumLenght",
            nothing.clone(),
            "unknown-key /MinimumLenght: `MinimumLenght` is no key of com.apple.configuration.x; did you mean `MinimumLength`?",
        ),
        (
            "Things",
            json!([{"Item": "Light", "On": true, "ON": 1}]),
            "unknown-key /Things/0/ON: `Things[0].ON` is not known in `Things[0]`; did you mean `On`?",
        ),
    ] {
        let mut payload = json!({"Enabled": true});
        payload[key] = value;
        let found = found(payload);
        assert_eq!(found.len(), 1, "{found:?}");
        let expected = format!("error {expected}");
        assert!(found[0].starts_with(&expected), "{}\n{expected}", found[0]);
    }
    assert_eq!(
        found(json!([]))[0],
        "error wrong-type : the payload is an empty array, must be a dictionary"
    );
}

#[test]
fn all_is_told_at_once_and_in_order() {
    let payload = json!({"Pair": [1, 2, 3], "Level": 2, "Unheard": 1});
    let pointers: Vec<String> = findings_with(&payload, &Reach::default())
        .into_iter()
        .map(|finding| finding.pointer)
        .collect();
    assert_eq!(
        pointers,
        ["", "/Level", "/Pair", "/Pair/0", "/Pair/1", "/Pair/2", "/Unheard"]
    );
}

#[test]
fn unknown_keys_may_be_allowed_but_are_told() {
    let reach = Reach {
        allow_unknown: true,
        ..Reach::default()
    };
    let findings = findings_with(&json!({"Enabled": true, "Unheard": 1}), &reach);
    let [finding] = &findings[..] else {
        panic!("{findings:?}")
    };
    assert_eq!(
        (finding.severity, finding.at, finding.pointer.as_str()),
        (Severity::Warning, At::Key, "/Unheard")
    );
}

#[test]
fn new_keys_name_the_version_that_brings_them() {
    let judged = |devices: &[&str]| {
        let reach = Reach {
            devices: devices.iter().map(|device| device.parse().unwrap()).collect(),
            devices_only: true,
            ..Reach::default()
        };
        let findings = findings_with(&json!({"Enabled": true, "New": 1}), &reach);
        findings
            .into_iter()
            .map(|f| format!("{} {} {}: {}", f.severity, f.code, f.pointer, f.message))
            .collect::<Vec<_>>()
    };
    assert!(judged(&["macOS:15"]).is_empty());
    assert!(judged(&["macOS"]).is_empty());
    assert_eq!(
        judged(&["macOS:14.1"]),
        [
            "error too-new /New: `New` is for none of the targeted devices: needs macOS 15.0 (macOS 14.1, device channel)"
        ]
    );
    assert_eq!(
        judged(&["macOS:14.1", "macOS:15"]),
        [
            "warning partly-unsupported /New: `New` is not for all of the targeted devices: needs macOS 15.0 \
          (macOS 14.1, device channel)"
        ]
    );
}

#[test]
fn a_flood_of_mistakes_is_bounded() {
    let mut payload = json!({"Enabled": true, "Per": {}});
    for index in 0..50_000 {
        payload["Per"][index.to_string()] = json!(index);
        payload[format!("MinimumLengtg{index}")] = json!(0);
    }
    let findings = findings_with(&payload, &Reach::default());
    assert_eq!(findings.len(), 201);
    assert!(findings.iter().any(|finding| finding.code == Code::TooMany));

    let mut deep = json!({"Name": "x"});
    for _ in 0..100 {
        deep = json!({"Name": "x", "Folder": [deep]});
    }
    let findings = findings_with(&json!({"Enabled": true, "Folders": [deep]}), &Reach::default());
    assert_eq!(
        findings.iter().map(|finding| finding.code).collect::<Vec<_>>(),
        [Code::TooDeep]
    );
}
