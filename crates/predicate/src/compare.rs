//! How Foundation compares two values.

use std::cmp::Ordering;

use serde_json::{Number, Value};

use crate::formula::Operator;

/// Two values that have no order. Foundation raises an exception here, which a device reports as
/// `Error.PredicateFailed`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{left} and {right} have no order")]
pub struct Mismatch {
    left: &'static str,
    right: &'static str,
}

/// Equality never fails: values of different types differ. An order needs two strings or two numbers
/// (Booleans are numbers), and with nil it is false.
pub(crate) fn compare(left: &Value, operator: Operator, right: &Value) -> Result<bool, Mismatch> {
    match operator {
        Operator::Equal => Ok(equal(left, right)),
        Operator::NotEqual => Ok(!equal(left, right)),
        Operator::Less => ordered(left, right, Ordering::is_lt),
        Operator::LessOrEqual => ordered(left, right, Ordering::is_le),
        Operator::Greater => ordered(left, right, Ordering::is_gt),
        Operator::GreaterOrEqual => ordered(left, right, Ordering::is_ge),
    }
}

fn ordered(left: &Value, right: &Value, holds: fn(Ordering) -> bool) -> Result<bool, Mismatch> {
    if left.is_null() || right.is_null() {
        return Ok(false);
    }
    order(left, right).map(holds).ok_or(Mismatch {
        left: kind(left),
        right: kind(right),
    })
}

fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Null, Value::Null) => true,
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| equal(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .all(|(key, left)| right.get(key).is_some_and(|right| equal(left, right)))
        }
        _ => order(left, right) == Some(Ordering::Equal),
    }
}

/// Strings order by code point, without regard to locale or to the numbers that they spell.
fn order(left: &Value, right: &Value) -> Option<Ordering> {
    if let (Value::String(left), Value::String(right)) = (left, right) {
        return Some(left.cmp(right));
    }
    let (left, right) = (number(left)?, number(right)?);
    match (left.as_i128(), right.as_i128()) {
        (Some(left), Some(right)) => Some(left.cmp(&right)),
        _ => left.as_f64()?.partial_cmp(&right.as_f64()?),
    }
}

fn number(value: &Value) -> Option<Number> {
    match value {
        Value::Bool(value) => Some(u8::from(*value).into()),
        Value::Number(number) => Some(number.clone()),
        _ => None,
    }
}

/// The type of `value`, with its article.
pub(crate) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nil",
        Value::Bool(_) => "a Boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "a dictionary",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn equality() {
        for (left, right, expected) in [
            (json!(null), json!(null), true),
            (json!(null), json!(0), false),
            (json!(null), json!(""), false),
            (json!(true), json!(1), true),
            (json!(false), json!(0.0), true),
            (json!(true), json!(2), false),
            (json!(true), json!("true"), false),
            (json!(10), json!("10"), false),
            (json!(18), json!(18.0), true),
            (json!(i64::MAX), json!(i64::MAX - 1), false),
            (json!(u64::MAX), json!(-1), false),
            (json!("iPad"), json!("ipad"), false),
            (json!("é"), json!("e\u{301}"), false),
            (json!([1, {"a": true}]), json!([1.0, {"a": 1}]), true),
            (json!([1]), json!([1, 2]), false),
            (json!({"a": 1}), json!({"b": 1}), false),
            (json!(["a"]), json!("a"), false),
        ] {
            assert_eq!(
                compare(&left, Operator::Equal, &right),
                Ok(expected),
                "{left} == {right}"
            );
            assert_eq!(
                compare(&right, Operator::Equal, &left),
                Ok(expected),
                "{right} == {left}"
            );
            assert_eq!(
                compare(&left, Operator::NotEqual, &right),
                Ok(!expected),
                "{left} != {right}"
            );
        }
    }

    #[test]
    fn order_of_like_values() {
        for (smaller, greater) in [
            (json!(9), json!(10)),
            (json!(-1), json!(0.5)),
            (json!(false), json!(true)),
            (json!(true), json!(1.5)),
            (json!(i64::MAX), json!(u64::MAX)),
            (json!("17.10"), json!("17.9")),
            (json!("15.0"), json!("9.3")),
            (json!("18.7"), json!("26.0")),
            (json!("18"), json!("18.0")),
            (json!("Z"), json!("a")),
        ] {
            for (operator, forth, back) in [
                (Operator::Less, true, false),
                (Operator::LessOrEqual, true, false),
                (Operator::Greater, false, true),
                (Operator::GreaterOrEqual, false, true),
            ] {
                assert_eq!(
                    compare(&smaller, operator, &greater),
                    Ok(forth),
                    "{smaller} {operator} {greater}"
                );
                assert_eq!(
                    compare(&greater, operator, &smaller),
                    Ok(back),
                    "{greater} {operator} {smaller}"
                );
            }
            assert_eq!(compare(&smaller, Operator::LessOrEqual, &smaller), Ok(true));
            assert_eq!(compare(&smaller, Operator::Less, &smaller), Ok(false));
        }
    }

    #[test]
    fn an_order_with_nil_is_false_and_of_unlike_values_an_error() {
        for operator in [
            Operator::Less,
            Operator::LessOrEqual,
            Operator::Greater,
            Operator::GreaterOrEqual,
        ] {
            for other in [json!(null), json!(1), json!("a"), json!([1])] {
                assert_eq!(compare(&json!(null), operator, &other), Ok(false));
                assert_eq!(compare(&other, operator, &json!(null)), Ok(false));
            }
            for (left, right) in [
                (json!("10"), json!(5)),
                (json!(true), json!("a")),
                (json!([1]), json!([1])),
            ] {
                assert!(
                    compare(&left, operator, &right).is_err(),
                    "{left} {operator} {right}"
                );
            }
        }
        let mismatch = compare(&json!("10"), Operator::Less, &json!(5)).unwrap_err();
        assert_eq!(mismatch.to_string(), "a string and a number have no order");
    }
}
