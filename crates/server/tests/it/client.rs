//! A small HTTP client: one connection, kept for as long as the server keeps it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use ordain_pki::Certificate;
use rustls::client::ResolvesClientCert;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, RootCertStore, SignatureScheme, SupportedProtocolVersion};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::Mutex;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;

use crate::house::Site;
use crate::identity::Identity;

/// What a server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .get(name)
            .map(|value| value.to_str().expect("a text"))
    }

    /// The same answer with a status that is as expected.
    #[track_caller]
    pub(crate) fn with(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        self
    }

    /// All that the one who asked can learn from it; the time of day aside.
    pub(crate) fn told(mut self) -> Self {
        self.headers.remove("date");
        self
    }
}

/// Where a client comes from.
pub(crate) const DIRECT: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// The address of the proxy that the servers here trust.
pub(crate) const PROXY: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

/// How long a connection may be silent and is used again: the server closes it after 30 seconds, maybe just when a request
/// comes.
const LONGEST_SILENCE: Duration = Duration::from_secs(20);

/// How a client speaks.
#[derive(Clone)]
pub(crate) struct Manner {
    /// Its address.
    pub(crate) from: IpAddr,
    /// The certificate that it shows in the handshake.
    pub(crate) certificate: Option<Identity>,
    pub(crate) versions: Vec<&'static SupportedProtocolVersion>,
    pub(crate) http2: bool,
}

impl Default for Manner {
    fn default() -> Self {
        Self {
            from: DIRECT,
            certificate: None,
            versions: rustls::ALL_VERSIONS.to_vec(),
            http2: false,
        }
    }
}

/// A client of one server.
pub(crate) struct Client {
    site: Arc<Site>,
    manner: Manner,
    /// To whom, and when it was last used.
    open: Mutex<Option<(SocketAddr, Sender, Instant)>>,
}

enum Sender {
    One(http1::SendRequest<Full<Bytes>>),
    Two(http2::SendRequest<Full<Bytes>>),
}

/// A stream below HTTP.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

impl Client {
    pub(crate) fn new(site: Arc<Site>, manner: Manner) -> Self {
        Self {
            site,
            manner,
            open: Mutex::default(),
        }
    }

    /// Sends one request. `headers` are sent as they are.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(String, String)],
        body: &[u8],
    ) -> Answer {
        let method: Method = method.parse().expect("a method");
        let mut request = Request::builder().method(method).uri(path);
        if !self.manner.http2 {
            request = request.header("host", "localhost");
        } else {
            request = request.uri(format!("https://localhost{path}"));
        }
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let body = Full::new(Bytes::copy_from_slice(body));
        let request = request.body(body).expect("a request");

        let address = self.site.address();
        let mut open = self.open.lock().await;
        let is_silent = |used: &Instant| used.elapsed() > LONGEST_SILENCE;
        let mut sender = match open.take() {
            Some((to, sender, used)) if to == address && sender.is_open() && !is_silent(&used) => sender,
            _ => self.connect().await,
        };
        let response = sender.send(request).await.expect("an answer");
        *open = Some((address, sender, Instant::now()));
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("a whole answer");
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: body.to_bytes(),
        }
    }

    async fn connect(&self) -> Sender {
        let io = TokioIo::new(self.stream().await);
        if self.manner.http2 {
            let (sender, connection) = http2::handshake(TokioExecutor::new(), io).await.expect("HTTP/2");
            tokio::spawn(connection);
            Sender::Two(sender)
        } else {
            let (sender, connection) = http1::handshake(io).await.expect("HTTP/1.1");
            tokio::spawn(connection);
            Sender::One(sender)
        }
    }

    /// A connection for what no decent client sends.
    pub(crate) async fn stream(&self) -> Box<dyn Stream> {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket
            .bind(SocketAddr::new(self.manner.from, 0))
            .expect("an address of this machine");
        let stream = socket.connect(self.site.address()).await.expect("a listener");
        match self.site.ca() {
            Some(ca) => Box::new(self.encrypted(stream, &ca).await),
            None => Box::new(stream),
        }
    }

    async fn encrypted(
        &self,
        stream: TcpStream,
        ca: &Certificate,
    ) -> tokio_rustls::client::TlsStream<TcpStream> {
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from(ca.der().to_vec()))
            .expect("a certificate");
        let provider = Arc::new(aws_lc_rs::default_provider());
        let time = Arc::new(TestTime(self.site.now()));
        let mut config = ClientConfig::builder_with_details(provider, time)
            .with_protocol_versions(&self.manner.versions)
            .expect("versions of TLS")
            .with_root_certificates(roots)
            .with_client_cert_resolver(Arc::new(Shows::new(self.manner.certificate.as_ref())));
        if self.manner.http2 {
            config.alpn_protocols = vec![b"h2".to_vec()];
        }
        let name = ServerName::try_from("localhost").expect("a name");
        let connector = TlsConnector::from(Arc::new(config));
        connector.connect(name, stream).await.expect("a handshake")
    }
}

impl Sender {
    fn is_open(&self) -> bool {
        match self {
            Self::One(sender) => !sender.is_closed(),
            Self::Two(sender) => !sender.is_closed(),
        }
    }

    async fn send(&mut self, request: Request<Full<Bytes>>) -> hyper::Result<Response<Incoming>> {
        match self {
            Self::One(sender) => {
                sender.ready().await?;
                sender.send_request(request).await
            }
            Self::Two(sender) => sender.send_request(request).await,
        }
    }
}

/// The clock of the test, for the server's certificate.
#[derive(Debug)]
struct TestTime(i64);

impl TimeProvider for TestTime {
    fn current_time(&self) -> Option<UnixTime> {
        let since = std::time::Duration::from_secs(self.0.unsigned_abs());
        Some(UnixTime::since_unix_epoch(since))
    }
}

/// Shows a certificate whatever is thought of it, X.509 v1 included, which rustls' own way would not.
#[derive(Debug)]
struct Shows(Option<Arc<CertifiedKey>>);

impl Shows {
    fn new(identity: Option<&Identity>) -> Self {
        Self(identity.map(|identity| {
            let key = identity.key.to_pkcs8().expect("a key");
            let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key));
            let key = aws_lc_rs::sign::any_supported_type(&key).expect("a key");
            let certificate = CertificateDer::from(identity.certificate.der().to_vec());
            Arc::new(CertifiedKey::new(vec![certificate], key))
        }))
    }
}

impl ResolvesClientCert for Shows {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.0.clone()
    }

    fn has_certs(&self) -> bool {
        self.0.is_some()
    }
}
