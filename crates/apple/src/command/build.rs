//! Commands from keys that administrators give as JSON, checked by the catalog.

use std::fmt::Display;
use std::slice;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use ordain_catalog::validate::matches;
use ordain_catalog::{Catalog, Elements, Format, ITEM, Keys, Range, Shape};
use serde_json::{Map, Number, Value as Json};

use super::problem::{Path, Problem, Problems, nearest};
use super::{Command, DECLARATIVE_MANAGEMENT};
use crate::json;
use crate::plist::{self, Date, Dictionary, Value};

/// The largest command that can be ordered, as it is sent, and the largest file of one, in octets.
pub const MAX_OCTETS: usize = 4 << 20;

/// Builds the payload of a command from its keys: everything that is wrong with them, at once, else what goes beside
/// `RequestType` ([`plist::to_xml`] and [`plist::parse`] store it and bring it back).
///
/// Values are JSON of the type that the catalog states, or texts as a command line gives them: `8` and `true` for
/// numbers and booleans, JSON for arrays and dictionaries, an array's only element. Data are base64, white space
/// ignored; dates are as RFC 3339 has them, to the second.
///
/// `DeclarativeManagement` is refused: it is derived. The work is in proportion to `keys`, which the caller bounds.
pub fn build(
    request_type: &str,
    keys: &Map<String, Json>,
    catalog: &Catalog,
) -> Result<Dictionary, Vec<Problem>> {
    let Some(command) = catalog.command(request_type) else {
        let known = catalog.commands().map(|command| command.request_type.as_str());
        let message = match nearest(request_type, known) {
            Some(nearest) => format!("no such command is known; did you mean {nearest}?"),
            None => "no such command is known; what is not known can be sent as a file".to_owned(),
        };
        return Err(vec![Problem::of_command(message)]);
    };
    let mut builder = Builder::default();
    let payload = builder.dictionary(&command.keys, keys, None, &Path::Command);
    builder.problems.none_or_these()?;
    deliverable(request_type, payload).map_err(|problem| vec![problem])
}

/// The payload, if the command may be ordered and is sent so that the same can be read of it.
pub(super) fn deliverable(request_type: &str, payload: Dictionary) -> Result<Dictionary, Problem> {
    if request_type == DECLARATIVE_MANAGEMENT {
        return Err(Problem::of_command(
            "DeclarativeManagement cannot be ordered: it is sent whenever a device should hold other declarations",
        ));
    }
    let command = Command {
        uuid: "00000000-0000-0000-0000-000000000000".to_owned(),
        request_type: request_type.to_owned(),
        payload,
    };
    let sent = command.to_xml();
    if sent.len() > MAX_OCTETS {
        return Err(too_large());
    }
    match Command::parse(&sent) {
        Ok(read) if read == command => Ok(command.payload),
        Ok(_) => Err(Problem::of_command("a value that would not arrive as it is")),
        Err(error) => Err(Problem::of_command(error)),
    }
}

pub(super) fn too_large() -> Problem {
    Problem::of_command(format_args!("the command is larger than {MAX_OCTETS} octets"))
}

/// Builds what it can and notes what is wrong.
#[derive(Default)]
pub(super) struct Builder {
    pub(super) problems: Problems,
}

impl Builder {
    /// A dictionary of these keys and no others but `beside`, which is seen to already.
    fn dictionary(
        &mut self,
        keys: &Keys,
        object: &Map<String, Json>,
        beside: Option<&str>,
        path: &Path<'_>,
    ) -> Dictionary {
        let mut dictionary = Dictionary::new();
        for (name, value) in object.iter().filter(|(name, _)| Some(name.as_str()) != beside) {
            let path = Path::Key(path, name);
            match keys.get(name) {
                Some(key) => {
                    if let Some(value) = self.value(&key.shape, value, &path) {
                        dictionary.insert(name.clone(), value);
                    }
                }
                None => {
                    let known = keys.keys().map(String::as_str);
                    self.problems.add_unknown(&path, "not a key here", name, known);
                }
            }
        }
        for (name, key) in keys {
            if key.required && !object.contains_key(name) {
                let message = format!("missing; {} is required", expected(&key.shape));
                self.problems.add(&Path::Key(path, name), message);
            }
        }
        dictionary
    }

    fn value(&mut self, shape: &Shape, value: &Json, path: &Path<'_>) -> Option<Value> {
        let built = match (shape, value) {
            // No command has keys that nest without end; the device would judge what is in them.
            (Shape::Any | Shape::Above(_), value) => return self.any(value, path),
            (Shape::Array { elements, count }, value) => return self.array(elements, count, value, path),
            (Shape::Dictionary(keys), value) => {
                return self.object(value, path, |builder, object| {
                    Some(builder.dictionary(keys, object, None, path))
                });
            }
            (Shape::Map(key), value) => {
                return self.object(value, path, |builder, object| {
                    Some(builder.map(&key.shape, object, path))
                });
            }
            (Shape::Integer { allowed, range }, value) => {
                let integer = match value {
                    Json::Number(number) => number.as_i64(),
                    Json::String(text) => text.parse().ok(),
                    _ => None,
                };
                return match integer {
                    Some(integer) => self.number(integer, allowed, range, path),
                    None => {
                        self.problems.add(path, "not an integer of 64 bits");
                        None
                    }
                };
            }
            (
                Shape::String {
                    allowed,
                    pattern,
                    format,
                },
                Json::String(text),
            ) => return self.string(text, allowed, pattern.as_deref(), *format, path),
            (Shape::Boolean, Json::Bool(value)) => Some((*value).into()),
            (Shape::Boolean, Json::String(text)) => text.parse().ok().map(Value::Boolean),
            (Shape::Data, Json::String(text)) => data(text),
            (Shape::Date, Json::String(text)) => date(text),
            (Shape::Real { allowed, range }, Json::Number(_) | Json::String(_)) => {
                let real = match value {
                    Json::String(text) => text.parse().ok(),
                    number => number.as_f64(),
                };
                let allowed: Vec<f64> = allowed.iter().filter_map(Number::as_f64).collect();
                match real.filter(|real: &f64| real.is_finite()) {
                    Some(real) => return self.number(real, &allowed, &range.as_f64(), path),
                    None => None,
                }
            }
            _ => None,
        };
        if built.is_none() {
            self.problems.add(path, format!("not {}", expected(shape)));
        }
        built
    }

    /// One of the allowed ones, or within the bounds: with both, either will do.
    fn number<T: PartialOrd + Display + Into<Value>>(
        &mut self,
        number: T,
        allowed: &[T],
        range: &Range<T>,
        path: &Path<'_>,
    ) -> Option<Value> {
        let outside = range.outside(&number);
        let is_within = outside.is_none() && (allowed.is_empty() || range.is_bounded());
        if is_within || allowed.contains(&number) {
            return Some(number.into());
        }
        let allowed = allowed.iter().map(T::to_string).chain(outside);
        let allowed: Vec<String> = allowed.collect();
        let message = format!("not an allowed value; allowed: {}", allowed.join(", "));
        self.problems.add(path, message);
        None
    }

    fn string(
        &mut self,
        text: &str,
        allowed: &[String],
        pattern: Option<&str>,
        format: Option<Format>,
        path: &Path<'_>,
    ) -> Option<Value> {
        let known = allowed.iter().map(String::as_str);
        if !allowed.is_empty() && !known.clone().any(|known| known == text) {
            self.problems
                .add_unknown(path, "not an allowed value", text, known);
        } else if let Some(format) = format.filter(|format| !format.accepts(text)) {
            self.problems.add(path, format!("not {}", format.described()));
        } else if let Some(pattern) = pattern.filter(|pattern| !matches(pattern, text)) {
            self.problems.add(path, format!("not a match of `{pattern}`"));
        } else {
            return self.text(text, path);
        }
        None
    }

    fn array(
        &mut self,
        elements: &Elements,
        count: &Range<u64>,
        value: &Json,
        path: &Path<'_>,
    ) -> Option<Value> {
        let read;
        let values = match value {
            Json::Array(values) => values.as_slice(),
            Json::String(text) if text.trim_start().starts_with('[') => {
                read = self.json(text, path)?;
                read.as_array()?.as_slice()
            }
            Json::String(_) => slice::from_ref(value),
            _ => {
                self.problems.add(path, "not an array");
                return None;
            }
        };
        if let Some(bounds) = count.outside(&u64::try_from(values.len()).unwrap_or(u64::MAX)) {
            let message = format!("{} elements, must be {bounds}", values.len());
            self.problems.add(path, message);
        }
        let mut array = Vec::with_capacity(values.len());
        for (index, value) in values.iter().enumerate() {
            let path = &Path::Element(path, index);
            array.extend(match elements {
                Elements::Alike(element) => self.value(&element.shape, value, path),
                Elements::ByItem(forms) => self.object(value, path, |builder, object| {
                    let at = &Path::Key(path, ITEM);
                    let known = forms.keys().map(String::as_str);
                    let Some(Json::String(item)) = object.get(ITEM) else {
                        let known: Vec<&str> = known.collect();
                        let message = format!("a string is required; allowed: {}", known.join(", "));
                        builder.problems.add(at, message);
                        return None;
                    };
                    let Some(form) = forms.get(item) else {
                        builder
                            .problems
                            .add_unknown(at, "not an allowed value", item, known);
                        return None;
                    };
                    let Shape::Dictionary(keys) = &form.shape else {
                        return Some(builder.any_keys(object, path));
                    };
                    let mut dictionary = builder.dictionary(keys, object, Some(ITEM), path);
                    dictionary.insert(ITEM.to_owned(), item.as_str().into());
                    Some(dictionary)
                }),
            });
        }
        Some(Value::Array(array))
    }

    /// What `build` makes of `value`, which is an object or its text.
    fn object(
        &mut self,
        value: &Json,
        path: &Path<'_>,
        build: impl FnOnce(&mut Self, &Map<String, Json>) -> Option<Dictionary>,
    ) -> Option<Value> {
        let read;
        let object = match value {
            Json::Object(object) => object,
            Json::String(text) if text.trim_start().starts_with('{') => {
                read = self.json(text, path)?;
                read.as_object()?
            }
            _ => {
                self.problems.add(path, "not a dictionary");
                return None;
            }
        };
        build(self, object).map(Value::Dictionary)
    }

    fn json(&mut self, text: &str, path: &Path<'_>) -> Option<Json> {
        json::value_without_duplicates(text.as_bytes())
            .map_err(|error| self.problems.add(path, error.to_string()))
            .ok()
    }

    fn any(&mut self, value: &Json, path: &Path<'_>) -> Option<Value> {
        let problem = match value {
            Json::Null => "null, which property lists have not",
            Json::Bool(value) => return Some((*value).into()),
            Json::String(text) => return self.text(text, path),
            Json::Number(number) => {
                let integer = number.as_i64().map(Value::from);
                let integer = integer.or_else(|| number.as_u64().map(Value::from));
                return integer.or_else(|| number.as_f64().map(Value::Real));
            }
            Json::Array(_) | Json::Object(_) if path.depth() >= plist::MAX_DEPTH => "nested too deep",
            Json::Array(values) => {
                let mut array = Vec::with_capacity(values.len());
                for (index, value) in values.iter().enumerate() {
                    array.extend(self.any(value, &Path::Element(path, index)));
                }
                return Some(Value::Array(array));
            }
            Json::Object(object) => return Some(Value::Dictionary(self.any_keys(object, path))),
        };
        self.problems.add(path, problem);
        None
    }

    /// A dictionary of any keys with any values.
    pub(super) fn any_keys(&mut self, object: &Map<String, Json>, path: &Path<'_>) -> Dictionary {
        self.map(&Shape::Any, object, path)
    }

    /// A dictionary of any keys with values of this shape.
    fn map(&mut self, shape: &Shape, object: &Map<String, Json>, path: &Path<'_>) -> Dictionary {
        let mut dictionary = Dictionary::new();
        for (name, value) in object {
            let path = Path::Key(path, name);
            if self.text(name, &path).is_some()
                && let Some(value) = self.value(shape, value, &path)
            {
                dictionary.insert(name.clone(), value);
            }
        }
        dictionary
    }

    fn text(&mut self, text: &str, path: &Path<'_>) -> Option<Value> {
        let in_xml =
            |c| !matches!(c, '\0'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x1f' | '\u{fffe}' | '\u{ffff}');
        if text.chars().all(in_xml) {
            Some(text.into())
        } else {
            self.problems.add(path, "a character that XML cannot express");
            None
        }
    }
}

/// What a value must be, with its article, and a short list of the allowed ones.
fn expected(shape: &Shape) -> String {
    let what = match shape {
        Shape::Any | Shape::Above(_) => "a value",
        Shape::Array { .. } => "an array",
        Shape::Boolean => "true or false",
        Shape::Data => "data in base64",
        Shape::Date => "a date like 2026-11-01T09:30:00Z",
        Shape::Dictionary(_) | Shape::Map(_) => "a dictionary",
        Shape::Integer { .. } => "an integer",
        Shape::Real { .. } => "a number",
        Shape::String { .. } => "a string",
    };
    match shape.allowed() {
        allowed if allowed.is_empty() || allowed.len() > 12 => what.to_owned(),
        allowed => format!("{what} ({})", allowed.join(", ")),
    }
}

fn data(text: &str) -> Option<Value> {
    let dense: Vec<u8> = text
        .bytes()
        .filter(|octet| !octet.is_ascii_whitespace())
        .collect();
    STANDARD.decode(dense).ok().map(Value::Data)
}

fn date(text: &str) -> Option<Value> {
    let time: Timestamp = text.parse().ok()?;
    let text = Timestamp::from_second(time.as_second()).ok()?.to_string();
    // Only years of four digits can be written, and the `plist` crate panics on others.
    if text.len() != "0000-00-00T00:00:00Z".len() || text.starts_with('-') {
        return None;
    }
    Date::from_xml_format(&text).ok().map(Value::Date)
}

#[cfg(test)]
mod tests;
