//! The HTTP client for webhooks and for keys of sign-in services: one connection for each message, no redirects.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, USER_AGENT};
use http::{Method, Request, StatusCode, request};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::RootCertStore;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use url::{Host, Position, Url};

use crate::settings::StartError;
use crate::tls::connector;

/// For all of it: the name, the connection, the handshake, and the answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// The header with the signature of a message.
pub(crate) const SIGNATURE: &str = "Ordain-Signature";

/// Why a message was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Undelivered {
    /// No answer that could be read, and why.
    #[error("{0}")]
    Unreachable(String),
    /// Plain HTTP, and not to this machine.
    #[error("http is for receivers on this machine only")]
    NotLocal,
    /// It answered, but did not take it.
    #[error("it answered {0}")]
    Refused(StatusCode),
    /// It took too long.
    #[error("it did not answer within {} s", PATIENCE.as_secs())]
    Slow,
}

/// Sends messages to receivers that the system's authorities vouch for.
pub(crate) struct Client {
    tls: TlsConnector,
}

impl Client {
    /// A client that trusts the system's authorities, as they are now.
    pub(crate) fn new() -> Result<Self, StartError> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let tls = connector(roots).map_err(|error| StartError::Crypto(error.to_string()))?;
        Ok(Self { tls })
    }

    /// Posts JSON to `url` with its signature. It was taken when a 2xx comes back; what else the answer says is not read.
    pub(crate) async fn post(&self, url: &str, signature: &str, body: String) -> Result<(), Undelivered> {
        let request = Request::builder()
            .method(Method::POST)
            .header(CONTENT_TYPE, "application/json")
            .header(SIGNATURE, signature);
        self.taken(url, request, body.into(), 0).await.map(drop)
    }

    /// What is at `url`, at most `most` octets of it.
    pub(crate) async fn get(&self, url: &str, most: usize) -> Result<Bytes, Undelivered> {
        self.taken(url, Request::builder().method(Method::GET), Bytes::new(), most)
            .await
    }

    async fn taken(
        &self,
        url: &str,
        request: request::Builder,
        body: Bytes,
        most: usize,
    ) -> Result<Bytes, Undelivered> {
        let exchange = tokio::time::timeout(PATIENCE, self.exchange(url, request, body, most));
        let (status, answer) = exchange.await.map_err(|_| Undelivered::Slow)??;
        if status.is_success() {
            Ok(answer)
        } else {
            Err(Undelivered::Refused(status))
        }
    }

    /// The status, and, unless `most` is none, the body of a success.
    async fn exchange(
        &self,
        url: &str,
        request: request::Builder,
        body: Bytes,
        most: usize,
    ) -> Result<(StatusCode, Bytes), Undelivered> {
        let url = Url::parse(url).map_err(unreachable)?;
        let host = url.host().ok_or_else(|| unreachable("no host"))?;
        let is_tls = url.scheme() == "https";
        let port = url.port_or_known_default().unwrap_or(443);
        let name = match host {
            Host::Domain(name) => name.to_owned(),
            Host::Ipv4(address) => address.to_string(),
            Host::Ipv6(address) => address.to_string(),
        };
        let addresses = tokio::net::lookup_host((name.as_str(), port))
            .await
            .map_err(unreachable)?;
        let addresses: Vec<_> = addresses.collect();
        if !is_tls && !addresses.iter().all(|address| address.ip().is_loopback()) {
            return Err(Undelivered::NotLocal);
        }
        let request = request
            .uri(&url[Position::BeforePath..Position::AfterQuery])
            .header(HOST, &url[Position::BeforeHost..Position::AfterPort])
            .header(USER_AGENT, concat!("ordain/", env!("CARGO_PKG_VERSION")))
            .body(Full::new(body))
            .map_err(unreachable)?;
        let stream = TcpStream::connect(&*addresses).await.map_err(unreachable)?;
        if !is_tls {
            return send(stream, request, most).await;
        }
        let name = ServerName::try_from(name).map_err(unreachable)?;
        let stream = self.tls.connect(name, stream).await.map_err(unreachable)?;
        send(stream, request, most).await
    }
}

async fn send(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
    most: usize,
) -> Result<(StatusCode, Bytes), Undelivered> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(unreachable)?;
    // It ends with this function, whatever the receiver does; its errors come out at the request.
    let mut connections = JoinSet::new();
    connections.spawn(connection);
    let answer = sender.send_request(request).await.map_err(unreachable)?;
    let status = answer.status();
    if most == 0 || !status.is_success() {
        return Ok((status, Bytes::new()));
    }
    let body = Limited::new(answer.into_body(), most).collect().await;
    Ok((status, body.map_err(unreachable)?.to_bytes()))
}

fn unreachable(cause: impl ToString) -> Undelivered {
    Undelivered::Unreachable(cause.to_string())
}
