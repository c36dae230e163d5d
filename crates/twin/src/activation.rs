//! Activations: which are active, and why not.

use std::collections::BTreeMap;

use ordain_catalog::{Kind, Scope};
use ordain_model::report::{Reason, Validity};
use ordain_predicate::{Cause, Code, Dialect, Fact, Facts, ParseError, Predicate, Source, parse};
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

/// The status items that are lists of what configurations in effect brought.
pub(crate) type Lists = BTreeMap<&'static str, Vec<Value>>;

/// What activations are judged by.
#[derive(Clone, Copy)]
pub(crate) struct Scene<'a> {
    pub(crate) store: &'a Store,
    pub(crate) device: &'a Device,
    pub(crate) scope: Scope,
    pub(crate) lists: &'a Lists,
}

/// Judges an activation that the device can take.
pub(crate) fn judge(activation: &Stored, scene: Scene<'_>) -> Verdict {
    let missing: Vec<&str> = configurations(activation)
        .filter(|identifier| {
            scene
                .store
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
        Some(text) => match evaluate(text, scene) {
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
const UNPARSED_TERM: &str = "Error.UnableToParsePredicateWithCustomOperator";
const UNEVALUATED: &str = "Error.UnableToEvaluatePredicate";
const FAILED: &str = "Error.PredicateFailed";

/// Whether it is true, or the code of the reason why nobody can say.
fn evaluate(text: &str, scene: Scene<'_>) -> Result<bool, &'static str> {
    let predicate = parse(text, Dialect::Device).map_err(|error| unreadable(text, &error))?;
    let outcome = predicate.evaluate_with_nil(&known(&predicate, scene));
    outcome.map_err(|error| match error.cause {
        // Foundation raises an exception.
        Cause::NoOrder(..) | Cause::Unfit { .. } | Cause::Impossible(_) => FAILED,
        // What devices make of it is not known, nor is what they say then.
        Cause::Unconfirmed(_) | Cause::TooManySteps => UNEVALUATED,
    })
}

/// The code for a text that cannot be read: the stock parser's part of the language and the terms that declarative
/// management adds to it have one each.
fn unreadable(text: &str, error: &ParseError) -> &'static str {
    match error.code {
        Code::UnknownWord | Code::WrongDialect => UNPARSED_TERM,
        Code::Syntax if is_term(text, error) => UNPARSED_TERM,
        // A pattern is read when it is needed.
        Code::UnreadablePattern => UNEVALUATED,
        _ => UNPARSED,
    }
}

/// Whether it stumbles over a term, or within one.
fn is_term(text: &str, error: &ParseError) -> bool {
    let (before, from) = text.split_at_checked(error.span.start).unwrap_or((text, ""));
    let last = before.rsplit_once('@').map(|(_, term)| term);
    from.starts_with('@') || last.is_some_and(|term| term.contains('(') && !term.contains(')'))
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
fn known(predicate: &Predicate, scene: Scene<'_>) -> Known {
    let Scene {
        store,
        device,
        scope,
        lists,
    } = scene;
    let value = |name: &str| {
        let believed = device.believed.get(name).cloned();
        let listed = || lists.get(name).map(|elements| Value::Array(elements.clone()));
        // A list of what the device has not stays absent, too.
        believed.or_else(|| device.status(name, scope).map(|value| listed().unwrap_or(value)))
    };
    let needs = predicate.needs();
    let status = needs
        .status
        .into_iter()
        .filter_map(|name| value(&name).map(|value| (name, value)))
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
