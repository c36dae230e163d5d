//! F4 and F5: the documents of the linked enrollment, and the service of the device that applies them, looks after them
//! and tells of them.
//!
//! A server's commands are answered by [`accept`]; all else happens between sessions, by the clock ([`service::work`]).

pub(super) mod accept;
mod apply;
mod inventory;
mod mi;
mod ownership;
mod refresh;
mod result;
mod service;
mod store;

pub use mi::{Provider, Providers};
pub(super) use service::{Finding, Service, work};
pub(super) use store::Store;
