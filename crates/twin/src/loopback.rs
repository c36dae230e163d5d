//! What the push services on loopback have in common: an authority, TLS for `localhost`, and connections.

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use ordain_pki::authority::{IssueError, Request, Usage, Validity};
use ordain_pki::key::{KeyError, KeyKind};
use ordain_pki::{Authority, Certificate, KeyPair};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::driver::clock;

/// The longest that a TLS handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// For how long certificates are valid, in seconds: a year, as Apple's are.
const LIFETIME: i64 = 365 * 24 * 60 * 60;
/// How far other clocks may be behind, in seconds.
const CLOCK_TOLERANCE: i64 = 60 * 60;

/// Why there is no push service.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The port cannot be listened on.
    #[error("listening: {0}")]
    Listen(#[from] io::Error),
    /// A key cannot be made.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A certificate cannot be issued.
    #[error(transparent)]
    Issue(#[from] IssueError),
    /// TLS does not take the certificate.
    #[error("TLS: {0}")]
    Tls(String),
}

/// Who may connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Clients {
    Anybody,
    /// Those with a certificate of the same authority.
    Certified,
}

/// A new authority.
pub(crate) fn authority(name: &str) -> Result<Authority, ServiceError> {
    Ok(Authority::new(
        KeyPair::generate(KeyKind::P256)?,
        name,
        validity(),
    )?)
}

/// That of a certificate that is issued now.
pub(crate) fn validity() -> Validity {
    let now = clock::now();
    Validity {
        not_before: now.saturating_sub(CLOCK_TOLERANCE),
        not_after: now.saturating_add(LIFETIME),
    }
}

/// TLS for `localhost`, with these protocols (ALPN).
pub(crate) fn acceptor(
    authority: &Authority,
    clients: Clients,
    protocols: &[&str],
) -> Result<TlsAcceptor, ServiceError> {
    let key = KeyPair::generate(KeyKind::P256)?;
    let certificate = authority.issue(&Request {
        public_key: key.public_key(),
        common_name: "localhost",
        organization: None,
        serial_number: None,
        usage: Usage::Server {
            names: vec!["localhost".to_owned()],
            addresses: vec![Ipv4Addr::LOCALHOST.into()],
        },
        validity: validity(),
    })?;
    let der = |certificate: &Certificate| CertificateDer::from(certificate.der().to_vec());
    let made = || -> Result<_, Box<dyn std::error::Error>> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config =
            ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions()?;
        let config = match clients {
            Clients::Anybody => config.with_no_client_auth(),
            Clients::Certified => {
                let mut roots = RootCertStore::empty();
                roots.add(der(authority.certificate()))?;
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                config.with_client_cert_verifier(verifier.build()?)
            }
        };
        let key = PrivatePkcs8KeyDer::from(key.to_pkcs8()?);
        let mut config = config.with_single_cert(vec![der(&certificate)], key.into())?;
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        Ok(TlsAcceptor::from(Arc::new(config)))
    };
    made().map_err(|error| ServiceError::Tls(error.to_string()))
}

/// Serves each connection until it is aborted, which breaks all of them.
pub(crate) async fn serve<F: Future<Output = ()> + Send + 'static>(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    connection: impl Fn(TlsStream<TcpStream>) -> F + Clone + Send + Sync + 'static,
) {
    let mut connections = JoinSet::new();
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            let (acceptor, connection) = (acceptor.clone(), connection.clone());
            connections.spawn(async move {
                // A client that breaks off, or that one of the two refuses by TLS, is no news.
                if let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await {
                    connection(stream).await;
                }
            });
        }
        while connections.try_join_next().is_some() {}
    }
}
