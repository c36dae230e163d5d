//! DDM status reports: what devices send to the endpoint `status`.
//!
//! A report is taken as far as it can be read. What has the wrong type is left out and named among the report's
//! problems, and whatever is left out is left out such that the device is never credited with more than it said.

mod encode;
mod management;

use std::collections::BTreeMap;

use ordain_model::report::{Reason, Report};
use serde::de::{IgnoredAny, MapAccess, SeqAccess};
use serde_json::{Map, Value};

pub use encode::to_json;

use crate::json;
use crate::json::take::{By, Leaf, Scalar, Take, array_value, next_key, object_value, skip_array};

/// The longest text that is understood, such as an item's name or a reason's code, in octets.
const MAX_TEXT: usize = 1024;
/// How many status items, and how many errors about them, are kept of one report. Apple's schema has about a hundred.
const MAX_ITEMS: usize = 1000;
/// How many problems are named; more are only told to exist.
const MAX_PROBLEMS: usize = 32;

const DECLARATIONS: &str = "management.declarations";
const CAPABILITIES: &str = "management.client-capabilities";

/// The body is no JSON object within bounds. The answer is 400.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a status report: {0}")]
pub struct Malformed(#[from] json::Error);

/// Reads a status report.
///
/// A dotted item name is a path of nested objects. `is_item` tells which paths are names of status items: their values
/// are taken whole. Other objects are descended into, and what else is found at an unknown path is kept under it.
pub fn parse<'de>(body: &'de [u8], is_item: &dyn Fn(&str) -> bool) -> Result<Report<'de>, Malformed> {
    let reading = Reading {
        report: Report::default(),
        problems: Problems::default(),
        is_item,
    };
    Ok(json::taken(body, Body(reading))?.ok_or(json::Error::NotAnObject)?)
}

struct Reading<'i, 'de> {
    report: Report<'de>,
    problems: Problems,
    is_item: &'i dyn Fn(&str) -> bool,
}

/// Takes the whole body; `None` when it is no object.
struct Body<'i, 'de>(Reading<'i, 'de>);

impl<'de> Take<'de> for Body<'_, 'de> {
    type Taken = Option<Report<'de>>;

    fn scalar(self, _: Scalar<'de>) -> Self::Taken {
        None
    }

    fn array<A: SeqAccess<'de>>(self, elements: A) -> Result<Self::Taken, A::Error> {
        skip_array(elements).map(|()| None)
    }

    fn object<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Taken, A::Error> {
        let Self(mut reading) = self;
        let (mut full, mut items) = (false, StatusItems::Missing);
        while let Some(key) = next_key(&mut entries)? {
            match &*key {
                "FullReport" => {
                    full = match entries.next_value_seed(By(Leaf))? {
                        Some(Scalar::Boolean(full)) => full,
                        Some(Scalar::Null) => false,
                        _ => {
                            reading.problems.add("FullReport is not a boolean".into());
                            false
                        }
                    }
                }
                "StatusItems" => items = entries.next_value_seed(By(Items(&mut reading)))?,
                "Errors" => {
                    let errors = entries.next_value()?;
                    reading.report.errors = errors_by_item(errors, &mut reading.problems);
                }
                _ => drop(entries.next_value::<IgnoredAny>()?),
            }
        }
        match items {
            StatusItems::Taken => reading.report.full = full,
            StatusItems::Missing if !full => {}
            // Without items, a full report would say that the device has none.
            StatusItems::Missing | StatusItems::NoObject => {
                reading.problems.add("StatusItems is not an object".into())
            }
        }
        reading.report.problems = reading.problems.into_vec();
        Ok(Some(reading.report))
    }
}

/// What became of `StatusItems`.
enum StatusItems {
    Missing,
    NoObject,
    Taken,
}

/// Takes `StatusItems`.
struct Items<'r, 'i, 'de>(&'r mut Reading<'i, 'de>);

impl<'de> Take<'de> for Items<'_, '_, 'de> {
    type Taken = StatusItems;

    fn scalar(self, scalar: Scalar<'de>) -> StatusItems {
        match scalar {
            Scalar::Null => StatusItems::Missing,
            _ => StatusItems::NoObject,
        }
    }

    fn array<A: SeqAccess<'de>>(self, elements: A) -> Result<StatusItems, A::Error> {
        skip_array(elements).map(|()| StatusItems::NoObject)
    }

    fn object<A: MapAccess<'de>>(self, entries: A) -> Result<StatusItems, A::Error> {
        self.0.descend("", entries).map(|()| StatusItems::Taken)
    }
}

/// Takes what is at a path.
struct Item<'r, 'i, 'de> {
    path: String,
    reading: &'r mut Reading<'i, 'de>,
}

impl<'de> Take<'de> for Item<'_, '_, 'de> {
    type Taken = ();

    fn scalar(self, scalar: Scalar<'de>) {
        self.reading.keep(self.path, scalar.into());
    }

    fn array<A: SeqAccess<'de>>(self, elements: A) -> Result<(), A::Error> {
        self.reading.keep(self.path, array_value(elements)?);
        Ok(())
    }

    fn object<A: MapAccess<'de>>(self, entries: A) -> Result<(), A::Error> {
        if (self.reading.is_item)(&self.path) {
            self.reading.keep(self.path, object_value(entries)?);
            Ok(())
        } else {
            self.reading.descend(&self.path, entries)
        }
    }
}

impl<'de> Reading<'_, 'de> {
    /// Takes the entries of the object at `path`. The document's depth bounds the recursion.
    fn descend<A: MapAccess<'de>>(&mut self, path: &str, mut entries: A) -> Result<(), A::Error> {
        while let Some(key) = next_key(&mut entries)? {
            let path = if path.is_empty() {
                key.into_owned()
            } else {
                [path, ".", &key].concat()
            };
            if path.len() > MAX_TEXT || path.chars().any(char::is_control) {
                entries.next_value::<IgnoredAny>()?;
                self.problems
                    .add("a status item has a name that is not allowed".into());
            } else if path == DECLARATIONS {
                let declarations =
                    entries.next_value_seed(By(management::Declarations(&mut self.problems)))?;
                self.report.declarations = declarations.or(self.report.declarations.take());
            } else if path == CAPABILITIES {
                let capabilities = management::capabilities(entries.next_value()?, &mut self.problems);
                self.report.capabilities = capabilities.or(self.report.capabilities.take());
            } else {
                entries.next_value_seed(By(Item { path, reading: self }))?;
            }
        }
        Ok(())
    }

    /// Keeps the value of an item.
    fn keep(&mut self, path: String, value: Value) {
        if self.report.items.contains_key(&path) {
            self.problems.add(format!("{path} is there twice"));
        } else if self.report.items.len() >= MAX_ITEMS {
            self.problems.add(format!(
                "{path} is beyond the {MAX_ITEMS} status items that are kept"
            ));
        } else {
            self.report.items.insert(path, value);
        }
    }
}

fn errors_by_item(errors: Value, problems: &mut Problems) -> BTreeMap<String, Vec<Reason>> {
    let mut by_item = BTreeMap::<String, Vec<Reason>>::new();
    let errors = match errors {
        Value::Array(errors) => errors,
        Value::Null => return by_item,
        _ => {
            problems.add("Errors is not an array".into());
            return by_item;
        }
    };
    for error in errors {
        let Value::Object(mut error) = error else {
            problems.add("an entry of Errors is not an object".into());
            continue;
        };
        let Some(item) = text(take(&mut error, "StatusItem")) else {
            problems.add("an entry of Errors names no status item".into());
            continue;
        };
        if by_item.len() >= MAX_ITEMS && !by_item.contains_key(&item) {
            problems.add(format!(
                "the error about {item} is beyond the {MAX_ITEMS} that are kept"
            ));
            continue;
        }
        let reasons = reasons(take(&mut error, "Reasons"), &item, problems);
        by_item.entry(item).or_default().extend(reasons);
    }
    by_item
}

/// Reads reasons, which a report has with lower-case keys in its declarations and with capitalised ones in its errors.
fn reasons(reasons: Option<Value>, about: &str, problems: &mut Problems) -> Vec<Reason> {
    let reasons = match reasons {
        None | Some(Value::Null) => return Vec::new(),
        Some(Value::Array(reasons)) => reasons,
        Some(_) => {
            problems.add(format!("the reasons of {about} are not an array"));
            return Vec::new();
        }
    };
    let mut read = Vec::new();
    for reason in reasons {
        let Value::Object(mut reason) = reason else {
            problems.add(format!("a reason of {about} is not an object"));
            continue;
        };
        let Some(code) = text(take(&mut reason, "Code")) else {
            problems.add(format!("a reason of {about} has no code"));
            continue;
        };
        let description = match take(&mut reason, "Description") {
            None | Some(Value::Null) => None,
            Some(Value::String(description)) => Some(description),
            Some(_) => {
                problems.add(format!("the description of a reason of {about} is not a string"));
                None
            }
        };
        let details = take(&mut reason, "Details").filter(|details| !details.is_null());
        read.push(Reason {
            code,
            description,
            details,
        });
    }
    read
}

/// Takes the value of `key` out of an object, or that of the same key in lower case.
fn take(object: &mut Map<String, Value>, key: &str) -> Option<Value> {
    object
        .remove(key)
        .or_else(|| object.remove(key.to_ascii_lowercase().as_str()))
}

/// A text that can serve as a name: neither empty nor overlong, without control characters.
fn text(value: Option<Value>) -> Option<String> {
    match value {
        Some(Value::String(text)) if is_name(&text) => Some(text),
        _ => None,
    }
}

fn is_name(text: &str) -> bool {
    if text.is_empty() || text.len() > MAX_TEXT {
        return false;
    }
    // All octets are looked at, many at once: to look whether to stop at each takes longer.
    let is_plain = text
        .bytes()
        .fold(true, |plain, octet| plain & matches!(octet, b' '..=b'~'));
    is_plain || !text.chars().any(char::is_control)
}

/// What was wrong, in bounded number.
#[derive(Default)]
struct Problems {
    told: Vec<String>,
    more: bool,
}

impl Problems {
    fn add(&mut self, problem: String) {
        if self.told.len() < MAX_PROBLEMS {
            self.told.push(problem);
        } else {
            self.more = true;
        }
    }

    /// In an order that does not depend on that of the report's keys.
    fn into_vec(mut self) -> Vec<String> {
        self.told.sort_unstable();
        self.told
            .extend(self.more.then(|| "there are more problems".to_owned()));
        self.told
    }
}

#[cfg(test)]
mod tests;
