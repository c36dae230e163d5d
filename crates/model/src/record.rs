//! What a channel has reported so far, and how new reports merge into it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::held::Held;
use crate::ids::Digest;
use crate::report::{Reason, identifier};
use crate::windows::cleaning::Cleaning;
use crate::windows::documents::Documents;

/// What a channel has reported so far.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct StatusRecord {
    /// The declarations that it lists.
    pub held: Held,
    /// Its status items by dotted name.
    #[serde(default)]
    pub items: BTreeMap<String, Value>,
    /// The items that it could not give, and why.
    #[serde(default)]
    pub errors: BTreeMap<String, Vec<Reason>>,
    /// What was wrong with the last report, in words.
    #[serde(default)]
    pub problems: Vec<String>,
    /// What is known of its documents, on the linked channel of a Windows device.
    #[serde(default, skip_serializing_if = "is_default")]
    pub documents: Documents,
    /// What documents have set that are gone, as far as it is to go after them, on the device's own channel.
    #[serde(default, skip_serializing_if = "is_default")]
    pub cleaning: Cleaning,
    /// The declarations that failed, in the order of their identifiers.
    #[serde(skip)]
    pub exceptions: Vec<Exception>,
}

/// A declaration that failed on a channel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Exception {
    /// Which one.
    pub identifier: String,
    /// The revision of it.
    pub server_token: Digest,
    /// What the device said.
    pub reasons: Vec<Reason>,
    /// When it first said so, in unix seconds.
    pub since: i64,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// The most status items kept for a channel; Apple's schema has fewer than a hundred.
const MAX_ITEMS: usize = 1_000;
/// The most elements kept of one array item.
const MAX_ELEMENTS: usize = 50_000;

impl StatusRecord {
    pub(crate) fn merge(&mut self, items: BTreeMap<String, Value>, errors: BTreeMap<String, Vec<Reason>>) {
        for (name, value) in items {
            self.errors.remove(&name);
            if self.items.len() >= MAX_ITEMS && !self.items.contains_key(&name) {
                self.problems.push(format!(
                    "{name}: not kept, {MAX_ITEMS} status items are kept already"
                ));
                continue;
            }
            let stored = self.items.remove(&name);
            let merged = merge_value(stored, value);
            if merged
                .as_array()
                .is_some_and(|elements| elements.len() > MAX_ELEMENTS)
            {
                self.problems.push(format!(
                    "{name}: not kept, it has more than {MAX_ELEMENTS} elements"
                ));
                continue;
            }
            self.items.insert(name, merged);
        }
        for (name, reasons) in errors {
            // What a device can no longer tell is no longer known.
            self.items.remove(&name);
            if self.errors.len() < MAX_ITEMS {
                self.errors.insert(name, reasons);
            }
        }
    }
}

/// A new value of a status item over the stored one: arrays of identified elements merge by identifier, everything
/// else replaces.
fn merge_value(stored: Option<Value>, reported: Value) -> Value {
    let elements = match reported {
        Value::Array(elements) if elements.iter().all(|element| identifier(element).is_some()) => elements,
        other => return other,
    };
    let mut merged: Vec<Value> = match stored {
        Some(Value::Array(stored)) if stored.iter().all(|element| identifier(element).is_some()) => stored,
        _ => Vec::new(),
    };
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for (place, element) in merged.iter().enumerate() {
        places.insert(identifier(element).unwrap_or_default().to_owned(), place);
    }
    for element in elements {
        let name = identifier(&element).unwrap_or_default().to_owned();
        match places.get(&name).and_then(|&place| merged.get_mut(place)) {
            Some(known) => *known = element,
            None => {
                places.insert(name, merged.len());
                merged.push(element);
            }
        }
    }
    merged.retain(|element| !is_removal(element));
    Value::Array(merged)
}

/// Apple's schema writes `_removed`, its older prose `removed`.
fn is_removal(element: &Value) -> bool {
    ["_removed", "removed"]
        .iter()
        .any(|key| element.get(*key).and_then(Value::as_bool) == Some(true))
}
