//! Which node an address is of, whatever the address is.

use ordain_catalog::windows::{NotFound, WindowsCatalog};
use ordain_catalog::{Scope, facts};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::{address, catalog};

const COMPARISONS: usize = 20_000;

fn found(uri: &str) -> (String, Vec<(String, String)>) {
    let found = catalog()
        .find(uri, &mut 0)
        .unwrap_or_else(|error| panic!("{uri}: {error}"));
    let nodes = found.csp.nodes();
    let template = nodes
        .iter()
        .find(|(_, node)| std::ptr::eq(*node, found.node))
        .unwrap();
    let bindings = found.bindings.iter();
    let bindings = bindings.map(|binding| (binding.name.to_owned(), binding.value.clone()));
    (template.0.clone(), bindings.collect())
}

fn bound(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
        .collect()
}

#[test]
fn every_node_is_found_by_an_address_of_it() {
    for csp in catalog().csps() {
        for (template, _) in csp.nodes() {
            for scope in [Scope::System, Scope::User] {
                let uri = address(&template, scope);
                assert_eq!(found(&uri).0, template, "{uri}");
            }
        }
    }
}

#[test]
fn placeholders_are_bound_and_documented_names_come_first() {
    for (uri, template, bindings) in [
        (
            "./Device/Vendor/MSFT/BitLocker/RequireDeviceEncryption",
            "./Vendor/MSFT/BitLocker/RequireDeviceEncryption",
            bound(&[]),
        ),
        (
            "./User/Vendor/MSFT/WiFi/Profile/Caf%C3%A9%2F1/WlanXml",
            "./Vendor/MSFT/WiFi/Profile/{SSID}/WlanXml",
            bound(&[("SSID", "Café/1")]),
        ),
        (
            "./Vendor/MSFT/Policy/Config/Update/DeferQualityUpdatesPeriodInDays",
            "./Vendor/MSFT/Policy/Config/Update/DeferQualityUpdatesPeriodInDays",
            bound(&[]),
        ),
        (
            "./Vendor/MSFT/Policy/Config/Update/PauseFeatureUpdatesStartTime",
            "./Vendor/MSFT/Policy/Config/Update/PauseFeatureUpdates{Setting}",
            bound(&[("Setting", "StartTime")]),
        ),
        (
            "./Vendor/MSFT/Policy/Config/Update/PauseFeatureUpdates",
            "./Vendor/MSFT/Policy/Config/Update/{PolicyName}",
            bound(&[("PolicyName", "PauseFeatureUpdates")]),
        ),
        (
            "./Device/Vendor/MSFT/Policy/Config/ExampleApp~Policy~ExampleCat/Banner",
            "./Vendor/MSFT/Policy/Config/{AreaName}/{PolicyName}",
            bound(&[
                ("AreaName", "ExampleApp~Policy~ExampleCat"),
                ("PolicyName", "Banner"),
            ]),
        ),
        (
            "./Vendor/MSFT/WiFi/Profile/%7BSSID%7D",
            "./Vendor/MSFT/WiFi/Profile/{SSID}",
            bound(&[("SSID", "{SSID}")]),
        ),
        (
            "./Vendor/MSFT/WiFi/Profile/*",
            "./Vendor/MSFT/WiFi/Profile/{SSID}",
            bound(&[("SSID", "*")]),
        ),
        (
            "./Vendor/MSFT/ActiveSync/Accounts/%7B1%7D/Domain",
            "./Vendor/MSFT/ActiveSync/*",
            bound(&[]),
        ),
        (
            "./Vendor/MSFT/VPNv2/Lab/TrafficFilterList/0/Protocol",
            "./Vendor/MSFT/VPNv2/{ProfileName}/TrafficFilterList/{Number}/Protocol",
            bound(&[("ProfileName", "Lab"), ("Number", "0")]),
        ),
    ] {
        assert_eq!(found(uri), (template.to_owned(), bindings), "{uri}");
    }
}

#[test]
fn the_address_is_given_back_in_its_one_form() {
    let found = catalog()
        .find(
            "./Vendor/MSFT/EnterpriseDesktopAppManagement/MSI/%7b1%7d/DownloadInstall",
            &mut 0,
        )
        .unwrap();
    assert_eq!(
        found.uri.to_string(),
        "./Device/Vendor/MSFT/EnterpriseDesktopAppManagement/MSI/%7B1%7D/DownloadInstall"
    );
    assert_eq!(found.binding("ProductCode"), Some("{1}"));
    assert_eq!(found.binding("Other"), None);
    assert_eq!(
        found.outcome().unwrap().to_string(),
        "./Device/Vendor/MSFT/EnterpriseDesktopAppManagement/MSI/%7B1%7D/Status"
    );
}

#[test]
fn what_was_meant_is_told() {
    for (uri, message, nearest) in [
        (
            "./Device/Vendor/MSFT/BitLocker/RequireDeviceEncription",
            "`RequireDeviceEncription` is not known in `./Device/Vendor/MSFT/BitLocker`",
            &["RequireDeviceEncryption"][..],
        ),
        (
            "./Device/Vendor/MSFT/Bitlocker/Status",
            "no CSP is known there",
            &["./Vendor/MSFT/BitLocker"],
        ),
        (
            "./Vendor/MSFT/Policy/Config/update/ProductVersion",
            "`update` is not known in `./Device/Vendor/MSFT/Policy/Config`",
            &["Update"],
        ),
        (
            "./User/Vendor/MSFT/WiFi/Profile/Lab/WlanXML",
            "`WlanXML` is not known in `./User/Vendor/MSFT/WiFi/Profile/Lab`",
            &["WlanXml"],
        ),
        (
            "./DevInfo/DevId/More",
            "`More` is not known in `./DevInfo/DevId`",
            &[],
        ),
        ("./Device/Vendor/MSFT/NoSuchCsp", "no CSP is known there", &[]),
        ("./Device/Vendor/MSFT", "no CSP is known there", &[]),
        ("./Device", "no CSP is known there", &[]),
    ] {
        let error = catalog().find(uri, &mut COMPARISONS.clone()).unwrap_err();
        assert_eq!(error.to_string(), message, "{uri}");
        assert_eq!(error.nearest(), nearest, "{uri}");
        let error = catalog().find(uri, &mut 0).unwrap_err();
        assert!(error.nearest().is_empty(), "nothing was granted");
    }
    assert!(matches!(
        catalog().find("BitLocker", &mut 0),
        Err(NotFound::Invalid(_))
    ));
}

#[test]
fn a_placeholder_that_leads_nowhere_gives_way_to_another() {
    let text = facts::write_windows(&WindowsCatalog::default())
        + "csp ./A node Get\n  node Pre{X} node Get\n    node b - -\n  node P{Y} node Get\n    node c - -\n"
        + "  node {Z} node Get\n    node {W} node Get\n      node d - -\n";
    let catalog = facts::read_windows(&text).unwrap();
    for (uri, bindings) in [
        ("./A/Prefix/b", &[("X", "fix")][..]),
        ("./A/Prefix/c", &[("Y", "refix")]),
        ("./A/Prefix/b/d", &[("Z", "Prefix"), ("W", "b")]),
        ("./A/Pre/c", &[("Y", "re")]),
        ("./A/P", &[("Z", "P")]),
    ] {
        let found = catalog.find(uri, &mut 0).unwrap();
        let bound_there = found.bindings.iter().map(|it| (it.name, it.value.as_str()));
        assert_eq!(bound_there.collect::<Vec<_>>(), bindings, "{uri}");
    }
    let error = catalog.find("./A/Prefix/b/e", &mut 0).unwrap_err();
    assert_eq!(error.to_string(), "`e` is not known in `./A/Prefix/b`");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn any_address_is_of_one_node_or_of_none(
        scope in select(&["./", "./Device/", "./User/", "/", ""][..]),
        names in vec(
            "Vendor|MSFT|Policy|Config|DevInfo|DeclaredConfiguration|Host|Complete|\\*|\\{DocID\\}|%7BDocID%7D|a{0,300}\
             |%[0-9A-F]{2}|\\.\\.?|\\PC{0,6}",
            0..40,
        ),
    ) {
        let uri = format!("{scope}{}", names.join("/"));
        match catalog().find(&uri, &mut COMPARISONS.clone()) {
            Ok(found) => {
                let one = found.uri.to_string();
                let again = catalog().find(&one, &mut 0).unwrap();
                prop_assert!(std::ptr::eq(again.node, found.node));
                prop_assert_eq!(again.bindings, found.bindings);
            }
            Err(error) => prop_assert!(error.nearest().len() <= 3),
        }
    }

    #[test]
    fn what_stands_for_a_placeholder_is_given_back(ssid in "[^\\p{Cc}]{1,40}") {
        prop_assume!(ssid != "." && ssid != "..");
        let encoded: String = ssid.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let uri = format!("./Vendor/MSFT/WiFi/Profile/{encoded}/WlanXml");
        let found = catalog().find(&uri, &mut 0).unwrap();
        prop_assert_eq!(found.binding("SSID"), Some(&*ssid));
    }
}

#[test]
fn what_is_made_and_deleted_as_one_is_known() {
    for (uri, instance) in [
        (
            "./Vendor/MSFT/VPNv2/Work/RouteList/0/Address",
            Some("./Device/Vendor/MSFT/VPNv2/Work"),
        ),
        (
            "./User/Vendor/MSFT/WiFi/Profile/Lab%20Wifi/WlanXml",
            Some("./User/Vendor/MSFT/WiFi/Profile/Lab%20Wifi"),
        ),
        (
            "./Vendor/MSFT/Policy/Config/Update/Any",
            Some("./Device/Vendor/MSFT/Policy/Config/Update/Any"),
        ),
        ("./Vendor/MSFT/Policy/Config/Camera/AllowCamera", None),
        ("./Vendor/MSFT/DMClient/Provider/Ordain/EntDMID", None),
        ("./Vendor/MSFT/Nothing/Here", None),
    ] {
        let uri = uri.parse().unwrap();
        let found = catalog().instance(&uri).map(|instance| instance.to_string());
        assert_eq!(found.as_deref(), instance, "{uri}");
        assert!(
            catalog()
                .instance(&uri)
                .is_none_or(|instance| uri.is_in(&instance))
        );
    }
}
