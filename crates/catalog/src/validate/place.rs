//! Places in a payload, and texts in messages.

use std::fmt::{self, Display, Write};

use serde_json::Value;

/// A place, known by what holds it. Nothing is put together before something is wrong there.
pub(super) struct Place<'a> {
    holder: Option<&'a Place<'a>>,
    step: Step<'a>,
}

enum Step<'a> {
    Root,
    Key(&'a str),
    Element(usize),
    /// No step: the same place, by a name of its own.
    Named(&'a str),
}

impl<'a> Place<'a> {
    pub(super) const fn root() -> Self {
        Self {
            holder: None,
            step: Step::Root,
        }
    }

    pub(super) const fn key(&'a self, name: &'a str) -> Self {
        Self {
            holder: Some(self),
            step: Step::Key(name),
        }
    }

    pub(super) const fn element(&'a self, index: usize) -> Self {
        Self {
            holder: Some(self),
            step: Step::Element(index),
        }
    }

    /// The same place, which is told by `name`.
    pub(super) const fn named(&'a self, name: &'a str) -> Self {
        Self {
            holder: Some(self),
            step: Step::Named(name),
        }
    }

    /// The JSON pointer to it (RFC 6901).
    pub(super) fn pointer(&self) -> String {
        let mut pointer = self.holder.map(Self::pointer).unwrap_or_default();
        match self.step {
            Step::Root | Step::Named(_) => {}
            Step::Key(name) => {
                pointer.push('/');
                pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
            }
            Step::Element(index) => pointer.push_str(&format!("/{index}")),
        }
        pointer
    }

    /// As people read it, without quotes.
    fn read(&self) -> String {
        let before = self.holder.map(Self::read).unwrap_or_default();
        match self.step {
            Step::Root => before,
            Step::Named(name) => shortened(name, MAX_NAME),
            Step::Key(name) if before.is_empty() => short(name),
            Step::Key(name) => format!("{before}.{}", short(name)),
            Step::Element(index) => format!("{before}[{index}]"),
        }
    }
}

impl Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.step {
            Step::Root => f.write_str("the payload"),
            _ => write!(f, "`{}`", self.read()),
        }
    }
}

/// The longest name of a place, in characters.
const MAX_NAME: usize = 200;

/// A text that fits into a line: printable, and shortened.
pub(super) fn short(text: &str) -> String {
    shortened(text, 60)
}

fn shortened(text: &str, most: usize) -> String {
    let mut shown: String = text.chars().take(most).flat_map(char::escape_debug).collect();
    if text.chars().nth(most).is_some() {
        shown.push('…');
    }
    shown
}

/// A value in a few words.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) => format!("\"{}\"", short(text)),
        Value::Array(elements) if elements.is_empty() => "an empty array".to_owned(),
        Value::Array(_) => "an array".to_owned(),
        Value::Object(_) => "a dictionary".to_owned(),
    }
}

/// Names in backquotes, at most a dozen of them: `` `a`, `b` or `c` ``.
pub(super) fn any_of<T: Display>(names: impl IntoIterator<Item = T>) -> String {
    const SHOWN: usize = 12;
    let mut names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    if names.len() > SHOWN {
        let more = names.len() - SHOWN;
        names.truncate(SHOWN);
        names.push(format!("{more} others"));
    }
    match names.split_last() {
        None => String::new(),
        Some((only, [])) => only.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
    }
}

/// `message` with the question whether one of `nearest` was meant.
pub(super) fn or_meant(mut message: String, nearest: &[&str]) -> String {
    if !nearest.is_empty() {
        // Writing to a string does not fail.
        let _ = write!(message, "; did you mean {}?", any_of(nearest));
    }
    message
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn places_are_pointed_at_and_read() {
        let root = Place::root();
        assert_eq!(
            (root.pointer(), root.to_string()),
            (String::new(), "the payload".into())
        );
        let settings = root.key("Settings");
        let apps = settings.key("a/b~");
        let third = apps.element(2);
        let name = third.key("Na\nme");
        assert_eq!(name.pointer(), "/Settings/a~1b~0/2/Na\nme");
        assert_eq!(name.to_string(), "`Settings.a/b~[2].Na\\nme`");
        let other = third.named("./DevInfo/DevId\n");
        assert_eq!(
            (other.pointer(), other.to_string()),
            (third.pointer(), "`./DevInfo/DevId\\n`".into())
        );
        let payload = json!({"Settings": {"a/b~": [0, 1, {"Na\nme": "here"}]}});
        assert_eq!(payload.pointer(&name.pointer()), Some(&json!("here")));
    }

    #[test]
    fn long_texts_are_shortened() {
        assert_eq!(short(&"é".repeat(1000)).chars().count(), 61);
        assert_eq!(shown(&json!("a\"b")), "\"a\\\"b\"");
        assert_eq!(any_of(["a", "b", "c"]), "`a`, `b` or `c`");
        assert!(any_of(0..100).ends_with("or 88 others"));
        assert_eq!(or_meant("no".into(), &["a"]), "no; did you mean `a`?");
        assert_eq!(or_meant("no".into(), &[]), "no");
    }
}
