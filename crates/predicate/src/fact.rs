//! What a predicate asks of the world.

use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::Value;

/// Where a fact comes from: the word of its term.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// `@status(…)`: a status item that the device reports.
    Status,
    /// `@property(…)`: a key of a `com.apple.management.properties` declaration.
    Property,
    /// `@device(…)`: what the server knows of the device; see [`Dialect::Server`](crate::Dialect::Server).
    Device,
    /// `@tag(…)`: what administrators attached to the device. Who keeps tags knows which ones a device lacks, and gives
    /// these as false.
    Tag,
}

/// A term of a predicate that stands for a value from outside.
///
/// It displays as in a predicate: `@status(device.model.family)`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fact {
    /// Where its value comes from.
    pub source: Source,
    /// The argument of the term, as written.
    pub name: String,
}

/// What is known of a device.
///
/// `None` is a fact that is absent: one that the server was never told or that was reported as an error, or
/// one that the device does not have. A reported null is a value.
pub trait Facts {
    /// The value of `fact`, which is number `place` of [`Predicate::facts`](crate::Predicate::facts): who
    /// evaluates one predicate for many devices can keep the values in that order and never look at names.
    fn value(&self, place: usize, fact: &Fact) -> Option<&Value>;

    /// When that value was learnt, in unix seconds. Only explanations show it.
    fn time(&self, _place: usize, _fact: &Fact) -> Option<i64> {
        None
    }
}

/// The values of one predicate's facts in the order of [`Predicate::facts`](crate::Predicate::facts). What lies
/// beyond the end is absent.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a>(pub &'a [Option<&'a Value>]);

impl Facts for Row<'_> {
    fn value(&self, place: usize, _: &Fact) -> Option<&Value> {
        *self.0.get(place)?
    }
}

impl Source {
    /// The word after the `@`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Source::Status => "status",
            Source::Property => "property",
            Source::Device => "device",
            Source::Tag => "tag",
        }
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "@{}({})", self.source.word(), self.name)
    }
}

impl Serialize for Fact {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
