//! How what a channel should hold gets there: pushed, seen, offered, told, fetched, reported.

use ordain_catalog::Kind;
use serde_json::{Value, json};

use super::case::{Case, Wanted, fact, step};
use super::{Code, Fact, State, Step};
use crate::enrollment::{Answer, Standing, Told};
use crate::report::Listed;
use crate::wake::{Problem, Pushed};

impl Case<'_> {
    /// The steps by which a declaration gets to the device, or without one all that it should hold.
    pub(super) fn delivery(&self, wanted: Option<Wanted<'_>>) -> Vec<Step> {
        let is_there = match wanted {
            Some(wanted) => wanted.listed.is_some(),
            None => self.of.channel.holds(self.wanted.token()),
        };
        let mut steps = Vec::new();
        if !is_there {
            steps.extend(self.pushed());
        }
        steps.extend(self.seen(is_there));
        steps.extend(self.offered(wanted, is_there));
        if self.is_offered(wanted) {
            steps.extend(self.told());
            steps.extend(self.fetched(wanted, is_there));
        }
        steps.push(match wanted {
            Some(wanted) => self.reported(wanted),
            None => self.reported_all(is_there),
        });
        steps
    }

    /// Whether the device was last offered just this.
    fn is_offered(&self, wanted: Option<Wanted<'_>>) -> bool {
        match wanted {
            Some(wanted) => self.of.offered.is_some_and(|offered| offered.holds(wanted.entry)),
            None => {
                let offer = self.of.channel.offer;
                offer.is_some_and(|offer| offer.token == self.wanted.token())
            }
        }
    }

    /// The push that was not answered yet.
    fn pushed(&self) -> Option<Step> {
        let pushed = self.of.wake.pushed.as_ref()?;
        let wakes = self.of.seen.map_or(0, |seen| seen.wakes);
        let has_come = pushed.wakes != wakes;
        let (state, sentence) = match &pushed.problem {
            Some(Problem::Dead) => {
                let (service, address) = (self.push_service(), self.push_address());
                let dead = format!(
                    "{service} says that the device cannot be pushed any more as it told: its {address} is dead"
                );
                (State::Failed, dead)
            }
            Some(Problem::Refused(reason)) => {
                let service = self.push_service();
                let refused = format!("{service} does not take pushes for the device: {reason}");
                (State::Failed, refused)
            }
            None if has_come => return None,
            None => {
                let times = times(pushed.attempts);
                let silent = format!("the server pushed the device {times} to wake it, and it has not come");
                (State::Missing, silent)
            }
        };
        let Pushed {
            at,
            attempts,
            problem,
            ..
        } = pushed;
        let value = json!({"at": at, "attempts": attempts, "problem": problem});
        Some(
            step(
                Code::Pushed,
                state,
                sentence,
                vec![fact(&["push", "pushed"], &value)],
            )
            .at(*at),
        )
    }

    /// What wakes devices of this maker, as sentences call it.
    pub(super) fn push_service(&self) -> &'static str {
        match self.of.device.facts.is_windows() {
            true => "WNS",
            false => "Apple's push service",
        }
    }

    /// What a device of this maker tells to be pushed at.
    fn push_address(&self) -> &'static str {
        match self.of.device.facts.is_windows() {
            true => "channel",
            false => "push token",
        }
    }

    /// When the device was last here: seen, or by its report, of which the sighting may be lost.
    fn seen(&self, is_there: bool) -> Option<Step> {
        const SIGHTING: &[&str] = &["sighting", "seen_at"];
        let sighting = self.of.seen.map(|seen| seen.at);
        let Some(at) = self.of.channel.last_heard(sighting) else {
            let never = "the device has never asked for anything";
            let never = step(Code::Seen, State::Missing, never, vec![fact(SIGHTING, &())]);
            return (!is_there).then_some(never);
        };
        let (path, did, was) = match sighting == Some(at) {
            true => (SIGHTING, "last asked for anything", "last asked for something"),
            false => (
                &["channel", "standing", "at"][..],
                "last reported",
                "last reported",
            ),
        };
        let mut facts = vec![fact(path, &at)];
        let published = self
            .of
            .published_at
            .filter(|published| *published > at && !is_there);
        let (state, sentence) = match published {
            Some(published) => {
                facts.push(fact(&["policy", "published_at"], &published));
                let number = self.revision();
                let sentence = format!("the device {did} before revision {number} was published");
                (State::Missing, sentence)
            }
            None => (State::Done, format!("the device {was}")),
        };
        Some(step(Code::Seen, state, sentence, facts).at(at))
    }

    fn offered(&self, wanted: Option<Wanted<'_>>, is_there: bool) -> Option<Step> {
        let channel = self.of.channel;
        let facts = vec![fact(&["channel", "offer"], &channel.offer)];
        let it = match wanted {
            Some(_) => "it".to_owned(),
            None => format!("revision {}", self.revision()),
        };
        let Some(offer) = channel.offer else {
            let nothing = format!(
                "the server has not offered {it} to the device: it does so when the device asks for work"
            );
            return (!is_there).then(|| step(Code::Offered, State::Missing, nothing, facts));
        };
        let number = offer.revision;
        if self.is_offered(wanted) {
            let what = match wanted {
                Some(_) => format!("the server offered it to the device with revision {number}"),
                None => format!("the server offered revision {number} to the device"),
            };
            return Some(step(Code::Offered, State::Done, what, facts).at(offer.stamp));
        }
        let older = format!(
            "the server has not offered {it} to the device: what the device was offered last is of revision {number}"
        );
        (!is_there).then(|| step(Code::Offered, State::Missing, older, facts).at(offer.stamp))
    }

    /// The command to synchronise that told what was offered.
    fn told(&self) -> Option<Step> {
        let channel = self.of.channel;
        let offered = channel.offer.map(|offer| offer.token);
        let told = channel.told.as_ref();
        // Who asks by itself needs no command.
        let Told {
            answer, at, attempts, ..
        } = told.filter(|told| Some(told.token) == offered)?;
        let (state, sentence) = match answer {
            Answer::None => (
                State::Missing,
                "the device was sent the command to synchronise, and has not answered it".to_owned(),
            ),
            Answer::Acknowledged => {
                let again = match attempts {
                    0 | 1 => String::new(),
                    more => format!(", which it was sent {}", times(*more)),
                };
                (
                    State::Done,
                    format!("the device acknowledged the command to synchronise{again}"),
                )
            }
            Answer::NotNow => (
                State::Missing,
                "the device answered that it cannot synchronise now (NotNow), as when it is locked"
                    .to_owned(),
            ),
            Answer::Failed(why) => (
                State::Failed,
                format!("the device refused the command to synchronise: {why}"),
            ),
        };
        let value = json!({"answer": answer, "at": at, "attempts": attempts});
        Some(
            step(
                Code::Told,
                state,
                sentence,
                vec![fact(&["channel", "told"], &value)],
            )
            .at(*at),
        )
    }

    fn fetched(&self, wanted: Option<Wanted<'_>>, is_there: bool) -> Option<Step> {
        let channel = self.of.channel;
        let pinned = || vec![fact(&["channel", "pinned"], &channel.pinned)];
        let has_list = channel.pinned.is_some() && channel.pinned == channel.offer.map(|offer| offer.token);
        let seen = self.of.seen;
        let fetched = wanted
            .filter(|wanted| seen.is_some_and(|seen| seen.fetched.contains(&wanted.entry.server_token)));
        let (state, sentence, facts) = match (wanted, fetched) {
            (_, Some(wanted)) => {
                let path = ["sighting", "fetched", &wanted.entry.identifier];
                (State::Done, "the device fetched it", vec![fact(&path, &true)])
            }
            _ if is_there => return None,
            _ if !has_list => {
                let not = "the device has not asked for the list of what it should hold";
                (State::Missing, not, pinned())
            }
            (Some(_), None) => {
                let not = "the device has read the list of what it should hold, and has not fetched this";
                (State::Missing, not, pinned())
            }
            (None, _) => {
                let read = "the device has read the list of what it should hold";
                (State::Done, read, pinned())
            }
        };
        Some(step(Code::Fetched, state, sentence, facts))
    }

    /// Whether the device lists the declaration, under this version or another one.
    fn reported(&self, wanted: Wanted<'_>) -> Step {
        let entry = wanted.entry;
        let facts = vec![self.listed_fact(entry.kind, &entry.identifier)];
        let reported_at = self.of.channel.standing.as_ref().map(|standing| standing.at);
        if wanted.listed.is_some() {
            let holds = "the device reports that it holds it in this version";
            return step(Code::Reported, State::Done, holds, facts).at(reported_at);
        }
        let mut older = self.listing.get(&entry.kind).into_iter().flatten();
        if let Some(older) = older.find(|listed| listed.identifier == entry.identifier) {
            return self.out_of_date_by(entry.kind, older);
        }
        let not = match reported_at {
            Some(_) => "the device has not reported that it holds it",
            None => "the device has not reported anything yet",
        };
        step(Code::Reported, State::Missing, not, facts).at(reported_at)
    }

    /// How old the version is that the device holds.
    fn out_of_date_by(&self, kind: Kind, older: &Listed<'_>) -> Step {
        let identifier = older.identifier.as_ref();
        let mut facts = vec![self.listed_fact(kind, identifier)];
        let known = self.of.past.iter().find(|past| {
            let token = past.tokens.get(identifier);
            token.is_some_and(|token| token.is_written(&older.server_token))
        });
        let sentence = match known {
            Some(past) => {
                let number = past.number.to_string();
                let token = past.tokens.get(identifier);
                let declared = json!({"server_token": token});
                facts.push(fact(&["history", &number, "declarations", identifier], &declared));
                let behind = match self.revision().saturating_sub(past.number) {
                    1 => "one revision".to_owned(),
                    more => format!("{more} revisions"),
                };
                format!("the device holds the version of revision {number}, {behind} behind")
            }
            None => "the device holds another version of it".to_owned(),
        };
        step(Code::OutOfDate, State::Missing, sentence, facts).at(known.map(|past| past.published_at))
    }

    /// What the last report came to.
    fn reported_all(&self, is_there: bool) -> Step {
        let standing = self.of.channel.standing.as_ref();
        let held: Vec<Fact> = vec![match standing {
            Some(standing) => fact(&["channel", "standing", "held"], &standing.held),
            None => fact(&["channel", "standing"], &Value::Null),
        }];
        let (state, sentence) = match (standing, is_there) {
            (None, _) => (State::Missing, "the device has not reported anything yet"),
            (Some(Standing { held: None, .. }), _) => {
                (State::Missing, "the device has not reported what it holds")
            }
            (Some(_), true) => (
                State::Done,
                "the device reports that it holds just what it should hold",
            ),
            (Some(_), false) => (
                State::Missing,
                "what the device reports that it holds is something else",
            ),
        };
        step(Code::Reported, state, sentence, held).at(standing.map(|standing| standing.at))
    }
}

/// How often, in words.
fn times(count: u32) -> String {
    match count {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        more => format!("{more} times"),
    }
}
