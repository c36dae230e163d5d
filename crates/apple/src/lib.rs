//! Apple's wire: property lists, check-in, commands, DDM messages, profiles.
//!
//! Both ends of it: what the server reads and writes, and what a twin does. Reading is strict where a mistake would be
//! acted upon and tolerant where a device merely reports; everything read is bounded. Pure: no I/O, no clock.
//!
//! | module | holds |
//! |---|---|
//! | [`plist`] | the one door to property lists |
//! | [`ids`] | which channel a message is from |
//! | [`checkin`] | check-in messages and their answers |
//! | [`command`] | the command channel: commands, and what devices answer |
//! | [`ddm`] | tokens, declaration items, declarations |
//! | [`status`] | DDM status reports |
//! | [`profile`] | configuration profiles, and the one that enrolls |
//! | [`push`] | what APNs is asked, and what it answers |
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )
)]

pub mod checkin;
pub mod command;
pub mod ddm;
pub mod ids;
pub mod json;
pub mod plist;
pub mod profile;
pub mod push;
pub mod status;
