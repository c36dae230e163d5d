//! Apple's published schema: the YAML files of a checkout of its repository, read into a catalog.
//!
//! What the files state of types, keys, values and support is taken; titles, descriptions and notes are not. The form
//! is that of the schema's `docs/schema.md`. Fields that it does not have are passed over, since a newer schema may
//! have more, and so are words that are not known here ([`Schema::unknown`]); whatever else differs is a [`Problem`],
//! never a guess.

mod keys;
mod reader;
mod record;
mod support;
mod yaml;

use std::fmt;

use crate::Catalog;
use reader::Reader;
use record::Folder;
use yaml::Document;

/// The largest file, in octets.
pub const MAX_OCTETS: usize = 1 << 20;

/// The most files of a checkout.
pub const MAX_FILES: usize = 5_000;

/// The most values of a file.
const MAX_VALUES: usize = 100_000;

/// What a checkout may take of memory, roughly, in octets. Apple's needs a tenth of it. Files alone do not bound
/// it, since a list of keys may be used again and again.
const MAX_MEMORY: usize = 64 << 20;

/// A checkout as it was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Schema {
    /// What it states.
    pub catalog: Catalog,
    /// Words that are not known here: other platforms, enrollment types, formats and the like. What they say is left
    /// out, as if it were not stated.
    pub unknown: Vec<Problem>,
}

/// What is wrong with a file. `Display` says it as `FILE: KEY: …`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Problem {
    /// The file, as it was given.
    pub path: String,
    /// The key: names from the outermost, with slashes between them. Empty when it is not about one.
    pub key: String,
    /// What is wrong there.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, key, message } = self;
        if key.is_empty() {
            write!(f, "{path}: {message}")
        } else {
            write!(f, "{path}: {key}: {message}")
        }
    }
}

/// Whether [`read`] takes a file of this path, so that the others need not be opened.
pub fn takes(path: &str) -> bool {
    Folder::of(path).is_some()
}

/// Reads the files of a checkout: each with its path from there, slashes between names, and its bytes. The YAML files
/// in `declarative/declarations`, `declarative/status`, `mdm/commands`, `mdm/checkin` and `mdm/profiles` are read, at
/// any depth, the others passed over. The same files make the same catalog, in any order.
///
/// The error has the first problem of every file that has any, sorted by path.
pub fn read<P: AsRef<str>, B: AsRef<[u8]>>(
    files: impl IntoIterator<Item = (P, B)>,
) -> Result<Schema, Vec<Problem>> {
    let mut schema = Schema::default();
    let mut problems = Vec::new();
    let mut memory = MAX_MEMORY;
    let mut count = 0;
    for (path, bytes) in files {
        let path = path.as_ref();
        let Some(folder) = Folder::of(path) else {
            continue;
        };
        count += 1;
        if count > MAX_FILES {
            problems.push(problem(path, "one file too many"));
            break;
        }
        let read = document(bytes.as_ref()).map_err(|message| problem(path, &message));
        let read = read.and_then(|document| {
            let mut reader = Reader::new(path, &mut memory, &mut schema.unknown);
            reader.record(folder, document.root(), &mut schema.catalog)
        });
        problems.extend(read.err());
    }
    if count == 0 {
        problems.push(problem(
            ".",
            "no file of Apple's device-management schema is here",
        ));
    }
    if problems.is_empty() {
        schema
            .unknown
            .sort_by(|a, b| (&a.path, &a.key).cmp(&(&b.path, &b.key)));
        Ok(schema)
    } else {
        problems.sort_by(|a, b| a.path.cmp(&b.path));
        Err(problems)
    }
}

fn problem(path: &str, message: &str) -> Problem {
    Problem {
        path: path.to_owned(),
        key: String::new(),
        message: message.to_owned(),
    }
}

fn document(bytes: &[u8]) -> Result<Document, String> {
    if bytes.len() > MAX_OCTETS {
        return Err(format!("larger than {MAX_OCTETS} octets"));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| "not UTF-8")?;
    Document::read(text.strip_prefix('\u{feff}').unwrap_or(text))
}
