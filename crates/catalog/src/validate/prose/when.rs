//! Conditions on what else is in a dictionary.

use serde_json::Value;

use crate::validate::place::{any_of, shown};

/// A condition on a dictionary. Keys that are not there are neither true nor any string.
#[derive(Clone, Copy)]
pub(super) enum When {
    /// The key is there.
    Present(&'static str),
    /// It is not.
    Absent(&'static str),
    /// It is true.
    True(&'static str),
    /// It is not true.
    NotTrue(&'static str),
    /// It is false.
    False(&'static str),
    /// It is one of these strings.
    Is(&'static str, &'static [&'static str]),
    /// It is none of these strings.
    IsNot(&'static str, &'static [&'static str]),
    /// It is an array with this string in it.
    Has(&'static str, &'static str),
    /// Both.
    Both(&'static When, &'static When),
    /// One of them.
    Either(&'static When, &'static When),
}

impl When {
    pub(super) fn holds(self, value: &Value) -> bool {
        let text = |key| get(value, key).and_then(Value::as_str);
        match self {
            Self::Present(key) => get(value, key).is_some(),
            Self::Absent(key) => get(value, key).is_none(),
            Self::True(key) => get(value, key) == Some(&Value::Bool(true)),
            Self::NotTrue(key) => get(value, key) != Some(&Value::Bool(true)),
            Self::False(key) => get(value, key) == Some(&Value::Bool(false)),
            Self::Is(key, values) => text(key).is_some_and(|text| values.contains(&text)),
            Self::IsNot(key, values) => !text(key).is_some_and(|text| values.contains(&text)),
            Self::Has(key, element) => {
                let elements = get(value, key).and_then(Value::as_array);
                elements.is_some_and(|elements| elements.iter().any(|other| other == element))
            }
            Self::Both(one, other) => one.holds(value) && other.holds(value),
            Self::Either(one, other) => one.holds(value) || other.holds(value),
        }
    }

    /// How it came to be so.
    pub(super) fn told(self, value: &Value) -> String {
        match self {
            Self::Is(key, _)
            | Self::True(key)
            | Self::NotTrue(key)
            | Self::False(key)
            | Self::IsNot(key, _) => match get(value, key) {
                Some(value) => format!("`{}` is {}", read(key), shown(value)),
                None => format!("`{}` is not there", read(key)),
            },
            Self::Either(one, other) if !one.holds(value) => other.told(value),
            Self::Either(one, _) => one.told(value),
            Self::Both(one, other) => format!("{} and {}", one.told(value), other.told(value)),
            Self::Present(_) | Self::Absent(_) | Self::Has(..) => self.wanted(),
        }
    }

    /// How it would be so.
    pub(super) fn wanted(self) -> String {
        match self {
            Self::Present(key) => format!("`{}` is there", read(key)),
            Self::True(key) => format!("`{}` is true", read(key)),
            Self::NotTrue(key) => format!("`{}` is not true", read(key)),
            Self::False(key) => format!("`{}` is false", read(key)),
            Self::Absent(key) => format!("`{}` is not there", read(key)),
            Self::Is(key, values) => format!("`{}` is {}", read(key), any_of(values)),
            Self::IsNot(key, values) => format!("`{}` is not {}", read(key), any_of(values)),
            Self::Has(key, element) => format!("`{}` has `{element}`", read(key)),
            Self::Both(one, other) => format!("{} and {}", one.wanted(), other.wanted()),
            Self::Either(one, other) => format!("{} or {}", one.wanted(), other.wanted()),
        }
    }
}

/// The value at a key of `value`, or of a dictionary in it.
pub(super) fn get<'v>(value: &'v Value, key: &str) -> Option<&'v Value> {
    key.split('/').try_fold(value, |value, key| value.get(key))
}

/// A key as people read it.
pub(super) fn read(key: &str) -> String {
    key.replace('/', ".")
}
