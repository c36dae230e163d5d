//! Twins on real sockets: TLS, HTTP/1.1, and a fleet of them at once.
//!
//! ```no_run
//! # use std::time::Duration;
//! # use ordain_twin::driver::{Fleet, Identities, Issuer, Keys, Options, Proof, Roots, Target, Until, MIX};
//! # use ordain_twin::twin::Settings;
//! # async fn simulate(issuer: Issuer, ca: Vec<u8>) -> Result<(), ordain_twin::driver::DriverError> {
//! let settings = Settings { topic: "com.apple.mgmt.External.demo".to_owned(), gather: 0 };
//! let mut fleet = Fleet::new(50, 1, MIX, &settings);
//! fleet.equip(&Identities { keys: Keys::Fresh, issuer }).await?;
//! let target = Target {
//!     server_url: "https://localhost:8443/mdm".to_owned(),
//!     check_in_url: None,
//!     roots: Roots::Pem(ca),
//!     proof: Proof::Tls,
//! };
//! let (_stop, stopped) = tokio::sync::watch::channel(false);
//! let options = Options { sessions: 64, poll: Duration::from_secs(1), until: Until::Rest, apns: None, silent: None };
//! let outcome = fleet.run(&target, &options, &stopped).await?;
//! assert_eq!(outcome.progress.converged, 50);
//! # Ok(())
//! # }
//! ```

mod carrier;
pub(crate) mod clock;
mod connection;
mod fleet;
mod identity;
mod outcome;
mod tls;
mod wake;
pub mod windows;

use std::io;
use std::path::PathBuf;

use ordain_pki::authority::IssueError;
use ordain_pki::certificate::CertificateError;
use ordain_pki::key::KeyError;

pub use crate::identity::Identity;
pub use connection::TransportError;
pub use fleet::{Fleet, MIX, Options, Until};
pub use identity::{Bulk, Identities, Issuer, Keys, MAX_BATCH};
pub use outcome::{Outcome, Progress, TwinOutcome};

/// The server that twins enroll with.
#[derive(Debug, Clone)]
pub struct Target {
    /// `ServerURL` of the enrollment profile: an https URL.
    pub server_url: String,
    /// `CheckInURL`, when it is another.
    pub check_in_url: Option<String>,
    /// Whom twins trust to vouch for the server.
    pub roots: Roots,
    /// How twins show who they are.
    pub proof: Proof,
}

/// Whom twins trust to vouch for a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Roots {
    /// The certificates in this PEM text, and nobody else.
    Pem(Vec<u8>),
    /// Whom this machine trusts.
    System,
}

/// How a twin shows its identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// As TLS client certificate.
    Tls,
    /// By the header `Mdm-Signature` over each body: `SignMessage` of the enrollment profile.
    Signature,
}

/// Why a fleet cannot set out. What happens to single twins on their way is in the [`Outcome`].
#[derive(Debug, thiserror::Error)]
pub enum DriverError {
    /// A URL is not an https URL.
    #[error("{0} is not an https URL")]
    Url(String),
    /// No certificate could be read that would vouch for the server.
    #[error("no certificates to trust: {0}")]
    Roots(String),
    /// The twins have no identities yet.
    #[error("the twins have no identities")]
    NoIdentity,
    /// A file cannot be read.
    #[error("{path}: {error}", path = .path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A key cannot be read, made or used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A pool without keys.
    #[error("{path} holds no keys (PEM files)", path = .0.display())]
    EmptyPool(PathBuf),
    /// A pool without keys of RSA.
    #[error("none of the keys is of RSA, and Windows takes no others")]
    NoRsaKeys,
    /// A certificate cannot be read.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// An authority issued nothing.
    #[error(transparent)]
    Issue(#[from] IssueError),
    /// Whoever issues in bulk refused, or gave certificates that do not fit the requests.
    #[error("certificates in bulk: {0}")]
    Bulk(String),
    /// TLS does not take an identity.
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
}
