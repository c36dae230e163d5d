//! Policy directories: files become a wish, or problems that name file, line and column.
//!
//! | folder | holds | file |
//! |---|---|---|
//! | `declarations/` | `.json`, `.yaml`: declarations as Apple documents them, and beside their keys `when`, `scope`, `platforms` | `declaration` |
//! | `assets/` | `.json`, `.yaml`: assets whose data lies in the policy | `asset` |
//! | `profiles/` | `.mobileconfig`: configuration profiles | `profile` |
//! | `windows/` | `.json`, `.yaml`: what is set on Windows devices, a declaration for each file | `windows` |
//! | `groups/` | `.json`, `.yaml`: sets of devices | `group` |
//! | `blueprints/` | `.json`, `.yaml`: which declarations are for which groups | `blueprint` |
//! | `advisories/` | `.json`, `.yaml`: predicates that are known to harm some systems | `advisory` |
//!
//! JSON and YAML are read into one tree whose every value knows its place (`tree`, `json`, `yaml`), so that whatever
//! is found out later can be said of a line and a column. Names come from what a file says, never from its path, and
//! the order in which files are given changes nothing.
//!
//! What only the whole policy can tell is found once all of it is read: who gets what (`audience`), what meets on a device
//! (`meeting`: `property`, `conflict`), what could cut devices off (`lockout`), and what nobody gets (`unused`).
//!
//! Pure: the caller reads the directory, and keeps or serves the bytes that devices download.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )
)]

mod activation;
mod advisory;
mod asset;
mod audience;
mod blueprint;
mod compile;
mod conflict;
mod declaration;
mod directory;
mod fields;
mod group;
mod in_force;
mod json;
mod lockout;
mod meeting;
mod named;
mod payload;
mod placement;
mod predicate;
mod problem;
mod profile;
mod property;
mod reference;
mod remote;
mod scalar;
mod spelling;
mod tree;
mod unused;
mod validation;
mod windows;
mod yaml;

pub use advisory::read_advisories;
pub use compile::{Compiled, Download, Surroundings, compile};
pub use directory::is_policy_file;
pub use problem::{Problem, Severity};
pub use tree::{MAX_DEPTH, MAX_OCTETS, MAX_VALUES};
