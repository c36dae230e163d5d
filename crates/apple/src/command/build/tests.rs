use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::command::results_to_json;

fn built(request_type: &str, keys: Json) -> Result<Json, Vec<String>> {
    let Json::Object(keys) = keys else {
        panic!("{keys}")
    };
    match build(request_type, &keys, Catalog::builtin()) {
        Ok(payload) => Ok(results_to_json(&payload)),
        Err(problems) => Err(problems.iter().map(Problem::to_string).collect()),
    }
}

fn problems(request_type: &str, keys: Json) -> Vec<String> {
    built(request_type, keys).unwrap_err()
}

/// The least that a value of this shape can be.
fn least(shape: &Shape) -> Json {
    match shape {
        Shape::Any | Shape::Above(_) | Shape::String { .. } => {
            json!(shape.allowed().first().map_or("x", String::as_str))
        }
        Shape::Array {
            elements: Elements::Alike(element),
            ..
        } => json!([least(&element.shape)]),
        Shape::Array {
            elements: Elements::ByItem(forms),
            ..
        } => forms
            .iter()
            .map(|(item, form)| {
                let Json::Object(mut object) = least(&form.shape) else {
                    panic!("{item} is no dictionary");
                };
                object.insert(ITEM.to_owned(), json!(item));
                Json::Object(object)
            })
            .collect(),
        Shape::Boolean => json!(true),
        Shape::Data => json!("AAEC"),
        Shape::Date => json!("2026-11-01T09:30:00Z"),
        Shape::Dictionary(keys) => Json::Object(least_of(keys)),
        Shape::Map(_) => json!({}),
        Shape::Integer { allowed, .. } => json!(allowed.first().unwrap_or(&7)),
        Shape::Real { .. } => json!(0.5),
    }
}

fn least_of(keys: &Keys) -> Map<String, Json> {
    let required = keys.iter().filter(|(_, key)| key.required);
    required
        .map(|(name, key)| (name.clone(), least(&key.shape)))
        .collect()
}

fn all_of(keys: &Keys) -> Map<String, Json> {
    keys.iter()
        .map(|(name, key)| (name.clone(), least(&key.shape)))
        .collect()
}

#[test]
fn every_command_is_built_from_its_keys() {
    let mut count = 0;
    for command in Catalog::builtin().commands() {
        if command.request_type == DECLARATIVE_MANAGEMENT {
            continue;
        }
        for keys in [least_of(&command.keys), all_of(&command.keys)] {
            let payload = build(&command.request_type, &keys, Catalog::builtin());
            let payload = payload.unwrap_or_else(|problems| panic!("{}: {problems:?}", command.request_type));
            assert_eq!(results_to_json(&payload), Json::Object(keys.clone()));
            assert_eq!(plist::parse(&plist::to_xml(payload.clone())).unwrap(), payload);
            for missing in command.keys.iter().filter(|(_, key)| key.required) {
                let mut keys = keys.clone();
                keys.remove(missing.0);
                let problems = problems(&command.request_type, Json::Object(keys));
                assert_eq!(problems.len(), 1, "{problems:?}");
                assert!(problems[0].starts_with(&format!("{}: missing; ", missing.0)));
            }
        }
        let wrong: Map<String, Json> = command
            .keys
            .keys()
            .map(|name| (name.clone(), json!(null)))
            .collect();
        let named = wrong.len();
        if named > 0 {
            assert_eq!(problems(&command.request_type, Json::Object(wrong)).len(), named);
        }
        count += 1;
    }
    assert!(count > 60, "{count}");
}

#[test]
fn a_command_line_gives_texts() {
    let erase = json!({
        "PreserveDataPlan": "true",
        "PIN": "012345",
        "ReturnToService": r#"{"Enabled": "false", "WiFiProfileData": "AA EC\n"}"#,
    });
    let expected = json!({
        "PreserveDataPlan": true,
        "PIN": "012345",
        "ReturnToService": {"Enabled": false, "WiFiProfileData": "AAEC"},
    });
    assert_eq!(built("EraseDevice", erase), Ok(expected));
    for queries in [json!("OSVersion"), json!(["OSVersion"]), json!("[\"OSVersion\"]")] {
        let expected = json!({"Queries": ["OSVersion"]});
        assert_eq!(
            built("DeviceInformation", json!({"Queries": queries})),
            Ok(expected)
        );
    }
    let wallpaper = json!({"Settings": r#"{"Item": "Wallpaper", "Image": "", "Where": "3"}"#});
    let expected = json!({"Settings": [{"Item": "Wallpaper", "Image": "", "Where": 3}]});
    assert_eq!(built("Settings", wallpaper), Ok(expected));
    let free = json!({"Configuration": {"a": [1, -1, 0.5, u64::MAX, "1", true, {"b": {}}]}});
    assert_eq!(built("InstallApplication", free.clone()), Ok(free));
}

#[test]
fn numbers_and_dates() {
    let real = || Shape::Real {
        allowed: Vec::new(),
        range: Range::default(),
    };
    let integer = || Shape::Integer {
        allowed: Vec::new(),
        range: Range::default(),
    };
    let mut builder = Builder::default();
    let mut value = |shape: Shape, value: Json| builder.value(&shape, &value, &Path::Command);
    let moment = Some(Value::Date(
        Date::from_xml_format("2026-11-01T09:30:00Z").unwrap(),
    ));
    assert_eq!(value(Shape::Date, json!("2026-11-01T09:30:00Z")), moment);
    assert_eq!(value(Shape::Date, json!("2026-11-01T10:30:00.25+01:00")), moment);
    for wrong in [
        "2026-11-01",
        "now",
        "-000001-01-01T00:00:00Z",
        "9999-12-31T23:59:59-23:00",
        "",
    ] {
        assert_eq!(value(Shape::Date, json!(wrong)), None, "{wrong}");
    }
    assert_eq!(value(real(), json!("0.5")), Some(Value::Real(0.5)));
    assert_eq!(value(real(), json!(2)), Some(Value::Real(2.0)));
    for wrong in [json!("nan"), json!("inf"), json!("1e999"), json!(true)] {
        assert_eq!(value(real(), wrong), None);
    }
    assert_eq!(value(integer(), json!("-5")), Some(Value::from(-5i64)));
    for wrong in [
        json!(1.5),
        json!(u64::MAX),
        json!("9223372036854775808"),
        json!("0x1"),
        json!([1]),
    ] {
        assert_eq!(value(integer(), wrong), None);
    }
    assert_eq!(value(Shape::Data, json!("AAE")), None);
}

/// What is wrong with a value of this shape.
fn wrong(shape: &Shape, value: Json) -> Vec<String> {
    let mut builder = Builder::default();
    let built = builder.value(shape, &value, &Path::Command);
    let problems = builder.problems.none_or_these().err().unwrap_or_default();
    assert_eq!(built.is_some(), problems.is_empty(), "{value}: {problems:?}");
    problems.iter().map(Problem::to_string).collect()
}

#[test]
fn numbers_are_allowed_or_within_bounds() {
    let between = |min: Option<i64>, max: Option<i64>, allowed: &[i64]| Shape::Integer {
        allowed: allowed.to_vec(),
        range: Range { min, max },
    };
    let four = between(Some(1), Some(4), &[]);
    for right in [json!(1), json!("4")] {
        assert_eq!(wrong(&four, right), [""; 0]);
    }
    for (shape, value, allowed) in [
        (&four, json!(0), "1 to 4"),
        (&four, json!("5"), "1 to 4"),
        (&between(Some(1), None, &[]), json!(i64::MIN), "at least 1"),
        (&between(None, Some(4), &[-1]), json!(5), "-1, at most 4"),
        (&between(None, None, &[7, 8]), json!(5), "7, 8"),
    ] {
        let message = format!("not an allowed value; allowed: {allowed}");
        assert_eq!(wrong(shape, value), [message]);
    }
    assert_eq!(wrong(&between(Some(1), Some(4), &[9]), json!(9)), [""; 0]);
    assert_eq!(wrong(&between(Some(1), Some(4), &[9]), json!(3)), [""; 0]);

    let number = |text: &str| text.parse::<Number>().ok();
    let real = Shape::Real {
        allowed: Vec::new(),
        range: Range {
            min: number("0"),
            max: number("0.5"),
        },
    };
    assert_eq!(wrong(&real, json!(0)), [""; 0]);
    assert_eq!(wrong(&real, json!("0.5")), [""; 0]);
    for value in [json!(0.51), json!("-1")] {
        assert_eq!(wrong(&real, value), ["not an allowed value; allowed: 0 to 0.5"]);
    }
    assert_eq!(wrong(&real, json!("NaN")), ["not a number"]);
}

#[test]
fn texts_and_arrays_are_as_the_catalog_says() {
    let text = |pattern: Option<&str>, format| Shape::String {
        allowed: Vec::new(),
        pattern: pattern.map(str::to_owned),
        format,
    };
    let pin = text(Some("^[0-9]{6}$"), None);
    assert_eq!(wrong(&pin, json!("012345")), [""; 0]);
    assert_eq!(wrong(&pin, json!("12345")), ["not a match of `^[0-9]{6}$`"]);
    let email = text(None, Some(Format::Email));
    assert_eq!(wrong(&email, json!("ann@example.com")), [""; 0]);
    assert_eq!(
        wrong(&email, json!("ann")),
        ["not an email address, such as `user@example.com`"]
    );
    let two = Shape::Array {
        elements: Elements::Alike(Box::new(Shape::STRING.into())),
        count: Range {
            min: Some(2),
            max: Some(2),
        },
    };
    assert_eq!(wrong(&two, json!(["a", "b"])), [""; 0]);
    let mut builder = Builder::default();
    builder.value(&two, &json!("a"), &Path::Command);
    let problems = builder.problems.none_or_these().unwrap_err();
    assert_eq!(problems[0].to_string(), "1 elements, must be 2");
}

#[test]
fn everything_that_is_wrong_is_named_with_what_is_allowed() {
    let keys = json!({
        "DeviceAttestationNonc": "AAEC",
        "Queries": ["OSVersion", "OSVerson", 7],
        "DeviceAttestationNonce": "not base64",
    });
    assert_eq!(
        problems("DeviceInformation", keys),
        [
            "DeviceAttestationNonc: not a key here; did you mean DeviceAttestationNonce?",
            "DeviceAttestationNonce: not data in base64",
            "Queries/1: not an allowed value; did you mean OSVersion?",
            "Queries/2: not a string",
        ]
    );
    for (request_type, keys, expected) in [
        (
            "EraseDevice",
            json!({"ObliterationBehavior": "Never!"}),
            "ObliterationBehavior: not an allowed value; allowed: Default, DoNotObliterate, ObliterateWithWarning, Always",
        ),
        (
            "EraseDevice",
            json!({"ReturnToService": {}}),
            "ReturnToService/Enabled: missing; true or false is required",
        ),
        ("DeviceLock", json!({"PIN": 123_456}), "PIN: not a string"),
        (
            "DeviceLock",
            json!({"Unrelated": 1}),
            "Unrelated: not a key here; allowed: Message, PIN, PhoneNumber",
        ),
        ("ShutDownDevice", json!({"PIN": "1"}), "PIN: not a key here"),
        (
            "DeviceLock",
            json!({"Message": "a\u{0}"}),
            "Message: a character that XML cannot express",
        ),
        (
            "InstallApplication",
            json!({"ManagementFlags": 2}),
            "ManagementFlags: not an allowed value; allowed: 1, 4, 5",
        ),
        (
            "RotateFileVaultKey",
            json!({"FileVaultUnlock": {}}),
            "KeyType: missing; a string (personal, institutional) is required",
        ),
        (
            "Settings",
            json!({"Settings": [{"Item": "TimeZone", "TimeZone": "UTC"}, {"Item": "Timezone"}]}),
            "Settings/1/Item: not an allowed value; did you mean TimeZone?",
        ),
        (
            "Settings",
            json!({"Settings": [{"Item": "Wallpaper", "Image": "AAEC", "Where": 9}]}),
            "Settings/0/Where: not an allowed value; allowed: 1, 2, 3",
        ),
        (
            "Settings",
            json!({"Settings": [[]]}),
            "Settings/0: not a dictionary",
        ),
        ("Settings", json!({"Settings": {}}), "Settings: not an array"),
        (
            "Settings",
            json!({"Settings": "[1"}),
            "Settings: not JSON, at line 1 column 2",
        ),
        (
            "EraseDevice",
            json!({"ReturnToService": r#"{"Enabled": true, "Enabled": false}"#}),
            "ReturnToService: an object has a key twice",
        ),
        (
            "InstallApplication",
            json!({"Configuration": {"a": [null]}}),
            "Configuration/a/0: null, which property lists have not",
        ),
        (
            "InstallApplication",
            json!({"Configuration": {"\u{1}": 1}}),
            "Configuration/\\u{1}: a character that XML cannot express",
        ),
        (
            "devicelock",
            json!({}),
            "no such command is known; did you mean DeviceLock?",
        ),
        (
            "MakeCoffee",
            json!({}),
            "no such command is known; what is not known can be sent as a file",
        ),
        (
            "DeclarativeManagement",
            json!({}),
            "DeclarativeManagement cannot be ordered: it is sent whenever a device should hold other declarations",
        ),
    ] {
        assert_eq!(problems(request_type, keys), [expected]);
    }
    let missing_item = problems("Settings", json!({"Settings": [{"Where": 1}]}));
    assert!(missing_item[0].starts_with("Settings/0/Item: a string is required; allowed: Acc"));
}

#[test]
fn bounds() {
    let mut nested = json!("x");
    for _ in 0..100 {
        nested = json!({ "a": nested });
    }
    let deep = problems("InstallApplication", json!({ "Configuration": nested }));
    assert!(deep[0].ends_with("nested too deep"), "{deep:?}");
    assert_eq!(
        problems("DeviceLock", json!({"Message": "x".repeat(MAX_OCTETS)})),
        ["the command is larger than 4194304 octets"]
    );
    let escaped = "&".repeat(MAX_OCTETS / 5);
    assert_eq!(problems("DeviceLock", json!({ "Message": escaped })).len(), 1);
    let many = vec![json!(0); plist::MAX_ELEMENTS];
    assert_eq!(
        problems("InstallApplication", json!({"Configuration": {"a": many}})),
        [plist::Error::TooMany.to_string()]
    );
    let unknown: Map<String, Json> = (0..10_000)
        .map(|n| (format!("{n}{}", "k".repeat(200)), json!(n)))
        .collect();
    let unknown = problems("DeviceLock", Json::Object(unknown));
    assert_eq!(unknown.len(), 50);
    assert!(unknown.iter().all(|problem| problem.len() < 150));
}

fn hostile_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|value| json!(value)),
        any::<i64>().prop_map(|value| json!(value)),
        any::<f64>().prop_map(|value| json!(value)),
        any::<String>().prop_map(|value| json!(value)),
        prop::sample::select(vec![
            "true",
            "1",
            "[",
            "[[",
            "[1]",
            "{",
            "{}",
            "[{}]",
            "{\"Item\":\"Wallpaper\",\"Where\":1}",
            "AAEC",
            "Wallpaper",
            "TimeZone",
            "2026-11-01T09:30:00Z",
            "OSVersion",
            "\r\n",
            "]]>",
        ])
        .prop_map(|value| json!(value)),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let key = prop_oneof![
            prop::sample::select(vec![
                "Item", "Enabled", "Where", "Image", "TimeZone", "Password", ""
            ])
            .prop_map(str::to_owned),
            any::<String>(),
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::Array),
            prop::collection::vec((key, inner), 0..4)
                .prop_map(|entries| Json::Object(entries.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn whatever_is_ordered_is_built_or_refused(values in prop::collection::vec(hostile_json(), 10)) {
        for command in Catalog::builtin().commands() {
            let keys = command.keys.keys().cloned().zip(values.iter().cloned()).collect();
            match build(&command.request_type, &keys, Catalog::builtin()) {
                Ok(payload) => prop_assert_eq!(plist::parse(&plist::to_xml(payload.clone())).unwrap(), payload),
                Err(problems) => prop_assert!(!problems.is_empty() && problems.len() <= 50),
            }
        }
    }

    #[test]
    fn what_property_lists_hold_stays_the_same_in_json(entries in prop::collection::vec(("\\PC{1,8}", hostile_json()), 0..6)) {
        let configuration: Map<String, Json> = entries.into_iter().collect();
        if let Ok(built) = built("InstallApplication", json!({"Configuration": configuration})) {
            prop_assert_eq!(built, json!({"Configuration": configuration}));
        }
    }
}
