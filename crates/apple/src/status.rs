//! DDM status reports: what devices send to the endpoint `status`.
//!
//! A report is taken as far as it can be read. What has the wrong type is left out and named among the report's
//! problems, and whatever is left out is left out such that the device is never credited with more than it said.

mod encode;
mod management;

use std::collections::BTreeMap;

use ordain_model::report::{Reason, Report};
use serde_json::{Map, Value};

pub use encode::to_json;

use crate::json;

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
pub fn parse(body: &[u8], is_item: impl Fn(&str) -> bool) -> Result<Report, Malformed> {
    let mut body = json::object(body)?;
    let mut reading = Reading {
        report: Report::default(),
        problems: Problems::default(),
        is_item,
    };
    let full = match body.remove("FullReport") {
        None | Some(Value::Null) => false,
        Some(Value::Bool(full)) => full,
        Some(_) => {
            reading.problems.add("FullReport is not a boolean".into());
            false
        }
    };
    match body.remove("StatusItems") {
        Some(Value::Object(items)) => {
            reading.report.full = full;
            reading.descend("", items);
        }
        None | Some(Value::Null) if !full => {}
        // Without items, a full report would say that the device has none.
        _ => reading.problems.add("StatusItems is not an object".into()),
    }
    if let Some(errors) = body.remove("Errors").filter(|errors| !errors.is_null()) {
        reading.report.errors = errors_by_item(errors, &mut reading.problems);
    }
    reading.report.problems = reading.problems.into_vec();
    Ok(reading.report)
}

struct Reading<F> {
    report: Report,
    problems: Problems,
    is_item: F,
}

impl<F: Fn(&str) -> bool> Reading<F> {
    /// Takes the entries of the object at `path`. The document's depth bounds the recursion.
    fn descend(&mut self, path: &str, object: Map<String, Value>) {
        for (key, value) in object {
            let path = if path.is_empty() {
                key
            } else {
                format!("{path}.{key}")
            };
            if path.len() > MAX_TEXT || path.chars().any(char::is_control) {
                self.problems
                    .add("a status item has a name that is not allowed".into());
            } else {
                self.take(path, value);
            }
        }
    }

    fn take(&mut self, path: String, value: Value) {
        match value {
            value if path == DECLARATIONS => {
                let declarations = management::declarations(value, &mut self.problems);
                self.report.declarations = declarations.or(self.report.declarations.take());
            }
            value if path == CAPABILITIES => {
                let capabilities = management::capabilities(value, &mut self.problems);
                self.report.capabilities = capabilities.or(self.report.capabilities.take());
            }
            Value::Object(object) if !(self.is_item)(&path) => self.descend(&path, object),
            value => {
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
    }
}

fn errors_by_item(errors: Value, problems: &mut Problems) -> BTreeMap<String, Vec<Reason>> {
    let mut by_item = BTreeMap::<String, Vec<Reason>>::new();
    let Value::Array(errors) = errors else {
        problems.add("Errors is not an array".into());
        return by_item;
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
        Some(Value::String(text))
            if !text.is_empty() && text.len() <= MAX_TEXT && !text.chars().any(char::is_control) =>
        {
            Some(text)
        }
        _ => None,
    }
}

/// What was wrong, in bounded number.
#[derive(Default)]
struct Problems(Vec<String>);

impl Problems {
    fn add(&mut self, problem: String) {
        if self.0.len() < MAX_PROBLEMS {
            self.0.push(problem);
        } else if self.0.len() == MAX_PROBLEMS {
            self.0.push("there are more problems".into());
        }
    }

    fn into_vec(self) -> Vec<String> {
        self.0
    }
}

#[cfg(test)]
mod tests;
