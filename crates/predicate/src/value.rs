//! What the terms of a predicate come to.

use crate::datum::{Datum, Number};
use crate::evaluate::{Absent, Cause, Evaluation, Scope};
use crate::term::{Arithmetic, Collect, Step, Subquery, Term, TermKind};
use crate::truth::Truth;

impl<'a> Evaluation<'a> {
    /// Fails only on a device, or for too many steps.
    pub(crate) fn term(&mut self, term: &'a Term, scope: Option<&Scope<'a, '_>>) -> Result<Datum<'a>, Cause> {
        self.spend(1)?;
        let value = self.unsettled(term, scope);
        self.settled(value)
    }

    fn unsettled(&mut self, term: &'a Term, scope: Option<&Scope<'a, '_>>) -> Result<Datum<'a>, Cause> {
        match &term.kind {
            TermKind::Literal(value) => Ok(value.into()),
            TermKind::Aggregate(terms) => {
                let elements = terms.iter().map(|term| self.term(term, scope));
                elements.collect()
            }
            TermKind::Fact(term) => Ok(match (self.facts.value(term.place, &term.fact), self.absent) {
                (Some(value), _) => value.into(),
                (None, Absent::Unknown) => Datum::Unknown,
                (None, Absent::Nil) => Datum::Nil,
            }),
            TermKind::Bare(_) => Err(Cause::Unconfirmed("the object of a name without a term")),
            TermKind::Variable(name) => variable(name, scope),
            TermKind::Negative(term) => match self.term(term, scope)? {
                Datum::Unknown => Ok(Datum::Unknown),
                Datum::Nil => Ok(Datum::Nil),
                value => negative(&value),
            },
            TermKind::Arithmetic(first, rest) => {
                let mut value = self.term(first, scope)?;
                for (operator, term) in rest {
                    let operand = self.term(term, scope)?;
                    value = calculate(*operator, &value, &operand)?;
                }
                Ok(value)
            }
            TermKind::Path(base, steps) => {
                let base = self.term(base, scope)?;
                self.path(base, steps, scope)
            }
            TermKind::Subquery(subquery) => Ok(match self.found(subquery, scope)? {
                Some(found) => found.into_iter().collect(),
                None => Datum::Unknown,
            }),
            TermKind::Function(..) | TermKind::Ternary(_) => Err(Cause::Unconfirmed("a function")),
        }
    }

    /// Follows `steps` from `value`. Nil and unknown stay what they are, except that nil has no elements to count.
    pub(crate) fn path(
        &mut self,
        mut value: Datum<'a>,
        mut steps: &'a [Step],
        scope: Option<&Scope<'a, '_>>,
    ) -> Result<Datum<'a>, Cause> {
        while let Some((step, after)) = steps.split_first() {
            self.spend(1)?;
            if let Datum::Unknown = value {
                return Ok(Datum::Unknown);
            }
            steps = after;
            let next = match step {
                Step::Key(name) => self.key(value, name),
                // As in key-value coding, what follows is about the elements, and does not change their number.
                Step::Collect(Collect::Count) => return count(&value),
                Step::Collect(Collect::FirstObject) | Step::First => end(value, true),
                Step::Collect(Collect::LastObject) | Step::Last => end(value, false),
                Step::Collect(operator) => return self.collected(*operator, value, after, scope),
                Step::Size => count(&value),
                Step::Index(term) => {
                    let index = self.term(term, scope)?;
                    indexed(value, &index)
                }
            };
            value = self.settled(next)?;
        }
        Ok(value)
    }

    /// The value of a key; of a list, those of its elements.
    fn key(&mut self, value: Datum<'a>, name: &str) -> Result<Datum<'a>, Cause> {
        match value {
            Datum::Unknown => Ok(Datum::Unknown),
            Datum::Nil => Ok(Datum::Nil),
            Datum::Dictionary(members) => Ok(members.get(name).map_or(Datum::Nil, Datum::from)),
            value => {
                let unfit = Cause::Unfit {
                    operation: "a key",
                    kind: value.kind(),
                };
                let mut values = Vec::new();
                for element in value.elements().ok_or(unfit)? {
                    self.spend(1)?;
                    let value = self.key(element, name);
                    values.push(self.settled(value)?);
                }
                Ok(values.into_iter().collect())
            }
        }
    }

    /// The elements that satisfy a SUBQUERY; none while that is unknown of any.
    pub(crate) fn found(
        &mut self,
        subquery: &'a Subquery,
        scope: Option<&Scope<'a, '_>>,
    ) -> Result<Option<Vec<Datum<'a>>>, Cause> {
        let collection = self.term(&subquery.collection, scope)?;
        let unfit = Cause::Unfit {
            operation: "SUBQUERY",
            kind: collection.kind(),
        };
        let elements = match collection {
            Datum::Unknown => return Ok(None),
            Datum::Nil => return Ok(Some(Vec::new())),
            collection => collection.elements().ok_or(unfit)?,
        };
        let mut found = Vec::new();
        for element in elements {
            self.spend(1)?;
            let scope = Scope {
                variable: &subquery.variable,
                element,
                outer: scope,
            };
            match self.formula(&subquery.predicate, Some(&scope))? {
                Truth::True => found.push(scope.element),
                Truth::False => {}
                Truth::Unknown => return Ok(None),
            }
        }
        Ok(Some(found))
    }
}

fn variable<'a>(name: &str, mut scope: Option<&Scope<'a, '_>>) -> Result<Datum<'a>, Cause> {
    while let Some(Scope {
        variable,
        element,
        outer,
    }) = scope
    {
        if *variable == name {
            return Ok(element.clone());
        }
        scope = *outer;
    }
    Err(Cause::Impossible("no SUBQUERY binds this variable"))
}

/// How many elements there are; of nil, nil, as a message to nothing comes back.
pub(crate) fn count<'a>(value: &Datum<'a>) -> Result<Datum<'a>, Cause> {
    match (value, value.length()) {
        (Datum::Unknown, _) => Ok(Datum::Unknown),
        (Datum::Nil, _) => Ok(Datum::Nil),
        (_, Some(length)) => Ok(Datum::Number(Number::Integer(
            i128::try_from(length).unwrap_or(i128::MAX),
        ))),
        (value, None) => Err(Cause::Unfit {
            operation: "@count",
            kind: value.kind(),
        }),
    }
}

/// The first or the last element; nil when there is none.
fn end(value: Datum<'_>, first: bool) -> Result<Datum<'_>, Cause> {
    let unfit = Cause::Unfit {
        operation: "the first or last element",
        kind: value.kind(),
    };
    match value {
        Datum::Unknown => Ok(Datum::Unknown),
        Datum::Nil => Ok(Datum::Nil),
        value => {
            let mut elements = value.elements().ok_or(unfit)?;
            let element = if first { elements.next() } else { elements.last() };
            Ok(element.unwrap_or(Datum::Nil))
        }
    }
}

fn indexed<'a>(value: Datum<'a>, index: &Datum<'a>) -> Result<Datum<'a>, Cause> {
    let unfit = Cause::Unfit {
        operation: "an index",
        kind: value.kind(),
    };
    match (value, index) {
        (_, Datum::Unknown) | (Datum::Unknown, _) => Ok(Datum::Unknown),
        (Datum::Nil, _) => Ok(Datum::Nil),
        (Datum::Dictionary(members), Datum::Text(key)) => {
            Ok(members.get(*key).map_or(Datum::Nil, Datum::from))
        }
        (value, Datum::Number(Number::Integer(index))) => {
            let beyond = Cause::Impossible("an index beyond the list");
            let index = usize::try_from(*index).map_err(|_| beyond)?;
            value.elements().ok_or(unfit)?.nth(index).ok_or(beyond)
        }
        (_, index) => Err(Cause::Unfit {
            operation: "a list",
            kind: index.kind(),
        }),
    }
}

fn negative<'a>(value: &Datum<'a>) -> Result<Datum<'a>, Cause> {
    let unfit = Cause::Unfit {
        operation: "a minus sign",
        kind: value.kind(),
    };
    let negative = match value.number().ok_or(unfit)? {
        Number::Integer(integer) => Number::Integer(-integer),
        Number::Float(float) => Number::Float(-float),
    };
    Ok(Datum::Number(negative))
}

/// Nil spreads, as unknown does. Integers stay integers while Foundation surely gives the same.
pub(crate) fn calculate<'a>(
    operator: Arithmetic,
    left: &Datum<'a>,
    right: &Datum<'a>,
) -> Result<Datum<'a>, Cause> {
    if matches!(left, Datum::Unknown) || matches!(right, Datum::Unknown) {
        return Ok(Datum::Unknown);
    }
    if matches!(left, Datum::Nil) || matches!(right, Datum::Nil) {
        return Ok(Datum::Nil);
    }
    let number = |value: &Datum<'_>| {
        value.number().ok_or(Cause::Unfit {
            operation: "arithmetic",
            kind: value.kind(),
        })
    };
    let number = match (number(left)?, number(right)?) {
        (Number::Integer(left), Number::Integer(right)) => Number::Integer(integers(operator, left, right)?),
        (left, right) => Number::Float(floats(operator, left.float(), right.float())?),
    };
    Ok(Datum::Number(number))
}

fn integers(operator: Arithmetic, left: i128, right: i128) -> Result<i128, Cause> {
    let result = match operator {
        Arithmetic::Plus => left.checked_add(right),
        Arithmetic::Minus => left.checked_sub(right),
        Arithmetic::Times => left.checked_mul(right),
        Arithmetic::Divide if right == 0 => return Err(Cause::Impossible("a division by zero")),
        Arithmetic::Divide if left % right != 0 => {
            return Err(Cause::Unconfirmed(
                "what a division of integers with a remainder gives",
            ));
        }
        Arithmetic::Divide => Some(left / right),
        Arithmetic::Power => match u32::try_from(right) {
            Ok(power) => left.checked_pow(power),
            Err(_) => return Err(Cause::Unconfirmed("what a negative or huge power gives")),
        },
    };
    result
        .filter(|result| i64::try_from(*result).is_ok())
        .ok_or(Cause::Impossible("a result beyond 64 bits"))
}

fn floats(operator: Arithmetic, left: f64, right: f64) -> Result<f64, Cause> {
    let result = match operator {
        Arithmetic::Plus => left + right,
        Arithmetic::Minus => left - right,
        Arithmetic::Times => left * right,
        Arithmetic::Divide => left / right,
        Arithmetic::Power => left.powf(right),
    };
    match result.is_finite() {
        true => Ok(result),
        false => Err(Cause::Impossible("a result that is no finite number")),
    }
}
