//! What the sessions of both channels of a Windows device have in common (OMA-DM): whose turn it is, how far messages fill,
//! what goes in parts, and which answer is to what. What it is about is their own: the works `W`.

mod outgoing;
mod said;

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

pub use self::outgoing::{Body, Operation, Sending};
pub use self::said::{Answered, Installed, Said, Status};
use crate::ids::Digest;

/// What a session remembers of the messages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Conversation<W> {
    /// `SessionID`.
    id: String,
    /// `MsgID` of the last message, and of its answer.
    message: u32,
    /// The hash of the last message.
    heard: Digest,
    pub(super) is_over: bool,
    /// How long an answer may be, in octets.
    room: usize,
    /// What is to be sent,
    pub(super) todo: VecDeque<W>,
    /// and what was sent.
    awaited: Vec<Awaited<W>>,
    /// The number of the part that was sent last, of data that go in parts.
    part: Option<usize>,
}

/// A command that was sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Awaited<W> {
    message: u32,
    id: u32,
    work: W,
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
    /// Whether the device is known so far as it is in this session, so that it is to be reported.
    pub reports: bool,
}

impl Answer {
    /// Whether the server's package is whole with it: nothing is to follow that belongs to it.
    pub fn is_final(&self) -> bool {
        let is_part = |sending: &Sending| matches!(sending.body, Body::Part(..));
        !self.asks_for_more && !self.sendings.iter().any(is_part)
    }
}

/// What a piece of work comes to.
#[derive(Debug, Default)]
pub(super) struct Piece {
    /// One operation, or those of an `Atomic`; none when there is nothing to send any more.
    pub(super) operations: Vec<Operation>,
    pub(super) is_atomic: bool,
    /// The room that it takes with what has to be in the same message, in octets, at the first of them.
    pub(super) together: Option<usize>,
}

impl Piece {
    /// Of one operation, if there is one.
    pub(super) fn one(operation: Option<Operation>) -> Self {
        Self {
            operations: operation.into_iter().collect(),
            ..Self::default()
        }
    }
}

/// What a message was filled with.
#[derive(Debug)]
pub(super) struct Filled<W> {
    pub(super) sendings: Vec<Sending>,
    /// The works that it is of.
    pub(super) sent: Vec<W>,
    /// Those that fit in no message of this device.
    pub(super) too_long: Vec<W>,
}

/// As a status that says so: not executed.
const NOT_ANSWERED: u16 = 215;

/// What became of a command.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Outcome {
    /// Whether the device said it.
    pub(super) is_said: bool,
    pub(super) code: u16,
    pub(super) original: Option<u32>,
    pub(super) value: Option<String>,
}

/// How long an answer may be at most, in octets, whatever the device says,
const MAX_ROOM: usize = 60 << 10;
/// and what it may be at least: less than that no device says.
const MIN_ROOM: usize = 4 << 10;
/// The room of the header, and of each status.
const AROUND: usize = 1024;
const STATUS: usize = 250;

impl<W: Clone + PartialEq> Conversation<W> {
    /// The session `id`, at its beginning.
    pub(super) fn begin(id: String) -> Self {
        Self {
            id,
            message: 0,
            heard: Digest::of(&[]),
            is_over: false,
            room: MAX_ROOM,
            todo: VecDeque::new(),
            awaited: Vec::new(),
            part: None,
        }
    }

    /// Where message `message` of session `id` belongs, by its hash, after `before`. A session begins with one of the first
    /// `begins` messages.
    pub(super) fn turn(
        before: Option<&Self>,
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

    /// Notes that message `message`, with the hash `heard`, is answered.
    pub(super) fn hears(&mut self, message: u32, heard: Digest) {
        self.message = message;
        self.heard = heard;
    }

    /// Notes what the device says to what was sent.
    pub(super) fn take(&mut self, said: &mut Said) {
        if let Some(octets) = said.max_message.and_then(|octets| usize::try_from(octets).ok()) {
            self.room = octets.clamp(MIN_ROOM, MAX_ROOM);
        }
        let find = |awaited: &mut Vec<Awaited<W>>, message, id| {
            let is = |one: &Awaited<W>| (one.message, one.id) == (message, id);
            awaited.iter().position(is)
        };
        for status in std::mem::take(&mut said.statuses) {
            let place = find(&mut self.awaited, status.message, status.command);
            if let Some(awaited) = place.and_then(|place| self.awaited.get_mut(place)) {
                awaited.status.get_or_insert((status.code, status.original));
            }
        }
        for result in std::mem::take(&mut said.results) {
            let place = find(&mut self.awaited, result.message, result.command);
            if let Some(awaited) = place.and_then(|place| self.awaited.get_mut(place)) {
                awaited.value.get_or_insert(result.value);
            }
        }
    }

    /// The answer where the message leaves nothing else to say: the device gives up, takes the next part, or has not said
    /// all. `operation` is what a work sends.
    pub(super) fn interim(&mut self, said: &Said, first: u32, piece: impl Fn(&W) -> Piece) -> Option<Answer> {
        if said.aborts {
            self.is_over = true;
            return Some(Answer::default());
        }
        if let Some(sending) = self.next_part(first, piece) {
            return Some(Answer {
                sendings: vec![sending],
                ..Answer::default()
            });
        }
        (!said.is_whole).then(|| Answer {
            asks_for_more: true,
            ..Answer::default()
        })
    }

    /// The next part of what goes in parts, where the device has taken the one before (213).
    fn next_part(&mut self, first: u32, piece: impl Fn(&W) -> Piece) -> Option<Sending> {
        let part = self.part? + 1;
        let awaited = self.awaited.last_mut()?;
        if !matches!(awaited.status, Some((213, _))) {
            return None;
        }
        (awaited.message, awaited.id, awaited.status) = (self.message, first, None);
        let operation = piece(&awaited.work).operations.into_iter().next()?;
        self.part = Some(part);
        Some(Sending {
            id: first,
            body: Body::Part(operation, part, self.room / 2),
        })
    }

    /// What became of what was sent: of an `Atomic` first its own, then those of its commands. What was not answered is
    /// as good as not executed.
    pub(super) fn outcomes(&mut self) -> Vec<(W, Vec<Outcome>)> {
        self.part = None;
        let mut outcomes: Vec<(W, Vec<Outcome>)> = Vec::new();
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

    /// As much of what is to be sent as there is room for, in commands from `first` on, after those of as many statuses.
    /// What is longer goes alone, in parts.
    pub(super) fn fill(&mut self, first: u32, piece: impl Fn(&W) -> Piece) -> Filled<W> {
        let statuses = usize::try_from(first)
            .unwrap_or(usize::MAX)
            .saturating_mul(STATUS);
        let room = self.room.saturating_sub(AROUND.saturating_add(statuses));
        let (mut left, mut id) = (room, first);
        let mut filled = Filled {
            sendings: Vec::new(),
            sent: Vec::new(),
            too_long: Vec::new(),
        };
        while let Some(work) = self.todo.front().cloned() {
            let Piece {
                operations,
                is_atomic,
                together,
            } = piece(&work);
            let octets: usize = operations.iter().map(Operation::octets).sum();
            let together = together.unwrap_or(octets);
            if !filled.sendings.is_empty() && (octets > left || (together > left && together <= room)) {
                break;
            }
            self.todo.pop_front();
            if operations.is_empty() {
                continue;
            }
            if is_atomic && octets > room {
                filled.too_long.push(work);
                continue;
            }
            left = left.saturating_sub(octets);
            filled.sent.push(work.clone());
            let own = id;
            self.awaits(own, &work, None);
            id += 1;
            if is_atomic {
                let mut inside = Vec::new();
                for (place, operation) in operations.into_iter().enumerate() {
                    self.awaits(id, &work, Some(place));
                    inside.push((id, operation));
                    id += 1;
                }
                filled.sendings.push(Sending {
                    id: own,
                    body: Body::Atomic(inside),
                });
                continue;
            }
            let Some(operation) = operations.into_iter().next() else {
                continue;
            };
            let is_part = octets > room;
            let body = match is_part {
                true => Body::Part(operation, 0, self.room / 2),
                false => Body::One(operation),
            };
            filled.sendings.push(Sending { id: own, body });
            if is_part {
                self.part = Some(0);
                break;
            }
        }
        filled
    }

    fn awaits(&mut self, id: u32, work: &W, place: Option<usize>) {
        self.awaited.push(Awaited {
            message: self.message,
            id,
            work: work.clone(),
            place,
            status: None,
            value: None,
        });
    }
}
