//! YAML as trees whose branches may lead back: Apple's schema names lists of keys by anchors, and uses some of them
//! within themselves.

use std::collections::{BTreeMap, HashMap};

use saphyr_parser::{Event, Parser, ScalarStyle, StrInput};
use serde_json::Number;

use super::MAX_VALUES;
use crate::MAX_DEPTH;

/// Keys alternate between a list and one of its mappings; what they say lies a few levels below.
const MAX_NESTED: usize = 2 * MAX_DEPTH + 6;

/// A document's values, each of which is read once, however often aliases name it.
pub(super) struct Document {
    /// The values in the order of their beginnings, so the first is the root.
    nodes: Vec<Node>,
}

enum Node {
    Scalar { text: String, plain: bool },
    List(Vec<usize>),
    Mapping(BTreeMap<String, usize>),
}

/// A value in a document.
#[derive(Clone, Copy)]
pub(super) struct Value<'d> {
    document: &'d Document,
    at: usize,
}

impl Document {
    /// Reads `text`, which has to be one YAML document whose keys are scalars and all different. Tags change nothing.
    /// The error is what is wrong, with the line.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        Reader {
            parser: Parser::new_from_str(text),
            nodes: Vec::new(),
            anchors: HashMap::new(),
            open: Vec::new(),
        }
        .read()
    }

    pub(super) fn root(&self) -> Value<'_> {
        Value {
            document: self,
            at: 0,
        }
    }
}

struct Reader<'a> {
    parser: Parser<'a, StrInput<'a>>,
    nodes: Vec<Node>,
    /// By the parser's numbers, which begin at one.
    anchors: HashMap<usize, usize>,
    /// The lists and mappings that have not ended, outermost first.
    open: Vec<Open>,
}

struct Open {
    node: usize,
    /// In a mapping, the key whose value comes next.
    key: Option<String>,
}

impl Reader<'_> {
    fn read(mut self) -> Result<Document, String> {
        let mut documents = 0;
        while let Some(event) = self.parser.next_event() {
            let (event, span) = event
                .map_err(|error| format!("line {}: not YAML: {}", error.marker().line(), error.info()))?;
            documents += usize::from(matches!(event, Event::DocumentStart(_)));
            self.take(event)
                .map_err(|message| format!("line {}: {message}", span.start.line()))?;
        }
        if documents == 1 && !self.nodes.is_empty() {
            Ok(Document { nodes: self.nodes })
        } else {
            Err("not one YAML document".to_owned())
        }
    }

    fn take(&mut self, event: Event<'_>) -> Result<(), &'static str> {
        match event {
            Event::Scalar(text, style, anchor, _) => {
                let plain = style == ScalarStyle::Plain;
                if let Some(key) = self.missing_key() {
                    if plain && text == "<<" {
                        return Err("merge keys are not taken");
                    }
                    *key = Some(text.into_owned());
                    return Ok(());
                }
                let text = text.into_owned();
                self.add(Node::Scalar { text, plain }, anchor)?;
            }
            Event::SequenceStart(anchor, _) => self.begin(Node::List(Vec::new()), anchor)?,
            Event::MappingStart(anchor, _) => self.begin(Node::Mapping(BTreeMap::new()), anchor)?,
            Event::SequenceEnd | Event::MappingEnd => drop(self.open.pop()),
            Event::Alias(anchor) => {
                let node = *self.anchors.get(&anchor).ok_or("an alias without an anchor")?;
                self.put(node)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn begin(&mut self, node: Node, anchor: usize) -> Result<(), &'static str> {
        if self.open.len() == MAX_NESTED {
            return Err("nested too deep");
        }
        let node = self.add(node, anchor)?;
        self.open.push(Open { node, key: None });
        Ok(())
    }

    fn add(&mut self, node: Node, anchor: usize) -> Result<usize, &'static str> {
        if self.nodes.len() == MAX_VALUES {
            return Err("too many values");
        }
        let at = self.nodes.len();
        self.nodes.push(node);
        if anchor != 0 {
            self.anchors.insert(anchor, at);
        }
        self.put(at)?;
        Ok(at)
    }

    /// The place of the key, where one has to come next.
    fn missing_key(&mut self) -> Option<&mut Option<String>> {
        let open = self.open.last_mut()?;
        let is_mapping = matches!(self.nodes.get(open.node), Some(Node::Mapping(_)));
        (is_mapping && open.key.is_none()).then_some(&mut open.key)
    }

    /// Puts a value into what is open.
    fn put(&mut self, value: usize) -> Result<(), &'static str> {
        let Some(open) = self.open.last_mut() else {
            return Ok(());
        };
        match self.nodes.get_mut(open.node) {
            Some(Node::List(values)) => values.push(value),
            Some(Node::Mapping(members)) => {
                let key = open.key.take().ok_or("a key that is no scalar")?;
                if members.insert(key, value).is_some() {
                    return Err("a key is there twice");
                }
            }
            _ => {}
        }
        Ok(())
    }
}

impl<'d> Value<'d> {
    /// What tells it from the document's others.
    pub(super) fn id(self) -> usize {
        self.at
    }

    fn node(self) -> Option<&'d Node> {
        self.document.nodes.get(self.at)
    }

    fn at(self, at: usize) -> Self {
        Self { at, ..self }
    }

    /// The value of a mapping's key.
    pub(super) fn get(self, key: &str) -> Option<Self> {
        match self.node()? {
            Node::Mapping(members) => members.get(key).map(|&at| self.at(at)),
            _ => None,
        }
    }

    pub(super) fn members(self) -> Option<impl Iterator<Item = (&'d str, Self)>> {
        match self.node()? {
            Node::Mapping(members) => Some(members.iter().map(move |(key, &at)| (key.as_str(), self.at(at)))),
            _ => None,
        }
    }

    pub(super) fn list(self) -> Option<impl ExactSizeIterator<Item = Self>> {
        match self.node()? {
            Node::List(values) => Some(values.iter().map(move |&at| self.at(at))),
            _ => None,
        }
    }

    /// The text of a scalar, as it stands there; `None` for null.
    pub(super) fn text(self) -> Option<&'d str> {
        match self.node()? {
            Node::Scalar { text, plain } if !(*plain && is_null(text)) => Some(text),
            _ => None,
        }
    }

    fn plain(self) -> Option<&'d str> {
        match self.node()? {
            Node::Scalar { text, plain: true } => Some(text),
            _ => None,
        }
    }

    pub(super) fn boolean(self) -> Option<bool> {
        match self.plain()? {
            "true" | "True" | "TRUE" => Some(true),
            "false" | "False" | "FALSE" => Some(false),
            _ => None,
        }
    }

    pub(super) fn integer(self) -> Option<i64> {
        let text = self.plain()?;
        for (prefix, radix) in [("0x", 16), ("0o", 8)] {
            if let Some(digits) = text.strip_prefix(prefix) {
                let is_signed = digits.starts_with(['+', '-']);
                return i64::from_str_radix(digits, radix).ok().filter(|_| !is_signed);
            }
        }
        text.parse().ok()
    }

    /// A number that is finite.
    pub(super) fn number(self) -> Option<Number> {
        let real = || self.plain()?.parse().ok().and_then(Number::from_f64);
        self.integer().map(Number::from).or_else(real)
    }
}

fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}
