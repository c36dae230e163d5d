//! What a device's system knows of Apple's schema, and what it holds against declarations by that alone.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, LazyLock, RwLock};

use ordain_catalog::validate::{self, At, Code, DeviceKind, Reach, Severity};
use ordain_catalog::{Catalog, Kind, Scope};
use ordain_model::ids::Digest;
use ordain_model::report::{Reason, Validity};
use serde_json::{Value, json};

use crate::device::Device;
use crate::judgement::{Verdict, about};
use crate::stored::{Store, Stored};

/// How many judgements are remembered. A fleet gets few declarations that differ, unless each device has its own.
const MAX_REMEMBERED: usize = 100_000;
/// How many mistakes are told of one declaration.
const MAX_TOLD: usize = 5;

/// What systems know of Apple's schema: a catalog, which a device of each kind has its part of. Devices that share it
/// judge a declaration once.
pub struct Schema {
    catalog: Arc<Catalog>,
    remembered: RwLock<Remembered>,
}

/// By content and kind of device.
type Remembered = HashMap<(Digest, DeviceKind), Option<Arc<Objection>>>;

/// What a system has to say of a declaration.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Objection {
    /// It has no such type.
    UnknownType,
    /// The type is not for this kind of device.
    NotSupported,
    /// The payload is not what the type allows.
    Payload {
        /// What is wrong with it; empty when nothing is.
        broken: String,
        /// Key paths that the system has not, or not yet.
        unknown: Vec<String>,
        /// Key paths that it has, and that are not for this kind of device: they are left aside.
        unsupported: Vec<String>,
    },
}

/// What a device's system has to say of what a channel holds, by identifier.
pub(crate) struct Objections<'a>(BTreeMap<&'a str, Arc<Objection>>);

impl Schema {
    /// Systems that know what this catalog has.
    pub fn new(catalog: Arc<Catalog>) -> Self {
        Self {
            catalog,
            remembered: RwLock::default(),
        }
    }

    /// Systems that know what the catalog of this release of Ordain has, made once.
    pub fn builtin() -> &'static Arc<Self> {
        static BUILTIN: LazyLock<Arc<Schema>> =
            LazyLock::new(|| Arc::new(Schema::new(Arc::clone(Catalog::builtin()))));
        &BUILTIN
    }

    /// What they know.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// What devices of this kind have to say of a declaration, if anything.
    fn objection(&self, stored: &Stored, kind: DeviceKind) -> Option<Arc<Objection>> {
        let key = (stored.content, kind);
        if let Ok(remembered) = self.remembered.read()
            && let Some(objection) = remembered.get(&key)
        {
            return objection.clone();
        }
        let objection = judge(&self.catalog, stored, kind).map(Arc::new);
        if let Ok(mut remembered) = self.remembered.write() {
            if remembered.len() >= MAX_REMEMBERED {
                remembered.clear();
            }
            remembered.insert(key, objection.clone());
        }
        objection
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Schema").field(&self.catalog.counts()).finish()
    }
}

impl PartialEq for Schema {
    fn eq(&self, other: &Self) -> bool {
        self.catalog == other.catalog
    }
}

fn judge(catalog: &Catalog, stored: &Stored, kind: DeviceKind) -> Option<Objection> {
    let Some(declaration) = catalog.declaration(&stored.type_name) else {
        return Some(Objection::UnknownType);
    };
    let reach = Reach {
        scope: Some(kind.scope),
        devices: vec![kind],
        devices_only: true,
        ..Reach::default()
    };
    let mut findings = validate::payload(catalog, declaration, &stored.payload, &reach);
    findings.retain(|finding| finding.severity == Severity::Error);
    let (mut broken, mut unknown, mut unsupported) = (Vec::new(), Vec::<String>::new(), Vec::new());
    for finding in findings {
        let within_unknown = unknown.iter().any(|key| {
            let rest = finding.pointer.strip_prefix(key.as_str());
            rest.is_some_and(|rest| rest.starts_with('/'))
        });
        match (finding.code, finding.at) {
            // What is in a key that the system does not know, it does not look at.
            _ if within_unknown => {}
            (Code::Unsupported, At::Type) => return Some(Objection::NotSupported),
            (Code::UnknownKey | Code::TooNew, _) => unknown.push(finding.pointer),
            (Code::Unsupported, _) => unsupported.push(finding.pointer),
            // A device reports an error of the status item, and the other items all the same.
            (Code::StatusItem, _) => {}
            _ => broken.push(finding.message),
        }
    }
    let more = broken.len().saturating_sub(MAX_TOLD);
    broken.truncate(MAX_TOLD);
    if more > 0 {
        broken.push(format!("{more} more mistakes"));
    }
    let is_sound = broken.is_empty() && unknown.is_empty() && unsupported.is_empty();
    (!is_sound).then(|| Objection::Payload {
        broken: broken.join("; "),
        unknown: unknown.iter().map(|pointer| key_path(pointer)).collect(),
        unsupported: unsupported.iter().map(|pointer| key_path(pointer)).collect(),
    })
}

/// A JSON pointer as a path of keys with dots between them. How Apple's devices write elements of arrays is not
/// documented; here they are numbers.
fn key_path(pointer: &str) -> String {
    let steps = pointer.split('/').skip(1);
    let steps: Vec<String> = steps
        .map(|step| step.replace("~1", "/").replace("~0", "~"))
        .collect();
    steps.join(".")
}

impl<'a> Objections<'a> {
    /// Those of the device to what it holds on the channel of `scope`.
    pub(crate) fn of(device: &Device, store: &'a Store, scope: Scope) -> Self {
        let kind = device.kind(scope);
        let objection = |stored: &'a Stored| {
            let objection = device.schema.objection(stored, kind)?;
            Some((stored.identifier.as_str(), objection))
        };
        Self(store.values().filter_map(objection).collect())
    }

    fn to(&self, stored: &Stored) -> Option<&Objection> {
        self.0.get(stored.identifier.as_str()).map(Arc::as_ref)
    }

    /// The verdict on a declaration that the device cannot take.
    pub(crate) fn refusal(&self, stored: &Stored) -> Option<Verdict> {
        let reasons = match self.to(stored)? {
            Objection::UnknownType => vec![reason(
                "Error.UnknownDeclarationType",
                json!({"UnknownDeclarationType": stored.type_name}),
            )],
            Objection::NotSupported => {
                vec![about("Error.ConfigurationNotSupported", stored, json!({}))]
            }
            Objection::Payload { broken, unknown, .. } => {
                let broken = (!broken.is_empty()).then(|| unacceptable(stored, broken));
                let unknown = (!unknown.is_empty())
                    .then(|| reason("Error.UnknownPayloadKeys", json!({"UnknownPayloadKeys": unknown})));
                broken.into_iter().chain(unknown).collect()
            }
        };
        (!reasons.is_empty()).then_some(Verdict {
            active: false,
            valid: Validity::Invalid,
            reasons,
        })
    }

    /// What a configuration has that it leaves aside.
    pub(crate) fn left_aside(&self, configuration: &Stored) -> Option<Reason> {
        match self.to(configuration)? {
            Objection::Payload { unsupported, .. } if !unsupported.is_empty() => Some(reason(
                "Info.UnsupportedSettings",
                json!({"Settings": unsupported}),
            )),
            _ => None,
        }
    }
}

/// The reason of a payload that is not what its type allows.
fn unacceptable(stored: &Stored, error: &str) -> Reason {
    let found = match stored.kind {
        Kind::Configuration => reason("Error.ConfigurationIsInvalid", json!({"Error": error})),
        Kind::Activation | Kind::Asset | Kind::Management => about("Error.InvalidPayload", stored, json!({})),
    };
    Reason {
        description: Some(error.to_owned()),
        ..found
    }
}

fn reason(code: &str, details: Value) -> Reason {
    Reason {
        code: code.to_owned(),
        description: None,
        details: Some(details),
    }
}

#[cfg(test)]
mod tests {
    use ordain_apple::ddm::Declaration;
    use ordain_catalog::Platform;

    use super::*;

    fn passcode(identifier: &str, payload: Value) -> Stored {
        let declaration = Declaration {
            type_name: "com.apple.configuration.passcode.settings".into(),
            identifier: identifier.into(),
            server_token: "the same for all".into(),
            payload: payload.as_object().cloned().unwrap(),
        };
        Stored::new(Kind::Configuration, declaration)
    }

    #[test]
    fn devices_of_a_kind_judge_a_declaration_once() {
        let schema = Schema::builtin();
        let kind = Device::new(Platform::Ios, 1, 0).kind(Scope::System);
        let objection = |stored: &Stored, kind| schema.objection(stored, kind);
        let first = objection(&passcode("a", json!({"Length": 1})), kind).unwrap();
        let again = objection(&passcode("b", json!({"Length": 1})), kind).unwrap();
        assert!(Arc::ptr_eq(&first, &again));
        let other = objection(&passcode("a", json!({"Width": 1})), kind).unwrap();
        assert_ne!(first, other, "whatever its ServerToken says");
        let tv = Device::new(Platform::TvOs, 1, 0).kind(Scope::System);
        assert_eq!(
            objection(&passcode("a", json!({})), tv).as_deref(),
            Some(&Objection::NotSupported)
        );
        assert_eq!(objection(&passcode("a", json!({})), kind), None);
    }

    #[test]
    fn pointers_become_key_paths() {
        assert_eq!(key_path("/A/0/b~1c~0"), "A.0.b/c~");
    }
}
