//! Validation over the whole catalog: the example of every declaration type is right, and whatever is changed in it at
//! any place of its schema is refused at exactly that place.

mod places;

use std::collections::BTreeMap;

use ordain_catalog::validate::{
    At, Code, DeviceKind, Finding, Reach, Severity, example, full_example, payload,
};
use ordain_catalog::{
    Apply, Availability, DeclarationType, EnrollmentType, OsVersion, Platform, PlatformSupport, Range, Shape,
    Support,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use self::places::{Example, at_every_place, catalog, spots, without_prose};

fn validate(declaration: &DeclarationType, value: &Value) -> Vec<Finding> {
    payload(catalog(), declaration, value, &Reach::default())
}

#[test]
fn full_examples_have_every_key() {
    for declaration in without_prose().declarations() {
        let example = full_example(without_prose(), &declaration.name).unwrap();
        let spots = spots(declaration, &example["Payload"]);
        let nests_itself = spots.iter().any(|spot| spot.pointer.ends_with("/Folder/0"));
        for spot in spots {
            if let Shape::Dictionary(keys) = spot.shape {
                let value = example["Payload"]
                    .pointer(&spot.pointer)
                    .unwrap()
                    .as_object()
                    .unwrap();
                let inner = spot.pointer.contains("/Folder/");
                assert!(
                    value.len() == keys.len() || nests_itself && inner,
                    "{}",
                    declaration.name
                );
            }
        }
    }
}

fn changed(payload: &Value, pointer: &str, value: Value) -> Value {
    let mut changed = payload.clone();
    *changed.pointer_mut(pointer).unwrap() = value;
    changed
}

/// Asserts that the findings have one of this kind at this place, and none of the kind elsewhere.
fn assert_found(declaration: &DeclarationType, value: &Value, pointer: &str, code: Code, at: At) {
    let findings = validate(declaration, value);
    let found: Vec<_> = findings.iter().filter(|finding| finding.code == code).collect();
    let right = |finding: &&Finding| {
        finding.pointer == pointer && finding.at == at && finding.severity == Severity::Error
    };
    assert!(
        !found.is_empty() && found.iter().all(right),
        "{} {code} at {pointer}: {findings:?}\n{value}",
        declaration.name
    );
}

#[test]
fn examples_are_right() {
    for declaration in catalog().declarations() {
        for (full, example) in [(false, example as Example), (true, full_example)] {
            let example = example(catalog(), &declaration.name).unwrap();
            let keys: Vec<&String> = example.as_object().unwrap().keys().collect();
            assert_eq!(keys, ["Identifier", "Payload", "Type"]);
            assert_eq!(example["Type"], declaration.name);
            assert!(example["Identifier"].as_str().unwrap().len() <= 64);
            let mut findings = validate(declaration, &example["Payload"]);
            // Every key there is has those that are to be used no more.
            findings.retain(|finding| !full || finding.severity == Severity::Error);
            assert!(
                findings.is_empty(),
                "{}: {findings:?}\n{example}",
                declaration.name
            );
        }
    }
    assert_eq!(example(catalog(), "com.apple.configuration.unheard.of"), None);
}

#[test]
fn values_of_another_type_are_refused() {
    at_every_place(|declaration, payload, spot| {
        let others = match spot.shape {
            Shape::Any | Shape::Above(_) => return,
            Shape::Array { .. } => [json!({}), json!("x")],
            Shape::Boolean => [json!("true"), json!(1)],
            Shape::Data | Shape::Date | Shape::String { .. } => [json!(1), json!(["x"])],
            Shape::Dictionary(_) | Shape::Map(_) => [json!([]), json!(null)],
            Shape::Integer { .. } => [json!("1"), json!(1.5)],
            Shape::Real { .. } => [json!("1"), json!(true)],
        };
        for other in others {
            let wrong = changed(payload, &spot.pointer, other);
            assert_found(declaration, &wrong, &spot.pointer, Code::WrongType, At::Value);
        }
    });
}

#[test]
fn values_out_of_bounds_are_refused() {
    fn beyond<T: Copy>(
        range: &Range<T>,
        below: impl Fn(T) -> Option<T>,
        above: impl Fn(T) -> Option<T>,
    ) -> Vec<T> {
        range
            .min
            .and_then(below)
            .into_iter()
            .chain(range.max.and_then(above))
            .collect()
    }

    at_every_place(|declaration, payload, spot| {
        let wrong: Vec<(Value, Code)> = match spot.shape {
            Shape::Integer { allowed, range } if !allowed.is_empty() => {
                let most = allowed.iter().copied().chain(range.max).max().unwrap();
                vec![(json!(most + 1), Code::NotAllowed)]
            }
            Shape::Integer { range, .. } => {
                let beyond = beyond(
                    range,
                    |min: i64| min.checked_sub(1),
                    |max: i64| max.checked_add(1),
                );
                beyond
                    .into_iter()
                    .map(|value| (json!(value), Code::OutOfRange))
                    .collect()
            }
            Shape::Real { range, .. } => {
                let float = |number: &serde_json::Number| number.as_f64().unwrap();
                let range = Range {
                    min: range.min.as_ref().map(float),
                    max: range.max.as_ref().map(float),
                };
                let beyond = beyond(&range, |min| Some(min - 0.5), |max| Some(max + 0.5));
                beyond
                    .into_iter()
                    .map(|value| (json!(value), Code::OutOfRange))
                    .collect()
            }
            Shape::String { allowed, .. } if !allowed.is_empty() => {
                vec![(json!(format!("{}?", allowed[0])), Code::NotAllowed)]
            }
            Shape::String { format: Some(_), .. } | Shape::Data | Shape::Date => {
                vec![(json!("\u{1}"), Code::Format)]
            }
            Shape::Array { count, .. } => {
                let beyond = beyond(
                    count,
                    |min: u64| min.checked_sub(1),
                    |max: u64| max.checked_add(1),
                );
                let elements = |count: u64| json!((0..count).map(Value::from).collect::<Vec<_>>());
                beyond
                    .into_iter()
                    .map(|count| (elements(count), Code::Count))
                    .collect()
            }
            _ => return,
        };
        for (value, code) in wrong {
            let wrong = changed(payload, &spot.pointer, value);
            assert_found(declaration, &wrong, &spot.pointer, code, At::Value);
        }
    });
}

#[test]
fn missing_and_unknown_keys_are_refused() {
    at_every_place(|declaration, payload, spot| {
        if spot.required {
            let (holder, name) = spot.pointer.rsplit_once('/').unwrap();
            let mut wrong = payload.clone();
            let object = wrong.pointer_mut(holder).unwrap().as_object_mut().unwrap();
            object
                .remove(&name.replace("~1", "/").replace("~0", "~"))
                .unwrap();
            assert_found(declaration, &wrong, holder, Code::MissingKey, At::Value);
        }
        if let Shape::Dictionary(keys) = spot.shape {
            assert!(!keys.contains_key("Unheard/of"));
            let mut wrong = payload.clone();
            wrong.pointer_mut(&spot.pointer).unwrap()["Unheard/of"] = json!(1);
            let pointer = format!("{}/Unheard~1of", spot.pointer);
            assert_found(declaration, &wrong, &pointer, Code::UnknownKey, At::Key);
        }
    });
}

#[test]
fn references_name_only_their_kinds() {
    let types: Vec<&str> = catalog()
        .declarations()
        .map(|declaration| declaration.name.as_str())
        .collect();
    at_every_place(|declaration, payload, spot| {
        let (Some(target), Shape::String { .. }) = (spot.target, spot.shape) else {
            return;
        };
        let accepted: Vec<&&str> = types.iter().filter(|name| target.accepts(name)).collect();
        assert!(!accepted.is_empty());
        if !target.types.is_empty() {
            assert!(
                target.types.iter().eq(accepted.iter().copied()),
                "{}",
                declaration.name
            );
        }
        assert!(
            accepted
                .iter()
                .all(|name| name.starts_with(&format!("com.apple.{}.", target.kind)))
        );
        // What the example names is one of them.
        let identifier = payload.pointer(&spot.pointer).unwrap().as_str().unwrap();
        assert!(
            identifier.starts_with(&format!("example.{}", target.kind)),
            "{identifier}"
        );
    });
}

/// The newest version that is older.
fn before(version: OsVersion) -> OsVersion {
    let text = version.to_string();
    let mut parts = text.split('.').map(|part| part.parse::<u32>().unwrap());
    match (parts.next().unwrap(), parts.next().unwrap()) {
        (major, 0) => OsVersion::new(major - 1, 99),
        (major, minor) => OsVersion::new(major, minor - 1),
    }
}

/// Devices of a platform that can take what holds the last of `supports` but not that, with the versions that matter.
fn too_old(declaration: &DeclarationType, supports: &[&Support], platform: Platform) -> Vec<DeviceKind> {
    let Some((support, holders)) = supports.split_last() else {
        return Vec::new();
    };
    let version = match support.on(platform) {
        Some(PlatformSupport::Supported(terms)) => terms.introduced.map(before),
        _ => Some(OsVersion::new(99, 0)),
    };
    let scope = declaration.default_scope(Some(platform));
    let judge = |kind: &DeviceKind, support: &&Support| {
        support.availability(
            Some(platform),
            kind.os_version.as_ref(),
            kind.enrollment,
            kind.scope,
        )
    };
    let unavailable = |judgement| matches!(judgement, Availability::Unavailable(_));
    EnrollmentType::ALL
        .iter()
        .map(|&enrollment| DeviceKind {
            platform,
            os_version: version,
            enrollment: Some(enrollment),
            scope,
            build: None,
        })
        .filter(|kind| unavailable(judge(kind, support)))
        .filter(|kind| !holders.iter().any(|holder| unavailable(judge(kind, holder))))
        .collect()
}

#[test]
fn devices_that_are_too_old_or_other_are_named() {
    let mut judged = BTreeMap::new();
    at_every_place(|declaration, value, spot| {
        // Only where something is said of this key itself.
        let here = spots(declaration, value).into_iter().find(|other| {
            spot.pointer
                .rsplit_once('/')
                .is_some_and(|(holder, _)| holder == other.pointer)
        });
        if here.is_some_and(|holder| holder.supports.len() == spot.supports.len()) {
            return;
        }
        let at = if spot.pointer.is_empty() {
            At::Type
        } else {
            At::Key
        };
        for &platform in Platform::ALL {
            for kind in too_old(declaration, &spot.supports, platform) {
                let reach = Reach {
                    devices: vec![kind],
                    devices_only: true,
                    ..Reach::default()
                };
                let findings = payload(catalog(), declaration, value, &reach);
                let found = findings
                    .iter()
                    .find(|finding| finding.pointer == spot.pointer && finding.at == at);
                let found = found.unwrap_or_else(|| panic!("{} {}: {kind}", declaration.name, spot.pointer));
                let is_new = at == At::Key && found.message.contains(": needs ");
                let code = if is_new { Code::TooNew } else { Code::Unsupported };
                assert_eq!((found.code, found.severity), (code, Severity::Error));
                assert!(found.message.contains(&kind.to_string()), "{}", found.message);
                *judged.entry(at).or_insert(0) += 1;
            }
        }
    });
    assert!(judged[&At::Type] > 100 && judged[&At::Key] > 100, "{judged:?}");
}

#[test]
fn what_combined_payloads_come_to_is_right() {
    let mut combined = 0;
    for declaration in catalog().declarations() {
        let [one, other] = [example as Example, full_example].map(|example| {
            let mut example = example(catalog(), &declaration.name).unwrap();
            example["Payload"].take()
        });
        let effective = declaration.effective(&[&one, &other, &other]);
        match declaration.apply {
            Some(Apply::Combined) => {
                let effective = effective.unwrap();
                assert!(
                    effective.conflicts.is_empty(),
                    "{}: {:?}",
                    declaration.name,
                    effective.conflicts
                );
                let mut findings = validate(declaration, &effective.value);
                findings.retain(|finding| finding.severity == Severity::Error);
                assert!(findings.is_empty(), "{}: {findings:?}", declaration.name);
                combined += 1;
            }
            Some(Apply::Single) => assert_eq!(effective.unwrap().conflicts.len(), 1),
            Some(Apply::Multiple) | None => assert_eq!(effective, None),
        }
    }
    assert!(combined > 10);
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}|https?://[a-z.:/]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[A-Z][a-z]{0,8}|\\PC{0,4}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    /// Whatever stands at some place of a payload, each finding leads to something, and all are in order.
    #[test]
    fn any_payload_is_judged(value in any_json(), choice in any::<prop::sample::Index>(), place in any::<prop::sample::Index>()) {
        let declarations: Vec<_> = catalog().declarations().collect();
        let declaration = *choice.get(&declarations);
        let example = full_example(catalog(), &declaration.name).unwrap();
        let spots = spots(declaration, &example["Payload"]);
        let wrong = changed(&example["Payload"], &place.get(&spots).pointer, value);
        for finding in validate(declaration, &wrong) {
            prop_assert!(wrong.pointer(&finding.pointer).is_some(), "{finding:?}");
            prop_assert!(!finding.message.is_empty() && finding.message.len() < 2000);
            prop_assert!(!finding.message.chars().any(char::is_control));
        }
    }
}
