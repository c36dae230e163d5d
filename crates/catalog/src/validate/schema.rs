//! A payload against its schema, key by key.

use std::fmt::Display;

use serde_json::{Map, Number, Value};

use super::finding::{At, Code, Findings, Severity};
use super::format;
use super::frame::Frame;
use super::place::{Place, any_of, or_meant, shown};
use super::reach::{Recipients, Verdict};
use crate::replaced::key_replaced_by;
use crate::{Elements, Format, ITEM, Key, Keys, Range, Shape, Support, nearest};

/// Deeper than any schema, and than what devices are known to read.
const MAX_DEPTH: usize = 64;

pub(super) struct Schema<'a> {
    pub(super) findings: &'a mut Findings,
    pub(super) type_name: &'a str,
    /// How bad a key is that is not known.
    pub(super) unknown: Severity,
    /// What was already told of the whole: it is not told again of every key.
    pub(super) outdated: Option<String>,
}

impl Schema<'_> {
    /// Looks at the whole of what is at `place`.
    pub(super) fn check(&mut self, shape: &Shape, value: &Value, place: &Place<'_>, recipients: &Recipients) {
        self.value(&Frame::root(shape), value, place, recipients);
    }

    /// Recursion ends with the payload, and at [`MAX_DEPTH`].
    fn value(&mut self, frame: &Frame<'_>, value: &Value, place: &Place<'_>, recipients: &Recipients) {
        if self.findings.is_full() {
            return;
        }
        if frame.depth >= MAX_DEPTH && (value.is_array() || value.is_object()) {
            let message = format!("{place} is nested too deep: {MAX_DEPTH} levels are looked at");
            self.findings.error(place, At::Value, Code::TooDeep, message);
            return;
        }
        match (frame.shape, value) {
            // What stands for another shape is replaced.
            (Shape::Any | Shape::Above(_), _) | (Shape::Boolean, Value::Bool(_)) => {}
            (Shape::Array { elements, count }, Value::Array(values)) => {
                self.count(place, values.len(), count);
                self.elements(elements, values, place, frame, recipients);
            }
            (Shape::Dictionary(keys), Value::Object(values)) => {
                self.keys(keys, values, None, place, frame, recipients);
            }
            (Shape::Map(key), Value::Object(values)) => {
                for (name, value) in values {
                    self.key(key, value, &place.key(name), frame, recipients);
                }
            }
            (Shape::Integer { allowed, range }, Value::Number(number)) => {
                self.integer(place, number, allowed, range);
            }
            (Shape::Real { allowed, range }, Value::Number(number)) => {
                self.real(place, number, allowed, range);
            }
            (Shape::Data, Value::String(text)) if !format::is_base64(text) => {
                self.text(place, Code::Format, value, "base64");
            }
            (Shape::Date, Value::String(text)) if !format::is_timestamp(text) => {
                self.text(place, Code::Format, value, Format::Timestamp.described());
            }
            (Shape::Data | Shape::Date, Value::String(_)) => {}
            (
                Shape::String {
                    allowed,
                    pattern,
                    format,
                },
                Value::String(text),
            ) => {
                if !allowed.is_empty() && !allowed.contains(text) {
                    let known = allowed.iter().map(String::as_str);
                    let nearest = nearest(text, known, &mut self.findings.comparisons);
                    let message = format!("{place} is {}, must be {}", shown(value), any_of(allowed));
                    let message = or_meant(message, &nearest);
                    self.findings.error(place, At::Value, Code::NotAllowed, message);
                } else if let Some(format) = format
                    && !format.accepts(text)
                {
                    self.text(place, Code::Format, value, format.described());
                } else if let Some(pattern) = pattern
                    && !format::matches(pattern, text)
                {
                    self.text(place, Code::Format, value, &format!("a match of `{pattern}`"));
                }
            }
            (shape, value) => {
                let mut message = format!("{place} is {}, must be {}", shown(value), with_article(shape));
                if let (Shape::Data, Value::Array(_))
                | (Shape::Boolean, Value::String(_) | Value::Number(_)) = (shape, value)
                {
                    message.push_str(match shape {
                        Shape::Data => ": in JSON that is a string in base64",
                        _ => ": `true` or `false`, without quotes",
                    });
                }
                self.findings.error(place, At::Value, Code::WrongType, message);
            }
        }
    }

    /// A value whose key was found in the schema.
    fn key(
        &mut self,
        key: &Key,
        value: &Value,
        place: &Place<'_>,
        above: &Frame<'_>,
        recipients: &Recipients,
    ) {
        let support = key.support.as_ref();
        let rest = support.and_then(|support| self.available(support, place, recipients));
        let recipients = rest.as_ref().unwrap_or(recipients);
        self.value(&above.within(&key.shape), value, place, recipients);
    }

    /// Who of `recipients` can take a key with this support; `None` when all.
    fn available(
        &mut self,
        support: &Support,
        place: &Place<'_>,
        recipients: &Recipients,
    ) -> Option<Recipients> {
        let mut outdated = recipients.outdated(support);
        let rest = match recipients.judge(support) {
            Verdict::Taken => None,
            Verdict::Partly { reasons, rest } => {
                outdated = rest.outdated(support);
                if rest.known {
                    let message = format!("{place} is not for all of the targeted devices: {reasons}");
                    self.findings
                        .warning(place, At::Key, Code::PartlyUnsupported, message);
                }
                Some(rest)
            }
            Verdict::Refused {
                severity,
                whose,
                reasons,
                too_new,
            } => {
                let mut message = format!("{place} is for none of {whose}: {reasons}");
                if let Some(other) = key_replaced_by(self.type_name, &place.pointer()) {
                    message.push_str(&format!("; `{other}` replaces it"));
                }
                let code = if too_new { Code::TooNew } else { Code::Unsupported };
                self.findings.add(severity, place, At::Key, code, message);
                return Some(recipients.nobody());
            }
        };
        if let Some(outdated) = outdated.filter(|outdated| self.outdated.as_ref() != Some(outdated)) {
            let mut message = format!("{place} is {outdated}");
            if let Some(other) = key_replaced_by(self.type_name, &place.pointer()) {
                message.push_str(&format!("; `{other}` replaces it"));
            }
            self.findings.warning(place, At::Key, Code::Deprecated, message);
        }
        rest
    }

    /// The keys of a dictionary; `item` is one that is known besides.
    fn keys(
        &mut self,
        keys: &Keys,
        values: &Map<String, Value>,
        item: Option<&str>,
        place: &Place<'_>,
        frame: &Frame<'_>,
        recipients: &Recipients,
    ) {
        for (name, key) in keys {
            if key.required && !values.contains_key(name) && self.is_needed(key, recipients) {
                let message = format!(
                    "{place} lacks the required key `{name}`, {}",
                    with_article(&key.shape)
                );
                self.findings.error(place, At::Value, Code::MissingKey, message);
            }
        }
        for (name, value) in values {
            match keys.get(name) {
                Some(key) => self.key(key, value, &place.key(name), frame, recipients),
                None if item == Some(name) => {}
                None => self.unknown(keys, item, &place.key(name), name, place),
            }
        }
    }

    /// Whether some recipient knows the key: a key that is new is not required of older systems.
    fn is_needed(&self, key: &Key, recipients: &Recipients) -> bool {
        let judged = key.support.as_ref().map(|support| recipients.judge(support));
        !matches!(judged, Some(Verdict::Refused { .. }))
    }

    fn unknown(
        &mut self,
        keys: &Keys,
        item: Option<&str>,
        place: &Place<'_>,
        name: &str,
        holder: &Place<'_>,
    ) {
        if self.findings.is_full() {
            return;
        }
        let known = keys.keys().map(String::as_str).chain(item);
        let nearest = nearest(name, known, &mut self.findings.comparisons);
        let what = match holder.pointer().is_empty() {
            true => format!("{place} is no key of {}", self.type_name),
            false => format!("{place} is not known in {holder}"),
        };
        self.findings.add(
            self.unknown,
            place,
            At::Key,
            Code::UnknownKey,
            or_meant(what, &nearest),
        );
    }

    fn elements(
        &mut self,
        elements: &Elements,
        values: &[Value],
        place: &Place<'_>,
        frame: &Frame<'_>,
        recipients: &Recipients,
    ) {
        for (index, value) in values.iter().enumerate() {
            let place = place.element(index);
            match elements {
                Elements::Alike(key) => self.key(key, value, &place, frame, recipients),
                Elements::ByItem(forms) => self.item(forms, value, &place, frame, recipients),
            }
        }
    }

    /// A dictionary whose keys depend on its item.
    fn item(
        &mut self,
        forms: &Keys,
        value: &Value,
        place: &Place<'_>,
        frame: &Frame<'_>,
        recipients: &Recipients,
    ) {
        let Value::Object(values) = value else {
            return self.value(
                &frame.within(&Shape::Dictionary(Keys::new())),
                value,
                place,
                recipients,
            );
        };
        let Some(item) = values.get(ITEM) else {
            let message = format!(
                "{place} lacks the required key `{ITEM}`, {}",
                any_of(forms.keys())
            );
            return self.findings.error(place, At::Value, Code::MissingKey, message);
        };
        match item.as_str().and_then(|item| forms.get(item)) {
            Some(form) => {
                let frame = frame.within(&form.shape);
                let rest = form
                    .support
                    .as_ref()
                    .and_then(|support| self.available(support, place, recipients));
                if let Shape::Dictionary(keys) = &form.shape {
                    self.keys(
                        keys,
                        values,
                        Some(ITEM),
                        place,
                        &frame,
                        rest.as_ref().unwrap_or(recipients),
                    );
                }
            }
            None => {
                let place = place.key(ITEM);
                let message = format!("{place} is {}, must be {}", shown(item), any_of(forms.keys()));
                let known = forms.keys().map(String::as_str);
                let text = item.as_str().unwrap_or_default();
                let nearest = nearest(text, known, &mut self.findings.comparisons);
                self.findings
                    .error(&place, At::Value, Code::NotAllowed, or_meant(message, &nearest));
            }
        }
    }

    fn count(&mut self, place: &Place<'_>, count: usize, range: &Range<u64>) {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        if let Some(bounds) = range.outside(&count) {
            let message = format!("{place} has {count} elements, must have {bounds}");
            self.findings.error(place, At::Value, Code::Count, message);
        }
    }

    fn integer(&mut self, place: &Place<'_>, number: &Number, allowed: &[i64], range: &Range<i64>) {
        let Some(integer) = number.as_i64() else {
            let (code, must) = match number.is_u64() {
                true => (Code::OutOfRange, "fit into 64 bits with a sign"),
                false => (Code::WrongType, "be an integer, written without a fraction"),
            };
            let message = format!("{place} is {number}, must {must}");
            return self.findings.error(place, At::Value, code, message);
        };
        self.number(place, number, &integer, allowed.iter().copied(), range);
    }

    fn real(&mut self, place: &Place<'_>, number: &Number, allowed: &[Number], range: &Range<Number>) {
        let float = |number: &Number| number.as_f64().unwrap_or(f64::NAN);
        self.number(
            place,
            number,
            &float(number),
            allowed.iter().map(float),
            &range.as_f64(),
        );
    }

    /// One of the allowed ones, or within the bounds: with both, either will do.
    fn number<T: PartialOrd + Display>(
        &mut self,
        place: &Place<'_>,
        number: &Number,
        value: &T,
        allowed: impl ExactSizeIterator<Item = T> + Clone,
        range: &Range<T>,
    ) {
        if allowed.clone().any(|allowed| allowed == *value) {
            return;
        }
        let (code, must) = match (allowed.len(), range.outside(value)) {
            (0, None) => return,
            (_, None) if range.is_bounded() => return,
            (0, Some(bounds)) => (Code::OutOfRange, bounds),
            (_, Some(bounds)) => (Code::NotAllowed, format!("{}, or {bounds}", any_of(allowed))),
            (_, None) => (Code::NotAllowed, any_of(allowed)),
        };
        let message = format!("{place} is {number}, must be {must}");
        self.findings.error(place, At::Value, code, message);
    }

    fn text(&mut self, place: &Place<'_>, code: Code, value: &Value, must: &str) {
        let message = format!("{place} is {}, must be {must}", shown(value));
        self.findings.error(place, At::Value, code, message);
    }
}

fn with_article(shape: &Shape) -> String {
    match shape {
        Shape::Array { .. } | Shape::Integer { .. } | Shape::Any | Shape::Above(_) => format!("an {shape}"),
        Shape::Data => "data".to_owned(),
        _ => format!("a {shape}"),
    }
}

#[cfg(test)]
mod tests;
