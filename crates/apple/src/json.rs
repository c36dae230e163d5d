//! The one door to JSON from outside: bounds are checked before anything is allocated for it.

use serde::de::DeserializeSeed as _;
use serde_json::{Map, Value};

pub(crate) mod take;

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
    into_object(read(document)?.0)
}

/// Reads an object in which no key occurs twice, at any depth.
pub fn object_without_duplicates(document: &[u8]) -> Result<Map<String, Value>, Error> {
    into_object(value_without_duplicates(document)?)
}

/// Reads any value in which no key occurs twice in an object, at any depth.
pub fn value_without_duplicates(document: &[u8]) -> Result<Value, Error> {
    let (value, keys) = read(document)?;
    if entries(&value) == keys {
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

fn read(document: &[u8]) -> Result<(Value, usize), Error> {
    let keys = check(document)?;
    Ok((serde_json::from_slice(document)?, keys))
}

/// Lets `taker` take the document's value. Of keys that occur twice, it sees both.
pub(crate) fn taken<'de, T: Take<'de>>(document: &'de [u8], taker: T) -> Result<T::Taken, Error> {
    check(document)?;
    match std::str::from_utf8(document) {
        Ok(text) => read_by(serde_json::Deserializer::from_str(text), taker),
        // It finds the place.
        Err(_) => read_by(serde_json::Deserializer::from_slice(document), taker),
    }
}

fn read_by<'de, R: serde_json::de::Read<'de>, T: Take<'de>>(
    mut reader: serde_json::Deserializer<R>,
    taker: T,
) -> Result<T::Taken, Error> {
    let taken = By(taker).deserialize(&mut reader)?;
    reader.end()?;
    Ok(taken)
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

/// Checks the bounds and counts the keys. Every value but the outermost follows a bracket or a comma (its key between
/// them, in an object), and every key is followed by a colon; what is no JSON may be miscounted, and is refused after.
fn check(document: &[u8]) -> Result<usize, Error> {
    if document.len() > MAX_OCTETS {
        return Err(Error::TooLarge);
    }
    let (mut depth, mut values, mut keys) = (0usize, 0usize, 0usize);
    let mut place = 0;
    while let Some(octet) = document.get(place) {
        place += 1;
        match octet {
            b'"' => place = end_of_string(document, place),
            b'[' | b'{' => (depth, values) = (depth + 1, values + 1),
            b']' | b'}' => depth = depth.saturating_sub(1),
            b',' => values += 1,
            b':' => keys += 1,
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Err(Error::TooDeep);
        }
        if values > MAX_VALUES {
            return Err(Error::TooMany);
        }
    }
    Ok(keys)
}

/// The place after the string that begins at `place`.
fn end_of_string(document: &[u8], mut place: usize) -> usize {
    while let Some(rest) = document.get(place..) {
        match memchr::memchr2(b'"', b'\\', rest) {
            Some(found) if rest.get(found) == Some(&b'"') => return place + found + 1,
            Some(found) => place += found + 2,
            None => return document.len(),
        }
    }
    document.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bounds() {
        let nested = |depth: usize| format!("{}{}{}", "{\"a\":".repeat(depth), "1", "}".repeat(depth));
        assert!(object(nested(MAX_DEPTH).as_bytes()).is_ok());
        assert_eq!(object(nested(MAX_DEPTH + 1).as_bytes()), Err(Error::TooDeep));
        assert_eq!(object("[".repeat(1_000_000).as_bytes()), Err(Error::TooDeep));
        let many = |count: usize| format!("{{\"a\":[0{}]}}", ",0".repeat(count));
        assert!(object(many(MAX_VALUES - 2).as_bytes()).is_ok());
        assert_eq!(object(many(MAX_VALUES - 1).as_bytes()), Err(Error::TooMany));
        assert_eq!(object(&vec![b' '; MAX_OCTETS + 1]), Err(Error::TooLarge));
        // Brackets in strings nest nothing.
        let quoted = format!("{{\"a\":\"\\\"{}\"}}", "[,".repeat(200_000));
        assert!(object(quoted.as_bytes()).is_ok());
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
        ] {
            assert!(matches!(object(bad), Err(Error::Syntax { .. })), "{bad:?}");
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

    proptest! {
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
