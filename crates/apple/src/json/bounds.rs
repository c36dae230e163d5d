//! The bounds of a document, counted while it is read: whoever reads it, and whether it keeps what it reads or skips it.

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::{Error, MAX_DEPTH, MAX_VALUES};

/// What was read of a document so far.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// How many arrays and objects are open.
    depth: usize,
    /// How many values there were in arrays and objects; an empty one counts as if it had a value.
    pub(super) values: usize,
    /// How many keys all objects had.
    pub(super) keys: usize,
    /// The bound that was exceeded. The reader's own error cannot tell.
    pub(super) exceeded: Option<Error>,
}

impl Seen {
    fn value<E: de::Error>(&mut self) -> Result<(), E> {
        self.values += 1;
        if self.values > MAX_VALUES {
            return Err(self.exceed(Error::TooMany));
        }
        Ok(())
    }

    /// Reads an array or an object by `read`.
    fn nest<T, E: de::Error>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, E>) -> Result<T, E> {
        if self.depth == MAX_DEPTH {
            return Err(self.exceed(Error::TooDeep));
        }
        self.depth += 1;
        let before = self.values;
        let value = read(self)?;
        if self.values == before {
            self.value()?;
        }
        self.depth -= 1;
        Ok(value)
    }

    fn exceed<E: de::Error>(&mut self, bound: Error) -> E {
        let error = E::custom(&bound);
        self.exceeded = Some(bound);
        error
    }
}

/// Reads as `inner` does, and counts.
pub(super) struct Bounded<'s, T> {
    pub(super) inner: T,
    pub(super) seen: &'s mut Seen,
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Bounded<'_, D> {
    type Error = D::Error;

    // JSON tells what it is; what skips a value by `deserialize_ignored_any` has to be counted, too.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_any(Bounded {
            inner: visitor,
            seen: self.seen,
        })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Bounded<'_, V> {
    type Value = V::Value;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.inner.expecting(formatter)
    }

    fn visit_unit<E: de::Error>(self) -> Result<V::Value, E> {
        self.inner.visit_unit()
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<V::Value, E> {
        self.inner.visit_bool(value)
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<V::Value, E> {
        self.inner.visit_i64(value)
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<V::Value, E> {
        self.inner.visit_u64(value)
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<V::Value, E> {
        self.inner.visit_f64(value)
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<V::Value, E> {
        self.inner.visit_borrowed_str(text)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<V::Value, E> {
        self.inner.visit_str(text)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, elements: A) -> Result<V::Value, A::Error> {
        let Self { inner, seen } = self;
        seen.nest(|seen| {
            inner.visit_seq(Bounded {
                inner: elements,
                seen,
            })
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<V::Value, A::Error> {
        let Self { inner, seen } = self;
        seen.nest(|seen| inner.visit_map(Bounded { inner: entries, seen }))
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Bounded<'_, A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.inner.next_element_seed(Bounded {
            inner: seed,
            seen: self.seen,
        })
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Bounded<'_, A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        let key = self.inner.next_key_seed(seed)?;
        self.seen.keys += usize::from(key.is_some());
        Ok(key)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.inner.next_value_seed(Bounded {
            inner: seed,
            seen: self.seen,
        })
    }
}

/// An element or an entry's value: the document itself is in nothing, and is not counted.
impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Bounded<'_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        self.seen.value()?;
        self.inner.deserialize(Bounded {
            inner: deserializer,
            seen: self.seen,
        })
    }
}
