//! Carries the requests of one Windows twin, over as few connections as it can.

use bytes::Bytes;
use http::header::{
    CONTENT_LENGTH, CONTENT_TYPE, HOST, LOCATION, RETRY_AFTER, SET_COOKIE, TRANSFER_ENCODING, USER_AGENT,
};
use http::{HeaderName, Uri};
use http_body_util::Full;

use crate::driver::connection::{Connection, Origin, TransportError};
use crate::driver::tls::Tls;
use crate::driver::{DriverError, Roots};
use crate::windows::{Request, Response, Twin};

/// Where all twins of a run go: whom they trust.
pub struct Road {
    tls: Tls,
}

impl Road {
    /// Twins trust these to vouch for servers, and nobody else (F6).
    pub fn new(roots: &Roots) -> Result<Self, DriverError> {
        Ok(Self {
            tls: Tls::new(roots)?,
        })
    }
}

/// The connections of one twin.
pub struct Line<'a> {
    road: &'a Road,
    connections: Vec<(Key, Connection)>,
    /// How many requests were answered.
    pub answered: u64,
    /// What went wrong on the way.
    pub errors: Vec<TransportError>,
}

/// What connections are shared by: where they lead, and the certificate that they show.
type Key = (Origin, Option<[u8; 32]>);

impl<'a> Line<'a> {
    /// No connections yet.
    pub fn new(road: &'a Road) -> Self {
        Self {
            road,
            connections: Vec::new(),
            answered: 0,
            errors: Vec::new(),
        }
    }

    /// Lets a twin do all that it has to do at this time, in unix seconds.
    pub async fn hold(&mut self, twin: &mut Twin, now: i64) {
        while let Some(request) = twin.request(now) {
            match self.send(&request).await {
                Some(response) => twin.respond(&response, now),
                None => twin.interrupted(now),
            }
        }
    }

    /// The answer to a request; `None` when none came.
    ///
    /// A connection that was used before may have been closed meanwhile: then the same request goes over another one.
    pub async fn send(&mut self, request: &Request) -> Option<Response> {
        let mut attempt = self.attempt(request).await;
        if let Err((_, true)) = attempt {
            attempt = self.attempt(request).await;
        }
        match attempt {
            Ok(response) => {
                self.answered += 1;
                Some(response)
            }
            Err((error, _)) => {
                self.errors.push(error);
                None
            }
        }
    }

    /// The error is with whether the connection had been used before.
    async fn attempt(&mut self, request: &Request) -> Result<Response, (TransportError, bool)> {
        let fresh = |error| (error, false);
        let uri: Uri = request.url.parse().map_err(|_| fresh(TransportError::Url))?;
        let shown = request
            .identity
            .as_ref()
            .map(|identity| identity.certificate.fingerprint());
        let key = (Origin::of(&uri).map_err(fresh)?, shown);
        let message = message(request, &uri).map_err(fresh)?;
        let known = self.connections.iter().position(|(known, _)| *known == key);
        let mut connection = match known {
            Some(index) => self.connections.swap_remove(index).1,
            None => {
                let identity = request.identity.as_ref();
                let certificate = identity.map(|identity| self.road.tls.client_certificate(identity));
                // A key that TLS does not take shows nothing.
                let certificate = certificate.transpose().ok().flatten();
                let connector = self.road.tls.connector(certificate);
                Connection::open(&key.0, connector).await.map_err(fresh)?
            }
        };
        let answer = connection.send(message).await;
        let answer = answer.map_err(|error| (error, known.is_some()))?;
        self.connections.push((key, connection));
        Ok(response(answer))
    }
}

fn message(request: &Request, uri: &Uri) -> Result<http::Request<Full<Bytes>>, TransportError> {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let mut message = http::Request::builder()
        .method(request.method.clone())
        .uri(path)
        .header(HOST, uri.authority().map_or("", |authority| authority.as_str()));
    if let Some(content_type) = request.content_type {
        message = message.header(CONTENT_TYPE, content_type);
    }
    for (name, value) in &request.headers {
        message = message.header(HeaderName::from_static(name), value);
    }
    if request
        .headers
        .iter()
        .all(|(name, _)| *name != USER_AGENT.as_str())
    {
        message = message.header(USER_AGENT, "Windows Enrollment Client");
    }
    message
        .body(Full::new(Bytes::from(request.body.clone())))
        .map_err(|_| TransportError::Url)
}

fn response(answer: http::Response<Bytes>) -> Response {
    let (head, body) = answer.into_parts();
    let text = |name| head.headers.get(name)?.to_str().ok().map(str::to_owned);
    let cookies = head.headers.get_all(SET_COOKIE).into_iter();
    Response {
        status: head.status.as_u16(),
        content_type: text(CONTENT_TYPE),
        content_length: text(CONTENT_LENGTH).and_then(|length| length.parse().ok()),
        is_chunked: head.headers.contains_key(TRANSFER_ENCODING),
        retry_after: text(RETRY_AFTER).and_then(|seconds| seconds.trim().parse().ok()),
        location: text(LOCATION),
        cookies: cookies
            .filter_map(|cookie| cookie.to_str().ok().map(str::to_owned))
            .collect(),
        body: body.to_vec(),
    }
}
