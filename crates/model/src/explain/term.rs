//! The terms of predicates: their values in words, and where these are stored.

use ordain_predicate::{Explanation, Part, Shown, TermValue};

use super::Fact;
use super::case::{Case, fact};
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
    /// The values of all comparisons that decide, in words, and where they come from; each once.
    pub(super) fn decisive(&self, explanation: &Explanation, whose: Whose) -> (String, Vec<Fact>) {
        let (mut words, mut facts) = (Vec::new(), Vec::new());
        self.collect_decisive(explanation, whose, &mut words, &mut facts);
        (words.join(", "), facts)
    }

    fn collect_decisive(
        &self,
        explanation: &Explanation,
        whose: Whose,
        words: &mut Vec<String>,
        facts: &mut Vec<Fact>,
    ) {
        if !explanation.decides {
            return;
        }
        if explanation.kind == Part::Comparison {
            let (told, rests_on) = self.terms(explanation, whose);
            words.extend(new(words, told));
            facts.extend(new(facts, rests_on));
        }
        for part in &explanation.parts {
            self.collect_decisive(part, whose, words, facts);
        }
    }

    /// The values that are compared, in words, and where they come from.
    pub(super) fn terms(&self, comparison: &Explanation, whose: Whose) -> (Vec<String>, Vec<Fact>) {
        let terms = &comparison.terms;
        let mut words: Vec<String> = terms.iter().map(|term| self.term(term, whose)).collect();
        words.extend(comparison.cause.clone().filter(|_| words.is_empty()));
        let facts = terms.iter().filter_map(|term| self.term_fact(term, whose));
        (words, facts.collect())
    }

    fn term(&self, term: &TermValue, whose: Whose) -> String {
        if term.value != Shown::Missing {
            return term.to_string();
        }
        match argument(&term.term) {
            Some(("status", name)) if self.record(whose).1.errors.contains_key(name) => {
                format!("the device says that it cannot tell {}", term.term)
            }
            Some(("property", _)) => {
                format!("{} is in no declaration that the device holds", term.term)
            }
            Some((word, name)) if self.is_only_claimed(word, name) => {
                format!("{} does not count yet", term.term)
            }
            _ => format!("the device has never reported {}", term.term),
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

/// Those of `more` that are not in `known`.
fn new<T: PartialEq>(known: &[T], more: Vec<T>) -> Vec<T> {
    more.into_iter().filter(|one| !known.contains(one)).collect()
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
