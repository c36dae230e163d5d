//! Declaration types, and what their payloads refer to.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;

use crate::{Kind, Platform, Scope, Shape, Support};

/// A type of declarations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclarationType {
    /// The full name, such as `com.apple.configuration.passcode.settings`.
    pub name: String,
    /// What its prefix says.
    pub kind: Kind,
    /// How several of one type act together; stated for configurations only.
    pub apply: Option<Apply>,
    /// Where it is supported.
    pub support: Support,
    /// What its payload must be: a dictionary.
    pub payload: Shape,
    /// Where its payload holds identifiers of other declarations.
    pub references: BTreeSet<Reference>,
}

/// How several active configurations of one type act on a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Apply {
    /// One of them has effect.
    Single,
    /// Each has its own effect.
    Multiple,
    /// They are merged key by key.
    Combined,
}

words!(Apply, "a way to apply (single, multiple, combined)", {
    Single => "single",
    Multiple => "multiple",
    Combined => "combined",
});

/// A place in a payload that holds identifiers of other declarations.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    /// The way to it from the payload.
    pub path: Vec<Step>,
    /// The kind of the declarations that it may name.
    pub kind: Kind,
    /// Their types; empty when any of that kind will do.
    pub types: BTreeSet<String>,
}

/// One step from a payload towards a value in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// To the value of this key.
    Key(String),
    /// To the value of every key.
    AnyKey,
    /// To every element of an array.
    Element,
}

/// An identifier found in a payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundReference<'a> {
    /// Where: a JSON pointer from the payload (RFC 6901).
    pub pointer: String,
    /// The identifier.
    pub identifier: &'a str,
    /// What it may name.
    pub reference: &'a Reference,
}

impl DeclarationType {
    /// Every identifier of another declaration in `payload`, in the order of the facts and then of the
    /// payload. What has another shape than the schema says is passed over: to complain of it is validation's
    /// work.
    pub fn references_in<'a>(&'a self, payload: &'a Value) -> Vec<FoundReference<'a>> {
        let mut found = Vec::new();
        for reference in &self.references {
            reference.collect(&reference.path, payload, String::new(), &mut found);
        }
        found
    }

    /// The scope of a declaration for which none was chosen: system where the catalog allows it, else user.
    pub fn default_scope(&self, platform: Option<Platform>) -> Scope {
        self.support.default_scope(platform)
    }
}

impl Reference {
    /// Whether it may name a declaration of this type.
    pub fn accepts(&self, type_name: &str) -> bool {
        Kind::of_type(type_name) == Some(self.kind)
            && (self.types.is_empty() || self.types.contains(type_name))
    }

    /// Follows `path` into `value`, which lies at `pointer`. Recursion ends with the path.
    fn collect<'a>(
        &'a self,
        path: &[Step],
        value: &'a Value,
        pointer: String,
        found: &mut Vec<FoundReference<'a>>,
    ) {
        match (path.split_first(), value) {
            (None, Value::String(identifier)) => {
                found.push(FoundReference {
                    pointer,
                    identifier,
                    reference: self,
                });
            }
            (Some((Step::Key(key), rest)), Value::Object(object)) => {
                if let Some(value) = object.get(key) {
                    self.collect(rest, value, join(&pointer, key), found);
                }
            }
            (Some((Step::AnyKey, rest)), Value::Object(object)) => {
                for (key, value) in object {
                    self.collect(rest, value, join(&pointer, key), found);
                }
            }
            (Some((Step::Element, rest)), Value::Array(elements)) => {
                for (index, value) in elements.iter().enumerate() {
                    self.collect(rest, value, format!("{pointer}/{index}"), found);
                }
            }
            _ => {}
        }
    }
}

fn join(pointer: &str, key: &str) -> String {
    format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"))
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Key(key) => key,
            Self::AnyKey => "*",
            Self::Element => "[]",
        })
    }
}

impl From<&str> for Step {
    fn from(text: &str) -> Self {
        match text {
            "*" => Self::AnyKey,
            "[]" => Self::Element,
            key => Self::Key(key.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn referring(path: &str) -> DeclarationType {
        let reference = Reference {
            path: path.split('/').map(Step::from).collect(),
            kind: Kind::Asset,
            types: BTreeSet::new(),
        };
        DeclarationType {
            name: "com.apple.configuration.x".to_owned(),
            kind: Kind::Configuration,
            apply: None,
            support: Support::default(),
            payload: Shape::any_dictionary(),
            references: BTreeSet::from([reference]),
        }
    }

    fn found(path: &str, payload: &Value) -> Vec<(String, String)> {
        let declaration = referring(path);
        declaration
            .references_in(payload)
            .into_iter()
            .map(|r| (r.pointer, r.identifier.to_owned()))
            .collect()
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|&(a, b)| (a.to_owned(), b.to_owned())).collect()
    }

    #[test]
    fn identifiers_are_found_through_keys_and_arrays() {
        let payload = json!({"A": {"B": [{"C": "one"}, {"D": "x"}, {"C": "two"}]}});
        assert_eq!(
            found("A/B/[]/C", &payload),
            pairs(&[("/A/B/0/C", "one"), ("/A/B/2/C", "two")])
        );
        let payload = json!({"A": {"com.example/a~b": {"C": "one"}, "z": {"C": "two"}}});
        assert_eq!(
            found("A/*/C", &payload),
            pairs(&[("/A/com.example~1a~0b/C", "one"), ("/A/z/C", "two")])
        );
        assert_eq!(
            found("A/[]", &json!({"A": ["one", "two"]})),
            pairs(&[("/A/0", "one"), ("/A/1", "two")])
        );
    }

    #[test]
    fn pointers_lead_to_what_was_found() {
        let payload = json!({"A": {"x/y": {"C": "one"}, "~": {"C": "two"}}});
        for found in referring("A/*/C").references_in(&payload) {
            assert_eq!(payload.pointer(&found.pointer).unwrap(), found.identifier);
        }
    }

    #[test]
    fn other_shapes_are_passed_over() {
        for payload in [
            json!(null),
            json!("one"),
            json!([{"A": "one"}]),
            json!({"A": null}),
            json!({"A": 1}),
            json!({"A": "one"}),
            json!({"A": {"0": "one"}}),
            json!({"A": [["one"], {"A": "one"}, 1]}),
        ] {
            assert_eq!(found("A/[]", &payload), [], "{payload}");
        }
    }
}
