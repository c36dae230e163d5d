//! Every rule of the table has a payload that breaks it, and near misses that do not; both are made from the rule.

mod cases;

use serde_json::json;

use self::cases::{cases, payload_with};
use super::*;
use crate::validate::{At, Code, DeviceKind};
use crate::{Elements, Key, Scope, Shape};

/// One device for which the rule is made, one for which it is not.
fn recipients(says: Says) -> (Recipients, Recipients) {
    let of = |platform, enrollment| Recipients {
        kinds: vec![DeviceKind {
            platform,
            os_version: None,
            enrollment: Some(enrollment),
            scope: Scope::System,
            build: None,
        }],
        known: true,
        to_come: Vec::new(),
    };
    match says {
        Says::NeedsOn(platforms, enrollments, _) => (
            of(platforms[0], enrollments[0]),
            of(platforms[0], EnrollmentType::Supervised),
        ),
        _ => (
            of(Platform::Ios, EnrollmentType::User),
            of(Platform::MacOs, EnrollmentType::User),
        ),
    }
}

fn given<'a>(type_name: &str, recipients: &'a Recipients) -> Given<'a> {
    let catalog = Catalog::builtin();
    Given {
        catalog,
        declaration: catalog
            .declaration(type_name)
            .unwrap_or_else(|| panic!("no {type_name}")),
        recipients,
        unknown: Severity::Error,
    }
}

fn broken(given: Given<'_>, at: &str, says: Says, payload: &Value) -> Vec<Finding> {
    let mut check = Check::new(given);
    check.rule(at, says, payload);
    check.breaches.into_iter().map(|breach| breach.finding).collect()
}

#[test]
fn every_rule_is_broken_by_what_breaks_it_and_not_by_near_misses() {
    for rule in rules::all() {
        let (concerned, other) = recipients(rule.says);
        for &(type_name, at) in rule.places {
            let concerned = given(type_name, &concerned);
            let (breaking, near) = cases(rule.says, concerned.declaration);
            assert!(!breaking.is_empty() && !near.is_empty());
            for (value, below, code) in &breaking {
                let (payload, pointer) = payload_with(at, value.clone());
                let findings = broken(concerned, at, rule.says, &payload);
                let [finding] = &findings[..] else {
                    panic!("{type_name} {at}: {payload} {findings:?}")
                };
                assert_eq!(finding.pointer, pointer + below, "{type_name}");
                assert_eq!(finding.code, *code, "{type_name}: {}", finding.message);
                assert!(payload.pointer(&finding.pointer).is_some());
                assert!(finding.message.len() < 400 && !finding.message.contains('\n'));
                let at_key = matches!(finding.code, Code::UnexpectedKey | Code::IgnoredKey)
                    || matches!(rule.says, Says::NamesAtMost(_));
                assert_eq!(finding.at == At::Key, at_key, "{}", finding.message);
            }
            for value in &near {
                let (payload, _) = payload_with(at, value.clone());
                let findings = broken(concerned, at, rule.says, &payload);
                assert!(findings.is_empty(), "{type_name} {at}: {payload} {findings:?}");
            }
            if let Says::NeedsOn(..) = rule.says {
                assert!(broken(given(type_name, &other), at, rule.says, &json!({})).is_empty());
            }
        }
    }
}

#[test]
fn folders_in_folders_are_looked_at() {
    let payload = json!({"ManagedBookmarks": [{"Bookmarks": [
        {"Folder": [{"URL": "https://a"}, {"Folder": [{"Title": "neither"}, {"URL": "x", "Folder": []}]}]},
    ]}]});
    let name = "com.apple.configuration.safari.bookmarks";
    let (nobody, _) = recipients(Says::Unique);
    let found = breaches(given(name, &nobody), &payload);
    let pointers: Vec<&str> = found
        .iter()
        .map(|breach| breach.finding.pointer.as_str())
        .collect();
    let folder = "/ManagedBookmarks/0/Bookmarks/0/Folder/1/Folder";
    assert_eq!(pointers, [format!("{folder}/0"), format!("{folder}/1/Folder")]);
}

#[test]
fn items_that_nobody_reports_are_told() {
    let payload =
        json!({"StatusItems": [{"Name": "passcode.is-compliant"}, {"Name": "device.model.family"}]});
    let name = "com.apple.configuration.management.status-subscriptions";
    let found = |recipients: &Recipients| {
        let found = breaches(given(name, recipients), &payload);
        found
            .into_iter()
            .map(|breach| (breach.finding.severity, breach.finding.message))
            .collect::<Vec<_>>()
    };
    let (phones, macs) = recipients(Says::Unique);
    assert!(found(&phones).is_empty());
    assert_eq!(
        found(&macs),
        [(
            Severity::Warning,
            "`StatusItems[0].Name` is \"passcode.is-compliant\", which nobody here reports: not on macOS (macOS, \
             user enrollment, device channel)"
                .to_owned()
        )]
    );
}

#[test]
fn findings_read_well() {
    let messages = |name: &str, payload: Value| {
        let (nobody, _) = recipients(Says::Unique);
        let found = breaches(given(name, &nobody), &payload);
        found
            .into_iter()
            .map(|breach| breach.finding.message)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        messages("com.apple.configuration.legacy", json!({})),
        ["the payload lacks `ProfileURL` or `ProfileAssetReference`"]
    );
    assert_eq!(
        messages(
            "com.apple.configuration.management.status-subscriptions",
            json!({"StatusItems": [{"Name": "device.model.familly"}]})
        ),
        [
            "`StatusItems[0].Name` is \"device.model.familly\", which is no status item; did you mean \
          `device.model.family`?"
        ]
    );
    assert_eq!(
        messages(
            "com.apple.configuration.softwareupdate.settings",
            json!({"Beta": {"RequireProgram": {}}})
        ),
        ["`RequireProgram` in `Beta` is only for when `ProgramEnrollment` is `AlwaysOn`"]
    );
    assert_eq!(
        messages(
            "com.apple.configuration.account.mail",
            json!({"IncomingServer": {"AuthenticationMethod": "NTLM"}})
        ),
        [
            "`IncomingServer` lacks `AuthenticationCredentialsAssetReference`, which is required since \
          `AuthenticationMethod` is \"NTLM\""
        ]
    );
}

/// The shape where `at` leads.
fn shape_at<'a>(shape: &'a Shape, at: &str) -> Option<&'a Shape> {
    if at.is_empty() {
        return Some(shape);
    }
    let (step, rest) = at.split_once('/').unwrap_or((at, ""));
    let key: &Key = match (step, shape) {
        (_, Shape::Any) => return Some(shape),
        (
            "[]",
            Shape::Array {
                elements: Elements::Alike(key),
                ..
            },
        ) => key,
        (_, Shape::Map(key)) => key,
        (step, Shape::Dictionary(keys)) => match step.strip_suffix('*') {
            Some(name) => return keys.contains_key(name).then(|| shape_at(shape, rest))?,
            None => keys.get(step)?,
        },
        _ => return None,
    };
    shape_at(&key.shape, rest)
}

#[test]
fn rules_are_of_keys_that_there_are_and_that_the_schema_does_not_require() {
    fn named(when: When) -> Vec<&'static str> {
        match when {
            When::Present(key) | When::Absent(key) => vec![key],
            When::True(key) | When::NotTrue(key) | When::False(key) => vec![key],
            When::Is(key, _) | When::IsNot(key, _) | When::Has(key, _) => vec![key],
            When::Both(one, other) | When::Either(one, other) => [named(*one), named(*other)].concat(),
        }
    }
    for rule in rules::all() {
        let keys = match rule.says {
            Says::OneOf(keys) | Says::AtMostOneOf(keys) | Says::SomeOf(keys) => keys.to_vec(),
            Says::Together(keys) | Says::NotAllFalse(keys) => keys.to_vec(),
            Says::Needs(when, key) | Says::Only(when, key) | Says::Useful(when, key) => {
                [named(when), vec![key]].concat()
            }
            Says::NeedsSomeOf(when, keys) => [named(when), keys.to_vec()].concat(),
            Says::NeedsOn(.., key) => vec![key],
            Says::Implies(when, then) => [named(when), named(then)].concat(),
            _ => Vec::new(),
        };
        for &(type_name, at) in rule.places {
            let declaration = Catalog::builtin().declaration(type_name);
            let declaration = declaration.unwrap_or_else(|| panic!("no {type_name}"));
            let place = shape_at(&declaration.payload, at);
            let place = place.unwrap_or_else(|| panic!("{type_name} has no {at}"));
            for key in &keys {
                assert!(shape_at(place, key).is_some(), "{type_name}: {at} has no {key}");
            }
        }
    }
}
