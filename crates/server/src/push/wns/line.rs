//! Connections to WNS: HTTP/1.1 over TLS, kept open for the next request to the same server. Redirects lead nowhere.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HOST, USER_AGENT};
use http::{HeaderMap, Method};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use ordain_windows::wns::{MAX_ANSWER, Origin, Request};
use rustls::CertificateError;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::push::SetupError;
use crate::push::apns::roots;
use crate::tls::connector;

/// The connections.
pub(super) struct Lines {
    tls: TlsConnector,
    patience: Duration,
    most: usize,
    places: Semaphore,
    /// Those that nobody uses at present, the one used last at the end.
    idle: Mutex<Vec<(Origin, Line)>>,
}

type Line = SendRequest<Full<Bytes>>;

/// Why a request has no answer. The texts name no server, so that what is counted by them comes to few.
#[derive(Debug)]
pub(super) enum Failure {
    /// There was no free connection in time, whomever it was for.
    Busy,
    /// The network, or the server, is down, or did not answer in time.
    Down(String),
    /// It does not show a certificate that counts.
    Untrusted(String),
}

/// An answer.
pub(super) struct Reply {
    pub(super) status: u16,
    headers: HeaderMap,
    /// Empty when it is longer than counts.
    pub(super) body: Bytes,
}

impl Reply {
    /// The text of a header.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Whether any header is one of WNS' own.
    pub(super) fn is_of_wns(&self) -> bool {
        self.headers
            .keys()
            .any(|name| name.as_str().starts_with("x-wns-"))
    }
}

impl Lines {
    pub(super) fn new(ca: Option<&str>, most: usize, patience: Duration) -> Result<Self, SetupError> {
        let tls = connector(roots(ca)?);
        Ok(Self {
            tls: tls.map_err(|error| SetupError::Roots(error.to_string()))?,
            patience,
            most,
            places: Semaphore::new(most),
            idle: Mutex::default(),
        })
    }

    /// Sends a request and reads the answer. What an idle connection surely did not send goes over a new one.
    pub(super) async fn exchange(&self, request: Request) -> Result<Reply, Failure> {
        let late = |what: &str| Failure::Down(format!("{what} takes too long"));
        let place = timeout(self.patience, self.places.acquire()).await;
        // It is never closed.
        let _place = place.map_err(|_| Failure::Busy)?;
        if let Some(line) = self.take(&request.origin) {
            match timeout(self.patience, self.send(line, &request)).await {
                Ok(Err(error)) if error.is_canceled() || error.is_closed() => {}
                Ok(answer) => return answer.map_err(|error| Failure::Down(error.to_string())),
                Err(_) => return Err(late("the answer")),
            }
        }
        let line = timeout(self.patience, self.open(&request.origin)).await;
        let line = line.map_err(|_| late("connecting"))??;
        match timeout(self.patience, self.send(line, &request)).await {
            Ok(answer) => answer.map_err(|error| Failure::Down(error.to_string())),
            Err(_) => Err(late("the answer")),
        }
    }

    fn take(&self, origin: &Origin) -> Option<Line> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|(_, line)| !line.is_closed());
        let place = idle.iter().rposition(|(known, _)| known == origin)?;
        Some(idle.remove(place).1)
    }

    fn give_back(&self, origin: &Origin, line: Line) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() >= self.most {
            idle.remove(0);
        }
        idle.push((origin.clone(), line));
    }

    async fn open(&self, origin: &Origin) -> Result<Line, Failure> {
        let down = |error: &dyn std::fmt::Display| Failure::Down(error.to_string());
        let name = ServerName::try_from(origin.host.clone()).map_err(|error| down(&error))?;
        let stream = TcpStream::connect((origin.host.as_str(), origin.port)).await;
        let stream = stream.map_err(|error| down(&error))?;
        let stream = self.tls.connect(name, stream).await.map_err(|error| {
            let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
            match inner {
                Some(rustls::Error::InvalidCertificate(why)) => Failure::Untrusted(untrusted(why).to_owned()),
                _ => Failure::Down(format!("TLS: {error}")),
            }
        })?;
        let (line, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| down(&error))?;
        // It ends when nobody holds the line any more; its errors come out at the requests.
        tokio::spawn(connection);
        Ok(line)
    }

    async fn send(&self, mut line: Line, request: &Request) -> Result<Reply, hyper::Error> {
        line.ready().await?;
        let Request { origin, path, .. } = request;
        let host = match origin.port {
            443 => origin.host.clone(),
            port => format!("{}:{port}", origin.host),
        };
        let mut message = http::Request::new(Full::new(Bytes::from(request.body.clone())));
        *message.method_mut() = Method::POST;
        // It has the characters of addresses only, so it can be said.
        let path = http::uri::PathAndQuery::try_from(path.as_str());
        *message.uri_mut() = path.map(http::Uri::from).unwrap_or_default();
        let headers = message.headers_mut();
        let mut set = |name: http::HeaderName, value: &str| {
            if let Ok(mut value) = http::HeaderValue::from_str(value) {
                value.set_sensitive(true);
                headers.insert(name, value);
            }
        };
        set(HOST, &host);
        set(USER_AGENT, concat!("ordain/", env!("CARGO_PKG_VERSION")));
        set(CONTENT_LENGTH, &request.body.len().to_string());
        for (name, value) in &request.headers {
            set(http::HeaderName::from_static(name), value);
        }
        let (head, body) = line.send_request(message).await?.into_parts();
        let body = Limited::new(body, MAX_ANSWER).collect().await;
        let is_whole = body.is_ok();
        if is_whole {
            self.give_back(origin, line);
        }
        Ok(Reply {
            status: head.status.as_u16(),
            headers: head.headers,
            body: body.map(|body| body.to_bytes()).unwrap_or_default(),
        })
    }
}

/// Why a certificate does not count.
fn untrusted(why: &CertificateError) -> &'static str {
    match why {
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "TLS: its certificate is of an authority that is not trusted"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "TLS: its certificate is for another name"
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "TLS: its certificate has expired"
        }
        _ => "TLS: its certificate does not count",
    }
}
