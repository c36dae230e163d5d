//! Activations: which are active, and why not.

use std::collections::BTreeMap;

use ordain_catalog::{Kind, Scope};
use ordain_model::report::{Reason, Validity};
use ordain_predicate::{Dialect, EvaluationError, Fact, Facts, Predicate, Source};
use serde_json::{Value, json};

use crate::device::Device;
use crate::judgement::{Verdict, about};
use crate::stored::{Store, Stored};

/// What predicates are evaluated against: the device's own status items, and the properties of the channel.
#[derive(Debug, Default)]
struct Known {
    status: BTreeMap<String, Value>,
    properties: BTreeMap<String, Value>,
}

impl Facts for Known {
    fn value(&self, _: usize, fact: &Fact) -> Option<&Value> {
        match fact.source {
            Source::Status => self.status.get(&fact.name),
            Source::Property => self.properties.get(&fact.name),
            // Devices have no such terms, and the dialect refuses them.
            Source::Device | Source::Tag => None,
        }
    }
}

/// Judges an activation that the device can take.
pub(crate) fn judge(activation: &Stored, store: &Store, device: &Device, scope: Scope) -> Verdict {
    let missing: Vec<&str> = configurations(activation)
        .filter(|identifier| {
            store
                .get(*identifier)
                .is_none_or(|stored| stored.kind != Kind::Configuration)
        })
        .collect();
    if !missing.is_empty() {
        let details = json!({"ConfigurationIdentifiers": missing});
        return Verdict::invalid(about("Error.MissingConfigurations", activation, details));
    }
    match activation.text("Predicate") {
        None => Verdict::active(),
        Some(text) => match evaluate(text, store, device, scope) {
            Ok(true) => Verdict::active(),
            Ok(false) => {
                let reason = about("Info.Predicate", activation, json!({"Predicate": text}));
                Verdict {
                    active: false,
                    valid: Validity::Valid,
                    reasons: vec![reason],
                }
            }
            Err(code) => Verdict::invalid(unusable(code, activation, text)),
        },
    }
}

/// The configurations that an activation names.
fn configurations(activation: &Stored) -> impl Iterator<Item = &str> {
    let array = activation
        .payload
        .get("StandardConfigurations")
        .and_then(Value::as_array);
    array.into_iter().flatten().filter_map(Value::as_str)
}

const UNPARSED: &str = "Error.UnableToParsePredicate";
const FAILED: &str = "Error.PredicateFailed";

fn evaluate(text: &str, store: &Store, device: &Device, scope: Scope) -> Result<bool, &'static str> {
    let predicate = ordain_predicate::parse(text, Dialect::Device).map_err(|_| UNPARSED)?;
    predicate
        .evaluate_with_nil(&known(&predicate, store, device, scope))
        .map_err(|EvaluationError { .. }| FAILED)
}

fn unusable(code: &str, activation: &Stored, text: &str) -> Reason {
    let details = if code == FAILED {
        json!({"Predicate": text, "Domain": "NSInvalidArgumentException", "Code": 0})
    } else {
        json!({"Predicate": text})
    };
    about(code, activation, details)
}

/// The facts that a predicate needs. What the device does not have stays absent, which is nil.
fn known(predicate: &Predicate, store: &Store, device: &Device, scope: Scope) -> Known {
    let needs = predicate.needs();
    let status = needs
        .status
        .into_iter()
        .filter_map(|name| device.status(&name, scope).map(|value| (name, value)))
        .collect();
    let mut properties = BTreeMap::new();
    let declared = store
        .values()
        .filter(|stored| stored.type_name == "com.apple.management.properties")
        .filter_map(|stored| stored.payload.as_object());
    for (key, value) in declared.flatten() {
        if needs.properties.contains(key) {
            properties.insert(key.clone(), value.clone());
        }
    }
    Known { status, properties }
}
