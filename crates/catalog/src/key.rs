//! Keys, and what their values must be: payloads of declarations and profiles, requests and answers of commands, values
//! of status items.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::{Number, Value};

use crate::{Kind, Support};

/// How deep keys nest at most: elements of arrays count, [`Shape::Above`] does not.
pub const MAX_DEPTH: usize = 32;

/// The keys of a dictionary, by name. Others are not known.
pub type Keys = BTreeMap<String, Key>;

/// A key of a dictionary, or the elements of an array.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// What its value must be.
    pub shape: Shape,
    /// Whether it has to be there. Elements have not.
    pub required: bool,
    /// What devices take when it is not there, where the schema says.
    pub default: Option<Value>,
    /// How the values of several configurations become one, when its type is [`Apply::Combined`](crate::Apply).
    pub combine: Option<Combine>,
    /// What its value names, when that is an identifier of another declaration (for arrays: each element).
    pub refers: Option<Target>,
    /// Where it is supported; `None` when that is as of what holds it.
    pub support: Option<Support>,
}

/// What a value must be. `Display` names it in a word or three: `string`, `array of string`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// Anything.
    Any,
    /// An array of these.
    Array {
        /// What is in it.
        elements: Elements,
        /// How many there are.
        count: Range<u64>,
    },
    /// True or false.
    Boolean,
    /// Bytes, in JSON as base64.
    Data,
    /// A date.
    Date,
    /// A dictionary of these keys.
    Dictionary(Keys),
    /// A dictionary of any keys, each with a value of this shape. It has at least one where that is required.
    Map(Box<Key>),
    /// A whole number.
    Integer {
        /// If there are any: one of these, in the schema's order.
        allowed: Vec<i64>,
        /// Between these; with both, either will do.
        range: Range<i64>,
    },
    /// A number.
    Real {
        /// If there are any: one of these, in the schema's order.
        allowed: Vec<Number>,
        /// Between these; with both, either will do.
        range: Range<Number>,
    },
    /// A string.
    String {
        /// If there are any: one of these, in the schema's order.
        allowed: Vec<String>,
        /// A regular expression that it must match.
        pattern: Option<String>,
        /// What it must be the text of.
        format: Option<Format>,
    },
    /// The same as what holds it this many steps above, a step being a key or an element: schemas may nest without
    /// end. At least one.
    Above(usize),
}

/// Bounds, both included; `None` is no bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range<T> {
    /// The least.
    pub min: Option<T>,
    /// The greatest.
    pub max: Option<T>,
}

impl<T> Default for Range<T> {
    fn default() -> Self {
        Self { min: None, max: None }
    }
}

impl<T: PartialOrd + fmt::Display> Range<T> {
    /// Whether it has any bound.
    pub const fn is_bounded(&self) -> bool {
        self.min.is_some() || self.max.is_some()
    }

    /// The bounds in words, such as `1 to 4`, when `value` is outside.
    pub fn outside(&self, value: &T) -> Option<String> {
        let Self { min, max } = self;
        if min.as_ref().is_none_or(|min| value >= min) && max.as_ref().is_none_or(|max| value <= max) {
            return None;
        }
        Some(match (min, max) {
            (Some(min), Some(max)) if min == max => min.to_string(),
            (Some(min), Some(max)) => format!("{min} to {max}"),
            (Some(min), None) => format!("at least {min}"),
            (None, max) => format!("at most {}", max.as_ref().map(T::to_string).unwrap_or_default()),
        })
    }
}

impl Range<Number> {
    /// The same bounds, to compare with.
    pub fn as_f64(&self) -> Range<f64> {
        Range {
            min: self.min.as_ref().and_then(Number::as_f64),
            max: self.max.as_ref().and_then(Number::as_f64),
        }
    }
}

/// What a string must be the text of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// A domain name.
    Domain,
    /// A domain name, or `*.` and the parent of any.
    DomainPrefix,
    /// An email address (RFC 5322).
    Email,
    /// A host name or an IP address, that of version 6 in brackets.
    Hostname,
    /// A date and time without an offset: `2026-11-21T12:00:00`.
    LocalTime,
    /// A regular expression.
    Regex,
    /// A date and time with an offset (RFC 3339).
    Timestamp,
    /// A URL (RFC 3986).
    Url,
    /// A UUID of 36 characters.
    Uuid,
}

// The schema's words for a `valuetype`.
words!(Format, "a format of strings", {
    Domain => "domain",
    DomainPrefix => "domain-prefix",
    Email => "email",
    Hostname => "hostname",
    LocalTime => "localtime",
    Regex => "regex",
    Timestamp => "timestamp",
    Url => "url",
    Uuid => "uuid",
});

/// How the values that several configurations set become the one in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Combine {
    /// True when all are.
    BooleanAnd,
    /// True when one is.
    BooleanOr,
    /// The least.
    NumberMin,
    /// The greatest.
    NumberMax,
    /// The first among the allowed ones.
    EnumFirst,
    /// The last among the allowed ones.
    EnumLast,
    /// Whichever comes first; the schema says nothing of the order.
    First,
    /// All, one after the other.
    ArrayAppend,
    /// The elements that any has.
    SetUnion,
    /// The elements that all have.
    SetIntersection,
}

// The schema's words for a `combinetype`.
words!(Combine, "a way to combine", {
    BooleanAnd => "boolean-and",
    BooleanOr => "boolean-or",
    NumberMin => "number-min",
    NumberMax => "number-max",
    EnumFirst => "enum-first",
    EnumLast => "enum-last",
    First => "first",
    ArrayAppend => "array-append",
    SetUnion => "set-union",
    SetIntersection => "set-intersection",
});

/// What an identifier may name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    /// The kind of the declaration.
    pub kind: Kind,
    /// Its types; empty when any of that kind will do.
    pub types: BTreeSet<String>,
    /// The media types that the data of an asset may have; empty when any will do.
    pub content_types: BTreeSet<String>,
}

impl Target {
    /// Whether a declaration of this type may be meant.
    pub fn accepts(&self, type_name: &str) -> bool {
        Kind::of_type(type_name) == Some(self.kind)
            && (self.types.is_empty() || self.types.contains(type_name))
    }
}

/// What the elements of an array must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Elements {
    /// Each of one shape.
    Alike(Box<Key>),
    /// Dictionaries, whose keys depend on their [`ITEM`]: one of these names. It is itself not among the keys.
    ByItem(BTreeMap<String, Key>),
}

/// The key that tells what else is in a dictionary, as in `Settings`. It is a string, and required.
pub const ITEM: &str = "Item";

impl From<Shape> for Key {
    /// A key that need not be there, of which nothing else is said.
    fn from(shape: Shape) -> Self {
        Self {
            shape,
            required: false,
            default: None,
            combine: None,
            refers: None,
            support: None,
        }
    }
}

impl Shape {
    /// A string, any.
    pub const STRING: Self = Self::String {
        allowed: Vec::new(),
        pattern: None,
        format: None,
    };

    /// An array, any number of anything alike.
    pub fn array_of(element: impl Into<Key>) -> Self {
        Self::Array {
            elements: Elements::Alike(Box::new(element.into())),
            count: Range::default(),
        }
    }

    /// A dictionary, of any keys with any values.
    pub fn any_dictionary() -> Self {
        Self::Map(Box::new(Self::Any.into()))
    }

    /// The word for its type.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Array { .. } => "array",
            Self::Boolean => "boolean",
            Self::Data => "data",
            Self::Date => "date",
            Self::Dictionary(_) | Self::Map(_) => "dictionary",
            Self::Integer { .. } => "integer",
            Self::Real { .. } => "real",
            Self::String { .. } => "string",
            Self::Above(_) => "above",
        }
    }

    /// The values that it may have, in the schema's order; empty when they are not limited to a list.
    pub fn allowed(&self) -> Vec<String> {
        match self {
            Self::Integer { allowed, .. } => allowed.iter().map(i64::to_string).collect(),
            Self::Real { allowed, .. } => allowed.iter().map(Number::to_string).collect(),
            Self::String { allowed, .. } => allowed.clone(),
            _ => Vec::new(),
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())?;
        match self {
            Self::Array {
                elements: Elements::Alike(element),
                ..
            } => write!(f, " of {}", element.shape),
            Self::Array { .. } => f.write_str(" of dictionary"),
            _ => Ok(()),
        }
    }
}
