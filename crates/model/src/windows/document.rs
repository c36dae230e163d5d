//! Documents of declared configuration: what a device is to have or to tell of one scenario, a declaration of
//! [`DOCUMENT_TYPE`] for each file. They belong to the linked channel.

pub mod template;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use ordain_catalog::Scope;
use ordain_catalog::windows::{DataFormat, LocUri, Request, WindowsCatalog};
use ordain_predicate::Type;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use self::template::Instance;
use super::settings::Wanted;
use crate::declaration::Declaration;

/// The `Type` of declarations that are documents of declared configuration.
pub const DOCUMENT_TYPE: &str = "ordain.windows.document";

/// The names of documents are in this namespace (RFC 9562 section 5.5): made once for Ordain, and fixed for ever, since
/// devices know their documents by them.
const NAMESPACE: Uuid = Uuid::from_u128(0x8d6f_1c0e_2b5a_4f67_9a37_d0c4_5e1b_72f3);

/// The `DocID` of a document: a GUID, in lower case. Devices that write it otherwise mean the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct DocId(Uuid);

/// A text that is no GUID as documents have them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a DocID")]
pub struct InvalidDocId;

impl DocId {
    /// Of the document that the declaration `identifier` is in `scope`: the same for ever.
    pub fn of(identifier: &str, scope: Scope) -> Self {
        Self(Uuid::new_v5(
            &NAMESPACE,
            format!("{scope}/{identifier}").as_bytes(),
        ))
    }
}

impl fmt::Display for DocId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0.hyphenated(), f)
    }
}

impl std::str::FromStr for DocId {
    type Err = InvalidDocId;

    fn from_str(text: &str) -> Result<Self, InvalidDocId> {
        // The reader takes other forms, too, which no document has.
        let id = (text.len() == 36).then(|| Uuid::try_parse(text));
        id.and_then(Result::ok).map(Self).ok_or(InvalidDocId)
    }
}

impl From<DocId> for String {
    fn from(id: DocId) -> Self {
        id.to_string()
    }
}

impl TryFrom<String> for DocId {
    type Error = InvalidDocId;

    fn try_from(text: String) -> Result<Self, InvalidDocId> {
        text.parse()
    }
}

/// The payload of a declaration of [`DOCUMENT_TYPE`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Document {
    /// `osdefinedscenario`, as it is published.
    pub scenario: String,
    /// `context`: whose it is.
    pub scope: Scope,
    /// What is asked for: `Complete` that it is so, `BulkTemplate` that it is so for each instance, `Inventory` what there is.
    pub request: Request,
    /// What becomes of it on a device that is to have it no longer.
    #[serde(default, skip_serializing_if = "is_default")]
    pub on_removal: OnRemoval,
    /// `RefreshInterval`: how often the device is to look whether all is as it should be, in minutes. Of the documents
    /// of a device, the shortest counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_interval: Option<u32>,
    /// Nodes of CSPs, in the order of the file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub csp: Vec<DocumentCsp>,
    /// Resources of DSC providers, in the order of the file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub providers: Vec<Provider>,
    /// What the [placeholders](template) of a `BulkTemplate` are filled in with, all of them by each; no other document has
    /// any. Devices get it apart from the document (`BulkVariables`), and do not keep it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub instances: Vec<Instance>,
}

/// What becomes of a document that is no longer for a device.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnRemoval {
    /// It is deleted. What it set stays as it is, and nobody looks after it any more.
    #[default]
    Delete,
    /// It stays as a record that is not looked after (`Abandoned`), and so does what it set.
    Abandon,
    /// It is deleted, and then what it set is taken away ([`super::cleaning`]).
    Clean,
}

impl OnRemoval {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Delete, Self::Abandon, Self::Clean];

    /// The word for it in policies.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Delete => "delete",
            Self::Abandon => "abandon",
            Self::Clean => "clean",
        }
    }
}

/// Nodes of one CSP.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DocumentCsp {
    /// Its root without a scope: `./Vendor/MSFT/VPNv2`.
    pub name: String,
    /// The nodes.
    pub settings: Vec<DocumentUri>,
}

/// A node, and the value that it is to have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DocumentUri {
    /// The way to it from the root of the CSP, as the policy has it.
    pub path: String,
    /// The format of its value. None where only the device's value is asked for and the catalog has no single one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<DataFormat>,
    /// The value; none where it is asked for, or where there is none. With placeholders it is a text, whatever the format.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Wanted>,
}

/// A resource of a DSC provider.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Provider {
    /// `namespace`.
    pub namespace: String,
    /// `className`.
    pub class: String,
    /// What names the resource: `Key`.
    pub keys: BTreeMap<String, Wanted>,
    /// What it is to be: `Value`; what is only asked for has none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, Option<Wanted>>,
}

/// How the names of the status items begin that inventories tell; the identifier of the declaration and the name of the
/// value follow.
pub const INVENTORY: &str = "windows.inventory.";

/// The name of what an inventory tells of the node at `path` below its CSP.
pub fn value_of_node(path: &str) -> String {
    path.replace('/', ".")
}

/// The name of what an inventory tells of a value of its resource at `place`, from 0: those of others than the first one
/// have its number in front, from 2.
pub fn value_of_provider(place: usize, name: &str) -> String {
    match place {
        0 => name.to_owned(),
        place => format!("{}.{name}", place + 1),
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Document {
    /// What `declaration` is as a document; `None` when it is of another type.
    pub fn of(declaration: &Declaration) -> Option<Self> {
        (declaration.type_name == DOCUMENT_TYPE)
            .then(|| Self::from_payload(&declaration.payload).ok())
            .flatten()
    }

    /// Reads a payload as [`Self::to_payload`] makes it.
    ///
    /// # Errors
    /// When it is something else; the message has nothing of its values.
    pub fn from_payload(payload: &Map<String, Value>) -> Result<Self, NotADocument> {
        Self::deserialize(payload).map_err(|_| NotADocument)
    }

    /// The payload.
    pub fn to_payload(&self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(payload)) => payload,
            // A structure of texts and values is an object.
            _ => Map::new(),
        }
    }

    /// The status items that an inventory tells, as the declaration `identifier`, for predicates of groups.
    pub fn tells(&self, identifier: &str) -> Vec<(String, Type)> {
        if self.request != Request::Inventory {
            return Vec::new();
        }
        let named = |name: &str| format!("{INVENTORY}{identifier}.{name}");
        let uris = self.csp.iter().flat_map(|csp| &csp.settings);
        let uris = uris.map(|uri| {
            let kind = match uri.format {
                Some(DataFormat::Int) => Type::Number,
                Some(DataFormat::Bool) => Type::Boolean,
                Some(DataFormat::Chr | DataFormat::Xml) => Type::Text,
                _ => Type::Any,
            };
            (named(&value_of_node(&uri.path)), kind)
        });
        let providers = self.providers.iter().enumerate();
        let values = providers.flat_map(|(place, provider)| {
            let names = provider.values.keys();
            names.map(move |name| (named(&value_of_provider(place, name)), Type::Text))
        });
        uris.chain(values).collect()
    }

    /// Its parts as results name them: nodes with their CSP in front, of a template those of each instance, classes with their
    /// namespace.
    pub fn parts(&self) -> impl Iterator<Item = String> {
        let nodes = self.nodes().map(|(csp, path)| format!("{csp}/{path}"));
        let resources = self.providers.iter();
        nodes.chain(resources.map(|provider| format!("{}:{}", provider.namespace, provider.class)))
    }

    /// The resources that the nodes of CSPs are of which it sets: what is made and deleted as one, such as a VPN profile;
    /// else the node itself.
    pub fn resources(&self, catalog: &WindowsCatalog) -> BTreeSet<LocUri> {
        if self.request == Request::Inventory {
            return BTreeSet::new();
        }
        let root = match self.scope {
            Scope::System => "./Device",
            Scope::User => "./User",
        };
        let nodes = self.nodes().filter_map(|(csp, path)| {
            let name = csp.strip_prefix("./").unwrap_or(csp);
            format!("{root}/{name}/{path}").parse::<LocUri>().ok()
        });
        nodes
            .map(|node| catalog.instance(&node).unwrap_or(node))
            .collect()
    }
}

/// A payload that is no document of declared configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a document of declared configuration")]
pub struct NotADocument;

#[cfg(test)]
mod tests {
    use ordain_catalog::Kind;
    use serde_json::json;

    use super::*;

    fn payload() -> Value {
        json!({"scenario": "MSFTVPN", "scope": "system", "request": "Complete", "on-removal": "clean",
            "refresh-interval": 60,
            "csp": [{"name": "./Vendor/MSFT/VPNv2", "settings": [
                {"path": "Work/AlwaysOn", "format": "bool", "value": true},
                {"path": "Work/Enroll", "format": "null"}]}],
            "providers": [{"namespace": "root", "class": "A", "keys": {"K": "secret"}, "values": {"V": null}}],
            "instances": [{"thumb": "secret"}]})
    }

    #[test]
    fn the_payload_comes_back() {
        let document = Document::from_payload(payload().as_object().unwrap()).unwrap();
        assert_eq!(Value::from(document.to_payload()), payload());
        let shown = format!("{document:?}");
        assert!(
            shown.contains("AlwaysOn") && shown.contains("thumb") && !shown.contains("secret"),
            "{shown}"
        );
        let mut plain = document.clone();
        (plain.on_removal, plain.refresh_interval) = (OnRemoval::Delete, None);
        assert!(
            !plain
                .to_payload()
                .keys()
                .any(|key| key == "on-removal" || key.starts_with("refresh"))
        );
        let resources = document.resources(WindowsCatalog::builtin());
        let resources: Vec<String> = resources.iter().map(ToString::to_string).collect();
        assert_eq!(resources, ["./Device/Vendor/MSFT/VPNv2/Work"]);
    }

    #[test]
    fn only_its_own_type_is_read() {
        let declared = |type_name: &str| {
            let payload = payload().as_object().unwrap().clone();
            Declaration::new(Kind::Configuration, type_name.into(), "a".into(), payload).unwrap()
        };
        assert!(Document::of(&declared(DOCUMENT_TYPE)).is_some());
        assert!(Document::of(&declared("ordain.windows.settings")).is_none());
        assert_eq!(Document::from_payload(&Map::new()), Err(NotADocument));
    }

    #[test]
    fn the_name_is_of_identifier_and_scope() {
        let of = |identifier, scope| DocId::of(identifier, scope).to_string();
        assert_eq!(of("vpn", Scope::System), of("vpn", Scope::System));
        assert_ne!(of("vpn", Scope::System), of("vpn", Scope::User));
        assert_ne!(of("vpn", Scope::System), of("wifi", Scope::System));
        // Devices keep them: this one never changes.
        assert_eq!(of("vpn", Scope::System), "8fa428b9-8dba-5966-889a-b781f4db9ad9");
        let id = DocId::of("vpn", Scope::User);
        assert_eq!(id.to_string().to_uppercase().parse(), Ok(id));
        for text in ["", "5A1F0C3E", &format!("{{{id}}}"), &format!("urn:uuid:{id}")] {
            assert_eq!(text.parse::<DocId>(), Err(InvalidDocId), "{text}");
        }
    }
}
