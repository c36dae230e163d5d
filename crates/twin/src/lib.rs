//! Simulated devices: pure state machines, and drivers that put fleets of them on sockets.
//!
//! A [`twin::Twin`] decides as Apple's clients do, by itself: of Ordain it shares with the server only the wire, the
//! catalog and the predicates. It takes from a server what the protocol allows, and has a [`complaint::Complaint`] for
//! each rule that the server breaks, so that the two halves cannot merely agree with each other.
//!
//! | module | holds |
//! |---|---|
//! | [`device`] | the hardware: what it is, and what it reports of itself |
//! | [`twin`] | one device with its channels: enrolling, sessions, syncs |
//! | [`request`] | what goes to the server, and what comes back |
//! | [`complaint`] | the rules that a server can break |
//! | [`commands`] | what devices do on command |
//! | [`schema`] | what systems know of declarations, and hold against them |
//! | [`state`] | what commands leave on a device |
//! | [`journal`] | which commands came, and what became of them |
//! | [`windows`] | Windows computers: the same for Microsoft's protocols |
//! | [`driver`] | twins on real sockets |
//! | [`apns`] | a push service that keeps Apple's rules |
//! | [`wns`] | the same of Microsoft's |
//!
//! All but [`driver`], [`apns`] and [`wns`] is pure: no I/O, no clock, no randomness beyond a seed.
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
pub mod apns;
mod assets;
pub mod commands;
pub mod complaint;
mod configuration;
pub mod device;
pub mod driver;
mod engine;
mod identity;
pub mod journal;
mod judgement;
mod loopback;
mod models;
mod report;
pub mod request;
pub mod schema;
mod session;
pub mod state;
mod stored;
mod sync;
pub mod twin;
pub mod windows;
pub mod wns;

pub use complaint::Complaint;
pub use device::Device;
pub use twin::{Standing, Twin};
