//! What is wrong with a policy, and where.

use std::collections::BTreeSet;
use std::fmt;

use ordain_catalog::nearest;
use serde::{Deserialize, Serialize};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The policy cannot be published.
    Error,
    /// It can, but probably does not say what was meant.
    Warning,
}

/// Something wrong in one place of a policy; `Display` is `error: FILE:LINE:COLUMN: message`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// The path, relative to the policy directory; `.` for what concerns no file of it. Control characters are escaped.
    pub file: String,
    /// Counted from one.
    pub line: u32,
    /// Counted from one, in characters.
    pub column: u32,
    /// For people. A predicate's problem may have further lines: the place in it, and what to write instead.
    pub message: String,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            severity,
            file,
            line,
            column,
            message,
        } = self;
        write!(f, "{severity}: {file}:{line}:{column}: {message}")
    }
}

/// A place in a policy. Places are ordered as files and texts are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Place {
    /// The index among the policy's files in order of their paths.
    pub(crate) file: u32,
    pub(crate) line: u32,
    pub(crate) column: u32,
}

impl Place {
    /// The policy as a whole: what concerns no file of it.
    pub(crate) const POLICY: Self = Self {
        file: u32::MAX,
        line: 1,
        column: 1,
    };

    /// The beginning of a file: the place of what concerns it as a whole.
    pub(crate) fn start_of(file: u32) -> Self {
        Self {
            file,
            line: 1,
            column: 1,
        }
    }

    /// The place `octet` octets into `text`, which is the whole file; its end when that is beyond it.
    pub(crate) fn of_octet(file: u32, text: &str, octet: usize) -> Self {
        let before = text.get(..text.floor_char_boundary(octet)).unwrap_or(text);
        let mut place = Self::start_of(file);
        before.chars().for_each(|c| place.pass(c));
        place
    }

    /// Moves behind `c`.
    pub(crate) fn pass(&mut self, c: char) {
        if c == '\n' {
            self.line = self.line.saturating_add(1);
            self.column = 1;
        } else {
            self.column = self.column.saturating_add(1);
        }
    }
}

/// All that was found, in the order of finding.
pub(crate) struct Problems {
    /// Paths, by [`Place::file`].
    paths: Vec<String>,
    found: BTreeSet<(Place, Severity, String)>,
    /// How many more names may be compared for a suggestion: a policy in which everything is misspelt must not cost
    /// its square.
    comparisons: usize,
}

impl Problems {
    const MAX_COMPARISONS: usize = 20_000;

    pub(crate) fn new<'a>(paths: impl Iterator<Item = &'a str>) -> Self {
        let paths = paths.map(|path| path.escape_debug().to_string()).collect();
        Self {
            paths,
            found: BTreeSet::new(),
            comparisons: Self::MAX_COMPARISONS,
        }
    }

    pub(crate) fn error(&mut self, place: Place, message: impl Into<String>) {
        self.found.insert((place, Severity::Error, message.into()));
    }

    pub(crate) fn warning(&mut self, place: Place, message: impl Into<String>) {
        self.found.insert((place, Severity::Warning, message.into()));
    }

    /// The error `message` about `name`, with those of the `known` names that were probably meant.
    pub(crate) fn unknown<'k>(
        &mut self,
        place: Place,
        message: String,
        name: &str,
        known: impl Iterator<Item = &'k str>,
    ) {
        let suggestion = self.suggestion(name, known);
        self.error(place, message + &suggestion);
    }

    /// What ends a message about `name`: those of the `known` names that were probably meant, if any.
    pub(crate) fn suggestion<'k>(&mut self, name: &str, known: impl Iterator<Item = &'k str>) -> String {
        let nearest = nearest(name, known, &mut self.comparisons);
        let nearest: Vec<String> = nearest.into_iter().map(quoted).collect();
        match nearest.split_last() {
            None => String::new(),
            Some((only, [])) => format!("; did you mean {only}?"),
            Some((last, others)) => format!("; did you mean {} or {last}?", others.join(", ")),
        }
    }

    pub(crate) fn has_errors(&self) -> bool {
        self.found
            .iter()
            .any(|(_, severity, _)| *severity == Severity::Error)
    }

    /// `FILE:LINE:COLUMN`, for messages about another place.
    pub(crate) fn name(&self, place: Place) -> String {
        format!("{}:{}:{}", self.path(place), place.line, place.column)
    }

    /// As it is shown.
    pub(crate) fn path(&self, place: Place) -> &str {
        usize::try_from(place.file)
            .ok()
            .and_then(|file| self.paths.get(file))
            .map_or(".", String::as_str)
    }

    /// In order of file and place.
    pub(crate) fn into_sorted(mut self) -> Vec<Problem> {
        std::mem::take(&mut self.found)
            .into_iter()
            .map(|(place, severity, message)| Problem {
                severity,
                file: self.path(place).to_owned(),
                line: place.line,
                column: place.column,
                message,
            })
            .collect()
    }
}

/// `name` as messages quote it: in backquotes, printable, and shortened.
pub(crate) fn quoted(name: &str) -> String {
    const SHOWN: usize = 80;
    let shown: String = name.chars().take(SHOWN).flat_map(char::escape_debug).collect();
    let more = if name.chars().nth(SHOWN).is_some() {
        "…"
    } else {
        ""
    };
    format!("`{shown}{more}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_come_in_order_of_file_and_place_and_once() {
        let mut problems = Problems::new(["a.json", "b\n.json"].into_iter());
        problems.error(
            Place {
                file: 1,
                line: 2,
                column: 1,
            },
            "third",
        );
        problems.warning(
            Place {
                file: 0,
                line: 10,
                column: 1,
            },
            "second",
        );
        problems.error(
            Place {
                file: 0,
                line: 9,
                column: 5,
            },
            "first",
        );
        problems.error(
            Place {
                file: 0,
                line: 9,
                column: 5,
            },
            "first",
        );
        let shown: Vec<String> = problems.into_sorted().iter().map(ToString::to_string).collect();
        assert_eq!(
            shown,
            [
                "error: a.json:9:5: first",
                "warning: a.json:10:1: second",
                "error: b\\n.json:2:1: third"
            ]
        );
    }

    #[test]
    fn near_names_are_suggested_while_comparing_is_cheap() {
        let mut problems = Problems::new(["a"].into_iter());
        let mut suggestion =
            |name: &str| problems.suggestion(name, ["Identifier", "Payload", "Type"].into_iter());
        assert_eq!(suggestion("payload"), "; did you mean `Payload`?");
        assert_eq!(suggestion("colour"), "");
        problems.comparisons = 1;
        assert_eq!(
            problems.suggestion("payload", ["Identifier", "Payload"].into_iter()),
            ""
        );
    }

    #[test]
    fn columns_count_characters() {
        let text = "é\r\nαβ: x";
        let place = |octet| Place::of_octet(0, text, octet);
        assert_eq!((place(4).line, place(4).column), (2, 1));
        assert_eq!(place(8).column, 3);
        assert_eq!(place(9999).column, 6);
    }
}
