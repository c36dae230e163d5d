//! The linked enrollment, as a session of the device's own channel sees to it (`LinkedEnrollment`, DMClient CSP): the
//! device is sent to enroll where it is wanted and possible, and what it says of that is told.

use std::collections::VecDeque;

use ordain_catalog::windows::{DataFormat, Verb};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::work::Work;
use super::{Operation, Outcome, Scene, Session};
use crate::enrollment::{Answer as Said, Phase};
use crate::queue::State;
use crate::windows::action::Action;
use crate::windows::facts::{LINK_ENDPOINT, LINK_ERROR, LINK_STATUS};
use crate::windows::link::{self, Channel, LinkState};

/// How it stands with the device's linked channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link<'a> {
    /// Whether there is something for it.
    pub is_wanted: bool,
    /// Where the device is to discover it.
    pub endpoint: &'a str,
    /// What is there.
    pub channel: Option<Channel>,
}

/// How often the device was sent to enroll, since it was last linked, and when it last was, in unix seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Attempts {
    number: u32,
    at: i64,
}

/// How long is waited after the first attempt, and at most, in seconds: a session comes every few minutes while a device is
/// new, and the device needs some for its part.
const FIRST: i64 = 30 * 60;
const LONGEST: i64 = 24 * 60 * 60;
/// How long one may take that the device says is underway.
const UNDERWAY: i64 = 24 * 60 * 60;

impl Attempts {
    /// When the next one is due, if one of these is how it stands.
    fn next(self, state: &LinkState) -> i64 {
        let Some(again) = self.number.checked_sub(1) else {
            return 0;
        };
        let delay = FIRST.saturating_mul(1 << again.min(8)).min(LONGEST);
        let delay = match state {
            LinkState::Underway => delay.max(UNDERWAY),
            _ => delay,
        };
        self.at.saturating_add(delay)
    }
}

impl Link<'_> {
    /// What sends the device to enroll.
    pub(super) fn operations(&self) -> [Operation; 2] {
        let node =
            |name: &str| format!("./Device/Vendor/MSFT/DMClient/Provider/Ordain/LinkedEnrollment/{name}");
        [
            Operation::replace(node("DiscoveryEndpoint"), DataFormat::Chr, self.endpoint),
            Operation {
                verb: Verb::Exec,
                path: node("Enroll"),
                value: Some((DataFormat::Null, String::new())),
            },
        ]
    }
}

impl Session {
    /// Whether anything is to be seen to.
    pub(super) fn sees_to_link(&self, scene: &Scene<'_>) -> bool {
        let link = scene.link;
        link.is_wanted || link.channel.is_some() || is_unlinking(scene)
    }

    /// What is to be sent, by what the device has just said.
    pub(super) fn linking(&mut self, scene: &Scene<'_>) -> VecDeque<Work> {
        let link = scene.link;
        let status = self.fact(LINK_STATUS).and_then(Value::as_i64);
        if is_unlinking(scene) {
            let ended = status.and_then(LinkState::has_ended);
            let answer = ended.map(|ended| match ended {
                Ok(()) => Said::Acknowledged,
                Err(()) => {
                    let error = self.fact(LINK_ERROR).and_then(Value::as_u64);
                    let error = error.and_then(|error| error.try_into().ok());
                    Said::Failed(error.map_or("it failed on the device".to_owned(), link::words))
                }
            });
            if let Some(answer) = answer {
                self.answer_sent(scene, &Action::Unlink, &answer);
                self.has_unlinked = answer == Said::Acknowledged && link.channel.is_some();
            }
            // What is being ended is not begun.
            return VecDeque::new();
        }
        let item = |name: &str| self.fact(name);
        let state = LinkState::of(item, link.channel, link.endpoint, scene.catalog);
        if state == LinkState::Linked {
            self.attempts = Attempts::default();
        }
        // Somebody else ended it.
        self.has_unlinked = status.is_some_and(LinkState::is_unenrolled)
            && link
                .channel
                .is_some_and(|channel| channel.phase == Phase::Enrolled && !channel.is_live);
        let is_due = link.is_wanted && state.may_begin() && scene.now >= self.attempts.next(&state);
        // Without the nodes there is nothing to be had.
        let has_nodes = self.fact(LINK_ENDPOINT).is_some() || status.is_some();
        match is_due && has_nodes {
            true => (0..link.operations().len()).map(Work::Enroll).collect(),
            false => VecDeque::new(),
        }
    }

    /// What became of sending the device to enroll.
    pub(super) fn sent_to_enroll(&mut self, scene: &Scene<'_>, place: usize, outcome: &Outcome) {
        let is_last = place + 1 == scene.link.operations().len();
        if is_last {
            self.attempts = Attempts {
                number: self.attempts.number.saturating_add(1),
                at: scene.now,
            };
        }
        if !(200..300).contains(&outcome.code) {
            let name = if is_last { LINK_STATUS } else { LINK_ENDPOINT };
            self.facts.insert(name.to_owned(), Err(outcome.code));
        }
    }

    /// Whether the device has just said that the linked enrollment has ended which it was told to end.
    pub fn has_unlinked(&self) -> bool {
        self.has_unlinked
    }

    fn fact(&self, name: &str) -> Option<&Value> {
        self.facts.get(name)?.as_ref().ok()
    }
}

/// Whether the device was told to end its linked enrollment, and has not said what came of it.
fn is_unlinking(scene: &Scene<'_>) -> bool {
    scene
        .queue
        .iter()
        .any(|queued| queued.delivery.state == State::Sent && queued.action == Action::Unlink)
}
