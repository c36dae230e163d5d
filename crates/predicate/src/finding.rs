//! What a checker has to say.

use std::ops::Range;

use serde::Serialize;

use crate::code::Code;
use crate::error::{ParseError, point};
use crate::predicate::Predicate;

/// Something that is wrong, or may be, with a predicate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What is wrong.
    pub code: Code,
    /// Whether it must not be published.
    pub severity: Severity,
    /// The bytes of the text that it is about.
    pub span: Range<usize>,
    /// What is wrong, for people.
    pub message: String,
    /// What could stand in place of these bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rewriting: Option<String>,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It may be meant.
    Warning,
    /// A device could stumble over it, or never do what is meant.
    Error,
}

/// The outcome of a check.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// What was read; none when the text is no predicate.
    pub predicate: Option<Predicate>,
    /// In the order of their places.
    pub findings: Vec<Finding>,
}

impl Verdict {
    /// Whether there is no error.
    #[must_use]
    pub fn is_publishable(&self) -> bool {
        self.findings
            .iter()
            .all(|finding| finding.severity == Severity::Warning)
    }
}

impl Finding {
    /// The line of `text` (the text that was checked) with carets below the span, the message, and the rewriting.
    #[must_use]
    pub fn render(&self, text: &str) -> String {
        let severity = match self.severity {
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        let place = point(text, &self.span);
        let mut rendered = format!("{place}\n{severity}[{}]: {}", self.code, self.message);
        if let Some(rewriting) = &self.rewriting {
            rendered.push_str("\n  write: ");
            rendered.push_str(rewriting);
        }
        rendered
    }
}

impl From<ParseError> for Finding {
    fn from(error: ParseError) -> Finding {
        Finding {
            code: error.code,
            severity: Severity::Error,
            span: error.span,
            message: error.message,
            rewriting: None,
        }
    }
}
