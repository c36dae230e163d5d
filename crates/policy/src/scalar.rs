//! Scalars as the core schema of YAML 1.2.2 (§10.3) has them, in which JSON's literals have their own meaning.

use crate::tree::Value;

/// Why a number is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unusable {
    /// An integer beyond ±2^53 (RFC 8785 §3.2.2.3), or a real number that stands for one.
    Beyond,
    /// `.inf`, `.nan`, or an exponent that leads there.
    NotFinite,
}

impl Unusable {
    pub(crate) fn message(self) -> &'static str {
        match self {
            Self::Beyond => {
                "an integer beyond 2^53, where JSON readers no longer agree; write it as a string, in quotes"
            }
            Self::NotFinite => "not a number that JSON can express",
        }
    }
}

/// The largest integer that JSON readers agree on. The next one, as a real number, cannot be told from it.
const MAX_INTEGER: u64 = ordain_model::canonical::MAX_INTEGER;

/// What `text` is when it stands unquoted. Never a list or an object.
pub(crate) fn plain(text: &str) -> Result<Value, Unusable> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Ok(Value::Null),
        "true" | "True" | "TRUE" => Ok(Value::Bool(true)),
        "false" | "False" | "FALSE" => Ok(Value::Bool(false)),
        ".nan" | ".NaN" | ".NAN" => Err(Unusable::NotFinite),
        _ => number(text).unwrap_or_else(|| Ok(Value::String(text.to_owned()))),
    }
}

/// The number that `text` is; `None` when it is none. A real number without a fraction is an integer.
fn number(text: &str) -> Option<Result<Value, Unusable>> {
    for (prefix, radix) in [("0x", 16), ("0o", 8)] {
        if let Some(digits) = text.strip_prefix(prefix) {
            let is_number = !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
            return is_number.then(|| integer(u64::from_str_radix(digits, radix).ok(), false));
        }
    }
    let (negative, unsigned) = match text.strip_prefix(['-', '+']) {
        Some(unsigned) => (text.starts_with('-'), unsigned),
        None => (false, text),
    };
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") {
        return Some(Err(Unusable::NotFinite));
    }
    if !unsigned.starts_with(|c: char| c == '.' || c.is_ascii_digit()) {
        return None;
    }
    if unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(integer(unsigned.parse().ok(), negative));
    }
    // Rust's grammar of real numbers is the core schema's, but for words such as `inf`, which begin otherwise.
    Some(real(text.parse().ok()?))
}

fn integer(magnitude: Option<u64>, negative: bool) -> Result<Value, Unusable> {
    let magnitude = magnitude
        .filter(|magnitude| *magnitude <= MAX_INTEGER)
        .ok_or(Unusable::Beyond)?;
    let value = i64::try_from(magnitude).map_err(|_| Unusable::Beyond)?;
    Ok(Value::Integer(if negative { -value } else { value }))
}

fn real(value: f64) -> Result<Value, Unusable> {
    if !value.is_finite() {
        Err(Unusable::NotFinite)
    } else if value.fract() != 0.0 {
        Ok(Value::Real(value))
    } else if value.abs() < MAX_INTEGER as f64 {
        Ok(Value::Integer(value as i64))
    } else {
        Err(Unusable::Beyond)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_core_schema() {
        for (text, value) in [
            ("", Value::Null),
            ("~", Value::Null),
            ("NULL", Value::Null),
            ("true", Value::Bool(true)),
            ("FALSE", Value::Bool(false)),
            ("0", Value::Integer(0)),
            ("-0", Value::Integer(0)),
            ("012", Value::Integer(12)),
            ("+7", Value::Integer(7)),
            ("0o14", Value::Integer(12)),
            ("0xFf", Value::Integer(255)),
            ("9007199254740992", Value::Integer(1 << 53)),
            ("-9007199254740992", Value::Integer(-(1 << 53))),
            ("1.0", Value::Integer(1)),
            ("-0.0", Value::Integer(0)),
            ("1e3", Value::Integer(1000)),
            ("26.1", Value::Real(26.1)),
            (".5", Value::Real(0.5)),
            ("-12.5E-1", Value::Real(-1.25)),
        ] {
            assert_eq!(plain(text), Ok(value), "{text}");
        }
    }

    #[test]
    fn other_words_are_strings() {
        for text in [
            "no",
            "yes",
            "on",
            "off",
            "y",
            "nULL",
            "tRUE",
            "2026-11-01",
            "1_000",
            "0b11",
            "-0x1",
            "0x",
            "0o8",
            "1e",
            "1.2.3",
            ".",
            "-",
            "+",
            "e3",
            ".e3",
            "inf",
            "nan",
            "infinity",
            "-inf",
            "1e5x",
            "12:30:45",
            "0X1F",
        ] {
            assert_eq!(plain(text), Ok(Value::String(text.to_owned())), "{text}");
        }
    }

    #[test]
    fn numbers_that_json_readers_disagree_on() {
        for text in [
            "9007199254740993",
            "-9007199254740993",
            "99999999999999999999999999",
            "0xFFFFFFFFFFFFFFFFFF",
            "9007199254740993.0",
            "1e300",
        ] {
            assert_eq!(plain(text), Err(Unusable::Beyond), "{text}");
        }
        for text in [".inf", "-.INF", "+.Inf", ".nan", "1e999", "-1e999"] {
            assert_eq!(plain(text), Err(Unusable::NotFinite), "{text}");
        }
    }
}
