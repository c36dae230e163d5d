//! What happens next: what the server does, and what the device is awaited to do.

use serde_json::{Value, json};

use super::case::{Case, fact, step};
use super::{Code, State, Step};
use crate::agenda::agenda;
use crate::command;
use crate::enrollment::{Phase, Push};
use crate::ids::Channel;
use crate::wake::{self, Next};

impl Case<'_> {
    /// What happens next, on a channel that is not as it should be.
    pub(super) fn ahead(&self) -> Vec<Step> {
        let (device, channel) = (self.of.device, self.of.channel);
        let next = |state, sentence: &str, facts| vec![step(Code::Next, state, sentence, facts)];
        if device.phase != Phase::Enrolled || channel.phase != Phase::Enrolled {
            let phase = vec![fact(&["channel", "phase"], &channel.phase)];
            let waits = "the server waits for the device to enroll";
            return next(State::Missing, waits, phase);
        }
        if device.identity.is_none() {
            let identity = vec![fact(&["device", "identity"], &Value::Null)];
            let waits = "the server pins the certificate with which the device comes for the first time, if the migration is \
                         open then (`ordain migration`)";
            return next(State::Missing, waits, identity);
        }
        let (token, catalog) = (self.wanted.token(), self.of.world.catalog());
        if channel.holds(token) {
            let held = channel.standing.as_ref().and_then(|standing| standing.held);
            let rests = "the device holds what it should hold, so the server tells it nothing more: it is for the device to \
                         report something else, or for an administrator to change the policy";
            let facts = vec![fact(&["channel", "standing", "held"], &held)];
            return next(State::Unknown, rests, facts);
        }
        if device.facts.is_windows() {
            // A linked channel has no push of its own, and what a session has left open waits for the schedule.
            let is_woken = channel.id.channel() != Channel::Linked && channel.pinned != Some(token);
            let pushes = is_woken.then(|| self.pushes());
            let session = self.next_session();
            return pushes.into_iter().flatten().chain([session]).collect();
        }
        let Some(due_at) = command::due_at(channel, &device.facts, token, catalog) else {
            let facts = vec![fact(&["channel", "pinned"], &channel.pinned)];
            return match channel.pinned == Some(token) {
                true => next(
                    State::Missing,
                    "the device has the list of what it should hold, and reports by itself what comes of it, mostly within \
                     minutes",
                    facts,
                ),
                false => Vec::new(),
            };
        };
        let told = match channel.told.as_ref().filter(|_| due_at > self.of.now) {
            Some(told) => {
                let facts = vec![fact(&["channel", "told"], told)];
                let again = "the device has acknowledged the command to synchronise and does not, so it is told again when it \
                             asks for work after this time";
                step(Code::Next, State::Missing, again, facts).at(due_at)
            }
            None => {
                let facts = vec![fact(&["channel", "told"], &channel.told)];
                let told = match channel.told {
                    Some(_) => "as soon as the device asks for work, it is told to synchronise",
                    None => {
                        "as soon as the device asks for work, it is told to synchronise for the first time"
                    }
                };
                step(Code::Next, State::Missing, told, facts)
            }
        };
        let mut steps = self.pushes();
        steps.push(told);
        steps
    }

    /// What a Windows device gets when it next asks: there is no command to synchronise.
    fn next_session(&self) -> Step {
        let pinned = self.of.channel.pinned;
        let sentence = match pinned == Some(self.wanted.token()) {
            true => {
                "the device was asked for it in its last session, and what is still open is seen to in the next one"
            }
            false => {
                "the server sees to it in the next session of the device, which begins one by itself: after its poll schedule, \
                 and when its user logs in"
            }
        };
        let facts = vec![fact(&["channel", "pinned"], &pinned)];
        step(Code::Next, State::Missing, sentence, facts)
    }

    /// What the server lacks to wake any device of this maker.
    fn unable_to_push(&self) -> Option<Step> {
        let next = |state, sentence: &str, fact| step(Code::Next, state, sentence, vec![fact]);
        if self.of.device.facts.is_windows() {
            let none = "the server has no credentials for WNS and so does not wake the device, which comes by its schedule \
                        (`ordain wns set` takes them)";
            let package = fact(&["settings", "wns"], &self.of.wns);
            // Windows devices come by themselves often enough.
            return self
                .of
                .wns
                .is_none()
                .then(|| next(State::NotNeeded, none, package));
        }
        let ends = fact(&["settings", "push-certificate"], &self.of.push_certificate);
        match self.of.push_certificate {
            None => {
                let none = "the server has no push certificate and so cannot wake the device, which learns of all this when it \
                            next asks by itself (`ordain push-certificate import` takes one)";
                Some(next(State::Failed, none, ends))
            }
            Some(end) if end < self.of.now => {
                let ended =
                    "the push certificate of the server has expired, so that it cannot wake the device";
                Some(next(State::Failed, ended, ends).at(end))
            }
            Some(_) => None,
        }
    }

    /// When the device is woken, or why it cannot be.
    fn pushes(&self) -> Vec<Step> {
        let channel = self.of.channel;
        let next = |state, sentence: String, facts| step(Code::Next, state, sentence, facts);
        if let Some(unable) = self.unable_to_push() {
            return vec![unable];
        }
        let push = channel.push.as_ref();
        let topic = fact(
            &["channel", "push"],
            &push.map(|push| match push {
                Push::Apns(token) => json!({"topic": token.topic}),
                Push::Wns(channel) => json!({"package": channel.package, "told_at": channel.told_at}),
            }),
        );
        let nowhere = match push {
            Some(push) if push.is_usable(self.of.now) => None,
            Some(_) => Some((
                State::Missing,
                "the channel of WNS that the device has told has expired; it is asked for another one in its next session",
            )),
            None if self.of.device.facts.is_windows() => Some((
                State::Missing,
                "the device has not told a channel of WNS yet: it is asked for one in its sessions",
            )),
            None => Some((State::Failed, "the device has not told how it can be pushed")),
        };
        if let Some((state, nowhere)) = nowhere {
            return vec![next(state, nowhere.to_owned(), vec![topic])];
        }
        if let Some((why, until)) = self.of.push_trouble {
            let facts = vec![fact(&["settings", "push-trouble"], &why)];
            let service = self.push_service();
            let pause =
                format!("all pushes pause, since {service} does not take them: {why}; they are tried again");
            return vec![next(State::Failed, pause, facts).at(until)];
        }
        let (device, queued) = (&self.of.device.facts, self.of.queued);
        let token = self.wanted.token();
        let agenda = agenda(
            channel,
            device,
            token,
            queued,
            self.of.world.catalog(),
            self.of.now,
        );
        let wakes = self.of.seen.map_or(0, |seen| seen.wakes);
        // Whatever has run since, the row says when it is looked at again.
        let run = self.of.wake.pushed.as_ref().map_or(0, |pushed| pushed.run);
        let now = self.of.now;
        match wake::next(&channel.id, self.of.wake, push, agenda.as_ref(), wakes, run, now) {
            Next::Push(_) => {
                let soon = "the server pushes the device as soon as its turn comes".to_owned();
                vec![next(State::Missing, soon, vec![topic])]
            }
            Next::Wait(wake) => {
                let pushed = fact(&["push", "pushed"], &self.of.wake.pushed);
                let again = "the server pushes the device again, unless it comes before".to_owned();
                vec![next(State::Missing, again, vec![pushed]).at(wake.due_at)]
            }
            // A dead token is told among what went wrong.
            Next::Rest(_) | Next::Unreachable(_) => Vec::new(),
        }
    }
}
