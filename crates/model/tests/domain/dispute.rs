//! What devices make of predicates, against what their reports make of them.

use ordain_catalog::Kind;
use ordain_model::compile::ACTIVATION_TYPE;
use ordain_model::declaration::Declaration;
use ordain_model::dispute::{Agreement, compare};
use ordain_model::held::{Listing, Placed};
use ordain_model::manifest::{Manifest, PROPERTIES_TYPE};
use ordain_model::report::Validity::{self, Invalid, Valid};
use serde_json::{Value, json};

use crate::fixtures::*;
use crate::reporter::*;

fn made(type_name: &str, identifier: &str, payload: Value) -> Declaration {
    let Value::Object(payload) = payload else {
        panic!("an object")
    };
    let kind = Kind::of_type(type_name).unwrap();
    Declaration::new(kind, type_name.into(), identifier.into(), payload).unwrap()
}

fn conditional(predicate: &str) -> Declaration {
    let payload = json!({"StandardConfigurations": ["a"], "Predicate": predicate});
    made(ACTIVATION_TYPE, "act", payload)
}

fn properties(identifier: &str, payload: Value) -> Declaration {
    made(PROPERTIES_TYPE, identifier, payload)
}

/// What is made of `predicate` where the device lists the activation so and has reported that it is a Mac; the first so
/// many of the property declarations are listed.
fn agreement(
    predicate: &str,
    said: (bool, Validity, &str),
    defining: &[Declaration],
    held: usize,
) -> Agreement {
    let activation = conditional(predicate);
    let all: Vec<&Declaration> = defining.iter().chain([&activation]).collect();
    let manifest = manifest(&all);
    let mut listing = Listing::new();
    for entry in manifest.entries() {
        let codes = if said.2.is_empty() { vec![] } else { vec![said.2] };
        let listed = match entry.kind {
            Kind::Activation => listed(entry, said.0, said.1, &codes),
            _ => listed(entry, false, Valid, &[]),
        };
        listing.entry(entry.kind).or_default().push(listed);
    }
    listing.entry(Kind::Management).or_default().truncate(held);
    let items = [("device.model.family".to_owned(), json!("Mac"))].into();
    compare(&Placed::new(&listing, &manifest), &items, 0).agreement()
}

#[test]
fn only_what_both_know_can_be_disputed() {
    const TRUE: (bool, Validity, &str) = (true, Valid, "");
    const FALSE: (bool, Validity, &str) = (false, Valid, "Info.Predicate");
    const NOTHING: (bool, Validity, &str) = (false, Valid, "");
    const UNREADABLE: (bool, Validity, &str) = (false, Invalid, "Error.UnableToParsePredicate");
    const FAILED: (bool, Validity, &str) = (false, Invalid, "Error.PredicateFailed");
    let is_mac = "@status(device.model.family) == 'Mac'";
    let is_ipad = "@status(device.model.family) == 'iPad'";
    let unknown = "@status(passcode.is-present) == TRUE";
    use Agreement::{Agreed, Disputed, NotComparable};
    for (predicate, said, expected) in [
        (is_mac, TRUE, Agreed),
        (is_mac, FALSE, Disputed),
        (is_mac, FAILED, Disputed),
        (is_mac, UNREADABLE, Disputed),
        (is_mac, NOTHING, NotComparable),
        (is_ipad, FALSE, Agreed),
        (is_ipad, TRUE, Disputed),
        (unknown, TRUE, NotComparable),
        (unknown, FALSE, NotComparable),
        (unknown, FAILED, NotComparable),
        // It was readable enough to be published.
        (unknown, UNREADABLE, Disputed),
    ] {
        assert_eq!(
            agreement(predicate, said, &[], 0),
            expected,
            "{predicate} {said:?}"
        );
    }
    // A property counts once the device holds what defines it, and when nothing else does.
    let adult = "@property(age) >= 18";
    let [one, other] = ["one", "other"].map(|name| properties(name, json!({"age": 20})));
    for (defining, held, expected) in [
        (vec![one.clone()], 1, Disputed),
        (vec![one.clone()], 0, NotComparable),
        (vec![one.clone(), other.clone()], 2, NotComparable),
        (vec![one, other], 1, Disputed),
        (vec![], 0, NotComparable),
    ] {
        assert_eq!(
            agreement(adult, FALSE, &defining, held),
            expected,
            "{held} of {defining:?}"
        );
    }
}

/// What is in a manifest comes back as it was stored.
#[test]
fn predicates_and_properties_are_kept_with_the_manifest() {
    let org = made(ORGANIZATION, "org", json!({"Name": "Predicate"}));
    let manifest = manifest(&[&conditional("1 == 1"), &properties("p", json!({"age": 20})), &org]);
    let stored: Manifest = serde_json::from_value(json!(manifest)).unwrap();
    assert_eq!(stored, *manifest);
    let kept: Vec<_> = stored
        .entries()
        .iter()
        .map(|entry| (&entry.predicate, entry.properties.len()))
        .collect();
    assert_eq!(kept, [(&Some("1 == 1".to_owned()), 0), (&None, 0), (&None, 1)]);
    assert_eq!(
        serde_json::to_value(&stored.entries()[1])
            .unwrap()
            .as_object()
            .unwrap()
            .len(),
        4
    );
}

#[test]
fn disputes_are_counted_with_the_verdicts() {
    let mut device = Device::new();
    device.wanted.manifest = manifest(&[
        &conditional("@status(device.model.family) == 'Mac'"),
        &declaration(PASSCODE, "a", &[]),
    ]);
    device.pins();
    let disputed = |device: &Device| device.enrollment.standing.as_ref().unwrap().disputed;
    let by_predicate = |kind| match kind {
        Kind::Activation => (false, Valid, &["Info.Predicate"][..]),
        _ => (false, Validity::Unknown, &[][..]),
    };
    let manifest = device.wanted.manifest.clone();
    device.reports(lists(&manifest, by_predicate));
    assert_eq!(disputed(&device), 0, "it has not said what it is");
    device.reports(items(json!({"device.model.family": "Mac"})));
    assert_eq!(disputed(&device), 1);
    assert!(!device.reports(items(json!({"device.model.family": "Mac"}))));
    device.reports(good(&manifest));
    assert_eq!(disputed(&device), 0);
}
