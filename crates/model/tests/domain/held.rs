//! What a device lists, packed and unpacked.

use std::collections::BTreeSet;

use ordain_catalog::Kind;
use ordain_model::held::{self, Held, Listing, NOT_ACTIVATED, NOT_CONFIGURED, PREDICATE, Placed};
use ordain_model::ids::Digest;
use ordain_model::manifest::{Entry, Manifest};
use ordain_model::report::{Listed, Reason, Validity};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::fixtures::{digest, listed};

const KINDS: [Kind; 4] = [
    Kind::Activation,
    Kind::Asset,
    Kind::Configuration,
    Kind::Management,
];

fn entry(kind: Kind, identifier: &str, content: usize) -> Entry {
    Entry {
        kind,
        identifier: identifier.into(),
        server_token: digest(&format!("{kind} {identifier} {content}")),
        type_name: String::new(),
        references: BTreeSet::new(),
        downloads: BTreeSet::new(),
        predicate: None,
        properties: Default::default(),
    }
}

/// Manifests over a few names, each in one of two revisions.
fn any_manifest() -> impl Strategy<Value = Manifest> {
    let entries = prop::collection::btree_map((0..4_usize, 0..5_usize), 0..2_usize, 0..12);
    entries.prop_map(|entries| {
        let entry = |((kind, name), content): ((usize, usize), usize)| {
            entry(KINDS[kind], ["a", "b", "c", "d", "e"][name], content)
        };
        Manifest::new(entries.into_iter().map(entry).collect(), vec![])
    })
}

fn any_reason() -> impl Strategy<Value = Reason> {
    let codes = [PREDICATE, NOT_ACTIVATED, NOT_CONFIGURED, "Error.X", "Info.Y"];
    let details = prop::option::of(prop::sample::select(vec![
        json!({"Error": 1}),
        json!("text"),
        json!({"Identifier": "a", "More": 0}),
    ]));
    (
        prop::sample::select(codes.to_vec()),
        prop::option::of("[a-z]{0,3}"),
        details,
    )
        .prop_map(|(code, description, details)| Reason {
            code: code.into(),
            description,
            details,
        })
}

/// Lists over the same names, whatever their kinds say, each (identifier, token) once.
fn any_listing() -> impl Strategy<Value = Listing<'static>> {
    let state = (
        any::<bool>(),
        prop::sample::select(vec![Validity::Valid, Validity::Invalid, Validity::Unknown]),
        prop::collection::vec(any_reason(), 0..3),
    );
    prop::collection::btree_map((0..4_usize, 0..6_usize, 0..3_usize), state, 0..20).prop_map(|states| {
        let mut listing = Listing::new();
        for ((kind, name, content), (active, valid, reasons)) in states {
            let known = entry(KINDS[kind], ["a", "b", "c", "d", "e", "f"][name], content);
            let said = Listed {
                reasons,
                ..listed(&known, active, valid, &[])
            };
            listing.entry(KINDS[kind]).or_default().push(said);
        }
        listing
    })
}

fn pack(listing: &Listing<'_>, manifest: &Manifest) -> Held {
    Held::pack(&Placed::new(listing, manifest))
}

fn held_token(listing: &Listing<'_>, manifests: &[&Manifest]) -> Digest {
    let placed: Vec<_> = manifests
        .iter()
        .map(|manifest| Placed::new(listing, manifest))
        .collect();
    held::held_token(listing, &placed.iter().collect::<Vec<_>>())
}

/// A listing as a set, in an order that says nothing.
fn set(listing: &Listing<'_>) -> BTreeSet<(Kind, String)> {
    let all = listing
        .iter()
        .flat_map(|(&kind, list)| list.iter().map(move |listed| (kind, listed)));
    all.map(|(kind, listed)| (kind, serde_json::to_string(listed).unwrap()))
        .collect()
}

proptest! {
    #[test]
    fn everything_comes_back(listing in any_listing(), manifest in any_manifest()) {
        let held = pack(&listing, &manifest);
        prop_assert_eq!(set(&held.unpack(Some(&manifest))), set(&listing));
        let stored: Held = serde_json::from_str(&serde_json::to_string(&held).unwrap()).unwrap();
        prop_assert_eq!(&stored, &held);
        let again = pack(&held.unpack(Some(&manifest)), &manifest);
        prop_assert_eq!(again, held, "packing again changes nothing");
    }

    #[test]
    fn the_order_of_a_listing_says_nothing(listing in any_listing(), manifest in any_manifest()) {
        let mut turned = listing.clone();
        turned.values_mut().for_each(|list| list.reverse());
        prop_assert_eq!(pack(&turned, &manifest), pack(&listing, &manifest));
        prop_assert_eq!(held_token(&turned, &[&manifest]), held_token(&listing, &[&manifest]));
    }

    #[test]
    fn a_device_that_lists_a_manifest_holds_it(manifest in any_manifest(), old in any_listing()) {
        let mut listing = Listing::new();
        for entry in manifest.entries() {
            listing.entry(entry.kind).or_default().push(listed(entry, true, Validity::Valid, &[]));
        }
        prop_assert_eq!(held_token(&listing, &[]), manifest.token());
        // Other revisions of the same declarations beside it, while it changes, do not count.
        for (kind, list) in old {
            let beside = list.into_iter().filter(|listed| manifest.find(kind, &listed.identifier).is_some());
            let listing = listing.entry(kind).or_default();
            for one in beside {
                if !listing.iter().any(|known| known.identifier == one.identifier && known.server_token == one.server_token) {
                    listing.insert(0, one);
                }
            }
        }
        prop_assert_eq!(held_token(&listing, &[&manifest]), manifest.token());
        // One declaration less or more is another set.
        if let Some(gone) = manifest.entries().first() {
            let mut less = listing.clone();
            less.entry(gone.kind).or_default().retain(|listed| listed.identifier != gone.identifier);
            prop_assert_ne!(held_token(&less, &[&manifest]), manifest.token());
        }
        let more = listed(&entry(Kind::Asset, "more", 0), true, Validity::Valid, &[]);
        listing.entry(Kind::Asset).or_default().push(more);
        prop_assert_ne!(held_token(&listing, &[&manifest]), manifest.token());
    }
}

#[test]
fn what_the_manifest_says_is_not_kept_again() {
    let known = entry(Kind::Activation, "a", 0);
    let manifest = Manifest::new(vec![known.clone()], vec![]);
    let reason = |details: Value| Reason {
        code: PREDICATE.into(),
        description: None,
        details: Some(details),
    };
    let listing = |details: Value| {
        let said = Listed {
            reasons: vec![reason(details)],
            ..listed(&known, false, Validity::Valid, &[])
        };
        Listing::from([(Kind::Activation, vec![said])])
    };
    let repeated = listing(json!({"Identifier": "a", "ServerToken": "t", "Predicate": "FALSEPREDICATE"}));
    let more = listing(json!({"Identifier": "a", "Surprise": true}));
    let packed = |listing: &Listing<'_>| pack(listing, &manifest);
    assert_eq!(
        packed(&repeated).unpack(Some(&manifest))[&Kind::Activation][0].reasons[0].details,
        None
    );
    assert_eq!(packed(&more).unpack(Some(&manifest)), more);
}

#[test]
fn against_another_manifest_what_was_packed_is_lost_and_no_more() {
    let (a, b) = (
        entry(Kind::Configuration, "a", 0),
        entry(Kind::Configuration, "b", 0),
    );
    let manifest = Manifest::new(vec![a.clone()], vec![]);
    let said = [&a, &b]
        .map(|entry| listed(entry, true, Validity::Valid, &[]))
        .to_vec();
    let held = pack(&Listing::from([(Kind::Configuration, said.clone())]), &manifest);
    for other in [None, Some(&Manifest::new(vec![b.clone()], vec![]))] {
        assert_eq!(
            held.unpack(other),
            Listing::from([(Kind::Configuration, said[1..].to_vec())])
        );
    }
    assert_eq!(
        held_token(&Listing::new(), &[]),
        Manifest::new(vec![], vec![]).token()
    );
    let strange = Listing::from([(
        Kind::Asset,
        vec![Listed {
            server_token: "no digest".into(),
            ..said[0].clone()
        }],
    )]);
    assert_ne!(held_token(&strange, &[]), Digest::of(b""));
}
