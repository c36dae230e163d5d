//! The push service on its socket: TLS and HTTP/1.1.

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use ordain_pki::authority::{Request as CertificateRequest, Usage, Validity};
use ordain_pki::key::KeyKind;
use ordain_pki::{Authority, Certificate, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::rules::{self, MAX_PUSH};
use super::{State, WnsError};
use crate::driver::clock;

/// The longest that a TLS handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// For how long its certificates are valid, in seconds.
const LIFETIME: i64 = 365 * 24 * 60 * 60;
/// How far other clocks may be behind, in seconds.
const CLOCK_TOLERANCE: i64 = 60 * 60;

/// A new authority, and TLS for `localhost`.
pub(super) fn acceptor() -> Result<(Authority, TlsAcceptor), WnsError> {
    let now = clock::now();
    let validity = Validity {
        not_before: now.saturating_sub(CLOCK_TOLERANCE),
        not_after: now.saturating_add(LIFETIME),
    };
    let authority = Authority::new(KeyPair::generate(KeyKind::P256)?, "Fake Microsoft CA", validity)?;
    let key = KeyPair::generate(KeyKind::P256)?;
    let certificate = authority.issue(&CertificateRequest {
        public_key: key.public_key(),
        common_name: "localhost",
        organization: None,
        serial_number: None,
        usage: Usage::Server {
            names: vec!["localhost".to_owned()],
            addresses: vec![Ipv4Addr::LOCALHOST.into()],
        },
        validity,
    })?;
    let der = |certificate: &Certificate| CertificateDer::from(certificate.der().to_vec());
    let made = || -> Result<_, Box<dyn std::error::Error>> {
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(
                vec![der(&certificate)],
                PrivatePkcs8KeyDer::from(key.to_pkcs8()?).into(),
            )?;
        Ok(TlsAcceptor::from(Arc::new(config)))
    };
    let acceptor = made().map_err(|error| WnsError::Tls(error.to_string()))?;
    Ok((authority, acceptor))
}

/// Serves until it is aborted, which breaks all connections.
pub(super) async fn serve(listener: TcpListener, acceptor: TlsAcceptor, state: Arc<State>) {
    let mut connections = JoinSet::new();
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            connections.spawn(connection(stream, acceptor.clone(), state.clone()));
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn connection(stream: TcpStream, acceptor: TlsAcceptor, state: Arc<State>) {
    // A client that breaks off, or does not trust it, is no news.
    let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await else {
        return;
    };
    let service = service_fn(|request| answer(request, &state));
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn answer(request: Request<Incoming>, state: &State) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, MAX_PUSH + 1).collect().await;
    let body = body.map(|body| body.to_bytes()).unwrap_or_default();
    let mut response = match head.uri.path() {
        "/accesstoken.srf" => token(&head, &body, state),
        _ => push(&head, &body, state),
    };
    response
        .headers_mut()
        .insert("x-wns-msg-id", http::HeaderValue::from_static("1"));
    Ok(response)
}

fn token(head: &http::request::Parts, body: &[u8], state: &State) -> Response<Full<Bytes>> {
    let may = !state.knobs().no_tokens && rules::may_have_token(head, body);
    let (status, body) = match may {
        true => {
            let token = state.book().token();
            let body = json!({"access_token": token, "token_type": "bearer", "expires_in": 86_400});
            (200, body)
        }
        false => (400, json!({"error": "invalid_client"})),
    };
    let mut response = Response::new(Full::new(Bytes::from(body.to_string())));
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
    response
}

fn push(head: &http::request::Parts, body: &[u8], state: &State) -> Response<Full<Bytes>> {
    let trouble = {
        let mut knobs = state.knobs();
        let trouble = knobs.trouble.as_mut().filter(|trouble| trouble.times > 0);
        trouble.map(|trouble| {
            trouble.times -= 1;
            trouble.clone()
        })
    };
    let mut response = Response::new(Full::default());
    let mut set = |name: &'static str, value: &str| {
        if let Ok(value) = http::HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
    };
    let mut book = state.book();
    let status = match (trouble, rules::read(head, body)) {
        (Some(trouble), _) => {
            if let Some(fate) = &trouble.fate {
                set("x-wns-status", fate);
            }
            if let Some(seconds) = trouble.retry_after {
                set("retry-after", &seconds.to_string());
            }
            trouble.status
        }
        (None, Err(status)) => status,
        (None, Ok(push)) if !book.has_token(&push.token) => 401,
        (None, Ok(push)) => {
            let (status, fate) = book.push(&push.channel, push.is_cached);
            if let Some(fate) = fate {
                set("x-wns-status", fate);
            }
            status
        }
    };
    book.answered(status);
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
    response
}
