//! One schema file of an MDM command.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, bail, ensure};
use ordain_catalog::{Command, Elements, ITEM, Key, Keys, Range, Shape, ValueType};
use saphyr::Yaml;

use crate::schema::{get, sequence, text, type_of};
use crate::support;

/// The setting whose `Item` the schema leaves out.
const WITHOUT_ITEM: &str = "DefaultApplications";

/// The key that stands for any key.
const ANY_KEY: &str = "ANY";

/// Limits of values that the schema's form provides for and no command uses. The facts have no words for them.
const UNKNOWN_LIMITS: &[&str] = &["range", "format", "repetition", "valuetype", "subtype"];

/// The command that a file in `mdm/commands` is for.
pub(crate) fn command(schema: &Yaml<'_>) -> anyhow::Result<Command> {
    let payload = get(schema, "payload")?;
    let keys = match schema.as_mapping_get("payloadkeys") {
        Some(list) => keys(list)?,
        None => Keys::new(),
    };
    Ok(Command {
        request_type: text(payload, "requesttype")?.to_owned(),
        access_right: access_right(payload)?,
        support: support::of_payload(payload, support::for_command)?,
        keys,
        answers: answers(schema)?,
    })
}

/// The one right that some platforms ask for; the schema's words for none are left out, and so is the one for a
/// right that depends on what is asked.
fn access_right(payload: &Yaml<'_>) -> anyhow::Result<Option<String>> {
    let platforms = get(payload, "supportedOS")?
        .as_mapping()
        .context("supportedOS is no mapping")?;
    let mut rights = BTreeSet::new();
    for said in platforms.values() {
        if said.contains_mapping_key("accessrights") {
            rights.insert(text(said, "accessrights")?);
        }
    }
    rights.retain(|right| !["None", "n/a", "Special Case"].contains(right));
    ensure!(rights.len() < 2, "platforms ask for different rights");
    Ok(rights.first().map(|&right| right.to_owned()))
}

fn answers(schema: &Yaml<'_>) -> anyhow::Result<BTreeMap<String, ValueType>> {
    if !schema.contains_mapping_key("responsekeys") {
        return Ok(BTreeMap::new());
    }
    sequence(schema, "responsekeys")?
        .iter()
        .map(|key| Ok((text(key, "key")?.to_owned(), type_of(key)?.parse()?)))
        .collect()
}

fn keys(list: &Yaml<'_>) -> anyhow::Result<Keys> {
    let mut keys = Keys::new();
    for key in list.as_sequence().context("keys are no sequence")? {
        let name = text(key, "key")?;
        let required = match text(key, "presence").with_context(|| name.to_owned())? {
            "required" => true,
            "optional" => false,
            other => bail!("{name} is {other}"),
        };
        let shape = shape(key).with_context(|| name.to_owned())?;
        let key = Key {
            required,
            ..shape.into()
        };
        let before = keys.insert(name.to_owned(), key);
        ensure!(before.is_none(), "{name} is there twice");
    }
    Ok(keys)
}

fn shape(key: &Yaml<'_>) -> anyhow::Result<Shape> {
    for limit in UNKNOWN_LIMITS {
        ensure!(!key.contains_mapping_key(limit), "the facts have no {limit}");
    }
    let shape = match type_of(key)? {
        "any" => Shape::Any,
        "array" => Shape::Array {
            elements: elements(key)?,
            count: Range::default(),
        },
        "boolean" => Shape::Boolean,
        "data" => Shape::Data,
        "date" => Shape::Date,
        "dictionary" => dictionary(key)?,
        "integer" => Shape::Integer {
            allowed: listed(key, |value| value.as_integer())?,
            range: Range::default(),
        },
        "real" => Shape::Real {
            range: Range::default(),
        },
        "string" => Shape::String {
            allowed: strings(key)?,
            pattern: None,
            format: None,
        },
        other => bail!("{other} is no type"),
    };
    let has_list = matches!(shape, Shape::Integer { .. } | Shape::String { .. });
    ensure!(
        has_list || !key.contains_mapping_key("rangelist"),
        "the facts have no rangelist for {shape}"
    );
    Ok(shape)
}

/// A dictionary; of any keys when the only one stands for any.
fn dictionary(key: &Yaml<'_>) -> anyhow::Result<Shape> {
    if !key.contains_mapping_key("subkeys") {
        return Ok(Shape::any_dictionary());
    }
    if let [any] = sequence(key, "subkeys")?
        && text(any, "key")? == ANY_KEY
    {
        ensure!(type_of(any)? == "any", "any key, but not any value");
        return Ok(Shape::any_dictionary());
    }
    let keys = keys(get(key, "subkeys")?)?;
    ensure!(!keys.contains_key(ANY_KEY), "any key beside others");
    Ok(Shape::Dictionary(keys))
}

/// Elements of several sorts are dictionaries told apart by their `Item`, which is the name of the sort.
fn elements(key: &Yaml<'_>) -> anyhow::Result<Elements> {
    let sorts = sequence(key, "subkeys")?;
    if let [element] = sorts {
        return Ok(Elements::Alike(Box::new(shape(element)?.into())));
    }
    let mut forms = BTreeMap::new();
    for sort in sorts {
        let name = text(sort, "key")?;
        let Shape::Dictionary(mut keys) = shape(sort).with_context(|| name.to_owned())? else {
            bail!("{name} is no dictionary");
        };
        match keys.remove(ITEM) {
            Some(item) => ensure!(
                item.required && item.shape.allowed() == [name],
                "the {ITEM} of {name} is another"
            ),
            None => ensure!(name == WITHOUT_ITEM, "{name} has no {ITEM}"),
        }
        let before = forms.insert(name.to_owned(), Shape::Dictionary(keys).into());
        ensure!(before.is_none(), "{name} is there twice");
    }
    Ok(Elements::ByItem(forms))
}

/// The strings allowed: a list of them, or subkeys, each with a string's name.
fn strings(key: &Yaml<'_>) -> anyhow::Result<Vec<String>> {
    if !key.contains_mapping_key("subkeys") {
        return listed(key, |value| value.as_str().map(str::to_owned));
    }
    ensure!(
        !key.contains_mapping_key("rangelist"),
        "two lists of allowed values"
    );
    sorted(
        sequence(key, "subkeys")?
            .iter()
            .map(|value| Ok(text(value, "key")?.to_owned())),
    )
}

fn listed<T: Ord>(key: &Yaml<'_>, value: fn(&Yaml<'_>) -> Option<T>) -> anyhow::Result<Vec<T>> {
    if !key.contains_mapping_key("rangelist") {
        return Ok(Vec::new());
    }
    let list = sequence(key, "rangelist")?.iter();
    sorted(list.map(|allowed| value(allowed).context("the rangelist has values of another type")))
}

/// Format 1 of the facts has them sorted.
fn sorted<T: Ord>(values: impl Iterator<Item = anyhow::Result<T>>) -> anyhow::Result<Vec<T>> {
    let values: BTreeSet<T> = values.collect::<Result<_, _>>()?;
    Ok(values.into_iter().collect())
}
