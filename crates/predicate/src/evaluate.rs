//! What a predicate comes to: with Unknown for the server, with nil as on the device.

use crate::datum::Datum;
use crate::fact::Facts;
use crate::formula::{Comparison, Form, Formula};
use crate::predicate::Predicate;
use crate::truth::Truth;

/// How many steps an evaluation may take. A part of the predicate is a step, and so are an element that is looked at
/// and each stretch of 64 bytes of a string (16 to fold it, 4 to match a pattern). A SUBQUERY of ten parts over a list of
/// 1000 elements fits 400 times; all steps take about a tenth of a second.
pub const MAX_STEPS: u32 = 4_000_000;

/// A device cannot evaluate this comparison and would report `Error.PredicateFailed`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{comparison}: {cause}")]
pub struct EvaluationError {
    /// The comparison in canonical form; the innermost one where they nest.
    pub comparison: String,
    /// What is wrong with its values.
    pub cause: Cause,
}

/// Why a comparison has no outcome although its facts are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// Two values of kinds that no order is between. Foundation raises an exception.
    #[error("{0} and {1} have no order")]
    NoOrder(&'static str, &'static str),
    /// A value of a kind that this part of the language cannot take.
    #[error("{operation} cannot take {kind}")]
    Unfit {
        /// The operator, or what else was to be done.
        operation: &'static str,
        /// The kind of value, with its article.
        kind: &'static str,
    },
    /// A value that there is no result for, such as a zero to divide by.
    #[error("{0}")]
    Impossible(&'static str),
    /// What devices may do in more than one way, or not at all.
    #[error("{0} may not be what devices have")]
    Unconfirmed(&'static str),
    /// More than [`MAX_STEPS`] steps.
    #[error("this takes more than {MAX_STEPS} steps")]
    TooManySteps,
}

impl Predicate {
    /// The outcome for a server: absent facts are unknown, and so is a comparison that has no outcome, and the whole
    /// when it takes more than [`MAX_STEPS`]. Within these steps, more facts change nothing that was true or false.
    #[must_use]
    pub fn evaluate_with_unknown(&self, facts: &dyn Facts) -> Truth {
        Evaluation::new(facts, Absent::Unknown)
            .formula(&self.formula, None)
            .unwrap_or(Truth::Unknown)
    }

    /// The outcome on a device: absent facts are nil. As in Foundation, the parts of AND and OR are looked
    /// at from left to right until one decides.
    ///
    /// # Errors
    /// When a comparison that matters has no outcome.
    pub fn evaluate_with_nil(&self, facts: &dyn Facts) -> Result<bool, EvaluationError> {
        let mut evaluation = Evaluation::new(facts, Absent::Nil);
        match evaluation.formula(&self.formula, None) {
            Ok(truth) => Ok(truth == Truth::True),
            Err(cause) => Err(EvaluationError {
                comparison: evaluation.failed.map(ToString::to_string).unwrap_or_default(),
                cause,
            }),
        }
    }
}

/// What an absent fact is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Absent {
    Unknown,
    Nil,
}

/// One evaluation of a predicate, with what is left of its budget.
pub(crate) struct Evaluation<'a> {
    pub(crate) facts: &'a dyn Facts,
    pub(crate) absent: Absent,
    steps: u32,
    /// The innermost comparison that ended the evaluation.
    failed: Option<&'a Comparison>,
    /// Why the first value or comparison that had no outcome had none.
    pub(crate) cause: Option<Cause>,
}

/// What can be unknown.
pub(crate) trait Undecided {
    const UNKNOWN: Self;
}

impl Undecided for Truth {
    const UNKNOWN: Truth = Truth::Unknown;
}

impl Undecided for Datum<'_> {
    const UNKNOWN: Self = Datum::Unknown;
}

/// The variables of the SUBQUERYs around a part, innermost first.
pub(crate) struct Scope<'a, 's> {
    pub(crate) variable: &'a str,
    pub(crate) element: Datum<'a>,
    pub(crate) outer: Option<&'s Scope<'a, 's>>,
}

impl<'a> Evaluation<'a> {
    pub(crate) fn new(facts: &'a dyn Facts, absent: Absent) -> Evaluation<'a> {
        Evaluation {
            facts,
            absent,
            steps: MAX_STEPS,
            failed: None,
            cause: None,
        }
    }

    /// Fails only on a device, or for too many steps.
    pub(crate) fn formula(
        &mut self,
        formula: &'a Formula,
        scope: Option<&Scope<'a, '_>>,
    ) -> Result<Truth, Cause> {
        match &formula.form {
            Form::Constant(value) => Ok((*value).into()),
            Form::Comparison(comparison) => {
                let outcome = self.comparison(comparison, scope);
                let outcome = self.settled(outcome);
                if outcome.is_err() {
                    self.failed.get_or_insert(comparison);
                }
                outcome
            }
            Form::Not(part) => Ok(!self.formula(part, scope)?),
            Form::And(parts) => {
                let mut truth = Truth::True;
                for part in parts {
                    truth = truth.min(self.formula(part, scope)?);
                    if truth == Truth::False {
                        break;
                    }
                }
                Ok(truth)
            }
            Form::Or(parts) => {
                let mut truth = Truth::False;
                for part in parts {
                    truth = truth.max(self.formula(part, scope)?);
                    if truth == Truth::True {
                        break;
                    }
                }
                Ok(truth)
            }
        }
    }

    /// What has no outcome is unknown, except on a device. Each value and comparison passes here before it is joined
    /// with others, as by ANY: else a fact that arrives late could undo what the others decided.
    pub(crate) fn settled<T: Undecided>(&mut self, outcome: Result<T, Cause>) -> Result<T, Cause> {
        match outcome {
            Err(cause) if cause != Cause::TooManySteps && self.absent == Absent::Unknown => {
                self.cause.get_or_insert(cause);
                Ok(T::UNKNOWN)
            }
            outcome => outcome,
        }
    }

    /// Takes steps off the budget.
    pub(crate) fn spend(&mut self, steps: usize) -> Result<(), Cause> {
        let steps = u32::try_from(steps).unwrap_or(u32::MAX);
        self.steps = self.steps.checked_sub(steps).ok_or(Cause::TooManySteps)?;
        Ok(())
    }
}
