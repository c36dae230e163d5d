//! Between SyncML and what a session is about: every command of the device is answered with a status here.

use std::collections::BTreeMap;

use ordain_catalog::windows::{DataFormat, Verb as ModelVerb};
use ordain_model::windows::facts::hresult;
use ordain_model::windows::session::{Answer, Answered, Body, Installed, Operation, Said, Status as Outcome};
use ordain_windows::syncml::alert::{AlertCode, AlertType, LoginStatus};
use ordain_windows::syncml::chunk::{self, Assembly, Progress};
use ordain_windows::syncml::credential::Challenge;
use ordain_windows::syncml::status::StatusCode;
use ordain_windows::syncml::{
    Alert, Command, Format, Header, Item, Kind, Location, Message, Meta, Results, Status, Verb,
};
use serde::{Deserialize, Serialize};

use super::credentials::NONCE;
use crate::device::fault::Fault;
use crate::windows::declared;

/// The longest value that a device may answer in parts, in octets.
const MAX_OBJECT: usize = 1 << 20;

/// A message of a device.
pub(in crate::windows) struct Heard {
    pub(in crate::windows) header: Header,
    /// What it says to the session,
    pub(in crate::windows) said: Said,
    /// and that it leaves.
    pub(in crate::windows) leaves: bool,
    /// What is answered to each of its commands, the header first.
    pub(in crate::windows) statuses: Vec<Status>,
    /// What has come so far of a value that comes in parts.
    pub(super) part: Option<Part>,
}

/// The beginning of a value that comes in parts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::windows) struct Part {
    message: u32,
    command: u32,
    source: Option<String>,
    format: Option<String>,
    size: u64,
    data: String,
}

impl Part {
    fn new(results: &Results, item: Item) -> Self {
        Self {
            message: results.message,
            command: results.command,
            source: item.source.map(|source| source.uri),
            format: item.meta.format.map(|format| format.as_str().to_owned()),
            size: item.meta.size.unwrap_or_default(),
            data: item.data.unwrap_or_default(),
        }
    }

    fn into_item(self) -> Item {
        let is_base64 = self.format.as_deref() == Some("b64");
        Item {
            source: self.source.map(Location::new),
            meta: Meta {
                format: is_base64.then_some(Format::B64),
                size: Some(self.size),
                ..Meta::default()
            },
            data: Some(self.data),
            more_data: true,
            ..Item::default()
        }
    }
}

/// Reads a message, after what the one before ended in.
pub(in crate::windows) fn read(message: Message, part: Option<Part>) -> Heard {
    let Message {
        header,
        body,
        is_final,
    } = message;
    let number = header.message_id;
    let mut heard = Heard {
        statuses: vec![Status::new(number, Some(0), "SyncHdr", StatusCode::OK)],
        said: Said {
            max_message: header.meta.max_message_size,
            ..Said::default()
        },
        leaves: false,
        part,
        header,
    };
    for command in body {
        let name = command.name().to_owned();
        if let Some(code) = heard.take(command.kind) {
            heard.statuses.push(Status::new(number, command.id, name, code));
        }
    }
    heard.said.is_whole = is_final && heard.part.is_none();
    heard
}

impl Heard {
    /// The next message is to show credentials for `nonce`.
    pub(super) fn asks_next(&mut self, nonce: [u8; NONCE]) {
        if let Some(header) = self.statuses.first_mut() {
            header.challenge = Some(Challenge::md5(&nonce));
        }
    }

    /// Takes a command of the device, and tells the status that it gets, if any.
    fn take(&mut self, kind: Kind) -> Option<StatusCode> {
        match kind {
            Kind::Status(status) => {
                // That of a header says nothing that those of the commands do not.
                let command = status.command.filter(|command| *command != 0);
                self.said.statuses.extend(command.map(|command| Outcome {
                    message: status.message,
                    command,
                    code: status.code.0,
                    original: status.original_error,
                }));
                None
            }
            Kind::Results(results) => self.results(results),
            Kind::Alert(alert) => {
                self.alert(&alert);
                Some(StatusCode::OK)
            }
            Kind::Verb(Verb::Replace, items) => {
                let told = items
                    .into_iter()
                    .filter_map(|item| Some((item.source?.uri, item.data?)));
                self.said.told.extend(told.collect::<BTreeMap<_, _>>());
                Some(StatusCode::OK)
            }
            Kind::Verb(..) => Some(StatusCode::NOT_ALLOWED),
            Kind::Atomic(_) | Kind::Sequence(_) => Some(StatusCode::UNSUPPORTED_FEATURE),
            Kind::Malformed(_) => Some(StatusCode::BAD_REQUEST),
        }
    }

    fn alert(&mut self, alert: &Alert) {
        self.said.aborts |= alert.code == AlertCode::SESSION_ABORT;
        if ![AlertCode::CLIENT_EVENT, AlertCode::GENERIC].contains(&alert.code) {
            return;
        }
        for item in &alert.items {
            match AlertType::of(item) {
                Some(AlertType::LoginStatus) => {
                    let login = item.data.as_deref().and_then(LoginStatus::from_data);
                    self.said.with_user = login.map(|login| login == LoginStatus::User);
                }
                Some(AlertType::Unenrolling) => self.leaves = true,
                Some(AlertType::DeclaredConfigurationDocuments) => {
                    let text = item.data.as_deref();
                    self.said.documents = text.and_then(declared::list);
                }
                Some(AlertType::MsiInstalled) => self.said.installed.extend(installed(item)),
                // What is not about the session.
                _ => {}
            }
        }
    }

    /// What a `Get` got; parts of it are answered, and kept until the last one.
    fn results(&mut self, mut results: Results) -> Option<StatusCode> {
        let mut status = None;
        for item in std::mem::take(&mut results.items) {
            let is_part = item.more_data || self.part.is_some();
            let progress = match self.part.take() {
                // What was begun with is within the bounds, so it is once more.
                Some(part) => Assembly::begin(part.into_item(), MAX_OBJECT).and_then(|begun| match begun {
                    Progress::More(assembly) => assembly.next(item),
                    whole @ Progress::Whole(_) => Ok(whole),
                }),
                None => Assembly::begin(item, MAX_OBJECT),
            };
            match progress {
                Ok(Progress::More(assembly)) => {
                    self.part = Some(Part::new(&results, assembly.into_item()));
                    status = Some(StatusCode::CHUNK_ACCEPTED);
                }
                Ok(Progress::Whole(item)) => self.said.results.push(Answered {
                    message: results.message,
                    command: results.command,
                    value: item.data.unwrap_or_default(),
                }),
                Err(error) if is_part => status = Some(error.status()),
                Err(_) => {}
            }
        }
        status
    }
}

/// What an alert says of an installation.
fn installed(item: &Item) -> Option<Installed> {
    Some(Installed {
        node: item.source.as_ref()?.uri.clone(),
        hresult: hresult(item.data.as_deref()?)?,
    })
}

/// The header of the answer to a message.
fn back(header: &Header) -> Header {
    Header {
        session_id: header.session_id.clone(),
        // Each end counts its own, and there is one answer for each message.
        message_id: header.message_id,
        target: Location::new(header.source.uri.clone()),
        source: Location::new(header.target.uri.clone()),
        response_uri: None,
        no_response: false,
        credential: None,
        meta: Meta::default(),
    }
}

/// The answer to a message whose sender has to show credentials for `nonce` first: nothing in it is done.
pub(super) fn challenge(header: &Header, code: StatusCode, nonce: [u8; NONCE]) -> Result<Vec<u8>, Fault> {
    let status = Status {
        challenge: Some(Challenge::md5(&nonce)),
        ..Status::new(header.message_id, Some(0), "SyncHdr", code)
    };
    to_xml(&Message {
        header: back(header),
        body: vec![Command::new(1, Kind::Status(status))],
        is_final: true,
    })
}

fn to_xml(message: &Message) -> Result<Vec<u8>, Fault> {
    message
        .to_xml()
        .map_err(|_| Fault::Unreadable("what it says cannot be written back".to_owned()))
}

/// The answer to a message.
pub(in crate::windows) fn write(heard: &Heard, answer: &Answer) -> Result<Vec<u8>, Fault> {
    let statuses = heard.statuses.iter().cloned().map(Kind::Status);
    let mut body: Vec<Command> = (1..)
        .zip(statuses)
        .map(|(id, kind)| Command::new(id, kind))
        .collect();
    for sending in &answer.sendings {
        body.push(Command::new(sending.id, kind(&sending.body)));
    }
    if answer.asks_for_more {
        let alert = Alert {
            code: AlertCode::NEXT_MESSAGE,
            items: Vec::new(),
        };
        let id = u32::try_from(body.len() + 1).unwrap_or(u32::MAX);
        body.push(Command::new(id, Kind::Alert(alert)));
    }
    to_xml(&Message {
        header: back(&heard.header),
        body,
        is_final: answer.is_final(),
    })
}

fn kind(body: &Body) -> Kind {
    match body {
        Body::One(operation) => Kind::Verb(verb(operation.verb), vec![item(operation)]),
        Body::Part(operation, number, octets) => {
            let mut parts = chunk::split(item(operation), *octets);
            // After the last part a device that wants more gets that once more.
            parts.truncate(number + 1);
            Kind::Verb(verb(operation.verb), parts.pop().into_iter().collect())
        }
        Body::Atomic(operations) => {
            let command = |(id, operation): &(u32, Operation)| {
                Command::new(*id, Kind::Verb(verb(operation.verb), vec![item(operation)]))
            };
            Kind::Atomic(operations.iter().map(command).collect())
        }
    }
}

fn item(operation: &Operation) -> Item {
    let mut item = Item::to(operation.path.clone());
    if let Some((format, value)) = &operation.value {
        item.meta.format = Some(self::format(*format));
        item.data = (!format.is_empty()).then(|| value.clone());
    }
    item
}

fn verb(verb: ModelVerb) -> Verb {
    match verb {
        ModelVerb::Add => Verb::Add,
        ModelVerb::Delete => Verb::Delete,
        ModelVerb::Exec => Verb::Exec,
        ModelVerb::Get => Verb::Get,
        ModelVerb::Replace => Verb::Replace,
    }
}

pub(in crate::windows) fn format(format: DataFormat) -> Format {
    match format {
        DataFormat::B64 => Format::B64,
        DataFormat::Bin => Format::Bin,
        DataFormat::Bool => Format::Bool,
        DataFormat::Chr => Format::Chr,
        DataFormat::Date => Format::Date,
        DataFormat::Float => Format::Float,
        DataFormat::Int => Format::Int,
        DataFormat::Node => Format::Node,
        DataFormat::Null => Format::Null,
        DataFormat::Time => Format::Time,
        DataFormat::Xml => Format::Xml,
    }
}
