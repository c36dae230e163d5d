//! Status items.

use std::collections::BTreeSet;

use crate::{Elements, Shape, Support};

/// The key that tells an element of an array from the others.
const IDENTIFIER: &str = "identifier";

/// A status item: something that a device can report when subscribed to, or of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusItem {
    /// The dotted name, such as `device.operating-system.version`.
    pub name: String,
    /// Where it can be subscribed to.
    pub support: Support,
    /// What its value is.
    pub value: Shape,
    /// The codes of the reasons in it, where the schema lists them.
    pub reasons: BTreeSet<String>,
}

impl StatusItem {
    /// Whether the value is an array whose elements have the key `identifier`: such arrays are reported element by
    /// element and merged by that key.
    pub fn identified(&self) -> bool {
        match &self.value {
            Shape::Array {
                elements: Elements::Alike(element),
                ..
            } => matches!(&element.shape, Shape::Dictionary(keys) if keys.contains_key(IDENTIFIER)),
            _ => false,
        }
    }
}
