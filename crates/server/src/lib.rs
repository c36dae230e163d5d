//! The server: TLS, the devices' endpoints, the admin API, and what happens behind them.
//!
//! Everything that a device's message decides is decided by `ordain_model`; here it is read, let in, committed and
//! answered.

mod admin;
mod admission;
pub mod api;
mod app;
mod body;
mod bulk;
mod catalogs;
mod census;
pub mod clock;
mod device;
mod enroll;
mod evaluation;
mod events;
mod files;
mod house;
mod identity;
mod issue;
mod keys;
mod listener;
mod local;
mod metrics;
mod objects;
mod orders;
mod publish;
pub mod push;
mod regroup;
mod router;
mod settings;
mod sightings;
mod stack;
mod start;
mod tls;
mod windows;

pub use local::Local;
pub use settings::{EntraSettings, PUSH_RATE, SealingKeys, Settings, StartError};
pub use stack::Stack;
pub use start::Server;
