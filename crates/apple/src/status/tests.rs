use std::borrow::Cow;

use ordain_catalog::Kind;
use ordain_model::report::{Capabilities, DeclarationsReport, Listed, Validity};
use proptest::prelude::*;
use serde_json::json;

use super::*;

fn is_item(path: &str) -> bool {
    [
        "device.operating-system.version",
        "mdm.app",
        "softwareupdate.failure-reason",
    ]
    .contains(&path)
}

fn read(body: Value) -> Report<'static> {
    parse(body.to_string().as_bytes(), &is_item).unwrap().into_owned()
}

/// The report about `body`, which must be without problems.
fn sound(body: Value) -> Report<'static> {
    let report = read(body);
    assert_eq!(report.problems, [""; 0]);
    report
}

fn listed(identifier: &str, active: bool, valid: Validity) -> Listed<'_> {
    Listed {
        identifier: identifier.into(),
        server_token: "t".into(),
        active,
        valid,
        reasons: vec![],
    }
}

/// A report with everything in it, in the form that Apple documents.
const EXAMPLE: &str = r#"{
    "StatusItems": {
        "passcode": {"is-present": true},
        "device": {"operating-system": {"version": "26.1", "new-in-27": [1, 2]}},
        "mdm": {"app": [{"identifier": "a", "name": "A"}, {"identifier": "b", "_removed": true}]},
        "softwareupdate": {"failure-reason": {"count": 1, "reason": {"text": "x"}}},
        "management": {
            "declarations": {
                "activations": [{"identifier": "act.base", "server-token": "a1", "active": true, "valid": "valid"}],
                "configurations": [{"identifier": "cfg.passcode", "server-token": "c7", "active": false, "valid": "invalid",
                    "reasons": [{"code": "Error.ConfigurationCannotBeApplied", "description": "d", "details": {"Error": "e"}}]}],
                "assets": [], "management": []},
            "client-capabilities": {
                "supported-versions": ["1.0.0"], "supported-features": {},
                "supported-payloads": {
                    "declarations": {
                        "activations": ["com.apple.activation.simple"], "assets": [],
                        "configurations": ["com.apple.configuration.passcode.settings"],
                        "management": ["com.apple.management.properties"]},
                    "status-items": ["device.operating-system.version"]}}}},
    "Errors": [{"StatusItem": "device.model.family", "Reasons": [{"Code": "Error.NotSupported", "Description": "no"}]}]
}"#;

#[test]
fn the_example_of_the_protocol() {
    let report = sound(serde_json::from_str(EXAMPLE).unwrap());
    assert!(!report.full);
    let items = BTreeMap::from([
        ("passcode.is-present".to_owned(), json!(true)),
        ("device.operating-system.version".to_owned(), json!("26.1")),
        ("device.operating-system.new-in-27".to_owned(), json!([1, 2])),
        (
            "mdm.app".to_owned(),
            json!([{"identifier": "a", "name": "A"}, {"identifier": "b", "_removed": true}]),
        ),
        (
            "softwareupdate.failure-reason".to_owned(),
            json!({"count": 1, "reason": {"text": "x"}}),
        ),
    ]);
    assert_eq!(report.items, items);
    let reason = Reason {
        code: "Error.ConfigurationCannotBeApplied".into(),
        description: Some("d".into()),
        details: Some(json!({"Error": "e"})),
    };
    let (identifier, server_token) = ("cfg.passcode".into(), "c7".into());
    let failed = Listed {
        identifier,
        server_token,
        active: false,
        valid: Validity::Invalid,
        reasons: vec![reason],
    };
    let applied = Listed {
        server_token: "a1".into(),
        ..listed("act.base", true, Validity::Valid)
    };
    let all = BTreeMap::from([
        (Kind::Activation, vec![applied]),
        (Kind::Asset, vec![]),
        (Kind::Configuration, vec![failed]),
        (Kind::Management, vec![]),
    ]);
    assert_eq!(report.declarations, Some(DeclarationsReport { listed: all }));
    let names = |names: &[&str]| Some(names.iter().map(|&name| name.to_owned()).collect());
    let capabilities = Capabilities {
        declarations: names(&[
            "com.apple.activation.simple",
            "com.apple.configuration.passcode.settings",
            "com.apple.management.properties",
        ]),
        status_items: names(&["device.operating-system.version"]),
    };
    assert_eq!(report.capabilities, Some(capabilities));
    let error = Reason {
        code: "Error.NotSupported".into(),
        description: Some("no".into()),
        details: None,
    };
    assert_eq!(
        report.errors,
        BTreeMap::from([("device.model.family".to_owned(), vec![error])])
    );
    assert_eq!(parse(&to_json(&report), &is_item), Ok(report));
}

#[test]
fn the_bytes_of_a_report() {
    let mut report = sound(
        json!({"FullReport": true, "StatusItems": {"device": {"operating-system": {"version": "26.1"}}}}),
    );
    assert!(report.full);
    let listed = BTreeMap::from([(Kind::Asset, vec![listed("a", false, Validity::Unknown)])]);
    report.declarations = Some(DeclarationsReport { listed });
    let expected = json!({
        "FullReport": true,
        "StatusItems": {
            "device": {"operating-system": {"version": "26.1"}},
            "management": {"declarations": {
                "assets": [{"identifier": "a", "server-token": "t", "active": false, "valid": "unknown"}]}}},
        "Errors": [],
    });
    assert_eq!(
        serde_json::from_slice::<Value>(&to_json(&report)).unwrap(),
        expected
    );
}

#[test]
fn what_is_not_reported_is_not_empty() {
    for nothing in [
        json!({}),
        json!({"StatusItems": null, "Errors": null, "FullReport": null}),
        json!({"StatusItems": {}}),
    ] {
        assert_eq!(sound(nothing), Report::default());
    }
    let declarations = |value: Value| json!({"StatusItems": {"management": {"declarations": value}}});
    assert_eq!(sound(declarations(Value::Null)).declarations, None);
    let some = sound(declarations(json!({"assets": [], "configurations": null})))
        .declarations
        .unwrap();
    assert_eq!(some.listed, BTreeMap::from([(Kind::Asset, vec![])]));
    let bad = read(declarations(json!({"assets": {}, "configurations": []})));
    assert_eq!(
        bad.declarations.unwrap().listed,
        BTreeMap::from([(Kind::Configuration, vec![])])
    );
    assert_eq!(bad.problems, ["management.declarations.assets is not an array"]);
}

#[test]
fn names_are_borrowed_unless_they_are_escaped() {
    let element = |identifier: &str| {
        format!(r#"{{"identifier": "{identifier}", "server-token": "t", "active": true, "valid": "valid"}}"#)
    };
    let elements = [element("plain"), element("esc\\u0061ped")].join(",");
    let body =
        format!(r#"{{"StatusItems": {{"management": {{"declarations": {{"assets": [{elements}]}}}}}}}}"#);
    let report = parse(body.as_bytes(), &is_item).unwrap();
    let names = report.declarations.as_ref().unwrap().listed[&Kind::Asset]
        .iter()
        .map(|listed| &listed.identifier);
    let names: Vec<_> = names
        .map(|name| (&**name, matches!(name, Cow::Borrowed(_))))
        .collect();
    assert_eq!(names, [("plain", true), ("escaped", false)]);
    assert_eq!(report.clone().into_owned(), report);
}

#[test]
fn wrong_types_cost_only_themselves() {
    let report = read(json!({
        "FullReport": "yes",
        "StatusItems": {
            "passcode": {"is-present": true},
            "management": {
                "declarations": {
                    "configurations": [
                        {"identifier": "good", "server-token": "t", "active": true, "valid": "valid"},
                        "text",
                        {"identifier": 1, "server-token": "t", "active": true, "valid": "valid"},
                        {"identifier": "untold", "active": true, "valid": "valid"},
                        {"identifier": "passive", "server-token": "t", "active": "true", "valid": "valid"},
                        {"identifier": "odd", "server-token": "t", "active": true, "valid": "splendid", "reasons": [
                            1, {"description": "no code"}, {"code": "Info.X", "description": 1, "details": null}]},
                        {"identifier": "silent", "server-token": "t", "active": true, "reasons": {}},
                    ]},
                "client-capabilities": []}},
        "Errors": [7, {"StatusItem": "a"}, {"Reasons": []}, {"statusitem": "b", "reasons": [{"code": "c"}]}],
    }));
    assert!(!report.full);
    assert_eq!(
        report.items,
        BTreeMap::from([("passcode.is-present".to_owned(), json!(true))])
    );
    let reason = |code: &str| Reason {
        code: code.into(),
        description: None,
        details: None,
    };
    let odd = Listed {
        reasons: vec![reason("Info.X")],
        ..listed("odd", true, Validity::Unknown)
    };
    assert_eq!(
        report.declarations.unwrap().listed[&Kind::Configuration],
        [
            listed("good", true, Validity::Valid),
            listed("passive", false, Validity::Valid),
            odd,
            listed("silent", true, Validity::Unknown)
        ]
    );
    assert_eq!(report.capabilities, None);
    assert_eq!(
        report.errors,
        BTreeMap::from([("a".to_owned(), vec![]), ("b".to_owned(), vec![reason("c")])])
    );
    assert_eq!(
        report.problems,
        [
            "FullReport is not a boolean",
            "a reason of odd has no code",
            "a reason of odd is not an object",
            "an element of management.declarations.configurations has no identifier",
            "an element of management.declarations.configurations is not an object",
            "an entry of Errors is not an object",
            "an entry of Errors names no status item",
            "configuration odd is listed with a `valid` that is not known",
            "configuration passive is listed without a boolean `active`",
            "configuration silent is listed with a `valid` that is not known",
            "configuration untold is listed without a server-token",
            "management.client-capabilities is not an object",
            "the description of a reason of odd is not a string",
            "the reasons of silent are not an array"
        ]
    );
}

#[test]
fn a_full_report_without_items_replaces_nothing() {
    for items in [Value::Null, json!([]), json!("x")] {
        let report = read(json!({"FullReport": true, "StatusItems": items}));
        assert!(!report.full);
        assert_eq!(report.problems, ["StatusItems is not an object"]);
    }
    assert!(!read(json!({"FullReport": true})).full);
    assert!(sound(json!({"FullReport": true, "StatusItems": {}})).full);
}

#[test]
fn only_complete_lists_of_capabilities_count() {
    let capabilities = |payloads: Value| {
        let item = json!({"supported-payloads": payloads});
        let report = read(json!({"StatusItems": {"management": {"client-capabilities": item}}}));
        (report.capabilities.unwrap(), report.problems.len())
    };
    let none = Capabilities::default();
    assert_eq!(capabilities(Value::Null), (none.clone(), 0));
    assert_eq!(capabilities(json!({})), (none.clone(), 0));
    assert_eq!(capabilities(json!([])), (none.clone(), 1));
    let three = json!({"activations": ["a"], "assets": ["b"], "configurations": ["c"]});
    assert_eq!(capabilities(json!({"declarations": three})), (none.clone(), 0));
    let mut four = three;
    four["management"] = json!(["d", 1]);
    assert_eq!(
        capabilities(json!({"declarations": four, "status-items": [null]})),
        (none, 2)
    );
    four["management"] = json!(["d"]);
    let (complete, problems) = capabilities(json!({"declarations": four, "status-items": 3}));
    assert_eq!(complete.declarations.map(|types| types.len()), Some(4));
    assert_eq!((complete.status_items, problems), (None, 1));
}

#[test]
fn names_are_bounded_and_unambiguous() {
    let report =
        read(json!({"StatusItems": {"a.b": 1, "a": {"b": 2}, "x\ny": 3, "z".repeat(1025): 4, "n": null}}));
    assert_eq!(
        report.items,
        BTreeMap::from([("a.b".to_owned(), json!(2)), ("n".to_owned(), Value::Null)])
    );
    assert_eq!(report.problems.len(), 3);
    let many: Map<String, Value> = (0..3000)
        .map(|number| (number.to_string(), number.into()))
        .collect();
    let report = read(json!({"StatusItems": many}));
    assert_eq!(report.items.len(), MAX_ITEMS);
    assert_eq!(report.problems.len(), MAX_PROBLEMS + 1);
    assert_eq!(report.problems.last().unwrap(), "there are more problems");
}

#[test]
fn what_is_no_object_within_bounds_is_malformed() {
    for (body, error) in [
        (&b"[]"[..], "not a status report: not a JSON object"),
        (b"", "not a status report: not JSON, at line 1 column 0"),
        (
            b"{\"StatusItems\":",
            "not a status report: not JSON, at line 1 column 15",
        ),
    ] {
        assert_eq!(parse(body, &is_item).unwrap_err().to_string(), error);
    }
    let deep = format!(
        "{{\"StatusItems\":{}1{}}}",
        "{\"a\":".repeat(100_000),
        "}".repeat(100_000)
    );
    assert_eq!(
        parse(deep.as_bytes(), &is_item),
        Err(Malformed(json::Error::TooDeep))
    );
    for skipped in [
        format!(r#"{{"Surprise":{}1{}}}"#, "[".repeat(64), "]".repeat(64)),
        format!(r#"{{"FullReport":{}1{}}}"#, "[".repeat(64), "]".repeat(64)),
    ] {
        assert_eq!(
            parse(skipped.as_bytes(), &is_item),
            Err(Malformed(json::Error::TooDeep))
        );
    }
    let long = json!({"StatusItems": {"a": "x".repeat(1 << 20), "b": u64::MAX, "c": i64::MIN}});
    let report = sound(long);
    assert_eq!(
        (&report.items["b"], &report.items["c"]),
        (&json!(u64::MAX), &json!(i64::MIN))
    );
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        "\\PC{0,8}|valid|\\x00".prop_map(Value::from),
    ];
    // The protocol's own words, so that what is understood is met with every type.
    let key = prop_oneof![
        prop::sample::select(vec![
            "StatusItems",
            "Errors",
            "FullReport",
            "StatusItem",
            "Reasons",
            "Code",
            "management",
            "declarations",
            "assets",
            "client-capabilities",
            "supported-payloads",
            "status-items",
            "identifier",
            "server-token",
            "active",
            "valid",
            "reasons",
            "code",
            "details",
            "mdm",
            "app",
            "management.declarations",
        ])
        .prop_map(str::to_owned),
        "\\PC{0,4}",
    ];
    leaf.prop_recursive(6, 48, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(key.clone(), inner, 0..6)
                .prop_map(|entries| entries.into_iter().collect::<Map<_, _>>().into()),
        ]
    })
}

fn reports() -> impl Strategy<Value = Report<'static>> {
    let reason = (
        "[A-Z][a-z.]{1,12}",
        prop::option::of("\\PC{0,12}"),
        prop::option::of(Just(json!({"Error": [1]}))),
    )
        .prop_map(|(code, description, details)| Reason {
            code,
            description,
            details,
        });
    let reasons = prop::collection::vec(reason, 0..3);
    let validity = prop::sample::select(vec![Validity::Valid, Validity::Invalid, Validity::Unknown]);
    let listed = (
        "[a-z.]{1,64}",
        "[0-9a-f]{64}",
        any::<bool>(),
        validity,
        reasons.clone(),
    )
        .prop_map(|(identifier, server_token, active, valid, reasons)| Listed {
            identifier: identifier.into(),
            server_token: server_token.into(),
            active,
            valid,
            reasons,
        });
    let kinds = prop::sample::select(Kind::ALL.to_vec());
    let declarations = prop::collection::btree_map(kinds, prop::collection::vec(listed, 0..4), 0..4)
        .prop_map(|listed| DeclarationsReport { listed });
    let types = "com\\.apple\\.(activation|asset|configuration|management)\\.[a-z]{1,8}";
    let names = |name: &'static str| prop::option::of(prop::collection::btree_set(name, 0..5));
    let capabilities =
        (names(types), names("[a-z.]{1,20}")).prop_map(|(declarations, status_items)| Capabilities {
            declarations,
            status_items,
        });
    let value = prop_oneof![
        any::<i64>().prop_map(Value::from),
        Just(json!([{"identifier": "x"}])),
        Just(Value::Null)
    ];
    (
        any::<bool>(),
        prop::collection::btree_map("[a-c]\\.[a-c]\\.[a-z]{1,8}", value, 0..8),
        prop::option::of(declarations),
        prop::option::of(capabilities),
        prop::collection::btree_map("[a-z.]{1,20}", reasons, 0..3),
    )
        .prop_map(|(full, items, declarations, capabilities, errors)| Report {
            full,
            items,
            declarations,
            capabilities,
            errors,
            problems: vec![],
            documents: None,
            cleaning: None,
        })
}

proptest! {
    #[test]
    fn what_a_twin_reports_is_what_is_read(report in reports()) {
        let body = to_json(&report);
        prop_assert_eq!(parse(&body, &is_item), Ok(report));
    }

    #[test]
    fn any_object_is_a_report(value in any_json(), octets: Vec<u8>) {
        let _ = parse(&octets, &is_item);
        let body = json!({"StatusItems": value, "Errors": [value], "FullReport": value});
        let report = read(body);
        prop_assert!(report.problems.len() <= MAX_PROBLEMS + 1);
        let declared = report.declarations.into_iter().flat_map(|declarations| declarations.listed.into_values().flatten());
        for listed in declared {
            prop_assert!(!listed.identifier.is_empty() && !listed.server_token.is_empty());
        }
        let _ = parse(value.to_string().as_bytes(), &|_| false);
    }
}
