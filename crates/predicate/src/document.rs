//! Facts from a JSON document.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::fact::{Fact, Facts, Source};

/// What is known of a device, as a document with a tree for each source:
/// `{"status": {"device": {"model": {"family": "iPad"}}}, "properties": {"age": 18}}`.
///
/// `status` is the tree of a status report's `StatusItems`. In all of them a name with dots is looked for as one key,
/// and then as the path that its parts make.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Document {
    /// What `@status(…)` names.
    pub status: Map<String, Value>,
    /// What `@property(…)` names.
    pub properties: Map<String, Value>,
    /// What `@device(…)` names.
    pub device: Map<String, Value>,
    /// What `@tag(…)` names.
    pub tags: Map<String, Value>,
}

impl Facts for Document {
    fn value(&self, _: usize, fact: &Fact) -> Option<&Value> {
        let mut tree = match fact.source {
            Source::Status => &self.status,
            Source::Property => &self.properties,
            Source::Device => &self.device,
            Source::Tag => &self.tags,
        };
        let mut name = fact.name.as_str();
        loop {
            if let Some(value) = tree.get(name) {
                return Some(value);
            }
            let (first, rest) = name.split_once('.')?;
            tree = tree.get(first)?.as_object()?;
            name = rest;
        }
    }
}
