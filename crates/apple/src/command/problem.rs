//! What is wrong with a command that somebody orders.

use std::fmt;

/// How many problems of one command are named.
const MAX_PROBLEMS: usize = 50;
/// How much of a key that is not known is repeated, in characters, and compared with known ones, in octets.
const MAX_NAME: usize = 64;

/// What is wrong with a command that somebody orders. `Display` says it in a line. No value is repeated, since it may
/// be secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The way to the key: names and, in arrays, numbers counted from 0, with slashes between them. Empty when it is
    /// about the command itself.
    pub key: String,
    /// What is wrong, and what is allowed.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.key.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{}: {}", self.key, self.message)
        }
    }
}

impl std::error::Error for Problem {}

impl Problem {
    pub(super) fn of_command(message: impl fmt::Display) -> Self {
        Self {
            key: String::new(),
            message: message.to_string(),
        }
    }
}

/// The problems found so far.
#[derive(Default)]
pub(super) struct Problems(Vec<Problem>);

impl Problems {
    pub(super) fn add(&mut self, path: &Path<'_>, message: impl Into<String>) {
        if self.0.len() < MAX_PROBLEMS {
            self.0.push(Problem {
                key: path.to_string(),
                message: message.into(),
            });
        }
    }

    /// Adds a problem with `given`, which is none of `known`: names the nearest of them, else all.
    pub(super) fn add_unknown<'k>(
        &mut self,
        path: &Path<'_>,
        message: &str,
        given: &str,
        known: impl Iterator<Item = &'k str> + Clone,
    ) {
        // Comparing costs more than the rest.
        if self.0.len() < MAX_PROBLEMS {
            let rest = nearest(given, known.clone()).map_or_else(
                || {
                    let known: Vec<&str> = known.collect();
                    match known.as_slice() {
                        [] => String::new(),
                        known => format!("; allowed: {}", known.join(", ")),
                    }
                },
                |nearest| format!("; did you mean {nearest}?"),
            );
            self.add(path, message.to_owned() + &rest);
        }
    }

    pub(super) fn none_or_these(self) -> Result<(), Vec<Problem>> {
        if self.0.is_empty() { Ok(()) } else { Err(self.0) }
    }
}

/// The known name that differs least from `name`, if one is near. Names come from the catalog, so there are few.
pub(super) fn nearest<'k>(name: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    let mut comparisons = usize::MAX;
    ordain_catalog::nearest(name, known, &mut comparisons)
        .into_iter()
        .next()
}

/// The way to a value in a command's keys.
#[derive(Clone, Copy)]
pub(super) enum Path<'a> {
    /// All of them.
    Command,
    /// The value of a key.
    Key(&'a Path<'a>, &'a str),
    /// An element of an array.
    Element(&'a Path<'a>, usize),
}

impl Path<'_> {
    /// How many steps it has.
    pub(super) fn depth(&self) -> usize {
        match self {
            Self::Command => 0,
            Self::Key(before, _) | Self::Element(before, _) => before.depth() + 1,
        }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command => Ok(()),
            Self::Key(before, name) => {
                let slash = if matches!(before, Path::Command) { "" } else { "/" };
                let shown: String = name.chars().take(MAX_NAME).collect();
                let more = if shown.len() < name.len() { "…" } else { "" };
                write!(f, "{before}{slash}{}{more}", shown.escape_debug())
            }
            Self::Element(before, index) => write!(f, "{before}/{index}"),
        }
    }
}
