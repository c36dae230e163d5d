//! `InstanceBlob`: what a template is filled in with.

use std::collections::BTreeMap;

use super::document::read_all;
use super::{MAX_PARTS, MAX_PATH, SCHEMA, check_schema, check_size, need_label};
use crate::secret::Secret;
use crate::xml::{self, Element, Error, MAX_OCTETS, Unwritable, Writer};

/// The instances of a template. Devices do not keep it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InstanceBlob {
    /// Each defines the same variables.
    pub instances: Vec<Instance>,
}

/// What the variables of one instance are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Instance(pub BTreeMap<String, Secret>);

/// A text that is not filled in: a placeholder is not closed, or names no variable of the instance; or what comes of
/// it would be longer than a document may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a placeholder cannot be filled in")]
pub struct Undefined;

impl InstanceBlob {
    /// Reads instances. Those that define other variables than the first one are refused.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let document = xml::parse_embedded(text)?;
        let root = Element::root(&document);
        if root.name() != "InstanceBlob" {
            return Err(Error::Value("InstanceBlob"));
        }
        check_schema(root)?;
        check_size(root, MAX_PARTS)?;
        let instances = read_all(root, "Instance", Instance::read)?;
        let same = instances
            .iter()
            .zip(instances.iter().skip(1))
            .all(|(one, next)| one.0.keys().eq(next.0.keys()));
        match same {
            true => Ok(Self { instances }),
            false => Err(Error::Value("Instance")),
        }
    }

    /// Writes the instances.
    pub fn to_xml(&self) -> Result<String, Unwritable> {
        Writer::text_document(|xml| {
            xml.element("InstanceBlob", &[("schema", SCHEMA)], |xml| {
                for Instance(variables) in &self.instances {
                    xml.element("Instance", &[], |xml| {
                        for (variable, value) in variables {
                            xml.text_with("InstanceData", &[("variable", variable)], value.expose());
                        }
                    });
                }
            });
        })
    }
}

impl Instance {
    fn read(instance: Element<'_>) -> Result<Self, Error> {
        let mut variables = BTreeMap::new();
        for data in instance.all("InstanceData") {
            let value = Secret::new(data.text("InstanceData")?);
            if variables
                .insert(need_label(data, "variable", MAX_PATH)?, value)
                .is_some()
            {
                return Err(Error::Repeated("InstanceData"));
            }
        }
        Ok(Self(variables))
    }

    /// `template`, a path or value of a template, with `@#name#` replaced by the value of that variable. What is filled
    /// in is not looked through again. Simulated devices fill in by this. What the server awaits of them the model works out
    /// by itself, so that the two cannot merely agree with each other.
    pub fn fill_in(&self, template: &str) -> Result<Secret, Undefined> {
        let mut parts = template.split("@#");
        let mut filled = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (name, rest) = part.split_once('#').ok_or(Undefined)?;
            filled.push_str(self.0.get(name).ok_or(Undefined)?.expose());
            filled.push_str(rest);
            if filled.len() > MAX_OCTETS {
                return Err(Undefined);
            }
        }
        Ok(Secret::new(filled))
    }
}
