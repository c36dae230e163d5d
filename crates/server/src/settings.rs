//! What a server is started with.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

/// At most so many pushes in a second, unless said otherwise.
pub const PUSH_RATE: u32 = 500;

/// The settings of one server. The command line reads them from flags, environment and file.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where everything is kept that is not in the database, and the database too when it is SQLite.
    pub data_dir: PathBuf,
    /// The file with the keys that seal; `installation.key` in the data directory otherwise.
    pub key_file: Option<PathBuf>,
    /// Those keys themselves, instead of a file.
    pub sealing_keys: Option<SealingKeys>,
    /// A `postgres://` URL; SQLite in the data directory otherwise.
    pub database: Option<String>,
    /// PEM files with the certificates of device CAs, beside Ordain's own.
    pub device_cas: Vec<PathBuf>,
    /// The addresses of proxies whose header counts.
    pub trusted_proxies: Vec<IpNet>,
    /// The header in which they pass on the device's certificate.
    pub client_cert_header: Option<String>,
    /// Serve without TLS, behind a trusted proxy.
    pub http: bool,
    /// What devices are told to reach the server by; kept in the database once given.
    pub public_url: Option<String>,
    /// The server's certificate chain, PEM; made by the server itself otherwise.
    pub tls_certificate: Option<PathBuf>,
    /// The key of that certificate, PEM.
    pub tls_key: Option<PathBuf>,
    /// Take no new certificates of the device CAs.
    pub enroll_closed: bool,
    /// Let listed memberships follow a device into its next generation unasked.
    pub allow_reenrollment: bool,
    /// How long events are kept.
    pub event_retention: Duration,
    /// At most so many pushes in a second, through each service.
    pub push_rate: u32,
    /// Where APNs is; Apple's own otherwise.
    pub apns_url: Option<String>,
    /// PEM with the only authorities that may vouch for APNs; those that this machine trusts otherwise.
    pub apns_ca: Option<PathBuf>,
    /// Where WNS is, tokens and channels; Microsoft's own otherwise.
    pub wns_url: Option<String>,
    /// PEM with the only authorities that may vouch for WNS; those that this machine trusts otherwise.
    pub wns_ca: Option<PathBuf>,
    /// From how many devices an hour commands may take something: erase, lock, clear, remove.
    pub destructive_budget: u32,
    /// Whose tokens of Microsoft Entra enroll Windows devices; nobody's otherwise.
    pub entra: Option<EntraSettings>,
}

/// A tenant of Microsoft Entra, for whose users Windows devices enroll.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntraSettings {
    /// Its identifier, a GUID: `tid` of the tokens.
    pub tenant: String,
    /// What the tokens must be for: `aud`, the identifier of the MDM application, or its URI.
    pub audience: String,
    /// The keys that sign the tokens (RFC 7517): a file, or a URL that begins with `https://`.
    pub jwks: String,
}

impl Settings {
    /// The budget unless said otherwise: enough for a day's work, too little for a disaster.
    const DESTRUCTIVE_BUDGET: u32 = 10;

    /// The defaults for a server on `listen` that keeps everything in `data_dir`.
    pub fn new(listen: SocketAddr, data_dir: PathBuf) -> Self {
        Self {
            listen,
            data_dir,
            key_file: None,
            sealing_keys: None,
            database: None,
            device_cas: Vec::new(),
            trusted_proxies: Vec::new(),
            client_cert_header: None,
            http: false,
            public_url: None,
            tls_certificate: None,
            tls_key: None,
            enroll_closed: false,
            allow_reenrollment: false,
            event_retention: Duration::from_secs(7 * 24 * 60 * 60),
            push_rate: PUSH_RATE,
            apns_url: None,
            apns_ca: None,
            wns_url: None,
            wns_ca: None,
            destructive_budget: Self::DESTRUCTIVE_BUDGET,
            entra: None,
        }
    }
}

/// Keys as text, in base64, separated by line feeds or commas, the one that seals first. They are never shown.
#[derive(Clone)]
pub struct SealingKeys(String);

impl SealingKeys {
    /// The keys in `text`; whether it holds any, the start will tell.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    pub(crate) fn text(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SealingKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingKeys")
    }
}

/// Why a server did not start; each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting does not make sense.
    #[error("{0}")]
    Setting(String),
    /// What is there does not fit, whatever the settings say.
    #[error("{0}")]
    State(String),
    /// A file could not be read or written.
    #[error("{path}: {error}")]
    File {
        /// Which file.
        path: PathBuf,
        /// What happened.
        error: std::io::Error,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What happened.
        error: std::io::Error,
    },
    /// The database refused.
    #[error(transparent)]
    Store(#[from] ordain_store::StoreError),
    /// A key or certificate could not be made or used.
    #[error("{0}")]
    Crypto(String),
}

impl StartError {
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |error| Self::File { path, error }
    }

    pub(crate) fn crypto(what: &'static str) -> impl FnOnce(&dyn std::fmt::Display) -> Self {
        move |error| Self::Crypto(format!("{what}: {error}"))
    }
}
