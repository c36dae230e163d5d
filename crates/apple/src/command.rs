//! The command channel: commands, and what devices answer at the ServerURL.

mod build;
mod file;
mod problem;
mod results;

pub use build::{MAX_OCTETS, build};
pub use file::read_file;
pub use problem::Problem;
pub use results::results_to_json;

use crate::ids::{self, Ids};
use crate::plist::{self, Dictionary, Error, MAX_TEXT, Value, required, required_text};

/// How many entries of an ErrorChain are kept, outermost first.
const MAX_CHAIN: usize = 16;

/// The `RequestType` of the one command that is never ordered.
const DECLARATIVE_MANAGEMENT: &str = "DeclarativeManagement";

/// A command for a device.
#[derive(Debug, Clone, PartialEq)]
pub struct Command {
    /// `CommandUUID`: what the answer refers to. Any text.
    pub uuid: String,
    /// `RequestType`.
    pub request_type: String,
    /// The keys beside `RequestType`.
    pub payload: Dictionary,
}

impl Command {
    /// The command that switches DDM on and, later, says that there is something new. `tokens` is a
    /// [`crate::ddm::TokensResponse`] as JSON.
    pub fn declarative_management(uuid: String, tokens: Vec<u8>) -> Self {
        let payload = Dictionary::from_iter([("Data".to_owned(), Value::Data(tokens))]);
        Self {
            uuid,
            request_type: DECLARATIVE_MANAGEMENT.to_owned(),
            payload,
        }
    }

    /// The body of the answer that carries the command.
    pub fn to_xml(&self) -> Vec<u8> {
        let mut command = Dictionary::new();
        command.insert("RequestType".to_owned(), self.request_type.as_str().into());
        command.extend(self.payload.clone());
        let mut body = Dictionary::new();
        body.insert("CommandUUID".to_owned(), self.uuid.as_str().into());
        body.insert("Command".to_owned(), command.into());
        plist::to_xml(body)
    }

    /// Reads a command as a device does.
    pub fn parse(body: &[u8]) -> Result<Self, Error> {
        let body = plist::parse(body)?;
        let mut payload = required::<&Dictionary>(&body, "Command")?.clone();
        let request_type = required_text(&payload, "RequestType")?.to_owned();
        payload.remove("RequestType");
        Ok(Self {
            uuid: required_text(&body, "CommandUUID")?.to_owned(),
            request_type,
            payload,
        })
    }
}

/// What a device says on the command channel: that it is idle, or how it fared with a command.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Which channel sent it.
    pub ids: Ids,
    /// `Status`.
    pub status: Status,
    /// `CommandUUID` of the command that this answers; `None` exactly with [`Status::Idle`].
    pub command_uuid: Option<String>,
    /// `ErrorChain`, outermost first.
    pub error_chain: Vec<ChainedError>,
    /// All other keys: what the command asked for.
    pub results: Dictionary,
}

/// `Status` of a message on the command channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Asks for work.
    Idle,
    /// The command is done, or begun.
    Acknowledged,
    /// The command failed.
    Error,
    /// The command is malformed.
    CommandFormatError,
    /// The command cannot be executed now and is to be sent again later.
    NotNow,
}

impl Status {
    const ALL: [Self; 5] = [
        Self::Idle,
        Self::Acknowledged,
        Self::Error,
        Self::CommandFormatError,
        Self::NotNow,
    ];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "Idle",
            Self::Acknowledged => "Acknowledged",
            Self::Error => "Error",
            Self::CommandFormatError => "CommandFormatError",
            Self::NotNow => "NotNow",
        }
    }
}

/// An entry of an ErrorChain, for people: codes and domains change between releases.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChainedError {
    /// `ErrorCode`.
    pub code: Option<i64>,
    /// `ErrorDomain`.
    pub domain: Option<String>,
    /// `LocalizedDescription`.
    pub localized_description: Option<String>,
    /// `USEnglishDescription`.
    pub us_english_description: Option<String>,
}

impl Message {
    /// Reads a message. The error says what is wrong with it; the answer is 400.
    ///
    /// An ErrorChain with mistakes is taken as far as it goes, since a device repeats an answer that was refused.
    pub fn parse(body: &[u8]) -> Result<Self, Error> {
        let mut message = plist::parse(body)?;
        let ids = Ids::read(&message)?;
        let word = required_text(&message, "Status")?;
        let status = Status::ALL
            .into_iter()
            .find(|status| status.as_str() == word)
            .ok_or(Error::NotAllowed("Status"))?;
        let command_uuid = match status {
            Status::Idle => None,
            _ => Some(required_text(&message, "CommandUUID")?.to_owned()),
        };
        let chain = message
            .get("ErrorChain")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        let error_chain = chain
            .filter_map(Value::as_dictionary)
            .take(MAX_CHAIN)
            .map(ChainedError::read)
            .collect();
        message.retain(|key, _| {
            !ids::KEYS.contains(&key.as_str())
                && !["Status", "CommandUUID", "ErrorChain"].contains(&key.as_str())
        });
        Ok(Self {
            ids,
            status,
            command_uuid,
            error_chain,
            results: message,
        })
    }

    /// The message as a device sends it.
    pub fn to_xml(&self) -> Vec<u8> {
        let mut message = Dictionary::new();
        self.ids.write(&mut message);
        message.insert("Status".to_owned(), self.status.as_str().into());
        if let Some(uuid) = &self.command_uuid {
            message.insert("CommandUUID".to_owned(), uuid.as_str().into());
        }
        if !self.error_chain.is_empty() {
            let chain = self
                .error_chain
                .iter()
                .map(|error| Value::from(error.to_dictionary()))
                .collect();
            message.insert("ErrorChain".to_owned(), Value::Array(chain));
        }
        message.extend(self.results.clone());
        plist::to_xml(message)
    }
}

impl ChainedError {
    fn read(entry: &Dictionary) -> Self {
        let text = |key| {
            let text = entry.get(key)?.as_string()?;
            text.get(..text.floor_char_boundary(MAX_TEXT)).map(str::to_owned)
        };
        Self {
            code: entry.get("ErrorCode").and_then(Value::as_signed_integer),
            domain: text("ErrorDomain"),
            localized_description: text("LocalizedDescription"),
            us_english_description: text("USEnglishDescription"),
        }
    }

    fn to_dictionary(&self) -> Dictionary {
        let texts = [
            ("ErrorDomain", &self.domain),
            ("LocalizedDescription", &self.localized_description),
            ("USEnglishDescription", &self.us_english_description),
        ];
        let code = self.code.map(|code| ("ErrorCode".to_owned(), Value::from(code)));
        let texts = texts
            .into_iter()
            .filter_map(|(key, text)| Some((key.to_owned(), Value::from(text.as_deref()?))));
        code.into_iter().chain(texts).collect()
    }
}

#[cfg(test)]
mod tests;
