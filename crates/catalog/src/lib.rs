#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )
)]
//! What Apple devices may be sent and may report, by platform, OS version and channel; and what Windows devices take, in
//! [`windows`].
//!
//! Everything else here is looked up in a [`Catalog`]. That of a release is [`Catalog::builtin`], which reads
//! `facts/apple.facts`: one record for each declaration type, credential document, status item, MDM command,
//! check-in message and schema of profile payloads that Apple published, with all that is stated of its keys, and
//! without a sentence of the text ([`facts`] describes the form). The schema is MIT-licensed; its notice is
//! `facts/LICENSE-apple.txt`. [`schema`] makes a catalog of the files of a newer one.
//!
//! [`predicate`] is what a checker of predicates has to know of it.
//!
//! # Making the facts anew
//!
//! With a checkout of the schema in `DIR`, in the repository's root:
//!
//! ```text
//! cargo run -p ordain-catalog-tool -- DIR crates/catalog/facts/apple.facts
//! ```
//!
//! The same schema always makes the same bytes. `cargo test -p ordain-catalog-tool` compares them with the
//! committed file; it takes `DIR` from `ORDAIN_APPLE_SCHEMA`, else `../shared/data/apple-device-management`,
//! and says so when neither is there.
//!
//! # What is not known
//!
//! The schema does not state everything, and little is known of some enrollments. What the schema leaves out
//! excludes nothing, and what is not known of an enrollment makes the judgement [`Availability::Unknown`],
//! never [`Availability::Unavailable`].

#[macro_use]
mod word;

mod availability;
mod catalog;
mod check_in;
mod combine;
mod command;
mod credential;
mod declaration;
pub mod facts;
mod key;
mod kind;
mod nearest;
mod os_build;
mod platform;
pub mod predicate;
mod profile;
mod purpose;
mod reference;
mod replaced;
pub mod schema;
mod shared;
mod status;
mod support;
pub mod validate;
mod version;
pub mod windows;

pub use availability::{Availability, Unavailable};
pub use catalog::{Catalog, Counts};
pub use check_in::CheckIn;
pub use combine::{Conflict, Effective, effective};
pub use command::{Command, Listed};
pub use credential::Credential;
pub use declaration::{Apply, DeclarationType};
pub use key::{Combine, Elements, Format, ITEM, Key, Keys, MAX_DEPTH, Range, Shape, Target};
pub use kind::Kind;
pub use nearest::nearest;
pub use os_build::{InvalidOsBuild, OsBuild};
pub use platform::Platform;
pub use profile::Profile;
pub use reference::FoundReference;
pub use replaced::{replaced_by, replaces};
pub use shared::SharedKeys;
pub use status::StatusItem;
pub use support::{EnrollmentType, PlatformSupport, Requirement, Scope, Support, Terms};
pub use version::{InvalidOsVersion, OsVersion};
pub use word::UnknownWord;
