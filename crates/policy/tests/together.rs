//! What is said to meet on a device is what the model gives to one.

use std::collections::BTreeSet;

use ordain_catalog::{Catalog, Platform};
use ordain_model::audience::{Abilities, Audience, CapabilityClass};
use ordain_model::compile as model;
use ordain_model::ids::Channel;
use ordain_model::wish::{ALL, Wish};
use ordain_policy::{Surroundings, compile};
use proptest::prelude::*;
use proptest::sample::subsequence;

/// One of which devices obey one only, on iOS, iPadOS and visionOS.
const TYPE: &str = "com.apple.configuration.network.vpn.always-on";
const PLATFORMS: [&str; 3] = ["iOS", "iPadOS", "visionOS"];
const DECLARATIONS: [&str; 5] = ["a", "b", "c", "d", "activation"];
const GROUPS: [&str; 4] = [ALL, "g", "h", "i"];
const DEVICES: [&str; 4] = ["V", "W", "X", "Y"];

type Names = Vec<&'static str>;

fn files(
    lists: &[Names],
    platforms: &[Names],
    blueprints: &[(Names, Names, Names)],
) -> Vec<(String, Vec<u8>)> {
    let list = |names: &Names| names.join(", ");
    let mut files = Vec::new();
    for (group, members) in GROUPS[1..].iter().zip(lists) {
        files.push((
            format!("groups/{group}.yaml"),
            format!("name: {group}\nmembers: [{}]", list(members)),
        ));
    }
    for (name, platforms) in DECLARATIONS[..4].iter().zip(platforms) {
        let text = format!(
            "Type: {TYPE}\nIdentifier: {name}\nplatforms: [{}]\nPayload: {{VisibleName: {name}, TunnelConfigurations: []}}",
            list(platforms)
        );
        files.push((format!("declarations/{name}.yaml"), text));
    }
    let activation = "Type: com.apple.activation.simple\nIdentifier: activation\nPayload: {StandardConfigurations: [c, d]}";
    files.push(("declarations/activation.yaml".into(), activation.into()));
    for (number, (include, exclude, declarations)) in blueprints.iter().enumerate() {
        let text = format!(
            "name: blueprint-{number}\ninclude: [{}]\nexclude: [{}]\ndeclarations: [{}]",
            list(include),
            list(exclude),
            list(declarations)
        );
        files.push((format!("blueprints/{number}.yaml"), text));
    }
    files
        .into_iter()
        .map(|(path, text)| (path, text.into()))
        .collect()
}

/// The pairs that the model gives to a device of some platform in some of the sets of groups that there are.
fn given(wish: &Wish) -> BTreeSet<(String, String)> {
    let catalog = Catalog::builtin();
    let mut pairs = BTreeSet::new();
    for device in DEVICES.into_iter().map(Some).chain([None]) {
        let listed = wish
            .groups
            .iter()
            .filter(|(_, group)| device.is_some_and(|name| group.members.contains(name)));
        let groups: BTreeSet<String> = listed
            .map(|(name, _)| name.clone())
            .chain([ALL.to_owned()])
            .collect();
        for platform in PLATFORMS {
            let abilities = Abilities {
                platform: Some(platform.parse::<Platform>().unwrap()),
                os_version: None,
                enrollment: None,
                capabilities: None,
                channel: Channel::Device,
            };
            let audience = Audience {
                groups: groups.clone(),
                channel: Channel::Device,
                class: CapabilityClass::judge(wish, catalog, abilities),
            };
            let manifest = model::compile(wish, &audience, catalog).manifest;
            let given: Vec<&String> = manifest
                .entries()
                .iter()
                .map(|entry| &entry.identifier)
                .filter(|name| name.len() == 1)
                .collect();
            for one in &given {
                pairs.extend(
                    given
                        .iter()
                        .filter(|other| *other > one)
                        .map(|other| ((*one).clone(), (*other).clone())),
                );
            }
        }
    }
    pairs
}

fn names(all: &'static [&'static str], least: usize) -> impl Strategy<Value = Names> {
    subsequence(all, least..=all.len())
}

proptest! {
    #[test]
    fn what_meets_is_what_the_model_gives(
        lists in prop::collection::vec(names(&DEVICES, 0), 3),
        platforms in prop::collection::vec(names(&PLATFORMS, 1), 4),
        blueprints in prop::collection::vec((names(&GROUPS, 1), names(&GROUPS[1..], 0), names(&DECLARATIONS, 1)), 1..5),
    ) {
        let surroundings = Surroundings {
            catalog: Catalog::builtin(),
            public_url: "https://mdm.example.org",
            before: None,
            allow_unknown: false,
        };
        let compiled = compile(&files(&lists, &platforms, &blueprints), &surroundings).unwrap();
        let told: BTreeSet<(String, String)> = compiled
            .warnings
            .iter()
            .filter(|problem| problem.message.contains("a device obeys one"))
            .map(|problem| {
                let mut quoted = problem.message.split('`').skip(1).step_by(2);
                let later = quoted.next().unwrap().to_owned();
                (quoted.next().unwrap().to_owned(), later)
            })
            .collect();
        prop_assert_eq!(told, given(&compiled.wish));
    }
}
