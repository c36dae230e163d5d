//! What holds of every predicate and all facts.

mod reference;

use ordain_predicate::{Dialect, Document, Predicate, Row, Truth, parse};
use proptest::prelude::*;
use reference::{Tree, naive, properties, tree};
use serde_json::{Map, Value, json};

fn parsed(text: &str) -> Predicate {
    parse(text, Dialect::Device).unwrap_or_else(|error| panic!("{}", error.render(text)))
}

fn document(properties: &Map<String, Value>) -> Document {
    Document {
        properties: properties.clone(),
        ..Document::default()
    }
}

fn outcome(text: &str, properties: &Map<String, Value>) -> Truth {
    parsed(text).evaluate_with_unknown(&document(properties))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn outcomes_are_those_of_a_naive_reader(tree in tree(), properties in properties()) {
        let predicate = parsed(&tree.text());
        let expected = naive::truth(&tree, &properties).map_or(Truth::Unknown, Truth::from);
        prop_assert_eq!(predicate.evaluate_with_unknown(&document(&properties)), expected, "{}", predicate);
    }

    #[test]
    fn a_printed_predicate_is_the_same(tree in tree()) {
        let predicate = parsed(&tree.text());
        let printed = predicate.to_string();
        let again = parsed(&printed);
        prop_assert_eq!(again.to_string(), printed);
        prop_assert_eq!(again, predicate);
    }

    #[test]
    fn more_facts_change_nothing_that_was_decided(tree in tree(), some in properties(), others in properties()) {
        let predicate = parsed(&tree.text());
        let decided = predicate.evaluate_with_unknown(&document(&some));
        if decided != Truth::Unknown {
            let mut more = others;
            more.extend(some);
            prop_assert_eq!(predicate.evaluate_with_unknown(&document(&more)), decided, "{}", predicate);
        }
    }

    /// A device that gives an outcome gives the one that was foretold, if it has the same facts: all, none is nil.
    #[test]
    fn a_device_agrees_with_what_was_decided(tree in tree(), properties in properties()) {
        let predicate = parsed(&tree.text());
        let facts = document(&properties);
        let decided = predicate.evaluate_with_unknown(&facts);
        if let (Ok(outcome), true) = (predicate.evaluate_with_nil(&facts), decided != Truth::Unknown) {
            prop_assert_eq!(Truth::from(outcome), decided, "{}", predicate);
        }
        let mut nils: Map<String, Value> = reference::KEYS.map(|key| (key.to_owned(), json!(null))).into_iter().collect();
        nils.extend(properties);
        let with_nils = predicate.evaluate_with_nil(&document(&nils));
        prop_assert_eq!(predicate.evaluate_with_nil(&facts).ok(), with_nils.ok());
    }

    #[test]
    fn an_explanation_explains_the_outcome(tree in tree(), properties in properties()) {
        let predicate = parsed(&tree.text());
        let facts = document(&properties);
        let explanation = predicate.explain(&facts);
        let outcome = predicate.evaluate_with_unknown(&facts);
        prop_assert_eq!(explanation.outcome, outcome);
        let missing = explanation.missing();
        prop_assert!(outcome == Truth::Unknown || missing.is_empty());
        for fact in missing {
            prop_assert!(properties.keys().all(|key| fact != format!("@property({key})")), "{}", fact);
        }
        let shown = explanation.to_string();
        let first = format!("▸ {outcome}: ");
        prop_assert!(shown.starts_with(&first), "{}", shown);
    }

    #[test]
    fn values_in_a_row_are_values_by_name(tree in tree(), properties in properties()) {
        let predicate = parsed(&tree.text());
        let row: Vec<Option<&Value>> = predicate.facts().iter().map(|fact| properties.get(&fact.name)).collect();
        prop_assert_eq!(
            predicate.evaluate_with_unknown(&Row(&row)),
            predicate.evaluate_with_unknown(&document(&properties))
        );
    }

    #[test]
    fn kleenes_laws_hold(a in tree(), b in tree(), c in tree(), properties in properties()) {
        let (a, b, c) = (a.text(), b.text(), c.text());
        for (left, right) in [
            (format!("({a}) AND ({b})"), format!("({b}) AND ({a})")),
            (format!("({a}) OR ({b})"), format!("({b}) OR ({a})")),
            (format!("NOT (({a}) AND ({b}))"), format!("NOT ({a}) OR NOT ({b})")),
            (format!("NOT (({a}) OR ({b}))"), format!("NOT ({a}) AND NOT ({b})")),
            (format!("({a}) AND (({b}) OR ({c}))"), format!("(({a}) AND ({b})) OR (({a}) AND ({c}))")),
            (format!("({a}) OR (({b}) AND ({c}))"), format!("(({a}) OR ({b})) AND (({a}) OR ({c}))")),
            (format!("({a}) OR (({a}) AND ({b}))"), a.clone()),
            (format!("NOT NOT ({a})"), a.clone()),
            (format!("({a}) AND TRUEPREDICATE"), a.clone()),
            (format!("({a}) OR FALSEPREDICATE"), a.clone()),
        ] {
            prop_assert_eq!(outcome(&left, &properties), outcome(&right, &properties), "{} and {}", left, right);
        }
    }
}

/// The generator is worth something only if it makes all three outcomes often.
#[test]
fn random_predicates_have_all_outcomes() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut counts = [0; 3];
    for _ in 0..1000 {
        let tree: Tree = tree().new_tree(&mut runner).unwrap().current();
        let properties = properties().new_tree(&mut runner).unwrap().current();
        counts[outcome(&tree.text(), &properties) as usize] += 1;
    }
    assert!(counts.iter().all(|count| *count > 150), "{counts:?}");
}

proptest! {
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
        let text = format!("@property(x) == \"{spelled}\"");
        let facts = Map::from_iter([("x".to_owned(), json!(value))]);
        prop_assert_eq!(outcome(&text, &facts), Truth::True);
        let predicate = parsed(&text);
        prop_assert_eq!(parsed(&predicate.to_string()), predicate);
    }

    #[test]
    fn numbers_mean_what_they_spell(integer in -i64::MAX.., float in prop::num::f64::NORMAL | prop::num::f64::ZERO) {
        let text = format!("@property(integer) == {integer} AND {float:?} == @property(float)");
        let facts = Map::from_iter([("integer".to_owned(), json!(integer)), ("float".to_owned(), json!(float))]);
        prop_assert_eq!(outcome(&text, &facts), Truth::True);
        let predicate = parsed(&text);
        prop_assert_eq!(parsed(&predicate.to_string()), predicate);
    }
}
