//! The client of APNs.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use http::header::CONTENT_TYPE;
use ordain_apple::push::Notification;
use ordain_model::wake::Outcome;
use ordain_pki::Certificate;
use rustls::RootCertStore;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::certificate::PushCertificate;
use super::line::{Failure, OpenError, Road};
use super::lines::Lines;

/// Apple's service for devices in use.
pub const APPLE: &str = "https://api.push.apple.com";

/// How often a notification is sent, when the peer says each time that it has not processed it.
const ATTEMPTS: u32 = 5;

/// How APNs is reached.
#[derive(Debug, Clone)]
pub struct Config {
    /// What the server shows.
    pub certificate: PushCertificate,
    /// Where APNs is: an https URL without path.
    pub url: String,
    /// PEM with the only authorities that may vouch for APNs; those that this machine trusts otherwise.
    pub ca: Option<String>,
    /// The most connections at once; at least one.
    pub connections: usize,
    /// The longest that a free place, connecting, a pong, and an answer may take, each.
    pub patience: Duration,
    /// How often an open connection is pinged: a dead one is noticed after this and the patience.
    pub pulse: Duration,
}

impl Config {
    /// Apple's service, with bounds that fit it.
    pub fn new(certificate: PushCertificate) -> Self {
        Self {
            certificate,
            url: APPLE.to_owned(),
            ca: None,
            connections: 4,
            patience: Duration::from_secs(30),
            pulse: Duration::from_secs(60),
        }
    }
}

/// Why there can be no client; each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// Not an https URL, or one with a path.
    #[error("{0} is not the URL of a push service: https, a host, and perhaps a port")]
    Url(String),
    /// No authority to trust.
    #[error("no certificates to trust the push service by: {0}")]
    Roots(String),
    /// TLS does not take the certificate and its key.
    #[error("the push certificate cannot be used: {0}")]
    Certificate(String),
}

/// A client of APNs for one push certificate; for another one, make another client. Any number of tasks may use it at
/// once: it opens few connections, gives each no more requests than the peer allows, and lets the rest wait in turn.
pub struct Apns {
    topic: String,
    /// Scheme and authority.
    origin: String,
    patience: Duration,
    lines: Lines,
}

impl Apns {
    /// A client, not yet connected. For use within tokio's runtime.
    pub fn new(config: &Config) -> Result<Self, SetupError> {
        let wrong = || SetupError::Url(config.url.clone());
        let url = url::Url::parse(&config.url).map_err(|_| wrong())?;
        let bare = url.path() == "/" && url.query().is_none() && url.username().is_empty();
        if url.scheme() != "https" || !bare {
            return Err(wrong());
        }
        // IPv6 addresses stand in brackets in URLs, and without them elsewhere.
        let host = url.host_str().ok_or_else(wrong)?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let road = Road {
            name: ServerName::try_from(host.clone()).map_err(|_| wrong())?,
            host,
            port: url.port_or_known_default().unwrap_or(443),
            tls: connector(config)?,
            patience: config.patience,
            pulse: config.pulse,
        };
        Ok(Self {
            topic: config.certificate.topic.clone(),
            origin: url.origin().ascii_serialization(),
            patience: config.patience,
            lines: Lines::new(road, config.connections),
        })
    }

    /// Sends one notification. Nothing is sent twice that APNs may have processed: that is for the caller to decide,
    /// at its own pace. May take some patiences; dropping it takes the request back as far as that is possible.
    pub async fn push(&self, notification: &Notification) -> Outcome {
        let refused = |reason: String| Outcome::Refused { reason };
        // Topics come from devices: one that made its own up must not make APNs blame the certificate.
        if notification.topic != self.topic {
            return refused("the device's topic is not that of the push certificate".to_owned());
        }
        let request = match notification.request() {
            Ok(request) => request,
            Err(error) => return refused(error.to_string()),
        };
        let body = Bytes::from(request.body);
        let mut last = String::new();
        for _ in 0..ATTEMPTS {
            let place = match timeout(self.patience, self.lines.place()).await {
                Ok(Ok(place)) => place,
                Ok(Err(error)) => return unreachable(error),
                Err(_) => {
                    let busy = || OpenError::Down("all connections are busy".to_owned());
                    return unreachable(self.lines.trouble().unwrap_or_else(busy));
                }
            };
            let mut head = http::Request::builder()
                .method(Method::POST)
                .uri(format!("{}{}", self.origin, request.path))
                .version(http::Version::HTTP_2)
                .header(CONTENT_TYPE, "application/json");
            for (name, value) in &request.headers {
                head = head.header(*name, value);
            }
            let head = match head.body(()) {
                Ok(head) => head,
                Err(error) => return refused(error.to_string()),
            };
            match timeout(self.patience, place.exchange(head, body.clone())).await {
                Ok(Ok(outcome)) => {
                    self.lines.answered();
                    return outcome;
                }
                Ok(Err(Failure::Unprocessed(reason))) => last = reason,
                Ok(Err(Failure::Unknown(reason))) => return retry(reason),
                Err(_) => return retry("no answer in time".to_owned()),
            }
        }
        retry(last)
    }
}

fn retry(reason: String) -> Outcome {
    Outcome::Retry { reason, after: None }
}

fn unreachable(error: OpenError) -> Outcome {
    match error {
        OpenError::Misconfigured(reason) => Outcome::Misconfigured { reason },
        OpenError::Down(reason) => retry(reason),
    }
}

fn connector(config: &Config) -> Result<TlsConnector, SetupError> {
    let unusable = |error: &dyn std::fmt::Display| SetupError::Certificate(error.to_string());
    let own = &config.certificate;
    let der = |certificate: &Certificate| CertificateDer::from(certificate.der().to_vec());
    let key = own.key.to_pkcs8().map_err(|error| unusable(&error))?;
    let mut tls = rustls::ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(&error))?
        .with_root_certificates(roots(config.ca.as_deref())?)
        .with_client_auth_cert(
            own.chain.iter().map(der).collect(),
            PrivatePkcs8KeyDer::from(key).into(),
        )
        .map_err(|error| unusable(&error))?;
    tls.alpn_protocols = vec![b"h2".to_vec()];
    Ok(TlsConnector::from(Arc::new(tls)))
}

/// The authorities in `ca`, PEM; without it, those that this machine trusts.
pub(super) fn roots(ca: Option<&str>) -> Result<RootCertStore, SetupError> {
    let certificates = match ca {
        Some(pem) => Certificate::from_pem(pem)
            .map_err(|error| SetupError::Roots(error.to_string()))?
            .iter()
            .map(|certificate| CertificateDer::from(certificate.der().to_vec()))
            .collect(),
        None => rustls_native_certs::load_native_certs().certs,
    };
    let mut store = RootCertStore::empty();
    let (added, _) = store.add_parsable_certificates(certificates);
    if added == 0 {
        let none = "this machine has none (ca-certificates), and no others are named";
        return Err(SetupError::Roots(none.to_owned()));
    }
    Ok(store)
}
