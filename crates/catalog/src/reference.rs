//! Where payloads name other declarations.

use serde_json::Value;

use crate::{DeclarationType, Elements, ITEM, Key, Shape, Target};

/// An identifier found in a payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundReference<'a> {
    /// Where: a JSON pointer from the payload (RFC 6901).
    pub pointer: String,
    /// The identifier.
    pub identifier: &'a str,
    /// What it may name.
    pub target: &'a Target,
}

impl DeclarationType {
    /// Every identifier of another declaration in `payload`, in the order of its keys. What has another shape than the
    /// schema says is passed over: to complain of it is validation's work. Needs time in proportion to `payload`.
    pub fn references_in<'a>(&'a self, payload: &'a Value) -> Vec<FoundReference<'a>> {
        let mut found = Found(Vec::new());
        found.shape(&self.payload, None, payload, &Path::Payload, &mut Vec::new());
        found.0
    }
}

struct Found<'a>(Vec<FoundReference<'a>>);

/// The way to a value, as a list from its end.
enum Path<'p> {
    Payload,
    Key(&'p Path<'p>, &'p str),
    Element(&'p Path<'p>, usize),
}

impl<'a> Found<'a> {
    /// Looks into `value`. `above` has the shapes that hold it. Recursion ends with the value.
    fn shape(
        &mut self,
        shape: &'a Shape,
        refers: Option<&'a Target>,
        value: &'a Value,
        path: &Path<'_>,
        above: &mut Vec<&'a Shape>,
    ) {
        if let Shape::Above(steps) = shape {
            // The others go back there once the value is done.
            let Some(at) = above.len().checked_sub(*steps) else {
                return;
            };
            let others = above.split_off(at);
            if let Some(&shape) = others.first() {
                self.shape(shape, refers, value, path, above);
            }
            above.extend(others);
            return;
        }
        above.push(shape);
        match (shape, value) {
            (Shape::String { .. }, Value::String(identifier)) => {
                self.0.extend(refers.map(|target| FoundReference {
                    pointer: path.pointer(),
                    identifier,
                    target,
                }));
            }
            (Shape::Dictionary(keys), Value::Object(object)) => {
                for (name, value) in object {
                    if let Some(key) = keys.get(name) {
                        self.key(key, None, value, &Path::Key(path, name), above);
                    }
                }
            }
            (Shape::Map(key), Value::Object(object)) => {
                for (name, value) in object {
                    self.key(key, None, value, &Path::Key(path, name), above);
                }
            }
            (Shape::Array { elements, .. }, Value::Array(values)) => {
                for (index, value) in values.iter().enumerate() {
                    let key = match elements {
                        Elements::Alike(key) => Some(&**key),
                        Elements::ByItem(forms) => value
                            .get(ITEM)
                            .and_then(Value::as_str)
                            .and_then(|item| forms.get(item)),
                    };
                    if let Some(key) = key {
                        self.key(key, refers, value, &Path::Element(path, index), above);
                    }
                }
            }
            _ => {}
        }
        above.pop();
    }

    /// Looks into the value of a key, or into an element of an array that `refers` itself.
    fn key(
        &mut self,
        key: &'a Key,
        refers: Option<&'a Target>,
        value: &'a Value,
        path: &Path<'_>,
        above: &mut Vec<&'a Shape>,
    ) {
        self.shape(&key.shape, key.refers.as_ref().or(refers), value, path, above);
    }
}

impl Path<'_> {
    fn pointer(&self) -> String {
        match self {
            Self::Payload => String::new(),
            Self::Key(before, key) => before.pointer() + "/" + &key.replace('~', "~0").replace('/', "~1"),
            Self::Element(before, index) => format!("{}/{index}", before.pointer()),
        }
    }
}

#[cfg(test)]
mod tests;
