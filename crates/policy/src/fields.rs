//! The keys of an object: those that have a meaning, and complaints of others.

use crate::problem::{Place, Problems, quoted};
use crate::tree::{Node, Value};

/// An object whose keys are all known.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'a>(&'a Node);

/// A string and where it stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Text<'a> {
    pub(crate) text: &'a str,
    pub(crate) place: Place,
}

impl<'a> Fields<'a> {
    /// `node` as an object of which only the `known` keys mean something.
    pub(crate) fn of(node: &'a Node, known: &[&str], problems: &mut Problems) -> Option<Self> {
        if !matches!(node.value, Value::Object(_)) {
            problems.error(node.place, format!("an object is expected, not {}", node.what()));
            return None;
        }
        for member in node
            .members()
            .iter()
            .filter(|member| !known.contains(&member.key.as_str()))
        {
            let message = format!("unknown key {}", quoted(&member.key));
            problems.unknown(member.place, message, &member.key, known.iter().copied());
        }
        Some(Self(node))
    }

    /// Where the object begins.
    pub(crate) fn place(self) -> Place {
        self.0.place
    }

    pub(crate) fn get(self, key: &str) -> Option<&'a Node> {
        self.0.get(key)
    }

    /// Where the key stands, if it is there.
    pub(crate) fn place_of(self, key: &str) -> Option<Place> {
        self.0
            .members()
            .iter()
            .find(|member| member.key == key)
            .map(|member| member.place)
    }

    pub(crate) fn required(self, key: &str, problems: &mut Problems) -> Option<&'a Node> {
        let value = self.get(key);
        if value.is_none() {
            problems.error(self.place(), format!("the key {} is missing", quoted(key)));
        }
        value
    }

    pub(crate) fn text(self, key: &str, problems: &mut Problems) -> Option<Text<'a>> {
        text(self.get(key)?, key, problems)
    }

    pub(crate) fn required_text(self, key: &str, problems: &mut Problems) -> Option<Text<'a>> {
        text(self.required(key, problems)?, key, problems)
    }

    /// The strings in the list of this key; none when the key is missing.
    pub(crate) fn texts(self, key: &str, problems: &mut Problems) -> Vec<Text<'a>> {
        self.get(key)
            .map(|node| texts(node, key, problems))
            .unwrap_or_default()
    }

    pub(crate) fn required_texts(self, key: &str, problems: &mut Problems) -> Vec<Text<'a>> {
        self.required(key, problems)
            .map(|node| texts(node, key, problems))
            .unwrap_or_default()
    }
}

fn text<'a>(node: &'a Node, key: &str, problems: &mut Problems) -> Option<Text<'a>> {
    let text = node.as_text();
    if text.is_none() {
        let hint = match node.value {
            Value::Bool(_) | Value::Integer(_) | Value::Real(_) => "; put it in quotes",
            _ => "",
        };
        problems.error(
            node.place,
            format!("{} has to be a string, not {}{hint}", quoted(key), node.what()),
        );
    }
    text.map(|text| Text {
        text,
        place: node.place,
    })
}

/// The strings of the list `node`, which is the value of `key`.
fn texts<'a>(node: &'a Node, key: &str, problems: &mut Problems) -> Vec<Text<'a>> {
    let Value::List(items) = &node.value else {
        problems.error(
            node.place,
            format!("{} has to be a list, not {}", quoted(key), node.what()),
        );
        return Vec::new();
    };
    let each = format!("{key}[]");
    items
        .iter()
        .filter_map(|item| text(item, &each, problems))
        .collect()
}
