//! The terms of predicates: their values in words, and where these are stored.

use ordain_predicate::{Explanation, Part, Shown, TermValue};

use super::Fact;
use super::case::{Case, fact, grouped};
use crate::dispute;
use crate::enrollment::Memberships;
use crate::record::StatusRecord;

/// Who evaluates a predicate: that decides which facts it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    /// The channel, of its activations.
    Channel,
    /// The server, of groups: they are of devices, whichever channel is explained.
    Device,
}

impl Case<'_> {
    /// The values of all comparisons that decide, in words, and where they come from.
    pub(super) fn decisive(&self, explanation: &Explanation, whose: Whose) -> (String, Vec<Fact>) {
        let mut comparisons = Vec::new();
        collect_decisive(explanation, &mut comparisons);
        self.values(&comparisons, whose)
    }

    /// The values that are compared, in words, and where they come from: each once, and then what is not known, by why
    /// that is so.
    pub(super) fn values(&self, comparisons: &[&Explanation], whose: Whose) -> (String, Vec<Fact>) {
        let mut terms: Vec<&TermValue> = Vec::new();
        let mut causes = Vec::new();
        for comparison in comparisons {
            let new = |term: &&TermValue| !terms.contains(term);
            let new: Vec<&TermValue> = comparison.terms.iter().filter(new).collect();
            terms.extend(new);
            causes.extend(comparison.cause.iter().filter(|_| comparison.terms.is_empty()));
        }
        let (missing, known): (Vec<_>, Vec<_>) = terms
            .iter()
            .partition::<Vec<&TermValue>, _>(|term| term.value == Shown::Missing);
        let missing = missing
            .into_iter()
            .map(|term| (self.absence(&term.term, whose), term.term.as_str()));
        let missing = grouped(missing).into_iter();
        let missing = missing.map(|(absence, terms)| format!("{absence} {}", terms.join(" and ")));
        let words = known.into_iter().map(ToString::to_string).chain(missing);
        let words: Vec<String> = words.chain(causes.into_iter().cloned()).collect();
        let facts = terms.iter().filter_map(|term| self.term_fact(term, whose));
        (words.join(", "), facts.collect())
    }

    /// Why the value of a term is missing: words before its name.
    fn absence(&self, term: &str, whose: Whose) -> &'static str {
        match argument(term) {
            Some(("status", name)) if self.record(whose).1.errors.contains_key(name) => {
                "the device says that it cannot tell"
            }
            Some(("property", _)) => "no declaration that the device holds has",
            Some((word, name)) if self.is_only_claimed(word, name) => "nobody vouches yet for",
            _ => "the device has never reported",
        }
    }

    fn term_fact(&self, term: &TermValue, whose: Whose) -> Option<Fact> {
        let device = self.of.device;
        let (word, name) = argument(&term.term)?;
        match word {
            _ if self.is_only_claimed(word, name) => {
                Some(fact(&["device", "memberships"], &device.memberships))
            }
            "status" => Some(self.item_fact(whose, name)),
            "property" => {
                let (entry, value) = dispute::property(self.placed, name)?;
                let path = ["policy", "declarations", &entry.identifier, "payload", name];
                Some(fact(&path, value))
            }
            "tag" => Some(fact(&["device", "tags", name], &device.tags.get(name))),
            "device" => self.device_fact(name),
            _ => None,
        }
    }

    /// Whether the device has it only by a claim that an administrator has yet to grant.
    fn is_only_claimed(&self, word: &str, name: &str) -> bool {
        let is_claim = word == "tag" || (word, name) == ("device", "serial");
        is_claim && self.of.device.memberships == Memberships::Waiting
    }

    /// What `@device(…)` rests on.
    fn device_fact(&self, name: &str) -> Option<Fact> {
        let facts = &self.of.device.facts;
        let of_apple = |name: &str| match name {
            "platform" => fact(&["device", "facts", "platform"], &facts.platform),
            // What `DeviceFacts::enrollment_type` looks at, in its order.
            _ if facts.udid.is_none() => fact(&["device", "facts", "udid"], &facts.udid),
            _ if facts.enrollment_type().is_some() && facts.supervised.is_none() => {
                fact(&["device", "facts", "platform"], &facts.platform)
            }
            _ => fact(&["device", "facts", "supervised"], &facts.supervised),
        };
        match name {
            "serial" => Some(fact(&["device", "facts", "serial"], &facts.serial)),
            "model" => Some(fact(&["device", "facts", "model"], &facts.model)),
            "os.version" => Some(fact(&["device", "facts", "os_version"], &facts.os_version)),
            "supervised" if facts.supervised.is_some() => {
                Some(fact(&["device", "facts", "supervised"], &facts.supervised))
            }
            "platform" | "enrollment" | "supervised" => Some(match &facts.windows {
                Some(windows) => fact(&["device", "facts", "windows"], windows),
                None => of_apple(name),
            }),
            _ => None,
        }
    }

    /// A status item as it was reported.
    pub(super) fn item_fact(&self, whose: Whose, name: &str) -> Fact {
        let (below, record) = self.record(whose);
        match (record.items.get(name), record.errors.get(name)) {
            (None, Some(errors)) => fact(&[below, "errors", name], errors),
            (item, _) => fact(&[below, "status", name], &item),
        }
    }

    fn record(&self, whose: Whose) -> (&'static str, &StatusRecord) {
        match whose {
            Whose::Channel => ("record", self.of.record),
            Whose::Device => ("device-record", self.of.device_record),
        }
    }
}

fn collect_decisive<'e>(explanation: &'e Explanation, comparisons: &mut Vec<&'e Explanation>) {
    if explanation.decides {
        if explanation.kind == Part::Comparison {
            comparisons.push(explanation);
        }
        for part in &explanation.parts {
            collect_decisive(part, comparisons);
        }
    }
}

/// Word and argument of `@word(argument)`.
fn argument(term: &str) -> Option<(&str, &str)> {
    term.strip_prefix('@')?.strip_suffix(')')?.split_once('(')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_have_a_word_and_an_argument() {
        assert_eq!(argument("@status(a.b-c)"), Some(("status", "a.b-c")));
        assert_eq!(argument("SUBQUERY"), None);
    }
}
