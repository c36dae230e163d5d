//! Measurements of the server: ratios against its own stack that does nothing ([`ratios`]), and fleets that are
//! enrolled in the process, up to a million devices ([`twins`]). Never part of the program; see docs/benchmarks.md.

pub mod ca;
pub mod clock;
mod computers;
pub mod fleet;
pub mod house;
pub mod load;
pub mod machine;
pub mod manifest;
pub mod message;
pub mod policy;
pub mod ratios;
pub mod seeding;
pub mod steady;
pub mod sync;
pub mod trial;
pub mod twins;
pub mod wire;
mod work;
