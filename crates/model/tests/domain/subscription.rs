//! Ordain's own subscription: exactly what is needed, as far as it can be had.

use std::collections::BTreeSet;

use ordain_catalog::{Availability, Catalog, Kind, OsVersion, Platform, Scope};
use ordain_model::audience::{Abilities, Audience, CapabilityClass, channel_scope};
use ordain_model::compile::{ACTIVATION_TYPE, Compiled, compile, made_activation};
use ordain_model::declaration::Declaration;
use ordain_model::ids::Channel;
use ordain_model::report::Capabilities;
use ordain_model::subscription::{IDENTIFIER, SUBSCRIPTION_TYPE};
use ordain_model::wish::Wish;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};

use crate::fixtures::*;

const APP: &str = "com.apple.configuration.app.managed";
const PACKAGE: &str = "com.apple.configuration.package";
const UPDATE: &str = "com.apple.configuration.softwareupdate.enforcement.specific";
const MAIL: &str = "com.apple.configuration.account.mail";
const LEGACY: &str = "com.apple.configuration.legacy";

const FAMILY: &str = "device.model.family";
const VERSION: &str = "device.operating-system.version";
const PRESENT: &str = "passcode.is-present";

/// What tells of configurations of these types.
const TOLD_BY: [(&str, &[&str]); 6] = [
    (PASSCODE, &["passcode.is-compliant", PRESENT]),
    (APP, &["app.managed.list"]),
    (PACKAGE, &["package.list"]),
    (
        UPDATE,
        &[
            "softwareupdate.failure-reason",
            "softwareupdate.install-reason",
            "softwareupdate.install-state",
            "softwareupdate.pending-version",
        ],
    ),
    (MAIL, &[]),
    (MATH, &[]),
];
const NAMED: [&str; 4] = [FAMILY, VERSION, PRESENT, "app.managed.list"];

fn predicate(item: &str) -> String {
    format!("@status({item}) == '1' OR @status(management.declarations) == '2'")
}

/// An author's own subscription.
fn subscription(identifier: &str, items: &[&str]) -> Declaration {
    let items: Vec<Value> = items.iter().map(|item| json!({"Name": item})).collect();
    with_payload(SUBSCRIPTION_TYPE, identifier, json!({ "StatusItems": items }))
}

fn with_payload(type_name: &str, identifier: &str, payload: Value) -> Declaration {
    let Value::Object(payload) = payload else {
        unreachable!()
    };
    let kind = Kind::of_type(type_name).unwrap();
    Declaration::new(kind, type_name.into(), identifier.into(), payload).unwrap()
}

fn conditional(identifier: &str, references: &[&str], item: &str) -> Declaration {
    let payload = json!({"StandardConfigurations": references, "Predicate": predicate(item)});
    Declaration {
        references: names(references),
        ..with_payload(ACTIVATION_TYPE, identifier, payload)
    }
}

/// The items of Ordain's subscription, in its order; none without one.
fn subscribed(compiled: &Compiled) -> Vec<String> {
    let Some(own) = compiled.made.iter().find(|made| made.identifier == IDENTIFIER) else {
        assert!(compiled.manifest.find(Kind::Configuration, IDENTIFIER).is_none());
        return Vec::new();
    };
    assert_eq!(own.type_name, SUBSCRIPTION_TYPE);
    let (_, entry) = compiled.manifest.find(Kind::Configuration, IDENTIFIER).unwrap();
    assert_eq!(entry.server_token, own.server_token);
    let activation = made_activation(IDENTIFIER);
    let (_, entry) = compiled.manifest.find(Kind::Activation, &activation).unwrap();
    assert_eq!(entry.references, names(&[IDENTIFIER]));
    let items = own.payload["StatusItems"].as_array().unwrap().iter();
    let items: Vec<String> = items.map(|item| item["Name"].as_str().unwrap().into()).collect();
    assert!(!items.is_empty() && items.is_sorted_by(|one, next| one < next));
    items
}

fn on(wish: &Wish, platform: Platform, channel: Channel) -> Vec<String> {
    let audience = audience(wish, &["all"], Some(platform), channel);
    subscribed(&compile(wish, &audience, Catalog::builtin()))
}

#[test]
fn each_device_is_asked_for_what_it_reports() {
    let wish = wish(
        &[
            declaration(PASSCODE, "passcode", &[]),
            declaration(PACKAGE, "package", &[]),
            declaration(APP, "app", &[]),
            declaration(MAIL, "mail", &[]),
        ],
        &["passcode", "package", "app", "mail"],
    );
    let device = Channel::Device;
    assert_eq!(
        on(&wish, Platform::Ios, device),
        ["app.managed.list", "passcode.is-compliant", "passcode.is-present"]
    );
    // A Mac tells nothing of its passcode.
    assert_eq!(
        on(&wish, Platform::MacOs, device),
        ["app.managed.list", "package.list"]
    );
    assert!(on(&wish, Platform::TvOs, device).is_empty());
    assert!(on(&wish, Platform::MacOs, Channel::User).is_empty());
}

#[test]
fn filevault_is_asked_for_where_a_profile_manages_it() {
    let profile = |carried: &str| Declaration {
        carries: names(&[carried]),
        ..declaration(LEGACY, "profile", &[])
    };
    let of = |carried| {
        on(
            &wish(&[profile(carried)], &["profile"]),
            Platform::MacOs,
            Channel::Device,
        )
    };
    assert_eq!(
        of("com.apple.MCX.FileVault2"),
        ["diskmanagement.filevault.enabled"]
    );
    assert!(of("com.apple.dock").is_empty());
}

#[test]
fn what_decides_on_a_channel_is_asked_for_there() {
    let mut by_user = declaration(MATH, "math", &[]);
    by_user.placement.when = Some(predicate(FAMILY));
    let declarations = [
        by_user,
        declaration(ORGANIZATION, "organization", &[]),
        declaration(MAIL, "mail", &[]),
        conditional("activation", &["mail"], VERSION),
        conditional("elsewhere", &["nothing"], PRESENT),
    ];
    let wish = wish(&declarations, &["math", "organization", "activation"]);
    // Mail goes to the user channel of a Mac, if nothing else is said.
    let mac = |channel| on(&wish, Platform::MacOs, channel);
    let (device, user) = (mac(Channel::Device), mac(Channel::User));
    let mut both = [device.clone(), user.clone()].concat();
    both.sort();
    assert_eq!(both, [FAMILY, VERSION], "{device:?} {user:?}");
    assert!(user.contains(&FAMILY.to_owned()));
}

#[test]
fn what_a_subscription_of_the_policy_has_is_not_repeated() {
    let of = |activation: Option<Declaration>| {
        let mut declarations = vec![
            subscription("own", &[FAMILY, "passcode.is-present"]),
            declaration(PASSCODE, "passcode", &[]),
        ];
        let listed = activation
            .as_ref()
            .map_or("own", |activation| &activation.identifier);
        let listed = [listed.to_owned(), "passcode".to_owned()];
        declarations.extend(activation);
        let listed: Vec<&str> = listed.iter().map(String::as_str).collect();
        let wish = wish(&declarations, &listed);
        let audience = audience(&wish, &["all"], Some(Platform::Ios), Channel::Device);
        let compiled = compile(&wish, &audience, Catalog::builtin());
        let (_, own) = compiled.manifest.find(Kind::Configuration, "own").unwrap();
        assert_eq!(
            own.server_token, declarations[0].server_token,
            "it stays as it is"
        );
        subscribed(&compiled)
    };
    let rest = ["passcode.is-compliant"];
    assert_eq!(of(None), rest);
    assert_eq!(of(Some(activation("always", &["own"]))), rest);
    // One that a device may switch off is not to be relied on.
    let at_times = conditional("at-times", &["own"], FAMILY);
    assert_eq!(of(Some(at_times)), [FAMILY, "passcode.is-compliant", PRESENT]);
}

#[test]
fn a_device_that_takes_no_subscription_gets_none() {
    let wish = wish(&[declaration(PASSCODE, "passcode", &[])], &["passcode"]);
    let compiled = |declarations: &[&str], status_items: Option<&[&str]>| {
        let capabilities = Capabilities {
            declarations: Some(names(declarations)),
            status_items: status_items.map(names),
        };
        let class = class(&wish, Some(Platform::Ios), Channel::Device, Some(&capabilities));
        let audience = Audience {
            groups: names(&["all"]),
            channel: Channel::Device,
            class,
        };
        compile(&wish, &audience, Catalog::builtin())
    };
    let without = compiled(&[PASSCODE], None);
    assert!(subscribed(&without).is_empty() && without.manifest.omissions.is_empty());
    let both = [PASSCODE, SUBSCRIPTION_TYPE];
    assert_eq!(subscribed(&compiled(&both, Some(&[PRESENT, VERSION]))), [PRESENT]);
    assert!(subscribed(&compiled(&both, Some(&[VERSION]))).is_empty());
    assert_eq!(subscribed(&compiled(&both, None)).len(), 2, "by the catalog");
}

/// Devices whose abilities differ in what nobody asks for are of one class.
#[test]
fn only_what_is_asked_for_tells_classes_apart() {
    let wish = wish(&[declaration(PASSCODE, "passcode", &[])], &["passcode"]);
    let of = |items: &[&str]| {
        let capabilities = Capabilities {
            declarations: None,
            status_items: Some(names(items)),
        };
        class(&wish, Some(Platform::Ios), Channel::Device, Some(&capabilities))
    };
    assert_eq!(of(&[PRESENT, VERSION]), of(&[PRESENT, FAMILY]));
    assert_ne!(of(&[PRESENT]), of(&["passcode.is-compliant"]));
    let nothing = Wish::default();
    let any = class(&nothing, Some(Platform::TvOs), Channel::User, None);
    assert!(any.withheld.is_empty() && any.unreported.is_empty());
}

fn class(
    wish: &Wish,
    platform: Option<Platform>,
    channel: Channel,
    capabilities: Option<&Capabilities>,
) -> CapabilityClass {
    let version = OsVersion::new(26, 0);
    let abilities = Abilities {
        platform,
        os_version: Some(&version),
        enrollment: None,
        capabilities,
        channel,
        is_windows: false,
    };
    CapabilityClass::judge(wish, Catalog::builtin(), abilities)
}

#[derive(Debug, Clone)]
struct Drawn {
    wish: Wish,
    platform: Option<Platform>,
    channel: Channel,
    capabilities: Option<Capabilities>,
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let configuration = (
        0..TOLD_BY.len(),
        proptest::option::of(select(NAMED.to_vec())),
        proptest::option::of(select(vec![Scope::System, Scope::User])),
    );
    let an_activation = (
        subsequence((0..6).collect::<Vec<usize>>(), 1..3),
        proptest::option::of(select(NAMED.to_vec())),
    );
    let own = (
        subsequence(NAMED.to_vec(), 0..4),
        proptest::option::of(select(NAMED.to_vec())),
    );
    let mut items: Vec<&str> = TOLD_BY.iter().flat_map(|(_, items)| *items).copied().collect();
    items.extend([FAMILY, VERSION]);
    let capabilities = (any::<bool>(), proptest::option::of(subsequence(items, 0..9)));
    let parts = (
        proptest::collection::vec(configuration, 6),
        proptest::collection::vec(an_activation, 0..3),
        proptest::option::of(own),
        subsequence((0..9).collect::<Vec<usize>>(), 0..9),
        select(vec![
            None,
            Some(Platform::MacOs),
            Some(Platform::Ios),
            Some(Platform::TvOs),
        ]),
        select(vec![Channel::Device, Channel::User]),
        proptest::option::of(capabilities),
    );
    parts.prop_map(
        |(configurations, activations, own, listed, platform, channel, capabilities)| {
            let named: BTreeSet<usize> = activations.iter().flat_map(|(names, _)| names).copied().collect();
            let mut declarations = Vec::new();
            for (place, (told, when, scope)) in configurations.into_iter().enumerate() {
                let mut one = declaration(TOLD_BY[told].0, &format!("d{place}"), &[]);
                // As the policy has it: what an own activation names has no `when`.
                one.placement.when = when.filter(|_| !named.contains(&place)).map(predicate);
                one.placement.scope = scope;
                declarations.push(one);
            }
            for (place, (references, item)) in activations.into_iter().enumerate() {
                let references: Vec<String> = references.iter().map(|place| format!("d{place}")).collect();
                let references: Vec<&str> = references.iter().map(String::as_str).collect();
                let identifier = format!("d{}", place + 6);
                declarations.push(match item {
                    None => activation(&identifier, &references),
                    Some(item) => conditional(&identifier, &references, item),
                });
            }
            let mut listed: Vec<String> = listed.iter().map(|place| format!("d{place}")).collect();
            if let Some((items, when)) = own {
                let mut one = subscription("own", &items);
                one.placement.when = when.map(predicate);
                declarations.push(one);
                listed.push("own".into());
            }
            let listed: Vec<&str> = listed.iter().map(String::as_str).collect();
            Drawn {
                wish: wish(&declarations, &listed),
                platform,
                channel,
                capabilities: capabilities.map(|(takes, items)| {
                    let types = TOLD_BY.iter().map(|(name, _)| *name).chain([ACTIVATION_TYPE]);
                    let types: Vec<&str> = types.chain(takes.then_some(SUBSCRIPTION_TYPE)).collect();
                    Capabilities {
                        declarations: Some(names(&types)),
                        status_items: items.map(|items| names(&items)),
                    }
                }),
            }
        },
    )
}

/// What is needed, told from what the audience was given.
fn needed(drawn: &Drawn, compiled: &Compiled) -> BTreeSet<String> {
    let has = |kind, identifier: &str| compiled.manifest.find(kind, identifier).is_some();
    let mut needed = BTreeSet::new();
    let mut had = BTreeSet::new();
    for (identifier, declaration) in &drawn.wish.declarations {
        if !has(declaration.kind, identifier) {
            continue;
        }
        let told_by = TOLD_BY.iter().find(|(name, _)| *name == declaration.type_name);
        needed.extend(told_by.iter().flat_map(|(_, items)| *items).copied());
        let predicate = declaration.payload.get("Predicate").and_then(Value::as_str);
        let predicate = predicate.or(declaration.placement.when.as_deref());
        needed.extend(
            NAMED
                .into_iter()
                .filter(|item| predicate.is_some_and(|predicate| predicate.contains(&format!("({item})")))),
        );
        if identifier == "own" && predicate.is_none() {
            let items = declaration.payload["StatusItems"].as_array().unwrap();
            had.extend(items.iter().map(|item| item["Name"].as_str().unwrap()));
        }
    }
    needed
        .into_iter()
        .filter(|item| !had.contains(item))
        .map(str::to_owned)
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn it_is_exactly_what_is_needed_and_can_be_had(drawn in drawn()) {
        let Drawn { wish, platform, channel, capabilities } = &drawn;
        let class = class(wish, *platform, *channel, capabilities.as_ref());
        let audience = Audience { groups: names(&["all"]), channel: *channel, class };
        let compiled = compile(wish, &audience, Catalog::builtin());

        let version = OsVersion::new(26, 0);
        let allowed = |support: &ordain_catalog::Support| {
            let scope = channel_scope(*channel);
            let availability = support.availability(*platform, Some(&version), None, scope);
            !matches!(availability, Availability::Unavailable(_))
        };
        let listed = |list: Option<&BTreeSet<String>>, name: &str| list.map(|list| list.contains(name));
        let known = capabilities.as_ref();
        let takes = listed(known.and_then(|known| known.declarations.as_ref()), SUBSCRIPTION_TYPE)
            .unwrap_or_else(|| allowed(&Catalog::builtin().declaration(SUBSCRIPTION_TYPE).unwrap().support));
        let reports = |item: &String| listed(known.and_then(|known| known.status_items.as_ref()), item)
            .unwrap_or_else(|| allowed(&Catalog::builtin().status_item(item).unwrap().support));
        let expected: Vec<String> =
            needed(&drawn, &compiled).into_iter().filter(|item| takes && reports(item)).collect();
        prop_assert_eq!(subscribed(&compiled), expected);

        let stored: Wish = serde_json::from_str(&serde_json::to_string(wish).unwrap()).unwrap();
        let again = compile(&stored, &audience, Catalog::builtin());
        prop_assert_eq!(again.manifest.token(), compiled.manifest.token());
        let bytes = |compiled: &Compiled| compiled.made.iter().map(Declaration::body).collect::<Vec<_>>();
        prop_assert_eq!(bytes(&again), bytes(&compiled));
    }
}
