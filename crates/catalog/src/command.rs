//! MDM commands, and the keys that they take.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::{Support, ValueType};

/// An MDM command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// The `RequestType`, such as `DeclarativeManagement`.
    pub request_type: String,
    /// The access right that the enrollment must have granted, in the schema's word; `None` when no platform
    /// asks for one, or for one that depends on the keys.
    pub access_right: Option<String>,
    /// Where it is supported.
    pub support: Support,
    /// What it takes beside `RequestType`.
    pub keys: Keys,
    /// What a device answers beside status and identifiers, by name.
    pub answers: BTreeMap<String, ValueType>,
}

/// The keys of a dictionary, by name. Others are not known.
pub type Keys = BTreeMap<String, Key>;

/// What a key of a command takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// What its value must be.
    pub shape: Shape,
    /// Whether it has to be there.
    pub required: bool,
}

/// What a value must be. `Display` names it in a word or three: `string`, `array of string`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// Anything.
    Any,
    /// An array of these.
    Array(Elements),
    /// True or false.
    Boolean,
    /// Bytes.
    Data,
    /// A date.
    Date,
    /// A dictionary of these keys; when there are none, of any keys with any values.
    Dictionary(Keys),
    /// A whole number, one of these if there are any.
    Integer(BTreeSet<i64>),
    /// A number.
    Real,
    /// A string, one of these if there are any.
    String(BTreeSet<String>),
}

/// What the elements of an array must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Elements {
    /// Each of one shape.
    Alike(Box<Shape>),
    /// Dictionaries, whose keys depend on their [`ITEM`]: one of these names. It is itself not among the keys.
    ByItem(BTreeMap<String, Keys>),
}

/// The key that tells what else is in a dictionary, as in `Settings`. It is a string, and required.
pub const ITEM: &str = "Item";

/// A key of a command or of a dictionary in it, or the elements of an array in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed<'a> {
    /// Where: the keys that lead to it with slashes between them, `[]` for the elements of an array, `[Name]`
    /// for those whose [`ITEM`] is that name.
    pub path: String,
    /// What its value must be.
    pub shape: &'a Shape,
    /// Whether it has to be there. Elements have not.
    pub required: bool,
}

impl Command {
    /// Every key, sorted, each followed by those within it.
    pub fn listed(&self) -> Vec<Listed<'_>> {
        let mut found = Vec::new();
        list_keys("", &self.keys, &mut found);
        found
    }
}

fn list_keys<'a>(before: &str, keys: &'a Keys, found: &mut Vec<Listed<'a>>) {
    for (name, key) in keys {
        list(format!("{before}{name}"), &key.shape, key.required, found);
    }
}

fn list<'a>(path: String, shape: &'a Shape, required: bool, found: &mut Vec<Listed<'a>>) {
    found.push(Listed {
        path: path.clone(),
        shape,
        required,
    });
    match shape {
        Shape::Dictionary(keys) => list_keys(&format!("{path}/"), keys, found),
        Shape::Array(Elements::Alike(shape)) if **shape != Shape::Any => {
            list(format!("{path}/[]"), shape, false, found);
        }
        Shape::Array(Elements::ByItem(forms)) => {
            for (item, keys) in forms {
                list_keys(&format!("{path}/[{item}]/"), keys, found);
            }
        }
        _ => {}
    }
}

impl Shape {
    /// The word for its type.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Array(_) => "array",
            Self::Boolean => "boolean",
            Self::Data => "data",
            Self::Date => "date",
            Self::Dictionary(_) => "dictionary",
            Self::Integer(_) => "integer",
            Self::Real => "real",
            Self::String(_) => "string",
        }
    }

    /// The values that it may have, in order; empty when they are not limited to a list.
    pub fn allowed(&self) -> Vec<String> {
        match self {
            Self::Integer(values) => values.iter().map(i64::to_string).collect(),
            Self::String(values) => values.iter().cloned().collect(),
            _ => Vec::new(),
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())?;
        match self {
            Self::Array(Elements::Alike(shape)) => write!(f, " of {shape}"),
            Self::Array(Elements::ByItem(_)) => f.write_str(" of dictionary"),
            _ => Ok(()),
        }
    }
}
