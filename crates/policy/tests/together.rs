//! What is said to meet on a device, or to be lost to it, is what the model gives to one.

use std::collections::{BTreeMap, BTreeSet};

use ordain_catalog::{Catalog, Platform};
use ordain_model::audience::{Abilities, Audience, CapabilityClass};
use ordain_model::compile as model;
use ordain_model::ids::Channel;
use ordain_model::wish::{ALL, Group, Wish};
use ordain_policy::{Compiled, Surroundings, compile};
use proptest::prelude::*;
use proptest::sample::subsequence;

/// One of which devices obey one only, and that they should not lose, on iOS, iPadOS and visionOS.
const TYPE: &str = "com.apple.configuration.network.vpn.always-on";
const PLATFORMS: [&str; 3] = ["iOS", "iPadOS", "visionOS"];
const DECLARATIONS: [&str; 5] = ["a", "b", "c", "d", "activation"];
const GROUPS: [&str; 4] = [ALL, "g", "h", "i"];
const TAGS: [&str; 2] = ["t", "u"];
const DEVICES: [&str; 4] = ["V", "W", "X", "Y"];

type Names = Vec<&'static str>;

#[derive(Debug)]
struct Policy {
    /// The members of each group but `all`; or the tag that its members have.
    lists: Vec<Result<Names, &'static str>>,
    /// The platforms of each declaration but the activation.
    platforms: Vec<Names>,
    /// Whom each includes, whom it excludes, and what it has.
    blueprints: Vec<(Names, Names, Names)>,
}

fn files(policy: &Policy) -> Vec<(String, Vec<u8>)> {
    let list = |names: &Names| names.join(", ");
    let mut files = Vec::new();
    for (group, members) in GROUPS[1..].iter().zip(&policy.lists) {
        let text = match members {
            Ok(members) => format!("name: {group}\nmembers: [{}]", list(members)),
            Err(tag) => format!("name: {group}\nwhere: '{}'", condition(tag)),
        };
        files.push((format!("groups/{group}.yaml"), text));
    }
    for (name, platforms) in DECLARATIONS[..4].iter().zip(&policy.platforms) {
        let text = format!(
            "Type: {TYPE}\nIdentifier: {name}\nplatforms: [{}]\nPayload: {{VisibleName: {name}, TunnelConfigurations: []}}",
            list(platforms)
        );
        files.push((format!("declarations/{name}.yaml"), text));
    }
    let activation = "Type: com.apple.activation.simple\nIdentifier: activation\nPayload: {StandardConfigurations: [c, d]}";
    files.push(("declarations/activation.yaml".into(), activation.into()));
    for (number, (include, exclude, declarations)) in policy.blueprints.iter().enumerate() {
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

fn condition(tag: &str) -> String {
    format!("@tag({tag}) == TRUE")
}

/// A device, what it is tagged with, and its platform.
type Kind = (Option<&'static str>, Names, &'static str);

/// By kind of device, what the model gives of the declarations that have one letter. One device is in no list.
fn given(wish: &Wish) -> BTreeMap<Kind, BTreeSet<String>> {
    let catalog = Catalog::builtin();
    let mut given = BTreeMap::new();
    let devices = DEVICES.into_iter().map(Some).chain([None]);
    let tagged = [&[][..], &TAGS[..1], &TAGS[1..], &TAGS[..]];
    for (device, tags) in devices.flat_map(|device| tagged.map(|tags| (device, tags))) {
        let is_listed = |members: &BTreeSet<String>| device.is_some_and(|name| members.contains(name));
        let is_member = |group: &Group| match &group.condition {
            Some(known) => tags.iter().any(|tag| condition(tag) == *known),
            None => is_listed(&group.members),
        };
        let member = wish.groups.iter().filter(|(_, group)| is_member(group));
        let groups: BTreeSet<String> = member
            .map(|(name, _)| name.clone())
            .chain([ALL.to_owned()])
            .collect();
        for platform in PLATFORMS {
            let abilities = Abilities {
                is_windows: false,
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
            let identifiers = manifest.entries().iter().map(|entry| entry.identifier.clone());
            given.insert(
                (device, tags.to_vec(), platform),
                identifiers.filter(|name| name.len() == 1).collect(),
            );
        }
    }
    given
}

fn compiled(policy: &Policy, before: Option<&Wish>) -> Compiled {
    let surroundings = Surroundings {
        catalog: Catalog::builtin(),
        public_url: "https://mdm.example.org",
        before,
        devices: &[],
        windows: &[],
        devices_only: true,
        allow_unknown: false,
    };
    compile(&files(policy), &surroundings).unwrap()
}

/// The names in backquotes of each warning that has these words.
fn told<'a>(compiled: &'a Compiled, words: &str) -> Vec<Vec<&'a str>> {
    let messages = compiled.warnings.iter().map(|problem| problem.message.as_str());
    messages
        .filter(|message| message.contains(words))
        .map(|message| message.split('`').skip(1).step_by(2).collect())
        .collect()
}

fn names(all: &'static [&'static str], least: usize) -> impl Strategy<Value = Names> {
    subsequence(all, least..=all.len())
}

fn policy() -> impl Strategy<Value = Policy> {
    let blueprint = (names(&GROUPS, 1), names(&GROUPS[1..], 0), names(&DECLARATIONS, 1));
    let members = prop_oneof![
        2 => names(&DEVICES, 0).prop_map(Ok),
        1 => prop::sample::select(&TAGS[..]).prop_map(Err),
    ];
    let parts = (
        prop::collection::vec(members, 3),
        prop::collection::vec(names(&PLATFORMS, 1), 4),
        prop::collection::vec(blueprint, 1..5),
    );
    parts.prop_map(|(lists, platforms, blueprints)| Policy {
        lists,
        platforms,
        blueprints,
    })
}

proptest! {
    #[test]
    fn what_meets_is_what_the_model_gives(policy in policy()) {
        let compiled = compiled(&policy, None);
        let told: BTreeSet<(String, String)> = told(&compiled, "a device obeys one")
            .into_iter()
            .map(|names| (names[1].to_owned(), names[0].to_owned()))
            .collect();
        let mut together = BTreeSet::new();
        for given in given(&compiled.wish).values() {
            for one in given {
                let others = given.iter().filter(|other| *other > one);
                together.extend(others.map(|other| (one.clone(), other.clone())));
            }
        }
        prop_assert_eq!(told, together);
    }

    #[test]
    fn what_is_lost_is_what_the_model_no_longer_gives(before in policy(), after in policy()) {
        let before = compiled(&before, None).wish;
        let after = compiled(&after, Some(&before));
        let told: BTreeSet<String> = told(&after, "no other VPN or relay is left to them")
            .into_iter()
            .map(|names| names[0].to_owned())
            .collect();
        let left = given(&after.wish);
        let mut lost = BTreeSet::new();
        for (device, had) in given(&before) {
            if left[&device].is_empty() {
                lost.extend(had);
            }
        }
        prop_assert_eq!(told, lost);
    }
}
