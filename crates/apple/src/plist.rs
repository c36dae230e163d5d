//! The one door to property lists. Apple's devices send XML, and nothing else is read here; what was read is safe to
//! walk, to drop and to write.

mod reader;

pub use ::plist::{Date, Dictionary, Value};

/// The largest document, in octets: room for a profile with a few fonts. What devices may send is for the server to
/// bound more narrowly.
pub const MAX_OCTETS: usize = 16 << 20;
/// How deep arrays and dictionaries may nest.
pub const MAX_DEPTH: usize = 32;
/// How many elements a document may have. A long list of installed applications has some 20,000.
pub const MAX_ELEMENTS: usize = 100_000;
/// The longest text taken from a key that is understood, in octets.
pub const MAX_TEXT: usize = 1024;

/// What is wrong with a property list. No text of the document is repeated, since it may be secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Beyond [`MAX_OCTETS`].
    #[error("the property list is larger than {MAX_OCTETS} octets")]
    TooLarge,
    /// Beyond [`MAX_DEPTH`].
    #[error("the property list nests deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// Beyond [`MAX_ELEMENTS`].
    #[error("the property list has more than {MAX_ELEMENTS} elements")]
    TooMany,
    /// Binary property lists are not read.
    #[error("a binary property list; XML is expected")]
    Binary,
    /// Not UTF-8, or with a NUL.
    #[error("the property list is not UTF-8 text")]
    NotText,
    /// What XML allows and property lists do without.
    #[error("the property list contains {0}, which is refused")]
    Refused(&'static str),
    /// Not well-formed, or not a property list.
    #[error("not a property list: {what} near octet {octet}")]
    Syntax {
        /// What was found or missed.
        what: &'static str,
        /// Where, counted from the document's beginning.
        octet: u64,
    },
    /// An element whose text is not of its type.
    #[error("not a property list: {0}")]
    Content(String),
    /// A dictionary has a key twice.
    #[error("a dictionary has a key twice")]
    DuplicateKey,
    /// The outermost value is something else.
    #[error("the property list is not a dictionary")]
    NotADictionary,
    /// A required key is missing.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// The value is of another type.
    #[error("{key} is not {expected}")]
    WrongType {
        /// The key.
        key: &'static str,
        /// What its value should be, with the article.
        expected: &'static str,
    },
    /// The value is empty, too long, or not one of the allowed ones.
    #[error("{0} has a value that is not allowed")]
    NotAllowed(&'static str),
}

/// Reads an XML property list whose outermost value is a dictionary.
pub fn parse(body: &[u8]) -> Result<Dictionary, Error> {
    reader::read(body, |_| ())?
        .into_dictionary()
        .ok_or(Error::NotADictionary)
}

/// Reads as [`parse`] does, and tells where everything stands: the octets at which keys and values begin, in the order of
/// the document, which is the order of the dictionary.
pub fn parse_with_octets(body: &[u8]) -> Result<(Dictionary, Vec<u64>), Error> {
    let mut octets = Vec::new();
    let value = reader::read(body, |octet| octets.push(octet))?;
    Ok((value.into_dictionary().ok_or(Error::NotADictionary)?, octets))
}

/// Writes an XML property list, keys in the dictionary's order.
///
/// # Panics
///
/// When the dictionary holds a [`Value::Uid`], which XML cannot express and [`parse`] never yields.
#[allow(
    clippy::expect_used,
    reason = "only a UID, which is no outside input, can fail"
)]
pub fn to_xml(dictionary: Dictionary) -> Vec<u8> {
    let mut xml = Vec::new();
    Value::Dictionary(dictionary)
        .to_writer_xml(&mut xml)
        .expect("a dictionary without UIDs");
    xml
}

/// The value of `key`, if there is one.
pub fn optional<'a, T: Field<'a>>(dictionary: &'a Dictionary, key: &'static str) -> Result<Option<T>, Error> {
    let Some(value) = dictionary.get(key) else {
        return Ok(None);
    };
    let field = T::of(value).ok_or(Error::WrongType {
        key,
        expected: T::EXPECTED,
    })?;
    if field.fits() {
        Ok(Some(field))
    } else {
        Err(Error::NotAllowed(key))
    }
}

/// The value of `key`, which has to be there.
pub fn required<'a, T: Field<'a>>(dictionary: &'a Dictionary, key: &'static str) -> Result<T, Error> {
    optional(dictionary, key)?.ok_or(Error::Missing(key))
}

/// The text of `key`, if there is one. An empty one counts as none.
pub fn optional_text<'a>(dictionary: &'a Dictionary, key: &'static str) -> Result<Option<&'a str>, Error> {
    Ok(optional::<&str>(dictionary, key)?.filter(|text| !text.is_empty()))
}

/// The text of `key`, which has to be there and not empty.
pub fn required_text<'a>(dictionary: &'a Dictionary, key: &'static str) -> Result<&'a str, Error> {
    optional_text(dictionary, key)?.ok_or(Error::Missing(key))
}

/// A type that the value of a key can have.
pub trait Field<'a>: Sized {
    /// What is expected, with its article.
    const EXPECTED: &'static str;

    /// The value as this type, if it is of it.
    fn of(value: &'a Value) -> Option<Self>;

    /// Whether its size is within bounds.
    fn fits(&self) -> bool {
        true
    }
}

impl<'a> Field<'a> for &'a str {
    const EXPECTED: &'static str = "a string";

    fn of(value: &'a Value) -> Option<Self> {
        value.as_string()
    }

    fn fits(&self) -> bool {
        self.len() <= MAX_TEXT
    }
}

impl<'a> Field<'a> for &'a [u8] {
    const EXPECTED: &'static str = "data";

    fn of(value: &'a Value) -> Option<Self> {
        value.as_data()
    }
}

impl<'a> Field<'a> for bool {
    const EXPECTED: &'static str = "a boolean";

    fn of(value: &'a Value) -> Option<Self> {
        value.as_boolean()
    }
}

impl<'a> Field<'a> for i64 {
    const EXPECTED: &'static str = "an integer of 64 bits";

    fn of(value: &'a Value) -> Option<Self> {
        value.as_signed_integer()
    }
}

impl<'a> Field<'a> for &'a Dictionary {
    const EXPECTED: &'static str = "a dictionary";

    fn of(value: &'a Value) -> Option<Self> {
        value.as_dictionary()
    }
}

impl<'a> Field<'a> for &'a [Value] {
    const EXPECTED: &'static str = "an array";

    fn of(value: &'a Value) -> Option<Self> {
        value.as_array().map(Vec::as_slice)
    }
}

#[cfg(test)]
pub(crate) mod tests;
