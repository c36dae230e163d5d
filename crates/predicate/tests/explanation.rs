//! Explanations as people and machines see them.

use ordain_predicate::{Dialect, Document, Fact, Facts, parse};
use serde_json::{Value, json};

/// A device that told everything at one moment, but its passcode.
struct Device(Document);

impl Facts for Device {
    fn value(&self, place: usize, fact: &Fact) -> Option<&Value> {
        self.0.value(place, fact)
    }
    fn time(&self, place: usize, fact: &Fact) -> Option<i64> {
        self.value(place, fact).map(|_| 1_790_000_000)
    }
}

fn device() -> Document {
    let apps: Vec<Value> = (0..14)
        .map(|n| json!({"identifier": format!("com.example.app{n}"), "state": if n < 2 { "managed" } else { "failed" }}))
        .collect();
    serde_json::from_value(json!({
        "status": {
            "device": {"model": {"family": "iPad"}, "operating-system": {"version": "18.2"}},
            "mdm": {"app": apps},
            "softwareupdate": {"pending-version": {"os-version": "18.3", "build-version": "22D1"}},
        },
        "properties": {"shard": 80, "roles": ["staff", "it's me"], "note": "x".repeat(200), "nothing": null},
    }))
    .unwrap()
}

/// Each block of the file is a predicate and its explanation.
#[test]
fn explanations_read_well() {
    for block in include_str!("explanations.txt").trim_end().split("\n\n") {
        let (text, expected) = block.split_once('\n').unwrap();
        let predicate = parse(text, Dialect::Device).unwrap_or_else(|error| panic!("{}", error.render(text)));
        assert_eq!(predicate.explain(&device()).to_string(), expected, "{text}");
    }
}

#[test]
fn values_come_with_their_time() {
    let predicate = parse("@property(shard) <= 75", Dialect::Device).unwrap();
    assert_eq!(
        predicate.explain(&Device(device())).to_string(),
        "▸ false: @property(shard) <= 75\n      @property(shard) is 80 (as of 2026-09-21T14:13:20Z)"
    );
}

#[test]
fn machines_read_the_same() {
    let text =
        "NOT SUBQUERY(@status(mdm.app), $a, $a.@key(state) == 'managed').@count >= 3 AND @property(x) == 1";
    let explanation = parse(text, Dialect::Device).unwrap().explain(&Device(device()));
    assert_eq!(
        explanation.missing().into_iter().collect::<Vec<_>>(),
        ["@property(x)"]
    );
    let subquery = "SUBQUERY(@status(mdm.app), $a, $a.@key(state) == 'managed').@count >= 3";
    assert_eq!(
        serde_json::to_value(&explanation).unwrap(),
        json!({
            "kind": "and",
            "text": text,
            "span": {"start": 0, "end": 97},
            "outcome": "unknown",
            "decides": true,
            "parts": [
                {
                    "kind": "not",
                    "text": format!("NOT {subquery}"),
                    "span": {"start": 0, "end": 75},
                    "outcome": "true",
                    "decides": false,
                    "parts": [{
                        "kind": "comparison",
                        "text": subquery,
                        "span": {"start": 4, "end": 75},
                        "outcome": "false",
                        "decides": false,
                        "terms": [
                            {"term": "SUBQUERY", "is": "found", "found": 2, "of": 14},
                            {"term": "@status(mdm.app)", "is": "list", "elements": 14, "time": 1_790_000_000},
                        ],
                    }],
                },
                {
                    "kind": "comparison",
                    "text": "@property(x) == 1",
                    "span": {"start": 80, "end": 97},
                    "outcome": "unknown",
                    "decides": true,
                    "terms": [{"term": "@property(x)", "is": "missing"}],
                },
            ],
        })
    );
}
