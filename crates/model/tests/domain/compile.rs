//! From a wish and an audience to a manifest.

use std::collections::{BTreeMap, BTreeSet};

use ordain_catalog::{Catalog, Kind, Platform, Scope};
use ordain_model::audience::{Abilities, Audience, CapabilityClass};
use ordain_model::compile::{Compiled, compile, made_activation};
use ordain_model::declaration::Declaration;
use ordain_model::ids::Channel;
use ordain_model::manifest::Manifest;
use ordain_model::report::Capabilities;
use ordain_model::subscription;
use ordain_model::wish::{Blueprint, Wish};
use proptest::prelude::*;
use serde_json::json;

use crate::fixtures::*;

/// Those of the policy, and activations made for these.
fn identifiers(compiled: &Compiled, kind: Kind) -> Vec<&str> {
    let own = [
        subscription::IDENTIFIER.to_owned(),
        made_activation(subscription::IDENTIFIER),
    ];
    let entries = compiled
        .manifest
        .entries()
        .iter()
        .filter(|entry| entry.kind == kind && !own.contains(&entry.identifier));
    entries.map(|entry| entry.identifier.as_str()).collect()
}

fn omission<'a>(compiled: &'a Compiled, identifier: &str) -> &'a str {
    let mut found = compiled
        .manifest
        .omissions
        .iter()
        .filter(|omission| omission.identifier == identifier);
    found.next().map_or("", |omission| &omission.reason)
}

fn on_mac(wish: &Wish) -> Compiled {
    compile(wish, &mac(wish, Channel::Device), Catalog::builtin())
}

#[test]
fn a_configuration_without_activation_gets_one_of_its_own() {
    let mut conditional = declaration(PASSCODE, "b", &[]);
    conditional.placement.when = Some("@status(device.model.family) == 'Mac'".into());
    let wish = wish(&[declaration(PASSCODE, "a", &[]), conditional], &["a", "b"]);
    let compiled = on_mac(&wish);
    assert_eq!(identifiers(&compiled, Kind::Configuration), ["a", "b"]);
    assert_eq!(identifiers(&compiled, Kind::Activation).len(), 2);
    for (configuration, payload) in [
        ("a", json!({"StandardConfigurations": ["a"]})),
        (
            "b",
            json!({"StandardConfigurations": ["b"], "Predicate": "@status(device.model.family) == 'Mac'"}),
        ),
    ] {
        let identifier = made_activation(configuration);
        assert!(identifier.len() <= Declaration::MAX_IDENTIFIER);
        let made = compiled
            .made
            .iter()
            .find(|made| made.identifier == identifier)
            .unwrap();
        assert_eq!(serde_json::Value::from(made.payload.clone()), payload);
        assert_eq!(made.references, names(&[configuration]));
        let (_, entry) = compiled.manifest.find(Kind::Activation, &identifier).unwrap();
        assert_eq!(entry.server_token, made.server_token);
    }
    assert!(made_activation(&"x".repeat(64)).len() <= Declaration::MAX_IDENTIFIER);
}

#[test]
fn when_moves_the_activation_and_not_the_configuration() {
    let plain = declaration(PASSCODE, "a", &[]);
    let mut conditional = plain.clone();
    conditional.placement.when = Some("TRUEPREDICATE".into());
    let (before, after) = (
        on_mac(&wish(&[plain], &["a"])),
        on_mac(&wish(&[conditional], &["a"])),
    );
    let token =
        |compiled: &Compiled, kind, name: &str| compiled.manifest.find(kind, name).unwrap().1.server_token;
    assert_eq!(
        token(&before, Kind::Configuration, "a"),
        token(&after, Kind::Configuration, "a")
    );
    let made = made_activation("a");
    assert_ne!(
        token(&before, Kind::Activation, &made),
        token(&after, Kind::Activation, &made)
    );
    assert_ne!(before.manifest.token(), after.manifest.token());
}

#[test]
fn what_is_named_brings_along_what_it_refers_to() {
    let declarations = [
        activation("act", &["cfg"]),
        declaration(CERTIFICATE, "cfg", &["asset"]),
        declaration(CREDENTIAL, "asset", &[]),
        declaration(PASSCODE, "unasked", &[]),
    ];
    let compiled = on_mac(&wish(&declarations, &["act"]));
    let all: Vec<&str> = compiled
        .manifest
        .entries()
        .iter()
        .map(|entry| entry.identifier.as_str())
        .collect();
    assert_eq!(all, ["act", "asset", "cfg"]);
    assert!(
        compiled.made.is_empty(),
        "the policy's own activation is sent as it is"
    );
    assert!(compiled.manifest.omissions.is_empty());
}

#[test]
fn an_omission_closes_over_references() {
    let mut asset = declaration(CREDENTIAL, "asset", &[]);
    asset.placement.platforms = Some([Platform::Ios].into());
    let declarations = [
        activation("both", &["needs", "free"]),
        activation("only", &["needs"]),
        declaration(CERTIFICATE, "needs", &["asset", "other"]),
        declaration(PASSCODE, "free", &[]),
        asset,
        declaration(CREDENTIAL, "other", &[]),
    ];
    let compiled = on_mac(&wish(&declarations, &["both", "only"]));
    assert_eq!(identifiers(&compiled, Kind::Configuration), ["free"]);
    assert_eq!(identifiers(&compiled, Kind::Activation), ["both"]);
    assert!(identifiers(&compiled, Kind::Asset).is_empty());
    // The activation is made anew, without what is left out, under its own identifier and another token.
    assert_eq!(compiled.made.len(), 1);
    assert_eq!(
        compiled.made[0].payload["StandardConfigurations"],
        json!(["free"])
    );
    assert_ne!(compiled.made[0].server_token, declarations[0].server_token);
    assert_eq!(
        omission(&compiled, "asset"),
        "the policy has it for other platforms than macOS"
    );
    assert!(omission(&compiled, "needs").contains("asset"));
    assert!(!omission(&compiled, "only").is_empty() && !omission(&compiled, "other").is_empty());

    let on_iphone = compile(
        &wish(&declarations, &["both"]),
        &audience_of(Some(Platform::Ios)),
        Catalog::builtin(),
    );
    assert_eq!(identifiers(&on_iphone, Kind::Configuration), ["free", "needs"]);
}

fn audience_of(platform: Option<Platform>) -> Audience {
    audience(&Wish::default(), &["all"], platform, Channel::Device)
}

#[test]
fn a_missing_reference_takes_along_who_needs_it() {
    let compiled = on_mac(&wish(
        &[declaration(CERTIFICATE, "cfg", &["nowhere"])],
        &["cfg", "unknown"],
    ));
    assert!(compiled.manifest.entries().is_empty() && compiled.made.is_empty());
    assert!(omission(&compiled, "cfg").contains("nowhere"));
}

#[test]
fn a_declaration_goes_to_one_channel() {
    let mut by_hand = declaration(PASSCODE, "by-hand", &[]);
    by_hand.placement.scope = Some(Scope::User);
    let mut elsewhere = activation("elsewhere", &["math"]);
    elsewhere.placement.scope = Some(Scope::System);
    let declarations = [
        declaration(PASSCODE, "passcode", &[]),
        declaration(MATH, "math", &[]),
        by_hand,
        declaration(ORGANIZATION, "organization", &[]),
        activation("act", &["passcode", "math", "by-hand"]),
        elsewhere,
    ];
    let wish = wish(&declarations, &["act", "elsewhere", "organization"]);
    let device = on_mac(&wish);
    let user = compile(&wish, &mac(&wish, Channel::User), Catalog::builtin());
    assert_eq!(identifiers(&device, Kind::Configuration), ["passcode"]);
    assert_eq!(identifiers(&user, Kind::Configuration), ["by-hand", "math"]);
    assert_eq!(identifiers(&device, Kind::Management), ["organization"]);
    assert!(identifiers(&user, Kind::Management).is_empty());
    // One activation over two channels is narrowed to each; one with a scope stays on its own, empty or not.
    assert_eq!(
        device.made[0].payload["StandardConfigurations"],
        json!(["passcode"])
    );
    assert_eq!(
        user.made[0].payload["StandardConfigurations"],
        json!(["math", "by-hand"])
    );
    assert_eq!(identifiers(&user, Kind::Activation), ["act"]);
    assert_eq!(identifiers(&device, Kind::Activation), ["act"]);
}

#[test]
fn unknown_withholds_nothing() {
    let mut mac_only = declaration(PASSCODE, "mac-only", &[]);
    mac_only.placement.platforms = Some([Platform::MacOs].into());
    let declarations = [
        mac_only,
        declaration("com.apple.configuration.package", "package", &[]),
        declaration("com.apple.configuration.never.heard.of", "new", &[]),
    ];
    let wish = wish(&declarations, &["mac-only", "package", "new"]);
    let compiled = |platform| {
        compile(
            &wish,
            &audience(&wish, &["all"], platform, Channel::Device),
            Catalog::builtin(),
        )
    };
    assert_eq!(
        identifiers(&compiled(None), Kind::Configuration),
        ["mac-only", "new", "package"]
    );
    let tv = compiled(Some(Platform::TvOs));
    assert_eq!(identifiers(&tv, Kind::Configuration), ["new"]);
    assert_eq!(omission(&tv, "package"), "not on tvOS");
}

#[test]
fn only_a_complete_list_of_capabilities_narrows() {
    let wish = wish(
        &[
            declaration(PASSCODE, "passcode", &[]),
            declaration(CERTIFICATE, "cfg", &[]),
        ],
        &["passcode", "cfg"],
    );
    let compiled = |capabilities: &Capabilities, platform| {
        let abilities = Abilities {
            is_windows: false,
            platform,
            os_version: None,
            enrollment: None,
            capabilities: Some(capabilities),
            channel: Channel::Device,
        };
        let class = CapabilityClass::judge(&wish, Catalog::builtin(), abilities);
        compile(
            &wish,
            &Audience {
                groups: names(&["all"]),
                channel: Channel::Device,
                class,
            },
            Catalog::builtin(),
        )
    };
    let partial = Capabilities {
        declarations: None,
        status_items: Some(BTreeSet::new()),
    };
    assert_eq!(
        identifiers(&compiled(&partial, None), Kind::Configuration),
        ["cfg", "passcode"]
    );
    let complete = Capabilities {
        declarations: Some(names(&[PASSCODE])),
        status_items: None,
    };
    let narrowed = compiled(&complete, None);
    assert_eq!(identifiers(&narrowed, Kind::Configuration), ["passcode"]);
    assert!(omission(&narrowed, "cfg").contains("capabilities"));
    // What the device says of itself counts more than what is written of its platform: a TV has no passcode.
    assert_eq!(
        identifiers(&compiled(&complete, Some(Platform::TvOs)), Kind::Configuration),
        ["passcode"]
    );
}

#[test]
fn exclude_overrules_include_for_its_blueprint_alone() {
    let blueprint = |include: &[&str], exclude: &[&str], declarations: &[&str]| Blueprint {
        description: None,
        include: names(include),
        exclude: names(exclude),
        declarations: names(declarations),
    };
    let mut wish = wish(
        &[declaration(PASSCODE, "a", &[]), declaration(PASSCODE, "b", &[])],
        &[],
    );
    wish.blueprints = BTreeMap::from([
        ("one".to_owned(), blueprint(&["all"], &["lab"], &["a"])),
        ("other".to_owned(), blueprint(&["lab", "office"], &[], &["b"])),
    ]);
    let of = |groups: &[&str]| {
        let compiled = compile(
            &wish,
            &audience(&wish, groups, None, Channel::Device),
            Catalog::builtin(),
        );
        identifiers(&compiled, Kind::Configuration).join(" ")
    };
    assert_eq!(of(&["all"]), "a");
    assert_eq!(of(&["all", "lab"]), "b");
    assert_eq!(of(&["all", "office"]), "a b");
    assert_eq!(of(&[]), "");
}

/// Wishes of all kinds, some of them nonsense: references to anything, platforms, scopes.
pub(crate) fn any_wish() -> impl Strategy<Value = Wish> {
    let types = [
        PASSCODE,
        MATH,
        CERTIFICATE,
        CREDENTIAL,
        ORGANIZATION,
        "com.apple.activation.simple",
    ];
    let one = (
        0..types.len(),
        prop::collection::btree_set(0..10_usize, 0..4),
        prop::option::of(prop::sample::select(vec![Scope::System, Scope::User])),
        prop::option::of(prop::sample::subsequence(
            vec![Platform::MacOs, Platform::Ios],
            1..=2,
        )),
    );
    let blueprint = (
        0..3_usize,
        prop::option::of(0..3_usize),
        prop::collection::btree_set(0..10_usize, 0..6),
    );
    let group = |number: usize| ["all", "lab", "office"][number].to_owned();
    (
        prop::collection::vec(one, 10),
        prop::collection::vec(blueprint, 0..4),
    )
        .prop_map(move |(drawn, blueprints)| {
            let kind_of = |number: usize| Kind::of_type(types[drawn[number].0]).unwrap();
            let declarations =
                drawn
                    .iter()
                    .enumerate()
                    .map(|(number, (kind, references, scope, platforms))| {
                        let refers_to = match kind_of(number) {
                            Kind::Activation => Some(Kind::Configuration),
                            Kind::Configuration => Some(Kind::Asset),
                            _ => None,
                        };
                        let references: Vec<String> = references
                            .iter()
                            .filter(|&&other| Some(kind_of(other)) == refers_to)
                            .map(|other| format!("d{other}"))
                            .collect();
                        let references: Vec<&str> = references.iter().map(String::as_str).collect();
                        let mut declaration = declaration(types[*kind], &format!("d{number}"), &references);
                        declaration.placement.scope = *scope;
                        declaration.placement.platforms =
                            platforms.clone().map(|platforms| platforms.into_iter().collect());
                        declaration
                    });
            let declarations: Vec<Declaration> = declarations.collect();
            let mut wish = wish(&declarations, &[]);
            wish.blueprints = blueprints
                .iter()
                .enumerate()
                .map(|(number, (include, exclude, declarations))| {
                    let blueprint = Blueprint {
                        description: None,
                        include: [group(*include)].into(),
                        exclude: exclude.map(group).into_iter().collect(),
                        declarations: declarations.iter().map(|number| format!("d{number}")).collect(),
                    };
                    (format!("b{number}"), blueprint)
                })
                .collect();
            wish
        })
}

fn any_audience() -> impl Strategy<Value = (Vec<&'static str>, Option<Platform>, Channel)> {
    let platforms = vec![
        None,
        Some(Platform::MacOs),
        Some(Platform::Ios),
        Some(Platform::TvOs),
    ];
    (
        prop::sample::subsequence(vec!["all", "lab", "office"], 0..=3),
        prop::sample::select(platforms),
        prop::sample::select(vec![Channel::Device, Channel::User]),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Nothing that is sent names what is not sent, and nothing that was asked for is lost without a word.
    #[test]
    fn a_manifest_is_closed(wish in any_wish(), (groups, platform, channel) in any_audience()) {
        let audience = audience(&wish, &groups, platform, channel);
        let compiled = compile(&wish, &audience, Catalog::builtin());
        let manifest = &compiled.manifest;
        for entry in manifest.entries() {
            let needs = match entry.kind {
                Kind::Activation => Kind::Configuration,
                _ => Kind::Asset,
            };
            for reference in &entry.references {
                prop_assert!(manifest.find(needs, reference).is_some(), "{} -> {}", entry.identifier, reference);
            }
            let made = compiled.made.iter().find(|made| made.server_token == entry.server_token);
            let own = wish.declarations.get(&entry.identifier)
                .filter(|own| own.server_token == entry.server_token);
            prop_assert!(made.or(own).is_some(), "the bytes of {} are known", entry.identifier);
            prop_assert!(!manifest.omissions.iter().any(|omission| omission.identifier == entry.identifier));
        }
        let identifiers: BTreeSet<&String> = manifest.entries().iter().map(|entry| &entry.identifier).collect();
        prop_assert_eq!(identifiers.len(), manifest.entries().len(), "identifiers are unique");
        let users = |asset: &str| manifest.entries().iter()
            .any(|entry| entry.kind == Kind::Configuration && entry.references.contains(asset));
        for asset in manifest.entries().iter().filter(|entry| entry.kind == Kind::Asset) {
            prop_assert!(users(&asset.identifier), "no asset without a configuration");
        }
        // The same on every node, and after it was stored.
        let json = serde_json::to_string(manifest).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Manifest>(&json).unwrap(), manifest);
        prop_assert_eq!(&compile(&wish, &audience, Catalog::builtin()), &compiled);
        let stored: Wish = serde_json::from_str(&serde_json::to_string(&wish).unwrap()).unwrap();
        prop_assert_eq!(stored.digest(), wish.digest());
        prop_assert_eq!(&compile(&stored, &audience, Catalog::builtin()), &compiled);
    }

    /// No configuration is on both channels, and one that is on neither is accounted for on its own.
    #[test]
    fn each_configuration_has_one_channel(wish in any_wish(), (groups, platform, _) in any_audience()) {
        let on = |channel| compile(&wish, &audience(&wish, &groups, platform, channel), Catalog::builtin()).manifest;
        let (device, user) = (on(Channel::Device), on(Channel::User));
        let asked = wish.blueprints.values()
            .filter(|blueprint| blueprint.include.iter().any(|group| groups.contains(&group.as_str())))
            .filter(|blueprint| !blueprint.exclude.iter().any(|group| groups.contains(&group.as_str())))
            .flat_map(|blueprint| &blueprint.declarations);
        for identifier in asked {
            let declaration = &wish.declarations[identifier];
            if declaration.kind != Kind::Configuration && declaration.kind != Kind::Management {
                continue;
            }
            let has = |manifest: &Manifest| manifest.find(declaration.kind, identifier).is_some();
            let omits = |manifest: &Manifest| manifest.omissions.iter().any(|one| one.identifier == *identifier);
            let outcomes = [has(&device), has(&user), omits(&device), omits(&user)];
            prop_assert_eq!(outcomes.iter().filter(|&&outcome| outcome).count(), 1, "{} {:?}", identifier, outcomes);
        }
    }
}

#[test]
fn a_configuration_goes_with_its_activation() {
    let mut elsewhere = activation("elsewhere", &["cfg"]);
    elsewhere.placement.scope = Some(Scope::User);
    let mut only_ios = activation("only-ios", &["cfg"]);
    only_ios.placement.platforms = Some([Platform::Ios].into());
    for absent in [elsewhere, only_ios, activation("unlisted", &["cfg"])] {
        let listed: &[&str] = if absent.identifier == "unlisted" {
            &["cfg"]
        } else {
            &[&absent.identifier]
        };
        let compiled = on_mac(&wish(
            &[absent.clone(), declaration(PASSCODE, "cfg", &[])],
            listed,
        ));
        assert!(compiled.manifest.entries().is_empty(), "{compiled:#?}");
        assert!(
            omission(&compiled, "cfg").contains(&absent.identifier),
            "{compiled:#?}"
        );
    }
}
