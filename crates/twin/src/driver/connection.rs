//! One connection: TCP, TLS, HTTP/1.1.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// The longest that connecting, or an answer, may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// The largest body that is read, in octets.
const MAX_BODY: usize = 64 << 20;

/// Why a request got no answer.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// The URL is not https, or has no host.
    #[error("not an https URL")]
    Url,
    /// No connection, or no TLS over it.
    #[error("connecting: {0}")]
    Connect(io::Error),
    /// It took longer than a minute.
    #[error("no answer within {} s", PATIENCE.as_secs())]
    Timeout,
    /// The connection broke, or what came over it is no HTTP.
    #[error("HTTP: {0}")]
    Http(#[from] hyper::Error),
    /// The body is too large, or ends early.
    #[error("reading the body: {0}")]
    Body(String),
    /// The request cannot be signed.
    #[error("signing: {0}")]
    Sign(#[from] ordain_pki::key::KeyError),
}

impl TransportError {
    /// Whether nobody listens: the server is down, or starts anew.
    pub(super) fn is_refused(&self) -> bool {
        matches!(self, Self::Connect(error) if error.kind() == io::ErrorKind::ConnectionRefused)
    }
}

/// Where a connection leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin {
    host: String,
    port: u16,
}

impl Origin {
    /// The origin of an https URL.
    pub(super) fn of(uri: &http::Uri) -> Result<Self, TransportError> {
        let host = uri
            .host()
            .filter(|_| uri.scheme() == Some(&http::uri::Scheme::HTTPS));
        Ok(Self {
            host: host.ok_or(TransportError::Url)?.to_owned(),
            port: uri.port_u16().unwrap_or(443),
        })
    }
}

/// An open connection, closed when dropped.
pub(super) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    task: AbortHandle,
}

impl Connection {
    pub(super) async fn open(origin: &Origin, tls: TlsConnector) -> Result<Self, TransportError> {
        timeout(PATIENCE, Self::connect(origin, tls))
            .await
            .map_err(|_| TransportError::Timeout)?
    }

    async fn connect(origin: &Origin, tls: TlsConnector) -> Result<Self, TransportError> {
        // IPv6 addresses stand in brackets in URLs, and without them elsewhere.
        let host = origin.host.trim_start_matches('[').trim_end_matches(']');
        let name = ServerName::try_from(host.to_owned()).map_err(|_| TransportError::Url)?;
        let stream = TcpStream::connect((host, origin.port))
            .await
            .map_err(TransportError::Connect)?;
        stream.set_nodelay(true).map_err(TransportError::Connect)?;
        let stream = tls.connect(name, stream).await.map_err(TransportError::Connect)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // Its errors come back with the requests.
        let task = tokio::spawn(async move { drop(connection.await) }).abort_handle();
        Ok(Self { sender, task })
    }

    /// Sends a request whose URI is a path, and reads the answer to its end.
    pub(super) async fn send(
        &mut self,
        request: http::Request<Full<Bytes>>,
    ) -> Result<http::Response<Bytes>, TransportError> {
        timeout(PATIENCE, self.exchange(request))
            .await
            .map_err(|_| TransportError::Timeout)?
    }

    async fn exchange(
        &mut self,
        request: http::Request<Full<Bytes>>,
    ) -> Result<http::Response<Bytes>, TransportError> {
        self.sender.ready().await?;
        let (head, body) = self.sender.send_request(request).await?.into_parts();
        let body = Limited::new(body, MAX_BODY).collect().await.map_err(|error| {
            TransportError::Body(if error.is::<LengthLimitError>() {
                format!("it is larger than {MAX_BODY} octets")
            } else {
                error.to_string()
            })
        })?;
        Ok(http::Response::from_parts(head, body.to_bytes()))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}
