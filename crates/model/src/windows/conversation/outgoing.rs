//! What is sent to a device, and how much room it takes.

use ordain_catalog::windows::{DataFormat, Verb};

use crate::windows::settings::plan;

/// A command to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sending {
    /// `CmdID`.
    pub id: u32,
    /// What it is.
    pub body: Body,
}

/// What a command is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// One for a node.
    One(Operation),
    /// The part of this number, from 0, of one whose value is cut into parts of at most so many octets of escaped text.
    Part(Operation, usize, usize),
    /// `Atomic`: all or none, each with its `CmdID`.
    Atomic(Vec<(u32, Operation)>),
}

/// What a command does to a node.
#[derive(Clone, PartialEq, Eq)]
pub struct Operation {
    /// The command.
    pub verb: Verb,
    /// `LocURI`.
    pub path: String,
    /// The value that it carries, before it is escaped.
    pub value: Option<(DataFormat, String)>,
}

impl std::fmt::Debug for Operation {
    /// Values may be secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.verb, self.path)
    }
}

/// What surrounds path and value of a command, in octets, rounded up.
const AROUND: usize = 400;
/// The most octets of a character that is escaped.
const ESCAPED: usize = 6;

impl Operation {
    pub(in crate::windows) fn get(path: impl ToString) -> Self {
        Self {
            verb: Verb::Get,
            path: path.to_string(),
            value: None,
        }
    }

    pub(in crate::windows) fn replace(path: impl ToString, format: DataFormat, value: &str) -> Self {
        Self {
            verb: Verb::Replace,
            path: path.to_string(),
            value: Some((format, value.to_owned())),
        }
    }

    /// The operation of a command; when the node `is_there`, what is sent instead then.
    pub(in crate::windows) fn of(command: &plan::Command, is_there: bool) -> Self {
        Self {
            verb: command.if_there.filter(|_| is_there).unwrap_or(command.verb),
            path: command.path.to_string(),
            value: (command.value.as_ref()).map(|(format, value)| (*format, value.text())),
        }
    }

    /// How much room it takes in a message, in octets, rounded up.
    pub(in crate::windows) fn octets(&self) -> usize {
        let value = self.value.as_ref().map_or("", |(_, value)| value);
        AROUND + escaped(&self.path) + escaped(value)
    }
}

fn escaped(text: &str) -> usize {
    let octets = text.bytes().map(|octet| match octet {
        b'<' | b'>' | b'&' | b'"' | b'\'' | b'\r' => ESCAPED,
        _ => 1,
    });
    octets.sum()
}
