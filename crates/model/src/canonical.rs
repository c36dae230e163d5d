//! Canonical JSON (RFC 8785): equal content, equal bytes, equal hash, on every node.

use serde_json::Value;

/// The largest integer that every JSON reader holds exactly: 2^53.
pub const MAX_INTEGER: u64 = 1 << 53;

/// The value cannot be written canonically: it has an integer beyond ±2^53, which readers would round differently.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{path}: the integer {number} is beyond 2^53, where JSON readers no longer agree; write it as a string"
)]
pub struct UnsafeInteger {
    /// Where it stands, such as `Payload.Items[3].Count`.
    pub path: String,
    /// The number as written.
    pub number: String,
}

/// The canonical bytes of `value`.
pub fn to_vec(value: &Value) -> Result<Vec<u8>, UnsafeInteger> {
    check_integers(value, &mut String::new())?;
    // Serializing a `Value` fails on non-string keys and on NaN only, and a `Value` has neither.
    Ok(serde_json_canonicalizer::to_vec(value).unwrap_or_default())
}

fn check_integers(value: &Value, path: &mut String) -> Result<(), UnsafeInteger> {
    let length = path.len();
    match value {
        Value::Number(number) => {
            let exact = match (number.as_i64(), number.as_u64(), number.as_f64()) {
                (Some(signed), _, _) => signed.unsigned_abs() <= MAX_INTEGER,
                (_, Some(unsigned), _) => unsigned <= MAX_INTEGER,
                (_, _, Some(real)) => real.fract() != 0.0 || real.abs() <= MAX_INTEGER as f64,
                _ => false,
            };
            if !exact {
                return Err(UnsafeInteger {
                    path: path.clone(),
                    number: number.to_string(),
                });
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                path.push_str(&format!("[{index}]"));
                check_integers(item, path)?;
                path.truncate(length);
            }
        }
        Value::Object(members) => {
            for (key, member) in members {
                if length > 0 {
                    path.push('.');
                }
                path.push_str(key);
                check_integers(member, path)?;
                path.truncate(length);
            }
        }
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn order_and_spelling_do_not_matter() {
        let one = to_vec(&json!({"b": 1, "a": [1.0, "é"]})).unwrap();
        let other = to_vec(&serde_json::from_str(r#"{"a":[1,"\u00e9"],"b":1e0}"#).unwrap()).unwrap();
        assert_eq!(one, other);
        assert_eq!(one, r#"{"a":[1,"é"],"b":1}"#.as_bytes());
    }

    #[test]
    fn integers_beyond_2_53_are_refused_with_their_place() {
        for text in [
            "9007199254740993",
            "-9007199254740994",
            "18446744073709551616",
            "1e300",
        ] {
            let value = serde_json::from_str(&format!(r#"{{"Payload":{{"Items":[0,{text}]}}}}"#)).unwrap();
            assert_eq!(to_vec(&value).unwrap_err().path, "Payload.Items[1]");
        }
        assert!(
            to_vec(&json!([
                9_007_199_254_740_992_i64,
                -9_007_199_254_740_992_i64,
                1.5e-7
            ]))
            .is_ok()
        );
    }
}
