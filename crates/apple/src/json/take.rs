//! Values that are taken as they come, without a tree of them in between: a report may have a hundred entries, and
//! devices send many.

use std::borrow::Cow;
use std::fmt;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};

/// A value without values in it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Scalar<'de> {
    Null,
    Boolean(bool),
    Number(Number),
    Text(Cow<'de, str>),
}

impl From<Scalar<'_>> for Value {
    fn from(scalar: Scalar<'_>) -> Self {
        match scalar {
            Scalar::Null => Self::Null,
            Scalar::Boolean(value) => Self::Bool(value),
            Scalar::Number(number) => Self::Number(number),
            Scalar::Text(text) => Self::String(text.into_owned()),
        }
    }
}

/// Who takes one value, whatever that is. What it does not care for it has to skip by [`skip_object`] and
/// [`skip_array`].
pub(crate) trait Take<'de>: Sized {
    /// What becomes of the value.
    type Taken;

    fn scalar(self, scalar: Scalar<'de>) -> Self::Taken;

    fn array<A: SeqAccess<'de>>(self, elements: A) -> Result<Self::Taken, A::Error>;

    fn object<A: MapAccess<'de>>(self, entries: A) -> Result<Self::Taken, A::Error>;
}

/// Lets a [`Take`] take the value that comes next.
pub(crate) struct By<T>(pub(crate) T);

impl<'de, T: Take<'de>> DeserializeSeed<'de> for By<T> {
    type Value = T::Taken;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T::Taken, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Take<'de>> Visitor<'de> for By<T> {
    type Value = T::Taken;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<T::Taken, E> {
        Ok(self.0.scalar(Scalar::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<T::Taken, E> {
        Ok(self.0.scalar(Scalar::Boolean(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<T::Taken, E> {
        Ok(self.0.scalar(Scalar::Number(value.into())))
    }

    fn visit_u64<E>(self, value: u64) -> Result<T::Taken, E> {
        Ok(self.0.scalar(Scalar::Number(value.into())))
    }

    fn visit_f64<E>(self, value: f64) -> Result<T::Taken, E> {
        Ok(self
            .0
            .scalar(Number::from_f64(value).map_or(Scalar::Null, Scalar::Number)))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<T::Taken, E> {
        Ok(self.0.scalar(Scalar::Text(Cow::Borrowed(text))))
    }

    fn visit_str<E>(self, text: &str) -> Result<T::Taken, E> {
        Ok(self.0.scalar(Scalar::Text(Cow::Owned(text.to_owned()))))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, elements: A) -> Result<T::Taken, A::Error> {
        self.0.array(elements)
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<T::Taken, A::Error> {
        self.0.object(entries)
    }
}

/// The key that comes next.
pub(crate) fn next_key<'de, A: MapAccess<'de>>(entries: &mut A) -> Result<Option<Cow<'de, str>>, A::Error> {
    entries.next_key_seed(Key)
}

/// Takes a key, which is a text.
struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key {
    type Value = Cow<'de, str>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

/// Takes scalars; `None` for others.
pub(crate) struct Leaf;

impl<'de> Take<'de> for Leaf {
    type Taken = Option<Scalar<'de>>;

    fn scalar(self, scalar: Scalar<'de>) -> Self::Taken {
        Some(scalar)
    }

    fn array<A: SeqAccess<'de>>(self, elements: A) -> Result<Self::Taken, A::Error> {
        skip_array(elements).map(|()| None)
    }

    fn object<A: MapAccess<'de>>(self, entries: A) -> Result<Self::Taken, A::Error> {
        skip_object(entries).map(|()| None)
    }
}

pub(crate) fn skip_array<'de, A: SeqAccess<'de>>(mut elements: A) -> Result<(), A::Error> {
    while elements.next_element::<IgnoredAny>()?.is_some() {}
    Ok(())
}

pub(crate) fn skip_object<'de, A: MapAccess<'de>>(mut entries: A) -> Result<(), A::Error> {
    while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
    Ok(())
}

/// The array as a tree.
pub(crate) fn array_value<'de, A: SeqAccess<'de>>(elements: A) -> Result<Value, A::Error> {
    Value::deserialize(SeqAccessDeserializer::new(elements))
}

/// The object as a tree.
pub(crate) fn object_value<'de, A: MapAccess<'de>>(entries: A) -> Result<Value, A::Error> {
    Value::deserialize(MapAccessDeserializer::new(entries))
}
