//! Policies for devices of both makers: each gets its own.

use std::collections::BTreeSet;

use ordain_catalog::windows::DataFormat;
use ordain_catalog::{Catalog, Kind, Platform, Scope};
use ordain_model::audience::{Abilities, Audience, CapabilityClass};
use ordain_model::compile::{Compiled, compile};
use ordain_model::declaration::Declaration;
use ordain_model::ids::Channel;
use ordain_model::windows::poll::{Schedule, poll_interval};
use ordain_model::windows::settings::{SETTINGS_TYPE, Setting, Settings, Wanted};
use ordain_model::wish::{Blueprint, Wish};
use proptest::prelude::*;

use crate::compile::any_wish;
use crate::fixtures::*;

fn camera(identifier: &str, scope: Scope) -> Declaration {
    let root = match scope {
        Scope::System => "./Device",
        Scope::User => "./User",
    };
    let path = format!("{root}/Vendor/MSFT/Policy/Config/Camera/AllowCamera");
    let settings = Settings {
        atomic: false,
        settings: vec![Setting {
            path: path.parse().unwrap(),
            format: DataFormat::Int,
            value: Wanted::read(DataFormat::Int, "0").unwrap(),
        }],
    };
    let mut declaration = Declaration::new(
        Kind::Configuration,
        SETTINGS_TYPE.into(),
        identifier.into(),
        settings.to_payload(),
    )
    .unwrap();
    declaration.placement.scope = Some(scope);
    declaration
}

fn audience(wish: &Wish, groups: &[&str], is_windows: bool, channel: Channel) -> Audience {
    let abilities = Abilities {
        is_windows,
        platform: (!is_windows).then_some(Platform::MacOs),
        os_version: None,
        enrollment: None,
        capabilities: None,
        channel,
    };
    Audience {
        groups: names(groups),
        channel,
        class: CapabilityClass::judge(wish, Catalog::builtin(), abilities),
    }
}

fn given(compiled: &Compiled) -> BTreeSet<&str> {
    let entries = compiled.manifest.entries().iter();
    entries.map(|entry| entry.identifier.as_str()).collect()
}

fn often(identifier: &str, minutes: u32) -> Declaration {
    let settings = Settings {
        atomic: false,
        settings: Schedule::every(minutes).settings(),
    };
    let payload = settings.to_payload();
    Declaration::new(
        Kind::Configuration,
        SETTINGS_TYPE.into(),
        identifier.into(),
        payload,
    )
    .unwrap()
}

#[test]
fn the_poll_schedule_in_force_is_that_of_what_a_device_is_to_hold() {
    let all = [camera("camera", Scope::System), often("often", 480)];
    for (named, hours) in [(&["camera"][..], 26), (&["camera", "often"], 8)] {
        let wish = wish(&all, named);
        let audience = audience(&wish, &["all"], true, Channel::Device);
        let compiled = compile(&wish, &audience, Catalog::builtin());
        assert_eq!(poll_interval(&compiled.manifest, &wish), hours * 60 * 60);
    }
}

#[test]
fn each_maker_gets_its_own() {
    let declarations = [
        camera("camera", Scope::System),
        camera("camera.user", Scope::User),
        declaration(PASSCODE, "passcode", &[]),
    ];
    let wish = wish(&declarations, &["camera", "camera.user", "passcode"]);
    let of = |is_windows, channel| {
        let audience = audience(&wish, &["all"], is_windows, channel);
        compile(&wish, &audience, Catalog::builtin())
    };
    let windows = of(true, Channel::Device);
    // Its one channel carries the settings of its user, too.
    assert_eq!(given(&windows), ["camera", "camera.user"].into());
    assert!(windows.made.is_empty());
    let omitted = |compiled: &Compiled| -> Vec<(String, String)> {
        let omissions = compiled.manifest.omissions.iter();
        omissions
            .map(|omission| (omission.identifier.clone(), omission.reason.clone()))
            .collect()
    };
    assert_eq!(
        omitted(&windows),
        [("passcode".to_owned(), "it is for Apple devices".to_owned())]
    );
    assert_eq!(given(&of(true, Channel::User)), BTreeSet::new());
    let mac = of(false, Channel::Device);
    assert!(given(&mac).contains("passcode"));
    let reason = || "it is for Windows devices".to_owned();
    assert_eq!(
        omitted(&mac),
        [
            ("camera".to_owned(), reason()),
            ("camera.user".to_owned(), reason())
        ]
    );
}

/// A wish of Apple's declarations, and the same with settings of Windows devices in its blueprints.
fn mixed() -> impl Strategy<Value = (Wish, Wish)> {
    let listed = prop::collection::vec(prop::collection::btree_set(0..4_usize, 0..4), 4);
    let scopes = prop::collection::vec(any::<bool>(), 4);
    (any_wish(), listed, scopes).prop_map(|(apple, listed, scopes)| {
        let mut both = apple.clone();
        for (number, is_user) in scopes.into_iter().enumerate() {
            let scope = if is_user { Scope::User } else { Scope::System };
            let declaration = camera(&format!("w{number}"), scope);
            both.declarations
                .insert(declaration.identifier.clone(), declaration);
        }
        for (blueprint, listed) in both.blueprints.values_mut().zip(listed) {
            let names = listed.iter().map(|number| format!("w{number}"));
            blueprint.declarations.extend(names);
        }
        (apple, both)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn nothing_of_one_maker_changes_what_the_other_gets(
        (apple, both) in mixed(),
        groups in prop::sample::subsequence(vec!["all", "lab", "office"], 0..=3),
        channel in prop::sample::select(vec![Channel::Device, Channel::User]),
    ) {
        let of = |wish: &Wish, is_windows| {
            compile(wish, &audience(wish, &groups, is_windows, channel), Catalog::builtin())
        };
        let (before, mac) = (of(&apple, false), of(&both, false));
        prop_assert_eq!(mac.manifest.entries(), before.manifest.entries());
        prop_assert_eq!(&mac.made, &before.made);

        let windows = of(&both, true);
        prop_assert!(windows.made.is_empty());
        let is_chosen = |blueprint: &&Blueprint| {
            let is_in = |names: &BTreeSet<String>| names.iter().any(|name| groups.contains(&name.as_str()));
            is_in(&blueprint.include) && !is_in(&blueprint.exclude)
        };
        let chosen = both.blueprints.values().filter(is_chosen);
        let wanted: BTreeSet<&str> = chosen
            .flat_map(|blueprint| &blueprint.declarations)
            .filter(|name| name.starts_with('w') && channel == Channel::Device)
            .map(String::as_str)
            .collect();
        prop_assert_eq!(given(&windows), wanted);
    }
}
