//! The push service on its connections: HTTP/2 and nothing else.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::{Bytes, BytesMut};
use h2::RecvStream;
use h2::server::SendResponse;
use ordain_apple::push::{MAX_PAYLOAD, is_mdm_topic};
use ordain_pki::Certificate;
use serde_json::json;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::server::TlsStream;
use uuid::Uuid;

use super::rules::{self, Refusal};
use super::{State, Trouble};

/// Answers a pusher.
pub(super) async fn connection(stream: TlsStream<TcpStream>, state: Arc<State>) {
    let shown = stream.get_ref().1.peer_certificates().unwrap_or_default();
    let certificate = shown.first().and_then(|der| Certificate::from_der(der).ok());
    let topic: Option<Arc<str>> = certificate
        .as_ref()
        .and_then(Certificate::user_id)
        .filter(|topic| is_mdm_topic(topic))
        .map(Arc::from);
    let streams = state.knobs().streams;
    let mut http = h2::server::Builder::new();
    let Ok(mut http) = http.max_concurrent_streams(streams).handshake(stream).await else {
        return;
    };
    state.book().counts.connections += 1;
    let (mut answers, mut requests) = (JoinSet::new(), 0);
    let under_way = Arc::new(AtomicUsize::new(0));
    while let Some(Ok((request, respond))) = http.accept().await {
        let place = Place::take(&under_way);
        let mut book = state.book();
        book.counts.most_streams = book.counts.most_streams.max(place.1);
        drop(book);
        answers.spawn(answer(request, respond, topic.clone(), state.clone(), place));
        while answers.try_join_next().is_some() {}
        requests += 1;
        if state.knobs().goaway_after == Some(requests) {
            http.graceful_shutdown();
        }
    }
}

/// One request under way, and how many there were with it.
struct Place(Arc<AtomicUsize>, usize);

impl Place {
    fn take(all: &Arc<AtomicUsize>) -> Self {
        Self(all.clone(), all.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn answer(
    request: http::Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    topic: Option<Arc<str>>,
    state: Arc<State>,
    place: Place,
) {
    let (head, body) = request.into_parts();
    let Some(body) = read(body).await else {
        return;
    };
    let latency = {
        let knobs = state.knobs();
        if knobs.silent { None } else { Some(knobs.latency) }
    };
    let Some(latency) = latency else {
        return std::future::pending().await;
    };
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    let outcome = decide(&head, &body, topic.as_deref(), &state);
    let id = head.headers.get("apns-id").and_then(|id| id.to_str().ok());
    let id = id.filter(|id| rules::is_id(id)).map(str::to_owned);
    let id = id.unwrap_or_else(|| Uuid::new_v4().to_string());
    let response = http::Response::builder().header("apns-id", id);
    // The stream ends with its answer: the next one may come at once.
    drop(place);
    match outcome {
        Ok(()) => {
            if let Ok(response) = response.status(200).body(()) {
                let _ = respond.send_response(response, true);
            }
        }
        Err(refusal) => {
            let mut response = response
                .status(refusal.status)
                .header("content-type", "application/json");
            if let Some(seconds) = refusal.retry_after {
                response = response.header("retry-after", seconds);
            }
            let mut body = json!({"reason": refusal.reason});
            if let (Some(timestamp), Some(body)) = (refusal.timestamp, body.as_object_mut()) {
                body.insert("timestamp".to_owned(), json!(timestamp));
            }
            if let Ok(response) = response.body(())
                && let Ok(mut stream) = respond.send_response(response, false)
            {
                let _ = stream.send_data(Bytes::from(body.to_string()), true);
            }
        }
    }
}

fn decide(
    head: &http::request::Parts,
    body: &[u8],
    topic: Option<&str>,
    state: &State,
) -> Result<(), Refusal> {
    let knobs = {
        let mut knobs = state.knobs();
        if let Some(trouble) = knobs.trouble.as_mut().filter(|trouble| trouble.times > 0) {
            trouble.times -= 1;
            let refusal = trouble.refusal();
            state.book().refused(&refusal);
            return Err(refusal);
        }
        knobs.clone()
    };
    let push = rules::read(head, body, topic);
    let mut book = state.book();
    let outcome = push.and_then(|push| book.push(push, &knobs));
    if let Err(refusal) = &outcome {
        book.refused(refusal);
    }
    outcome
}

impl Trouble {
    fn refusal(&self) -> Refusal {
        Refusal {
            retry_after: self.retry_after,
            ..Refusal::new(self.status, &self.reason)
        }
    }
}

/// A body, or as much of it as shows that it is too large; `None` when the sender broke off.
async fn read(mut stream: RecvStream) -> Option<Bytes> {
    let mut body = BytesMut::new();
    while body.len() <= MAX_PAYLOAD {
        let Some(data) = stream.data().await else {
            break;
        };
        let data = data.ok()?;
        body.extend_from_slice(&data);
        stream.flow_control().release_capacity(data.len()).ok()?;
    }
    Some(body.freeze())
}
