//! Documents that assets refer to.

use crate::{Shape, Support};

/// A credential: the document that the data of an asset is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// The full name, such as `com.apple.credential.acme`. Documents themselves do not have it.
    pub name: String,
    /// Where it is supported.
    pub support: Support,
    /// What the document must be: a dictionary.
    pub payload: Shape,
}
