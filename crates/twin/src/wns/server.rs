//! The push service on its connections: HTTP/1.1.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use super::State;
use super::rules::{self, MAX_PUSH};

/// Answers a pusher.
pub(super) async fn connection(stream: TlsStream<TcpStream>, state: Arc<State>) {
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
