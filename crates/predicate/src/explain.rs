//! Why a predicate comes to what it does.

use std::collections::BTreeSet;
use std::fmt::{self, Display, Write};
use std::ops::Range;

use serde::Serialize;
use serde_json::Value;

use crate::evaluate::{Absent, Cause, Evaluation};
use crate::fact::Facts;
use crate::formula::{Comparison, Form, Formula};
use crate::predicate::Predicate;
use crate::print::write_string;
use crate::term::TermKind;
use crate::truth::Truth;

/// A predicate's outcome with Unknown, and that of each of its parts.
///
/// It displays as an indented list, one part to a line, with a mark before each that decided and the values of its
/// terms below a comparison. It serializes with the same content.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// How the parts make the outcome.
    pub kind: Part,
    /// This part in canonical form.
    pub text: String,
    /// Its bytes in the author's text.
    pub span: Range<usize>,
    /// What it comes to.
    pub outcome: Truth,
    /// Whether the outcome of the whole rests on this part: had it another one, so could the whole.
    pub decides: bool,
    /// What a comparison compares.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub terms: Vec<TermValue>,
    /// Why a comparison has no outcome although its facts are there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// What is joined or negated.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Explanation>,
}

/// What a part of a predicate is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// `AND`: true when all parts are.
    And,
    /// `OR`: true when any part is.
    Or,
    /// `NOT`: true when its one part is false.
    Not,
    /// Two values and an operator.
    Comparison,
    /// `TRUEPREDICATE` or `FALSEPREDICATE`.
    Constant,
}

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

impl Predicate {
    /// What [`evaluate_with_unknown`](Predicate::evaluate_with_unknown) gives, and why. All parts are
    /// explained, also those that did not decide; together they may take [`MAX_STEPS`](crate::MAX_STEPS).
    #[must_use]
    pub fn explain(&self, facts: &dyn Facts) -> Explanation {
        let mut evaluation = Evaluation::new(facts, Absent::Unknown);
        let mut explanation = Explanation::new(&self.formula, &mut evaluation);
        explanation.decide();
        explanation
    }
}

impl Explanation {
    /// The facts for want of which the outcome is unknown, in canonical form.
    #[must_use]
    pub fn missing(&self) -> BTreeSet<&str> {
        let mut missing = BTreeSet::new();
        self.collect_missing(&mut missing);
        missing
    }

    fn collect_missing<'a>(&'a self, missing: &mut BTreeSet<&'a str>) {
        if self.decides && self.outcome == Truth::Unknown {
            let terms = self.terms.iter().filter(|term| term.value == Shown::Missing);
            missing.extend(terms.map(|term| term.term.as_str()));
            self.parts.iter().for_each(|part| part.collect_missing(missing));
        }
    }

    fn new<'a>(formula: &'a Formula, evaluation: &mut Evaluation<'a>) -> Explanation {
        let parts: Vec<_> = formula
            .parts()
            .iter()
            .map(|part| Explanation::new(part, evaluation))
            .collect();
        let outcomes = parts.iter().map(|part| part.outcome);
        let (mut terms, mut cause) = (Vec::new(), None);
        let (kind, outcome) = match &formula.form {
            Form::Constant(value) => (Part::Constant, (*value).into()),
            Form::Not(_) => (
                Part::Not,
                outcomes.map(|outcome| !outcome).min().unwrap_or(Truth::Unknown),
            ),
            Form::And(_) => (Part::And, outcomes.min().unwrap_or(Truth::True)),
            Form::Or(_) => (Part::Or, outcomes.max().unwrap_or(Truth::False)),
            Form::Comparison(comparison) => {
                terms = values(comparison, evaluation);
                evaluation.cause = None;
                let outcome = evaluation.formula(formula, None);
                cause = outcome.err().or(evaluation.cause);
                (Part::Comparison, outcome.unwrap_or(Truth::Unknown))
            }
        };
        Explanation {
            kind,
            text: formula.to_string(),
            span: formula.span.range(),
            outcome,
            decides: false,
            terms,
            cause: cause
                .filter(|_| outcome == Truth::Unknown)
                .map(|cause: Cause| cause.to_string()),
            parts,
        }
    }

    /// Marks this part and those that it rests on.
    fn decide(&mut self) {
        self.decides = true;
        let (kind, outcome) = (self.kind, self.outcome);
        for part in &mut self.parts {
            if kind == Part::Not || part.outcome == outcome {
                part.decide();
            }
        }
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
        let mark = if self.decides { '▸' } else { ' ' };
        let indent = 2 * depth;
        write!(f, "{:indent$}{mark} {}: ", "", self.outcome)?;
        match self.kind {
            Part::And => f.write_str("all of these")?,
            Part::Or => f.write_str("at least one of these")?,
            Part::Not => f.write_str("not this")?,
            Part::Comparison | Part::Constant => f.write_str(&self.text)?,
        }
        for term in &self.terms {
            write!(f, "\n{:indent$}      {term}", "")?;
        }
        if let Some(cause) = &self.cause {
            write!(f, "\n{:indent$}      {cause}", "")?;
        }
        for part in &self.parts {
            f.write_char('\n')?;
            part.write(f, depth + 1)?;
        }
        Ok(())
    }
}

/// The facts of a comparison, each once, and its outermost SUBQUERYs: what is inside of one differs by element.
fn values<'a>(comparison: &'a Comparison, evaluation: &mut Evaluation<'a>) -> Vec<TermValue> {
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
    values
}

impl Shown {
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
            Shown::Dictionary { keys } => write!(f, "is a dictionary of {keys}")?,
            Shown::Found {
                found: Some(found),
                of: Some(of),
            } => write!(f, "finds {found} of {of}")?,
            Shown::Found { of: Some(of), .. } => write!(f, "finds an unknown number of {of}")?,
            Shown::Found { .. } => f.write_str("has no list to search")?,
        }
        match self.time.map(jiff::Timestamp::from_second) {
            Some(Ok(time)) => write!(f, " (since {time})"),
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

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, 0)?;
        let missing = self.missing();
        if !missing.is_empty() {
            let missing = missing.into_iter().collect::<Vec<_>>().join(", ");
            write!(f, "\nThis cannot be told without {missing}.")?;
        }
        Ok(())
    }
}
