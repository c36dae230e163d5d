//! The two ways to evaluate, against each other, against a naive reference, and explained.

use std::collections::BTreeMap;

use ordain_predicate::{Facts, Truth, parse};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Properties only; no status item is known.
#[derive(Debug, Clone, Default)]
struct Properties(BTreeMap<&'static str, Value>);

impl Facts for Properties {
    fn status(&self, _: &str) -> Option<&Value> {
        None
    }
    fn property(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }
}

fn known() -> Properties {
    Properties(BTreeMap::from([
        ("age", json!(18)),
        ("admin", json!(true)),
        ("version", json!("17.10")),
        ("nothing", json!(null)),
        ("roles", json!(["a", "b"])),
        ("a.b", json!("dotted")),
    ]))
}

#[test]
fn known_facts_give_the_same_with_unknown_and_with_nil() {
    for (text, expected) in [
        ("@property(age) == 18", true),
        ("18.0 = @property(age)", true),
        ("@property(age) != '18'", true),
        ("@property(age) == '18'", false),
        ("@property(admin) == 1", true),
        ("@property(admin) == YES", true),
        ("@property(admin) == 'true'", false),
        ("@property(admin) > FALSE", true),
        ("@property(version) < '17.9'", true),
        ("@property(version) >= '17'", true),
        ("@property(nothing) == nil", true),
        ("@property(nothing) != nil", false),
        ("@property(age) != nil", true),
        ("@property(nothing) < 5", false),
        ("NOT @property(nothing) < 5", true),
        ("@property(roles) == @property(roles)", true),
        ("@property(roles) == 'a'", false),
        ("@property(a.b) == 'dotted'", true),
        (
            "@property(age) == -18 OR @property(age) > 1e1 AND @property(age) < 0x13",
            true,
        ),
        ("TRUEPREDICATE AND NOT FALSEPREDICATE", true),
    ] {
        let predicate = parse(text).unwrap();
        assert_eq!(
            predicate.evaluate_with_unknown(&known()),
            Truth::from(expected),
            "{text}"
        );
        assert_eq!(predicate.evaluate_with_nil(&known()), Ok(expected), "{text}");
    }
}

#[test]
fn absent_facts_are_unknown_or_nil() {
    for (text, with_unknown, with_nil) in [
        ("@status(a) == nil", Truth::Unknown, true),
        ("@status(a) == @status(b)", Truth::Unknown, true),
        ("@status(a) != 'x'", Truth::Unknown, true),
        ("@status(a) == 'x'", Truth::Unknown, false),
        ("NOT @status(a) == 'x'", Truth::Unknown, true),
        ("@status(a) <= @status(a)", Truth::Unknown, false),
        ("@status(a) == 1 AND @property(age) == 17", Truth::False, false),
        ("@status(a) == 1 AND @property(age) == 18", Truth::Unknown, false),
        ("@status(a) == 1 OR @property(age) == 18", Truth::True, true),
        ("@status(a) == 1 OR @property(age) == 17", Truth::Unknown, false),
    ] {
        let predicate = parse(text).unwrap();
        assert_eq!(predicate.evaluate_with_unknown(&known()), with_unknown, "{text}");
        assert_eq!(predicate.evaluate_with_nil(&known()), Ok(with_nil), "{text}");
    }
}

#[test]
fn an_order_of_unlike_values_is_unknown_or_an_error() {
    for (text, reason) in [
        ("@property(version) > 15", "a string and a number have no order"),
        ("@property(admin) <= 'x'", "a Boolean and a string have no order"),
        ("@property(roles) < 2", "an array and a number have no order"),
    ] {
        let predicate = parse(text).unwrap();
        assert_eq!(
            predicate.evaluate_with_unknown(&known()),
            Truth::Unknown,
            "{text}"
        );
        let error = predicate.evaluate_with_nil(&known()).unwrap_err();
        assert_eq!(error.to_string(), format!("{text}: {reason}"));
        assert_eq!(predicate.explain(&known()).mismatch, Some(error.mismatch));
    }
    // A device does not look at what no longer matters; the server may look at everything.
    for (text, with_unknown, with_nil) in [
        ("1 == 2 AND 'a' < 1", Truth::False, Some(false)),
        ("1 == 1 OR 'a' < 1", Truth::True, Some(true)),
        ("'a' < 1 AND 1 == 2", Truth::False, None),
        ("'a' < 1 OR 1 == 1", Truth::True, None),
    ] {
        let predicate = parse(text).unwrap();
        assert_eq!(predicate.evaluate_with_unknown(&known()), with_unknown, "{text}");
        assert_eq!(predicate.evaluate_with_nil(&known()).ok(), with_nil, "{text}");
    }
}

#[test]
fn an_explanation_shows_each_part_with_its_facts() {
    let text = "@property(age) >= 18 AND NOT (@status(device.model.family) == 'Mac' OR @property(roles) < 2 \
                OR @property(version) == @property(nothing))";
    assert_eq!(
        parse(text).unwrap().explain(&known()).to_string(),
        "\
unknown: AND
  true: @property(age) >= 18
    @property(age) is 18
  unknown: NOT
    unknown: OR
      unknown: @status(device.model.family) == 'Mac'
        @status(device.model.family) is missing
      unknown: @property(roles) < 2
        @property(roles) is an array
        an array and a number have no order
      false: @property(version) == @property(nothing)
        @property(version) is \"17.10\"
        @property(nothing) is nil"
    );
}

/// A predicate over `@property(a)` to `@property(d)`, each leaf true when its property is 1.
#[derive(Debug, Clone)]
enum Tree {
    Leaf(&'static str),
    Not(Box<Tree>),
    And(Box<Tree>, Box<Tree>),
    Or(Box<Tree>, Box<Tree>),
}

impl Tree {
    /// With only those parentheses that precedence demands; `context` is 0 in OR, 1 in AND, 2 in NOT.
    fn text(&self, context: u8) -> String {
        let (own, text) = match self {
            Tree::Leaf(key) => (3, format!("@property({key})==1")),
            Tree::Not(part) => (2, format!("!{}", part.text(2))),
            Tree::And(left, right) => (1, format!("{} and {}", left.text(1), right.text(1))),
            Tree::Or(left, right) => (0, format!("{}||{}", left.text(0), right.text(0))),
        };
        if own < context { format!("( {text})") } else { text }
    }

    /// Kleene's tables, with None for unknown.
    fn truth(&self, facts: &Properties) -> Option<bool> {
        match self {
            Tree::Leaf(key) => facts.0.get(key).map(|value| *value == 1),
            Tree::Not(part) => part.truth(facts).map(|truth| !truth),
            Tree::And(left, right) => match (left.truth(facts), right.truth(facts)) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            },
            Tree::Or(left, right) => match (left.truth(facts), right.truth(facts)) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                _ => None,
            },
        }
    }
}

const KEYS: [&str; 4] = ["a", "b", "c", "d"];

fn tree() -> impl Strategy<Value = Tree> {
    prop::sample::select(&KEYS[..])
        .prop_map(Tree::Leaf)
        .prop_recursive(6, 40, 2, |inner| {
            prop_oneof![
                inner.clone().prop_map(|part| Tree::Not(Box::new(part))),
                (inner.clone(), inner.clone())
                    .prop_map(|(left, right)| Tree::And(Box::new(left), Box::new(right))),
                (inner.clone(), inner).prop_map(|(left, right)| Tree::Or(Box::new(left), Box::new(right))),
            ]
        })
}

fn facts() -> impl Strategy<Value = Properties> {
    prop::collection::btree_map(
        prop::sample::select(&KEYS[..]),
        (0..2).prop_map(|n| json!(n)),
        0..=4,
    )
    .prop_map(Properties)
}

/// `facts`, with those that it lacks from `others`.
fn completed(facts: &Properties, mut others: Properties) -> Properties {
    others.0.extend(facts.0.clone());
    others
}

proptest! {
    #[test]
    fn outcomes_are_kleenes(tree in tree(), facts in facts(), others in facts()) {
        let predicate = parse(&tree.text(0)).unwrap();
        prop_assert_eq!(parse(&predicate.to_string()), Ok(predicate.clone()));

        let truth = predicate.evaluate_with_unknown(&facts);
        prop_assert_eq!(truth, tree.truth(&facts).map_or(Truth::Unknown, Truth::from));
        prop_assert_eq!(predicate.explain(&facts).truth, truth);

        // More facts change nothing that was decided, and neither does taking the missing ones for nil.
        let with_nil = predicate.evaluate_with_nil(&facts).unwrap();
        if truth != Truth::Unknown {
            prop_assert_eq!(Truth::from(with_nil), truth);
            prop_assert_eq!(predicate.evaluate_with_unknown(&completed(&facts, others)), truth);
        }
        let zeros = Properties(KEYS.map(|key| (key, json!(0))).into());
        prop_assert_eq!(Some(with_nil), tree.truth(&completed(&facts, zeros)));
    }

    #[test]
    fn strings_mean_what_they_spell(chars in prop::collection::vec(any::<char>(), 0..20)) {
        let value = chars.into_iter().filter(|c| *c != '\0').collect::<String>();
        let spelled = value
            .chars()
            .map(|c| match c {
                '"' | '\\' => format!("\\{c}"),
                c if c.is_control() => format!("\\u{:04x}", u32::from(c)),
                c => c.to_string(),
            })
            .collect::<String>();
        let predicate = parse(&format!("@property(x) == \"{spelled}\"")).unwrap();
        let facts = Properties(BTreeMap::from([("x", json!(value))]));
        prop_assert_eq!(predicate.evaluate_with_unknown(&facts), Truth::True);
        prop_assert_eq!(parse(&predicate.to_string()), Ok(predicate));
    }

    #[test]
    fn numbers_mean_what_they_spell(integer in -i64::MAX.., float in prop::num::f64::NORMAL | prop::num::f64::ZERO) {
        let predicate = parse(&format!("@property(integer) == {integer} AND {float:?} == @property(float)")).unwrap();
        let facts = Properties(BTreeMap::from([("integer", json!(integer)), ("float", json!(float))]));
        prop_assert_eq!(predicate.evaluate_with_unknown(&facts), Truth::True);
        prop_assert_eq!(parse(&predicate.to_string()), Ok(predicate));
    }
}
