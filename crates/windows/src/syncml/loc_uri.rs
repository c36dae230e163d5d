//! `LocURI`s of nodes in a device's management tree (OMA DM Tree and Description, section 4; MS-MDM section 2.2.2.1).

#[cfg(test)]
mod tests;

use std::fmt;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

/// The longest one, in octets.
pub const MAX_OCTETS: usize = 4096;
/// The most segments.
pub const MAX_SEGMENTS: usize = 64;

/// The address of a node. Two are equal if they name the same node, however they are written.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LocUri {
    /// In whose tree.
    pub scope: Scope,
    /// The names on the way to the node, without scope and escapes.
    pub segments: Vec<String>,
    /// What a `Get` asks beside, as in `list=StructData` and `prop=Type`.
    pub query: Option<String>,
}

/// Whose settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// The device's: `./Device`, or no scope.
    Device,
    /// Those of the user whom the session is for: `./User`.
    User,
}

/// The text is not the address of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the address of a node")]
pub struct NotALocUri;

/// What is escaped in a segment.
const ESCAPED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'/')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// A name as a segment, or as one of the names that the data of an interior node has.
pub fn escape(name: &str) -> String {
    utf8_percent_encode(name, ESCAPED).to_string()
}

impl LocUri {
    /// Reads `text`, which begins with `./`.
    pub fn parse(text: &str) -> Result<Self, NotALocUri> {
        if text.len() > MAX_OCTETS {
            return Err(NotALocUri);
        }
        let (path, query) = match text.split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (text, None),
        };
        let path = path.strip_prefix("./").ok_or(NotALocUri)?;
        let (scope, rest) = match path.split_once('/').unwrap_or((path, "")) {
            ("Device", rest) => (Scope::Device, rest),
            ("User", rest) => (Scope::User, rest),
            _ => (Scope::Device, path),
        };
        let segments = rest.split('/').filter(|_| !rest.is_empty()).map(segment);
        let segments: Vec<_> = segments.take(MAX_SEGMENTS + 1).collect::<Result<_, _>>()?;
        if segments.len() > MAX_SEGMENTS {
            return Err(NotALocUri);
        }
        Ok(Self {
            scope,
            segments,
            query,
        })
    }
}

fn segment(text: &str) -> Result<String, NotALocUri> {
    let octets = text.as_bytes();
    let escapes_are_whole = octets
        .iter()
        .enumerate()
        .filter(|(_, octet)| **octet == b'%')
        .all(|(at, _)| {
            let digits = octets.get(at + 1..at + 3);
            digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
        });
    let name = percent_decode_str(text).decode_utf8().map_err(|_| NotALocUri)?;
    let is_name = !matches!(&*name, "" | "." | "..") && !name.contains(char::is_control);
    if escapes_are_whole && is_name {
        Ok(name.into_owned())
    } else {
        Err(NotALocUri)
    }
}

impl fmt::Display for LocUri {
    /// The form that Microsoft documents: with a scope where the first segment is `Vendor`, without where it is
    /// another one of the device's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(".")?;
        match (self.scope, self.segments.first().map(String::as_str)) {
            (Scope::User, _) => f.write_str("/User")?,
            // A node of these names would be taken for a scope.
            (Scope::Device, None | Some("Vendor" | "Device" | "User")) => f.write_str("/Device")?,
            (Scope::Device, Some(_)) => {}
        }
        for name in &self.segments {
            write!(f, "/{}", escape(name))?;
        }
        match &self.query {
            Some(query) => write!(f, "?{query}"),
            None => Ok(()),
        }
    }
}
