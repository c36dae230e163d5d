//! What several configurations of one type come to on a device.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeSet, HashMap, HashSet};

use serde_json::{Map, Value};

use crate::{Apply, Combine, DeclarationType, Elements, Key, Shape};

/// What several payloads come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effective {
    /// The payload in force. Where there is a conflict, it has the first value.
    pub value: Value,
    /// Where the schema does not tell which value is in force, in order of place.
    pub conflicts: Vec<Conflict>,
}

/// Different values for what can have one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The place: a JSON pointer from the payload (RFC 6901).
    pub pointer: String,
    /// The different values, in the order of the payloads.
    pub values: Vec<Value>,
}

impl DeclarationType {
    /// What these payloads of this type come to when all of them are active on a device: merged key by key where the
    /// type is combined, one of them where it is single. `None` when each has its own effect, or there are none.
    pub fn effective(&self, payloads: &[&Value]) -> Option<Effective> {
        let first = payloads.first()?;
        match self.apply? {
            Apply::Multiple => None,
            Apply::Combined => Some(effective(&self.payload, payloads)),
            Apply::Single => {
                let mut conflicts = Vec::new();
                equal("", payloads, &mut conflicts);
                Some(Effective {
                    value: (*first).clone(),
                    conflicts,
                })
            }
        }
    }
}

/// What values of this shape come to, key by key. What has no rule must be equal, or is a conflict; dictionaries have
/// the keys of all. Values of another shape than theirs are compared only. Takes time in proportion to the values.
pub fn effective(shape: &Shape, values: &[&Value]) -> Effective {
    let mut conflicts = Vec::new();
    let value = merge(shape, "", values, &mut conflicts);
    Effective { value, conflicts }
}

/// Recursion ends with the values.
fn merge(shape: &Shape, pointer: &str, values: &[&Value], conflicts: &mut Vec<Conflict>) -> Value {
    let objects: Option<Vec<&Map<String, Value>>> = values.iter().map(|value| value.as_object()).collect();
    if let Some(objects) = objects {
        let keys = |name: &str| match shape {
            Shape::Dictionary(keys) => keys.get(name),
            Shape::Map(key) => Some(&**key),
            _ => None,
        };
        let names: BTreeSet<&String> = objects.iter().flat_map(|object| object.keys()).collect();
        let merged = names.into_iter().map(|name| {
            let values: Vec<&Value> = objects.iter().filter_map(|object| object.get(name)).collect();
            let pointer = format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
            let value = match keys(name) {
                Some(key) => combine(key, &pointer, &values, conflicts),
                None => equal(&pointer, &values, conflicts),
            };
            (name.clone(), value)
        });
        return Value::Object(merged.collect());
    }
    if let Shape::Array {
        elements: Elements::Alike(element),
        ..
    } = shape
        && let Some(arrays) = arrays(values)
        && let Shape::Dictionary(keys) = &element.shape
        && keys.values().any(|key| key.combine.is_some())
    {
        return merge_elements(element, pointer, arrays, conflicts);
    }
    equal(pointer, values, conflicts)
}

/// Elements that are the same but for the keys that have a rule become one, such as groups of bookmarks.
fn merge_elements(
    element: &Key,
    pointer: &str,
    elements: Vec<&Value>,
    conflicts: &mut Vec<Conflict>,
) -> Value {
    let Shape::Dictionary(keys) = &element.shape else {
        return Value::Null;
    };
    let identity = |value: &Value| {
        let mut identity = value.clone();
        if let Value::Object(values) = &mut identity {
            values.retain(|name, _| keys.get(name).is_none_or(|key| key.combine.is_none()));
        }
        identity
    };
    let mut places = HashMap::new();
    let mut groups: Vec<Vec<&Value>> = Vec::new();
    for value in elements {
        let place = *places.entry(identity(value)).or_insert(groups.len());
        match groups.get_mut(place) {
            Some(group) => group.push(value),
            None => groups.push(vec![value]),
        }
    }
    let merged = groups.iter().enumerate();
    let merged =
        merged.map(|(index, group)| merge(&element.shape, &format!("{pointer}/{index}"), group, conflicts));
    Value::Array(merged.collect())
}

fn combine(key: &Key, pointer: &str, values: &[&Value], conflicts: &mut Vec<Conflict>) -> Value {
    let Some(rule) = key.combine else {
        return merge(&key.shape, pointer, values, conflicts);
    };
    by_rule(rule, &key.shape, values).unwrap_or_else(|| equal(pointer, values, conflicts))
}

/// `None` where the values are none that the rule can be applied to.
fn by_rule(rule: Combine, shape: &Shape, values: &[&Value]) -> Option<Value> {
    match rule {
        Combine::BooleanAnd => Some(Value::Bool(booleans(values)?.into_iter().all(|value| value))),
        Combine::BooleanOr => Some(Value::Bool(booleans(values)?.into_iter().any(|value| value))),
        Combine::NumberMin => best(values, compare_numbers),
        Combine::NumberMax => best(values, |a, b| compare_numbers(b, a)),
        Combine::EnumFirst => by_position(shape, values, |position| position),
        Combine::EnumLast => by_position(shape, values, Reverse),
        Combine::First => values.first().map(|&value| value.clone()),
        Combine::ArrayAppend => Some(arrays(values)?.into_iter().cloned().collect()),
        Combine::SetUnion => {
            let mut seen = HashSet::new();
            let new = arrays(values)?.into_iter().filter(|&value| seen.insert(value));
            Some(new.cloned().collect())
        }
        Combine::SetIntersection => {
            let mut common = arrays(values.get(..1)?)?;
            for value in values.iter().skip(1) {
                let others: HashSet<&Value> = value.as_array()?.iter().collect();
                common.retain(|value| others.contains(value));
            }
            let mut seen = HashSet::new();
            common.retain(|&value| seen.insert(value));
            Some(common.into_iter().cloned().collect())
        }
    }
}

fn booleans(values: &[&Value]) -> Option<Vec<bool>> {
    values.iter().map(|value| value.as_bool()).collect()
}

/// The elements of all; `None` when one is no array.
fn arrays<'v>(values: &[&'v Value]) -> Option<Vec<&'v Value>> {
    let arrays: Option<Vec<&Vec<Value>>> = values.iter().map(|value| value.as_array()).collect();
    Some(arrays?.into_iter().flatten().collect())
}

fn compare_numbers(a: &Value, b: &Value) -> Option<Ordering> {
    match (a.as_i64(), b.as_i64()) {
        (Some(a), Some(b)) => Some(a.cmp(&b)),
        _ => a.as_f64()?.partial_cmp(&b.as_f64()?),
    }
}

/// The first of the least; `None` when some cannot be compared.
fn best(values: &[&Value], compare: impl Fn(&Value, &Value) -> Option<Ordering>) -> Option<Value> {
    let (first, others) = values.split_first()?;
    let mut best = *first;
    compare(best, best)?;
    for value in others {
        if compare(value, best)? == Ordering::Less {
            best = value;
        }
    }
    Some(best.clone())
}

/// The value whose position among the allowed ones has the least rank; `None` when one is not among them.
fn by_position<R: Ord>(shape: &Shape, values: &[&Value], rank: impl Fn(usize) -> R) -> Option<Value> {
    let position = |value: &Value| match shape {
        Shape::String { allowed, .. } => allowed.iter().position(|other| value == other),
        Shape::Integer { allowed, .. } => {
            let integer = value.as_i64()?;
            allowed.iter().position(|&other| other == integer)
        }
        _ => None,
    };
    best(values, |a, b| Some(rank(position(a)?).cmp(&rank(position(b)?))))
}

/// The first value; a conflict when others are not equal to it.
fn equal(pointer: &str, values: &[&Value], conflicts: &mut Vec<Conflict>) -> Value {
    let mut seen = HashSet::new();
    let different: Vec<&Value> = values
        .iter()
        .copied()
        .filter(|&value| seen.insert(value))
        .collect();
    let first = different.first().map_or(Value::Null, |&first| first.clone());
    if different.len() > 1 {
        conflicts.push(Conflict {
            pointer: pointer.to_owned(),
            values: different.into_iter().cloned().collect(),
        });
    }
    first
}

#[cfg(test)]
mod tests;
