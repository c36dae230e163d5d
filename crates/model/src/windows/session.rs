//! A management session (OMA-DM, as MS-MDM has it): what to send next, from what was sent and what the device said to it.
//!
//! A session goes through stages: it asks what the device is, sees to the account, takes away what is no longer wanted,
//! reads what is wanted, sets what differs, and reads that back. What a device is to have is the manifest that was pinned
//! when the session began. All that a session remembers is stored with each answer, so that it goes on wherever it was.

mod act;
mod outcome;
mod outgoing;
mod report;
mod said;
mod standing;
mod task;
mod work;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use ordain_catalog::windows::WindowsCatalog;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use act::{Queued, left};
pub use outgoing::{Body, Operation, Sending};
pub use said::{Answered, Installed, Said, Status};
pub use task::REFUSED;

use self::act::Step;
use self::task::{Meaning, Task};
use self::work::{Stage, Work};
use super::facts::FACTS;
use super::settings::Settings;
use crate::ids::Digest;
use crate::report::Reason;

/// What a session is decided from, beside what it remembers.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    /// Where sessions are held.
    pub address: &'a str,
    /// What the device is to have, in the order of the manifest.
    pub wanted: &'a [Declared],
    /// Those of [`Session::set`] that are no longer wanted.
    pub unwanted: &'a BTreeMap<Digest, Settings>,
    /// Those that the device has refused, and is not to be asked for again as long as nothing changes.
    pub refused: &'a BTreeMap<Digest, Vec<Reason>>,
    /// What is known of nodes.
    pub catalog: &'a WindowsCatalog,
    /// What was ordered, in its order.
    pub queue: &'a [Queued],
    /// The present, in unix seconds.
    pub now: i64,
}

/// Settings that a device is to have.
#[derive(Debug, Clone, PartialEq)]
pub struct Declared {
    /// `Identifier`.
    pub identifier: String,
    /// `ServerToken`.
    pub token: Digest,
    /// The settings.
    pub settings: Settings,
}

/// What a session remembers between two messages, and after it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Session {
    /// `SessionID`.
    id: String,
    /// `MsgID` of the last message, and of its answer.
    message: u32,
    /// The hash of the last message.
    heard: Digest,
    is_over: bool,
    /// How long an answer may be, in octets.
    room: usize,
    with_user: bool,
    stage: Stage,
    /// What is to be sent in this stage,
    todo: VecDeque<Work>,
    /// and what was sent.
    awaited: Vec<Awaited>,
    /// The number of the part that was sent last, of data that go in parts.
    part: Option<usize>,
    /// What the device told of itself; what it could not, with why.
    facts: BTreeMap<String, Result<Value, u16>>,
    tasks: Vec<Task>,
    /// Those whose settings may be on the device, from earlier sessions too.
    set: BTreeSet<Digest>,
    /// Those, of `set`, whose commands the device has all taken.
    accepted: BTreeSet<Digest>,
    /// Those, of `set`, that could not be taken away yet.
    lingering: BTreeSet<Digest>,
    /// What stays on the device, in words.
    stays: Vec<String>,
    /// The number of the last command of the queue that was given.
    acted: i64,
    /// What is to be written of the queue.
    #[serde(skip)]
    steps: Vec<Step>,
}

/// A command that was sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Awaited {
    message: u32,
    id: u32,
    work: Work,
    /// Its place in an `Atomic`.
    place: Option<usize>,
    status: Option<(u16, Option<u32>)>,
    value: Option<String>,
}

/// Where a message belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It is the last one, sent again: it gets the same answer.
    Again,
    /// It goes on with the session.
    Next,
    /// It begins a session.
    First,
}

/// The message belongs nowhere: its session is over or was never begun, or its number was used for another message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the message is not the next one of a session")]
pub struct OutOfTurn;

/// What to answer, beside the statuses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// The commands.
    pub sendings: Vec<Sending>,
    /// Whether the rest of the device's package is asked for (alert 1222).
    pub asks_for_more: bool,
    /// Whether the device is known so far as it is in this session: [`Session::report`].
    pub reports: bool,
}

impl Answer {
    /// Whether the server's package is whole with it: nothing is to follow that belongs to it.
    pub fn is_final(&self) -> bool {
        let is_part = |sending: &Sending| matches!(sending.body, Body::Part(..));
        !self.asks_for_more && !self.sendings.iter().any(is_part)
    }
}

/// How long an answer may be at most, in octets, whatever the device says,
const MAX_ROOM: usize = 60 << 10;
/// and what it may be at least: less than that no device says.
const MIN_ROOM: usize = 4 << 10;
/// The room of the header, and of each status.
const AROUND: usize = 1024;
const STATUS: usize = 250;

/// Where message `message` of session `id` belongs, by its hash, after `before`. A session begins with one of the first
/// `begins` messages: those before it were only asked for credentials.
pub fn turn(
    before: Option<&Session>,
    id: &str,
    message: u32,
    heard: Digest,
    begins: u32,
) -> Result<Turn, OutOfTurn> {
    match before {
        Some(before) if before.heard == heard => Ok(Turn::Again),
        Some(before) if before.id == id && !before.is_over && message > before.message => Ok(Turn::Next),
        Some(before) if before.id == id => Err(OutOfTurn),
        _ if message <= begins => Ok(Turn::First),
        _ => Err(OutOfTurn),
    }
}

impl Session {
    /// The session `id`, at its beginning, after the session `before` on the same channel.
    pub fn begin(id: String, before: Option<&Self>) -> Self {
        Self {
            id,
            message: 0,
            heard: Digest::of(&[]),
            is_over: false,
            room: MAX_ROOM,
            with_user: false,
            stage: Stage::Begin,
            todo: VecDeque::new(),
            awaited: Vec::new(),
            part: None,
            facts: BTreeMap::new(),
            tasks: Vec::new(),
            set: before.map(|before| before.set.clone()).unwrap_or_default(),
            accepted: before.map(|before| before.accepted.clone()).unwrap_or_default(),
            lingering: BTreeSet::new(),
            stays: Vec::new(),
            acted: 0,
            steps: Vec::new(),
        }
    }

    /// The declarations whose settings may be on the device.
    pub fn set(&self) -> &BTreeSet<Digest> {
        &self.set
    }

    /// Notes that message `message`, with the hash `heard`, is answered.
    pub fn hears(&mut self, message: u32, heard: Digest) {
        self.message = message;
        self.heard = heard;
    }

    /// Takes what the device says, and answers it. The numbers of the commands are from `first` on, after those of as many
    /// statuses.
    pub fn respond(&mut self, scene: &Scene<'_>, said: Said, first: u32) -> Answer {
        self.take(said.statuses, said.results);
        self.ended(scene, &said.installed);
        for fact in FACTS.iter().filter(|fact| fact.is_told) {
            if let Some(value) = said.told.get(fact.path).and_then(|text| fact.value(text)) {
                self.facts.insert(fact.name.to_owned(), Ok(value));
            }
        }
        self.with_user = said.with_user.unwrap_or(self.with_user);
        if let Some(octets) = said.max_message.and_then(|octets| usize::try_from(octets).ok()) {
            self.room = octets.clamp(MIN_ROOM, MAX_ROOM);
        }
        if said.aborts {
            self.is_over = true;
            return Answer::default();
        }
        if let Some(sending) = self.next_part(scene, first) {
            return Answer {
                sendings: vec![sending],
                ..Answer::default()
            };
        }
        if !said.is_whole {
            return Answer {
                asks_for_more: true,
                ..Answer::default()
            };
        }
        for (work, outcomes) in self.outcomes() {
            self.resolve(scene, &work, &outcomes);
        }
        let statuses = usize::try_from(first)
            .unwrap_or(usize::MAX)
            .saturating_mul(STATUS);
        let room = self.room.saturating_sub(AROUND.saturating_add(statuses));
        let mut answer = Answer::default();
        loop {
            if self.todo.is_empty() {
                self.stage = self.stage.next();
                answer.reports |= self.stage == Stage::Report;
                self.todo = self.works(scene);
                if self.stage == Stage::Act && self.todo.is_empty() {
                    self.stage = Stage::Over;
                }
            }
            answer.sendings = self.fill(scene, room, first);
            if !answer.sendings.is_empty() {
                return answer;
            }
            if self.stage == Stage::Over {
                self.is_over = true;
                return answer;
            }
        }
    }

    /// Notes what the device says to what was sent.
    fn take(&mut self, statuses: Vec<Status>, results: Vec<Answered>) {
        let find = |awaited: &mut Vec<Awaited>, message, id| {
            let is = |one: &Awaited| (one.message, one.id) == (message, id);
            awaited.iter().position(is)
        };
        for Status {
            message,
            command,
            code,
            original,
        } in statuses
        {
            let place = find(&mut self.awaited, message, command);
            if let Some(awaited) = place.and_then(|place| self.awaited.get_mut(place)) {
                awaited.status.get_or_insert((code, original));
            }
        }
        for result in results {
            let place = find(&mut self.awaited, result.message, result.command);
            if let Some(awaited) = place.and_then(|place| self.awaited.get_mut(place)) {
                awaited.value.get_or_insert(result.value);
            }
        }
    }

    /// What became of what was sent: of an `Atomic` first its own, then those of its commands. What was not answered is
    /// as good as not executed.
    fn outcomes(&mut self) -> Vec<(Work, Vec<Outcome>)> {
        self.part = None;
        let mut outcomes: Vec<(Work, Vec<Outcome>)> = Vec::new();
        for awaited in std::mem::take(&mut self.awaited) {
            let (code, original) = awaited.status.unwrap_or((NOT_ANSWERED, None));
            let outcome = Outcome {
                is_said: awaited.status.is_some(),
                code,
                original,
                value: awaited.value,
            };
            match outcomes.last_mut() {
                Some((work, of_group)) if awaited.place.is_some() && *work == awaited.work => {
                    of_group.push(outcome);
                }
                _ => outcomes.push((awaited.work, vec![outcome])),
            }
        }
        outcomes
    }
}

/// As a status that says so: not executed.
const NOT_ANSWERED: u16 = 215;

/// What became of a command.
#[derive(Debug, Clone, PartialEq)]
struct Outcome {
    /// Whether the device said it.
    is_said: bool,
    code: u16,
    original: Option<u32>,
    value: Option<String>,
}

impl Outcome {
    fn meaning(&self) -> Meaning {
        Meaning::of(self.code)
    }
}
