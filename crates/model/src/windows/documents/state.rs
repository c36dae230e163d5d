//! How far a document, or a part of one, has got, in the device's numbers.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A state as a device tells it. Numbers that are not published are kept as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct State(pub u32);

/// What is made of a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Another one follows by itself.
    Pending,
    /// As it should be, and final.
    Good,
    /// Failed, and final.
    Failed,
    /// The machinery failed, and not what it was to do: sending again may help.
    Retryable,
    /// It is being deleted,
    Deleting,
    /// deleted,
    Gone,
    /// or could not be.
    NotDeleted,
    /// Nothing that is published. \[U\]: how Windows tells of drift is not, so this is neither good nor failed: it needs
    /// attention, and the result is read.
    Unknown,
}

impl State {
    /// `ConstructURIStorageSuccess`. \[U\]: that is how a template waits for what it is filled in with.
    pub(super) const WAITS: Self = Self(40);

    /// What to make of it.
    pub const fn kind(self) -> Kind {
        match self.0 {
            0..=3 | 20 | 21 | 40 => Kind::Pending,
            60 | 63 | 80 => Kind::Good,
            61 | 81 => Kind::Failed,
            62 | 82 => Kind::Retryable,
            10 | 11 => Kind::Deleting,
            70 => Kind::Gone,
            71 | 72 => Kind::NotDeleted,
            _ => Kind::Unknown,
        }
    }
}

impl fmt::Display for State {
    /// In words, with the number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = match (self.kind(), self.0) {
            (_, 63) => "done, and not looked after",
            (Kind::Pending, _) => "under way",
            (Kind::Good, _) => "done",
            (Kind::Failed, _) => "failed",
            (Kind::Retryable, _) => "failed, since the machinery did",
            (Kind::Deleting, _) => "being deleted",
            (Kind::Gone, _) => "deleted",
            (Kind::NotDeleted, _) => "not deleted",
            (Kind::Unknown, _) => "in a state that is not published",
        };
        write!(f, "{words} (state {})", self.0)
    }
}

/// What to make of a state that may not be said.
pub(super) fn kind(state: Option<State>) -> Kind {
    state.map_or(Kind::Unknown, State::kind)
}
