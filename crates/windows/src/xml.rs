//! The one door to XML: bounded reading, deterministic writing.
//!
//! roxmltree reads, since it knows namespaces and refuses DTDs, and has no recursion since 0.21.2. What it leaves
//! unbounded is bounded before it sees a document: size, attributes (it compares each of a tag with each, by their
//! namespaces first), the length of namespaces, and their prefixes (each element that declares one gets a list of all that
//! are in scope).

mod canonical;
mod read;
mod write;

#[cfg(test)]
mod tests;

pub(crate) use canonical::{Declarations, canonical, canonical_without};
pub(crate) use read::{Element, parse, parse_embedded};
pub(crate) use write::Writer;

/// The longest document that is read, in octets.
pub const MAX_OCTETS: usize = 4 << 20;
/// The most nodes of a document: elements, texts, comments.
pub const MAX_NODES: u32 = 100_000;
/// How deep elements may be nested.
pub const MAX_DEPTH: usize = 64;
/// The most attributes of one tag, namespace declarations among them.
pub const MAX_ATTRIBUTES: usize = 64;
/// The most attributes of a document.
pub const MAX_ALL_ATTRIBUTES: usize = 100_000;
/// The most different namespace prefixes that a document declares.
pub const MAX_PREFIXES: usize = 32;
/// The longest namespace, in octets as it is written; those of the protocols have at most some 90.
pub const MAX_NAMESPACE: usize = 256;

/// Why a document was not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Longer than [`MAX_OCTETS`].
    #[error("more than {MAX_OCTETS} octets")]
    TooLarge,
    /// Not UTF-8, or said to be something else.
    #[error("not UTF-8")]
    NotText,
    /// XML that is not read here: a DTD, or more of something than the bounds allow.
    #[error("{0} refused")]
    Refused(&'static str),
    /// Not XML.
    #[error("ill-formed XML in line {line}, column {column}")]
    Syntax {
        /// Line, from 1.
        line: u32,
        /// Column, from 1.
        column: u32,
    },
    /// Something that has to be there is not.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// Something is there twice that must be there once.
    #[error("{0} is there more than once")]
    Repeated(&'static str),
    /// Something is there, but not with a value or content that it can have.
    #[error("{0} is not as it should be")]
    Value(&'static str),
}

/// A text with a character that XML cannot carry, as control characters are; or a time that has no four-digit year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not writable as XML")]
pub struct Unwritable;

/// Whether XML can carry `text`. What cannot be carried makes writing a message fail as a whole, so whoever composes
/// one of several parts asks before.
pub fn can_carry(text: &str) -> bool {
    text.chars()
        .all(|c| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..))
}
