//! The one door to JSON from outside: a document is read once, and no further than its bounds.

use std::marker::PhantomData;

use serde::de::DeserializeSeed;
use serde_json::{Map, Value};

mod bounds;
pub(crate) mod take;

use bounds::{Bounded, Seen};
use take::{By, Take};

/// The largest document, in octets. A full status report with its lists of applications has some hundred thousand.
pub const MAX_OCTETS: usize = 4 << 20;
/// How deep arrays and objects may nest.
pub const MAX_DEPTH: usize = 64;
/// How many values a document may have.
pub const MAX_VALUES: usize = 100_000;

/// Why a document is not taken. No text of it is repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Beyond [`MAX_OCTETS`].
    #[error("the JSON is larger than {MAX_OCTETS} octets")]
    TooLarge,
    /// Beyond [`MAX_DEPTH`].
    #[error("the JSON nests deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// Beyond [`MAX_VALUES`].
    #[error("the JSON has more than {MAX_VALUES} values")]
    TooMany,
    /// Not JSON.
    #[error("not JSON, at line {line} column {column}")]
    Syntax {
        /// Counted from one.
        line: usize,
        /// Counted from one.
        column: usize,
    },
    /// Another kind of value.
    #[error("not a JSON object")]
    NotAnObject,
    /// An object has a key twice.
    #[error("an object has a key twice")]
    DuplicateKey,
}

/// Reads an object. Of keys that occur twice, the last one counts.
pub fn object(document: &[u8]) -> Result<Map<String, Value>, Error> {
    into_object(read(document, PhantomData)?.0)
}

/// Reads an object in which no key occurs twice, at any depth.
pub fn object_without_duplicates(document: &[u8]) -> Result<Map<String, Value>, Error> {
    into_object(value_without_duplicates(document)?)
}

/// Reads any value in which no key occurs twice in an object, at any depth.
pub fn value_without_duplicates(document: &[u8]) -> Result<Value, Error> {
    let (value, seen) = read(document, PhantomData)?;
    if entries(&value) == seen.keys {
        Ok(value)
    } else {
        Err(Error::DuplicateKey)
    }
}

fn into_object(value: Value) -> Result<Map<String, Value>, Error> {
    match value {
        Value::Object(object) => Ok(object),
        _ => Err(Error::NotAnObject),
    }
}

/// Lets `taker` take the document's value. Of keys that occur twice, it sees both.
pub(crate) fn taken<'de, T: Take<'de>>(document: &'de [u8], taker: T) -> Result<T::Taken, Error> {
    Ok(read(document, By(taker))?.0)
}

fn read<'de, S: DeserializeSeed<'de>>(document: &'de [u8], seed: S) -> Result<(S::Value, Seen), Error> {
    if document.len() > MAX_OCTETS {
        return Err(Error::TooLarge);
    }
    match std::str::from_utf8(document) {
        Ok(text) => read_by(serde_json::Deserializer::from_str(text), seed),
        // It finds the place.
        Err(_) => read_by(serde_json::Deserializer::from_slice(document), seed),
    }
}

fn read_by<'de, R: serde_json::de::Read<'de>, S: DeserializeSeed<'de>>(
    mut reader: serde_json::Deserializer<R>,
    seed: S,
) -> Result<(S::Value, Seen), Error> {
    let mut seen = Seen::default();
    let read = seed.deserialize(Bounded {
        inner: &mut reader,
        seen: &mut seen,
    });
    if let Some(bound) = seen.exceeded.take() {
        return Err(bound);
    }
    let value = read?;
    reader.end()?;
    Ok((value, seen))
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::Syntax {
            line: error.line(),
            column: error.column(),
        }
    }
}

/// How many entries all objects in `value` have together.
fn entries(value: &Value) -> usize {
    match value {
        Value::Object(object) => object.len() + object.values().map(entries).sum::<usize>(),
        Value::Array(array) => array.iter().map(entries).sum(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::take::Leaf;
    use super::*;

    type Reader = fn(&[u8]) -> Result<(), Error>;

    /// One keeps everything, one skips everything.
    const READERS: [Reader; 2] = [
        |document| object(document).map(drop),
        |document| taken(document, Leaf).map(drop),
    ];

    #[test]
    fn bounds() {
        let nested = |depth: usize| format!("{}{}{}", "{\"a\":".repeat(depth), "1", "}".repeat(depth));
        let many = |count: usize| format!("{{\"a\":[0{}]}}", ",0".repeat(count));
        let empty = |count: usize| format!("{{\"a\":[0{}]}}", ",{}".repeat(count));
        for read in READERS {
            assert_eq!(read(nested(MAX_DEPTH).as_bytes()), Ok(()));
            assert_eq!(read(nested(MAX_DEPTH + 1).as_bytes()), Err(Error::TooDeep));
            assert_eq!(read("[".repeat(1_000_000).as_bytes()), Err(Error::TooDeep));
            assert_eq!(read("{\"a\":[".repeat(500_000).as_bytes()), Err(Error::TooDeep));
            assert_eq!(read(many(MAX_VALUES - 2).as_bytes()), Ok(()));
            assert_eq!(read(many(MAX_VALUES - 1).as_bytes()), Err(Error::TooMany));
            assert_eq!(read(empty(MAX_VALUES / 2 - 1).as_bytes()), Ok(()));
            assert_eq!(read(empty(MAX_VALUES / 2).as_bytes()), Err(Error::TooMany));
            assert_eq!(read(&vec![b' '; MAX_OCTETS + 1]), Err(Error::TooLarge));
            // Brackets in strings nest nothing.
            let quoted = format!("{{\"a\":\"\\\"{}\"}}", "[,".repeat(200_000));
            assert_eq!(read(quoted.as_bytes()), Ok(()));
        }
    }

    #[test]
    fn only_objects() {
        for other in ["[]", "null", "1", "\"a\""] {
            assert_eq!(object(other.as_bytes()), Err(Error::NotAnObject), "{other}");
        }
        assert_eq!(object(b""), Err(Error::Syntax { line: 1, column: 0 }));
        assert_eq!(
            object(b"{\n\"a\":\x00}"),
            Err(Error::Syntax { line: 2, column: 5 })
        );
        for bad in [
            &b"{} {}"[..],
            b"{\"a\":1,}",
            b"{\"\xff\":1}",
            b"{a:1}",
            b"{\"a\":\"\\ud800\"}",
            b"{\"a\":1e999}",
        ] {
            for read in READERS {
                assert!(matches!(read(bad), Err(Error::Syntax { .. })), "{bad:?}");
            }
        }
    }

    #[test]
    fn keys_that_occur_twice_are_told_at_any_depth() {
        let twice = br#"{"a":[{"b":1,"c":":","b":2}]}"#;
        assert!(object(twice).is_ok());
        assert_eq!(object_without_duplicates(twice), Err(Error::DuplicateKey));
        assert_eq!(
            object_without_duplicates(br#"{"a":1,"\u0061":2}"#),
            Err(Error::DuplicateKey)
        );
        assert!(object_without_duplicates(br#"{"a":[{"b":1,"c":":"},{"b":2}]}"#).is_ok());
    }

    fn any_tree() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<i64>().prop_map(Value::from),
            "[a-z]{0,3}".prop_map(Value::from)
        ];
        leaf.prop_recursive(5, 40, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-z]{0,3}", inner, 0..4)
                    .prop_map(|entries| Value::Object(entries.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn values_are_counted_as_they_are_written(tree in any_tree()) {
            let text = tree.to_string();
            let count = |octets: &str| text.chars().filter(|&one| octets.contains(one)).count();
            // Each follows a bracket or a comma, and what is empty has a bracket as well.
            let said = (count("[{,"), count(":"));
            let (read_again, seen) = read(text.as_bytes(), PhantomData::<Value>).unwrap();
            prop_assert_eq!((seen.values, seen.keys), said);
            prop_assert_eq!(read_again, tree);
            let (_, seen) = read(text.as_bytes(), By(Leaf)).unwrap();
            prop_assert_eq!((seen.values, seen.keys), said);
        }

        #[test]
        fn whatever_comes_is_read_or_refused(document: Vec<u8>, text in r#"[\[\]{}",:\\a0 ]{0,60}"#) {
            let _ = object(&document);
            if let Ok(read) = object(text.as_bytes()) {
                let written = serde_json::to_vec(&read).unwrap();
                prop_assert_eq!(object_without_duplicates(&written).unwrap(), read);
            }
        }
    }
}
