//! The canonical text of a predicate: one spelling for each meaning of the grammar.

use std::fmt::{self, Display, Write};

use serde_json::Value;

use crate::formula::{Comparison, Form, Formula};
use crate::predicate::Predicate;
use crate::term::{Arithmetic, Bare, Step, Term, TermKind};
use crate::token::Token;

impl fmt::Display for Predicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.formula.fmt(f)
    }
}

impl fmt::Display for Formula {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.form {
            Form::Constant(true) => f.write_str("TRUEPREDICATE"),
            Form::Constant(false) => f.write_str("FALSEPREDICATE"),
            Form::Comparison(comparison) => comparison.fmt(f),
            Form::Not(part) => match part.form {
                Form::And(_) | Form::Or(_) => write!(f, "NOT ({part})"),
                _ => write!(f, "NOT {part}"),
            },
            Form::And(parts) => {
                for (index, part) in parts.iter().enumerate() {
                    f.write_str(if index == 0 { "" } else { " AND " })?;
                    match part.form {
                        Form::Or(_) => write!(f, "({part})")?,
                        _ => part.fmt(f)?,
                    }
                }
                Ok(())
            }
            Form::Or(parts) => {
                for (index, part) in parts.iter().enumerate() {
                    f.write_str(if index == 0 { "" } else { " OR " })?;
                    part.fmt(f)?;
                }
                Ok(())
            }
        }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(quantifier) = self.quantifier {
            write!(f, "{quantifier} ")?;
        }
        let Comparison {
            left,
            operator,
            manner,
            right,
            ..
        } = self;
        write!(f, "{} {operator}{} {}", left.term, manner.options, right.term)
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            TermKind::Literal(Value::Null) => f.write_str("nil"),
            TermKind::Literal(Value::String(text)) => write_string(f, text),
            TermKind::Literal(value) => value.fmt(f),
            TermKind::Aggregate(terms) => {
                f.write_char('{')?;
                write_list(f, terms)?;
                f.write_char('}')
            }
            TermKind::Fact(term) => term.fact.fmt(f),
            TermKind::Bare(Bare::Key(name)) => write!(f, "@key({name})"),
            TermKind::Bare(Bare::Name(name)) => {
                let escape = if Token::reserved(name).is_some() { "#" } else { "" };
                write!(f, "{escape}{name}")
            }
            TermKind::Bare(Bare::SelfObject) => f.write_str("SELF"),
            TermKind::Variable(name) => write!(f, "${name}"),
            TermKind::Negative(term) => {
                f.write_char('-')?;
                write_within(f, term, Tightness::Path)
            }
            TermKind::Arithmetic(first, rest) => {
                // An operand of the same precedence stood in parentheses, or it would be part of this chain.
                let own = tightness(self);
                write_within(f, first, own.tighter())?;
                for (operator, term) in rest {
                    write!(f, " {operator} ")?;
                    write_within(f, term, own.tighter())?;
                }
                Ok(())
            }
            TermKind::Path(base, steps) => {
                write_within(f, base, Tightness::Atom)?;
                steps.iter().try_for_each(|step| step.fmt(f))
            }
            TermKind::Subquery(subquery) => write!(
                f,
                "SUBQUERY({}, ${}, {})",
                subquery.collection, subquery.variable, subquery.predicate
            ),
            TermKind::Function(function, arguments) => {
                write!(f, "{}(", function.name())?;
                write_list(f, arguments)?;
                f.write_char(')')
            }
            TermKind::Ternary(parts) => write!(f, "TERNARY({}, {}, {})", parts.0, parts.1, parts.2),
        }
    }
}

/// How strongly a value holds together; what is looser than its surroundings needs parentheses.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Tightness {
    Sum,
    Product,
    Power,
    Minus,
    Path,
    Atom,
}

impl Tightness {
    fn tighter(self) -> Tightness {
        match self {
            Tightness::Sum => Tightness::Product,
            Tightness::Product => Tightness::Power,
            Tightness::Power => Tightness::Minus,
            Tightness::Minus => Tightness::Path,
            Tightness::Path | Tightness::Atom => Tightness::Atom,
        }
    }
}

fn tightness(term: &Term) -> Tightness {
    match &term.kind {
        TermKind::Arithmetic(_, rest) => match rest.first() {
            Some((Arithmetic::Plus | Arithmetic::Minus, _)) | None => Tightness::Sum,
            Some((Arithmetic::Times | Arithmetic::Divide, _)) => Tightness::Product,
            Some((Arithmetic::Power, _)) => Tightness::Power,
        },
        TermKind::Negative(_) => Tightness::Minus,
        TermKind::Literal(Value::Number(number)) if number.as_f64().is_some_and(f64::is_sign_negative) => {
            Tightness::Minus
        }
        // A number swallows the dot or the letters that follow it.
        TermKind::Path(..) | TermKind::Literal(Value::Number(_)) => Tightness::Path,
        _ => Tightness::Atom,
    }
}

fn write_within(f: &mut fmt::Formatter<'_>, term: &Term, wanted: Tightness) -> fmt::Result {
    if tightness(term) < wanted {
        write!(f, "({term})")
    } else {
        term.fmt(f)
    }
}

fn write_list(f: &mut fmt::Formatter<'_>, terms: &[Term]) -> fmt::Result {
    for (index, term) in terms.iter().enumerate() {
        f.write_str(if index == 0 { "" } else { ", " })?;
        term.fmt(f)?;
    }
    Ok(())
}

pub(crate) fn write_string(f: &mut impl Write, text: &str) -> fmt::Result {
    f.write_char('\'')?;
    for c in text.chars() {
        match c {
            '\'' | '\\' => write!(f, "\\{c}")?,
            '\n' => f.write_str("\\n")?,
            '\t' => f.write_str("\\t")?,
            c if c.is_control() => write!(f, "\\u{:04X}", u32::from(c))?,
            c => f.write_char(c)?,
        }
    }
    f.write_char('\'')
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Key(name) => write!(f, ".@key({name})"),
            Step::Collect(operator) => write!(f, ".@{}", operator.word()),
            Step::Index(term) => write!(f, "[{term}]"),
            Step::First => f.write_str("[FIRST]"),
            Step::Last => f.write_str("[LAST]"),
            Step::Size => f.write_str("[SIZE]"),
        }
    }
}

impl fmt::Display for Arithmetic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Arithmetic::Plus => "+",
            Arithmetic::Minus => "-",
            Arithmetic::Times => "*",
            Arithmetic::Divide => "/",
            Arithmetic::Power => "**",
        })
    }
}
