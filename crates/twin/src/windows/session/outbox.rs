//! F2.2 and F2.8: what is to be sent, cut into messages of the size that is allowed.

use std::collections::VecDeque;

use ordain_windows::syncml::alert::AlertCode;
use ordain_windows::syncml::{Alert, Command, Header, Item, Kind, Message, Results, chunk};

use super::check::Sent;

/// Data shorter than this are not parted, in octets.
const SMALLEST: usize = 1024;
/// Room that is left for what surrounds the data of a part.
const AROUND: usize = 600;

/// What is to be sent.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    waiting: VecDeque<Kind>,
    /// Package 1, until the server has taken it.
    package_1: Vec<Kind>,
    /// Whose data the last message ended in.
    is_within: Option<String>,
    /// Whether the rest of something from the server is wanted: the package is not final then.
    pub(super) waits_for_more: bool,
}

impl Outbox {
    pub(super) fn push(&mut self, kind: Kind) {
        self.waiting.push_back(kind);
    }

    pub(super) fn clear(&mut self) {
        self.waiting.clear();
    }

    /// All that waits is package 1.
    pub(super) fn begin_package_1(&mut self) {
        self.package_1 = self.waiting.iter().cloned().collect();
    }

    /// Package 1 is sent once more.
    pub(super) fn again(&mut self) {
        self.waiting = self.package_1.iter().cloned().collect();
    }

    /// Whether the last that was sent was package 1; the server has taken it then.
    pub(super) fn was_package_1(&mut self) -> bool {
        !std::mem::take(&mut self.package_1).is_empty()
    }

    /// Whether there is something that did not fit into the last message.
    pub(super) fn has_rest(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// The next message, of at most `max` octets, with `last` at its end, and what the server has to answer of it. `None`
    /// if nothing can be written.
    pub(super) fn fill(
        &mut self,
        header: Header,
        last: Option<Kind>,
        max: usize,
    ) -> Option<(Message, Vec<Sent>)> {
        let mut message = Message {
            header,
            body: Vec::new(),
            is_final: true,
        };
        let empty = message.to_xml().ok()?.len();
        let mut room = max.saturating_sub(empty);
        if let Some(last) = &last {
            let octets = weigh(&message.header, &Command::new(1, last.clone()), empty)?;
            room = room.saturating_sub(octets);
        }
        let mut sent = Vec::new();
        while let Some(kind) = self.waiting.pop_front() {
            let id = next_id(&message);
            let mut command = Command::new(id, kind);
            let octets = weigh(&message.header, &command, empty)?;
            if octets > room {
                let had_room = room.saturating_sub(AROUND);
                let (kind, is_part) = self.part(command.kind, had_room);
                // What nothing smaller can be made of goes alone.
                if !is_part && !message.body.is_empty() {
                    self.waiting.push_front(kind);
                    break;
                }
                command.kind = kind;
                // After a part nothing else is in the message.
                room = 0;
            } else {
                room -= octets;
            }
            sent.extend(Sent::of(&command));
            message.body.push(command);
            if room == 0 {
                break;
            }
        }
        if let Some(last) = last {
            append(&mut message, &mut sent, last);
        }
        message.is_final = self.waiting.is_empty() && !self.waits_for_more;
        if std::mem::take(&mut self.waits_for_more) && self.waiting.is_empty() {
            let alert = Alert {
                code: AlertCode::NEXT_MESSAGE,
                items: Vec::new(),
            };
            append(&mut message, &mut sent, Kind::Alert(alert));
        }
        Some((message, sent))
    }

    /// The first part of results that fits into so many octets, and true; the rest is put back. What cannot be parted is
    /// given back as it is.
    fn part(&mut self, kind: Kind, room: usize) -> (Kind, bool) {
        let Kind::Results(mut results) = kind else {
            return (kind, false);
        };
        // Each item goes by itself; they still are results of the same command.
        for item in results.items.drain(1..).rev() {
            let alone = Kind::Results(alone(results.message, results.command, item));
            self.waiting.push_front(alone);
        }
        let data = results.items.first().and_then(|item| item.data.as_ref());
        if room < SMALLEST || data.is_none_or(|data| data.len() < SMALLEST) {
            // It has more room in the next message.
            return (Kind::Results(results), false);
        }
        let Some(item) = results.items.pop() else {
            return (Kind::Results(results), false);
        };
        // Of a rest the size was told with the first part.
        let is_rest = self.is_within.take().is_some_and(|uri| Some(uri) == place(&item));
        let mut parts = chunk::split(item, room).into_iter();
        let Some(mut first) = parts.next() else {
            return (Kind::Results(results), false);
        };
        if is_rest {
            first.meta.size = None;
        }
        if first.more_data {
            self.is_within = place(&first);
            let rest = alone(results.message, results.command, join(parts));
            self.waiting.push_front(Kind::Results(rest));
        }
        (
            Kind::Results(alone(results.message, results.command, first)),
            true,
        )
    }
}

fn next_id(message: &Message) -> u32 {
    let before = u32::try_from(message.body.len()).unwrap_or(u32::MAX);
    before.saturating_add(1)
}

fn append(message: &mut Message, sent: &mut Vec<Sent>, kind: Kind) {
    let command = Command::new(next_id(message), kind);
    sent.extend(Sent::of(&command));
    message.body.push(command);
}

fn place(item: &Item) -> Option<String> {
    item.source.as_ref().map(|source| source.uri.clone())
}

fn alone(message: u32, command: u32, item: Item) -> Results {
    Results {
        message,
        command,
        items: vec![item],
    }
}

/// The parts as one again, for the next message has another size.
fn join(mut parts: impl Iterator<Item = Item>) -> Item {
    let mut whole = parts.next().unwrap_or_default();
    for part in parts {
        let data = whole.data.get_or_insert_default();
        data.push_str(part.data.as_deref().unwrap_or_default());
    }
    whole.more_data = false;
    whole
}

fn weigh(header: &Header, command: &Command, empty: usize) -> Option<usize> {
    let message = Message {
        header: header.clone(),
        body: vec![command.clone()],
        is_final: true,
    };
    Some(message.to_xml().ok()?.len().saturating_sub(empty))
}
