//! What a device shows itself with.

use ordain_pki::{Certificate, KeyPair};

/// A certificate with its key.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The certificate.
    pub certificate: Certificate,
    /// Its key.
    pub key: KeyPair,
}
