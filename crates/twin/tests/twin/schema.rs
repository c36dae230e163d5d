//! What twins hold against declarations by the schema that their systems know.

use std::sync::Arc;

use ordain_catalog::{Catalog, Platform};
use ordain_model::report::{Listed, Reason, Validity};
use ordain_twin::device::System;
use ordain_twin::schema::Schema;
use ordain_twin::{Device, Twin};
use serde_json::{Value, json};

use crate::fake::{Fake, Said, settings, settle, twin};

const OLD: System = System {
    version: "18.7.2",
    build: "22H124",
    marketing_name: "iOS 18.7.2",
};
const NEW: System = System {
    version: "26.1",
    build: "23B85",
    marketing_name: "iOS 26.1",
};

/// A supervised iPhone with the newest system, changed like this.
fn phone(change: impl FnOnce(&mut Device)) -> Twin {
    let mut device = twin(Platform::Ios).device().clone();
    device.system = &NEW;
    change(&mut device);
    Twin::new(device, settings())
}

/// A server that wants one configuration, in force.
fn wanting(type_name: &str, payload: Value) -> Fake {
    let mut fake = Fake::new();
    fake.wanted.clear();
    fake.want("a", "activation.simple", json!({"StandardConfigurations": ["c"]}));
    fake.want("c", &format!("configuration.{type_name}"), payload);
    fake
}

fn reason<'a>(listed: &'a Listed<'_>, code: &str) -> &'a Reason {
    let reason = listed.reasons.iter().find(|reason| reason.code == code);
    reason.unwrap_or_else(|| panic!("no {code}: {listed:?}"))
}

fn refused(listed: &Listed<'_>) -> bool {
    !listed.active && listed.valid == Validity::Invalid
}

#[test]
fn an_unknown_type_is_named() {
    let mut fake = wanting("of.tomorrow", json!({"Any": "thing"}));
    settle(&mut phone(|_| {}), &mut fake);
    let listed = fake.listed("c");
    assert!(refused(&listed));
    assert_eq!(
        reason(&listed, "Error.UnknownDeclarationType").details,
        Some(json!({"UnknownDeclarationType": "com.apple.configuration.of.tomorrow"}))
    );
}

#[test]
fn what_another_catalog_has_is_known() {
    let mut catalog = Catalog::clone(Catalog::builtin());
    let mut tomorrow = catalog
        .declaration("com.apple.configuration.management.test")
        .unwrap()
        .clone();
    tomorrow.name = "com.apple.configuration.of.tomorrow".to_owned();
    catalog.add_declaration(tomorrow);
    let schema = Arc::new(Schema::new(Arc::new(catalog)));
    let mut fake = wanting("of.tomorrow", json!({"Echo": "e"}));
    settle(&mut phone(|device| device.schema = schema), &mut fake);
    assert!(fake.listed("c").active);
    let reports = &fake.channels.values().next().unwrap().reports;
    let capabilities = reports.iter().find_map(|report| report.capabilities.as_ref());
    let declarations = capabilities.unwrap().declarations.as_ref().unwrap();
    assert!(declarations.contains("com.apple.configuration.of.tomorrow"));
}

#[test]
fn unknown_keys_are_told_by_their_paths() {
    let payload = json!({"BundleID": "com.example", "Colour": 1, "InstallBehavior": {"License": {"Assignment": "Device"}, "Instal": {"Deep": 1}}});
    let mut fake = wanting("app.managed", payload);
    settle(&mut phone(|_| {}), &mut fake);
    let listed = fake.listed("c");
    assert!(refused(&listed));
    assert_eq!(
        reason(&listed, "Error.UnknownPayloadKeys").details,
        Some(json!({"UnknownPayloadKeys": ["Colour", "InstallBehavior.Instal"]}))
    );
    assert_eq!(listed.reasons.len(), 1);
}

#[test]
fn a_payload_that_breaks_its_schema_is_invalid() {
    for (payload, key) in [
        (json!({"MinimumLength": 99}), "MinimumLength"),
        (json!({"MinimumLength": "8"}), "MinimumLength"),
        (json!({"CustomRegex": {"Regex": 1}}), "CustomRegex"),
    ] {
        let mut fake = wanting("passcode.settings", payload);
        settle(&mut phone(|_| {}), &mut fake);
        let listed = fake.listed("c");
        assert!(refused(&listed));
        let details = reason(&listed, "Error.ConfigurationIsInvalid").details.as_ref();
        let error = details.unwrap()["Error"].as_str().unwrap();
        assert!(error.contains(key), "{error}");
        assert_eq!(details.unwrap().as_object().unwrap().len(), 1);
    }
    let mut fake = wanting(
        "passcode.settings",
        json!({"MinimumLength": 99, "MaximumLength": 99}),
    );
    settle(&mut phone(|_| {}), &mut fake);
    let listed = fake.listed("c");
    reason(&listed, "Error.ConfigurationIsInvalid");
    reason(&listed, "Error.UnknownPayloadKeys");
}

#[test]
fn other_kinds_are_judged_too_and_what_needs_them_falls_with_them() {
    let mut fake = wanting("security.certificate", json!({"CredentialAssetReference": "x"}));
    let mut reference = fake.file("https://fake/x", "application/pem", b"certificate".to_vec());
    reference["Sighs"] = json!(1);
    fake.want(
        "x",
        "asset.credential.certificate",
        json!({"Reference": reference}),
    );
    fake.want("m", "management.organization-info", json!({"Name": 1}));
    fake.want(
        "b",
        "activation.simple",
        json!({"StandardConfigurations": ["d"], "Predicat": "1 == 0"}),
    );
    fake.want("d", "configuration.management.test", json!({"Echo": "e"}));
    settle(&mut phone(|_| {}), &mut fake);
    for identifier in ["x", "m", "b", "c"] {
        assert!(refused(&fake.listed(identifier)), "{identifier}");
    }
    assert_eq!(
        reason(&fake.listed("x"), "Error.UnknownPayloadKeys").details,
        Some(json!({"UnknownPayloadKeys": ["Reference.Sighs"]}))
    );
    let organization = fake.listed("m");
    assert_eq!(
        reason(&organization, "Error.InvalidPayload").details,
        Some(json!({"Identifier": "m", "ServerToken": organization.server_token}))
    );
    reason(&fake.listed("c"), "Error.ConfigurationCannotBeApplied");
    reason(&fake.listed("d"), "Error.ActivationFailed");
    let is_download = |said: &Said| matches!(said, Said::Download(_));
    assert!(!fake.log.iter().any(is_download), "nothing is fetched for it");
}

#[test]
fn keys_are_known_from_the_release_on_that_brings_them() {
    const KEY: &str = "InstallBehavior.AllowDownloadsOverCellular";
    let payload = json!({"BundleID": "com.example", "InstallBehavior": {"License": {"Assignment": "Device"}, "AllowDownloadsOverCellular": "AlwaysOn"}});
    let said = |change: fn(&mut Device)| {
        let mut fake = wanting("app.managed", payload.clone());
        settle(&mut phone(change), &mut fake);
        fake.listed("c")
    };
    let supervised = said(|_| {});
    assert!(supervised.active && supervised.reasons.is_empty());

    let unsupervised = said(|device| device.supervised = false);
    assert!(unsupervised.active && unsupervised.valid == Validity::Valid);
    assert_eq!(
        reason(&unsupervised, "Info.UnsupportedSettings").details,
        Some(json!({"Settings": [KEY]}))
    );

    for supervised in [true, false] {
        let old = said(match supervised {
            true => |device| device.system = &OLD,
            false => |device| (device.system, device.supervised) = (&OLD, false),
        });
        assert!(refused(&old));
        assert_eq!(
            reason(&old, "Error.UnknownPayloadKeys").details,
            Some(json!({"UnknownPayloadKeys": [KEY]}))
        );
    }
}

#[test]
fn a_status_item_that_nobody_knows_costs_the_others_nothing() {
    let items = json!({"StatusItems": [{"Name": "device.model.family"}, {"Name": "device.mood"}]});
    let mut fake = wanting("management.status-subscriptions", items);
    settle(&mut phone(|_| {}), &mut fake);
    assert!(fake.listed("c").active);
    let reports = &fake.channels.values().next().unwrap().reports;
    assert!(
        reports
            .iter()
            .any(|report| report.items.contains_key("device.model.family"))
    );
    assert!(
        reports
            .iter()
            .any(|report| report.errors.contains_key("device.mood"))
    );
}
