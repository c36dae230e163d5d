//! The five facts and the verdict over each declaration. Nothing here is true that the device did not say.

use std::collections::{BTreeMap, BTreeSet};

use ordain_catalog::Kind;
use serde::Serialize;
use serde_json::Value;

use crate::enrollment::Counts;
use crate::held::{Listing, PREDICATE};
use crate::manifest::{Entry, Manifest};
use crate::report::{Listed, Reason, Validity};

/// What the device's reports say of one declaration, under its current ServerToken.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "verdict", content = "reasons")]
pub enum Verdict {
    /// Not listed under this token, or nothing final said.
    Pending,
    /// In force, or held as it should be.
    Confirmed,
    /// Not applicable now: neither failure nor success.
    Settled,
    /// Refused, or a status item that names it failed.
    Failed(Vec<Reason>),
}

const PASSCODE_TYPE: &str = "com.apple.configuration.passcode.settings";
const PASSCODE_ITEM: &str = "passcode.is-compliant";
const ACTIVATION_FAILED: &str = "Error.ActivationFailed";
const CONFIGURATION_FAILED: &str = "Error.ConfigurationFailed";

/// The verdict over each entry of `manifest`, in its order.
pub fn assess(manifest: &Manifest, listing: &Listing, items: &BTreeMap<String, Value>) -> Vec<Verdict> {
    let assessor = Assessor {
        manifest,
        listing,
        items,
    };
    let settled: BTreeSet<&str> = manifest
        .entries()
        .iter()
        .filter(|entry| entry.kind == Kind::Configuration && assessor.is_settled(entry))
        .map(|entry| entry.identifier.as_str())
        .collect();
    manifest
        .entries()
        .iter()
        .map(|entry| assessor.verdict(entry, &settled))
        .collect()
}

/// How many of `verdicts` are how.
pub fn count(verdicts: &[Verdict]) -> Counts {
    let mut counts = Counts::default();
    for verdict in verdicts {
        *match verdict {
            Verdict::Pending => &mut counts.pending,
            Verdict::Confirmed => &mut counts.confirmed,
            Verdict::Settled => &mut counts.settled,
            Verdict::Failed(_) => &mut counts.failed,
        } += 1;
    }
    counts
}

/// How the device lists this very revision of a declaration.
pub fn listed<'a>(listing: &'a Listing, entry: &Entry) -> Option<&'a Listed> {
    let token = entry.server_token.to_string();
    listing
        .get(&entry.kind)?
        .iter()
        .find(|listed| listed.identifier == entry.identifier && listed.server_token == token)
}

struct Assessor<'a> {
    manifest: &'a Manifest,
    listing: &'a Listing,
    items: &'a BTreeMap<String, Value>,
}

impl Assessor<'_> {
    fn verdict(&self, entry: &Entry, settled: &BTreeSet<&str>) -> Verdict {
        let Some(listed) = listed(self.listing, entry) else {
            return Verdict::Pending;
        };
        if entry.kind == Kind::Configuration && settled.contains(entry.identifier.as_str()) {
            return Verdict::Settled;
        }
        let mut reasons = failures(listed);
        let is_good = listed.valid == Validity::Valid && reasons.is_empty();
        if entry.kind == Kind::Asset && !is_good && self.is_used_by_settled_alone(entry, settled) {
            let is_refused = listed.valid == Validity::Invalid || !reasons.is_empty();
            if !is_refused || only_blames(listed, &[ACTIVATION_FAILED, CONFIGURATION_FAILED]) {
                return Verdict::Settled;
            }
        }
        if entry.kind == Kind::Configuration {
            reasons.extend(self.item_failures(entry));
        }
        if listed.valid == Validity::Invalid || !reasons.is_empty() {
            return Verdict::Failed(if reasons.is_empty() {
                listed.reasons.clone()
            } else {
                reasons
            });
        }
        if is_good && (listed.active || entry.kind != Kind::Configuration) {
            Verdict::Confirmed
        } else {
            Verdict::Pending
        }
    }

    /// Whether every activation of the configuration says that its predicate is false.
    fn is_settled(&self, configuration: &Entry) -> bool {
        let Some(state) = listed(self.listing, configuration) else {
            return false;
        };
        let refused = state.valid == Validity::Invalid || !failures(state).is_empty();
        // Some systems blame the activation for a configuration that its predicate keeps out of force.
        if state.active || (refused && !only_blames(state, &[ACTIVATION_FAILED])) {
            return false;
        }
        let activations: Vec<&Entry> = self
            .manifest
            .entries()
            .iter()
            .filter(|entry| {
                entry.kind == Kind::Activation && entry.references.contains(&configuration.identifier)
            })
            .collect();
        // Without an activation nothing says that it should not be in force.
        !activations.is_empty()
            && activations.into_iter().all(|activation| {
                listed(self.listing, activation).is_some_and(|listed| {
                    !listed.active
                        && listed.valid == Validity::Valid
                        && listed.reasons.iter().any(|reason| reason.code == PREDICATE)
                })
            })
    }

    fn is_used_by_settled_alone(&self, asset: &Entry, settled: &BTreeSet<&str>) -> bool {
        let mut users = self
            .manifest
            .entries()
            .iter()
            .filter(|entry| entry.kind == Kind::Configuration && entry.references.contains(&asset.identifier))
            .peekable();
        users.peek().is_some() && users.all(|user| settled.contains(user.identifier.as_str()))
    }

    /// What status items say against a configuration: those whose elements name it, and passcode compliance.
    fn item_failures(&self, configuration: &Entry) -> Vec<Reason> {
        let named = self.items.iter().flat_map(|(name, value)| {
            let elements = value.as_array().map_or(&[][..], Vec::as_slice);
            elements
                .iter()
                .filter(|element| declared_by(element) == Some(configuration.identifier.as_str()))
                .filter_map(move |element| element_failure(name, element))
        });
        let not_compliant = configuration.type_name == PASSCODE_TYPE
            && self.items.get(PASSCODE_ITEM).and_then(Value::as_bool) == Some(false);
        let passcode = not_compliant.then(|| Reason {
            code: PASSCODE_ITEM.to_owned(),
            description: Some("the passcode does not comply".to_owned()),
            details: None,
        });
        named.chain(passcode).collect()
    }
}

fn declared_by(element: &Value) -> Option<&str> {
    element.get("declaration-identifier").and_then(Value::as_str)
}

fn element_failure(item: &str, element: &Value) -> Option<Reason> {
    let text = |key: &str| element.get(key).and_then(Value::as_str);
    let failed = [text("state"), text("update-state")].contains(&Some("failed"));
    let code = element
        .get("reasons")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|reason| reason.get("code").and_then(Value::as_str))
        .find(|code| code.starts_with("Error."));
    (failed || code.is_some()).then(|| Reason {
        code: code.unwrap_or(item).to_owned(),
        description: Some(format!(
            "{item} reports {}",
            text("identifier").unwrap_or("an element")
        )),
        details: None,
    })
}

/// Whether it failed, and only since others did, as these codes say.
fn only_blames(listed: &Listed, others: &[&str]) -> bool {
    let failures = failures(listed);
    !failures.is_empty()
        && failures
            .iter()
            .all(|reason| others.contains(&reason.code.as_str()))
}

/// The reasons that speak of a failure: `Error.…`.
fn failures(listed: &Listed) -> Vec<Reason> {
    listed
        .reasons
        .iter()
        .filter(|reason| reason.code.starts_with("Error."))
        .cloned()
        .collect()
}
