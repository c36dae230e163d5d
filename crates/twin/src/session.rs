//! The command channel of one enrollment: a session is `Idle`, then commands and their results, until an empty answer.
//!
//! A result is said until the server has taken it; a command is executed once, however often it comes. A push is answered
//! with `Idle`, also when there was such a result to be said first.

use std::collections::BTreeSet;
use std::mem;

use ordain_apple::command::{ChainedError, Command, Message, Status};
use ordain_apple::ddm::{Malformed, TokensResponse};
use ordain_apple::ids::Ids;
use ordain_apple::plist::{self, Dictionary, optional, required_text};
use ordain_catalog::Scope;
use ordain_model::ids::Digest;

use crate::commands::{self, Afterwards, Outcome};
use crate::complaint::{Complaint, Complaints};
use crate::device::Device;
use crate::journal::{Journal, Known};
use crate::request::{About, Response};

/// More commands than this in one session are not taken.
const MAX_COMMANDS: usize = 64;

/// The command channel of one enrollment.
#[derive(Debug, Default)]
pub(crate) struct Session {
    /// What is to be said, or was said and is not yet answered with 200.
    saying: Option<Saying>,
    /// Whether a session is under way.
    open: bool,
    /// Whether the session is the one before, which goes on with an outcome that was not taken.
    resumes: bool,
    /// Whether there was more since the wake than `Idle` and the empty answer to it.
    worked: bool,
    /// Whether the last session ended before its time.
    cut: bool,
    /// Whether the last thing that the server has heard was NotNow.
    refused: bool,
    commands: usize,
    /// How many DeclarativeManagement commands came in this session.
    syncs: usize,
    /// What these told.
    told: BTreeSet<Digest>,
    journal: Journal,
}

#[derive(Debug, Clone)]
struct Saying {
    status: Status,
    command_uuid: Option<String>,
    errors: Vec<ChainedError>,
    results: Dictionary,
    afterwards: Option<Afterwards>,
}

impl Saying {
    fn new(status: Status, command_uuid: Option<String>) -> Self {
        Self {
            status,
            command_uuid,
            errors: Vec::new(),
            results: Dictionary::new(),
            afterwards: None,
        }
    }
}

/// What a command meets.
pub(crate) struct Scene<'a> {
    pub(crate) device: &'a mut Device,
    pub(crate) scope: Scope,
    /// Whether the device is in Power Nap.
    pub(crate) naps: bool,
    pub(crate) complaints: &'a mut Complaints,
    /// Unix seconds.
    pub(crate) now: i64,
}

/// What follows from an answer of the server.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Follows {
    /// Whether it has taken the result of a command.
    pub(crate) took_result: bool,
    /// What the device does now that it has.
    pub(crate) afterwards: Option<Afterwards>,
    /// What the next command asks of the channel's DDM engine.
    pub(crate) start: Option<Start>,
}

/// A sync, with the tokens that the command brought.
#[derive(Debug, PartialEq)]
pub(crate) struct Start(pub(crate) Option<TokensResponse>);

impl Session {
    /// The session of another enrollment of the same device, which remembers what came in this one.
    pub(crate) fn anew(&mut self) -> Self {
        Self {
            journal: mem::take(&mut self.journal),
            ..Self::default()
        }
    }

    pub(crate) fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Begins a session with `Idle`; before that, one that was cut short goes on with the result that was not taken.
    pub(crate) fn wake(&mut self) {
        self.cut = false;
        self.resumes = self
            .saying
            .as_ref()
            .is_some_and(|saying| saying.status != Status::Idle);
        self.worked = self.resumes;
        self.begin();
    }

    fn begin(&mut self) {
        self.open = true;
        self.commands = 0;
        self.syncs = 0;
        self.told.clear();
        self.journal.wake();
        self.saying.get_or_insert(Saying::new(Status::Idle, None));
    }

    /// Whether nothing is to be done before the next wake.
    pub(crate) fn is_over(&self) -> bool {
        !self.open
    }

    /// Whether the device asks for another session by itself: the last one was cut short, or ended with NotNow and
    /// nothing is `hindering` it any more.
    pub(crate) fn wants_poll(&self, hindering: bool) -> bool {
        !self.open && (self.cut || self.refused && !hindering)
    }

    /// Whether there was more since the wake than `Idle` and the empty answer to it.
    pub(crate) fn has_worked(&self) -> bool {
        self.worked
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
            error_chain: saying.errors.clone(),
            results: saying.results.clone(),
        };
        Some(message.to_xml())
    }

    /// Ends the session early; what was said is kept and said again at the next wake.
    pub(crate) fn interrupted(&mut self) {
        self.cut |= self.open;
        self.open = false;
        self.saying.take_if(|saying| saying.status == Status::Idle);
    }

    /// Takes the answer to [`Session::next`].
    pub(crate) fn answered(&mut self, response: &Response, scene: &mut Scene<'_>) -> Follows {
        if !scene.complaints.check_status(response, &About::Command) {
            self.interrupted();
            return Follows::default();
        }
        let mut follows = self.taken();
        let is_leaving = matches!(follows.afterwards, Some(Afterwards::Erase | Afterwards::CheckOut));
        if is_leaving {
            self.open = false;
            return follows;
        }
        if response.body.is_empty() {
            self.open = false;
            if mem::take(&mut self.resumes) {
                self.begin();
            }
            return follows;
        }
        self.worked = true;
        self.commands += 1;
        if self.commands > MAX_COMMANDS {
            scene.complaints.add(Complaint::EndlessSession(MAX_COMMANDS));
            self.open = false;
            return follows;
        }
        match Command::parse(&response.body) {
            Ok(command) => follows.start = self.command(command, &response.body, scene),
            Err(problem) => {
                scene.complaints.add(Complaint::CommandMalformed(problem));
                self.malformed(&response.body);
            }
        }
        follows
    }

    /// The server has taken what was said.
    fn taken(&mut self) -> Follows {
        let Some(said) = self.saying.take() else {
            return Follows::default();
        };
        self.refused = said.status == Status::NotNow;
        if let Some(uuid) = &said.command_uuid {
            self.journal.taken(uuid, said.status);
        }
        Follows {
            took_result: !matches!(said.status, Status::Idle | Status::NotNow),
            afterwards: said.afterwards,
            start: None,
        }
    }

    /// A command that cannot be read is answered if it can be named.
    fn malformed(&mut self, body: &[u8]) {
        let uuid = plist::parse(body)
            .ok()
            .and_then(|body| required_text(&body, "CommandUUID").ok().map(str::to_owned));
        match uuid {
            Some(uuid) => {
                self.journal.malformed(&uuid, Digest::of(body));
                self.saying = Some(Saying::new(Status::CommandFormatError, Some(uuid)));
            }
            None => self.open = false,
        }
    }

    fn command(&mut self, command: Command, body: &[u8], scene: &mut Scene<'_>) -> Option<Start> {
        let uuid = command.uuid.clone();
        let known = self.journal.compare(&command, Digest::of(body));
        match known {
            Known::Not => {}
            Known::Refused => scene.complaints.add(Complaint::RefusedRepeated(uuid.clone())),
            Known::Other => scene.complaints.add(Complaint::CommandUuidReused(uuid.clone())),
            Known::Taken(_) => scene.complaints.add(Complaint::CommandRepeated(uuid.clone())),
        }
        let is_sync = command.request_type == "DeclarativeManagement";
        self.syncs += usize::from(is_sync);
        if is_sync && !self.told.insert(told(&command)) {
            scene.complaints.add(Complaint::SecondInSession);
        }
        let (saying, start) = match known {
            // No second effect: it is done, and how it went is what the device says again.
            Known::Taken(status) => (Saying::new(status, None), None),
            _ if commands::is_not_now(scene.device, scene.naps, &command.request_type) => {
                (Saying::new(Status::NotNow, None), None)
            }
            _ if is_sync => self.sync(&command, scene),
            _ => (self.execute(&command, scene), None),
        };
        self.saying = Some(Saying {
            command_uuid: Some(uuid),
            ..saying
        });
        start
    }

    fn execute(&mut self, command: &Command, scene: &mut Scene<'_>) -> Saying {
        let Outcome {
            status,
            results,
            error_chain,
            effect,
            afterwards,
        } = commands::execute(scene.device, scene.scope, command, scene.now);
        self.journal.executed(&command.uuid, status, effect);
        Saying {
            status,
            command_uuid: None,
            errors: error_chain,
            results,
            afterwards,
        }
    }

    fn sync(&mut self, command: &Command, scene: &mut Scene<'_>) -> (Saying, Option<Start>) {
        let (status, start) = match optional::<&[u8]>(&command.payload, "Data") {
            Ok(data) => {
                let tokens = data.and_then(|data| tokens(data, scene.complaints));
                (Status::Acknowledged, Some(Start(tokens)))
            }
            Err(problem) => {
                scene.complaints.add(Complaint::CommandMalformed(problem));
                (Status::CommandFormatError, None)
            }
        };
        self.journal.executed(&command.uuid, status, None);
        (Saying::new(status, None), start)
    }
}

/// What a DeclarativeManagement command tells: a hash of its tokens, if it brings any.
fn told(command: &Command) -> Digest {
    let data = optional::<&[u8]>(&command.payload, "Data");
    Digest::of(data.ok().flatten().unwrap_or_default())
}

/// The tokens in a command. When they cannot be read, the device asks for them.
fn tokens(data: &[u8], complaints: &mut Complaints) -> Option<TokensResponse> {
    let malformed = |problem: Malformed| Complaint::Malformed {
        about: About::Command,
        problem,
    };
    TokensResponse::parse(data)
        .map_err(|problem| complaints.add(malformed(problem)))
        .ok()
}
