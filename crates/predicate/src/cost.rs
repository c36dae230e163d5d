//! How many steps an evaluation may come to, as far as the text tells.

use crate::check::Checker;
use crate::code::Code;
use crate::evaluate::MAX_STEPS;
use crate::formula::{Form, Formula, Operator};
use crate::term::{Step, Term, TermKind};

/// How many elements a list is taken to have: more than almost any device has apps.
const ELEMENTS: u64 = 500;

impl Checker<'_> {
    /// Refuses what would exceed [`MAX_STEPS`] on lists of [`ELEMENTS`].
    pub(crate) fn cost(&mut self, formula: &Formula) {
        let steps = of_formula(formula);
        if steps > u64::from(MAX_STEPS) {
            let message = format!(
                "SUBQUERYs nest so that lists of {ELEMENTS} elements take more than {MAX_STEPS} steps"
            );
            self.error(Code::TooCostly, formula.span, message, None);
        }
    }
}

fn of_formula(formula: &Formula) -> u64 {
    let own = match &formula.form {
        Form::Comparison(comparison) => {
            let (left, right) = (&comparison.left.term, &comparison.right.term);
            let each = if comparison.quantifier.is_some() {
                elements(left)
            } else {
                1
            };
            let compared = match comparison.operator {
                Operator::In => each.saturating_mul(elements(right)),
                Operator::Contains => each.saturating_mul(elements(left)),
                _ => each,
            };
            of_term(left)
                .saturating_add(of_term(right))
                .saturating_add(compared)
        }
        _ => 1,
    };
    formula
        .parts()
        .iter()
        .fold(own, |sum, part| sum.saturating_add(of_formula(part)))
}

/// How many elements a comparison may have to look at, of a side that is one.
fn elements(term: &Term) -> u64 {
    match &term.kind {
        TermKind::Aggregate(terms) => terms.len() as u64,
        TermKind::Subquery(subquery) => elements(&subquery.collection),
        TermKind::Fact(_) | TermKind::Variable(_) => ELEMENTS,
        TermKind::Path(_, steps) if !matches!(steps.last(), Some(Step::Collect(_) | Step::Size)) => ELEMENTS,
        _ => 1,
    }
}

fn of_term(term: &Term) -> u64 {
    let sum = |terms: &mut dyn Iterator<Item = &Term>| {
        terms.fold(1_u64, |sum, term| sum.saturating_add(of_term(term)))
    };
    match &term.kind {
        TermKind::Literal(_) | TermKind::Fact(_) | TermKind::Bare(_) | TermKind::Variable(_) => 1,
        TermKind::Aggregate(terms) | TermKind::Function(_, terms) => sum(&mut terms.iter()),
        TermKind::Negative(term) => of_term(term).saturating_add(1),
        TermKind::Arithmetic(first, rest) => {
            sum(&mut std::iter::once(&**first).chain(rest.iter().map(|(_, term)| term)))
        }
        TermKind::Path(base, steps) => {
            let mut indexes = steps.iter().filter_map(|step| match step {
                Step::Index(term) => Some(term),
                _ => None,
            });
            of_term(base)
                .saturating_add(sum(&mut indexes))
                .saturating_add(steps.len() as u64)
        }
        TermKind::Subquery(subquery) => {
            let each = of_formula(&subquery.predicate).saturating_add(1);
            of_term(&subquery.collection).saturating_add(elements(&subquery.collection).saturating_mul(each))
        }
        TermKind::Ternary(parts) => {
            sum(&mut [&parts.1, &parts.2].into_iter()).saturating_add(of_formula(&parts.0))
        }
    }
}
