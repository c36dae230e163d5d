//! Ordain's own subscription: the status items that decisions over an audience rest on, and no others.

use std::collections::BTreeSet;

use ordain_catalog::{Catalog, Elements, Kind, Shape, StatusItem};
use ordain_predicate::{Dialect, Needs, parse};
use serde_json::{Map, Value, json};

use crate::declaration::Declaration;
use crate::ids::Channel;
use crate::manifest::PREDICATE_KEY;
use crate::windows::facts;
use crate::wish::Wish;

/// The type of subscriptions. A device reports what any of those that are in force names.
pub const SUBSCRIPTION_TYPE: &str = "com.apple.configuration.management.status-subscriptions";

const ITEMS_KEY: &str = "StatusItems";
const NAME_KEY: &str = "Name";
/// Devices report these of themselves.
const UNASKED: &str = "management.";
/// Of what a condition says of a device, the items from which the server learns it after enrollment. A build belongs
/// to its version, so none is learnt without the other.
const LEARNT: [(&str, &[&str]); 3] = [
    ("platform", &["device.operating-system.family"]),
    (
        "os.version",
        &[
            "device.operating-system.version",
            "device.operating-system.build-version",
        ],
    ),
    ("model", &["device.model.identifier"]),
];
/// Apple's schema does not relate these two to what they tell of.
const PACKAGE: (&str, &str) = ("com.apple.configuration.package", "package.list");
const FILEVAULT: (&str, &str) = ("com.apple.MCX.FileVault2", "diskmanagement.filevault.enabled");

/// The `Identifier` of Ordain's own subscription, the same for all.
pub const IDENTIFIER: &str = "ordain.status-subscriptions";

/// The items that some enrollment with such a channel may be asked for: which of them it reports is part of its class.
pub(crate) fn candidates(wish: &Wish, channel: Channel, catalog: &Catalog) -> BTreeSet<String> {
    items(wish.declarations.values(), conditions(wish, channel), catalog)
}

/// The predicates of groups that are decided by what this channel reports: a group is of devices.
pub(crate) fn conditions(wish: &Wish, channel: Channel) -> impl Iterator<Item = &str> {
    let conditions = wish
        .groups
        .values()
        .filter_map(|group| group.condition.as_deref());
    conditions.filter(move |_| channel == Channel::Device)
}

/// What has to be known to judge `declarations`, which are given, and the `conditions` of groups, in the server's
/// dialect.
pub(crate) fn items<'a>(
    declarations: impl Iterator<Item = &'a Declaration>,
    conditions: impl Iterator<Item = &'a str>,
    catalog: &Catalog,
) -> BTreeSet<String> {
    let mut items = BTreeSet::new();
    let mut predicates = BTreeSet::new();
    for declaration in declarations {
        predicates.extend(predicate(declaration).or(declaration.placement.when.as_deref()));
        if declaration.kind == Kind::Configuration {
            items.extend(telling(declaration, catalog));
        }
    }
    // The same one stands in many places, and reading it is most of the work.
    let predicates = predicates.into_iter().map(|text| (text, Dialect::Device));
    let conditions = conditions.map(|text| (text, Dialect::Server));
    for (text, dialect) in predicates.chain(conditions) {
        // What is published was read before.
        let needs = parse(text, dialect).map(|predicate| predicate.needs());
        items.extend(needs.iter().flat_map(|needs| needed(needs, catalog)));
    }
    items
}

/// The items that a predicate names, and those from which the server learns what it says of the device.
fn needed<'a>(needs: &'a Needs, catalog: &'a Catalog) -> impl Iterator<Item = String> + 'a {
    let named = needs.status.iter().map(|name| whole(name, catalog));
    let learnt = LEARNT
        .into_iter()
        .filter(|(term, _)| needs.device.contains(*term))
        .flat_map(|(_, items)| items.iter().copied());
    let is_asked = |name: &&str| !name.starts_with(UNASKED) && !facts::is_fact(name);
    let asked = named.filter(is_asked).chain(learnt);
    asked.map(str::to_owned)
}

/// The item that `name` is, or is a key of: only whole items can be subscribed to.
fn whole<'a>(name: &'a str, catalog: &Catalog) -> &'a str {
    let above = name.rmatch_indices('.').filter_map(|(dot, _)| name.get(..dot));
    let mut names = std::iter::once(name).chain(above);
    names
        .find(|name| catalog.status_item(name).is_some())
        .unwrap_or(name)
}

/// The items that tell how a configuration fares.
fn telling<'a>(configuration: &'a Declaration, catalog: &'a Catalog) -> impl Iterator<Item = String> + 'a {
    let related = catalog.declaration(&configuration.type_name);
    let related = related.into_iter().flat_map(|known| &known.status_items);
    let related = related
        .filter(|name| catalog.status_item(name).is_none_or(is_telling))
        .map(String::as_str);
    let package = (configuration.type_name == PACKAGE.0).then_some(PACKAGE.1);
    let filevault = configuration.carries.contains(FILEVAULT.0).then_some(FILEVAULT.1);
    related.chain(package).chain(filevault).map(str::to_owned)
}

/// Whether verdicts can rest on it. Of a list, this takes elements that say which declaration they are of, and whether
/// that failed: the accounts and certificates of a device do not.
fn is_telling(item: &StatusItem) -> bool {
    let Shape::Array { elements, .. } = &item.value else {
        return true;
    };
    let Elements::Alike(element) = elements else {
        return false;
    };
    let Shape::Dictionary(keys) = &element.shape else {
        return false;
    };
    let has = |key: &&str| keys.contains_key(*key);
    has(&"declaration-identifier") && ["state", "update-state", "reasons"].iter().any(has)
}

/// The predicate of an activation, if it has one.
fn predicate(declaration: &Declaration) -> Option<&str> {
    let is_activation = declaration.kind == Kind::Activation;
    let predicate = declaration.payload.get(PREDICATE_KEY);
    predicate.filter(|_| is_activation).and_then(Value::as_str)
}

/// The items that subscriptions among the `given` configurations have, as far as one of the `activations` puts them in
/// force whatever the device says.
pub(crate) fn subscribed<'a>(
    given: impl Iterator<Item = &'a Declaration>,
    activations: &[&Declaration],
) -> BTreeSet<&'a str> {
    let is_in_force = |subscription: &&Declaration| {
        activations.iter().any(|activation| {
            activation.references.contains(&subscription.identifier) && predicate(activation).is_none()
        })
    };
    given
        .filter(|declaration| declaration.type_name == SUBSCRIPTION_TYPE)
        .filter(is_in_force)
        .flat_map(|subscription| subscription.payload.get(ITEMS_KEY).and_then(Value::as_array))
        .flatten()
        .filter_map(|item| item.get(NAME_KEY)?.as_str())
        .collect()
}

/// The subscription to `items`; none to nothing.
pub(crate) fn subscription(items: &BTreeSet<String>) -> Option<Declaration> {
    if items.is_empty() {
        return None;
    }
    let items: Vec<Value> = items.iter().map(|name| json!({ NAME_KEY: name })).collect();
    let payload = Map::from_iter([(ITEMS_KEY.to_owned(), Value::from(items))]);
    // Only integers make this fail, and a subscription has none.
    Declaration::new(
        Kind::Configuration,
        SUBSCRIPTION_TYPE.to_owned(),
        IDENTIFIER.to_owned(),
        payload,
    )
    .ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile::RESERVED_PREFIX;

    fn of_conditions(conditions: &[&str]) -> Vec<String> {
        let conditions = conditions.iter().copied();
        let items = items(std::iter::empty(), conditions, Catalog::builtin());
        items.into_iter().collect()
    }

    #[test]
    fn conditions_ask_for_the_items_that_they_name_and_for_what_the_server_knows_by_items() {
        let conditions = [
            "@status(passcode.is-present) == TRUE AND @tag(lab) == TRUE",
            "SUBQUERY(@status(app.managed.list), $a, $a.@key(state) == 'failed').@count > 0",
            "@device(serial) == 'C02' AND @device(supervised) == TRUE",
        ];
        assert_eq!(
            of_conditions(&conditions),
            ["app.managed.list", "passcode.is-present"]
        );
        assert_eq!(
            of_conditions(&["@device(os.version) >= '26.1' OR @device(model) BEGINSWITH 'Mac'"]),
            [
                "device.model.identifier",
                "device.operating-system.build-version",
                "device.operating-system.version"
            ]
        );
        assert_eq!(
            of_conditions(&["@device(platform) == 'macOS'"]),
            ["device.operating-system.family"]
        );
    }

    #[test]
    fn whole_items_are_subscribed_to_and_none_that_come_unasked() {
        let keys = [
            "@status(softwareupdate.failure-reason.count) > 0",
            "@status(management.declarations.configurations).@count > 0",
            "@status(management.declarations) != 'x'",
            "@status(nobody.knows.this) == 1",
            "this is none",
        ];
        assert_eq!(
            of_conditions(&keys),
            ["nobody.knows.this", "softwareupdate.failure-reason"]
        );
    }

    #[test]
    fn the_identifier_is_reserved() {
        assert!(IDENTIFIER.starts_with(RESERVED_PREFIX));
    }

    /// What the table adds is nowhere in the catalog, and what it names is there.
    #[test]
    fn the_table_says_what_the_catalog_does_not() {
        let catalog = Catalog::builtin();
        for item in [PACKAGE.1, FILEVAULT.1] {
            assert!(catalog.status_item(item).is_some_and(is_telling), "{item}");
            let mut types = catalog.declarations();
            assert!(!types.any(|known| known.status_items.contains(item)), "{item}");
        }
        assert!(catalog.declaration(PACKAGE.0).is_some());
        assert!(catalog.profiles_of_type(FILEVAULT.0).next().is_some());
        for (_, items) in LEARNT {
            assert!(items.iter().all(|item| catalog.status_item(item).is_some()));
        }
        let telling = |name: &str| catalog.status_item(name).is_some_and(is_telling);
        for item in [
            "app.managed.list",
            "passcode.is-compliant",
            "softwareupdate.failure-reason",
        ] {
            assert!(telling(item), "{item}");
        }
        for item in [
            "services.background-task",
            "security.certificate.list",
            "account.list.mail.incoming",
        ] {
            assert!(!telling(item), "{item}");
        }
    }
}
