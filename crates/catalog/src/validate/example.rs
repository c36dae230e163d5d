//! Declarations that are valid, made from the catalog.

use serde_json::{Map, Value, json};

use super::finding::Severity;
use super::format;
use super::frame::Frame;
use super::prose::{self, Given, Remedy};
use super::reach::{Reach, Recipients};
use crate::windows::{DataFormat, Node};
use crate::{Catalog, DeclarationType, Elements, Format, ITEM, Key, Keys, Range, Shape, Target};

/// Rules that need each other are mended one after the other; more than this is a rule that contradicts itself.
const MOST_REMEDIES: usize = 500;
/// Deeper keys than any schema requires.
const MAX_DEPTH: usize = 32;
/// More elements than any schema requires.
const MAX_ELEMENTS: usize = 32;

/// A declaration of this type with no more than it needs: `Type`, `Identifier` and `Payload`. Identifiers of other
/// declarations name what has to be there as well, such as `example.asset.credential.userpassword`. Always the same
/// one; `None` when the catalog does not know the type.
pub fn example(catalog: &Catalog, type_name: &str) -> Option<Value> {
    Some(declaration(
        catalog,
        catalog.declaration(type_name)?,
        Extent::Required,
    ))
}

/// The same with every key that may be beside the others.
pub fn full_example(catalog: &Catalog, type_name: &str) -> Option<Value> {
    Some(declaration(catalog, catalog.declaration(type_name)?, Extent::All))
}

/// A value that a node of a CSP takes, as it is sent; `None` when it has none. Always the same one.
pub fn csp_example(node: &Node) -> Option<String> {
    let value = match (&node.example, &node.default, &node.value) {
        (Some(example), ..) => return Some(example.clone()),
        (_, Some(default), _) => default.clone(),
        (_, _, Some(shape)) => value(&Frame::root(shape), "", None, Extent::Required),
        _ => match node.formats.first() {
            Some(DataFormat::Node | DataFormat::Null) => return None,
            Some(DataFormat::Bool) => json!(true),
            Some(DataFormat::Int | DataFormat::Float) => json!(1),
            Some(DataFormat::B64 | DataFormat::Bin) => json!("ZXhhbXBsZQ=="),
            _ => json!("example"),
        },
    };
    Some(match value {
        Value::String(text) => text,
        other => other.to_string(),
    })
}

/// Which keys there are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    Required,
    All,
}

fn declaration(catalog: &Catalog, declaration: &DeclarationType, extent: Extent) -> Value {
    let mut payload = value(&Frame::root(&declaration.payload), "", None, extent);
    mend(catalog, declaration, &mut payload);
    json!({
        "Type": declaration.name,
        "Identifier": placeholder(&declaration.name),
        "Payload": payload,
    })
}

/// An identifier for the example of this type: shorter than the type, and so short enough for any device.
fn placeholder(type_name: &str) -> String {
    format!(
        "example.{}",
        type_name.strip_prefix("com.apple.").unwrap_or(type_name)
    )
}

/// A value of this shape, for the key `name`. Recursion ends with the schema, which nests itself only in keys that are
/// not required.
fn value(frame: &Frame<'_>, name: &str, target: Option<&Target>, extent: Extent) -> Value {
    if frame.depth > MAX_DEPTH {
        return Value::Null;
    }
    match frame.shape {
        Shape::Any | Shape::Above(_) => json!("example"),
        Shape::Array { elements, count } => Value::Array(match (elements, count.max) {
            (_, Some(0)) => Vec::new(),
            (Elements::Alike(key), _) => {
                let least = usize::try_from(count.min.unwrap_or(1).max(1)).unwrap_or(1);
                vec![of_key(key, name, target, frame, extent); least.min(MAX_ELEMENTS)]
            }
            (Elements::ByItem(forms), _) => {
                let forms = forms
                    .iter()
                    .map(|(item, form)| with_item(item, form, frame, extent));
                match extent {
                    Extent::All => forms.collect(),
                    Extent::Required => forms.take(1).collect(),
                }
            }
        }),
        Shape::Boolean => json!(true),
        Shape::Data => json!("ZXhhbXBsZQ=="),
        Shape::Date => json!(Format::Timestamp.sample()),
        Shape::Dictionary(keys) => Value::Object(dictionary(keys, frame, extent)),
        Shape::Map(key) => match extent {
            Extent::All => json!({"example": of_key(key, name, target, frame, extent)}),
            Extent::Required => json!({}),
        },
        Shape::Integer { allowed, range } => match allowed.first() {
            Some(first) => json!(first),
            None => json!(within(range)),
        },
        Shape::Real { allowed, range } => match allowed.first().or(range.min.as_ref()).or(range.max.as_ref())
        {
            Some(bound) => Value::Number(bound.clone()),
            None => json!(1),
        },
        Shape::String {
            allowed,
            pattern,
            format,
        } => match (allowed.first(), target) {
            (Some(first), _) => json!(first),
            (None, Some(target)) => json!(identifier(target)),
            (None, None) => json!(text(name, pattern.as_deref(), *format)),
        },
    }
}

fn of_key(key: &Key, name: &str, target: Option<&Target>, above: &Frame<'_>, extent: Extent) -> Value {
    // What nests itself does so once, and then no deeper.
    let extent = match key.shape {
        Shape::Above(_) => Extent::Required,
        _ => extent,
    };
    value(
        &above.within(&key.shape),
        name,
        key.refers.as_ref().or(target),
        extent,
    )
}

fn dictionary(keys: &Keys, above: &Frame<'_>, extent: Extent) -> Map<String, Value> {
    keys.iter()
        .filter(|(_, key)| key.required || extent == Extent::All)
        .map(|(name, key)| {
            let default = key.default.clone().filter(|default| accepts(&key.shape, default));
            (
                name.clone(),
                default.unwrap_or_else(|| of_key(key, name, None, above, extent)),
            )
        })
        .collect()
}

fn with_item(item: &str, form: &Key, above: &Frame<'_>, extent: Extent) -> Value {
    let mut value = of_key(form, item, None, above, extent);
    if let Value::Object(values) = &mut value {
        values.insert(ITEM.to_owned(), json!(item));
    }
    value
}

/// Whether a default is a scalar that the shape allows; schemas have others.
fn accepts(shape: &Shape, default: &Value) -> bool {
    match (shape, default) {
        (Shape::Boolean, Value::Bool(_)) => true,
        (Shape::Integer { allowed, range }, Value::Number(number)) => {
            number.as_i64().is_some_and(|integer| {
                (allowed.is_empty() || allowed.contains(&integer))
                    && range.min.is_none_or(|min| integer >= min)
                    && range.max.is_none_or(|max| integer <= max)
            })
        }
        (Shape::String { allowed, .. }, Value::String(text)) => allowed.contains(text),
        _ => false,
    }
}

fn within(range: &Range<i64>) -> i64 {
    let least = range.min.unwrap_or(1).max(1);
    range.max.map_or(least, |most| least.min(most))
}

fn identifier(target: &Target) -> String {
    match target.types.first() {
        Some(type_name) => placeholder(type_name),
        None => format!("example.{}", target.kind),
    }
}

/// How the names of keys end, and a text that suits them.
const TEXTS: &[(&str, &str)] = &[
    ("Address", "192.0.2.1"),
    ("AddressMatch", "192.0.2.1"),
    ("Addresses", "192.0.2.1"),
    ("BundleID", "com.example.app"),
    ("BundleIdentifier", "com.example.app"),
    ("BundleIdentifiers", "com.example.app"),
    ("ComposedIdentifier", "com.example.app (ABCD1234)"),
    ("Domain", "example.com"),
    ("Domains", "example.com"),
    ("HostName", "server.example.com"),
    ("Hosts", "server.example.com"),
    ("URL", "https://www.example.com/"),
    ("URLs", "https://www.example.com/"),
    ("UUID", "2F7A1C3E-9B0D-4E5A-8C6F-1D2E3F4A5B6C"),
    ("Version", "1.0"),
];

/// A text for this key, of this format. One that matches a pattern only when a common one does.
fn text(name: &str, pattern: Option<&str>, format: Option<Format>) -> &'static str {
    const COMMON: [&str; 5] = ["Example", "1", "1.0", "A1", "0000"];
    let suited = TEXTS
        .iter()
        .find(|(end, _)| name.ends_with(end))
        .map(|&(_, text)| text);
    let text = format.map_or(suited.unwrap_or("example"), Format::sample);
    match pattern {
        None => text,
        Some(pattern) => {
            let samples = Format::ALL.iter().map(|format| format.sample());
            let mut candidates = [text, "example"].into_iter().chain(COMMON).chain(samples);
            candidates
                .find(|text| format::matches(pattern, text))
                .unwrap_or(text)
        }
    }
}

/// Adds and takes away what the rules of prose want, one thing after the other: each may want or spare others.
fn mend(catalog: &Catalog, declaration: &DeclarationType, payload: &mut Value) {
    let nobody = Recipients::of(declaration, &Reach::default());
    let given = Given {
        catalog,
        declaration,
        recipients: &nobody,
        unknown: Severity::Error,
    };
    for _ in 0..MOST_REMEDIES {
        let mended = prose::breaches(given, payload).into_iter().find_map(|breach| {
            let mut mended = payload.clone();
            apply(&declaration.payload, &mut mended, breach.remedy);
            (mended != *payload).then_some(mended)
        });
        match mended {
            Some(mended) => *payload = mended,
            None => return,
        }
    }
}

fn apply(shape: &Shape, payload: &mut Value, remedy: Remedy) {
    match remedy {
        Remedy::Add(pointer, key) => add(shape, payload, &pointer, key),
        Remedy::Remove(pointer) => remove(payload, &pointer),
        Remedy::Replace(pointer, value) => {
            if let Some(place) = payload.pointer_mut(&pointer) {
                *place = value;
            }
        }
        Remedy::None => {}
    }
}

/// Adds a key to the dictionary at `pointer`, and the dictionaries that lead to it, where the schema has them.
fn add(shape: &Shape, payload: &mut Value, pointer: &str, key: &str) {
    let pointed = pointer
        .split('/')
        .skip(1)
        .map(|step| step.replace("~1", "/").replace("~0", "~"));
    let steps: Vec<String> = pointed.chain(key.split('/').map(str::to_owned)).collect();
    add_along(&Frame::root(shape), None, payload, &steps);
}

/// Follows `steps` into `place`, whose shape is that of `here`, and adds what is not there. Recursion ends with the
/// steps.
fn add_along(here: &Frame<'_>, target: Option<&Target>, place: &mut Value, steps: &[String]) {
    let (Some((step, rest)), Some(key)) = (steps.split_first(), inner(here, steps)) else {
        return;
    };
    let target = key.refers.as_ref().or(target);
    let next = match place {
        Value::Object(values) => {
            let missing = || of_key(key, step, target, here, Extent::Required);
            Some(values.entry(step.as_str()).or_insert_with(missing))
        }
        Value::Array(values) => step.parse().ok().and_then(|index: usize| values.get_mut(index)),
        _ => None,
    };
    if let Some(next) = next {
        add_along(&here.within(&key.shape), target, next, rest);
    }
}

/// What the schema says of the first of `steps`, when it has them all.
fn inner<'a>(here: &Frame<'a>, steps: &[String]) -> Option<&'a Key> {
    let (step, rest) = steps.split_first()?;
    let key = match here.shape {
        Shape::Dictionary(keys) => keys.get(step)?,
        Shape::Map(key) => key,
        Shape::Array {
            elements: Elements::Alike(key),
            ..
        } => key,
        _ => return None,
    };
    (rest.is_empty() || inner(&here.within(&key.shape), rest).is_some()).then_some(key)
}

fn remove(payload: &mut Value, pointer: &str) {
    let Some((holder, step)) = pointer.rsplit_once('/') else {
        return;
    };
    match payload.pointer_mut(holder) {
        Some(Value::Object(values)) => {
            values.remove(&step.replace("~1", "/").replace("~0", "~"));
        }
        Some(Value::Array(values)) => {
            if let Some(index) = step.parse().ok().filter(|index: &usize| *index < values.len()) {
                values.remove(index);
            }
        }
        _ => {}
    }
}
