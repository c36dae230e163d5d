//! Status items.

use crate::Support;

/// A status item: something that a device can report when subscribed to, or of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusItem {
    /// The dotted name, such as `device.operating-system.version`.
    pub name: String,
    /// The type of its value.
    pub value: ValueType,
    /// Whether the value is an array whose elements have the key `identifier`: such arrays are reported
    /// element by element and merged by that key.
    pub identified: bool,
    /// Where it can be subscribed to.
    pub support: Support,
}

/// The type of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ValueType {
    /// An array.
    Array,
    /// True or false.
    Boolean,
    /// Bytes, in JSON as base64.
    Data,
    /// An object.
    Dictionary,
    /// A whole number.
    Integer,
    /// A number.
    Real,
    /// A string.
    String,
}

words!(ValueType, "a type of value", {
    Array => "array",
    Boolean => "boolean",
    Data => "data",
    Dictionary => "dictionary",
    Integer => "integer",
    Real => "real",
    String => "string",
});
