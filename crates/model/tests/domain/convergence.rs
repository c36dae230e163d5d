//! The verdict over each declaration, as a table and against a naive reference.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ordain_catalog::Kind;
use ordain_model::convergence::{Verdict, assess, count};
use ordain_model::held::{Listing, Placed};
use ordain_model::manifest::{Entry, Manifest};
use ordain_model::report::Validity::{self, Invalid, Unknown, Valid};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::fixtures::*;

const PREDICATE: &str = "Info.Predicate";
const BLAMED: &str = "Error.ActivationFailed";

/// One activation of two configurations; the second needs an asset; one management declaration.
fn world() -> Arc<Manifest> {
    manifest(&[
        &activation("act", &["passcode", "cert"]),
        &declaration(PASSCODE, "passcode", &[]),
        &declaration(CERTIFICATE, "cert", &["asset"]),
        &declaration(CREDENTIAL, "asset", &[]),
        &declaration(ORGANIZATION, "org", &[]),
    ])
}

type State<'a> = (&'a str, bool, Validity, &'a [&'a str]);

fn listing(manifest: &Manifest, states: &[State]) -> Listing<'static> {
    let mut listing = Listing::new();
    for &(identifier, active, valid, codes) in states {
        let entry = manifest
            .entries()
            .iter()
            .find(|entry| entry.identifier == identifier)
            .unwrap();
        listing
            .entry(entry.kind)
            .or_default()
            .push(listed(entry, active, valid, codes));
    }
    listing
}

/// One letter for each of act, asset, cert, passcode, org: Confirmed, Settled, Failed, Pending.
fn letters(manifest: &Manifest, states: &[State], items: Value) -> String {
    let Value::Object(items) = items else {
        panic!("an object")
    };
    let items: BTreeMap<String, Value> = items.into_iter().collect();
    let listing = listing(manifest, states);
    let verdicts = assess(&Placed::new(&listing, manifest), &items);
    let letter = |verdict: &Verdict| match verdict {
        Verdict::Confirmed => 'C',
        Verdict::Settled => 'S',
        Verdict::Failed(_) => 'F',
        Verdict::Pending => 'P',
    };
    verdicts.iter().map(letter).collect()
}

#[test]
fn verdicts() {
    let good: Vec<State> = vec![
        ("act", true, Valid, &[]),
        ("asset", true, Valid, &[]),
        ("cert", true, Valid, &[]),
        ("passcode", true, Valid, &[]),
        ("org", false, Valid, &[]),
    ];
    let with = |changes: &[State<'static>]| {
        let mut states = good.clone();
        for change in changes {
            let place = states.iter().position(|state| state.0 == change.0).unwrap();
            states[place] = *change;
        }
        letters(&world(), &states, json!({}))
    };
    let off: State = ("act", false, Valid, &[PREDICATE]);
    let idle: [State; 2] = [("cert", false, Unknown, &[]), ("passcode", false, Unknown, &[])];
    assert_eq!(letters(&world(), &[], json!({})), "PPPPP", "nothing said");
    assert_eq!(with(&[]), "CCCCC");
    assert_eq!(with(&[("org", true, Unknown, &[])]), "CCCCP");
    assert_eq!(with(&[("act", true, Unknown, &[])]), "PCCCC");
    assert_eq!(
        with(&[("act", false, Valid, &[])]),
        "CCCCC",
        "valid is all that an activation need be"
    );
    assert_eq!(
        with(&[("act", false, Invalid, &["Error.UnableToParsePredicate"])]),
        "FCCCC"
    );
    // A configuration must be active and valid.
    assert_eq!(with(&[("passcode", true, Unknown, &[])]), "CCCPC");
    assert_eq!(with(&[("passcode", false, Valid, &[])]), "CCCPC");
    assert_eq!(with(&[("passcode", true, Invalid, &[])]), "CCCFC");
    assert_eq!(
        with(&[("passcode", true, Valid, &["Error.ConfigurationCannotBeApplied"])]),
        "CCCFC"
    );
    assert_eq!(
        with(&[("passcode", true, Valid, &["Info.UnsupportedSettings"])]),
        "CCCCC"
    );
    assert_eq!(
        with(&[("asset", true, Invalid, &["Error.AssetCannotBeVerified"])]),
        "CFCCC"
    );
    // Out of force by predicate: neither failure nor success.
    assert_eq!(with(&[off, idle[0], idle[1]]), "CCSSC");
    assert_eq!(
        with(&[off, idle[0], idle[1], ("asset", false, Unknown, &[])]),
        "CSSSC"
    );
    assert_eq!(
        with(&[
            off,
            idle[0],
            idle[1],
            ("asset", false, Unknown, &["Info.NotReferencedByConfiguration"])
        ]),
        "CSSSC"
    );
    assert_eq!(
        with(&[("act", false, Valid, &[]), idle[0], idle[1]]),
        "CCPPC",
        "no word of a predicate"
    );
    assert_eq!(
        with(&[off, ("cert", true, Valid, &[]), idle[1]]),
        "CCCSC",
        "in force all the same"
    );
    assert_eq!(
        with(&[("act", true, Valid, &[PREDICATE]), idle[0], idle[1]]),
        "CCPPC"
    );
    assert_eq!(
        with(&[("act", false, Unknown, &[PREDICATE]), idle[0], idle[1]]),
        "PCPPC"
    );
    // The activation is blamed for it, by some systems: by those whose predicate is false, that is settled;
    assert_eq!(
        with(&[
            off,
            ("cert", false, Invalid, &[BLAMED]),
            ("passcode", false, Unknown, &[BLAMED])
        ]),
        "CCSSC"
    );
    assert_eq!(
        with(&[off, idle[0], idle[1], ("asset", false, Invalid, &[BLAMED])]),
        "CSSSC"
    );
    assert_eq!(
        with(&[
            off,
            idle[0],
            idle[1],
            ("asset", false, Unknown, &["Error.ConfigurationFailed"])
        ]),
        "CSSSC"
    );
    // else it failed, and so did what has faults of its own, or is invalid without a word.
    assert_eq!(with(&[("passcode", false, Invalid, &[BLAMED])]), "CCCFC");
    assert_eq!(
        with(&[
            off,
            (
                "passcode",
                false,
                Invalid,
                &[BLAMED, "Error.ConfigurationIsInvalid"]
            ),
            idle[0]
        ]),
        "CCSFC"
    );
    assert_eq!(with(&[off, idle[0], ("passcode", false, Invalid, &[])]), "CCSFC");
    assert_eq!(
        with(&[
            off,
            idle[0],
            idle[1],
            ("asset", false, Invalid, &["Error.AssetCannotBeDownloaded"])
        ]),
        "CFSSC"
    );
    assert_eq!(
        with(&[off, ("cert", true, Valid, &[]), ("asset", false, Unknown, &[])]),
        "CPCCC",
        "it is in use"
    );
}

#[test]
fn all_activations_must_be_off() {
    let manifest = manifest(&[
        &activation("one", &["cfg"]),
        &activation("two", &["cfg"]),
        &declaration(PASSCODE, "cfg", &[]),
    ]);
    let of = |states: &[State]| letters(&manifest, states, json!({}));
    let cfg: State = ("cfg", false, Unknown, &[]);
    assert_eq!(
        of(&[
            ("one", false, Valid, &[PREDICATE]),
            ("two", false, Valid, &[PREDICATE]),
            cfg
        ]),
        "CCS"
    );
    assert_eq!(
        of(&[
            ("one", false, Valid, &[PREDICATE]),
            ("two", true, Valid, &[]),
            cfg
        ]),
        "CCP"
    );
    assert_eq!(
        of(&[("one", false, Valid, &[PREDICATE]), cfg]),
        "CPP",
        "the other says nothing yet"
    );
}

#[test]
fn another_token_says_nothing() {
    let manifest = world();
    let mut listing = listing(&manifest, &[("passcode", true, Valid, &[])]);
    listing.get_mut(&Kind::Configuration).unwrap()[0].server_token = digest("old").to_string().into();
    let verdicts = assess(&Placed::new(&listing, &manifest), &BTreeMap::new());
    assert_eq!(count(&verdicts).pending, 5);
}

#[test]
fn status_items_that_name_a_declaration_count() {
    let good: [State; 2] = [("cert", true, Valid, &[]), ("passcode", true, Valid, &[])];
    let of = |items: Value| letters(&world(), &good, items).replace('P', "");
    let app = |element: Value| of(json!({"app.managed.list": [element]}));
    assert_eq!(
        app(json!({"identifier": "x", "declaration-identifier": "cert", "state": "managed"})),
        "CC"
    );
    assert_eq!(
        app(json!({"identifier": "x", "declaration-identifier": "cert", "state": "failed"})),
        "FC"
    );
    assert_eq!(
        app(json!({"identifier": "x", "declaration-identifier": "cert", "update-state": "failed"})),
        "FC"
    );
    assert_eq!(
        app(
            json!({"identifier": "x", "declaration-identifier": "passcode", "reasons": [{"code": "Error.InstallFailed"}]})
        ),
        "CF"
    );
    assert_eq!(
        app(
            json!({"identifier": "x", "declaration-identifier": "cert", "reasons": [{"code": "Info.UpdateAvailable"}]})
        ),
        "CC"
    );
    assert_eq!(
        app(json!({"identifier": "x", "declaration-identifier": "other", "state": "failed"})),
        "CC"
    );
    assert_eq!(app(json!({"identifier": "x", "state": "failed"})), "CC");
    for nonsense in [
        json!(7),
        json!({"declaration-identifier": 5, "state": "failed"}),
        json!({"declaration-identifier": "cert", "reasons": "Error.X"}),
    ] {
        assert_eq!(app(nonsense), "CC");
    }
    assert_eq!(of(json!({"passcode.is-compliant": true})), "CC");
    assert_eq!(of(json!({"passcode.is-compliant": false})), "CF");
    assert_eq!(
        of(json!({"passcode.is-compliant": "false"})),
        "CC",
        "not false, and never said so"
    );
    // What is not in force fails of nothing.
    let off: [State; 3] = [
        ("act", false, Valid, &[PREDICATE]),
        ("cert", false, Unknown, &[]),
        ("passcode", false, Unknown, &[]),
    ];
    assert_eq!(
        letters(&world(), &off, json!({"passcode.is-compliant": false})),
        "CPSSP"
    );
}

/// The design's words, one after another, without the code's order: is the enrollment converged?
fn converged(manifest: &Manifest, listing: &Listing<'_>, items: &BTreeMap<String, Value>) -> bool {
    let said = |entry: &Entry| {
        let list = listing.get(&entry.kind).map(Vec::as_slice).unwrap_or_default();
        let same = |token: &str| token == entry.server_token.to_string();
        list.iter()
            .find(|listed| listed.identifier == entry.identifier && same(&listed.server_token))
    };
    let errors = |entry: &Entry| -> BTreeSet<String> {
        let reasons = said(entry)
            .map(|listed| listed.reasons.clone())
            .unwrap_or_default();
        reasons
            .into_iter()
            .map(|reason| reason.code)
            .filter(|code| code.starts_with("Error."))
            .collect()
    };
    let is_valid =
        |entry: &Entry| said(entry).is_some_and(|listed| listed.valid == Valid) && errors(entry).is_empty();
    let blames_only = |entry: &Entry, codes: &[&str]| {
        let errors = errors(entry);
        let refused = said(entry).is_some_and(|listed| listed.valid == Invalid) || !errors.is_empty();
        !refused || (!errors.is_empty() && errors.iter().all(|code| codes.contains(&code.as_str())))
    };
    let of_kind = |kind: Kind| manifest.entries().iter().filter(move |entry| entry.kind == kind);
    let is_settled = |configuration: &Entry| {
        let mut activations = of_kind(Kind::Activation)
            .filter(|activation| activation.references.contains(&configuration.identifier))
            .peekable();
        let orphaned = said(configuration).is_some_and(|listed| {
            listed
                .reasons
                .iter()
                .any(|reason| reason.code == "Info.NotReferencedByActivation")
        });
        let off = if activations.peek().is_none() {
            orphaned
        } else {
            activations.all(|activation| {
                said(activation).is_some_and(|listed| {
                    let by_predicate = listed.reasons.iter().any(|reason| reason.code == PREDICATE);
                    !listed.active && listed.valid == Valid && by_predicate
                })
            })
        };
        off && said(configuration).is_some_and(|listed| !listed.active)
            && blames_only(configuration, &[BLAMED])
    };
    let item_failed = |configuration: &Entry| {
        let elements = items.values().filter_map(Value::as_array).flatten();
        let named =
            elements.filter(|element| element["declaration-identifier"] == configuration.identifier.as_str());
        let failed = named.into_iter().any(|element| element["state"] == "failed");
        let is_passcode = configuration.type_name == PASSCODE;
        failed || (is_passcode && items.get("passcode.is-compliant") == Some(&json!(false)))
    };
    manifest.entries().iter().all(|entry| match entry.kind {
        Kind::Activation | Kind::Management => is_valid(entry),
        Kind::Configuration => {
            let in_force = said(entry).is_some_and(|listed| listed.active) && is_valid(entry);
            is_settled(entry) || (in_force && !item_failed(entry))
        }
        Kind::Asset => {
            let users: Vec<_> = of_kind(Kind::Configuration)
                .filter(|user| user.references.contains(&entry.identifier))
                .collect();
            let idle = !users.is_empty() && users.iter().all(|user| is_settled(user));
            let blameless = blames_only(entry, &[BLAMED, "Error.ConfigurationFailed"]);
            is_valid(entry) || (idle && said(entry).is_some() && blameless)
        }
    })
}

/// States in which a good end is likely, so that both answers are met.
fn any_listing() -> impl Strategy<Value = (Listing<'static>, BTreeMap<String, Value>)> {
    let codes = prop::sample::select(vec![
        PREDICATE,
        BLAMED,
        "Error.ConfigurationFailed",
        "Error.X",
        "Info.Y",
    ]);
    let reasons = prop_oneof![3 => Just(vec![]), 1 => prop::collection::vec(codes, 1..3)];
    let valid = prop_oneof![4 => Just(Valid), 2 => Just(Unknown), 1 => Just(Invalid)];
    let state = (any::<bool>(), valid, reasons, prop::bool::weighted(0.05));
    let is_off = any::<bool>();
    let items = (prop::bool::weighted(0.1), prop::bool::weighted(0.1));
    (prop::collection::vec(state, 5), is_off, items).prop_map(|(states, is_off, (app, passcode))| {
        let manifest = world();
        let mut listing = Listing::new();
        for (entry, (active, valid, codes, old)) in manifest.entries().iter().zip(states) {
            let mut said = listed(entry, active, valid, &codes);
            if entry.kind == Kind::Activation && is_off {
                said = listed(entry, false, Valid, &[PREDICATE]);
            }
            if old {
                said.server_token = digest("old").to_string().into();
            }
            listing.entry(entry.kind).or_default().push(said);
        }
        let mut items = BTreeMap::new();
        if app {
            let element = json!([{"identifier": "x", "declaration-identifier": "cert", "state": "failed"}]);
            items.insert("app.managed.list".to_owned(), element);
        }
        if passcode {
            items.insert("passcode.is-compliant".to_owned(), json!(false));
        }
        (listing, items)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn converged_is_what_the_words_say((listing, items) in any_listing()) {
        let manifest = world();
        let verdicts = assess(&Placed::new(&listing, &manifest), &items);
        let counts = count(&verdicts);
        prop_assert_eq!(counts.failed == 0 && counts.pending == 0, converged(&manifest, &listing, &items), "{:?}", verdicts);
        prop_assert_eq!((counts.confirmed + counts.settled + counts.failed + counts.pending) as usize, 5);
    }
}
