//! The queue in a session: what is ordered is given when everything else is done, one after the other.

use std::collections::VecDeque;

use ordain_catalog::windows::LocUri;

use super::task::{Meaning, words};
use super::work::Work;
use super::{Installed, Outcome, Scene, Session};
use crate::decision::Write;
use crate::enrollment::{Answer as Said, Enrollment};
use crate::queue::{self, Delivery, State};
use crate::session::told;
use crate::windows::action::{Action, UNENROLL};

/// A command of the device's queue, with what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queued {
    /// The command.
    pub delivery: Delivery,
    /// What it does.
    pub action: Action,
}

/// What comes of a command of the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// It is given,
    Given(i64),
    /// or answered.
    Answered(i64, Said),
}

impl Session {
    /// The next one to give. What was sent is not sent again: the device may have done it.
    pub(super) fn next_action(&mut self, scene: &Scene<'_>) -> VecDeque<Work> {
        let is_next = |queued: &&Queued| {
            let delivery = &queued.delivery;
            delivery.number > self.acted && delivery.state.is_with_us() && scene.now < delivery.expires_at
        };
        let Some(Queued { delivery, action }) = scene.queue.iter().find(is_next) else {
            return VecDeque::new();
        };
        self.acted = delivery.number;
        let places = 0..action.operations().len();
        places.map(|place| Work::Act(delivery.number, place)).collect()
    }

    /// What became of one that was given, by its last command.
    pub(super) fn acted(&mut self, scene: &Scene<'_>, number: i64, place: usize, outcome: &Outcome) {
        let queued = scene.queue.iter().find(|queued| queued.delivery.number == number);
        let Some(Queued { action, .. }) = queued else {
            return;
        };
        if place + 1 != action.operations().len() {
            return;
        }
        let answer = match outcome.meaning() {
            // An outcome that comes later is waited for.
            Meaning::Done if action.tells_later().is_some() => return,
            Meaning::Done => Said::Acknowledged,
            // Nothing was said of it: it may have been done.
            Meaning::Later if !outcome.is_said => return,
            Meaning::Later => Said::NotNow,
            Meaning::Missing | Meaning::There | Meaning::Final => {
                let behind = outcome.original.map(|error| format!(", 0x{error:08X}"));
                Said::Failed(format!("{}{}", words(outcome.code), behind.unwrap_or_default()))
            }
        };
        self.steps.push(Step::Answered(number, answer));
    }

    /// What is to be said of the commands of that kind that were sent before this session.
    pub(super) fn answer_sent(&mut self, scene: &Scene<'_>, action: &Action, answer: &Said) {
        let sent = scene
            .queue
            .iter()
            .filter(|queued| queued.delivery.state == State::Sent && queued.action == *action);
        let steps = sent.map(|queued| Step::Answered(queued.delivery.number, answer.clone()));
        self.steps.extend(steps);
    }

    /// What devices tell later of what they were given.
    pub(super) fn ended(&mut self, scene: &Scene<'_>, installed: &[Installed]) {
        for Installed { node, hresult } in installed {
            let Ok(node) = node.parse::<LocUri>() else {
                continue;
            };
            let is_it = |queued: &&Queued| {
                let is_of = |whole: LocUri| node.is_in(&whole);
                queued.delivery.state == State::Sent && queued.action.tells_later().is_some_and(is_of)
            };
            let Some(queued) = scene.queue.iter().find(is_it) else {
                continue;
            };
            let answer = match hresult {
                0 => Said::Acknowledged,
                error => Said::Failed(format!("the installation failed: 0x{error:08X}")),
            };
            self.steps.push(Step::Answered(queued.delivery.number, answer));
        }
    }

    /// What is written of the queue since the last message.
    pub fn queue_writes(&mut self, scene: &Scene<'_>, enrollment: &Enrollment) -> Vec<Write> {
        let mut writes = Vec::new();
        for step in std::mem::take(&mut self.steps) {
            let number = match &step {
                Step::Given(number) | Step::Answered(number, _) => *number,
            };
            let queued = scene.queue.iter().find(|queued| queued.delivery.number == number);
            let Some(Queued { delivery, .. }) = queued else {
                continue;
            };
            match step {
                Step::Given(_) => writes.extend(queue::sent(delivery, scene.now).map(Write::Delivery)),
                Step::Answered(_, answer) => {
                    writes.extend(answered(enrollment, delivery, &answer, scene.now));
                }
            }
        }
        writes
    }
}

/// The device leaves: what told it to is done.
pub fn left(enrollment: &Enrollment, queue: &[Delivery], now: i64) -> Vec<Write> {
    let ordered = queue.iter();
    let ordered =
        ordered.filter(|delivery| delivery.request_type == UNENROLL && delivery.state == State::Sent);
    ordered
        .flat_map(|delivery| answered(enrollment, delivery, &Said::Acknowledged, now))
        .collect()
}

fn answered(enrollment: &Enrollment, delivery: &Delivery, answer: &Said, now: i64) -> Vec<Write> {
    let Some(moved) = queue::answered(delivery, answer, None, now) else {
        return Vec::new();
    };
    let event = told(enrollment, delivery, &moved, now).map(Write::Event);
    [Write::Delivery(moved)].into_iter().chain(event).collect()
}
