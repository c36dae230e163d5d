//! Why an activation's predicate comes to what it does, term by term, and what the device says of it.

use ordain_predicate::{Explanation, Part, Truth};

use super::case::{Case, Wanted, fact, is_made, step};
use super::term::Whose;
use super::{Code, Fact, State, Step};
use crate::compile::made_activation;
use crate::dispute::{self, Agreement, Said};
use crate::manifest::PREDICATE_KEY;

impl Case<'_> {
    /// What puts a declaration in force: the activation that is explained, or one of those that name a configuration.
    pub(super) fn activation(&self, activation: Wanted<'_>, is_own: bool) -> Vec<Step> {
        let name = activation.entry.identifier.as_str();
        let who = match is_own {
            true => "it puts its configurations".to_owned(),
            false if is_made(name) => "its activation puts it".to_owned(),
            false => format!("the activation {name} puts it"),
        };
        let Some(text) = &activation.entry.predicate else {
            if is_own {
                return Vec::new();
            }
            let listed = self.listed_fact(activation.entry.kind, name);
            let (state, said) = match activation.listed {
                Some(listed) if listed.active => {
                    (State::Done, ", and the device says that the activation is active")
                }
                Some(_) => (
                    State::Missing,
                    ", but the device does not say that the activation is active",
                ),
                None => (
                    State::Missing,
                    ", but the device has not reported that it holds the activation",
                ),
            };
            let sentence = format!("{who} in force without a condition{said}");
            return vec![step(Code::Activation, state, sentence, vec![listed])];
        };
        let compared = dispute::compare(self.placed, &self.of.record.items, activation.place);
        let mut steps = self.by_us(&who, text, activation, compared.ours, compared.theirs);
        steps.push(self.by_device(activation, compared.theirs, compared.agreement()));
        steps
    }

    /// The predicate by what the device has reported.
    fn by_us(
        &self,
        who: &str,
        text: &str,
        activation: Wanted<'_>,
        ours: Truth,
        theirs: Option<Said>,
    ) -> Vec<Step> {
        let state = match (theirs, ours) {
            (Some(Said::True), _) | (None, Truth::True) => State::Done,
            (Some(Said::False), _) | (None, Truth::False) => State::NotNeeded,
            _ => State::Unknown,
        };
        let mut facts = vec![self.predicate_fact(activation, text)];
        let explained = dispute::explain(self.placed, &self.of.record.items, activation.place);
        let mut parts = Vec::new();
        let outcome = match ours {
            Truth::True => "holds by what the device has reported",
            Truth::False => "does not hold by what the device has reported",
            Truth::Unknown => "cannot be told from what the device has reported",
        };
        let mut sentence = format!("{who} in force only where {text}, which {outcome}");
        if let Some(explanation) = &explained {
            if explanation.kind == Part::Comparison {
                let (terms, values) = self.values(&[explanation], Whose::Channel);
                if !terms.is_empty() {
                    sentence += &format!(": {terms}");
                }
                facts.extend(values);
            } else {
                self.parts(explanation, &mut parts);
            }
        }
        let mut steps = vec![step(Code::Predicate, state, sentence, facts)];
        steps.extend(parts);
        steps
    }

    /// The comparisons that decide, one by one.
    fn parts(&self, explanation: &Explanation, steps: &mut Vec<Step>) {
        if !explanation.decides {
            return;
        }
        if explanation.kind == Part::Comparison {
            let (terms, facts) = self.values(&[explanation], Whose::Channel);
            let (state, outcome) = match explanation.outcome {
                Truth::True => (State::Done, "holds"),
                Truth::False => (State::NotNeeded, "does not hold"),
                Truth::Unknown => (State::Unknown, "cannot be told"),
            };
            let sentence = format!("in that, {} {outcome}: {terms}", explanation.text);
            steps.push(step(Code::Term, state, sentence, facts));
        }
        for part in &explanation.parts {
            self.parts(part, steps);
        }
    }

    /// Where the predicate is stored: with the activation, or with the configuration for which Ordain made it.
    fn predicate_fact(&self, activation: Wanted<'_>, text: &str) -> Fact {
        let identifier = activation.entry.identifier.as_str();
        let mut names = activation.entry.references.iter();
        let path = match names.find(|name| made_activation(name) == identifier) {
            Some(name) => ["policy", "declarations", name, "placement", "when"],
            None => ["policy", "declarations", identifier, "payload", PREDICATE_KEY],
        };
        fact(&path, &text)
    }

    /// The predicate by the device's own word.
    fn by_device(&self, activation: Wanted<'_>, theirs: Option<Said>, agreement: Agreement) -> Step {
        let entry = activation.entry;
        let facts = vec![self.listed_fact(entry.kind, &entry.identifier)];
        let said = match theirs {
            Some(Said::True) => "the device itself says that the predicate holds",
            Some(Said::False) => "the device itself says that the predicate does not hold",
            Some(Said::Unreadable) => "the device itself says that it cannot read the predicate",
            Some(Said::Failed) => "the device itself says that it cannot evaluate the predicate",
            None => "the device itself has not said what the predicate comes to",
        };
        let (state, more) = match agreement {
            Agreement::Agreed => (State::Done, ", too"),
            Agreement::Disputed => (
                State::Failed,
                ", against what follows from its own reports: either they are wrong, or Ordain reads predicates differently",
            ),
            Agreement::NotComparable if theirs.is_some() => (State::Done, ""),
            Agreement::NotComparable => (State::Unknown, ""),
        };
        step(Code::DeviceVerdict, state, format!("{said}{more}"), facts)
    }

    /// Whether all predicates that keep the declaration out of force are false by what the device has reported.
    pub(super) fn is_false_by_us(&self, wanted: Wanted<'_>) -> bool {
        let mut activations = self.activations_of(wanted).into_iter();
        activations.all(|activation| {
            let compared = dispute::compare(self.placed, &self.of.record.items, activation.place);
            compared.ours == Truth::False
        })
    }

    /// The activations that name a configuration.
    pub(super) fn activations_of(&self, configuration: Wanted<'_>) -> Vec<Wanted<'_>> {
        let name = &configuration.entry.identifier;
        let all = self
            .all()
            .filter(|wanted| wanted.entry.kind == ordain_catalog::Kind::Activation);
        all.filter(|wanted| wanted.entry.references.contains(name))
            .collect()
    }
}
