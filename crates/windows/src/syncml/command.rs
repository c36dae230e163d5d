//! What is in `SyncBody`: commands, and what is said of them.

use crate::xml::{Element, Error, Writer};

use super::Item;
use super::alert::AlertCode;
use super::credential::Challenge;
use super::status::StatusCode;

/// An element of `SyncBody`, `Atomic` or `Sequence`.
#[derive(Debug, Clone, PartialEq)]
pub struct Command {
    /// `CmdID`, unique in the message and not 0. Only [`Kind::Malformed`] has none; the `CmdRef` of the status for
    /// that is blank.
    pub id: Option<u32>,
    /// What it is.
    pub kind: Kind,
}

/// What an element of `SyncBody` is.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// `Add`, `Replace`, `Delete`, `Get` or `Exec` of nodes; one at least.
    Verb(Verb, Vec<Item>),
    /// `Atomic`: all or nothing.
    Atomic(Vec<Command>),
    /// `Sequence`: in this order.
    Sequence(Vec<Command>),
    /// `Alert`.
    Alert(Alert),
    /// `Status`.
    Status(Status),
    /// `Results`.
    Results(Results),
    /// An element of that name that is none of these (`Copy` among them, which Windows has not), or is not as it
    /// should be. To be answered with 400. Cannot be written.
    Malformed(String),
}

/// What a command does to nodes of the management tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verb {
    /// Makes a node that is not there.
    Add,
    /// Sets the value of a node; makes it, where its CSP does.
    Replace,
    /// Takes a node away.
    Delete,
    /// Asks for a node's value, or an interior node's children.
    Get,
    /// Runs what a node stands for.
    Exec,
}

impl Verb {
    /// Its name in messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Add => "Add",
            Self::Replace => "Replace",
            Self::Delete => "Delete",
            Self::Get => "Get",
            Self::Exec => "Exec",
        }
    }
}

/// `Alert`: something has happened, or is wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    /// `Data`: what.
    pub code: AlertCode,
    /// More about it.
    pub items: Vec<Item>,
}

/// `Status`: what became of a command.
#[derive(Debug, Clone, PartialEq)]
pub struct Status {
    /// `MsgRef`: the message of the other side that it is for.
    pub message: u32,
    /// `CmdRef`: the command in it, 0 for its header, blank for a malformed one without `CmdID`.
    pub command: Option<u32>,
    /// `Cmd`: the command's name, or `SyncHdr`.
    pub name: String,
    /// `TargetRef`: the nodes that it is for, if not all of the command's.
    pub targets: Vec<String>,
    /// `SourceRef`, likewise.
    pub sources: Vec<String>,
    /// `Chal`: what the other side is to show.
    pub challenge: Option<Challenge>,
    /// `Data`: what became of it.
    pub code: StatusCode,
    /// `msft:originalerror`: the HRESULT behind a failure. Devices tell it from `SyncApplicationVersion` 3.0 on.
    pub original_error: Option<u32>,
}

/// `Results`: what a `Get` got.
#[derive(Debug, Clone, PartialEq)]
pub struct Results {
    /// `MsgRef`: the message with the `Get`; the first one if not said.
    pub message: u32,
    /// `CmdRef`: the `Get`.
    pub command: u32,
    /// Node by node.
    pub items: Vec<Item>,
}

/// Names of malformed elements are kept this far, in octets.
const MAX_NAME: usize = 64;

impl Command {
    /// A well-formed one.
    pub fn new(id: u32, kind: Kind) -> Self {
        Self { id: Some(id), kind }
    }

    /// Its name, for `Cmd` of a status.
    pub fn name(&self) -> &str {
        match &self.kind {
            Kind::Verb(verb, _) => verb.as_str(),
            Kind::Atomic(_) => "Atomic",
            Kind::Sequence(_) => "Sequence",
            Kind::Alert(_) => "Alert",
            Kind::Status(_) => "Status",
            Kind::Results(_) => "Results",
            Kind::Malformed(name) => name,
        }
    }

    /// `parse` bounds how deep groups are nested.
    pub(super) fn read(element: Element<'_>) -> Self {
        let id = element.value_of("CmdID").ok().filter(|id| *id != 0);
        let malformed = || {
            let name = element.name();
            Kind::Malformed(
                name.get(..name.floor_char_boundary(MAX_NAME))
                    .unwrap_or_default()
                    .to_owned(),
            )
        };
        let kind = id.and_then(|_: u32| Kind::read(element).ok().flatten());
        Self {
            id,
            kind: kind.unwrap_or_else(malformed),
        }
    }

    pub(super) fn write(&self, xml: &mut Writer) {
        if matches!(self.kind, Kind::Malformed(_)) {
            return xml.give_up();
        }
        xml.element(self.name(), &[], |xml| {
            xml.optional_text("CmdID", self.id.map(|id| id.to_string()).as_deref());
            match &self.kind {
                Kind::Verb(_, items) => write_items(xml, items),
                Kind::Atomic(commands) | Kind::Sequence(commands) => {
                    for command in commands {
                        command.write(xml);
                    }
                }
                Kind::Alert(alert) => {
                    xml.text("Data", &alert.code.0.to_string());
                    write_items(xml, &alert.items);
                }
                Kind::Status(status) => status.write(xml),
                Kind::Results(results) => {
                    xml.text("MsgRef", &results.message.to_string());
                    xml.text("CmdRef", &results.command.to_string());
                    write_items(xml, &results.items);
                }
                Kind::Malformed(_) => {}
            }
        });
    }

    /// Whether the attribute's namespace has to be declared.
    pub(super) fn has_original_error(&self) -> bool {
        match &self.kind {
            Kind::Status(status) => status.original_error.is_some(),
            Kind::Atomic(commands) | Kind::Sequence(commands) => {
                commands.iter().any(Self::has_original_error)
            }
            _ => false,
        }
    }
}

impl Kind {
    /// `None` for an element that is unknown.
    fn read(element: Element<'_>) -> Result<Option<Self>, Error> {
        let verb = |verb| match Item::read_all(element)? {
            items if items.is_empty() => Err(Error::Missing("Item")),
            items => Ok(Self::Verb(verb, items)),
        };
        let inner = || {
            let commands = element
                .children()
                .filter(|child| !["CmdID", "Meta"].contains(&child.name()));
            commands.map(Command::read).collect()
        };
        Ok(Some(match element.name() {
            "Add" => verb(Verb::Add)?,
            "Replace" => verb(Verb::Replace)?,
            "Delete" => verb(Verb::Delete)?,
            "Get" => verb(Verb::Get)?,
            "Exec" => verb(Verb::Exec)?,
            "Atomic" => Self::Atomic(inner()),
            "Sequence" => Self::Sequence(inner()),
            "Alert" => Self::Alert(Alert {
                code: AlertCode(element.value_of("Data")?),
                items: Item::read_all(element)?,
            }),
            "Status" => Self::Status(Status::read(element)?),
            "Results" => Self::Results(Results {
                message: element.optional_value_of("MsgRef")?.unwrap_or(1),
                command: element.value_of("CmdRef")?,
                items: Item::read_all(element)?,
            }),
            _ => return Ok(None),
        }))
    }
}

impl Status {
    /// A status that is only a code. `command` is 0 for the message's header.
    pub fn new(message: u32, command: Option<u32>, name: impl Into<String>, code: StatusCode) -> Self {
        Self {
            message,
            command,
            name: name.into(),
            targets: Vec::new(),
            sources: Vec::new(),
            challenge: None,
            code,
            original_error: None,
        }
    }

    fn read(status: Element<'_>) -> Result<Self, Error> {
        let refs = |name| {
            let texts = status
                .all(name)
                .map(|one| one.text(name).map(|text| text.trim_ascii().to_owned()));
            texts.collect::<Result<Vec<_>, _>>()
        };
        let command = match status.text_of("CmdRef")?.as_str() {
            "" => None,
            text => Some(text.parse().map_err(|_| Error::Value("CmdRef"))?),
        };
        let data = status.need("Data")?;
        let challenge = status.find("Chal")?.map(Challenge::read).transpose()?;
        Ok(Self {
            message: status.value_of("MsgRef")?,
            command,
            name: status.text_of("Cmd")?,
            targets: refs("TargetRef")?,
            sources: refs("SourceRef")?,
            challenge,
            code: StatusCode(status.value_of("Data")?),
            // It only explains a failure, so one that cannot be read is as good as none.
            original_error: data.attribute("originalerror").and_then(hresult),
        })
    }

    fn write(&self, xml: &mut Writer) {
        xml.text("MsgRef", &self.message.to_string());
        xml.text(
            "CmdRef",
            &self.command.map(|id| id.to_string()).unwrap_or_default(),
        );
        xml.text("Cmd", &self.name);
        for target in &self.targets {
            xml.text("TargetRef", target);
        }
        for source in &self.sources {
            xml.text("SourceRef", source);
        }
        if let Some(challenge) = &self.challenge {
            challenge.write(xml);
        }
        let code = self.code.0.to_string();
        match self.original_error {
            Some(error) => xml.text_with(
                "Data",
                &[("msft:originalerror", &format!("0x{error:08X}"))],
                &code,
            ),
            None => xml.text("Data", &code),
        }
    }
}

/// Hexadecimal with `0x`, or decimal, where a signed number is one, too.
fn hresult(text: &str) -> Option<u32> {
    let text = text.trim_ascii();
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) if !digits.starts_with('+') => u32::from_str_radix(digits, 16).ok(),
        Some(_) => None,
        None => text
            .parse::<u32>()
            .ok()
            .or_else(|| text.parse::<i32>().ok().map(i32::cast_unsigned)),
    }
}

fn write_items(xml: &mut Writer, items: &[Item]) {
    for item in items {
        item.write(xml);
    }
}
