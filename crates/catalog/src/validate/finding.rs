//! What is wrong, and where.

use std::cmp::Ordering;

use super::place::Place;

/// Something wrong in one place of a payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The place: a JSON pointer from the payload (RFC 6901). It leads to a value that is there.
    pub pointer: String,
    /// What of that place is meant.
    pub at: At,
    /// How bad it is.
    pub severity: Severity,
    /// What kind of mistake it is.
    pub code: Code,
    /// For people: the place as they read it, what is there and what is allowed. One line, of bounded length.
    pub message: String,
}

/// What of a place a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum At {
    /// The `Type` of the declaration, with an empty pointer.
    Type,
    /// The key, whatever its value; the address of a node.
    Key,
    /// The value.
    Value,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// No device, or none of those meant, can take it.
    Error,
    /// Devices take it, but probably not as it was meant, or not all of them do.
    Warning,
}

words!(Severity, "a severity (error, warning)", {
    Error => "error",
    Warning => "warning",
});

/// The kinds of mistakes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// A key that the schema does not know.
    UnknownKey,
    /// A key that has to be there is not.
    MissingKey,
    /// A key that must not be there beside others, or beside their values.
    UnexpectedKey,
    /// A key that devices ignore beside others, or beside their values.
    IgnoredKey,
    /// A value of another type.
    WrongType,
    /// A value that is not on the list.
    NotAllowed,
    /// A number that is too small or too great.
    OutOfRange,
    /// Too few or too many of something.
    Count,
    /// The same thing twice.
    Repeated,
    /// A text that is none of what it must be.
    Format,
    /// A URL that is none, or has another scheme than it needs.
    Url,
    /// The name of a status item that is not known, or is only for tests.
    StatusItem,
    /// A name that is Apple's to give.
    Reserved,
    /// None of the targeted devices can take it.
    Unsupported,
    /// A key that none of the targeted devices knows: it is newer than their systems.
    TooNew,
    /// Some of the targeted devices cannot take it.
    PartlyUnsupported,
    /// It should no longer be used.
    Deprecated,
    /// Nested too deep to be looked at.
    TooDeep,
    /// There is more than is told.
    TooMany,
    /// A node of a CSP that is not known.
    UnknownNode,
    /// A scenario of declared configuration that is not known.
    UnknownScenario,
    /// A command that a node does not take.
    Verb,
    /// A node or a document in a scope where it is not.
    Scope,
    /// Something that was only seen or inferred: devices may refuse it.
    Unverified,
}

words!(Code, "a kind of mistake", {
    UnknownKey => "unknown-key",
    MissingKey => "missing-key",
    UnexpectedKey => "unexpected-key",
    IgnoredKey => "ignored-key",
    WrongType => "wrong-type",
    NotAllowed => "not-allowed",
    OutOfRange => "out-of-range",
    Count => "count",
    Repeated => "repeated",
    Format => "format",
    Url => "url",
    StatusItem => "status-item",
    Reserved => "reserved",
    Unsupported => "unsupported",
    TooNew => "too-new",
    PartlyUnsupported => "partly-unsupported",
    Deprecated => "deprecated",
    TooDeep => "too-deep",
    TooMany => "too-many",
    UnknownNode => "unknown-node",
    UnknownScenario => "unknown-scenario",
    Verb => "verb",
    Scope => "scope",
    Unverified => "unverified",
});

/// What was found so far, bounded.
pub(super) struct Findings {
    found: Vec<Finding>,
    /// How many more names may be compared for suggestions.
    pub(super) comparisons: usize,
}

impl Findings {
    /// More help nobody, and cost the server.
    const MOST: usize = 200;
    const COMPARISONS: usize = 20_000;

    pub(super) fn new() -> Self {
        Self {
            found: Vec::new(),
            comparisons: Self::COMPARISONS,
        }
    }

    /// Whether to look no further.
    pub(super) fn is_full(&self) -> bool {
        self.found.len() >= Self::MOST
    }

    pub(super) fn error(&mut self, place: &Place<'_>, at: At, code: Code, message: String) {
        self.add(Severity::Error, place, at, code, message);
    }

    pub(super) fn warning(&mut self, place: &Place<'_>, at: At, code: Code, message: String) {
        self.add(Severity::Warning, place, at, code, message);
    }

    pub(super) fn add(&mut self, severity: Severity, place: &Place<'_>, at: At, code: Code, message: String) {
        self.push(Finding {
            pointer: place.pointer(),
            at,
            severity,
            code,
            message,
        });
    }

    pub(super) fn push(&mut self, finding: Finding) {
        if !self.is_full() {
            self.found.push(finding);
        }
    }

    /// In order of place. When there may be more than was found, an error says so: what was not looked at is not right.
    pub(super) fn into_sorted(mut self) -> Vec<Finding> {
        if self.is_full() {
            self.found.push(Finding {
                pointer: String::new(),
                at: At::Value,
                severity: Severity::Error,
                code: Code::TooMany,
                message: format!("only the first {} mistakes are told", Self::MOST),
            });
        }
        self.found.sort_by(|a, b| {
            let places = compare(&a.pointer, &b.pointer);
            places.then_with(|| (a.at, a.severity, a.code).cmp(&(b.at, b.severity, b.code)))
        });
        self.found
    }
}

/// The order of two pointers: that of a text which is sorted by keys, in which what holds something comes before it.
fn compare(a: &str, b: &str) -> Ordering {
    let mut others = b.split('/');
    for step in a.split('/') {
        let Some(other) = others.next() else {
            return Ordering::Greater;
        };
        let order = match (step.parse::<usize>(), other.parse::<usize>()) {
            (Ok(step), Ok(other)) => step.cmp(&other),
            _ => step.cmp(other),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
    match others.next() {
        Some(_) => Ordering::Less,
        None => Ordering::Equal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_come_in_order_and_holders_first() {
        let mut pointers = ["/a/10", "/b", "/a/9/x", "", "/a", "/a/9", "/ab"];
        pointers.sort_by(|a, b| compare(a, b));
        assert_eq!(pointers, ["", "/a", "/a/9", "/a/9/x", "/a/10", "/ab", "/b"]);
    }

    #[test]
    fn too_much_is_an_error_even_among_warnings() {
        let mut findings = Findings::new();
        for _ in 0..1000 {
            findings.warning(&Place::root(), At::Value, Code::Deprecated, String::new());
        }
        let found = findings.into_sorted();
        assert_eq!(found.len(), Findings::MOST + 1);
        let errors = found.iter().filter(|finding| finding.severity == Severity::Error);
        assert_eq!(
            errors.map(|finding| finding.code).collect::<Vec<_>>(),
            [Code::TooMany]
        );
    }
}
