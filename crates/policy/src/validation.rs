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

    fn tell(&mut self, place: Place, finding: Finding) {
        match finding.severity {
            Severity::Error => self.problems.error(place, finding.message),
            Severity::Warning => self.problems.warning(place, finding.message),
        }
    }
}

/// Where in `payload` something was found.
fn place_of(finding: &Finding, payload: &Node) -> Place {
    let value = payload.pointer(&finding.pointer).unwrap_or(payload);
    match finding.at {
        At::Key => payload.key_place(&finding.pointer).unwrap_or(value.place),
        At::Type | At::Value => value.place,
    }
}
