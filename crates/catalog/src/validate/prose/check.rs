//! A payload against the rules.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::text::{Judgement, judge};
use super::when::{get, read};
use super::{Breach, Given, Remedy, Says, Text, When};
use crate::validate::finding::{At, Code, Finding, Severity};
use crate::validate::place::{Place, any_of, shown};
use crate::{EnrollmentType, Platform};

/// As many broken rules are told.
const MOST: usize = 200;
const COMPARISONS: usize = 20_000;

pub(super) struct Check<'a> {
    given: Given<'a>,
    comparisons: usize,
    pub(super) breaches: Vec<Breach>,
}

impl<'a> Check<'a> {
    pub(super) const fn new(given: Given<'a>) -> Self {
        Self {
            given,
            comparisons: COMPARISONS,
            breaches: Vec::new(),
        }
    }

    /// Applies a rule wherever `at` leads in the payload.
    pub(super) fn rule(&mut self, at: &str, says: Says, payload: &Value) {
        visit(at, payload, &Place::root(), &mut |place, value| {
            if self.breaches.len() < MOST {
                self.at(place, says, value);
            }
        });
    }

    fn at(&mut self, place: &Place<'_>, says: Says, value: &Value) {
        match (says, value) {
            (Says::Text(text), Value::String(string)) => self.text(place, text, string),
            (Says::Outdated(outdated), Value::String(string)) if string == outdated => {
                let message = format!("{place} is \"{outdated}\", which is deprecated");
                self.add(
                    Severity::Warning,
                    place,
                    At::Value,
                    Code::Deprecated,
                    message,
                    Remedy::None,
                );
            }
            (Says::AtMost(most), value) => self.at_most(place, most, value),
            (Says::NamesAtMost(most), Value::Object(values)) => {
                for name in values.keys().filter(|name| name.chars().nth(most).is_some()) {
                    let place = place.key(name);
                    let message = format!("the name of {place} has more than {most} characters");
                    let remedy = Remedy::Remove(place.pointer());
                    self.error(&place, At::Key, Code::Count, message, remedy);
                }
            }
            (Says::Between(least, most), Value::Number(number)) => {
                let Some(integer) = number
                    .as_i64()
                    .filter(|integer| !(least..=most).contains(integer))
                else {
                    return;
                };
                let must = match most {
                    i64::MAX => format!("at least {least}"),
                    most => format!("{least} to {most}"),
                };
                let message = format!("{place} is {integer}, must be {must}");
                let remedy = Remedy::Replace(place.pointer(), json!(least));
                self.error(place, At::Value, Code::OutOfRange, message, remedy);
            }
            (Says::Unique, Value::Array(values)) => {
                let mut seen = HashSet::new();
                for (index, value) in values.iter().enumerate() {
                    if !seen.insert(value) {
                        let place = place.element(index);
                        let message = format!("{place} is {} once more", shown(value));
                        let remedy = Remedy::Remove(place.pointer());
                        self.error(&place, At::Value, Code::Repeated, message, remedy);
                    }
                }
            }
            (says, Value::Object(_)) => self.keys(place, says, value),
            // What has another type than the schema says is the schema's to tell.
            _ => {}
        }
    }

    /// What is said of keys.
    fn keys(&mut self, place: &Place<'_>, says: Says, value: &Value) {
        let there =
            |keys: &'static [&'static str]| keys.iter().copied().filter(|key| get(value, key).is_some());
        match says {
            Says::OneOf(keys) => {
                self.one_at_most(place, there(keys).collect());
                if there(keys).next().is_none() {
                    self.some_of(place, keys, "");
                }
            }
            Says::AtMostOneOf(keys) => self.one_at_most(place, there(keys).collect()),
            Says::SomeOf(keys) if there(keys).next().is_none() => self.some_of(place, keys, ""),
            Says::NeedsSomeOf(when, keys) if when.holds(value) && there(keys).next().is_none() => {
                self.some_of(place, keys, &format!(", since {}", when.told(value)));
            }
            Says::Together(keys) => {
                let Some(one) = there(keys).next() else { return };
                for key in keys.iter().copied().filter(|key| get(value, key).is_none()) {
                    self.missing(place, key, &format!("`{one}` is there"));
                }
            }
            Says::NotAllFalse(keys)
                if keys
                    .iter()
                    .all(|key| get(value, key) == Some(&Value::Bool(false))) =>
            {
                let message = format!(
                    "{} must be true in {place}",
                    any_of(keys.iter().map(|key| read(key)))
                );
                let remedy = match keys.first() {
                    Some(key) => Remedy::Replace(pointer(place, key), json!(true)),
                    None => Remedy::None,
                };
                self.error(place, At::Value, Code::NotAllowed, message, remedy);
            }
            Says::Needs(when, key) if when.holds(value) && get(value, key).is_none() => {
                self.missing(place, key, &when.told(value));
            }
            Says::NeedsOn(platforms, enrollments, key) if get(value, key).is_none() => {
                self.needs_on(place, platforms, enrollments, key);
            }
            Says::Only(when, key) if get(value, key).is_some() && !when.holds(value) => {
                let message = format!("`{}` in {place} is only for when {}", read(key), when.wanted());
                self.surplus(Severity::Error, Code::UnexpectedKey, place, key, message);
            }
            Says::Useful(when, key) if get(value, key).is_some() && !when.holds(value) => {
                let message = format!(
                    "`{}` in {place} has no effect unless {}",
                    read(key),
                    when.wanted()
                );
                self.surplus(Severity::Warning, Code::IgnoredKey, place, key, message);
            }
            Says::Implies(when, then) if when.holds(value) && !then.holds(value) => {
                let message = format!(
                    "in {place} {}, which needs that {}",
                    when.told(value),
                    then.wanted()
                );
                let remedy = match then {
                    When::True(key) if get(value, key).is_some() => {
                        Remedy::Replace(pointer(place, key), json!(true))
                    }
                    When::True(key) => Remedy::Add(place.pointer(), key),
                    _ => Remedy::None,
                };
                self.error(place, At::Value, Code::NotAllowed, message, remedy);
            }
            _ => {}
        }
    }

    fn one_at_most(&mut self, place: &Place<'_>, there: Vec<&'static str>) {
        let Some((first, others)) = there.split_first() else {
            return;
        };
        for key in others {
            let message = format!("`{}` in {place} cannot be beside `{}`", read(key), read(first));
            self.surplus(Severity::Error, Code::UnexpectedKey, place, key, message);
        }
    }

    fn some_of(&mut self, place: &Place<'_>, keys: &'static [&'static str], reason: &str) {
        let message = format!(
            "{place} lacks {}{reason}",
            any_of(keys.iter().map(|key| read(key)))
        );
        let remedy = match keys.first() {
            Some(key) => Remedy::Add(place.pointer(), key),
            None => Remedy::None,
        };
        self.error(place, At::Value, Code::MissingKey, message, remedy);
    }

    fn missing(&mut self, place: &Place<'_>, key: &'static str, reason: &str) {
        let message = format!("{place} lacks `{}`, which is required since {reason}", read(key));
        let remedy = Remedy::Add(place.pointer(), key);
        self.error(place, At::Value, Code::MissingKey, message, remedy);
    }

    fn needs_on(
        &mut self,
        place: &Place<'_>,
        platforms: &[Platform],
        enrollments: &[EnrollmentType],
        key: &'static str,
    ) {
        let kinds = &self.given.recipients.kinds;
        let needing = kinds.iter().filter(|kind| {
            platforms.contains(&kind.platform)
                && kind
                    .enrollment
                    .is_some_and(|enrollment| enrollments.contains(&enrollment))
        });
        let Some(one) = needing.clone().next() else { return };
        let severity = match needing.count() == kinds.len() {
            true => Severity::Error,
            false => Severity::Warning,
        };
        let message = format!("{place} lacks `{}`, which some devices require: {one}", read(key));
        let remedy = Remedy::Add(place.pointer(), key);
        self.add(severity, place, At::Value, Code::MissingKey, message, remedy);
    }

    fn surplus(&mut self, severity: Severity, code: Code, place: &Place<'_>, key: &str, message: String) {
        let pointer = pointer(place, key);
        self.breaches.push(Breach {
            remedy: Remedy::Remove(pointer.clone()),
            finding: Finding {
                pointer,
                at: At::Key,
                severity,
                code,
                message,
            },
        });
    }

    fn at_most(&mut self, place: &Place<'_>, most: usize, value: &Value) {
        let (count, what) = match value {
            Value::Array(values) => (values.len(), "elements"),
            Value::Object(values) => (values.len(), "keys"),
            Value::String(text) => (text.chars().count(), "characters"),
            _ => return,
        };
        if count > most {
            let message = format!("{place} has {count} {what}, must have at most {most}");
            self.error(place, At::Value, Code::Count, message, Remedy::None);
        }
    }

    fn text(&mut self, place: &Place<'_>, text: Text, string: &str) {
        let judgement = judge(text, string, self.given, &mut self.comparisons);
        if let Some(Judgement { severity, code, says }) = judgement {
            let message = format!("{place} is {}{says}", shown(&json!(string)));
            let remedy = Remedy::Replace(place.pointer(), json!(text.sample(self.given.declaration)));
            self.add(severity, place, At::Value, code, message, remedy);
        }
    }

    fn error(&mut self, place: &Place<'_>, at: At, code: Code, message: String, remedy: Remedy) {
        self.add(Severity::Error, place, at, code, message, remedy);
    }

    fn add(
        &mut self,
        severity: Severity,
        place: &Place<'_>,
        at: At,
        code: Code,
        message: String,
        remedy: Remedy,
    ) {
        self.breaches.push(Breach {
            finding: Finding {
                pointer: place.pointer(),
                at,
                severity,
                code,
                message,
            },
            remedy,
        });
    }
}

fn pointer(place: &Place<'_>, key: &str) -> String {
    let mut pointer = place.pointer();
    for name in key.split('/') {
        pointer.push('/');
        pointer.push_str(&name.replace('~', "~0"));
    }
    pointer
}

/// Calls `each` with every place that `at` leads to. Recursion ends with the payload or with `at`.
fn visit(at: &str, value: &Value, place: &Place<'_>, each: &mut dyn FnMut(&Place<'_>, &Value)) {
    if at.is_empty() {
        return each(place, value);
    }
    let (step, rest) = at.split_once('/').unwrap_or((at, ""));
    match (step, value) {
        ("[]", Value::Array(values)) => {
            for (index, value) in values.iter().enumerate() {
                visit(rest, value, &place.element(index), each);
            }
        }
        ("*", Value::Object(values)) => {
            for (name, value) in values {
                visit(rest, value, &place.key(name), each);
            }
        }
        (step, value) => match step.strip_suffix('*') {
            Some(name) => {
                visit(rest, value, place, each);
                let place = place.key(name);
                for (index, value) in value
                    .get(name)
                    .and_then(Value::as_array)
                    .into_iter()
                    .flatten()
                    .enumerate()
                {
                    visit(at, value, &place.element(index), each);
                }
            }
            None => {
                if let Some(value) = value.get(step) {
                    visit(rest, value, &place.key(step), each);
                }
            }
        },
    }
}
