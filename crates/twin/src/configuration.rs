//! Configurations: what an active one needs, and what it does to the device.

use std::collections::BTreeSet;

use ordain_catalog::Kind;
use ordain_model::report::{Reason, Validity};
use serde_json::{Value, json};

use crate::assets::Data;
use crate::judgement::{Held, Verdict, about, cannot_be_applied};
use crate::stored::Stored;

const SUBSCRIPTIONS: &str = "com.apple.configuration.management.status-subscriptions";
const TEST: &str = "com.apple.configuration.management.test";
const PASSCODE: &str = "com.apple.configuration.passcode.settings";

/// Why a configuration could not be applied if it were active; `None` when nothing is known against it. What it needs
/// from assets is not looked at, only that they are there.
pub(crate) fn obstacle(configuration: &Stored, held: &Held<'_>) -> Option<Reason> {
    let is_there = |identifier: &str, accepts: &dyn Fn(&str) -> bool| {
        let stored = held.store.get(identifier);
        stored.is_some_and(|stored| stored.kind == Kind::Asset && accepts(&stored.type_name))
    };
    let missing: BTreeSet<&str> = configuration
        .references(held.catalog)
        .into_iter()
        .filter(|found| !is_there(found.identifier, &|type_name| found.target.accepts(type_name)))
        .map(|found| found.identifier)
        .collect();
    let details = json!({"AssetIdentifiers": missing});
    (!missing.is_empty()).then(|| about("Error.MissingAssets", configuration, details))
}

/// Judges a configuration that is active and has no obstacle.
pub(crate) fn judge(configuration: &Stored, held: &Held<'_>) -> Verdict {
    let mut pending = false;
    let assets = configuration.references(held.catalog);
    let needed = assets
        .iter()
        .filter_map(|found| held.store.get(found.identifier))
        .chain([configuration]);
    for needed in needed {
        let refused = held.objections.refusal(needed);
        let failed = match (refused, held.contents.of(needed)) {
            (Some(refused), _) => refused.reasons.into_iter().next(),
            (None, Data::Failed(reason)) => Some(reason.clone()),
            (None, Data::Pending) => {
                pending = true;
                None
            }
            (None, Data::Ready) => None,
        };
        if let Some(reason) = failed {
            let error = format!(
                "{}: {}",
                needed.identifier,
                reason.description.unwrap_or(reason.code)
            );
            return Verdict::invalid(cannot_be_applied(error));
        }
    }
    if pending {
        return Verdict {
            active: true,
            valid: Validity::Unknown,
            reasons: Vec::new(),
        };
    }
    if configuration.type_name == TEST {
        return test(configuration);
    }
    Verdict::active()
}

/// `management.test` returns the status that it is told to, and its echo as a reason.
fn test(configuration: &Stored) -> Verdict {
    let echo = Reason {
        code: configuration.text("Echo").unwrap_or_default().to_owned(),
        description: None,
        details: None,
    };
    if configuration.text("ReturnStatus") == Some("Failed") {
        let mut verdict = Verdict::invalid(cannot_be_applied("told to fail".to_owned()));
        verdict.reasons.push(echo);
        verdict
    } else {
        Verdict {
            reasons: vec![echo],
            ..Verdict::active()
        }
    }
}

/// The status items that a configuration subscribes to; none unless it is a subscription.
pub(crate) fn subscriptions(configuration: &Stored) -> impl Iterator<Item = &str> {
    let items = configuration.payload.get("StatusItems");
    let items = items.filter(|_| configuration.type_name == SUBSCRIPTIONS);
    let items = items.and_then(Value::as_array).into_iter().flatten();
    items.filter_map(|item| item.get("Name")?.as_str())
}

/// Whether a configuration that is in effect demands a passcode: any key beside `RequirePasscode` implies it.
pub(crate) fn demands_passcode(configuration: &Stored) -> bool {
    configuration.type_name == PASSCODE
        && configuration.payload.as_object().is_some_and(|payload| {
            payload
                .iter()
                .any(|(key, value)| key != "RequirePasscode" || *value == Value::Bool(true))
        })
}

/// The element that a configuration in effect adds to a list among the status items: the list, and the element.
pub(crate) fn list_element(configuration: &Stored) -> Option<(&'static str, Value)> {
    let identifier = configuration.identifier.as_str();
    match configuration.type_name.as_str() {
        "com.apple.configuration.app.managed" => {
            let app = ["BundleID", "AppStoreID", "AppComposedIdentifier", "ManifestURL"]
                .into_iter()
                .find_map(|key| configuration.text(key))
                .unwrap_or(identifier);
            let element = json!({
                "identifier": app, "declaration-identifier": identifier, "name": app, "state": "managed",
            });
            Some(("app.managed.list", element))
        }
        type_name @ ("com.apple.configuration.security.certificate"
        | "com.apple.configuration.security.identity") => {
            let element = json!({
                "identifier": configuration.server_token,
                "declaration-identifier": identifier,
                "subject-summary": identifier,
                "is-identity": type_name.ends_with("identity"),
            });
            Some(("security.certificate.list", element))
        }
        _ => None,
    }
}
