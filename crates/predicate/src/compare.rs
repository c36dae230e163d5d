//! How Foundation compares values.

use std::cmp::Ordering;

use crate::datum::Datum;
use crate::evaluate::{Absent, Cause, Evaluation, Scope};
use crate::fold::fold;
use crate::formula::{Comparison, Manner, Operator, Options, Quantifier};
use crate::glob;
use crate::term::Operand;
use crate::truth::Truth;
use crate::version;

impl<'a> Evaluation<'a> {
    /// The outcome of a comparison, or why it has none.
    pub(crate) fn comparison(
        &mut self,
        comparison: &'a Comparison,
        scope: Option<&Scope<'a, '_>>,
    ) -> Result<Truth, Cause> {
        let left = self.operand(&comparison.left, scope)?;
        let right = self.operand(&comparison.right, scope)?;
        if comparison.manner.options.locale && self.absent == Absent::Unknown {
            return Err(Cause::Unconfirmed("what the device's language makes of [l]"));
        }
        match comparison.quantifier {
            None => self.compare(comparison, &left, &right),
            Some(quantifier) => self.quantified(quantifier, comparison, left, &right),
        }
    }

    fn operand(&mut self, operand: &'a Operand, scope: Option<&Scope<'a, '_>>) -> Result<Datum<'a>, Cause> {
        match &operand.constant {
            Some(value) => self.spend(1).map(|()| Datum::from(value)),
            None => self.term(&operand.term, scope),
        }
    }

    /// ANY is Kleene's OR over the elements, ALL his AND. An absent list has no elements that could satisfy
    /// anything, so ANY and ALL of nil are false.
    fn quantified(
        &mut self,
        quantifier: Quantifier,
        comparison: &'a Comparison,
        list: Datum<'a>,
        right: &Datum<'a>,
    ) -> Result<Truth, Cause> {
        let kind = list.kind();
        let elements = match list {
            Datum::Unknown => return Ok(Truth::Unknown),
            Datum::Nil => return Ok((quantifier == Quantifier::None).into()),
            list => list.elements().ok_or(Cause::Unfit {
                operation: "a quantifier",
                kind,
            })?,
        };
        // The outcome of an element that decides, and what all others have.
        let (deciding, mut truth) = match quantifier {
            Quantifier::Any | Quantifier::None => (Truth::True, Truth::False),
            Quantifier::All => (Truth::False, Truth::True),
        };
        for element in elements {
            self.spend(1)?;
            let outcome = self.compare(comparison, &element, right);
            let outcome = self.settled(outcome)?;
            if outcome == deciding {
                truth = deciding;
                break;
            }
            if outcome == Truth::Unknown {
                truth = Truth::Unknown;
            }
        }
        Ok(if quantifier == Quantifier::None {
            !truth
        } else {
            truth
        })
    }

    fn compare(
        &mut self,
        comparison: &'a Comparison,
        left: &Datum<'a>,
        right: &Datum<'a>,
    ) -> Result<Truth, Cause> {
        let manner = comparison.manner;
        match comparison.operator {
            Operator::Equal => self.equal(manner, left, right),
            Operator::NotEqual => Ok(!self.equal(manner, left, right)?),
            Operator::Less => self.ordered(manner, left, right, Ordering::is_lt),
            Operator::LessOrEqual => self.ordered(manner, left, right, Ordering::is_le),
            Operator::Greater => self.ordered(manner, left, right, Ordering::is_gt),
            Operator::GreaterOrEqual => self.ordered(manner, left, right, Ordering::is_ge),
            Operator::Between => self.between(manner, left, right),
            Operator::In => self.contained(comparison, left, right),
            Operator::Contains => self.contained(comparison, right, left),
            Operator::BeginsWith | Operator::EndsWith | Operator::Like | Operator::Matches => {
                self.texts(comparison, left, right)
            }
        }
    }

    /// Equality never fails, except between versions: values of different kinds differ.
    pub(crate) fn equal(
        &mut self,
        manner: Manner,
        left: &Datum<'a>,
        right: &Datum<'a>,
    ) -> Result<Truth, Cause> {
        self.spend(1)?;
        match (left, right) {
            (Datum::Unknown, _) | (_, Datum::Unknown) => Ok(Truth::Unknown),
            (Datum::Nil, Datum::Nil) => Ok(Truth::True),
            (Datum::Text(left), Datum::Text(right)) if manner.versions => {
                Ok(versions(left, right)?.is_eq().into())
            }
            (Datum::Text(left), Datum::Text(right)) => {
                self.read(manner.options, left, right)?;
                Ok(same(left, right, manner.options).into())
            }
            (Datum::Dictionary(left), Datum::Dictionary(right)) => {
                let mut truth = Truth::from(left.len() == right.len());
                for (key, left) in left.iter() {
                    if truth == Truth::False {
                        break;
                    }
                    let Some(right) = right.get(key) else {
                        return Ok(Truth::False);
                    };
                    let outcome = self.equal(manner, &left.into(), &right.into());
                    truth = truth.min(self.settled(outcome)?);
                }
                Ok(truth)
            }
            _ => match (left.number(), right.number(), left.length(), right.length()) {
                (Some(left), Some(right), ..) => Ok(left.compare(right).is_eq().into()),
                (.., Some(ours), Some(theirs)) if ours == theirs => {
                    let (Some(left), Some(right)) = (left.clone().elements(), right.clone().elements())
                    else {
                        return Ok(Truth::False);
                    };
                    let mut truth = Truth::True;
                    for (left, right) in left.zip(right) {
                        let outcome = self.equal(manner, &left, &right);
                        truth = truth.min(self.settled(outcome)?);
                        if truth == Truth::False {
                            break;
                        }
                    }
                    Ok(truth)
                }
                _ => Ok(Truth::False),
            },
        }
    }

    /// Strings order by code point, without regard to locale or to the numbers that they spell.
    pub(crate) fn ordered(
        &mut self,
        manner: Manner,
        left: &Datum<'a>,
        right: &Datum<'a>,
        holds: fn(Ordering) -> bool,
    ) -> Result<Truth, Cause> {
        self.spend(1)?;
        let order = match (left, right) {
            (Datum::Unknown, _) | (_, Datum::Unknown) => return Ok(Truth::Unknown),
            (Datum::Nil, _) | (_, Datum::Nil) => return Ok(Truth::False),
            (Datum::Text(left), Datum::Text(right)) if manner.versions => versions(left, right)?,
            (Datum::Text(left), Datum::Text(right)) => {
                self.read(manner.options, left, right)?;
                order(left, right, manner.options)
            }
            _ => match (left.number(), right.number()) {
                (Some(left), Some(right)) => left.compare(right),
                _ => return Err(Cause::NoOrder(left.kind(), right.kind())),
            },
        };
        Ok(holds(order).into())
    }

    /// Spends what it costs to compare two strings. To fold one, it has to be read to its end.
    fn read(&mut self, options: Options, left: &str, right: &str) -> Result<(), Cause> {
        self.spend(match options.fold() {
            true => (left.len() + right.len()) / 16,
            false => left.len().min(right.len()) / 64,
        })
    }

    fn between(&mut self, manner: Manner, left: &Datum<'a>, right: &Datum<'a>) -> Result<Truth, Cause> {
        let unfit = Cause::Unfit {
            operation: "BETWEEN",
            kind: right.kind(),
        };
        let mut bounds = match right {
            Datum::Unknown => return Ok(Truth::Unknown),
            Datum::Nil => return Ok(Truth::False),
            bounds if bounds.length() == Some(2) => bounds.clone().elements().ok_or(unfit)?,
            bounds if bounds.length().is_some() => {
                return Err(Cause::Impossible("BETWEEN needs a list of two bounds"));
            }
            _ => return Err(unfit),
        };
        let (Some(low), Some(high)) = (bounds.next(), bounds.next()) else {
            return Err(unfit);
        };
        let above = self.ordered(manner, left, &low, Ordering::is_ge);
        let above = self.settled(above)?;
        if above == Truth::False {
            return Ok(Truth::False);
        }
        let below = self.ordered(manner, left, &high, Ordering::is_le);
        Ok(above.min(self.settled(below)?))
    }

    /// Whether `list` has the element, or the string `list` the substring.
    fn contained(
        &mut self,
        comparison: &'a Comparison,
        element: &Datum<'a>,
        list: &Datum<'a>,
    ) -> Result<Truth, Cause> {
        match (element, list) {
            (_, Datum::Unknown) => Ok(Truth::Unknown),
            (_, Datum::Nil) => Ok(Truth::False),
            (_, Datum::Text(_)) => self.texts(comparison, list, element),
            (Datum::Nil, list) if list.length().is_some() => Ok(Truth::False),
            (element, list) => {
                let operation = if comparison.operator == Operator::In {
                    "IN"
                } else {
                    "CONTAINS"
                };
                let unfit = Cause::Unfit {
                    operation,
                    kind: list.kind(),
                };
                let mut truth = Truth::False;
                for member in list.clone().elements().ok_or(unfit)? {
                    let outcome = self.equal(comparison.manner, element, &member);
                    truth = truth.max(self.settled(outcome)?);
                    if truth == Truth::True {
                        break;
                    }
                }
                Ok(truth)
            }
        }
    }

    /// Operators that take nothing but strings; with nil they are false. For IN, `left` is the longer one.
    fn texts(
        &mut self,
        comparison: &'a Comparison,
        left: &Datum<'a>,
        right: &Datum<'a>,
    ) -> Result<Truth, Cause> {
        self.spend(1)?;
        let (left, right) = match (left, right) {
            (Datum::Unknown, _) | (_, Datum::Unknown) => return Ok(Truth::Unknown),
            (Datum::Nil, _) | (_, Datum::Nil) => return Ok(Truth::False),
            (Datum::Text(left), Datum::Text(right)) => (*left, *right),
            (Datum::Text(_), other) | (other, _) => {
                return Err(Cause::Unfit {
                    operation: word(comparison.operator),
                    kind: other.kind(),
                });
            }
        };
        if let Some(pattern) = &comparison.pattern {
            self.spend(left.len() / 4)?;
            let unread = Cause::Unconfirmed("how MATCHES takes some characters of this string");
            return pattern.matches(left).map(Truth::from).ok_or(unread);
        }
        let options = comparison.manner.options;
        self.spend((left.len() + right.len()) / if options.fold() { 16 } else { 64 })?;
        let (left, right) = (fold(left, options), fold(right, options));
        Ok(match comparison.operator {
            Operator::BeginsWith => left.starts_with(&*right),
            Operator::EndsWith => left.ends_with(&*right),
            Operator::Like if right.contains('\\') => {
                return Err(Cause::Unconfirmed("how LIKE reads a backslash"));
            }
            Operator::Like => {
                self.spend(glob::steps(&left, &right))?;
                glob::matches(&left, &right)
            }
            _ => left.contains(&*right),
        }
        .into())
    }
}

fn versions(left: &str, right: &str) -> Result<Ordering, Cause> {
    version::compare(left, right).ok_or(Cause::Impossible("this is no version that can be compared"))
}

fn same(left: &str, right: &str, options: Options) -> bool {
    left == right || options.fold() && fold(left, options) == fold(right, options)
}

fn order(left: &str, right: &str, options: Options) -> Ordering {
    match options.fold() {
        true => fold(left, options).cmp(&fold(right, options)),
        false => left.cmp(right),
    }
}

fn word(operator: Operator) -> &'static str {
    match operator {
        Operator::In => "IN",
        Operator::Contains => "CONTAINS",
        Operator::BeginsWith => "BEGINSWITH",
        Operator::EndsWith => "ENDSWITH",
        Operator::Like => "LIKE",
        _ => "MATCHES",
    }
}
