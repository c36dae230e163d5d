//! Declared configuration: what its documents, their results and the list of them look like (the `DeclaredConfiguration`
//! CSP; Microsoft's pages on declared configuration, resource access and extensibility).
//!
//! All of these travel as the text of SyncML items, and are read from and written to such text. Reading goes by local
//! names, takes attributes in any order, skips what it does not know, and refuses whatever is said twice. Values may be
//! secrets, so `Debug` shows none.

mod address;
mod alert;
mod document;
mod instances;
mod result;
mod state;

#[cfg(test)]
mod tests;

pub use address::{Address, Node, Request};
pub use alert::{DeclaredConfigurations, Listed};
pub use document::{Body, Csp, Document, Dsc, Parameter, Property, Uri};
pub use instances::{Instance, InstanceBlob, Undefined};
pub use result::{CspResult, DocumentResult, DscResult, SUCCESS, UriResult};
pub use state::{State, StateKind};

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use crate::secret::Secret;
use crate::syncml::Format;
use crate::syncml::loc_uri::Scope;
use crate::xml::{Element, Error, Writer};

/// The most documents of one alert.
pub const MAX_DOCUMENTS: usize = 1000;
/// The most settings of one document or result, and the most data of all instances: `URI`, `Key`, `Value`, `Property`,
/// `InstanceData`.
pub const MAX_SETTINGS: usize = 10_000;
/// The most `CSP` and `DSC` elements of one document or result, and the most instances.
pub const MAX_PARTS: usize = 1000;
/// The longest path, and name of a CSP or class, in octets.
pub const MAX_PATH: usize = 4096;
/// The longest of the other names and labels, as checksums are, in octets.
pub const MAX_LABEL: usize = 256;

/// The only version of documents, results and lists.
const SCHEMA: &str = "1.0";

/// The name of a document. It should be a GUID; a device may list others. Two that differ in case only are the same,
/// so it is kept in lower case: what devices do to the case is unverified (\[U\]).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DocId(String);

impl DocId {
    /// Takes `text` for one.
    pub fn new(text: &str) -> Self {
        Self(text.to_ascii_lowercase())
    }

    /// The name, in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it has the form that nodes of documents have: 8-4-4-4-12 hexadecimal digits.
    pub fn is_guid(&self) -> bool {
        let groups = self.0.split('-').map(str::len);
        let is_digit = |octet: u8| octet == b'-' || octet.is_ascii_hexdigit();
        groups.eq([8, 4, 4, 4, 12]) && self.0.bytes().all(is_digit)
    }
}

impl fmt::Display for DocId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `schema`: must be the one that there is, if it is said.
fn check_schema(element: Element<'_>) -> Result<(), Error> {
    match element.attribute("schema") {
        None | Some(SCHEMA) => Ok(()),
        Some(_) => Err(Error::Value("schema")),
    }
}

/// An attribute of a bounded length, if it is there and not empty.
fn label<'a>(element: Element<'a>, name: &'static str, longest: usize) -> Result<Option<&'a str>, Error> {
    match element.attribute(name) {
        Some(text) if text.len() > longest => Err(Error::Value(name)),
        text => Ok(text.filter(|text| !text.is_empty())),
    }
}

/// The same, where it has to be there.
fn need_label(element: Element<'_>, name: &'static str, longest: usize) -> Result<String, Error> {
    let text = label(element, name, longest)?.ok_or(Error::Missing(name))?;
    Ok(text.to_owned())
}

/// The same, if it is there.
fn optional_label(element: Element<'_>, name: &'static str) -> Result<Option<String>, Error> {
    Ok(label(element, name, MAX_LABEL)?.map(str::to_owned))
}

/// `id`.
fn id(element: Element<'_>) -> Result<DocId, Error> {
    need_label(element, "id", MAX_LABEL).map(|text| DocId::new(&text))
}

/// `context`, in any case.
fn context(element: Element<'_>) -> Result<Option<Scope>, Error> {
    match label(element, "context", MAX_LABEL)? {
        None => Ok(None),
        Some(text) if text.eq_ignore_ascii_case("device") => Ok(Some(Scope::Device)),
        Some(text) if text.eq_ignore_ascii_case("user") => Ok(Some(Scope::User)),
        Some(_) => Err(Error::Value("context")),
    }
}

/// `context`, as it is written.
const fn context_name(scope: Scope) -> &'static str {
    match scope {
        Scope::Device => "Device",
        Scope::User => "User",
    }
}

/// `className`, as all samples have it, or `classname`, as the table of attributes does.
fn class_name(element: Element<'_>) -> Result<String, Error> {
    match (element.attribute("className"), element.attribute("classname")) {
        (Some(_), Some(_)) => Err(Error::Repeated("className")),
        (None, Some(_)) => need_label(element, "classname", MAX_PATH),
        _ => need_label(element, "className", MAX_PATH),
    }
}

/// `type` of a value, in any case.
fn format(element: Element<'_>) -> Result<Option<Format>, Error> {
    let text = label(element, "type", MAX_LABEL)?;
    Ok(text.map(|text| Format::from_text(text.to_ascii_lowercase())))
}

/// `state`, if it is there and a number.
fn state(element: Element<'_>) -> Option<State> {
    let text = element.attribute("state")?.trim_ascii();
    let is_number = text.bytes().all(|octet| octet.is_ascii_digit());
    u32::from_str(text).ok().filter(|_| is_number).map(State)
}

/// Refuses more than `most` elements in `root`, and more than [`MAX_SETTINGS`] in those.
fn check_size(root: Element<'_>, most: usize) -> Result<(), Error> {
    let settings: usize = root.children().map(|part| part.children().count()).sum();
    if root.children().count() > most || settings > MAX_SETTINGS {
        return Err(Error::Refused("that many entries"));
    }
    Ok(())
}

/// Refuses what is there twice; `what` names it in the error.
fn check_names<T: Ord>(names: impl IntoIterator<Item = T>, what: &'static str) -> Result<(), Error> {
    let mut seen = BTreeSet::new();
    match names.into_iter().all(|name| seen.insert(name)) {
        true => Ok(()),
        false => Err(Error::Repeated(what)),
    }
}

/// The attributes that are there.
fn present<'a>(attributes: &[(&'a str, Option<&'a str>)]) -> Vec<(&'a str, &'a str)> {
    let some = |(name, value): &(&'a str, Option<&'a str>)| value.map(|value| (*name, value));
    attributes.iter().filter_map(some).collect()
}

/// An element with a value that may be empty.
fn write_value(xml: &mut Writer, name: &str, attributes: &[(&str, Option<&str>)], value: &Secret) {
    match value.expose() {
        "" => xml.empty(name, &present(attributes)),
        text => xml.text_with(name, &present(attributes), text),
    }
}
