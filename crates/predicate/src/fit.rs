//! Whether the sides of a comparison fit each other and the operator.

use serde_json::{Number, Value};

use crate::check::Checker;
use crate::code::Code;
use crate::formula::{Comparison, Operator, Quantifier};
use crate::schema::Type;
use crate::span::Span;
use crate::term::{Term, TermKind};

impl Checker<'_> {
    pub(crate) fn comparison(&mut self, comparison: &Comparison, span: Span) {
        let (left, right) = (&comparison.left.term, &comparison.right.term);
        let mut left_type = self.term(left);
        let right_type = self.term(right);
        if comparison.manner.options.locale {
            let message = "the outcome of [l] depends on each device's language, so it cannot be foretold";
            self.warning(Code::LocaleOption, span, message, None);
        }
        if let Some(quantifier) = comparison.quantifier {
            if !matches!(left_type, Type::List(_) | Type::Any) {
                let message = format!("{quantifier} needs a list, and this is {}", left_type.kind());
                let rewriting = comparison.with(None, left, comparison.operator, right);
                self.error(Code::QuantifierWithoutList, span, message, Some(rewriting));
                return;
            }
            left_type = left_type.element();
        }
        match comparison.operator {
            Operator::Equal | Operator::NotEqual => self.equality(comparison, &left_type, &right_type, span),
            Operator::Between => self.between(comparison, &left_type, &right_type, span),
            Operator::In => self.membership(comparison, (left, &left_type), (right, &right_type), span),
            Operator::Contains => self.membership(comparison, (right, &right_type), (left, &left_type), span),
            Operator::BeginsWith | Operator::EndsWith | Operator::Like | Operator::Matches => {
                self.texts(comparison, &left_type, &right_type, span);
            }
            _ => self.order(comparison, &left_type, &right_type, span),
        }
    }

    fn equality(&mut self, comparison: &Comparison, left: &Type, right: &Type, span: Span) {
        if is_nil(&comparison.left.term) || is_nil(&comparison.right.term) {
            let message = "what a device compares with nil when it lacks the item is not documented";
            return self.warning(Code::NilComparison, span, message, None);
        }
        if self.lists(comparison, left, right, span) {
            return;
        }
        let rewriting = comparison.with_fitting_literal(left, right);
        self.meeting(
            (&comparison.left.term, left),
            (&comparison.right.term, right),
            span,
            rewriting,
        );
    }

    /// Finds fault with values that can never be equal.
    fn meeting(
        &mut self,
        left: (&Term, &Type),
        right: (&Term, &Type),
        span: Span,
        rewriting: Option<String>,
    ) {
        let message = if !left.1.meets(right.1) {
            format!("{} never equals {}", left.1.kind(), right.1.kind())
        } else if is_no_boolean(left, right) || is_no_boolean(right, left) {
            "a Boolean equals only true (1) and false (0)".to_owned()
        } else {
            return;
        };
        self.error(Code::TypeMismatch, span, message, rewriting);
    }

    fn order(&mut self, comparison: &Comparison, left: &Type, right: &Type, span: Span) {
        if is_nil(&comparison.left.term) || is_nil(&comparison.right.term) {
            let message = "nil has no order, so this is never true";
            return self.error(Code::TypeMismatch, span, message, None);
        }
        if self.lists(comparison, left, right, span) {
            return;
        }
        let is_scalar = |side: &Type| side.takes_text() || side.takes_number();
        if !is_scalar(left) || !is_scalar(right) || !left.meets(right) {
            let message = format!("{} and {} have no order", left.kind(), right.kind());
            let rewriting = comparison.with_fitting_literal(left, right);
            return self.error(Code::TypeMismatch, span, message, rewriting);
        }
        self.version_order(comparison, left, right, span);
    }

    /// Whether a list is compared with what is none, which is then found fault with.
    fn lists(&mut self, comparison: &Comparison, left: &Type, right: &Type, span: Span) -> bool {
        let (one, other) = (&comparison.left.term, &comparison.right.term);
        let rewriting = match (left.is_list(), right.is_list(), comparison.operator) {
            (true, _, _) if matches!(right, Type::List(_) | Type::Any) => return false,
            (_, true, _) if matches!(left, Type::Any) => return false,
            (true, _, operator) if matches!(one.kind, TermKind::Subquery(_)) && right.takes_number() => {
                Some(format!("{one}.@count {operator} {other}"))
            }
            (true, _, Operator::Equal) if comparison.quantifier.is_none() => {
                Some(comparison.with(None, other, Operator::In, one))
            }
            (true, _, _) if comparison.quantifier.is_none() => Some(format!(
                "ANY {}",
                comparison.with(None, one, comparison.operator, other)
            )),
            (_, true, Operator::Equal) => {
                Some(comparison.with(comparison.quantifier, one, Operator::In, other))
            }
            (false, false, _) => return false,
            _ => None,
        };
        let message =
            "a list is compared with one value: say whether ANY, ALL or NONE of its elements is meant";
        self.error(Code::ListWithoutQuantifier, span, message, rewriting);
        true
    }

    fn between(&mut self, comparison: &Comparison, left: &Type, right: &Type, span: Span) {
        let bounds = match &comparison.right.term.kind {
            TermKind::Aggregate(bounds) => bounds.as_slice(),
            _ => &[],
        };
        if !matches!(right, Type::List(_) | Type::Any) {
            let message = format!("BETWEEN needs a list of two bounds, and this is {}", right.kind());
            return self.error(Code::TypeMismatch, span, message, None);
        }
        if left.is_list() {
            let message =
                "a list is compared with two bounds: say whether ANY, ALL or NONE of its elements is meant";
            let rewriting = Some(format!("ANY {comparison}"));
            return self.error(Code::ListWithoutQuantifier, span, message, rewriting);
        }
        for (bound, operator) in bounds
            .iter()
            .zip([Operator::GreaterOrEqual, Operator::LessOrEqual])
        {
            let bound_type = literal_type(bound).unwrap_or_else(|| right.element());
            if !left.meets(&bound_type) || is_nil(bound) {
                let message = format!("{} is not ordered with {}", left.kind(), bound_type.kind());
                self.error(Code::TypeMismatch, bound.span, message, None);
            } else if !comparison.manner.versions {
                self.version_bound(left, operator, bound);
            }
        }
    }

    fn membership(
        &mut self,
        comparison: &Comparison,
        element: (&Term, &Type),
        list: (&Term, &Type),
        span: Span,
    ) {
        let word = comparison.operator;
        match list.1 {
            Type::Any => {}
            Type::List(_)
                if element.1.is_list() && !matches!(list.1.element(), Type::List(_) | Type::Any) =>
            {
                let message =
                    format!("{word} is about one element, and this is a list: say whether ANY, ALL or NONE");
                let rewriting = (word == Operator::In).then(|| format!("ANY {comparison}"));
                self.error(Code::ListWithoutQuantifier, span, message, rewriting);
            }
            Type::List(of) => match &list.0.kind {
                TermKind::Aggregate(members) => {
                    for member in members {
                        let member_type = literal_type(member).unwrap_or_else(|| (**of).clone());
                        let rewriting = fitting(member, element.1).map(|member| member.to_string());
                        self.meeting(element, (member, &member_type), member.span, rewriting);
                    }
                }
                _ => {
                    let rewriting = fitting(element.0, of).map(|element| match word {
                        Operator::In => comparison.with(comparison.quantifier, &element, word, list.0),
                        _ => comparison.with(comparison.quantifier, list.0, word, &element),
                    });
                    self.meeting(element, (list.0, of), span, rewriting);
                }
            },
            text if text.takes_text() && element.1.takes_text() => {}
            other if other.takes_text() => {
                let message = format!(
                    "only a string is part of a string, and this is {}",
                    element.1.kind()
                );
                self.error(Code::TypeMismatch, span, message, None);
            }
            other => {
                let message = format!("{word} needs a list or a string, and this is {}", other.kind());
                self.error(Code::TypeMismatch, span, message, None);
            }
        }
    }

    fn texts(&mut self, comparison: &Comparison, left: &Type, right: &Type, span: Span) {
        let word = comparison.operator;
        if left.is_list() {
            let message =
                format!("{word} is about strings, and this is a list: say whether ANY, ALL or NONE");
            let rewriting = Some(format!("ANY {comparison}"));
            return self.error(Code::ListWithoutQuantifier, span, message, rewriting);
        }
        if let Some(other) = [left, right].into_iter().find(|side| !side.takes_text()) {
            let message = format!("{word} is about strings, and this is {}", other.kind());
            self.error(Code::TypeMismatch, span, message, None);
        }
    }
}

fn is_nil(term: &Term) -> bool {
    matches!(term.kind, TermKind::Literal(Value::Null))
}

fn literal_type(term: &Term) -> Option<Type> {
    match &term.kind {
        TermKind::Literal(Value::Bool(_)) => Some(Type::Boolean),
        TermKind::Literal(Value::Number(_)) => Some(Type::Number),
        TermKind::Literal(Value::String(_)) => Some(Type::Text),
        TermKind::Aggregate(_) => Some(Type::List(Box::new(Type::Any))),
        _ => None,
    }
}

/// Whether one side is a Boolean and the other a number that none is.
fn is_no_boolean((_, left): (&Term, &Type), (right, _): (&Term, &Type)) -> bool {
    match &right.kind {
        TermKind::Literal(Value::Number(number)) => {
            *left == Type::Boolean && ![Some(0.0), Some(1.0)].contains(&number.as_f64())
        }
        _ => false,
    }
}

impl Comparison {
    /// This comparison as text, with another quantifier, operator or order of its sides.
    fn with(&self, quantifier: Option<Quantifier>, left: &Term, operator: Operator, right: &Term) -> String {
        let quantifier = quantifier
            .map(|quantifier| format!("{quantifier} "))
            .unwrap_or_default();
        format!("{quantifier}{left} {operator}{} {right}", self.manner.options)
    }

    /// This comparison with a literal that spells what the other side's type needs.
    fn with_fitting_literal(&self, left_type: &Type, right_type: &Type) -> Option<String> {
        let (left, right) = (&self.left.term, &self.right.term);
        let quantifier = self.quantifier;
        if let Some(fitting) = fitting(right, left_type) {
            return Some(self.with(quantifier, left, self.operator, &fitting));
        }
        let fitting = fitting(left, right_type)?;
        Some(self.with(quantifier, &fitting, self.operator, right))
    }
}

/// The literal `term` as a value of type `wanted`.
fn fitting(term: &Term, wanted: &Type) -> Option<Term> {
    let TermKind::Literal(value) = &term.kind else {
        return None;
    };
    let value = match (value, wanted) {
        (Value::String(text), Type::Number) => {
            let number: Number = text.trim().parse().ok()?;
            Value::Number(Some(number).filter(|number| number.is_i64() || number.is_f64())?)
        }
        (Value::String(text), Type::Boolean) => match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "1" => Value::Bool(true),
            "false" | "no" | "0" => Value::Bool(false),
            _ => return None,
        },
        (Value::Number(number), Type::Text | Type::Version) => Value::String(number.to_string()),
        _ => return None,
    };
    Some(Term {
        kind: TermKind::Literal(value),
        span: term.span,
    })
}
