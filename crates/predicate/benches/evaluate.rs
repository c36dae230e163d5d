//! How many evaluations a core does in a second, and how that compares to the same decision written by hand:
//! `cargo bench -p ordain-predicate`.
#![allow(clippy::disallowed_methods, clippy::print_stdout)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use ordain_predicate::{Dialect, Document, Facts, Predicate, Row, Truth, parse};
use serde_json::{Value, json};

/// Repetitions per second of `work`, over half a second.
fn rate(mut work: impl FnMut()) -> f64 {
    let start = Instant::now();
    let mut repetitions = 0_u64;
    while start.elapsed() < Duration::from_millis(500) {
        (0..1000).for_each(|_| work());
        repetitions += 1000;
    }
    #[allow(clippy::cast_precision_loss)]
    let repetitions = repetitions as f64;
    repetitions / start.elapsed().as_secs_f64()
}

fn device() -> Document {
    let apps: Vec<Value> = (0..100)
        .map(|n| json!({"identifier": format!("com.example.app{n}"), "state": "managed"}))
        .collect();
    serde_json::from_value(json!({
        "status": {
            "device": {"model": {"family": "iPad"}, "operating-system": {"version": "18.2"}},
            "mdm": {"app": apps},
        },
        "properties": {"shard": 40, "roles": ["staff", "teacher"]},
    }))
    .expect("a document")
}

/// The values of a predicate's facts in its order.
fn row<'a>(predicate: &Predicate, device: &'a Document) -> Vec<Option<&'a Value>> {
    let facts = predicate.facts().iter().enumerate();
    facts.map(|(place, fact)| device.value(place, fact)).collect()
}

const TYPICAL: &str = "@status(device.model.family) == 'iPad' AND @status(device.operating-system.version) >= '18' \
                       AND @property(shard) <= 75";

fn main() {
    let device = device();
    let typical = parse(TYPICAL, Dialect::Device).expect("a predicate");
    let values = row(&typical, &device);
    let by_hand = |values: &[Option<&Value>]| {
        let [
            Some(Value::String(family)),
            Some(Value::String(version)),
            Some(shard),
        ] = values
        else {
            return Truth::Unknown;
        };
        let shard = shard.as_i64().is_some_and(|shard| shard <= 75);
        (family == "iPad" && version.as_str() >= "18" && shard).into()
    };
    let by_hand = rate(|| {
        black_box(by_hand(black_box(&values)));
    });
    println!("{:>12.0} /s  three terms, written by hand", by_hand);
    let report =
        |name: &str, rate: f64| println!("{rate:>12.0} /s  {name} ({:.1} times by hand)", by_hand / rate);
    report(
        "three terms, values in a row",
        rate(|| {
            black_box(typical.evaluate_with_unknown(black_box(&Row(&values))));
        }),
    );
    report(
        "three terms, values by name",
        rate(|| {
            black_box(typical.evaluate_with_unknown(black_box(&device)));
        }),
    );
    report(
        "three terms, explained",
        rate(|| {
            black_box(typical.explain(black_box(&device)));
        }),
    );
    for (name, text) in [
        (
            "one of five",
            "@status(device.model.family) IN {'Mac', 'AppleTV', 'iPhone', 'Watch', 'iPad'}",
        ),
        (
            "without case and diacritics",
            "@status(device.model.family) ==[cd] 'IPAD'",
        ),
        (
            "a pattern",
            "@status(device.operating-system.version) MATCHES '18\\\\.([2-9]|[1-9][0-9]+)(\\\\..*)?'",
        ),
        ("any of two", "ANY @property(roles) == 'teacher'"),
        (
            "a search of 100 elements",
            "SUBQUERY(@status(mdm.app), $a, $a.@key(identifier) == 'com.example.app99').@count == 1",
        ),
    ] {
        let predicate = parse(text, Dialect::Device).expect("a predicate");
        let values = row(&predicate, &device);
        assert_eq!(predicate.evaluate_with_unknown(&Row(&values)), Truth::True);
        report(
            name,
            rate(|| {
                black_box(predicate.evaluate_with_unknown(black_box(&Row(&values))));
            }),
        );
    }
    println!(
        "{:>12.0} /s  parsed",
        rate(|| {
            black_box(parse(black_box(TYPICAL), Dialect::Device).is_ok());
        })
    );
}
