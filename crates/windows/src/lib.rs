//! Microsoft's wire: discovery, enrollment, provisioning documents, SyncML.
//!
//! Both ends of it: what the server reads and writes, and what a twin does. Reading is bounded, refuses DTDs, takes
//! elements by their local names (as published messages differ in namespaces) and refuses an element that is there
//! twice where one is meant. Writing is deterministic. Pure: no I/O, no clock.
//!
//! | module | holds |
//! |---|---|
//! | [`xml`] | the one door to XML |
//! | [`soap`] | the envelope, security headers and faults of MS-MDE2 |
//! | [`discovery`] | which way to enroll, and where |
//! | [`xcep`] | what the certificate request is to be like |
//! | [`wstep`] | certificate request and answer, of enrollment and renewal |
//! | [`provisioning`] | the document that an enrollment is answered with |
//! | [`linked`] | JSON discovery of linked enrollments |
//! | [`syncml`] | OMA-DM messages |
//! | [`declared`] | documents of declared configuration, their results and the list of them |
//! | [`wns`] | Windows' push service |
//! | [`secret`] | what is not to be logged |
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )
)]

mod binary;
pub mod declared;
pub mod discovery;
pub mod linked;
pub mod provisioning;
pub mod secret;
pub mod soap;
pub mod syncml;
pub mod wns;
pub mod wstep;
pub mod xcep;
pub mod xml;

#[cfg(test)]
mod tests;
