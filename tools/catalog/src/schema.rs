//! One schema file: a declaration type or a status item.

use std::collections::BTreeSet;

use anyhow::{Context as _, ensure};
use ordain_catalog::{DeclarationType, Kind, Reference, Shape, StatusItem, Step, ValueType};
use saphyr::Yaml;

use crate::support;

/// The one reference to declarations other than assets. The schema states it in prose only.
const ACTIVATION_TO_CONFIGURATIONS: (&str, &str) = ("com.apple.activation.simple", "StandardConfigurations");

/// The `declarationtype` of the file for what all declarations have in common.
const ANY_DECLARATION: &str = "any";

/// The type that a file in `declarative/declarations` is for; `None` for the two sorts of other files there:
/// credential documents, and the keys common to all declarations.
pub(crate) fn declaration(schema: &Yaml<'_>) -> anyhow::Result<Option<DeclarationType>> {
    let payload = get(schema, "payload")?;
    if payload.contains_mapping_key("credentialtype") {
        return Ok(None);
    }
    let name = text(payload, "declarationtype")?;
    if name == ANY_DECLARATION {
        return Ok(None);
    }
    let kind = Kind::of_type(name).with_context(|| format!("{name} is no declaration type"))?;
    let apply = match payload.as_mapping_get("apply") {
        Some(_) => Some(text(payload, "apply")?.parse()?),
        None => None,
    };
    Ok(Some(DeclarationType {
        name: name.to_owned(),
        kind,
        apply,
        support: support::of_payload(payload, support::for_declarative_management)?,
        payload: Shape::any_dictionary(),
        references: references(name, get(schema, "payloadkeys")?)?,
    }))
}

/// The item that a file in `declarative/status` is for; `None` for that of the reasons, which are part of
/// items.
pub(crate) fn status_item(schema: &Yaml<'_>) -> anyhow::Result<Option<StatusItem>> {
    let payload = get(schema, "payload")?;
    if payload.contains_mapping_key("declarationtype") {
        return Ok(None);
    }
    let name = text(payload, "statusitemtype")?;
    let [value] = sequence(schema, "payloadkeys")? else {
        anyhow::bail!("a status item has one value");
    };
    let value_type = type_of(value)?.parse()?;
    Ok(Some(StatusItem {
        name: name.to_owned(),
        value: value_type,
        identified: value_type == ValueType::Array && has_identified_elements(value)?,
        support: support::of_payload(payload, support::for_declarative_management)?,
    }))
}

fn has_identified_elements(array: &Yaml<'_>) -> anyhow::Result<bool> {
    let [element] = sequence(array, "subkeys")? else {
        anyhow::bail!("an array has one type of elements");
    };
    if type_of(element)? != "dictionary" {
        return Ok(false);
    }
    for key in sequence(element, "subkeys")? {
        if text(key, "key")? == "identifier" {
            return Ok(true);
        }
    }
    Ok(false)
}

fn references(type_name: &str, payload_keys: &Yaml<'_>) -> anyhow::Result<BTreeSet<Reference>> {
    let mut found = References::default();
    found.collect(Container::Dictionary, payload_keys, &[])?;
    // The same keys all the way down cannot be written as a path.
    ensure!(
        !found.recursive || found.references.is_empty(),
        "asset references beside keys that contain themselves"
    );
    let (activation, configurations) = ACTIVATION_TO_CONFIGURATIONS;
    if type_name == activation {
        let path = vec![Step::Key(configurations.to_owned()), Step::Element];
        found.references.insert(Reference {
            path,
            kind: Kind::Configuration,
            types: BTreeSet::new(),
        });
    }
    Ok(found.references)
}

#[derive(Clone, Copy)]
enum Container {
    Dictionary,
    Array,
}

#[derive(Default)]
struct References {
    references: BTreeSet<Reference>,
    /// Whether keys contain themselves. Such an alias inside its own anchor is `BadValue` to saphyr, so that
    /// the walk ends there.
    recursive: bool,
}

impl References {
    /// Collects those among `keys`, which `container` at `path` has, and below them.
    fn collect(&mut self, container: Container, keys: &Yaml<'_>, path: &[Step]) -> anyhow::Result<()> {
        if keys.is_badvalue() {
            self.recursive = true;
            return Ok(());
        }
        for key in keys.as_sequence().context("keys are no sequence")? {
            let name = text(key, "key")?;
            let mut path = path.to_vec();
            path.push(match (container, name) {
                (Container::Array, _) => Step::Element,
                (Container::Dictionary, "ANY") => Step::AnyKey,
                (Container::Dictionary, name) => Step::Key(name.to_owned()),
            });
            let value_type = type_of(key)?;
            if key.contains_mapping_key("assettypes") {
                self.add(&path, value_type, key)
                    .with_context(|| name.to_owned())?;
            }
            let container = match value_type {
                "dictionary" => Container::Dictionary,
                "array" => Container::Array,
                // The subkeys of other types are possible values.
                _ => continue,
            };
            if let Some(subkeys) = key.as_mapping_get("subkeys") {
                self.collect(container, subkeys, &path)?;
            }
        }
        Ok(())
    }

    fn add(&mut self, path: &[Step], value_type: &str, key: &Yaml<'_>) -> anyhow::Result<()> {
        let mut path = path.to_vec();
        match value_type {
            "string" => {}
            "array" => path.push(Step::Element),
            other => anyhow::bail!("a reference of type {other}"),
        }
        let types: BTreeSet<String> = sequence(key, "assettypes")?
            .iter()
            .map(|name| {
                name.as_str()
                    .map(str::to_owned)
                    .context("an asset type is no string")
            })
            .collect::<Result<_, _>>()?;
        for name in &types {
            ensure!(
                Kind::of_type(name) == Some(Kind::Asset),
                "{name} is no asset type"
            );
        }
        self.references.insert(Reference {
            path,
            kind: Kind::Asset,
            types,
        });
        Ok(())
    }
}

/// The value of a key that must be there.
pub(crate) fn get<'a, 'i>(mapping: &'a Yaml<'i>, key: &str) -> anyhow::Result<&'a Yaml<'i>> {
    mapping.as_mapping_get(key).with_context(|| format!("no {key}"))
}

/// The string of a key that must be there.
pub(crate) fn text<'a>(mapping: &'a Yaml<'_>, key: &str) -> anyhow::Result<&'a str> {
    get(mapping, key)?
        .as_str()
        .with_context(|| format!("{key} is no string"))
}

/// The sequence of a key that must be there.
pub(crate) fn sequence<'a, 'i>(mapping: &'a Yaml<'i>, key: &str) -> anyhow::Result<&'a [Yaml<'i>]> {
    let sequence = get(mapping, key)?
        .as_sequence()
        .with_context(|| format!("{key} is no sequence"))?;
    Ok(sequence.as_slice())
}

/// The type of a key, without the angle brackets.
pub(crate) fn type_of<'a>(key: &'a Yaml<'_>) -> anyhow::Result<&'a str> {
    let name = text(key, "type")?;
    name.strip_prefix('<')
        .and_then(|name| name.strip_suffix('>'))
        .with_context(|| format!("{name} is no type"))
}
