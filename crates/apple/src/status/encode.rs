//! Status reports as devices write them.

use std::collections::BTreeSet;

use ordain_catalog::Kind;
use ordain_model::report::{Capabilities, DeclarationsReport, Listed, Reason, Report, Validity};
use serde_json::{Map, Value, json};

use super::management::key;
use super::{CAPABILITIES, DECLARATIONS};

/// The report as JSON; its problems are not part of it. No item's name may be the beginning of another's path.
pub fn to_json(report: &Report<'_>) -> Vec<u8> {
    let mut items = Map::new();
    for (name, value) in &report.items {
        insert(&mut items, name, value.clone());
    }
    if let Some(declarations) = &report.declarations {
        insert(&mut items, DECLARATIONS, declarations_value(declarations));
    }
    if let Some(capabilities) = &report.capabilities {
        insert(&mut items, CAPABILITIES, capabilities_value(capabilities));
    }
    let errors: Vec<Value> = report
        .errors
        .iter()
        .map(|(item, reasons)| {
            let reasons: Vec<Value> = reasons
                .iter()
                .map(|reason| reason_value(reason, ["Code", "Description", "Details"]))
                .collect();
            json!({"StatusItem": item, "Reasons": reasons})
        })
        .collect();
    let mut body = json!({"StatusItems": items, "Errors": errors});
    if let (true, Some(body)) = (report.full, body.as_object_mut()) {
        body.insert("FullReport".into(), true.into());
    }
    body.to_string().into_bytes()
}

/// Puts `value` at the end of the path that `name` is.
fn insert(object: &mut Map<String, Value>, name: &str, value: Value) {
    let Some((first, rest)) = name.split_once('.') else {
        object.insert(name.to_owned(), value);
        return;
    };
    let entry = object.entry(first).or_insert_with(|| Value::Object(Map::new()));
    if let Some(object) = entry.as_object_mut() {
        insert(object, rest, value);
    }
}

fn declarations_value(declarations: &DeclarationsReport<'_>) -> Value {
    declarations
        .listed
        .iter()
        .map(|(&kind, listed)| (key(kind), listed.iter().map(listed_value).collect::<Value>()))
        .collect::<Map<_, _>>()
        .into()
}

fn listed_value(listed: &Listed<'_>) -> Value {
    let valid = match listed.valid {
        Validity::Valid => "valid",
        Validity::Invalid => "invalid",
        Validity::Unknown => "unknown",
    };
    let mut value = Map::from_iter([
        ("identifier".to_owned(), (*listed.identifier).into()),
        ("server-token".to_owned(), (*listed.server_token).into()),
        ("active".to_owned(), listed.active.into()),
        ("valid".to_owned(), valid.into()),
    ]);
    if !listed.reasons.is_empty() {
        let reasons = listed
            .reasons
            .iter()
            .map(|reason| reason_value(reason, ["code", "description", "details"]));
        value.insert("reasons".to_owned(), reasons.collect());
    }
    value.into()
}

fn reason_value(reason: &Reason, [code, description, details]: [&str; 3]) -> Value {
    let mut value = Map::from_iter([(code.to_owned(), reason.code.as_str().into())]);
    if let Some(text) = &reason.description {
        value.insert(description.to_owned(), text.as_str().into());
    }
    if let Some(more) = &reason.details {
        value.insert(details.to_owned(), more.clone());
    }
    value.into()
}

fn capabilities_value(capabilities: &Capabilities) -> Value {
    let mut payloads = Map::new();
    if let Some(types) = &capabilities.declarations {
        let of = |kind| -> BTreeSet<&String> {
            types
                .iter()
                .filter(|type_name| Kind::of_type(type_name) == Some(kind))
                .collect()
        };
        let by_kind: Map<_, _> = Kind::ALL
            .iter()
            .map(|&kind| (key(kind), json!(of(kind))))
            .collect();
        payloads.insert("declarations".to_owned(), by_kind.into());
    }
    if let Some(items) = &capabilities.status_items {
        payloads.insert("status-items".to_owned(), json!(items));
    }
    json!({"supported-versions": ["1.0.0"], "supported-features": {}, "supported-payloads": payloads})
}
