//! Parts of a predicate that no facts can make true, or none false.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::check::Checker;
use crate::code::Code;
use crate::document::Document;
use crate::evaluate::{Absent, Evaluation};
use crate::explain::Explanation;
use crate::fact::{Fact, Facts};
use crate::formula::{Comparison, Form, Formula, Operator};
use crate::predicate::Predicate;
use crate::term::{FactTerm, Operand, TermKind};
use crate::truth::Truth;

impl Checker<'_> {
    pub(crate) fn constancy(&mut self, predicate: &Predicate) {
        let explanation = predicate.explain(&Document::default());
        self.decided(&explanation);
        if explanation.outcome == Truth::Unknown {
            self.excluded(&predicate.formula);
        }
    }

    /// Finds the outermost parts that are decided without any fact.
    fn decided(&mut self, part: &Explanation) {
        let (code, message) = match part.outcome {
            Truth::True => (Code::AlwaysTrue, "this is true whatever the device reports"),
            Truth::False => (Code::AlwaysFalse, "this is false whatever the device reports"),
            Truth::Unknown => return part.parts.iter().for_each(|part| self.decided(part)),
        };
        self.warning(code, part.span.clone().into(), message, None);
    }

    /// Finds joined comparisons of one fact that contradict each other, or leave nothing out.
    fn excluded(&mut self, formula: &Formula) {
        let (parts, is_and) = match &formula.form {
            Form::And(parts) => (parts, true),
            Form::Or(parts) => (parts, false),
            Form::Not(part) => return self.excluded(part),
            Form::Constant(_) | Form::Comparison(_) => return,
        };
        let mut groups: BTreeMap<usize, Vec<&Formula>> = BTreeMap::new();
        for part in parts {
            match the_fact(part) {
                Some(fact) => groups.entry(fact.place).or_default().push(part),
                None => self.excluded(part),
            }
        }
        for group in groups.into_values() {
            let Some(fact) = group.first().and_then(|part| the_fact(part)) else {
                continue;
            };
            let candidates = candidates(&group);
            if candidates.is_empty() {
                continue;
            }
            let mut outcomes = candidates
                .iter()
                .map(|value| outcome(&group, is_and, fact, value));
            let fact = &fact.fact;
            let (code, message) = if is_and && outcomes.all(|outcome| outcome != Truth::True) {
                (
                    Code::AlwaysFalse,
                    format!("no value of {fact} satisfies all that is asked of it here"),
                )
            } else if !is_and && outcomes.all(|outcome| outcome == Truth::True) {
                (
                    Code::AlwaysTrue,
                    format!("each value of {fact} satisfies something that is asked of it here"),
                )
            } else {
                continue;
            };
            self.warning(code, formula.span, message, None);
        }
    }
}

/// The fact that all of a part is about, if it is about one scalar and constants.
fn the_fact(formula: &Formula) -> Option<&FactTerm> {
    if let Form::Comparison(comparison) = &formula.form {
        return compared(comparison).map(|(fact, _)| fact);
    }
    let mut facts = formula.parts().iter().map(the_fact);
    let first = facts.next()??;
    facts
        .all(|fact| fact.is_some_and(|fact| fact.place == first.place))
        .then_some(first)
}

/// A fact and the constant that it is compared with, by an operator that takes no more than its order.
fn compared(comparison: &Comparison) -> Option<(&FactTerm, &Value)> {
    let by_order = comparison.operator.orders()
        || matches!(
            comparison.operator,
            Operator::Equal | Operator::NotEqual | Operator::Between | Operator::In
        );
    let manner = comparison.manner;
    if !by_order
        || manner.versions
        || manner.options.fold()
        || manner.options.locale
        || comparison.quantifier.is_some()
    {
        return None;
    }
    let is_listed = matches!(comparison.operator, Operator::Between | Operator::In);
    match (
        fact(&comparison.left),
        &comparison.left.constant,
        fact(&comparison.right),
        &comparison.right.constant,
    ) {
        (Some(fact), _, _, Some(constant)) if is_listed == constant.is_array() => Some((fact, constant)),
        (_, Some(constant), Some(fact), _) if !is_listed && !constant.is_array() => Some((fact, constant)),
        _ => None,
    }
}

fn fact(operand: &Operand) -> Option<&FactTerm> {
    match &operand.term.kind {
        TermKind::Fact(fact) => Some(fact),
        _ => None,
    }
}

/// Values that between them have every place in the order of the constants that a group names: each of these, one
/// between any two, one before and one after; and some of other kinds. None when there are too many constants.
fn candidates(group: &[&Formula]) -> Vec<Value> {
    const MOST: usize = 40;
    let mut constants = Vec::new();
    group.iter().for_each(|part| constants_of(part, &mut constants));
    if constants.len() > MOST {
        return Vec::new();
    }
    let mut candidates = vec![json!(null), json!([]), json!(true), json!(false), json!("")];
    let mut numbers: Vec<f64> = constants
        .iter()
        .filter_map(Value::as_f64)
        .chain([0.0, 1.0])
        .collect();
    numbers.sort_by(f64::total_cmp);
    candidates.extend(numbers.windows(2).map(|pair| match pair {
        [low, high] => json!(low + (high - low) / 2.0),
        _ => Value::Null,
    }));
    candidates.extend(numbers.first().map(|least| json!(least - 1.0 - least.abs())));
    candidates.extend(numbers.last().map(|most| json!(most + 1.0 + most.abs())));
    candidates.extend(
        constants
            .iter()
            .filter_map(Value::as_str)
            .map(|text| json!(format!("{text}\u{1}"))),
    );
    let integers = constants.iter().filter_map(Value::as_i64);
    candidates.extend(
        integers.flat_map(|integer| [json!(integer.saturating_sub(1)), json!(integer.saturating_add(1))]),
    );
    candidates.extend(constants);
    candidates
}

fn constants_of(formula: &Formula, constants: &mut Vec<Value>) {
    if let Form::Comparison(comparison) = &formula.form {
        match compared(comparison) {
            Some((_, Value::Array(elements))) => constants.extend(elements.iter().cloned()),
            Some((_, constant)) => constants.push(constant.clone()),
            None => {}
        }
    }
    formula
        .parts()
        .iter()
        .for_each(|part| constants_of(part, constants));
}

/// Facts of which one has a value.
struct One<'a> {
    place: usize,
    value: &'a Value,
}

impl Facts for One<'_> {
    fn value(&self, place: usize, _: &Fact) -> Option<&Value> {
        (place == self.place).then_some(self.value)
    }
}

fn outcome(group: &[&Formula], is_and: bool, fact: &FactTerm, value: &Value) -> Truth {
    let facts = One {
        place: fact.place,
        value,
    };
    let outcomes = group.iter().map(|part| {
        let outcome = Evaluation::new(&facts, Absent::Unknown).formula(part, None);
        outcome.unwrap_or(Truth::Unknown)
    });
    match is_and {
        true => outcomes.min().unwrap_or(Truth::Unknown),
        false => outcomes.max().unwrap_or(Truth::Unknown),
    }
}
