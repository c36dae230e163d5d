//! Collection operators: one value made of the elements of a list.

use std::cmp::Ordering;

use crate::datum::{Datum, Number};
use crate::evaluate::{Cause, Evaluation, Scope};
use crate::formula::Manner;
use crate::term::{Arithmetic, Collect, Step};
use crate::truth::Truth;
use crate::value::calculate;

impl<'a> Evaluation<'a> {
    /// `value.@operator.steps`: the operator takes what `steps` make of each element. Unknown while any is.
    pub(crate) fn collected(
        &mut self,
        operator: Collect,
        value: Datum<'a>,
        steps: &'a [Step],
        scope: Option<&Scope<'a, '_>>,
    ) -> Result<Datum<'a>, Cause> {
        if matches!(value, Datum::Unknown | Datum::Nil) {
            return Ok(value);
        }
        let unfit = Cause::Unfit {
            operation: "a collection operator",
            kind: value.kind(),
        };
        let mut values = Vec::new();
        for element in value.elements().ok_or(unfit)? {
            values.push(self.path(element, steps, scope)?);
        }
        if operator == Collect::UnionOfArrays {
            values = flattened(values)?;
        }
        self.spend(values.len())?;
        if values.iter().any(|value| matches!(value, Datum::Unknown)) {
            return Ok(Datum::Unknown);
        }
        match operator {
            Collect::Sum => sum(&values),
            Collect::Average => average(&values),
            Collect::Minimum => self.extreme(values, true),
            Collect::Maximum => self.extreme(values, false),
            Collect::DistinctUnionOfObjects => self.distinct(values),
            // The others do not come here.
            _ => Ok(values.into_iter().collect()),
        }
    }

    /// The least or the greatest value that is not nil.
    fn extreme(&mut self, values: Vec<Datum<'a>>, least: bool) -> Result<Datum<'a>, Cause> {
        let mut extreme = Datum::Nil;
        for value in values {
            if matches!(value, Datum::Nil) {
                continue;
            }
            let holds = if least { Ordering::is_lt } else { Ordering::is_gt };
            if matches!(extreme, Datum::Nil)
                || self.ordered(Manner::default(), &value, &extreme, holds)? == Truth::True
            {
                extreme = value;
            }
        }
        Ok(extreme)
    }

    fn distinct(&mut self, values: Vec<Datum<'a>>) -> Result<Datum<'a>, Cause> {
        let mut distinct: Vec<Datum<'a>> = Vec::new();
        for value in values {
            let mut known = false;
            for other in &distinct {
                if self.equal(Manner::default(), &value, other)? == Truth::True {
                    known = true;
                    break;
                }
            }
            if !known {
                distinct.push(value);
            }
        }
        Ok(distinct.into_iter().collect())
    }
}

fn flattened(values: Vec<Datum<'_>>) -> Result<Vec<Datum<'_>>, Cause> {
    let mut all = Vec::new();
    for value in values {
        let unfit = Cause::Unfit {
            operation: "@unionOfArrays",
            kind: value.kind(),
        };
        match value {
            Datum::Unknown => all.push(Datum::Unknown),
            value => all.extend(value.elements().ok_or(unfit)?),
        }
    }
    Ok(all)
}

/// Nil counts as zero, as in key-value coding.
fn sum<'a>(values: &[Datum<'a>]) -> Result<Datum<'a>, Cause> {
    values
        .iter()
        .filter(|value| !matches!(value, Datum::Nil))
        .try_fold(Datum::Number(Number::Integer(0)), |sum, value| {
            calculate(Arithmetic::Plus, &sum, value)
        })
}

#[allow(clippy::cast_precision_loss)]
fn average<'a>(values: &[Datum<'a>]) -> Result<Datum<'a>, Cause> {
    match sum(values)?.number() {
        Some(sum) if !values.is_empty() => {
            Ok(Datum::Number(Number::Float(sum.float() / values.len() as f64)))
        }
        _ => Err(Cause::Impossible("an average of nothing")),
    }
}
