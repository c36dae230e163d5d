//! Predicates as trees of the tests' own, which know nothing of the crate: how they are written, and made at random.

pub(crate) mod naive;

use proptest::prelude::*;
use serde_json::{Value, json};

#[derive(Debug, Clone)]
pub(crate) enum Tree {
    Constant(bool),
    Compare(Option<&'static str>, Term, Operator, Term),
    Not(Box<Tree>),
    And(Vec<Tree>),
    Or(Vec<Tree>),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Operator {
    Equal,
    NotEqual,
    Less,
    AtLeast,
    Between,
    In,
    Contains,
    BeginsWith,
    EndsWith,
    Like,
    /// Both fold: case, then diacritics.
    EqualFolded,
    InFolded,
}

#[derive(Debug, Clone)]
pub(crate) enum Term {
    Literal(Value),
    Aggregate(Vec<Term>),
    Property(&'static str),
    Variable,
    Key(Box<Term>, &'static str),
    Count(Box<Term>),
    First(Box<Term>),
    Index(Box<Term>, usize),
    Sum(Box<Term>, Box<Term>),
    Difference(Box<Term>, Box<Term>),
    Product(Box<Term>, Box<Term>),
    Negative(Box<Term>),
    Subquery(Box<Term>, Box<Tree>),
}

pub(crate) const KEYS: [&str; 5] = ["p", "q", "r", "s", "t"];

impl Tree {
    /// With parentheses around every part.
    pub(crate) fn text(&self) -> String {
        let joined = |parts: &[Tree], word: &str| {
            let parts: Vec<String> = parts.iter().map(|part| format!("({})", part.text())).collect();
            parts.join(word)
        };
        match self {
            Tree::Constant(true) => "TRUEPREDICATE".to_owned(),
            Tree::Constant(false) => "falsepredicate".to_owned(),
            Tree::Not(part) => format!("NOT ({})", part.text()),
            Tree::And(parts) => joined(parts, " && "),
            Tree::Or(parts) => joined(parts, " or "),
            Tree::Compare(quantifier, left, operator, right) => format!(
                "{} {} {} {}",
                quantifier.unwrap_or_default(),
                left.text(),
                operator.text(),
                right.text()
            ),
        }
    }
}

impl Operator {
    fn text(self) -> &'static str {
        match self {
            Operator::Equal => "=",
            Operator::NotEqual => "<>",
            Operator::Less => "<",
            Operator::AtLeast => "=>",
            Operator::Between => "between",
            Operator::In => "IN",
            Operator::Contains => "CONTAINS",
            Operator::BeginsWith => "BEGINSWITH",
            Operator::EndsWith => "ENDSWITH",
            Operator::Like => "LIKE",
            Operator::EqualFolded => "==[cd]",
            Operator::InFolded => "IN[cd]",
        }
    }
}

impl Term {
    fn text(&self) -> String {
        match self {
            Term::Literal(Value::Null) => "nil".to_owned(),
            Term::Literal(value) => value.to_string(),
            Term::Aggregate(terms) => {
                let terms: Vec<String> = terms.iter().map(Term::text).collect();
                format!("{{{}}}", terms.join(", "))
            }
            Term::Property(key) => format!("@property({key})"),
            Term::Variable => "$x".to_owned(),
            Term::Key(term, key) => format!("({}).@key({key})", term.text()),
            Term::Count(term) => format!("({}).@count", term.text()),
            Term::First(term) => format!("({})[FIRST]", term.text()),
            Term::Index(term, index) => format!("({})[{index}]", term.text()),
            Term::Sum(left, right) => format!("(({}) + ({}))", left.text(), right.text()),
            Term::Difference(left, right) => format!("(({}) - ({}))", left.text(), right.text()),
            Term::Product(left, right) => format!("(({}) * ({}))", left.text(), right.text()),
            Term::Negative(term) => format!("-({})", term.text()),
            Term::Subquery(list, tree) => format!("SUBQUERY({}, $x, {})", list.text(), tree.text()),
        }
    }
}

/// Few values, so that comparisons are often true.
pub(crate) fn value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        1 => Just(json!(null)),
        1 => any::<bool>().prop_map(|value| json!(value)),
        4 => (-1..4).prop_map(|value| json!(value)),
        1 => (0..4).prop_map(|value| json!(f64::from(value) / 2.0)),
        4 => "[aAéÉb]{0,2}".prop_map(|value| json!(value)),
    ];
    scalar.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::btree_map(prop::sample::select(&["k", "l"][..]), inner, 0..3)
                .prop_map(|members| json!(members)),
        ]
    })
}

/// What is known: some of the properties, mostly of the kinds that fitting comparisons expect.
pub(crate) fn properties() -> impl Strategy<Value = serde_json::Map<String, Value>> {
    let number = (-1..4).prop_map(|value| json!(value));
    let text = "[aAéÉb]{0,2}".prop_map(|value| json!(value));
    let list = prop::collection::vec(prop_oneof![number.clone(), text.clone()], 0..4);
    let element = (0..3, "[aA]").prop_map(|(k, l)| json!({"k": k, "l": l}));
    let elements = prop::collection::vec(element, 0..4).prop_map(Value::Array);
    (
        maybe(number.boxed()),
        maybe(text.boxed()),
        maybe(list.prop_map(Value::Array).boxed()),
        maybe(elements.boxed()),
        maybe(value().boxed()),
    )
        .prop_map(|(p, q, r, s, t)| {
            let known = KEYS.into_iter().zip([p, q, r, s, t]);
            known
                .filter_map(|(key, value)| Some((key.to_owned(), value?)))
                .collect()
        })
}

fn maybe(usual: BoxedStrategy<Value>) -> impl Strategy<Value = Option<Value>> {
    prop_oneof![
        6 => usual.prop_map(Some),
        1 => value().prop_map(Some),
        2 => Just(None),
    ]
}

/// A comparison of a property with what it usually is.
fn fitting() -> impl Strategy<Value = Tree> {
    use Operator::*;
    let number = (-1..4).prop_map(|value| Term::Literal(json!(value))).boxed();
    let text = "[aAéb*?]{0,2}"
        .prop_map(|value| Term::Literal(json!(value)))
        .boxed();
    let orders = prop::sample::select(vec![Equal, NotEqual, Less, AtLeast]);
    let strings = prop::sample::select(vec![
        Equal,
        EqualFolded,
        Less,
        Contains,
        BeginsWith,
        EndsWith,
        Like,
        In,
    ]);
    let quantifier = prop::sample::select(vec![Some("ANY"), Some("ALL"), Some("NONE")]);
    let property = |key| Box::new(Term::Property(key));
    let some = prop_oneof![number.clone(), text.clone()];
    let within = (
        prop::sample::select(&["k", "l"][..]),
        orders.clone(),
        some.clone(),
    )
        .prop_map(|(key, operator, literal)| {
            Tree::Compare(None, Term::Key(Box::new(Term::Variable), key), operator, literal)
        });
    prop_oneof![
        (orders.clone(), number.clone()).prop_map(move |(operator, literal)| Tree::Compare(
            None,
            *property("p"),
            operator,
            literal
        )),
        (strings, text.clone()).prop_map(move |(operator, literal)| Tree::Compare(
            None,
            *property("q"),
            operator,
            literal
        )),
        (
            quantifier,
            some.clone(),
            prop::sample::select(vec![Equal, NotEqual])
        )
            .prop_map(move |(quantifier, literal, operator)| Tree::Compare(
                quantifier,
                *property("r"),
                operator,
                literal
            )),
        (some, prop::sample::select(vec![In, InFolded])).prop_map(move |(literal, operator)| Tree::Compare(
            None,
            literal,
            operator,
            *property("r")
        )),
        (within, orders, number).prop_map(move |(within, operator, literal)| {
            let found = Term::Subquery(property("s"), Box::new(within));
            Tree::Compare(None, Term::Count(Box::new(found)), operator, literal)
        }),
    ]
}

fn term() -> BoxedStrategy<Term> {
    let literal = prop_oneof![
        (0..4).prop_map(|value| Term::Literal(json!(value))),
        "[aAéÉb?*]{0,2}".prop_map(|value| Term::Literal(json!(value))),
        prop::sample::select(vec![json!(null), json!(true), json!(0.5)]).prop_map(Term::Literal),
    ];
    let leaf = prop_oneof![
        3 => literal,
        4 => prop::sample::select(&KEYS[..]).prop_map(Term::Property),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let pair = (inner.clone().prop_map(Box::new), inner.clone().prop_map(Box::new));
        prop_oneof![
            3 => prop::collection::vec(inner.clone(), 0..4).prop_map(Term::Aggregate),
            2 => (inner.clone(), prop::sample::select(&["k", "l"][..])).prop_map(|(term, key)| Term::Key(Box::new(term), key)),
            1 => inner.clone().prop_map(|term| Term::Count(Box::new(term))),
            1 => inner.clone().prop_map(|term| Term::First(Box::new(term))),
            1 => (inner.clone(), 0..3_usize).prop_map(|(term, index)| Term::Index(Box::new(term), index)),
            1 => pair.clone().prop_map(|(left, right)| Term::Sum(left, right)),
            1 => pair.clone().prop_map(|(left, right)| Term::Difference(left, right)),
            1 => pair.prop_map(|(left, right)| Term::Product(left, right)),
            1 => inner.clone().prop_map(|term| Term::Negative(Box::new(term))),
            3 => (inner.clone(), comparison(element(inner)))
                .prop_map(|(list, tree)| Term::Subquery(Box::new(list), Box::new(tree))),
        ]
    })
    .boxed()
}

/// What stands within a SUBQUERY.
fn element(term: impl Strategy<Value = Term> + 'static) -> impl Strategy<Value = Term> + Clone {
    let key = prop::sample::select(&["k", "l"][..]);
    prop_oneof![
        1 => term,
        2 => Just(Term::Variable),
        1 => key.prop_map(|key| Term::Key(Box::new(Term::Variable), key)),
    ]
    .boxed()
}

fn comparison(term: impl Strategy<Value = Term> + Clone) -> impl Strategy<Value = Tree> {
    use Operator::*;
    let operators = vec![
        Equal,
        NotEqual,
        Less,
        AtLeast,
        Between,
        In,
        Contains,
        BeginsWith,
        EndsWith,
        Like,
        EqualFolded,
        InFolded,
    ];
    let quantifier = prop_oneof![
        3 => Just(None),
        1 => prop::sample::select(vec![Some("ANY"), Some("some"), Some("ALL"), Some("NONE")]),
    ];
    let bounds = (term.clone(), term.clone()).prop_map(|(low, high)| Term::Aggregate(vec![low, high]));
    (
        quantifier,
        term.clone(),
        prop::sample::select(operators),
        term,
        bounds,
    )
        .prop_map(|(quantifier, left, operator, right, bounds)| {
            let right = if operator == Between { bounds } else { right };
            Tree::Compare(quantifier, left, operator, right)
        })
}

pub(crate) fn tree() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        1 => any::<bool>().prop_map(Tree::Constant),
        6 => comparison(term()),
        6 => fitting(),
    ];
    leaf.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|part| Tree::Not(Box::new(part))),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Tree::And),
            prop::collection::vec(inner, 2..4).prop_map(Tree::Or),
        ]
    })
}
