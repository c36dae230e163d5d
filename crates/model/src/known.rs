//! What is kept extracted of a device's status, so that a predicate is asked once of all devices that are alike.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::Digest;
use crate::record::StatusRecord;

/// The largest string that is extracted, in octets.
const MAX_TEXT: usize = 256;
/// What tells one device from all others would leave none alike.
const IDENTIFIERS: [&str; 3] = [
    "device.identifier.",
    "windows.device.name",
    "windows.device.serial-number",
];

/// The scalar status items of a device channel, and which others it spoke of. Equal ones are one: the store keeps each
/// content once, under its [digest](Known::digest).
///
/// It is as bounded as the record that it is of.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Known {
    /// Numbers, Booleans, nulls, and strings up to 256 octets, by dotted name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub items: BTreeMap<String, Value>,
    /// Reported too, but only the record has them: lists, dictionaries, long strings, and `device.identifier.*`.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub beyond: BTreeSet<String>,
    /// What the device said that it could not give.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub failed: BTreeSet<String>,
}

impl Known {
    /// The extract of what a device channel has reported.
    pub fn of(record: &StatusRecord) -> Self {
        let mut known = Self {
            failed: record.errors.keys().cloned().collect(),
            ..Self::default()
        };
        for (name, value) in &record.items {
            if is_extracted(name, value) {
                known.items.insert(name.clone(), value.clone());
            } else {
                known.beyond.insert(name.clone());
            }
        }
        known
    }

    /// SHA-256 of its JSON, which has all keys in order and each number as the device wrote it: `3` and `3.0` divide
    /// differently.
    pub fn digest(&self) -> Digest {
        // Names and scalars can always be written.
        Digest::of(&serde_json::to_vec(self).unwrap_or_default())
    }
}

fn is_extracted(name: &str, value: &Value) -> bool {
    let is_short = match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
        Value::String(text) => text.len() <= MAX_TEXT,
        Value::Array(_) | Value::Object(_) => false,
    };
    let is_identifier = || IDENTIFIERS.iter().any(|one| name.starts_with(one));
    is_short && !is_identifier()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record(items: Value) -> StatusRecord {
        StatusRecord {
            items: serde_json::from_value(items).unwrap(),
            ..StatusRecord::default()
        }
    }

    #[test]
    fn scalars_are_extracted_and_of_the_rest_the_names() {
        let mut record = record(json!({
            "a.bool": true, "a.null": null, "a.number": 1.5, "a.text": "x".repeat(256), "a.long": "x".repeat(257),
            "a.list": [], "a.dictionary": {}, "device.identifier.udid": "U1",
        }));
        record.errors.insert("a.error".into(), vec![]);
        let known = Known::of(&record);
        let names: Vec<_> = known.items.keys().map(String::as_str).collect();
        assert_eq!(names, ["a.bool", "a.null", "a.number", "a.text"]);
        let beyond: Vec<_> = known.beyond.iter().map(String::as_str).collect();
        assert_eq!(
            beyond,
            ["a.dictionary", "a.list", "a.long", "device.identifier.udid"]
        );
        assert_eq!(known.failed, ["a.error".to_owned()].into());
        let stored = serde_json::to_string(&known).unwrap();
        assert_eq!(serde_json::from_str::<Known>(&stored).unwrap(), known);
    }

    #[test]
    fn devices_that_are_alike_have_the_same_and_others_have_not() {
        let digest = |items: Value| Known::of(&record(items)).digest();
        let one = digest(json!({"a": 3, "b": ["x"], "device.identifier.udid": "U1"}));
        assert_eq!(
            one,
            digest(json!({"device.identifier.udid": "U2", "b": [], "a": 3}))
        );
        for other in [
            json!({"a": 3.0, "b": ["x"], "device.identifier.udid": "U1"}),
            json!({"a": 4, "b": ["x"], "device.identifier.udid": "U1"}),
            json!({"a": 3, "b": ["x"]}),
            json!({}),
        ] {
            assert_ne!(one, digest(other.clone()), "{other}");
        }
        assert_eq!(digest(json!({})), Known::default().digest());
    }
}
