//! Hand-made predicates with facts and outcomes, grouped by operator.
//!
//! A line is the outcome with Unknown, that with nil (`error` where a device cannot evaluate, `-` where no device does), the
//! name of the facts, and the predicate.

use std::collections::BTreeMap;

use ordain_predicate::{Dialect, Document, parse};

/// Checks each line, and tells how many there were.
fn check(file: &str) -> usize {
    let mut facts: BTreeMap<&str, Document> = BTreeMap::new();
    let mut dialect = Dialect::Device;
    let mut checked = 0;
    for line in file
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let (first, rest) = line.split_once(' ').unwrap();
        let rest = rest.trim_start();
        match first {
            "dialect" => dialect = Dialect::Server,
            "facts" => {
                let (name, document) = rest.split_once(' ').unwrap();
                let document =
                    serde_json::from_str(document).unwrap_or_else(|error| panic!("{line}: {error}"));
                facts.insert(name, document);
            }
            with_unknown => {
                let (with_nil, rest) = rest.split_once(' ').unwrap();
                let (name, text) = rest.trim_start().split_once(' ').unwrap();
                let text = text.trim_start();
                let predicate = parse(text, dialect).unwrap_or_else(|error| panic!("{}", error.render(text)));
                let facts = &facts[name];
                assert_eq!(
                    predicate.evaluate_with_unknown(facts).to_string(),
                    with_unknown,
                    "{line}"
                );
                let outcome = match predicate.evaluate_with_nil(facts) {
                    Ok(outcome) => outcome.to_string(),
                    Err(_) => "error".to_owned(),
                };
                assert!(with_nil == "-" || with_nil == outcome, "{outcome}: {line}");
                let explanation = predicate.explain(facts);
                assert_eq!(explanation.outcome.to_string(), with_unknown, "{explanation}");
                let canonical = predicate.to_string();
                let again =
                    parse(&canonical, dialect).unwrap_or_else(|error| panic!("{}", error.render(&canonical)));
                assert_eq!(again, predicate, "{canonical}");
                assert_eq!(again.to_string(), canonical);
                checked += 1;
            }
        }
    }
    checked
}

macro_rules! corpus {
    ($($name:ident: $least:literal,)*) => {
        $(
            #[test]
            fn $name() {
                assert!(check(include_str!(concat!("corpus/", stringify!($name), ".txt"))) >= $least);
            }
        )*
    };
}

corpus! {
    affixes: 10,
    arithmetic: 20,
    between: 15,
    collections: 25,
    contains: 10,
    equality: 40,
    functions: 5,
    groups: 15,
    membership: 25,
    like: 15,
    logic: 25,
    matches: 20,
    options: 20,
    order: 20,
    paths: 25,
    published: 40,
    quantifiers: 25,
    subquery: 20,
}
