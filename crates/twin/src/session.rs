//! The command channel of one enrollment: a session is `Idle`, then commands and their results, until an empty answer.

use std::collections::VecDeque;

use ordain_apple::command::{ChainedError, Command, Message, Status};
use ordain_apple::ddm::{Malformed, TokensResponse};
use ordain_apple::ids::Ids;
use ordain_apple::plist::{self, Dictionary, optional, required_text};
use ordain_model::ids::Digest;

use crate::complaint::{Complaint, Complaints};
use crate::request::{About, Response};

/// More commands than this in one session are not taken.
const MAX_COMMANDS: usize = 64;
/// How many commands are remembered.
const MAX_REMEMBERED: usize = 64;

/// The command channel of one enrollment.
#[derive(Debug, Default)]
pub(crate) struct Session {
    /// What is to be said, or was said and is not yet answered with 200.
    saying: Option<Saying>,
    /// Whether a session is under way.
    open: bool,
    commands: usize,
    /// Whether a DeclarativeManagement command came in this session.
    syncs: usize,
    remembered: VecDeque<Remembered>,
}

#[derive(Debug, Clone)]
struct Saying {
    status: Status,
    command_uuid: Option<String>,
    error: Option<ChainedError>,
}

#[derive(Debug)]
struct Remembered {
    uuid: String,
    content: Digest,
    /// Whether the server has taken its result.
    done: bool,
    /// Whether it was refused with NotNow in this session.
    refused: bool,
}

/// What a command asks of the channel's DDM engine.
#[derive(Debug, PartialEq)]
pub(crate) struct Start(pub(crate) Option<TokensResponse>);

impl Session {
    /// Begins a session: with a result that the server has not taken yet, else with `Idle`. True in the first case.
    pub(crate) fn wake(&mut self) -> bool {
        self.open = true;
        self.commands = 0;
        self.syncs = 0;
        for remembered in &mut self.remembered {
            remembered.refused = false;
        }
        let saying = self.saying.get_or_insert(Saying {
            status: Status::Idle,
            command_uuid: None,
            error: None,
        });
        saying.status != Status::Idle
    }

    /// Whether nothing is to be done before the next wake.
    pub(crate) fn is_over(&self) -> bool {
        !self.open
    }

    /// How many commands came in the session.
    pub(crate) fn commands(&self) -> usize {
        self.commands
    }

    /// How many of them were DeclarativeManagement.
    pub(crate) fn syncs(&self) -> usize {
        self.syncs
    }

    /// The next message to the ServerURL.
    pub(crate) fn next(&self, ids: &Ids) -> Option<Vec<u8>> {
        let saying = self.saying.as_ref().filter(|_| self.open)?;
        let message = Message {
            ids: ids.clone(),
            status: saying.status,
            command_uuid: saying.command_uuid.clone(),
            error_chain: saying.error.iter().cloned().collect(),
            results: Dictionary::new(),
        };
        Some(message.to_xml())
    }

    /// Ends the session early; what was said is kept and said again at the next wake.
    pub(crate) fn interrupted(&mut self) {
        self.open = false;
        self.saying.take_if(|saying| saying.status == Status::Idle);
    }

    /// Takes the answer to [`Session::next`]. In Power Nap, while `naps`, a device answers commands with NotNow.
    pub(crate) fn answered(
        &mut self,
        response: &Response,
        naps: bool,
        complaints: &mut Complaints,
    ) -> Option<Start> {
        if !complaints.check_status(response, &About::Command) {
            self.interrupted();
            return None;
        }
        let taken = self.saying.take();
        self.taken(taken);
        if response.body.is_empty() {
            self.open = false;
            return None;
        }
        self.commands += 1;
        if self.commands > MAX_COMMANDS {
            complaints.add(Complaint::EndlessSession(MAX_COMMANDS));
            self.open = false;
            return None;
        }
        match Command::parse(&response.body) {
            Ok(command) => self.command(&command, &response.body, naps, complaints),
            Err(problem) => {
                complaints.add(Complaint::CommandMalformed(problem));
                self.malformed(&response.body);
                None
            }
        }
    }

    /// The server has taken what was said.
    fn taken(&mut self, said: Option<Saying>) {
        let Some(Saying {
            status,
            command_uuid: Some(uuid),
            ..
        }) = said
        else {
            return;
        };
        if let Some(remembered) = self
            .remembered
            .iter_mut()
            .find(|remembered| remembered.uuid == uuid)
        {
            remembered.done = status != Status::NotNow;
            remembered.refused = status == Status::NotNow;
        }
    }

    /// A command that cannot be read is answered if it can be named.
    fn malformed(&mut self, body: &[u8]) {
        let uuid = plist::parse(body)
            .ok()
            .and_then(|body| required_text(&body, "CommandUUID").ok().map(str::to_owned));
        match uuid {
            Some(uuid) => self.say(Status::CommandFormatError, uuid, None),
            None => self.open = false,
        }
    }

    fn say(&mut self, status: Status, uuid: String, error: Option<ChainedError>) {
        self.saying = Some(Saying {
            status,
            command_uuid: Some(uuid),
            error,
        });
    }

    fn command(
        &mut self,
        command: &Command,
        body: &[u8],
        naps: bool,
        complaints: &mut Complaints,
    ) -> Option<Start> {
        self.compare(&command.uuid, Digest::of(body), complaints);
        let uuid = command.uuid.clone();
        if command.request_type != "DeclarativeManagement" {
            if naps {
                self.say(Status::NotNow, uuid, None);
            } else {
                self.say(Status::Error, uuid, Some(unknown_request(&command.request_type)));
            }
            return None;
        }
        self.syncs += 1;
        if self.syncs > 1 {
            complaints.add(Complaint::SecondInSession);
        }
        if naps {
            self.say(Status::NotNow, uuid, None);
            return None;
        }
        let data = match optional::<&[u8]>(&command.payload, "Data") {
            Ok(data) => data,
            Err(problem) => {
                complaints.add(Complaint::CommandMalformed(problem));
                self.say(Status::CommandFormatError, uuid, None);
                return None;
            }
        };
        self.say(Status::Acknowledged, uuid, None);
        Some(Start(data.and_then(|data| self.tokens(data, complaints))))
    }

    /// The tokens in a command. When they cannot be read, the device asks for them.
    fn tokens(&self, data: &[u8], complaints: &mut Complaints) -> Option<TokensResponse> {
        let malformed = |problem: Malformed| Complaint::Malformed {
            about: About::Command,
            problem,
        };
        TokensResponse::parse(data)
            .map_err(|problem| complaints.add(malformed(problem)))
            .ok()
    }

    /// Compares a command with those that came before, and remembers it.
    fn compare(&mut self, uuid: &str, content: Digest, complaints: &mut Complaints) {
        let uuid = uuid.to_owned();
        match self.remembered.iter().find(|remembered| remembered.uuid == uuid) {
            Some(known) if known.content != content => complaints.add(Complaint::CommandUuidReused(uuid)),
            Some(known) if known.done => complaints.add(Complaint::CommandRepeated(uuid)),
            Some(known) if known.refused => complaints.add(Complaint::RefusedRepeated(uuid)),
            Some(_) => {}
            None => {
                if self.remembered.len() >= MAX_REMEMBERED {
                    self.remembered.pop_front();
                }
                self.remembered.push_back(Remembered {
                    uuid,
                    content,
                    done: false,
                    refused: false,
                });
            }
        }
    }
}

/// What a device says to a command that it does not have.
fn unknown_request(request_type: &str) -> ChainedError {
    ChainedError {
        code: Some(12021),
        domain: Some("MCMDMErrorDomain".to_owned()),
        localized_description: None,
        us_english_description: Some(format!(
            "\u{201c}{request_type}\u{201d} is not a valid request type."
        )),
    }
}
