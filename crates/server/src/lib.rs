//! The server: TLS, the devices' endpoints, the admin API, and what happens behind them.
//!
//! Everything that a device's message decides is decided by `ordain_model`; here it is read, let in, committed and
//! answered.

mod admin;
pub mod api;
mod app;
mod body;
mod bulk;
pub mod clock;
mod device;
mod enroll;
mod files;
mod house;
mod identity;
mod issue;
mod listener;
mod metrics;
mod objects;
mod orders;
mod publish;
mod router;
mod settings;
mod sightings;
mod start;
mod tls;

pub use settings::{Settings, StartError};
pub use start::Server;
