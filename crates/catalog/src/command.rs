//! MDM commands, and the keys that they take.

use crate::{Elements, Keys, Shape, Support};

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
    /// What a device answers beside status and identifiers.
    pub answers: Keys,
}

/// A key of a command or of a dictionary in it, or the elements of an array in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed<'a> {
    /// Where: the keys that lead to it with slashes between them, `[]` for the elements of an array, `[Name]`
    /// for those whose [`ITEM`](crate::ITEM) is that name.
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
        Shape::Array {
            elements: Elements::Alike(element),
            ..
        } if element.shape != Shape::Any => {
            list(format!("{path}/[]"), &element.shape, false, found);
        }
        Shape::Array {
            elements: Elements::ByItem(forms),
            ..
        } => {
            for (item, form) in forms {
                if let Shape::Dictionary(keys) = &form.shape {
                    list_keys(&format!("{path}/[{item}]/"), keys, found);
                }
            }
        }
        _ => {}
    }
}
