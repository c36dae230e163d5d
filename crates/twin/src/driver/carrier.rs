//! Carries the requests of one twin during one session, over as few connections as it can.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, RETRY_AFTER, USER_AGENT};
use http::{Method, StatusCode, Uri};
use http_body_util::Full;
use ordain_pki::cms::{Form, sign_detached};
use rustls::sign::SingleCertAndKey;

use super::connection::{Connection, Origin, TransportError};
use super::tls::Tls;
use super::{DriverError, Proof, Target, clock};
use crate::identity::Identity;
use crate::request::{Request, Response, To};

/// How often a request is tried that gets no answer, or one of 5xx.
const ATTEMPTS: u32 = 5;
/// The pause before the second attempt; it doubles with each one after.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// How often a request is put off by a server that has too much to do.
const MAX_THROTTLED: u32 = 50;
/// The longest pause that a server can ask for.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(60);

/// Where all twins of a run go.
pub(super) struct Road {
    server: Uri,
    check_in: Uri,
    proof: Proof,
    tls: Tls,
}

impl Road {
    pub(super) fn new(target: &Target) -> Result<Self, DriverError> {
        let uri = |url: &str| -> Result<Uri, DriverError> {
            let uri: Option<Uri> = url.parse().ok();
            uri.filter(|uri| Origin::of(uri).is_ok())
                .ok_or_else(|| DriverError::Url(url.to_owned()))
        };
        Ok(Self {
            server: uri(&target.server_url)?,
            check_in: uri(target.check_in_url.as_ref().unwrap_or(&target.server_url))?,
            proof: target.proof,
            tls: Tls::new(&target.roots)?,
        })
    }
}

/// Carries requests for one session.
pub(super) struct Carrier<'a> {
    road: &'a Road,
    identity: &'a Identity,
    certificate: Option<Arc<SingleCertAndKey>>,
    connections: Vec<(Key, Connection)>,
    /// How many requests were answered.
    pub(super) answered: u64,
    /// How often the server asked to come back later.
    pub(super) throttled: u64,
    /// What went wrong on the way, also where a later attempt succeeded.
    pub(super) errors: Vec<TransportError>,
}

/// What connections are shared by: where they lead, and whether they show the identity.
type Key = (Origin, bool);

/// What came over a connection.
struct Answer {
    response: Response,
    /// `Retry-After` with 503, when it is a number of seconds: the server has too much to do.
    retry_after: Option<Duration>,
}

impl Answer {
    fn of(answer: http::Response<Bytes>) -> Self {
        let (head, body) = answer.into_parts();
        let header = |name| head.headers.get(name)?.to_str().ok();
        let is_busy = head.status == StatusCode::SERVICE_UNAVAILABLE;
        let seconds = header(RETRY_AFTER).filter(|_| is_busy);
        Self {
            retry_after: seconds
                .and_then(|seconds| seconds.trim().parse().ok())
                .map(Duration::from_secs),
            response: Response {
                status: head.status.as_u16(),
                content_type: header(CONTENT_TYPE).map(str::to_owned),
                body: body.to_vec(),
            },
        }
    }
}

impl<'a> Carrier<'a> {
    pub(super) fn new(road: &'a Road, identity: &'a Identity) -> Result<Self, DriverError> {
        let certificate = match road.proof {
            Proof::Tls => Some(road.tls.client_certificate(identity)?),
            Proof::Signature => None,
        };
        Ok(Self {
            road,
            identity,
            certificate,
            connections: Vec::new(),
            answered: 0,
            throttled: 0,
            errors: Vec::new(),
        })
    }

    /// The answer to a request; `None` when none came, so that it is to be asked for at the next wake.
    ///
    /// What got no answer, or one of 5xx, is tried several times; where nobody listens, once. With 503 and
    /// `Retry-After` it waits as told, and a little longer.
    pub(super) async fn carry(&mut self, request: &Request) -> Option<Response> {
        let (mut pause, mut attempts, mut throttled) = (FIRST_PAUSE, 0, 0);
        loop {
            let outcome = self.attempt(request).await;
            if let Ok(Answer {
                retry_after: Some(wait),
                ..
            }) = outcome
            {
                self.throttled += 1;
                throttled += 1;
                if throttled >= MAX_THROTTLED {
                    return None;
                }
                // The server has enough connections.
                self.connections.clear();
                let wait = wait.clamp(FIRST_PAUSE, MAX_RETRY_AFTER);
                tokio::time::sleep(wait.mul_f64(1.0 + self.jitter(throttled))).await;
                continue;
            }
            attempts += 1;
            match outcome {
                Ok(Answer { response, .. }) if response.status < 500 || attempts >= ATTEMPTS => {
                    self.answered += 1;
                    return Some(response);
                }
                Ok(_) => {}
                Err(error) => {
                    let is_final = error.is_refused() || attempts >= ATTEMPTS;
                    self.errors.push(error);
                    if is_final {
                        return None;
                    }
                }
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
    }

    /// A share of 0 to 1, another one for each twin and each time.
    fn jitter(&self, time: u32) -> f64 {
        let fingerprint = self.identity.certificate.fingerprint();
        let place = usize::try_from(time).unwrap_or_default() % fingerprint.len();
        fingerprint
            .get(place)
            .map_or(0.0, |byte| f64::from(*byte) / 255.0)
    }

    async fn attempt(&mut self, request: &Request) -> Result<Answer, TransportError> {
        let (method, uri, identified) = match &request.to {
            To::CheckIn => (Method::PUT, self.road.check_in.clone(), true),
            To::Command => (Method::PUT, self.road.server.clone(), true),
            To::Download { url, identified } => (
                Method::GET,
                url.parse().map_err(|_| TransportError::Url)?,
                *identified,
            ),
        };
        let key = (Origin::of(&uri)?, identified);
        let message = self.message(method, &uri, identified, request)?;
        // A connection that failed is not used again.
        let known = self.connections.iter().position(|(known, _)| *known == key);
        let mut connection = match known {
            Some(index) => self.connections.swap_remove(index).1,
            None => {
                let certificate = self.certificate.clone().filter(|_| identified);
                Connection::open(&key.0, self.road.tls.connector(certificate)).await?
            }
        };
        let answer = connection.send(message).await?;
        self.connections.push((key, connection));
        Ok(Answer::of(answer))
    }

    fn message(
        &self,
        method: Method,
        uri: &Uri,
        identified: bool,
        request: &Request,
    ) -> Result<http::Request<Full<Bytes>>, TransportError> {
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let mut message = http::Request::builder()
            .method(method)
            .uri(path)
            .header(USER_AGENT, "MDM/1.0")
            .header(HOST, uri.authority().map_or("", |authority| authority.as_str()));
        if let Some(content_type) = request.to.content_type() {
            message = message.header(CONTENT_TYPE, content_type);
        }
        if identified && self.road.proof == Proof::Signature {
            let form = Form::WithAttributes { at: clock::now() };
            let signature = sign_detached(
                &self.identity.key,
                &self.identity.certificate,
                &request.body,
                form,
            )?;
            message = message.header("Mdm-Signature", STANDARD.encode(signature));
        }
        message
            .body(Full::new(Bytes::from(request.body.clone())))
            .map_err(|_| TransportError::Url)
    }
}
