//! A declaration: what an administrator wants a device to hold, addressed by its content.

use std::collections::BTreeSet;

use ordain_catalog::{Kind, Platform, Scope};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::canonical::{self, UnsafeInteger};
use crate::ids::Digest;

/// One declaration of the wish, with what decides where it goes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Declaration {
    /// What it is.
    pub kind: Kind,
    /// `Type`.
    #[serde(rename = "type")]
    pub type_name: String,
    /// `Identifier`: unique in a revision, at most [`Declaration::MAX_IDENTIFIER`] octets.
    pub identifier: String,
    /// `Payload`.
    pub payload: Map<String, Value>,
    /// `ServerToken`: the hash of the canonical `{Identifier, Payload, Type}`, in 64 hexadecimal digits.
    pub server_token: Digest,
    /// The declarations that the payload names.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub references: BTreeSet<String>,
    /// The bytes of ours that the payload tells devices to download.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub downloads: BTreeSet<Digest>,
    /// The `PayloadType`s of what it installs, when it is a profile.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub carries: BTreeSet<String>,
    /// Who may have it.
    #[serde(default)]
    pub placement: Placement,
}

/// Where a declaration may go, and when it is in force there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Placement {
    /// The predicate of the activation made for this configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// The channel; else the catalog's default for the platform.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
    /// The platforms; else all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platforms: Option<BTreeSet<Platform>>,
}

impl Declaration {
    /// The longest `Identifier`, in octets.
    pub const MAX_IDENTIFIER: usize = 64;

    /// A declaration of `kind` with its token, naming nothing yet.
    pub fn new(
        kind: Kind,
        type_name: String,
        identifier: String,
        payload: Map<String, Value>,
    ) -> Result<Self, UnsafeInteger> {
        let server_token = Digest::of(&canonical::to_vec(&envelope(
            &type_name,
            &identifier,
            &payload,
            None,
        ))?);
        Ok(Self {
            kind,
            type_name,
            identifier,
            payload,
            server_token,
            references: BTreeSet::new(),
            downloads: BTreeSet::new(),
            carries: BTreeSet::new(),
            placement: Placement::default(),
        })
    }

    /// What a device gets from `declaration/{kind}/{identifier}`: the four keys, canonically.
    pub fn body(&self) -> Vec<u8> {
        let token = Some(self.server_token);
        // The integers were checked when the token was made.
        canonical::to_vec(&envelope(&self.type_name, &self.identifier, &self.payload, token))
            .unwrap_or_default()
    }
}

fn envelope(type_name: &str, identifier: &str, payload: &Map<String, Value>, token: Option<Digest>) -> Value {
    let mut object = Map::from_iter([
        ("Type".to_owned(), Value::from(type_name)),
        ("Identifier".to_owned(), Value::from(identifier)),
        ("Payload".to_owned(), Value::from(payload.clone())),
    ]);
    if let Some(token) = token {
        object.insert("ServerToken".to_owned(), Value::from(token.to_string()));
    }
    Value::from(object)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn passcode(payload: Value) -> Declaration {
        let Value::Object(payload) = payload else {
            panic!("an object")
        };
        let type_name = "com.apple.configuration.passcode.settings".to_owned();
        Declaration::new(Kind::Configuration, type_name, "passcode".into(), payload).unwrap()
    }

    #[test]
    fn the_token_is_a_hash_of_the_content_and_of_nothing_else() {
        let one = passcode(json!({"MinimumLength": 8, "RequirePasscode": true}));
        let mut other = passcode(json!({"RequirePasscode": true, "MinimumLength": 8.0}));
        other.placement.when = Some("TRUEPREDICATE".into());
        assert_eq!(one.server_token, other.server_token);
        assert_ne!(
            one.server_token,
            passcode(json!({"MinimumLength": 9})).server_token
        );
        // Computed apart from this code: the bytes are those of RFC 8785.
        let bytes = br#"{"Identifier":"passcode","Payload":{"MinimumLength":8,"RequirePasscode":true},"Type":"com.apple.configuration.passcode.settings"}"#;
        assert_eq!(one.server_token, Digest::of(bytes));
    }

    #[test]
    fn the_body_has_the_four_keys() {
        let declaration = passcode(json!({"MinimumLength": 8}));
        let body: Value = serde_json::from_slice(&declaration.body()).unwrap();
        assert_eq!(
            body,
            json!({"Type": declaration.type_name, "Identifier": "passcode", "Payload": {"MinimumLength": 8},
                "ServerToken": declaration.server_token.to_string()})
        );
    }
}
