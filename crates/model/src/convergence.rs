//! The five facts and the verdict over each declaration. Nothing here is true that the device did not say.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use ordain_catalog::Kind;
use serde::Serialize;
use serde_json::Value;

use crate::enrollment::Counts;
use crate::held::{PREDICATE, Placed};
use crate::manifest::Entry;
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

/// The verdict over each entry of the manifest that a listing is laid over, in its order.
pub fn assess(placed: &Placed<'_>, items: &BTreeMap<String, Value>) -> Vec<Verdict> {
    let assessor = Assessor::new(placed, items);
    let said = placed.manifest.entries().iter().zip(&placed.entries);
    let settled: BTreeSet<&str> = said
        .clone()
        .filter(|(entry, said)| entry.kind == Kind::Configuration && assessor.is_settled(entry, **said))
        .map(|(entry, _)| entry.identifier.as_str())
        .collect();
    said.map(|(entry, said)| assessor.verdict(entry, *said, &settled))
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

struct Assessor<'a> {
    placed: &'a Placed<'a>,
    /// The entries that name another one, by its identifier, and how the device lists them. Nobody asks while all is
    /// well.
    users: OnceCell<Users<'a>>,
    items: &'a BTreeMap<String, Value>,
}

type Users<'a> = HashMap<&'a str, Vec<(&'a Entry, Option<&'a Listed<'a>>)>>;

impl<'a> Assessor<'a> {
    fn new(placed: &'a Placed<'a>, items: &'a BTreeMap<String, Value>) -> Self {
        Self {
            placed,
            users: OnceCell::new(),
            items,
        }
    }

    fn find_users(&self) -> Users<'a> {
        let mut users = Users::new();
        for (entry, said) in self.placed.manifest.entries().iter().zip(&self.placed.entries) {
            for reference in &entry.references {
                users.entry(reference.as_str()).or_default().push((entry, *said));
            }
        }
        users
    }

    /// Those of `kind` that name `entry`.
    fn users(&self, entry: &Entry, kind: Kind) -> impl Iterator<Item = (&'a Entry, Option<&'a Listed<'a>>)> {
        let users = self.users.get_or_init(|| self.find_users());
        users
            .get(entry.identifier.as_str())
            .into_iter()
            .flatten()
            .copied()
            .filter(move |(user, _)| user.kind == kind)
    }

    fn verdict(&self, entry: &Entry, said: Option<&Listed<'_>>, settled: &BTreeSet<&str>) -> Verdict {
        let Some(listed) = said else {
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
    fn is_settled(&self, configuration: &Entry, said: Option<&Listed<'_>>) -> bool {
        let Some(state) = said else {
            return false;
        };
        let refused = state.valid == Validity::Invalid || !failures(state).is_empty();
        // Some systems blame the activation for a configuration that its predicate keeps out of force.
        if state.active || (refused && !only_blames(state, &[ACTIVATION_FAILED])) {
            return false;
        }
        let mut activations = self.users(configuration, Kind::Activation).peekable();
        // Without an activation nothing says that it should not be in force.
        activations.peek().is_some()
            && activations.all(|(_, said)| {
                said.is_some_and(|listed| {
                    !listed.active
                        && listed.valid == Validity::Valid
                        && listed.reasons.iter().any(|reason| reason.code == PREDICATE)
                })
            })
    }

    fn is_used_by_settled_alone(&self, asset: &Entry, settled: &BTreeSet<&str>) -> bool {
        let mut users = self.users(asset, Kind::Configuration).peekable();
        users.peek().is_some() && users.all(|(user, _)| settled.contains(user.identifier.as_str()))
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
fn only_blames(listed: &Listed<'_>, others: &[&str]) -> bool {
    let failures = failures(listed);
    !failures.is_empty()
        && failures
            .iter()
            .all(|reason| others.contains(&reason.code.as_str()))
}

/// The reasons that speak of a failure: `Error.…`.
fn failures(listed: &Listed<'_>) -> Vec<Reason> {
    listed
        .reasons
        .iter()
        .filter(|reason| reason.code.starts_with("Error."))
        .cloned()
        .collect()
}
