//! Why a predicate comes to what it does.

use std::collections::BTreeSet;
use std::fmt::{self, Write};
use std::ops::Range;

use serde::Serialize;

use crate::evaluate::{Absent, Cause, Evaluation};
use crate::fact::Facts;
use crate::formula::{Form, Formula};
use crate::predicate::Predicate;
use crate::shown::{Shown, TermValue, values};
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

impl Predicate {
    /// What [`evaluate_with_unknown`](Predicate::evaluate_with_unknown) gives, and why. All parts are
    /// explained, also those that did not decide; together they may take [`MAX_STEPS`](crate::MAX_STEPS).
    #[must_use]
    pub fn explain(&self, facts: &dyn Facts) -> Explanation {
        let mut evaluation = Evaluation::new(facts, Absent::Unknown);
        let mut showing = Evaluation::new(facts, Absent::Unknown);
        let mut explanation = Explanation::new(&self.formula, &mut evaluation, &mut showing);
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

    /// `showing` finds the values to show, at its own expense.
    fn new<'a>(
        formula: &'a Formula,
        evaluation: &mut Evaluation<'a>,
        showing: &mut Evaluation<'a>,
    ) -> Explanation {
        let parts: Vec<_> = formula
            .parts()
            .iter()
            .map(|part| Explanation::new(part, evaluation, showing))
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
                terms = values(comparison, showing);
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
