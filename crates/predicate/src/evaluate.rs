//! What a predicate comes to: with Unknown for the server, with nil as on the device.

use std::fmt;
use std::ops::Not;

use serde_json::Value;

use crate::compare::{Mismatch, compare};
use crate::formula::{Comparison, Formula, Predicate, Term};

/// What is known of a device.
///
/// `None` is an absent fact: one that the server has not been told, or that the device does not have. A
/// reported null is a fact.
pub trait Facts {
    /// The value of the status item with this dotted name, as in `device.model.family`.
    fn status(&self, name: &str) -> Option<&Value>;
    /// The value of the management property with this key. A dot in the key has no meaning of its own.
    fn property(&self, key: &str) -> Option<&Value>;
}

/// An outcome with Unknown. In this order Kleene's AND is the least of the outcomes, his OR the greatest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Truth {
    /// False, whatever the missing facts may be.
    False,
    /// The facts at hand do not decide.
    Unknown,
    /// True, whatever the missing facts may be.
    True,
}

/// A device cannot evaluate this comparison and would report `Error.PredicateFailed`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{comparison}: {mismatch}")]
pub struct EvaluationError {
    /// The comparison in canonical form.
    pub comparison: String,
    /// What is wrong with its values.
    pub mismatch: Mismatch,
}

impl Predicate {
    /// The outcome for a server: absent facts are unknown, and so is an order of values that have none.
    #[must_use]
    pub fn evaluate_with_unknown(&self, facts: &dyn Facts) -> Truth {
        self.0.with_unknown(facts)
    }

    /// The outcome on a device: absent facts are nil. As in Foundation, the parts of AND and OR are looked
    /// at from left to right until one decides.
    ///
    /// # Errors
    /// When values are put in an order that have none.
    pub fn evaluate_with_nil(&self, facts: &dyn Facts) -> Result<bool, EvaluationError> {
        self.0.with_nil(facts)
    }
}

impl Formula {
    pub(crate) fn with_unknown(&self, facts: &dyn Facts) -> Truth {
        match self {
            Formula::Constant(value) => (*value).into(),
            Formula::Comparison(comparison) => comparison.with_unknown(facts).unwrap_or(Truth::Unknown),
            Formula::Not(part) => !part.with_unknown(facts),
            Formula::And(parts) => parts
                .iter()
                .map(|part| part.with_unknown(facts))
                .min()
                .unwrap_or(Truth::True),
            Formula::Or(parts) => parts
                .iter()
                .map(|part| part.with_unknown(facts))
                .max()
                .unwrap_or(Truth::False),
        }
    }

    fn with_nil(&self, facts: &dyn Facts) -> Result<bool, EvaluationError> {
        match self {
            Formula::Constant(value) => Ok(*value),
            Formula::Comparison(comparison) => comparison.with_nil(facts),
            Formula::Not(part) => part.with_nil(facts).map(bool::not),
            Formula::And(parts) => {
                for part in parts {
                    if !part.with_nil(facts)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Formula::Or(parts) => {
                for part in parts {
                    if part.with_nil(facts)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
        }
    }
}

impl Comparison {
    /// The mismatch is for the explanation: the outcome is then Unknown.
    pub(crate) fn with_unknown(&self, facts: &dyn Facts) -> Result<Truth, Mismatch> {
        match (self.left.value(facts), self.right.value(facts)) {
            (Some(left), Some(right)) => compare(left, self.operator, right).map(Truth::from),
            _ => Ok(Truth::Unknown),
        }
    }

    fn with_nil(&self, facts: &dyn Facts) -> Result<bool, EvaluationError> {
        static NIL: Value = Value::Null;
        let (left, right) = (
            self.left.value(facts).unwrap_or(&NIL),
            self.right.value(facts).unwrap_or(&NIL),
        );
        compare(left, self.operator, right).map_err(|mismatch| EvaluationError {
            comparison: self.to_string(),
            mismatch,
        })
    }
}

impl Term {
    pub(crate) fn value<'a>(&'a self, facts: &'a dyn Facts) -> Option<&'a Value> {
        match self {
            Term::Literal(value) => Some(value),
            Term::Status(name) => facts.status(name),
            Term::Property(key) => facts.property(key),
        }
    }
}

impl From<bool> for Truth {
    fn from(value: bool) -> Truth {
        if value { Truth::True } else { Truth::False }
    }
}

impl Not for Truth {
    type Output = Truth;

    fn not(self) -> Truth {
        match self {
            Truth::False => Truth::True,
            Truth::Unknown => Truth::Unknown,
            Truth::True => Truth::False,
        }
    }
}

impl fmt::Display for Truth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Truth::False => "false",
            Truth::Unknown => "unknown",
            Truth::True => "true",
        })
    }
}
