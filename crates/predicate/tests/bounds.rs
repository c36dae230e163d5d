//! Whatever comes, nothing panics, nothing takes for ever, and nothing contradicts itself.

mod soup;

use ordain_predicate::{Cause, Dialect, Document, MAX_STEPS, Truth, parse};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_borne(seed: u64) {
        soup::exercise(seed);
    }

    #[test]
    fn any_characters_are_borne(text: String) {
        if let Err(error) = parse(&text, Dialect::Device) {
            prop_assert!(text.get(error.span.clone()).is_some());
            prop_assert!(error.render(&text).contains('^'));
        }
    }

    #[test]
    fn any_pattern_is_borne(pattern in "[-ab01.*+?(){}\\[\\]|^$\\\\,:é]{0,20}", text in "[ab01-]{0,10}") {
        let escaped = pattern.replace('\\', "\\\\");
        if let Ok(predicate) = parse(&format!("'{text}' MATCHES '{escaped}'"), Dialect::Device) {
            let outcome = predicate.evaluate_with_unknown(&Document::default());
            prop_assert_ne!(outcome, Truth::Unknown);
            // What is let through means the same to the library when it is not translated.
            let plain = regex::Regex::new(&format!("^(?:{pattern})$")).unwrap();
            prop_assert_eq!(outcome == Truth::True, plain.is_match(&text), "{}", pattern);
        }
    }
}

fn facts(list: Value) -> Document {
    Document {
        properties: Map::from_iter([("list".to_owned(), list)]),
        ..Document::default()
    }
}

#[test]
fn nested_searches_end_with_the_budget() {
    let text = "SUBQUERY(@property(list), $a, SUBQUERY(@property(list), $b, SUBQUERY(@property(list), $c, \
                $a + $b + $c == 0).@count > 0).@count > 0).@count > 0";
    let predicate = parse(text, Dialect::Device).unwrap();
    let short = facts((1..20).collect());
    assert_eq!(predicate.evaluate_with_unknown(&short), Truth::False);
    let long = facts((1..1000).collect());
    assert_eq!(predicate.evaluate_with_unknown(&long), Truth::Unknown);
    let error = predicate.evaluate_with_nil(&long).unwrap_err();
    assert_eq!(error.cause, Cause::TooManySteps);
    assert!(predicate.to_string().contains(&error.comparison), "{error}");
    let explanation = predicate.explain(&long);
    assert_eq!(explanation.outcome, Truth::Unknown);
    assert_eq!(
        explanation.cause,
        Some(format!("this takes more than {MAX_STEPS} steps"))
    );
}

#[test]
fn long_strings_cost_steps() {
    let text = "@property(list) LIKE '*a*a*a*b'";
    let predicate = parse(text, Dialect::Device).unwrap();
    assert_eq!(
        predicate.evaluate_with_unknown(&facts(json!("a".repeat(10_000)))),
        Truth::False
    );
    assert_eq!(
        predicate.evaluate_with_unknown(&facts(json!("a".repeat(50_000_000)))),
        Truth::Unknown
    );
    let text = "SUBQUERY(@property(list), $n, @property(text) CONTAINS 'b').@count == 0";
    let predicate = parse(text, Dialect::Device).unwrap();
    for (elements, outcome) in [(10, Truth::True), (300, Truth::Unknown)] {
        let mut facts = facts((0..elements).collect());
        facts
            .properties
            .insert("text".to_owned(), json!("a".repeat(1_000_000)));
        assert_eq!(predicate.evaluate_with_unknown(&facts), outcome);
    }
}
