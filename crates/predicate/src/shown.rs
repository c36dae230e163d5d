//! The values that an explanation shows.

use std::collections::BTreeSet;
use std::fmt::{self, Display, Write};

use serde::Serialize;
use serde_json::Value;

use crate::datum::{Datum, Number};
use crate::evaluate::Evaluation;
use crate::formula::Comparison;
use crate::print::write_string;
use crate::term::{Term, TermKind};

/// A term with what is known of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TermValue {
    /// The term in canonical form.
    pub term: String,
    /// What it stands for.
    #[serde(flatten)]
    pub value: Shown,
    /// When that was learnt, in unix seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<i64>,
}

/// As much of a value as fits an explanation.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "lowercase", tag = "is")]
pub enum Shown {
    /// The fact is absent.
    Missing,
    /// A scalar, or a short list of them.
    Value {
        /// The whole value.
        value: Value,
    },
    /// A list too long to show, or of dictionaries.
    List {
        /// How many elements it has.
        elements: usize,
    },
    /// A dictionary.
    Dictionary {
        /// How many keys it has.
        keys: usize,
    },
    /// The elements of a list that satisfy a SUBQUERY.
    Found {
        /// How many do; none when that is unknown.
        found: Option<usize>,
        /// How many there are; none when that is unknown.
        of: Option<usize>,
    },
}

/// The facts of a comparison, each once, and its outermost SUBQUERYs: what is inside of one differs by element.
pub(crate) fn values<'a>(comparison: &'a Comparison, evaluation: &mut Evaluation<'a>) -> Vec<TermValue> {
    let mut terms = Vec::new();
    for operand in [&comparison.left, &comparison.right] {
        operand.term.for_each_term(&mut |term| terms.push(term));
    }
    let mut facts = BTreeSet::new();
    let mut values = Vec::new();
    let mut inside = 0;
    for term in terms {
        match &term.kind {
            TermKind::Fact(fact) if facts.insert(fact.place) => {
                let value = evaluation.facts.value(fact.place, &fact.fact);
                values.push(TermValue {
                    term: term.to_string(),
                    value: value.map_or(Shown::Missing, Shown::of),
                    time: evaluation.facts.time(fact.place, &fact.fact),
                });
            }
            TermKind::Subquery(subquery) if term.span.range().start >= inside => {
                inside = term.span.range().end;
                let collection = evaluation.term(&subquery.collection, None);
                let found = evaluation.found(subquery, None).unwrap_or_default();
                let value = Shown::Found {
                    found: found.map(|found| found.len()),
                    of: collection.ok().and_then(|collection| collection.length()),
                };
                values.push(TermValue {
                    term: "SUBQUERY".to_owned(),
                    value,
                    time: None,
                });
            }
            _ => {}
        }
    }
    for operand in [&comparison.left, &comparison.right] {
        if !is_made(&operand.term) {
            continue;
        }
        if let Some(value) = evaluation
            .term(&operand.term, None)
            .ok()
            .and_then(Shown::of_datum)
        {
            values.push(TermValue {
                term: operand.term.to_string(),
                value,
                time: None,
            });
        }
    }
    values
}

/// Whether a value is worth showing beside the facts that it is made of. What a SUBQUERY finds is shown anyway.
fn is_made(term: &Term) -> bool {
    match &term.kind {
        TermKind::Path(base, _) => !matches!(base.kind, TermKind::Subquery(_)),
        TermKind::Arithmetic(..) | TermKind::Negative(_) => true,
        _ => false,
    }
}

impl Shown {
    /// None of what is unknown.
    fn of_datum(datum: Datum<'_>) -> Option<Shown> {
        Some(match datum {
            Datum::Unknown => return None,
            Datum::Nil => Shown::Value { value: Value::Null },
            Datum::Boolean(value) => Shown::Value { value: value.into() },
            Datum::Number(Number::Integer(integer)) => Shown::Value {
                value: i64::try_from(integer).map_or(Value::Null, Value::from),
            },
            Datum::Number(Number::Float(float)) => Shown::Value { value: float.into() },
            Datum::Text(text) => Shown::Value { value: text.into() },
            Datum::Dictionary(members) => Shown::Dictionary { keys: members.len() },
            Datum::Array(elements) => Shown::List {
                elements: elements.len(),
            },
            Datum::List(elements) => Shown::List {
                elements: elements.len(),
            },
        })
    }

    fn of(value: &Value) -> Shown {
        const SHORT: usize = 10;
        match value {
            Value::Object(members) => Shown::Dictionary { keys: members.len() },
            Value::Array(elements)
                if elements.len() > SHORT
                    || elements
                        .iter()
                        .any(|element| element.is_array() || element.is_object()) =>
            {
                Shown::List {
                    elements: elements.len(),
                }
            }
            value => Shown::Value { value: value.clone() },
        }
    }
}

impl fmt::Display for TermValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.term)?;
        match &self.value {
            Shown::Missing => f.write_str("is missing")?,
            Shown::Value { value } => {
                f.write_str("is ")?;
                write_value(f, value)?;
            }
            Shown::List { elements } => write!(f, "is a list of {elements}")?,
            Shown::Dictionary { keys } => write!(f, "is a dictionary of {keys} keys")?,
            Shown::Found {
                found: Some(found),
                of: Some(of),
            } => write!(f, "finds {found} of {of}")?,
            Shown::Found { of: Some(of), .. } => write!(f, "finds an unknown number of {of}")?,
            Shown::Found { .. } => f.write_str("has no list to search")?,
        }
        match self.time.map(jiff::Timestamp::from_second) {
            Some(Ok(time)) => write!(f, " (as of {time})"),
            _ => Ok(()),
        }
    }
}

/// As a predicate would have it, and shortened.
fn write_value(f: &mut fmt::Formatter<'_>, value: &Value) -> fmt::Result {
    const SHOWN: usize = 80;
    match value {
        Value::Null => f.write_str("nil"),
        Value::String(text) => match text.char_indices().nth(SHOWN) {
            Some((end, _)) => {
                write_string(f, text.get(..end).unwrap_or_default())?;
                f.write_char('…')
            }
            None => write_string(f, text),
        },
        Value::Array(elements) => {
            f.write_char('{')?;
            for (index, element) in elements.iter().enumerate() {
                f.write_str(if index == 0 { "" } else { ", " })?;
                write_value(f, element)?;
            }
            f.write_char('}')
        }
        value => value.fmt(f),
    }
}
