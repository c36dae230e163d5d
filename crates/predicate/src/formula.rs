//! A predicate in memory: what is joined, negated and compared.

use std::fmt;

use crate::pattern::Pattern;
use crate::span::Span;
use crate::term::Operand;

/// A part of a predicate that is true or false, and its place in the author's text. Equality ignores places.
#[derive(Debug, Clone)]
pub(crate) struct Formula {
    pub(crate) form: Form,
    pub(crate) span: Span,
}

/// The parser and the constructors keep `And` and `Or` flat: at least two parts, none of the same kind. So
/// a long chain is not deep, and equal meaning by associativity is equality.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Form {
    Constant(bool),
    Comparison(Box<Comparison>),
    Not(Box<Formula>),
    And(Vec<Formula>),
    Or(Vec<Formula>),
}

/// Two operands, made ready for being compared often.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Comparison {
    pub(crate) quantifier: Option<Quantifier>,
    pub(crate) left: Operand,
    pub(crate) operator: Operator,
    pub(crate) manner: Manner,
    pub(crate) right: Operand,
    /// The pattern of MATCHES, which is always written out.
    pub(crate) pattern: Option<Pattern>,
}

/// How strings compare.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Manner {
    pub(crate) options: Options,
    /// As versions, number by number, since one side is `@device(os.version)`.
    pub(crate) versions: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quantifier {
    Any,
    All,
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Between,
    In,
    Contains,
    BeginsWith,
    EndsWith,
    Like,
    Matches,
}

/// The letters in brackets after an operator.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Options {
    /// `c`: case does not matter.
    pub(crate) case: bool,
    /// `d`: diacritics do not matter.
    pub(crate) diacritics: bool,
    /// `n`: the strings are normalised already; a hint that changes no outcome here.
    pub(crate) normalized: bool,
    /// `l`: as the device's locale has it.
    pub(crate) locale: bool,
}

impl PartialEq for Formula {
    fn eq(&self, other: &Formula) -> bool {
        self.form == other.form
    }
}

impl Formula {
    pub(crate) fn and(self, other: Formula) -> Formula {
        let span = self.span.to(other.span);
        let mut parts = match self.form {
            Form::And(parts) => parts,
            form => vec![Formula {
                form,
                span: self.span,
            }],
        };
        match other.form {
            Form::And(more) => parts.extend(more),
            form => parts.push(Formula {
                form,
                span: other.span,
            }),
        }
        Formula {
            form: Form::And(parts),
            span,
        }
    }

    pub(crate) fn or(self, other: Formula) -> Formula {
        let span = self.span.to(other.span);
        let mut parts = match self.form {
            Form::Or(parts) => parts,
            form => vec![Formula {
                form,
                span: self.span,
            }],
        };
        match other.form {
            Form::Or(more) => parts.extend(more),
            form => parts.push(Formula {
                form,
                span: other.span,
            }),
        }
        Formula {
            form: Form::Or(parts),
            span,
        }
    }

    /// What this is directly made of, when it is no comparison.
    pub(crate) fn parts(&self) -> &[Formula] {
        match &self.form {
            Form::Constant(_) | Form::Comparison(_) => &[],
            Form::Not(part) => std::slice::from_ref(part),
            Form::And(parts) | Form::Or(parts) => parts,
        }
    }
}

impl Operator {
    /// Whether it asks for an order of its sides.
    pub(crate) fn orders(self) -> bool {
        matches!(
            self,
            Operator::Less | Operator::LessOrEqual | Operator::Greater | Operator::GreaterOrEqual
        )
    }
}

impl Options {
    /// Whether strings have to be folded before they are compared.
    pub(crate) fn fold(self) -> bool {
        self.case || self.diacritics
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Operator::Equal => "==",
            Operator::NotEqual => "!=",
            Operator::Less => "<",
            Operator::LessOrEqual => "<=",
            Operator::Greater => ">",
            Operator::GreaterOrEqual => ">=",
            Operator::Between => "BETWEEN",
            Operator::In => "IN",
            Operator::Contains => "CONTAINS",
            Operator::BeginsWith => "BEGINSWITH",
            Operator::EndsWith => "ENDSWITH",
            Operator::Like => "LIKE",
            Operator::Matches => "MATCHES",
        })
    }
}

impl fmt::Display for Quantifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Quantifier::Any => "ANY",
            Quantifier::All => "ALL",
            Quantifier::None => "NONE",
        })
    }
}

impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letters = [
            (self.case, 'c'),
            (self.diacritics, 'd'),
            (self.normalized, 'n'),
            (self.locale, 'l'),
        ];
        if *self == Options::default() {
            return Ok(());
        }
        let set: String = letters
            .iter()
            .filter(|(set, _)| *set)
            .map(|(_, letter)| letter)
            .collect();
        write!(f, "[{set}]")
    }
}
