//! The values of a predicate: what stands on the sides of a comparison.

use serde_json::Value;

use crate::fact::Fact;
use crate::formula::Formula;
use crate::span::Span;

/// An expression, and its place in the author's text. Equality ignores places.
#[derive(Debug, Clone)]
pub(crate) struct Term {
    pub(crate) kind: TermKind,
    pub(crate) span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum TermKind {
    /// A scalar; integers are within i64, floats finite.
    Literal(Value),
    /// `{a, b}`.
    Aggregate(Vec<Term>),
    Fact(FactTerm),
    /// `@key(name)` or a bare name, which a device has no object for, and `SELF`, which would be that object.
    Bare(Bare),
    Variable(String),
    Negative(Box<Term>),
    /// Operators of one precedence, from left to right.
    Arithmetic(Box<Term>, Vec<(Arithmetic, Term)>),
    /// At least one step.
    Path(Box<Term>, Vec<Step>),
    Subquery(Box<Subquery>),
    Function(Function, Vec<Term>),
    /// `TERNARY(predicate, a, b)`.
    Ternary(Box<(Formula, Term, Term)>),
}

/// A fact with its place in the predicate's list of facts.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FactTerm {
    pub(crate) fact: Fact,
    pub(crate) place: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Bare {
    Key(String),
    Name(String),
    SelfObject,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    Plus,
    Minus,
    Times,
    Divide,
    Power,
}

/// What follows a value in a path.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Step {
    /// `.@key(name)`, or `.name`, which means the same.
    Key(String),
    /// `.@count` and its like; what follows is done to each element first.
    Collect(Collect),
    Index(Term),
    First,
    Last,
    Size,
}

/// Collection operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Collect {
    Count,
    Sum,
    Average,
    Minimum,
    Maximum,
    DistinctUnionOfObjects,
    UnionOfObjects,
    UnionOfArrays,
    FirstObject,
    LastObject,
}

/// `SUBQUERY(collection, $variable, predicate)`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Subquery {
    pub(crate) collection: Term,
    pub(crate) variable: String,
    pub(crate) predicate: Formula,
}

/// The functions of NSExpression. Which of them devices have is not known, so they are never evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Function(&'static str);

/// One side of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Operand {
    pub(crate) term: Term,
    /// The value of a term that is constant, folded as the comparison's options demand.
    pub(crate) constant: Option<Value>,
}

impl PartialEq for Term {
    fn eq(&self, other: &Term) -> bool {
        self.kind == other.kind
    }
}

impl Function {
    const ALL: [&'static str; 24] = [
        "sum",
        "count",
        "min",
        "max",
        "average",
        "median",
        "mode",
        "stddev",
        "sqrt",
        "log",
        "ln",
        "exp",
        "floor",
        "ceiling",
        "abs",
        "trunc",
        "random",
        "randomn",
        "now",
        "uppercase",
        "lowercase",
        "length",
        "CAST",
        "TERNARY",
    ];

    /// `CAST(value, 'type')`.
    pub(crate) const CAST: Function = Function("CAST");

    /// The function of this name, which is in lower case.
    pub(crate) fn named(name: &str) -> Option<Function> {
        Function::ALL
            .into_iter()
            .find(|known| *known == name)
            .map(Function)
    }

    pub(crate) fn name(self) -> &'static str {
        self.0
    }
}

impl Collect {
    const ALL: [(&'static str, Collect); 10] = [
        ("count", Collect::Count),
        ("sum", Collect::Sum),
        ("avg", Collect::Average),
        ("min", Collect::Minimum),
        ("max", Collect::Maximum),
        ("distinctUnionOfObjects", Collect::DistinctUnionOfObjects),
        ("unionOfObjects", Collect::UnionOfObjects),
        ("unionOfArrays", Collect::UnionOfArrays),
        ("firstObject", Collect::FirstObject),
        ("lastObject", Collect::LastObject),
    ];

    pub(crate) fn named(word: &str) -> Option<Collect> {
        Collect::ALL
            .into_iter()
            .find_map(|(known, operator)| (known == word).then_some(operator))
    }

    /// The word after the `@`.
    pub(crate) fn word(self) -> &'static str {
        Collect::ALL
            .into_iter()
            .find_map(|(word, known)| (known == self).then_some(word))
            .unwrap_or_default()
    }
}

impl Step {
    /// Whether this is a collection operator.
    pub(crate) fn is_collection(&self) -> bool {
        matches!(self, Step::Collect(_))
    }
}

impl Term {
    /// The value of a literal, or of a list of literals.
    pub(crate) fn constant(&self) -> Option<Value> {
        match &self.kind {
            TermKind::Literal(value) => Some(value.clone()),
            TermKind::Aggregate(terms) => terms
                .iter()
                .map(Term::constant)
                .collect::<Option<_>>()
                .map(Value::Array),
            _ => None,
        }
    }

    /// The string that is written here.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.kind {
            TermKind::Literal(Value::String(text)) => Some(text),
            _ => None,
        }
    }
}
