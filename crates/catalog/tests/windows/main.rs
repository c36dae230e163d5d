//! The facts about Windows: that they are in their one form, and that what they say holds together.

mod document;
mod lookup;
mod reader;
mod setting;

use std::collections::BTreeSet;

use ordain_catalog::facts;
use ordain_catalog::windows::{
    Body, Builds, Change, DataFormat, Edition, Join, Node, Removal, Request, Together, Verb, WindowsCatalog,
};
use ordain_catalog::{Catalog, Scope, Shape};

fn catalog() -> &'static WindowsCatalog {
    WindowsCatalog::builtin()
}

/// The node with this template.
fn node(template: &str) -> &'static Node {
    let nodes = catalog().csps().flat_map(|csp| csp.nodes());
    let mut nodes = nodes.filter(|(known, _)| known == template);
    nodes.next().unwrap_or_else(|| panic!("no {template}")).1
}

/// An address that a template leads to.
fn address(template: &str, scope: Scope) -> String {
    let address = template
        .replace("{Thumbprint}", "0123456789ABCDEF0123456789ABCDEF01234567")
        .replace("{DocID}", "5A1F0C3E-7B22-4D0E-9C11-2F6A8E4B7D90")
        .replace("{ProductCode}", "%7B88888888-0000-4000-8000-000000000001%7D")
        .replace("{UpgradeCode}", "%7B88888888-0000-4000-8000-000000000002%7D")
        .replace("{Number}", "0")
        .replace("/*", "/Any/Thing");
    let mut whole = String::new();
    for part in address.split_inclusive('}') {
        match part.split_once('{') {
            Some((before, _)) => whole.extend([before, "Some%20thing"]),
            None => whole.push_str(part),
        }
    }
    match (scope, whole.strip_prefix("./Vendor")) {
        (Scope::System, Some(rest)) => format!("./Device/Vendor{rest}"),
        (Scope::User, Some(rest)) => format!("./User/Vendor{rest}"),
        _ => whole,
    }
}

#[test]
fn the_committed_facts_are_in_their_one_form() {
    let read = facts::read_windows(facts::WINDOWS).unwrap();
    assert_eq!(facts::write_windows(&read), facts::WINDOWS);
    assert_eq!(&read, catalog());
}

#[test]
fn all_of_the_specification_is_there() {
    assert_eq!(
        catalog().counts().to_string(),
        "25 CSPs with 493 nodes (23 unverified), 27 declared-configuration scenarios (19 from a draft)"
    );
}

#[test]
fn what_a_node_says_holds_together() {
    for csp in catalog().csps() {
        for (template, node) in csp.nodes() {
            let all_suit = |shape: &Shape| {
                node.formats.iter().all(|format| match shape {
                    Shape::Integer { .. } => *format == DataFormat::Int,
                    Shape::Boolean => *format == DataFormat::Bool,
                    Shape::String { .. } => *format == DataFormat::Chr,
                    _ => false,
                })
            };
            if let Some(shape) = &node.value {
                assert!(!node.formats.is_empty() && all_suit(shape), "{template}");
            }
            let is_placeholder = template.rsplit('/').next().unwrap().contains('{');
            assert!(node.named.is_none() || is_placeholder, "{template}");
            assert_eq!(
                node.children.is_empty(),
                !node.formats.contains(&DataFormat::Node),
                "{template}"
            );
            if let Some(removal) = node.removal {
                let is_deleted = node.verbs.contains(&Verb::Delete) || removal == Removal::EmptyValue;
                assert!(is_deleted, "{template}");
            }
            let Some(Shape::Integer { allowed, .. }) = &node.value else {
                continue;
            };
            let meant: Vec<&i64> = node.meanings.keys().collect();
            assert!(
                meant.is_empty() || allowed.is_empty() || meant == allowed.iter().collect::<Vec<_>>(),
                "{template}"
            );
        }
    }
}

#[test]
fn outcomes_are_nodes_that_can_be_read() {
    let mut count = 0;
    for csp in catalog().csps() {
        for (template, node) in csp.nodes() {
            let found = catalog()
                .find(&address(&template, Scope::System), &mut 0)
                .unwrap();
            assert_eq!(found.outcome().is_some(), node.outcome.is_some(), "{template}");
            let Some(outcome) = found.outcome() else {
                continue;
            };
            let read = catalog().find(&outcome.to_string(), &mut 0).unwrap();
            assert!(read.node.verbs.contains(&Verb::Get), "{template}");
            assert!(read.node.children.is_empty(), "{template}");
            count += 1;
        }
    }
    assert_eq!(count, 38);
}

#[test]
fn what_the_specification_says_is_what_is_found() {
    let allowed = |template: &str| node(template).value.as_ref().unwrap().allowed();
    assert_eq!(
        allowed("./Vendor/MSFT/BitLocker/RequireDeviceEncryption"),
        ["0", "1"]
    );
    let policy = node("./Vendor/MSFT/Policy/Config/{AreaName}/{PolicyName}");
    assert_eq!(policy.change, Some(Change::Replace));
    assert_eq!(policy.removal, Some(Removal::NotConfigured));
    assert_eq!(
        node("./Vendor/MSFT/BitLocker").change.unwrap_or_default(),
        Change::AddThenReplace
    );
    assert_eq!(
        node("./Vendor/MSFT/BitLocker/Status").together,
        Some(Together::Message)
    );
    let document = node("./Vendor/MSFT/DeclaredConfiguration/Host/Complete/Documents/{DocID}/Document");
    assert_eq!(document.removal, Some(Removal::Keeps));
    assert_eq!(document.scopes.unverified, BTreeSet::from([Scope::User]));
    assert!(!document.needs.editions.contains(&Edition::Home));
    let Builds(joined) = &document.needs.joins[&Join::Joined];
    assert!(joined.contains(&"10.0.22000.918".parse().unwrap()));
    assert!(!document.needs.joins.contains_key(&Join::Neither));
    let interval = node("./Vendor/MSFT/DeclaredConfiguration/ManagementServiceConfiguration/RefreshInterval");
    assert!(interval.unverified);
    assert_eq!(interval.default, Some(240.into()));
    assert!(
        node("./Vendor/MSFT/DeclaredConfiguration/Host/BulkTemplate/Results/{DocID}/Document").unverified
    );
    assert!(node("./DevDetail/Ext/Microsoft/DeviceName").reboot);
    let status = node("./Vendor/MSFT/EnterpriseDesktopAppManagement/MSI/{ProductCode}/Status");
    assert_eq!(status.meanings[&48], "waiting for a user session");
    let wipe = node("./Vendor/MSFT/RemoteWipe/doWipeProtected");
    assert_eq!(wipe.verbs, BTreeSet::from([Verb::Exec]));

    let vpn = catalog().scenario("msftvpn").unwrap();
    assert_eq!(
        (vpn.name.as_str(), vpn.draft, vpn.body),
        ("MSFTVPN", false, Some(Body::Csp))
    );
    assert_eq!(vpn.requests, BTreeSet::from([Request::Complete]));
    let documented = catalog().scenarios().filter(|scenario| !scenario.draft);
    assert_eq!(documented.count(), 8);
    assert!(catalog().scenario("MSFTFirewall").unwrap().draft);
    for scenario in catalog().scenarios() {
        for name in scenario.csps.iter() {
            assert!(catalog().csp(name).is_some(), "{name}");
        }
    }
}

#[test]
fn an_import_of_apples_facts_leaves_windows_alone() {
    let imported = facts::read(facts::APPLE).unwrap();
    assert_eq!(&imported, &**Catalog::builtin());
    assert!(facts::read(facts::WINDOWS).is_err());
    assert!(facts::read_windows(facts::APPLE).is_err());
}

#[test]
fn no_sentence_of_anyone_is_carried_over() {
    let words = |text: &str| text.split(' ').count();
    for (number, line) in facts::WINDOWS.lines().enumerate().skip(2) {
        for quoted in line.split('"').skip(1).step_by(2) {
            assert!(words(quoted) <= 6, "line {}: {quoted}", number + 1);
        }
    }
    for csp in catalog().csps() {
        for (template, node) in csp.nodes() {
            for meaning in node.meanings.values() {
                assert!(
                    words(meaning) <= 5 && !meaning.ends_with('.'),
                    "{template}: {meaning}"
                );
            }
        }
    }
}
