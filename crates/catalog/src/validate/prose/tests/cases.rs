//! Payloads that break a rule, and near misses, made from the rule.

use serde_json::{Map, Value, json};

use super::super::{Says, Text, When};
use crate::DeclarationType;
use crate::validate::Code;

/// A payload with `value` where `at` leads, and the pointer to it.
pub(super) fn payload_with(at: &str, value: Value) -> (Value, String) {
    if at.is_empty() {
        return (value, String::new());
    }
    let (step, rest) = at.split_once('/').unwrap_or((at, ""));
    let (value, pointer) = payload_with(rest, value);
    match step {
        "[]" => (json!([value]), format!("/0{pointer}")),
        "*" => (json!({"any": value}), format!("/any{pointer}")),
        step if step.ends_with('*') => (value, pointer),
        step => (json!({step: value}), format!("/{step}{pointer}")),
    }
}

/// A dictionary with these keys, one laid over the other.
fn all_of(dictionaries: impl IntoIterator<Item = Value>) -> Value {
    fn lay(value: &mut Value, over: Value) {
        match (value, over) {
            (Value::Object(values), Value::Object(others)) => {
                for (name, other) in others {
                    lay(values.entry(name).or_insert(Value::Null), other);
                }
            }
            (value, other) => *value = other,
        }
    }
    let mut result = Value::Object(Map::new());
    dictionaries
        .into_iter()
        .for_each(|dictionary| lay(&mut result, dictionary));
    result
}

fn with(key: &str, value: Value) -> Value {
    payload_with(key, value).0
}

fn there(key: &str) -> Value {
    with(key, json!("there"))
}

/// Dictionaries for which the condition holds, and for which it does not.
fn both_ways(when: When) -> (Value, Value) {
    match when {
        When::Present(key) => (there(key), json!({})),
        When::True(key) => (with(key, json!(true)), with(key, json!(false))),
        When::NotTrue(key) => (json!({}), with(key, json!(true))),
        When::False(key) => (with(key, json!(false)), with(key, json!(true))),
        When::Absent(key) => (json!({}), there(key)),
        When::Is(key, values) => (with(key, json!(values[0])), there(key)),
        When::IsNot(key, values) => (there(key), with(key, json!(values[0]))),
        When::Has(key, element) => (with(key, json!(["x", element])), with(key, json!(["x"]))),
        When::Both(one, other) => {
            let ((one, not), (other, _)) = (both_ways(*one), both_ways(*other));
            (all_of([one, other]), not)
        }
        When::Either(one, other) => {
            let ((_, not_one), (other, not_other)) = (both_ways(*one), both_ways(*other));
            (all_of([not_one.clone(), other]), all_of([not_one, not_other]))
        }
    }
}

/// What breaks a rule, with the way to the finding and its kind, and what nearly does.
pub(super) type Cases = (Vec<(Value, String, Code)>, Vec<Value>);

pub(super) fn cases(says: Says, declaration: &DeclarationType) -> Cases {
    let at = |key: &str| format!("/{key}");
    let here = String::new;
    match says {
        Says::OneOf(keys) => (
            vec![
                (json!({}), here(), Code::MissingKey),
                (
                    all_of([there(keys[0]), there(keys[1])]),
                    at(keys[1]),
                    Code::UnexpectedKey,
                ),
            ],
            keys.iter().map(|key| there(key)).collect(),
        ),
        Says::AtMostOneOf(keys) => (
            vec![(
                all_of([there(keys[0]), there(keys[1])]),
                at(keys[1]),
                Code::UnexpectedKey,
            )],
            keys.iter().map(|key| there(key)).chain([json!({})]).collect(),
        ),
        Says::SomeOf(keys) => (
            vec![(json!({"Else": 1}), here(), Code::MissingKey)],
            keys.iter()
                .map(|key| there(key))
                .chain([all_of(keys.iter().map(|key| there(key)))])
                .collect(),
        ),
        Says::Together(keys) => (
            vec![
                (there(keys[0]), here(), Code::MissingKey),
                (there(keys[1]), here(), Code::MissingKey),
            ],
            vec![json!({}), all_of(keys.iter().map(|key| there(key)))],
        ),
        Says::NotAllFalse(keys) => {
            let falsely = |keys: &[&str]| all_of(keys.iter().map(|key| with(key, json!(false))));
            (
                vec![(falsely(keys), here(), Code::NotAllowed)],
                vec![json!({}), falsely(&keys[1..])],
            )
        }
        Says::Needs(when, key) => {
            let (holds, not) = both_ways(when);
            (
                vec![(holds.clone(), here(), Code::MissingKey)],
                vec![
                    all_of([holds, there(key)]),
                    all_of([not.clone(), there(key)]),
                    not,
                ],
            )
        }
        Says::NeedsSomeOf(when, keys) => {
            let (holds, not) = both_ways(when);
            let each = keys.iter().map(|key| all_of([holds.clone(), there(key)]));
            (
                vec![(holds.clone(), here(), Code::MissingKey)],
                each.chain([not]).collect(),
            )
        }
        Says::NeedsOn(.., key) => (vec![(json!({}), here(), Code::MissingKey)], vec![there(key)]),
        Says::Only(when, key) | Says::Useful(when, key) => {
            let (holds, not) = both_ways(when);
            let code = match says {
                Says::Only(..) => Code::UnexpectedKey,
                _ => Code::IgnoredKey,
            };
            (
                vec![(all_of([not.clone(), there(key)]), at(key), code)],
                vec![all_of([holds.clone(), there(key)]), holds, not],
            )
        }
        Says::Implies(when, then) => {
            let ((holds, not), (consequence, lacking)) = (both_ways(when), both_ways(then));
            (
                vec![
                    (all_of([holds.clone(), lacking]), here(), Code::NotAllowed),
                    (holds.clone(), here(), Code::NotAllowed),
                ],
                vec![all_of([holds, consequence]), not],
            )
        }
        Says::Text(text) => {
            let (wrong, right) = texts(text);
            let code = match text {
                Text::Https | Text::Web | Text::WebPrefix => Code::Url,
                Text::StatusItem => Code::StatusItem,
                Text::Service => Code::Reserved,
                _ => Code::Format,
            };
            let right = right
                .iter()
                .copied()
                .chain([text.sample(declaration)])
                .map(|text| json!(text));
            (
                wrong.iter().map(|text| (json!(text), here(), code)).collect(),
                right.chain([json!(1)]).collect(),
            )
        }
        Says::AtMost(most) => (
            vec![
                (json!(vec![1; most + 1]), here(), Code::Count),
                (json!("é".repeat(most + 1)), here(), Code::Count),
            ],
            vec![json!(vec![1; most]), json!("é".repeat(most)), json!(1)],
        ),
        Says::NamesAtMost(most) => (
            vec![(
                json!({"x".repeat(most + 1): 1}),
                at(&"x".repeat(most + 1)),
                Code::Count,
            )],
            vec![json!({"é".repeat(most): 1})],
        ),
        Says::Between(least, most) => {
            let above = most
                .checked_add(1)
                .map(|above| (json!(above), here(), Code::OutOfRange));
            let below = (json!(least - 1), here(), Code::OutOfRange);
            (
                above.into_iter().chain([below]).collect(),
                vec![json!(least), json!(most), json!("x")],
            )
        }
        Says::Unique => (
            vec![(json!(["a", "b", "a"]), at("2"), Code::Repeated)],
            vec![json!(["a", "A", "b"]), json!([])],
        ),
        Says::Outdated(value) => (
            vec![(json!(value), here(), Code::Deprecated)],
            vec![json!(value.to_lowercase()), json!(1)],
        ),
    }
}

/// Texts that are wrong, and others that nearly are.
fn texts(text: Text) -> (&'static [&'static str], &'static [&'static str]) {
    match text {
        Text::Https => (
            &[
                "http://example.com/",
                "example.com",
                "https://",
                "https:example.com",
                "https://a b/",
                "",
            ],
            &[
                "HTTPS://example.com",
                "https://[::1]:8443/x?y=z#w",
                "https://dns.example/q{?dns}",
            ],
        ),
        Text::Web => (
            &["ftp://example.com/", "//example.com"],
            &["http://example.com:80"],
        ),
        Text::WebPrefix => (
            &["https://example.com/?a", "http://example.com/#a", "example.com"],
            &["http://example.com/a/b"],
        ),
        Text::LocalTime => (
            &["2026-11-21T12:00:00Z", "2026-11-21 12:00:00"],
            &["2026-12-31T23:59:59"],
        ),
        Text::Sha256 => (
            &[
                "e3b0c442",
                "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85g",
            ],
            &["E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855"],
        ),
        Text::StatusItem => (
            &["device.operating-system.versions", "test.string-value", ""],
            &["device.model.family"],
        ),
        Text::OsVersion => (
            &["26.4.", "v26", "26.x", "", "16.1 (1)", "16.1()", "1.2.3.4.5"],
            &["16", "16.1", "10.15.7", "16.5.1 (c)", "16.1(a)"],
        ),
        Text::OsBuild => (
            &["26.4", "A242", "20A", "20a242", "20A242ab", ""],
            &["20A242", "20A242a", "25E5207k"],
        ),
        Text::Email => (&["user", "user@", "a user@example.com"], &["user+x@example.com"]),
        Text::Composed => (
            &[
                "",
                "com.example.app (",
                "com.example.app (AB CD)",
                "com.example.app ()",
            ],
            &["com.example.app", "com.example.app (ABCD1234)"],
        ),
        Text::ComposedWithTeam => (
            &["com.example.app", "com.example.app(ABCD1234)"],
            &["com.example.other (0123456789)"],
        ),
        Text::Service => (
            &["com.apple.ssh", "com.apple."],
            &["com.apple.sudo", "com.example.service"],
        ),
        Text::InHome => (
            &["/Users/x/Documents/", "~/Documents/", ""],
            &["Documents/Excluded/", "a"],
        ),
        Text::CacheDirectory => (
            &[
                "/Library/Caches",
                "/Library/Application Support/Apple/AssetCache/Data/",
            ],
            &["/Volumes/x/Library/Application Support/Apple/AssetCache/Data"],
        ),
        Text::ContentType => (&["text/html", "", "application/jsonp"], &[]),
    }
}
