//! A tiny reader of YAML, of its own so that a mistake in the product's shows.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use saphyr_parser::{Event, Parser, StrInput};

/// A value; those with anchors are shared, so that some hold themselves.
pub(crate) type Yaml = Rc<RefCell<Node>>;

#[derive(Default)]
pub(crate) enum Node {
    #[default]
    Unread,
    Scalar(String),
    List(Vec<Yaml>),
    Mapping(Vec<(String, Yaml)>),
}

pub(crate) fn read(text: &str) -> Yaml {
    let mut parser = Parser::new_from_str(text);
    let mut anchors = HashMap::new();
    loop {
        if let Event::DocumentStart(_) = next(&mut parser) {
            let first = next(&mut parser);
            return value(&mut parser, first, &mut anchors);
        }
    }
}

fn next<'a>(parser: &mut Parser<'a, StrInput<'a>>) -> Event<'a> {
    parser.next_event().unwrap().unwrap().0
}

fn value<'a>(
    parser: &mut Parser<'a, StrInput<'a>>,
    event: Event<'a>,
    anchors: &mut HashMap<usize, Yaml>,
) -> Yaml {
    let made = Yaml::default();
    let anchor = match &event {
        Event::Alias(anchor) => return Rc::clone(&anchors[anchor]),
        Event::Scalar(_, _, anchor, _) | Event::SequenceStart(anchor, _) | Event::MappingStart(anchor, _) => {
            *anchor
        }
        other => panic!("{other:?}"),
    };
    anchors.insert(anchor, Rc::clone(&made));
    let node = match event {
        Event::Scalar(text, ..) => Node::Scalar(text.into_owned()),
        Event::SequenceStart(..) => {
            let mut list = Vec::new();
            loop {
                match next(parser) {
                    Event::SequenceEnd => break Node::List(list),
                    event => list.push(value(parser, event, anchors)),
                }
            }
        }
        _ => {
            let mut members = Vec::new();
            loop {
                let key = match next(parser) {
                    Event::MappingEnd => break Node::Mapping(members),
                    Event::Scalar(text, ..) => text.into_owned(),
                    other => panic!("{other:?}"),
                };
                let event = next(parser);
                members.push((key, value(parser, event, anchors)));
            }
        }
    };
    *made.borrow_mut() = node;
    made
}

pub(crate) fn members(yaml: &Yaml) -> Vec<(String, Yaml)> {
    match &*yaml.borrow() {
        Node::Mapping(members) => members.clone(),
        _ => Vec::new(),
    }
}

pub(crate) fn get(yaml: &Yaml, key: &str) -> Option<Yaml> {
    let members = members(yaml).into_iter();
    members
        .filter(|(name, _)| name == key)
        .map(|(_, value)| value)
        .next()
}

/// The values of a list that a mapping has; none when it is not there.
pub(crate) fn list(yaml: &Yaml, key: &str) -> Vec<Yaml> {
    get(yaml, key).as_ref().map(values).unwrap_or_default()
}

pub(crate) fn values(list: &Yaml) -> Vec<Yaml> {
    match &*list.borrow() {
        Node::List(values) => values.clone(),
        _ => panic!("no list"),
    }
}

pub(crate) fn scalar(yaml: &Yaml) -> String {
    match &*yaml.borrow() {
        Node::Scalar(text) => text.clone(),
        _ => panic!("no scalar"),
    }
}

/// The text of a scalar that a mapping has.
pub(crate) fn text(yaml: &Yaml, key: &str) -> Option<String> {
    get(yaml, key).map(|value| scalar(&value))
}
