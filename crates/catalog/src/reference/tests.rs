use std::collections::BTreeSet;

use serde_json::json;

use super::*;
use crate::{Keys, Kind, Range, Support};

fn target() -> Target {
    Target {
        kind: Kind::Asset,
        types: BTreeSet::new(),
        content_types: BTreeSet::new(),
    }
}

/// A string that names an asset.
fn name() -> Key {
    Key {
        refers: Some(target()),
        ..Shape::STRING.into()
    }
}

fn dictionary<const N: usize>(keys: [(&str, Key); N]) -> Shape {
    let keys = keys.into_iter().map(|(name, key)| (name.to_owned(), key));
    Shape::Dictionary(keys.collect())
}

fn found(payload: &Shape, value: &Value) -> Vec<(String, String)> {
    let declaration = DeclarationType {
        name: "com.apple.configuration.x".to_owned(),
        kind: Kind::Configuration,
        apply: None,
        support: Support::default(),
        payload: payload.clone(),
        content_types: BTreeSet::new(),
        status_items: BTreeSet::new(),
        reasons: BTreeSet::new(),
    };
    let found = declaration.references_in(value);
    for found in &found {
        assert_eq!(value.pointer(&found.pointer).unwrap(), found.identifier);
    }
    let pairs = found.into_iter().map(|r| (r.pointer, r.identifier.to_owned()));
    pairs.collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|&(a, b)| (a.to_owned(), b.to_owned())).collect()
}

#[test]
fn identifiers_are_found_through_keys_and_arrays() {
    let inner = dictionary([("C", name()), ("D", Shape::STRING.into())]);
    let list = dictionary([("B", Shape::array_of(inner.clone()).into())]);
    let payload = json!({"A": {"B": [{"C": "one"}, {"D": "x"}, {"C": "two"}]}});
    assert_eq!(
        found(&dictionary([("A", list.into())]), &payload),
        pairs(&[("/A/B/0/C", "one"), ("/A/B/2/C", "two")])
    );
    let map = Shape::Map(Box::new(inner.into()));
    let payload = json!({"A": {"com.example/a~b": {"C": "one"}, "z": {"C": "two"}}});
    assert_eq!(
        found(&dictionary([("A", map.into())]), &payload),
        pairs(&[("/A/com.example~1a~0b/C", "one"), ("/A/z/C", "two")])
    );
    let names = Key {
        refers: Some(target()),
        ..Shape::array_of(Shape::STRING).into()
    };
    assert_eq!(
        found(&dictionary([("A", names)]), &json!({"A": ["one", "two"]})),
        pairs(&[("/A/0", "one"), ("/A/1", "two")])
    );
}

#[test]
fn items_and_keys_within_themselves() {
    let form = dictionary([("C", name())]);
    let items = Shape::Array {
        elements: Elements::ByItem([("One".to_owned(), form.into())].into()),
        count: Range::default(),
    };
    let payload = json!({"A": [{"Item": "One", "C": "one"}, {"Item": "Two", "C": "two"}, {"C": "three"}]});
    assert_eq!(
        found(&dictionary([("A", items.into())]), &payload),
        pairs(&[("/A/0/C", "one")])
    );
    let folder = dictionary([("Folder", Shape::Above(2).into()), ("C", name())]);
    let nested = dictionary([("A", Shape::array_of(folder).into()), ("B", name())]);
    let payload =
        json!({"A": [{"Folder": [{"Folder": [{"C": "in"}], "C": "mid"}]}, {"C": "out"}], "B": "last"});
    assert_eq!(
        found(&nested, &payload),
        pairs(&[
            ("/A/0/Folder/0/C", "mid"),
            ("/A/0/Folder/0/Folder/0/C", "in"),
            ("/A/1/C", "out"),
            ("/B", "last"),
        ])
    );
    let beyond = dictionary([("A", Shape::Above(9).into())]);
    assert_eq!(found(&beyond, &json!({"A": {"A": "x"}})), []);
}

#[test]
fn other_shapes_are_passed_over() {
    let names = Key {
        refers: Some(target()),
        ..Shape::array_of(Shape::STRING).into()
    };
    let payload = Shape::Dictionary(Keys::from([("A".to_owned(), names)]));
    for value in [
        json!(null),
        json!("one"),
        json!([{"A": "one"}]),
        json!({"A": null}),
        json!({"A": 1}),
        json!({"A": "one"}),
        json!({"A": {"0": "one"}}),
        json!({"A": [["one"], {"A": "one"}, 1]}),
    ] {
        assert_eq!(found(&payload, &value), [], "{value}");
    }
}
