//! Certificates, CMS and BER: the identities of devices and of the server.
//!
//! What a device shows becomes a [`Certificate`] by one of three roads: the TLS handshake hands over
//! its DER, a proxy writes it into a header ([`header`]), or the device signs its message with it
//! ([`cms`]). [`chain`] then decides whether the certificate comes from a trusted authority. The other
//! way round, [`authority`] issues certificates, and [`pkcs12`] wraps one with its key for a device.
//!
//! Everything that reads bytes from outside is bounded in size, depth and work, and never panics.
//! Nothing here reads the clock: time is a parameter in unix seconds.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )
)]

pub mod authority;
mod ber;
pub mod certificate;
pub mod chain;
pub mod cms;
pub mod csr;
pub mod header;
pub mod key;
pub mod mac;
mod name;
mod pem;
pub mod pkcs12;
pub mod seal;
mod signature;
mod time;

pub use authority::Authority;
pub use certificate::Certificate;
pub use key::KeyPair;

/// `N` bytes from a cryptographic generator. Ends the process when there is no randomness.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if aws_lc_rs::rand::fill(&mut bytes).is_err() {
        // Without randomness neither keys nor tokens mean anything, and no caller could do better.
        std::process::abort();
    }
    bytes
}
