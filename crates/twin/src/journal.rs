//! Which commands came on a channel, what became of them, and what the server has taken of it: so that whoever has
//! killed a server can compare.

use std::collections::VecDeque;

use ordain_apple::command::{Command, Status};
use ordain_catalog::Catalog;
use ordain_model::ids::Digest;

/// How many commands of a channel are remembered; the oldest are forgotten first.
pub const MAX_REMEMBERED: usize = 1024;

/// How often a server has answered with 200.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Taken {
    /// Authenticate.
    pub authenticates: u64,
    /// TokenUpdate.
    pub token_updates: u64,
    /// Results of commands, NotNow excepted.
    pub results: u64,
    /// Status reports.
    pub reports: u64,
}

/// A command that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    uuid: Box<str>,
    request_type: &'static str,
    content: Digest,
    status: Option<Status>,
    effect: Option<Box<str>>,
    is_taken: bool,
    deliveries: u32,
    /// Whether it was refused with NotNow in this session.
    is_refused: bool,
}

impl Entry {
    /// `CommandUUID`.
    pub fn uuid(&self) -> &str {
        &self.uuid
    }

    /// `RequestType`; empty if it is none of Apple's.
    pub fn request_type(&self) -> &str {
        self.request_type
    }

    /// How the device answered; `None` as long as it said NotNow.
    pub fn status(&self) -> Option<Status> {
        self.status
    }

    /// What it did to the device, in a few words.
    pub fn effect(&self) -> Option<&str> {
        self.effect.as_deref()
    }

    /// Whether the server has taken the result.
    pub fn is_taken(&self) -> bool {
        self.is_taken
    }

    /// Whether the device has an outcome that no server has taken, and says it again. What it refused with NotNow it does
    /// not keep.
    pub fn is_untold(&self) -> bool {
        self.status.is_some() && !self.is_taken
    }

    /// How often it was delivered when the device could execute it. The twin executes it the first time only; a real
    /// device, which remembers nothing, would each time.
    pub fn deliveries(&self) -> u32 {
        self.deliveries
    }
}

/// What a channel knows of a command that comes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Known {
    /// It is new, or was refused with NotNow in another session.
    Not,
    /// It was refused with NotNow in this session.
    Refused,
    /// Another command came under its UUID.
    Other,
    /// It was executed, and the server has taken the result.
    Taken(Status),
}

/// The commands of a channel, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    entries: VecDeque<Entry>,
}

impl Journal {
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }

    /// Another session begins.
    pub(crate) fn wake(&mut self) {
        for entry in &mut self.entries {
            entry.is_refused = false;
        }
    }

    /// Compares a command with those that came before, and remembers it.
    pub(crate) fn compare(&mut self, command: &Command, content: Digest) -> Known {
        let request_type = Catalog::builtin()
            .command(&command.request_type)
            .map_or("", |known| known.request_type.as_str());
        if let Some(entry) = self.find(&command.uuid) {
            if entry.content != content {
                entry.content = content;
                entry.request_type = request_type;
                return Known::Other;
            }
            return match entry.status {
                Some(status) => {
                    entry.deliveries = entry.deliveries.saturating_add(1);
                    Known::Taken(status)
                }
                None if entry.is_refused => Known::Refused,
                None => Known::Not,
            };
        }
        self.remember(&command.uuid, request_type, content);
        Known::Not
    }

    /// Something that cannot be read but for its UUID.
    pub(crate) fn malformed(&mut self, uuid: &str, content: Digest) {
        if self.find(uuid).is_none() {
            self.remember(uuid, "", content);
        }
        self.executed(uuid, Status::CommandFormatError, None);
    }

    fn remember(&mut self, uuid: &str, request_type: &'static str, content: Digest) {
        if self.entries.len() >= MAX_REMEMBERED {
            self.entries.pop_front();
        }
        self.entries.push_back(Entry {
            uuid: uuid.into(),
            request_type,
            content,
            status: None,
            effect: None,
            is_taken: false,
            deliveries: 0,
            is_refused: false,
        });
    }

    /// A command was executed.
    pub(crate) fn executed(&mut self, uuid: &str, status: Status, effect: Option<String>) {
        if let Some(entry) = self.find(uuid) {
            entry.status = Some(status);
            entry.effect = effect.map(String::into_boxed_str);
            entry.is_taken = false;
            entry.deliveries = entry.deliveries.saturating_add(1);
        }
    }

    /// The server has taken what was said of a command.
    pub(crate) fn taken(&mut self, uuid: &str, status: Status) {
        if let Some(entry) = self.find(uuid) {
            entry.is_taken = status != Status::NotNow;
            entry.is_refused = status == Status::NotNow;
        }
    }

    /// The newest first: that is where it is.
    fn find(&mut self, uuid: &str) -> Option<&mut Entry> {
        self.entries.iter_mut().rev().find(|entry| &*entry.uuid == uuid)
    }
}
