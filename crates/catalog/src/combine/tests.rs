use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{Keys, Kind, Range, Support};

fn ruled(combine: Combine, shape: Shape) -> Key {
    Key {
        combine: Some(combine),
        ..shape.into()
    }
}

fn words(words: &[&str]) -> Shape {
    Shape::String {
        allowed: words.iter().map(|&word| word.to_owned()).collect(),
        pattern: None,
        format: None,
    }
}

fn keys<const N: usize>(keys: [(&str, Key); N]) -> Keys {
    keys.into_iter()
        .map(|(name, key)| (name.to_owned(), key))
        .collect()
}

fn settings() -> Shape {
    let integer = || Shape::Integer {
        allowed: Vec::new(),
        range: Range::default(),
    };
    let strings = || Shape::array_of(Shape::STRING);
    let group = keys([
        ("Group", Shape::STRING.into()),
        ("Marks", ruled(Combine::ArrayAppend, strings())),
    ]);
    Shape::Dictionary(keys([
        ("And", ruled(Combine::BooleanAnd, Shape::Boolean)),
        ("Append", ruled(Combine::ArrayAppend, strings())),
        ("First", ruled(Combine::First, Shape::any_dictionary())),
        ("Groups", Shape::array_of(Shape::Dictionary(group)).into()),
        ("Intersection", ruled(Combine::SetIntersection, strings())),
        (
            "Last",
            ruled(Combine::EnumLast, words(&["Weak", "Middle", "Strong"])),
        ),
        ("Max", ruled(Combine::NumberMax, integer())),
        ("Min", ruled(Combine::NumberMin, integer())),
        ("Or", ruled(Combine::BooleanOr, Shape::Boolean)),
        (
            "Per",
            Shape::Map(Box::new(
                Shape::Dictionary(keys([("Or", ruled(Combine::BooleanOr, Shape::Boolean))])).into(),
            ))
            .into(),
        ),
        ("Plain", Shape::STRING.into()),
        (
            "Start",
            ruled(Combine::EnumFirst, words(&["Weak", "Middle", "Strong"])),
        ),
        ("Union", ruled(Combine::SetUnion, strings())),
    ]))
}

fn merged(values: &[Value]) -> Effective {
    effective(&settings(), &values.iter().collect::<Vec<_>>())
}

#[test]
fn each_rule_makes_one_of_several() {
    for (one, other, result) in [
        (json!({"And": true}), json!({"And": false}), json!({"And": false})),
        (json!({"Or": true}), json!({"Or": false}), json!({"Or": true})),
        (json!({"Max": 3}), json!({"Max": 12}), json!({"Max": 12})),
        (json!({"Min": 3}), json!({"Min": 12}), json!({"Min": 3})),
        (
            json!({"Last": "Strong"}),
            json!({"Last": "Middle"}),
            json!({"Last": "Strong"}),
        ),
        (
            json!({"Start": "Strong"}),
            json!({"Start": "Middle"}),
            json!({"Start": "Middle"}),
        ),
        (
            json!({"First": {"A": 1}}),
            json!({"First": {"B": 1}}),
            json!({"First": {"A": 1}}),
        ),
        (
            json!({"Append": ["a"]}),
            json!({"Append": ["b", "a"]}),
            json!({"Append": ["a", "b", "a"]}),
        ),
        (
            json!({"Union": ["a"]}),
            json!({"Union": ["b", "a"]}),
            json!({"Union": ["a", "b"]}),
        ),
        (
            json!({"Intersection": ["a", "c", "a"]}),
            json!({"Intersection": ["b", "a"]}),
            json!({"Intersection": ["a"]}),
        ),
        (
            json!({"Per": {"x/y": {"Or": false}, "z": {"Or": false}}}),
            json!({"Per": {"x/y": {"Or": true}}}),
            json!({"Per": {"x/y": {"Or": true}, "z": {"Or": false}}}),
        ),
        (
            json!({"Groups": [{"Group": "a", "Marks": ["1"]}]}),
            json!({"Groups": [{"Group": "b", "Marks": ["2"]}, {"Group": "a", "Marks": ["3"]}]}),
            json!({"Groups": [{"Group": "a", "Marks": ["1", "3"]}, {"Group": "b", "Marks": ["2"]}]}),
        ),
        (
            json!({"Plain": "a"}),
            json!({"Plain": "a", "Or": true}),
            json!({"Plain": "a", "Or": true}),
        ),
    ] {
        let effective = merged(&[one, other]);
        assert_eq!(effective.value, result);
        assert!(effective.conflicts.is_empty(), "{result}");
    }
}

#[test]
fn what_no_rule_decides_is_a_conflict() {
    for (one, other, pointer) in [
        (json!({"Plain": "a"}), json!({"Plain": "b"}), "/Plain"),
        (
            json!({"Per": {"x/y": {"Else": 1}}}),
            json!({"Per": {"x/y": {"Else": 2}}}),
            "/Per/x~1y/Else",
        ),
        (json!({"Last": "Strong"}), json!({"Last": "Unheard"}), "/Last"),
        (json!({"Max": 3}), json!({"Max": "many"}), "/Max"),
        (json!({"And": true}), json!({"And": 1}), "/And"),
        (json!({"Union": ["a"]}), json!({"Union": "a"}), "/Union"),
        (json!({}), json!([]), ""),
    ] {
        let effective = merged(&[one.clone(), other.clone(), one.clone()]);
        assert_eq!(effective.value, one);
        let conflict = &effective.conflicts[0];
        assert_eq!(
            (conflict.pointer.as_str(), effective.conflicts.len()),
            (pointer, 1)
        );
        let expected = [one, other].map(|value| value.pointer(pointer).unwrap().clone());
        assert_eq!(conflict.values, expected);
    }
}

#[test]
fn single_types_have_one_payload() {
    let declaration = |apply| DeclarationType {
        name: "com.apple.configuration.x".to_owned(),
        kind: Kind::Configuration,
        apply,
        support: Support::default(),
        payload: settings(),
        content_types: BTreeSet::new(),
        status_items: BTreeSet::new(),
        reasons: BTreeSet::new(),
    };
    let (one, other) = (json!({"Or": true}), json!({"Or": false}));
    let single = declaration(Some(Apply::Single));
    assert!(single.effective(&[&one, &one]).unwrap().conflicts.is_empty());
    let effective = single.effective(&[&one, &other]).unwrap();
    assert_eq!(effective.value, one);
    assert_eq!(
        (
            effective.conflicts[0].pointer.as_str(),
            effective.conflicts[0].values.len()
        ),
        ("", 2)
    );
    assert_eq!(
        declaration(Some(Apply::Combined))
            .effective(&[&other, &one])
            .unwrap()
            .value,
        one
    );
    assert_eq!(declaration(Some(Apply::Multiple)).effective(&[&one]), None);
    assert_eq!(declaration(None).effective(&[&one]), None);
    assert_eq!(single.effective(&[]), None);
}

fn payloads() -> impl Strategy<Value = Vec<Value>> {
    let words = prop::collection::vec("[a-c]", 0..4);
    let payload = (
        any::<bool>(),
        any::<i8>(),
        words,
        prop::sample::select(vec!["Weak", "Middle", "Strong"]),
    );
    let payload = payload.prop_map(|(or, max, union, last)| {
        json!({"And": or, "Or": or, "Max": max, "Min": max, "Union": union, "Intersection": union, "Last": last})
    });
    prop::collection::vec(payload, 1..5)
}

proptest! {
    /// But for the order of arrays, whoever comes first.
    #[test]
    fn order_does_not_matter_where_the_schema_gives_none(mut payloads in payloads()) {
        let sorted = |effective: Effective| {
            let mut value = effective.value;
            for values in value.as_object_mut().unwrap().values_mut() {
                if let Value::Array(values) = values {
                    values.sort_by_key(Value::to_string);
                }
            }
            (value, effective.conflicts.len())
        };
        let forwards = sorted(merged(&payloads));
        payloads.reverse();
        prop_assert_eq!(&sorted(merged(&payloads)), &forwards);
        prop_assert_eq!(forwards.1, 0);
    }
}
