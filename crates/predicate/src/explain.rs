//! Why a predicate comes to what it does.

use std::fmt;

use serde_json::Value;

use crate::compare::{Mismatch, kind};
use crate::evaluate::{Facts, Truth};
use crate::formula::{Comparison, Formula, Predicate, Term};

/// A predicate's outcome with Unknown, and that of each of its parts.
///
/// It displays as an indented list, one part to a line, with the values of its terms below a comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// `AND`, `OR`, `NOT`, or a comparison or constant in canonical form.
    pub text: String,
    /// The outcome of this part.
    pub truth: Truth,
    /// The facts that a comparison uses.
    pub terms: Vec<TermValue>,
    /// Why the values at hand cannot be compared; the outcome is then unknown.
    pub mismatch: Option<Mismatch>,
    /// What is joined or negated.
    pub parts: Vec<Explanation>,
}

/// A `@status(…)` or `@property(…)` with what is known of it.
#[derive(Debug, Clone, PartialEq)]
pub struct TermValue {
    /// The term in canonical form.
    pub term: String,
    /// Its value; `None` when it is missing.
    pub value: Option<Value>,
}

impl Predicate {
    /// What [`evaluate_with_unknown`](Predicate::evaluate_with_unknown) gives, and why. All parts are
    /// explained, also those that did not decide.
    #[must_use]
    pub fn explain(&self, facts: &dyn Facts) -> Explanation {
        Explanation::new(&self.0, facts)
    }
}

impl Explanation {
    fn new(formula: &Formula, facts: &dyn Facts) -> Explanation {
        let (text, parts) = match formula {
            Formula::Constant(_) => (formula.to_string(), &[][..]),
            Formula::Comparison(comparison) => return Explanation::of_comparison(comparison, facts),
            Formula::Not(part) => ("NOT".to_owned(), std::slice::from_ref(&**part)),
            Formula::And(parts) => ("AND".to_owned(), parts.as_slice()),
            Formula::Or(parts) => ("OR".to_owned(), parts.as_slice()),
        };
        let parts = parts.iter().map(|part| Explanation::new(part, facts)).collect();
        Explanation {
            text,
            truth: formula.with_unknown(facts),
            terms: Vec::new(),
            mismatch: None,
            parts,
        }
    }

    fn of_comparison(comparison: &Comparison, facts: &dyn Facts) -> Explanation {
        let (truth, mismatch) = match comparison.with_unknown(facts) {
            Ok(truth) => (truth, None),
            Err(mismatch) => (Truth::Unknown, Some(mismatch)),
        };
        let terms = [&comparison.left, &comparison.right]
            .into_iter()
            .filter(|term| !matches!(term, Term::Literal(_)))
            .map(|term| TermValue {
                term: term.to_string(),
                value: term.value(facts).cloned(),
            })
            .collect();
        Explanation {
            text: comparison.to_string(),
            truth,
            terms,
            mismatch,
            parts: Vec::new(),
        }
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, indent: usize) -> fmt::Result {
        write!(f, "{:indent$}{}: {}", "", self.truth, self.text)?;
        let indent = indent + 2;
        for TermValue { term, value } in &self.terms {
            write!(f, "\n{:indent$}{term} is ", "")?;
            match value {
                None => f.write_str("missing")?,
                // A list of apps would bury the explanation.
                Some(value @ (Value::Null | Value::Array(_) | Value::Object(_))) => {
                    f.write_str(kind(value))?
                }
                Some(value) => write!(f, "{value}")?,
            }
        }
        if let Some(mismatch) = &self.mismatch {
            write!(f, "\n{:indent$}{mismatch}", "")?;
        }
        for part in &self.parts {
            f.write_str("\n")?;
            part.write(f, indent)?;
        }
        Ok(())
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, 0)
    }
}
