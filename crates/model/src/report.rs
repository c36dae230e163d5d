//! A DDM status report as the domain sees it: already parsed and bounded, not yet believed.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use ordain_catalog::Kind;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::Digest;
use crate::windows::cleaning::Cleaning;
use crate::windows::documents::Documents;

/// One status report. What could not be read is left out and named in `problems`; the rest counts.
/// What it lists is borrowed from the body that it was read from.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report<'a> {
    /// `FullReport`: this replaces everything stored for the channel.
    pub full: bool,
    /// Status items by dotted name, `management.declarations` and `management.client-capabilities` excepted.
    pub items: BTreeMap<String, Value>,
    /// `management.declarations`: the complete picture, when the report has it.
    pub declarations: Option<DeclarationsReport<'a>>,
    /// `management.client-capabilities`, when the report has it.
    pub capabilities: Option<Capabilities>,
    /// `Errors`: items that the device could not give.
    pub errors: BTreeMap<String, Vec<Reason>>,
    /// What was wrong with the report, in words for administrators.
    pub problems: Vec<String>,
    /// What is known of a Windows device's documents from now on, on its linked channel.
    pub documents: Option<Documents>,
    /// What is to be taken away of those that are gone from now on, on its own channel.
    pub cleaning: Option<Cleaning>,
}

impl Report<'_> {
    /// The same, of its own.
    pub fn into_owned(self) -> Report<'static> {
        Report {
            full: self.full,
            items: self.items,
            declarations: self.declarations.map(DeclarationsReport::into_owned),
            capabilities: self.capabilities,
            errors: self.errors,
            problems: self.problems,
            documents: self.documents,
            cleaning: self.cleaning,
        }
    }

    /// A hash of what the report says: the same for the same content in other bytes, or in another order where the
    /// order means nothing.
    pub fn digest(&self) -> Digest {
        let mut said = Said(Vec::with_capacity(ROOM));
        said.flag(self.full);
        said.flag(self.declarations.is_some());
        said.count(self.declarations.as_ref().map_or(0, |all| all.listed.len()));
        for (&kind, list) in self.declarations.iter().flat_map(|all| &all.listed) {
            said.text(kind.manifest_key());
            let mut list: Vec<&Listed> = list.iter().collect();
            // What is listed twice keeps its order, since the first counts.
            list.sort_by(|a, b| a.names().cmp(&b.names()));
            said.count(list.len());
            for listed in list {
                said.text(&listed.identifier);
                said.text(&listed.server_token);
                said.flag(listed.active);
                said.count(listed.valid as usize);
                said.json(&listed.reasons);
            }
        }
        said.count(self.items.len());
        for (name, value) in &self.items {
            said.text(name);
            match value {
                Value::Array(elements) if elements.iter().all(|element| identifier(element).is_some()) => {
                    let mut texts: Vec<String> = elements.iter().map(Value::to_string).collect();
                    texts.sort_unstable();
                    said.json(&texts);
                }
                value => said.json(value),
            }
        }
        said.json(&(&self.capabilities, &self.errors, &self.problems));
        said.json(&(&self.documents, &self.cleaning));
        Digest::of(&said.0)
    }
}

/// Octets that hold what most reports say.
const ROOM: usize = 8 << 10;

/// What was said, in octets that tell everything apart: each text with its length.
struct Said(Vec<u8>);

impl Said {
    fn flag(&mut self, flag: bool) {
        self.0.push(u8::from(flag));
    }

    /// In few octets, of which each but the last has its highest bit set.
    fn count(&mut self, mut count: usize) {
        while count > 0x7f {
            self.0.push(count as u8 | 0x80);
            count >>= 7;
        }
        self.0.push(count as u8);
    }

    fn text(&mut self, text: &str) {
        self.count(text.len());
        self.0.extend_from_slice(text.as_bytes());
    }

    /// JSON, which tells where it ends, and whose objects have their keys in order.
    fn json(&mut self, part: &impl Serialize) {
        // What is hashed here was read from JSON, so it can be written as such.
        let _ = serde_json::to_writer(&mut self.0, part);
    }
}

/// The four arrays of `management.declarations`. One that is missing or no array was *not reported*, which is not
/// the same as empty.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DeclarationsReport<'a> {
    /// What was listed, by kind.
    pub listed: BTreeMap<Kind, Vec<Listed<'a>>>,
}

impl DeclarationsReport<'_> {
    fn into_owned(self) -> DeclarationsReport<'static> {
        let own = |list: Vec<Listed<'_>>| list.into_iter().map(Listed::into_owned).collect();
        DeclarationsReport {
            listed: self
                .listed
                .into_iter()
                .map(|(kind, list)| (kind, own(list)))
                .collect(),
        }
    }
}

/// One declaration as the device lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed<'a> {
    /// `identifier`.
    pub identifier: Cow<'a, str>,
    /// `server-token`: the revision that the rest speaks of.
    pub server_token: Cow<'a, str>,
    /// `active`.
    pub active: bool,
    /// `valid`.
    pub valid: Validity,
    /// `reasons`, empty when all is well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<Reason>,
}

impl Listed<'_> {
    /// The same, borrowed from here.
    pub(crate) fn borrowed(&self) -> Listed<'_> {
        Listed {
            identifier: Cow::Borrowed(&self.identifier),
            server_token: Cow::Borrowed(&self.server_token),
            reasons: self.reasons.clone(),
            ..*self
        }
    }

    /// The same, of its own.
    pub(crate) fn into_owned(self) -> Listed<'static> {
        Listed {
            identifier: Cow::Owned(self.identifier.into_owned()),
            server_token: Cow::Owned(self.server_token.into_owned()),
            active: self.active,
            valid: self.valid,
            reasons: self.reasons,
        }
    }

    /// What it is about.
    pub(crate) fn names(&self) -> (&str, &str) {
        (&self.identifier, &self.server_token)
    }
}

/// `valid` of a listed declaration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Validity {
    /// Examined and good.
    Valid,
    /// Examined and refused.
    Invalid,
    /// Not examined yet, or a word that is not known.
    Unknown,
}

/// Why a device says so: `code`, and what it adds for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// `code`, such as `Error.ConfigurationCannotBeApplied`. The list is open.
    pub code: String,
    /// `description`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// `details`, as sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Value>,
}

/// The name by which an element of a status item merges with a stored one.
pub(crate) fn identifier(element: &Value) -> Option<&str> {
    element.get("identifier").and_then(Value::as_str)
}

/// `management.client-capabilities`, as far as it concerns what may be sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Capabilities {
    /// The declaration types of all four kinds. `None` unless all four lists were there: only a complete list
    /// narrows what is sent.
    pub declarations: Option<BTreeSet<String>>,
    /// The status items, when that list was there.
    pub status_items: Option<BTreeSet<String>>,
}
