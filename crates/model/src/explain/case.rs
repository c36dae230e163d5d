//! What an explanation is made from, with all that follows from it.

use std::collections::BTreeSet;

use ordain_catalog::Kind;
use serde::Serialize;
use serde_json::{Value, json};

use super::{About, Code, Evidence, Explanation, Fact, State, Step};
use crate::compile::RESERVED_PREFIX;
use crate::convergence::{self, Verdict};
use crate::declaration::Declaration;
use crate::enrollment::Phase;
use crate::held::{Listing, Placed};
use crate::manifest::{Entry, Manifest};
use crate::report::Listed;
use crate::wish::Wish;

/// The evidence, and what the device lists laid over what it should hold.
pub(super) struct Case<'a> {
    pub(super) of: &'a Evidence<'a>,
    pub(super) wanted: &'a Manifest,
    pub(super) listing: &'a Listing<'a>,
    pub(super) placed: &'a Placed<'a>,
    pub(super) verdicts: Vec<Verdict>,
}

/// A declaration of the wanted manifest.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) place: usize,
    pub(super) entry: &'a Entry,
    /// How the device lists it under this token.
    pub(super) listed: Option<&'a Listed<'a>>,
    pub(super) verdict: &'a Verdict,
}

impl<'a> Case<'a> {
    pub(super) fn new(of: &'a Evidence<'a>, listing: &'a Listing<'a>, placed: &'a Placed<'a>) -> Self {
        Self {
            of,
            wanted: placed.manifest,
            listing,
            placed,
            verdicts: convergence::assess(placed, &of.record.items),
        }
    }

    pub(super) fn wish(&self) -> &'a Wish {
        &self.of.world.revision().wish
    }

    /// The number of the newest revision.
    pub(super) fn revision(&self) -> u64 {
        self.of.world.revision().number
    }

    /// The declarations that the channel should hold.
    pub(super) fn all(&self) -> impl Iterator<Item = Wanted<'_>> {
        let entries = self.wanted.entries().iter().zip(&self.placed.entries);
        let entries = entries.zip(&self.verdicts).enumerate();
        entries.map(|(place, ((entry, listed), verdict))| Wanted {
            place,
            entry,
            listed: *listed,
            verdict,
        })
    }

    pub(super) fn find(&self, identifier: &str) -> Option<Wanted<'_>> {
        self.all().find(|wanted| wanted.entry.identifier == identifier)
    }

    /// The first way in which the device lists `identifier`, whatever the version.
    pub(super) fn held(&self, identifier: &str) -> Option<(Kind, &'a Listed<'a>)> {
        let lists = self.listing.iter();
        lists
            .flat_map(|(kind, list)| list.iter().map(move |listed| (*kind, listed)))
            .find(|(_, listed)| listed.identifier == identifier)
    }

    pub(super) fn identifiers(&self) -> BTreeSet<String> {
        let listed = self.listing.values().flatten();
        let listed = listed.map(|listed| listed.identifier.to_string());
        let wanted = self.wanted.entries().iter().map(|entry| entry.identifier.clone());
        listed
            .chain(wanted)
            .chain(self.wish().declarations.keys().cloned())
            .chain(self.left().cloned())
            .collect()
    }

    pub(super) fn concerns(&self, identifier: &str) -> bool {
        let mut omissions = self.wanted.omissions.iter();
        self.find(identifier).is_some()
            || self.held(identifier).is_some()
            || self.left().any(|left| left == identifier)
            || omissions.any(|omission| omission.identifier == identifier)
    }

    pub(super) fn out_of_date(&self) -> BTreeSet<String> {
        let behind = self.all().filter(|wanted| wanted.listed.is_none());
        behind
            .filter(|wanted| self.held(&wanted.entry.identifier).is_some())
            .map(|wanted| wanted.entry.identifier.clone())
            .collect()
    }

    /// The whole chain of one declaration.
    pub(super) fn declaration(&self, identifier: &str) -> Option<Explanation> {
        let declared = self.wish().declarations.get(identifier);
        let wanted = self.find(identifier);
        let held = self.held(identifier);
        let documented = self.document(identifier);
        if declared.is_none() && wanted.is_none() && held.is_none() && documented.is_empty() {
            return None;
        }
        let mut steps = self.enrolled();
        steps.extend(self.entitlement(identifier, declared, wanted));
        match (wanted, held) {
            (Some(wanted), _) => {
                steps.extend(self.delivery(Some(wanted)));
                steps.extend(self.judgement(wanted));
            }
            (None, Some((kind, listed))) => {
                let document = self.leaving_document(identifier);
                steps.push(document.unwrap_or_else(|| leaving(kind, listed)));
                steps.extend(self.delivery(None));
            }
            (None, None) => {}
        }
        steps.extend(documented);
        let headline = self.headline(&steps, wanted, held.is_some());
        let is_at_rest = wanted.is_none() && held.is_none()
            || wanted.is_some_and(|wanted| matches!(wanted.verdict, Verdict::Confirmed | Verdict::Settled));
        Some(Explanation {
            channel: self.of.channel.id.clone(),
            declaration: Some(about(identifier, declared, wanted, held.map(|(kind, _)| kind))),
            headline,
            steps,
            open: Vec::new(),
            next: if is_at_rest { Vec::new() } else { self.ahead() },
        })
    }

    /// How it stands, and by which step.
    fn headline(&self, steps: &[Step], wanted: Option<Wanted<'_>>, is_held: bool) -> Step {
        let first = |goes: &[State]| steps.iter().find(|step| goes.contains(&step.state));
        let missing = || first(&[State::Missing, State::Failed]);
        let of = |code| steps.iter().find(|step: &&Step| step.code == code);
        let Some(wanted) = wanted else {
            let outcome = if is_held {
                "to be removed"
            } else {
                "not for this device"
            };
            return titled(outcome, missing().or_else(|| first(&[State::Unknown])));
        };
        if self.of.device.phase == Phase::CheckedOut {
            return titled("no longer managed", missing());
        }
        let verdict = || of(Code::Verdict).into_iter();
        match wanted.verdict {
            Verdict::Confirmed => {
                let outcome = match wanted.entry.kind {
                    Kind::Configuration => "in force",
                    _ => "as it should be",
                };
                let disputed = first(&[State::Failed]);
                titled(outcome, disputed.into_iter().chain(verdict()).take(1))
            }
            Verdict::Settled => {
                let by_us = of(Code::Predicate).into_iter();
                let is_ours = self.is_false_by_us(wanted);
                let by_device = of(Code::DeviceVerdict).filter(|_| !is_ours);
                let headline = titled("does not apply now", by_device.into_iter().chain(by_us));
                let is_disputed = headline.state == State::Failed;
                Step {
                    state: if is_disputed {
                        State::Failed
                    } else {
                        State::NotNeeded
                    },
                    ..headline
                }
            }
            Verdict::Failed(_) => {
                let failed = [Code::Asset, Code::Reason].map(|code| {
                    let mut of = steps.iter().filter(move |step| step.code == code);
                    of.find(|step| step.state == State::Failed)
                });
                titled("failed", failed.into_iter().flatten().chain(verdict()).take(1))
            }
            Verdict::Pending if wanted.listed.is_some() => titled("not confirmed yet", missing()),
            Verdict::Pending => match of(Code::OutOfDate) {
                Some(older) => {
                    let cause = missing().filter(|step| step.code != Code::OutOfDate);
                    titled("out of date", Some(older).into_iter().chain(cause))
                }
                None => titled("not on the device yet", missing()),
            },
        }
    }

    /// How the device lists a declaration, as a fact.
    pub(super) fn listed_fact(&self, kind: Kind, identifier: &str) -> Fact {
        let lists = self.listing.get(&kind).into_iter().flatten();
        let listed: Vec<_> = lists.filter(|listed| listed.identifier == identifier).collect();
        let value = match listed.as_slice() {
            [] => Value::Null,
            [one] => json!(one),
            several => json!(several),
        };
        fact(&["record", "declarations", kind.as_str(), identifier], &value)
    }
}

/// A step of which the sentence says how it stands with all of it, and by which steps. It is of the kind of the first one,
/// and has the time of the last one.
pub(super) fn titled<'s>(outcome: &str, causes: impl IntoIterator<Item = &'s Step>) -> Step {
    let causes: Vec<&Step> = causes.into_iter().collect();
    let (Some(first), Some(last)) = (causes.first(), causes.last()) else {
        return step(Code::Verdict, State::Unknown, outcome, Vec::new());
    };
    let sentences: Vec<&str> = causes.iter().map(|step| step.sentence.as_str()).collect();
    Step {
        sentence: format!("{outcome}: {}", sentences.join("; ")),
        facts: causes.iter().flat_map(|step| step.facts.clone()).collect(),
        at: last.at,
        ..(*first).clone()
    }
}

fn leaving(kind: Kind, listed: &Listed<'_>) -> Step {
    step(
        Code::Leaving,
        State::Missing,
        "the device still holds it, and removes it when it next synchronises",
        vec![fact(
            &["record", "declarations", kind.as_str(), &listed.identifier],
            listed,
        )],
    )
}

fn about(
    identifier: &str,
    declared: Option<&Declaration>,
    wanted: Option<Wanted<'_>>,
    held: Option<Kind>,
) -> About {
    let entry = wanted.map(|wanted| (wanted.entry.kind, &wanted.entry.type_name));
    let known = declared
        .map(|declared| (declared.kind, &declared.type_name))
        .or(entry);
    About {
        identifier: identifier.to_owned(),
        kind: known.map(|(kind, _)| kind).or(held),
        type_name: known.map(|(_, type_name)| type_name.clone()),
    }
}

/// A step without a time.
pub(super) fn step(code: Code, state: State, sentence: impl Into<String>, facts: Vec<Fact>) -> Step {
    Step {
        code,
        state,
        sentence: sentence.into(),
        at: None,
        facts,
    }
}

impl Step {
    /// The same, which was at this time, in unix seconds.
    pub(super) fn at(self, at: impl Into<Option<i64>>) -> Self {
        Self {
            at: at.into(),
            ..self
        }
    }
}

/// The fact at a path.
pub(super) fn fact(path: &[&str], value: &impl Serialize) -> Fact {
    let parts = path.iter().map(|part| part.replace('~', "~0").replace('/', "~1"));
    Fact {
        fact: parts.collect::<Vec<_>>().join("/"),
        value: serde_json::to_value(value).unwrap_or_default(),
    }
}

/// Whether a declaration of this name is one that no policy has.
pub(super) fn is_made(identifier: &str) -> bool {
    identifier.starts_with(RESERVED_PREFIX)
}

/// Groups `of` by what `key` says, in the order in which that is said first.
pub(super) fn grouped<K: PartialEq, T>(of: impl Iterator<Item = (K, T)>) -> Vec<(K, Vec<T>)> {
    let mut groups: Vec<(K, Vec<T>)> = Vec::new();
    for (key, item) in of {
        match groups.iter_mut().find(|(known, _)| *known == key) {
            Some((_, items)) => items.push(item),
            None => groups.push((key, vec![item])),
        }
    }
    groups
}
