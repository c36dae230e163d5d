//! The status items that are always reported: `management.declarations` and `management.client-capabilities`.

use std::collections::BTreeSet;

use ordain_catalog::Kind;
use ordain_model::report::{Capabilities, DeclarationsReport, Listed, Validity};
use serde_json::{Map, Value};

use super::{CAPABILITIES, DECLARATIONS, Problems, reasons, text};

/// The key of a kind's array in both items.
pub(super) fn key(kind: Kind) -> String {
    kind.manifest_key().to_ascii_lowercase()
}

/// Reads `management.declarations`. An array that is missing was not reported, which is not the same as empty.
pub(super) fn declarations(value: Value, problems: &mut Problems) -> Option<DeclarationsReport> {
    let mut arrays = object(Some(value), DECLARATIONS, problems)?;
    let mut report = DeclarationsReport::default();
    for &kind in Kind::ALL {
        match arrays.remove(&key(kind)) {
            None | Some(Value::Null) => {}
            Some(Value::Array(elements)) => {
                let listed = elements
                    .into_iter()
                    .filter_map(|element| listed(element, kind, problems));
                report.listed.insert(kind, listed.collect());
            }
            Some(_) => problems.add(format!("{DECLARATIONS}.{} is not an array", key(kind))),
        }
    }
    Some(report)
}

/// Reads one declaration of a report. Without an identifier and a token it cannot be told what it is about; without
/// `active` or `valid` it counts as not active and not examined, which confirms nothing.
fn listed(element: Value, kind: Kind, problems: &mut Problems) -> Option<Listed> {
    let Value::Object(mut element) = element else {
        problems.add(format!(
            "an element of {DECLARATIONS}.{} is not an object",
            key(kind)
        ));
        return None;
    };
    let Some(identifier) = text(element.remove("identifier")) else {
        problems.add(format!(
            "an element of {DECLARATIONS}.{} has no identifier",
            key(kind)
        ));
        return None;
    };
    let Some(server_token) = text(element.remove("server-token")) else {
        problems.add(format!("{kind} {identifier} is listed without a server-token"));
        return None;
    };
    let active = element
        .remove("active")
        .as_ref()
        .and_then(Value::as_bool)
        .unwrap_or_else(|| {
            problems.add(format!(
                "{kind} {identifier} is listed without a boolean `active`"
            ));
            false
        });
    let valid = match element.remove("valid").as_ref().and_then(Value::as_str) {
        Some("valid") => Validity::Valid,
        Some("invalid") => Validity::Invalid,
        Some("unknown") => Validity::Unknown,
        _ => {
            problems.add(format!(
                "{kind} {identifier} is listed with a `valid` that is not known"
            ));
            Validity::Unknown
        }
    };
    let reasons = reasons(element.remove("reasons"), &identifier, problems);
    Some(Listed {
        identifier,
        server_token,
        active,
        valid,
        reasons,
    })
}

/// Reads `management.client-capabilities`, as far as it concerns what may be sent.
pub(super) fn capabilities(value: Value, problems: &mut Problems) -> Option<Capabilities> {
    let mut capabilities = object(Some(value), CAPABILITIES, problems)?;
    let Some(mut payloads) = object(
        capabilities.remove("supported-payloads"),
        "supported-payloads",
        problems,
    ) else {
        return Some(Capabilities::default());
    };
    let types = object(
        payloads.remove("declarations"),
        "supported-payloads.declarations",
        problems,
    );
    let declarations = types.and_then(|mut types| {
        let mut all = BTreeSet::new();
        for &kind in Kind::ALL {
            all.extend(names(types.remove(&key(kind)), &key(kind), problems)?);
        }
        Some(all)
    });
    let status_items = names(payloads.remove("status-items"), "status-items", problems);
    Some(Capabilities {
        declarations,
        status_items,
    })
}

/// A list of names, complete or not at all: a partial one would deny the device what it can do.
fn names(list: Option<Value>, what: &str, problems: &mut Problems) -> Option<BTreeSet<String>> {
    let names = match list {
        None | Some(Value::Null) => return None,
        Some(Value::Array(names)) => names.into_iter().map(|name| text(Some(name))).collect(),
        Some(_) => None,
    };
    if names.is_none() {
        problems.add(format!("{what} of supported-payloads is not an array of names"));
    }
    names
}

fn object(value: Option<Value>, what: &str, problems: &mut Problems) -> Option<Map<String, Value>> {
    match value {
        None | Some(Value::Null) => None,
        Some(Value::Object(object)) => Some(object),
        Some(_) => {
            problems.add(format!("{what} is not an object"));
            None
        }
    }
}
