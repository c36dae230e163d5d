//! OMA-DM messages: SyncML 1.2 in XML, as Windows speaks it (OMA SyncML Representation Protocol, MS-MDM).
//!
//! A device sends packages of one or more messages, and the server answers each with one. Messages of both ends are
//! of the same type; who may send what is for the two ends to know.

pub mod alert;
pub mod chunk;
mod command;
pub mod credential;
mod header;
mod item;
pub mod loc_uri;
pub mod status;

#[cfg(test)]
mod tests;

pub use command::{Alert, Command, Kind, Results, Status, Verb};
pub use header::{Header, Location};
pub use item::{Format, Item, Meta};

use crate::xml::{self, Element, Error, Unwritable, Writer};

/// `Content-Type`, both ways. Devices may add a charset.
pub const CONTENT_TYPE: &str = "application/vnd.syncml.dm+xml";

const SYNCML: &str = "SYNCML:SYNCML1.2";
/// Common in published messages; means the same.
const SYNCML_1_1: &str = "SYNCML:SYNCML1.1";
const METINF: &str = "syncml:metinf";
const MSFT: &str = "http://schemas.microsoft.com/MobileDevice/MDM";

/// A message.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// From whom, to whom, in which session.
    pub header: Header,
    /// Statuses, results, alerts and commands, in the order in which they are sent.
    pub body: Vec<Command>,
    /// `Final`: the last message of its package.
    pub is_final: bool,
}

impl Message {
    /// Reads a message. Commands that are malformed or unknown are [`Kind::Malformed`], to be answered with 400 one
    /// by one; the error is for what makes the whole message unreadable.
    pub fn parse(octets: &[u8]) -> Result<Self, Error> {
        let document = xml::parse(octets)?;
        let root = Element::root(&document);
        if root.name() != "SyncML" || ![SYNCML, SYNCML_1_1].contains(&root.namespace()) {
            return Err(Error::Value("SyncML"));
        }
        let mut body = Vec::new();
        let mut is_final = false;
        for element in root.need("SyncBody")?.children() {
            if is_final {
                return Err(Error::Value("Final"));
            }
            match element.name() {
                "Final" => is_final = true,
                _ => body.push(Command::read(element)),
            }
        }
        Ok(Self {
            header: Header::read(root.need("SyncHdr")?)?,
            body,
            is_final,
        })
    }

    /// Writes the message.
    pub fn to_xml(&self) -> Result<Vec<u8>, Unwritable> {
        Writer::document(|xml| {
            xml.element("SyncML", &[("xmlns", SYNCML)], |xml| {
                self.header.write(xml);
                let original_errors = self.body.iter().any(Command::has_original_error);
                let namespace: &[_] = if original_errors {
                    &[("xmlns:msft", MSFT)]
                } else {
                    &[]
                };
                xml.element("SyncBody", namespace, |xml| {
                    for command in &self.body {
                        command.write(xml);
                    }
                    if self.is_final {
                        xml.empty("Final", &[]);
                    }
                });
            });
        })
    }
}
