//! What a command takes, one line for each key:
//!
//! ```text
//!   takes ReturnToService dictionary
//!   takes ReturnToService/Enabled boolean required
//!   takes RequestList array required
//!   takes RequestList/[] dictionary
//!   takes RequestList/[]/DeviceRequestType string of PowerOFF,PowerON,Reset required
//!   takes Settings array required
//!   takes Settings/[TimeZone]/TimeZone string required
//! ```
//!
//! `[]` is each element of an array, `[Name]` each dictionary in it whose `Item` is that name. Without a line for
//! what is in them, arrays and dictionaries hold anything.

use std::collections::BTreeMap;
use std::fmt;

use super::{Joined, parse_set};
use crate::{Command, Elements, Key, Keys, Range, Shape};

/// Reads what follows `takes` into `keys`, where what holds it has to be already.
pub(super) fn read<'a>(
    mut words: impl Iterator<Item = &'a str>,
    keys: &mut Keys,
) -> Result<(), &'static str> {
    let path = words.next().ok_or("a key without a name")?;
    let mut shape = words.next().and_then(of_word).ok_or("unknown type of value")?;
    let mut word = words.next();
    if word == Some("of") {
        let list = words.next();
        match &mut shape {
            Shape::Integer { allowed, .. } => {
                *allowed = parse_set(list, "not an integer")?.into_iter().collect()
            }
            Shape::String { allowed, .. } => *allowed = parse_set(list, "not a list")?.into_iter().collect(),
            _ => return Err("values of what has no list of them"),
        }
        word = words.next();
    }
    let required = word == Some("required");
    put(
        keys,
        path,
        Key {
            required,
            ..shape.into()
        },
    )
}

fn of_word(word: &str) -> Option<Shape> {
    Some(match word {
        "any" => Shape::Any,
        "array" => Shape::array_of(Shape::Any),
        "boolean" => Shape::Boolean,
        "data" => Shape::Data,
        "date" => Shape::Date,
        "dictionary" => Shape::any_dictionary(),
        "integer" => Shape::Integer {
            allowed: Vec::new(),
            range: Range::default(),
        },
        "real" => Shape::Real {
            range: Range::default(),
        },
        "string" => Shape::STRING,
        _ => return None,
    })
}

fn put(keys: &mut Keys, path: &str, key: Key) -> Result<(), &'static str> {
    match path.split_once('/') {
        None => {
            keys.insert(path.to_owned(), key);
            Ok(())
        }
        Some((name, rest)) => {
            let outer = keys.get_mut(name).ok_or("a key within one that is not there")?;
            put_within(&mut outer.shape, rest, key)
        }
    }
}

/// Recursion ends with the path.
fn put_within(outer: &mut Shape, path: &str, key: Key) -> Result<(), &'static str> {
    const HOLDS_NONE: &str = "a key within what holds none";

    if let Shape::Map(_) = outer {
        *outer = Shape::Dictionary(Keys::new());
    }
    let elements = match outer {
        Shape::Dictionary(keys) => return put(keys, path, key),
        Shape::Array { elements, .. } => elements,
        _ => return Err(HOLDS_NONE),
    };
    match (path.split_once('/'), &mut *elements) {
        (None, Elements::Alike(element)) if path == "[]" => {
            **element = key;
            Ok(())
        }
        (Some(("[]", rest)), Elements::Alike(element)) => put_within(&mut element.shape, rest, key),
        (Some((step, rest)), _) => {
            let item = step.strip_prefix('[').and_then(|step| step.strip_suffix(']'));
            let item = item.filter(|item| !item.is_empty()).ok_or(HOLDS_NONE)?;
            if matches!(elements, Elements::Alike(element) if element.shape == Shape::Any) {
                *elements = Elements::ByItem(BTreeMap::new());
            }
            match elements {
                Elements::ByItem(forms) => {
                    let form = forms
                        .entry(item.to_owned())
                        .or_insert_with(|| Shape::Dictionary(Keys::new()).into());
                    put_within(&mut form.shape, rest, key)
                }
                Elements::Alike(_) => Err(HOLDS_NONE),
            }
        }
        _ => Err(HOLDS_NONE),
    }
}

pub(super) fn write(f: &mut fmt::Formatter<'_>, command: &Command) -> fmt::Result {
    for key in command.listed() {
        write!(f, "  takes {} {}", key.path, key.shape.word())?;
        match key.shape {
            Shape::Integer { allowed, .. } if !allowed.is_empty() => {
                write!(f, " of {}", Joined(",", allowed))?
            }
            Shape::String { allowed, .. } if !allowed.is_empty() => {
                write!(f, " of {}", Joined(",", allowed))?
            }
            _ => {}
        }
        writeln!(f, "{}", if key.required { " required" } else { "" })?;
    }
    Ok(())
}
