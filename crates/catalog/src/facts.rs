//! The file of facts: our own line-oriented form of what the schema states.
//!
//! ```text
//! declaration com.apple.configuration.math.settings combined
//!   on iOS since 18.0 enrollments supervised scopes system shared-ipad user
//!   on tvOS never
//!   payload dictionary
//!     key Calculator dictionary
//!       key InputModes dictionary
//!         key RPN boolean default true combine boolean-and
//!     key SystemBehavior dictionary
//!       on iOS since 18.1 enrollments supervised scopes system shared-ipad user
//! status mdm.app array
//! command DeviceLock AllowPasscodeRemovalAndLock
//!   takes PIN string
//!   answers MessageResult string required
//! ```
//!
//! A line that is not indented begins a record (`declaration`, `credential`, `status`, `command`, `check-in`, `profile`,
//! `shared`); those indented below say more of it. Records have `on`, `reasons`, `status-items` and `content-types`, and
//! then `payload`, `value`, or `takes` and `answers` for each key. Keys have their name (elements of arrays, after
//! `each`, have none), their type, whatever else there is to say on the same line, `on` for the platforms where the
//! support differs from that of what holds them, and then what is in them:
//!
//! | type | in it |
//! |---|---|
//! | `dictionary` | `key NAME …` for each key |
//! | `map`, a dictionary of any keys | `each …`, unless it is anything |
//! | `array` | `each …`, unless it is anything; or `item NAME …` for each `Item` |
//! | `above N` | what is in what holds it, N steps above |
//!
//! Words with blanks, commas or other signs are JSON strings. There is exactly one text for a catalog, sorted throughout
//! but for allowed values, and no other is accepted.

mod difference;
mod keys;
mod line;
mod record;
mod terms;
mod windows;
mod write;

pub use difference::{Change, Difference, Statement, differences};
pub use windows::{read_windows, write_windows};
pub use write::write;

use crate::Catalog;
use line::Lines;

/// The facts of Apple's schema, as committed.
pub const APPLE: &str = include_str!("../facts/apple.facts");

/// The facts about Windows, as committed.
pub const WINDOWS: &str = include_str!("../facts/windows.facts");

const HEADER: &str = "\
# What Apple's published device-management schema states (MIT licence, see LICENSE-apple.txt).
# Made by tools/catalog; do not edit.
format 2
";

/// A text that is no file of facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("facts, line {line}: {problem}")]
pub struct InvalidFacts {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong there.
    pub problem: &'static str,
}

/// Reads a text as [`write()`] makes it. Needs time and memory in proportion to its length.
pub fn read(text: &str) -> Result<Catalog, InvalidFacts> {
    let catalog = parse(text)?;
    in_one_form(text, &write(&catalog))?;
    Ok(catalog)
}

/// Whether the text that was read is the one that is written: whatever else may be wrong (order, repetition, blanks)
/// shows as another text for the same catalog.
fn in_one_form(text: &str, written: &str) -> Result<(), InvalidFacts> {
    if written == text {
        return Ok(());
    }
    let same = written.lines().zip(text.lines()).take_while(|(a, b)| a == b);
    Err(InvalidFacts {
        line: same.count() + 1,
        problem: "not in the one form that this catalog has",
    })
}

fn parse(text: &str) -> Result<Catalog, InvalidFacts> {
    let mut lines = Lines::of(text);
    for expected in HEADER.lines() {
        lines.expect(expected, "not facts of format 2")?;
    }
    let mut catalog = Catalog::default();
    while let Some(line) = lines.next_at(0) {
        record::read(&mut lines, line, &mut catalog)?;
    }
    match lines.rest() {
        Some(line) => Err(line.invalid("indented otherwise than what is before it")),
        None => Ok(catalog),
    }
}
