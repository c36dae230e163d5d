//! Payloads against the catalog: what it finds, said of lines and columns.

use std::collections::BTreeMap;

use ordain_catalog::Kind;
use ordain_catalog::validate::{self, At, Code, Finding, Reach, Severity};

use crate::compile::Compiler;
use crate::declaration::Draft;
use crate::problem::Place;
use crate::tree::Node;

impl Compiler<'_> {
    /// Checks every payload. Those of activations are checked with their predicates.
    pub(crate) fn check_payloads(&mut self, drafts: &BTreeMap<String, Draft<'_>>) {
        for draft in drafts.values().filter(|draft| draft.has_payload) {
            let Some(known) = draft.known().filter(|known| known.kind != Kind::Activation) else {
                continue;
            };
            let reach = Reach {
                allow_unknown: self.allow_unknown,
                platforms: draft.placement.platforms.clone(),
                scope: draft.placement.scope,
                devices: self.devices.to_vec(),
                devices_only: self.devices_only,
            };
            for finding in validate::payload(self.catalog, known, &draft.payload.to_json(), &reach) {
                // Without devices, this is said of `platforms` and `scope`, where it can be put right.
                if finding.code == Code::Unsupported && finding.at == At::Type && self.devices.is_empty() {
                    continue;
                }
                let place = match finding.at {
                    At::Type => draft.type_place,
                    At::Key | At::Value => place_of(&finding, &draft.payload),
                };
                self.tell(place, finding);
            }
        }
    }

    /// Checks the `document` that is the data of an asset of this type, if it has to be one.
    pub(crate) fn check_credential(&mut self, type_name: &str, document: &Node) {
        let Some(credential) = credential_of(type_name).and_then(|name| self.catalog.credential(name)) else {
            return;
        };
        let (name, shape) = (&credential.name, &credential.payload);
        for finding in validate::document(name, shape, &document.to_json(), self.allow_unknown) {
            self.tell(place_of(&finding, document), finding);
        }
    }

    /// Warns of what the schemas of profiles do not know. Makers of apps and of systems add keys, and profiles are taken
    /// with them.
    pub(crate) fn warn_of_profile_keys(&mut self, drafts: &BTreeMap<String, Draft<'_>>) {
        for payload in drafts.values().flat_map(|draft| &draft.carried) {
            let mut schemas = self.catalog.profiles_of_type(&payload.type_name);
            let (Some(schema), None) = (schemas.next(), schemas.next()) else {
                continue;
            };
            let mut keys = payload.keys.to_json_object();
            keys.retain(|key, _| !key.starts_with("Payload"));
            for finding in validate::document(&schema.name, &schema.payload, &keys.into(), true) {
                if matches!(finding.code, Code::UnknownKey | Code::WrongType) {
                    let place = place_of(&finding, &payload.keys);
                    self.problems.warning(place, finding.message);
                }
            }
        }
    }

    fn tell(&mut self, place: Place, finding: Finding) {
        match finding.severity {
            Severity::Error => self.problems.error(place, finding.message),
            Severity::Warning => self.problems.warning(place, finding.message),
        }
    }
}

/// The document that the data of an asset of this type are.
pub(crate) fn credential_of(asset_type: &str) -> Option<&'static str> {
    Some(match asset_type {
        "com.apple.asset.credential.acme" => "com.apple.credential.acme",
        "com.apple.asset.credential.identity" => "com.apple.credential.identity",
        "com.apple.asset.credential.scep" => "com.apple.credential.scep",
        "com.apple.asset.credential.userpassword" => "com.apple.credential.usernameandpassword",
        _ => return None,
    })
}

/// Where in `payload` something was found.
fn place_of(finding: &Finding, payload: &Node) -> Place {
    let value = payload.pointer(&finding.pointer).unwrap_or(payload);
    match finding.at {
        At::Key => payload.key_place(&finding.pointer).unwrap_or(value.place),
        At::Type | At::Value => value.place,
    }
}
