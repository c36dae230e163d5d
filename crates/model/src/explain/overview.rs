//! All of a channel: how it stands, and what keeps each declaration that is not confirmed.

use std::collections::BTreeSet;

use ordain_catalog::Kind;

use super::case::{Case, fact, grouped, is_made, step, titled};
use super::membership::Outlook;
use super::{Code, Explanation, Fact, Open, State, Step};
use crate::convergence::{self, Verdict};
use crate::enrollment::{Counts, Memberships, Phase};

impl Case<'_> {
    pub(super) fn overview(&self) -> Explanation {
        let mut steps = self.enrolled();
        steps.extend(self.memberships());
        steps.extend(self.delivery(None));
        let open = self.open();
        let converged = self.converged();
        let is_converged = converged.state == State::Done;
        let waits = steps
            .iter()
            .find(|step| step.code == Code::Membership && step.state == State::Missing);
        let headline = match (is_converged, waits) {
            (true, Some(waits)) => titled("converged so far", [waits]),
            (true, None) => titled("converged", [&converged]),
            (false, _) => self.first(&steps, &open, &converged),
        };
        steps.push(converged);
        steps.extend(self.linked());
        Explanation {
            channel: self.of.channel.id.clone(),
            declaration: None,
            headline,
            steps,
            open,
            next: if is_converged { Vec::new() } else { self.ahead() },
        }
    }

    /// The step that is missing first: of the channel itself, else of its declarations.
    fn first(&self, steps: &[Step], open: &[Open], converged: &Step) -> Step {
        let goes_wrong = |step: &&Step| matches!(step.state, State::Missing | State::Failed);
        if self.of.device.phase == Phase::CheckedOut {
            return titled("no longer managed", steps.iter().find(goes_wrong));
        }
        // Groups that are still to be decided keep nothing from it that it should hold by now.
        let mut of_channel = steps.iter().filter(|step| step.code != Code::Membership);
        if let Some(step) = of_channel.find(goes_wrong) {
            return titled("not converged", Some(step));
        }
        match open.iter().find(|open| goes_wrong(&&open.cause)) {
            Some(Open { cause, declarations }) => Step {
                sentence: format!("not converged: {}: {}", names(declarations), cause.sentence),
                ..cause.clone()
            },
            None => titled("not converged", Some(converged)),
        }
    }

    /// Memberships that are not settled, of groups that some blueprint names.
    fn memberships(&self) -> Vec<Step> {
        let device = self.of.device;
        let blueprints = self.wish().blueprints.values();
        let named: BTreeSet<&String> = blueprints
            .flat_map(|blueprint| blueprint.include.union(&blueprint.exclude))
            .collect();
        let of = |group: &String| {
            let membership = self.membership(group);
            let (state, at) = match membership.outlook {
                Outlook::Settled => return None,
                Outlook::Waits => {
                    let since = (device.memberships == Memberships::Waiting).then_some(device.since);
                    (State::Missing, since)
                }
                Outlook::Unknown => (State::Unknown, None),
            };
            let stands = match membership.is_member {
                true => "is in the group",
                false => "is not in the group",
            };
            let sentence = format!("the device {stands} {group}, {}", membership.why);
            Some(step(Code::Membership, state, sentence, membership.facts).at(at))
        };
        named.into_iter().filter_map(of).collect()
    }

    /// Whether all is confirmed, by counts.
    fn converged(&self) -> Step {
        let Counts {
            confirmed,
            settled,
            failed,
            pending,
        } = convergence::count(&self.verdicts);
        let number = self.revision();
        let standing = self.of.channel.standing.as_ref();
        let mut facts = vec![fact(&["policy", "revision"], &number)];
        if let Some(standing) = standing {
            facts.push(fact(&["channel", "standing"], standing));
        }
        let is_converged = self.of.channel.is_converged(self.wanted.token());
        let (state, sentence) = match is_converged {
            true => {
                let all = match self.verdicts.len() {
                    0 => "nothing, and that is what it should hold".to_owned(),
                    1 => "the one declaration that it should hold".to_owned(),
                    all => format!("all {all} declarations{} that it should hold", self.made()),
                };
                let settled = match settled {
                    0 => String::new(),
                    1 => "; one of them does not apply now".to_owned(),
                    more => format!("; {more} of them do not apply now"),
                };
                let sentence = format!("the device says that it has {all} by revision {number}{settled}");
                (State::Done, sentence)
            }
            false => {
                let parts = [
                    (confirmed, "confirmed by the device"),
                    (settled, "not applying now"),
                    (failed, "failed"),
                    (pending, "awaited"),
                ];
                let parts = parts.iter().filter(|(count, _)| *count > 0);
                let parts: Vec<String> = parts.map(|(count, word)| format!("{count} {word}")).collect();
                let (all, made) = (self.verdicts.len(), self.made());
                let mut sentence = format!(
                    "of the {all} declarations{made} that the device should hold by revision {number}: {}",
                    parts.join(", ")
                );
                let leaving: Vec<Fact> = self
                    .leaving()
                    .map(|(kind, name)| self.listed_fact(kind, name))
                    .collect();
                match leaving.len() {
                    0 => {}
                    1 => sentence += "; and it holds one that it should not",
                    more => sentence += &format!("; and it holds {more} that it should not"),
                }
                facts.extend(leaving);
                (State::Missing, sentence)
            }
        };
        step(Code::Converged, state, sentence, facts).at(standing.map(|standing| standing.at))
    }

    /// What the channel holds and should not.
    fn leaving(&self) -> impl Iterator<Item = (Kind, &str)> {
        let lists = self.listing.iter();
        let all =
            lists.flat_map(|(kind, list)| list.iter().map(|listed| (*kind, listed.identifier.as_ref())));
        all.filter(|(_, name)| self.find(name).is_none())
    }

    /// How many of all the policy does not have, in words.
    fn made(&self) -> String {
        match self
            .all()
            .filter(|wanted| is_made(&wanted.entry.identifier))
            .count()
        {
            0 => String::new(),
            made => format!(" ({made} of them made by Ordain)"),
        }
    }

    /// What is not confirmed, with the headline of each, and what is left out.
    fn open(&self) -> Vec<Open> {
        let unconfirmed = self.all().filter(|wanted| *wanted.verdict != Verdict::Confirmed);
        let unconfirmed = unconfirmed.map(|wanted| wanted.entry.identifier.as_str());
        let omitted = self.wanted.omissions.iter().map(|left| left.identifier.as_str());
        let leaving = self.leaving().map(|(_, name)| name);
        let mut told = BTreeSet::new();
        let all = unconfirmed
            .chain(leaving)
            .chain(omitted)
            .filter(|name| told.insert(*name));
        let causes = all.filter_map(|name| {
            let cause = self.declaration(name)?.headline;
            Some(((cause.sentence.clone(), cause.at), (cause, name.to_owned())))
        });
        let open = grouped(causes).into_iter().filter_map(|(_, mut group)| {
            // What lacks the same as something of the policy's is no news of its own.
            if group.iter().any(|(_, name)| !is_made(name)) {
                group.retain(|(_, name)| !is_made(name));
            }
            let (causes, declarations): (Vec<Step>, Vec<String>) = group.into_iter().unzip();
            let mut facts: Vec<Fact> = Vec::new();
            for fact in causes.iter().flat_map(|cause| &cause.facts) {
                if !facts.contains(fact) {
                    facts.push(fact.clone());
                }
            }
            let first = causes.into_iter().next()?;
            let cause = Step { facts, ..first };
            Some(Open { cause, declarations })
        });
        open.collect()
    }
}

/// Names of declarations in a sentence; of many, the first ones.
fn names(of: &[String]) -> String {
    const SHOWN: usize = 3;
    match of {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] if of.len() <= SHOWN => format!("{} and {last}", first.join(", ")),
        _ => {
            let shown: Vec<&str> = of.iter().take(SHOWN).map(String::as_str).collect();
            format!("{} and {} others", shown.join(", "), of.len() - SHOWN)
        }
    }
}
