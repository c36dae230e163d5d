//! One tree of values for JSON and YAML, in which every value knows its place.

use std::collections::BTreeMap;

use serde_json::Map;

use crate::json;
use crate::problem::{Place, Problems, quoted};
use crate::scalar;
use crate::yaml;

/// The largest JSON or YAML file, in octets.
pub const MAX_OCTETS: usize = 4 << 20;
/// How deep lists and objects may nest.
pub const MAX_DEPTH: usize = 64;
/// How many values a file may have.
pub const MAX_VALUES: usize = 100_000;

/// A value and where it begins.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(crate) value: Value,
}

/// Numbers are such as every JSON reader takes for the same.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    /// Within ±2^53.
    Integer(i64),
    /// Finite, with a fraction.
    Real(f64),
    String(String),
    List(Vec<Node>),
    /// Keys are distinct.
    Object(Vec<Member>),
}

/// One key of an object with its value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Member {
    pub(crate) key: String,
    /// Where the key begins.
    pub(crate) place: Place,
    pub(crate) value: Node,
}

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Syntax {
    Json,
    Yaml,
}

/// Reading cannot go on, for this reason.
#[derive(Debug)]
pub(crate) struct Broken {
    pub(crate) place: Place,
    pub(crate) message: String,
}

/// Reads a file. `None` when nothing useful can be made of it; all that is wrong is among `problems` then.
pub(crate) fn read(bytes: &[u8], syntax: Syntax, file: u32, problems: &mut Problems) -> Option<Node> {
    let start = Place::start_of(file);
    if bytes.len() > MAX_OCTETS {
        problems.error(start, format!("the file is larger than {MAX_OCTETS} octets"));
        return None;
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.strip_prefix('\u{feff}').unwrap_or(text),
        Err(error) => {
            let valid = bytes
                .get(..error.valid_up_to())
                .and_then(|valid| std::str::from_utf8(valid).ok());
            let place = Place::of_octet(file, valid.unwrap_or_default(), error.valid_up_to());
            problems.error(place, "not UTF-8 text");
            return None;
        }
    };
    let mut builder = Builder {
        file,
        values: 0,
        problems,
    };
    let read = match syntax {
        Syntax::Json => json::read(text, &mut builder),
        Syntax::Yaml => yaml::read(text, &mut builder),
    };
    read.map_err(|Broken { place, message }| problems.error(place, message))
        .ok()
}

/// Builds a tree: what both syntaxes have in common.
pub(crate) struct Builder<'p> {
    pub(crate) file: u32,
    values: usize,
    problems: &'p mut Problems,
}

impl Builder<'_> {
    /// To be called before the value that begins at `place`, inside `depth` lists and objects, is read.
    pub(crate) fn begin(&mut self, place: Place, depth: usize) -> Result<(), Broken> {
        self.values += 1;
        if self.values > MAX_VALUES {
            return Err(Broken {
                place,
                message: format!("the file has more than {MAX_VALUES} values"),
            });
        }
        if depth > MAX_DEPTH {
            return Err(Broken {
                place,
                message: format!("nested deeper than {MAX_DEPTH} levels"),
            });
        }
        Ok(())
    }

    /// The value of an unquoted `text`. One that cannot be used becomes null after the complaint.
    pub(crate) fn plain(&mut self, place: Place, text: &str) -> Node {
        let value = match scalar::plain(text) {
            Ok(Value::String(text)) => return self.string(place, text),
            Ok(value) => value,
            Err(unusable) => {
                self.problems.error(place, unusable.message());
                Value::Null
            }
        };
        Node { place, value }
    }

    /// The value of a quoted `text`.
    pub(crate) fn string(&mut self, place: Place, text: String) -> Node {
        if text.contains("${") {
            let message = "`${` begins a variable, and there are no variables yet";
            self.problems.error(place, message);
        }
        Node {
            place,
            value: Value::String(text),
        }
    }

    /// The member whose key and value these are.
    pub(crate) fn member(&mut self, key: Node, value: Node) -> Result<Member, Broken> {
        match key.value {
            Value::String(text) => Ok(Member {
                key: text,
                place: key.place,
                value,
            }),
            _ => Err(Broken {
                place: key.place,
                message: "a key has to be a string; put it in quotes".into(),
            }),
        }
    }

    /// The object of `members`, without those whose key was there before.
    pub(crate) fn object(&mut self, place: Place, members: Vec<Member>) -> Node {
        let mut first = BTreeMap::new();
        let mut twice = Vec::new();
        for member in &members {
            let earlier = *first.entry(member.key.as_str()).or_insert(member.place);
            if earlier != member.place {
                let message = format!(
                    "the key {} is already on line {}",
                    quoted(&member.key),
                    earlier.line
                );
                self.problems.error(member.place, message);
                twice.push(member.place);
            }
        }
        let members = members
            .into_iter()
            .filter(|member| twice.binary_search(&member.place).is_err())
            .collect();
        Node {
            place,
            value: Value::Object(members),
        }
    }

    /// A complaint after which reading goes on.
    pub(crate) fn error(&mut self, place: Place, message: impl Into<String>) {
        self.problems.error(place, message);
    }
}

impl Node {
    pub(crate) fn text(place: Place, text: impl Into<String>) -> Self {
        Self {
            place,
            value: Value::String(text.into()),
        }
    }

    /// An object that no file has; all of it is said to be at `place`.
    pub(crate) fn made<const N: usize>(place: Place, members: [(&str, Node); N]) -> Self {
        let members = members.into_iter().map(|(key, value)| Member {
            key: key.to_owned(),
            place,
            value,
        });
        Self {
            place,
            value: Value::Object(members.collect()),
        }
    }

    /// The kind of value, with its article.
    pub(crate) fn what(&self) -> &'static str {
        match &self.value {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Integer(_) | Value::Real(_) => "a number",
            Value::String(_) => "a string",
            Value::List(_) => "a list",
            Value::Object(_) => "an object",
        }
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn members(&self) -> &[Member] {
        match &self.value {
            Value::Object(members) => members,
            _ => &[],
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.members()
            .iter()
            .find(|member| member.key == key)
            .map(|member| &member.value)
    }

    /// The value to which the JSON pointer (RFC 6901) leads.
    pub(crate) fn pointer(&self, pointer: &str) -> Option<&Node> {
        let mut steps = pointer
            .split('/')
            .map(|step| step.replace("~1", "/").replace("~0", "~"));
        steps.next().filter(String::is_empty)?;
        steps.try_fold(self, |node, step| match &node.value {
            Value::List(items) => items.get(step.parse::<usize>().ok()?),
            _ => node.get(&step),
        })
    }

    /// Where the key stands to whose value the JSON pointer leads.
    pub(crate) fn key_place(&self, pointer: &str) -> Option<Place> {
        let (holder, key) = pointer.rsplit_once('/')?;
        let key = key.replace("~1", "/").replace("~0", "~");
        let members = self.pointer(holder)?.members();
        members
            .iter()
            .find(|member| member.key == key)
            .map(|member| member.place)
    }

    pub(crate) fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(value) => (*value).into(),
            Value::Integer(value) => (*value).into(),
            Value::Real(value) => (*value).into(),
            Value::String(text) => text.as_str().into(),
            Value::List(items) => items.iter().map(Node::to_json).collect(),
            Value::Object(_) => self.to_json_object().into(),
        }
    }

    /// As an object; an empty one when it is something else.
    pub(crate) fn to_json_object(&self) -> Map<String, serde_json::Value> {
        self.members()
            .iter()
            .map(|member| (member.key.clone(), member.value.to_json()))
            .collect()
    }
}
