//! Values while a predicate is evaluated. They borrow from the facts and from the predicate.

use std::cmp::Ordering;
use std::rc::Rc;

use serde_json::{Map, Value};

/// What a term comes to.
#[derive(Debug, Clone)]
pub(crate) enum Datum<'a> {
    /// Only when absent facts are unknown.
    Unknown,
    Nil,
    Boolean(bool),
    Number(Number),
    Text(&'a str),
    Dictionary(&'a Map<String, Value>),
    Array(&'a [Value]),
    /// An array that the predicate makes. It is copied often, as the value of a variable.
    List(Rc<[Datum<'a>]>),
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Number {
    Integer(i128),
    /// Always finite.
    Float(f64),
}

impl<'a> From<&'a Value> for Datum<'a> {
    fn from(value: &'a Value) -> Datum<'a> {
        match value {
            Value::Null => Datum::Nil,
            Value::Bool(value) => Datum::Boolean(*value),
            Value::Number(number) => Datum::Number(match (number.as_i128(), number.as_f64()) {
                (Some(integer), _) => Number::Integer(integer),
                (None, float) => Number::Float(float.unwrap_or_default()),
            }),
            Value::String(text) => Datum::Text(text),
            Value::Array(elements) => Datum::Array(elements),
            Value::Object(members) => Datum::Dictionary(members),
        }
    }
}

impl<'a> Datum<'a> {
    /// Its type, with its article.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Datum::Unknown => "an unknown value",
            Datum::Nil => "nil",
            Datum::Boolean(_) => "a Boolean",
            Datum::Number(_) => "a number",
            Datum::Text(_) => "a string",
            Datum::Dictionary(_) => "a dictionary",
            Datum::Array(_) | Datum::List(_) => "a list",
        }
    }

    /// A number, or a Boolean, which is 0 or 1.
    pub(crate) fn number(&self) -> Option<Number> {
        match self {
            Datum::Boolean(value) => Some(Number::Integer((*value).into())),
            Datum::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// How many elements a list has.
    pub(crate) fn length(&self) -> Option<usize> {
        match self {
            Datum::Array(elements) => Some(elements.len()),
            Datum::List(elements) => Some(elements.len()),
            _ => None,
        }
    }

    /// The elements of a list.
    pub(crate) fn elements(self) -> Option<Elements<'a>> {
        match self {
            Datum::Array(elements) => Some(Elements::Array(elements.iter())),
            Datum::List(elements) => Some(Elements::List(elements, 0)),
            _ => None,
        }
    }
}

pub(crate) enum Elements<'a> {
    Array(std::slice::Iter<'a, Value>),
    /// With how many were told.
    List(Rc<[Datum<'a>]>, usize),
}

impl<'a> Iterator for Elements<'a> {
    type Item = Datum<'a>;

    fn next(&mut self) -> Option<Datum<'a>> {
        match self {
            Elements::Array(elements) => elements.next().map(Datum::from),
            Elements::List(elements, told) => {
                let element = elements.get(*told).cloned();
                *told += 1;
                element
            }
        }
    }
}

impl<'a> FromIterator<Datum<'a>> for Datum<'a> {
    fn from_iter<I: IntoIterator<Item = Datum<'a>>>(elements: I) -> Datum<'a> {
        Datum::List(elements.into_iter().collect())
    }
}

impl Number {
    /// By value, exactly, also between integers and floats.
    pub(crate) fn compare(self, other: Number) -> Ordering {
        match (self, other) {
            (Number::Integer(left), Number::Integer(right)) => left.cmp(&right),
            (Number::Float(left), Number::Float(right)) => {
                left.partial_cmp(&right).unwrap_or(Ordering::Equal)
            }
            (Number::Integer(left), Number::Float(right)) => compare_mixed(left, right),
            (Number::Float(left), Number::Integer(right)) => compare_mixed(right, left).reverse(),
        }
    }

    /// The nearest float.
    #[allow(clippy::cast_precision_loss)]
    pub(crate) fn float(self) -> f64 {
        match self {
            Number::Integer(integer) => integer as f64,
            Number::Float(float) => float,
        }
    }
}

/// All integers here are within 65 bits, so a float beyond 2^100 is beyond them.
#[allow(clippy::cast_possible_truncation)]
fn compare_mixed(integer: i128, float: f64) -> Ordering {
    const BEYOND: f64 = (1_u128 << 100) as f64;
    if float >= BEYOND {
        return Ordering::Less;
    }
    if float <= -BEYOND {
        return Ordering::Greater;
    }
    let whole = float.trunc();
    integer
        .cmp(&(whole as i128))
        .then_with(|| whole.partial_cmp(&float).unwrap_or(Ordering::Equal))
}
