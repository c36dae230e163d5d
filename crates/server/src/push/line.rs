//! One connection to APNs: TLS with the push certificate, HTTP/2, and a pulse that notices its death.
//!
//! This speaks h2, the HTTP/2 inside hyper, itself: only its errors tell a request that was surely not processed, and
//! its senders how many streams the peer allows at present.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use h2::client::SendRequest;
use h2::{Ping, PingPong, Reason, RecvStream};
use http::header::RETRY_AFTER;
use ordain_apple::push::{self, MAX_ANSWER, Reconnect};
use ordain_model::wake::Outcome;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// The most requests at once that one connection is given, however many the peer allows.
const MOST_STREAMS: usize = 1000;
/// The largest headers that an answer may have, in octets.
const MAX_HEADERS: u32 = 16 * 1024;

/// Where connections lead, and how.
pub(super) struct Road {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) name: ServerName<'static>,
    pub(super) tls: TlsConnector,
    /// The longest that connecting, a pong, or an answer may take.
    pub(super) patience: Duration,
    /// How often a connection is pinged.
    pub(super) pulse: Duration,
}

/// Why there is no connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum OpenError {
    /// One side does not take the other's certificate, or whoever answers does not speak HTTP/2: trying again helps
    /// only after somebody has acted.
    Misconfigured(String),
    /// The network, or APNs, is down.
    Down(String),
}

/// Why a request has no answer.
pub(super) enum Failure {
    /// The peer says, or has not got so far, that it was not processed: it can be sent again.
    Unprocessed(String),
    /// It may have been processed, or not.
    Unknown(String),
}

/// An open connection. Dropping it closes it: whoever has a request under way keeps it.
pub(super) struct Line {
    sender: SendRequest<Bytes>,
    /// Requests under way.
    busy: AtomicUsize,
    /// It takes no more requests.
    retired: AtomicBool,
    driver: AbortHandle,
}

impl Line {
    /// Connects, and waits for the first sign of life: only then the peer has said how many streams it allows, and has
    /// seen the certificate, which TLS 1.3 lets it refuse after the handshake.
    pub(super) async fn open(road: &Road) -> Result<Self, OpenError> {
        timeout(road.patience, Self::connect(road))
            .await
            .unwrap_or_else(|_| Err(OpenError::Down("connecting takes too long".to_owned())))
    }

    async fn connect(road: &Road) -> Result<Self, OpenError> {
        let down = |error: io::Error| OpenError::Down(error.to_string());
        let stream = TcpStream::connect((road.host.as_str(), road.port))
            .await
            .map_err(down)?;
        stream.set_nodelay(true).map_err(down)?;
        let stream = road.tls.connect(road.name.clone(), stream).await;
        let stream = stream.map_err(|error| tls_error(&error))?;
        if stream.get_ref().1.alpn_protocol() != Some(b"h2") {
            return Err(OpenError::Misconfigured("no HTTP/2 there".to_owned()));
        }
        let (sender, mut connection) = h2::client::Builder::new()
            .initial_max_send_streams(1)
            .enable_push(false)
            .max_header_list_size(MAX_HEADERS)
            .handshake(stream)
            .await
            .map_err(|error| http_error(&error))?;
        let mut pings = connection
            .ping_pong()
            .ok_or_else(|| OpenError::Down("no pings".to_owned()))?;
        tokio::select! {
            end = &mut connection => {
                return Err(end.err().map_or_else(
                    || OpenError::Down("closed at once".to_owned()),
                    |error| http_error(&error),
                ));
            }
            pong = pings.ping(Ping::opaque()) => {
                pong.map_err(|error| http_error(&error))?;
            }
        }
        let driver = tokio::spawn(drive(connection, pings, road.pulse, road.patience));
        Ok(Self {
            sender,
            busy: AtomicUsize::new(0),
            retired: AtomicBool::new(false),
            driver: driver.abort_handle(),
        })
    }

    /// Whether it can be used.
    pub(super) fn is_open(&self) -> bool {
        !self.retired.load(Ordering::Acquire) && !self.driver.is_finished()
    }

    /// Takes one of the places that the peer allows at present, if one is free.
    pub(super) fn take_place(self: &Arc<Self>) -> bool {
        let most = self.sender.current_max_send_streams().min(MOST_STREAMS);
        let more = |busy: usize| (busy < most).then_some(busy + 1);
        self.busy
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, more)
            .is_ok()
    }

    /// Gives a place back.
    pub(super) fn free_place(&self) {
        self.busy.fetch_sub(1, Ordering::AcqRel);
    }

    /// Sends a request and reads the answer. For who has a place.
    pub(super) async fn exchange(&self, head: http::Request<()>, body: Bytes) -> Result<Outcome, Failure> {
        let unsent = |error: h2::Error| {
            self.retire();
            Failure::Unprocessed(error.to_string())
        };
        let mut sender = self.sender.clone().ready().await.map_err(unsent)?;
        let (response, mut stream) = sender.send_request(head, false).map_err(unsent)?;
        // A stream that takes no body any more has an answer, or an error, that says why.
        let _ = stream.send_data(body, true);
        let response = response.await.map_err(|error| self.failure(&error))?;
        let (head, body) = response.into_parts();
        let retry_after = head.headers.get(RETRY_AFTER);
        let retry_after = retry_after.and_then(|value| value.to_str().ok());
        let body = read(body).await;
        push::outcome(head.status.as_u16(), retry_after, &body).map_err(|Reconnect| {
            self.retire();
            Failure::Unprocessed("the connection was idle for too long".to_owned())
        })
    }

    fn retire(&self) {
        self.retired.store(true, Ordering::Release);
    }

    fn failure(&self, error: &h2::Error) -> Failure {
        // h2 gives a GOAWAY of the peer to those streams only that come after the last one that the peer names, and
        // lets the others go on (RFC 9113 §6.8); a refused stream was not processed either (§8.7).
        let refused = error.is_reset() && error.reason() == Some(Reason::REFUSED_STREAM);
        if !error.is_reset() {
            self.retire();
        }
        if error.is_remote() && (error.is_go_away() || refused) {
            Failure::Unprocessed(error.to_string())
        } else {
            Failure::Unknown(error.to_string())
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// Keeps a connection going until it ends, or does not answer a ping in time. Either way its requests end with it.
async fn drive(
    connection: h2::client::Connection<TlsStream<TcpStream>>,
    mut pings: PingPong,
    pulse: Duration,
    patience: Duration,
) {
    let dead = async {
        loop {
            sleep(pulse).await;
            if !matches!(timeout(patience, pings.ping(Ping::opaque())).await, Ok(Ok(_))) {
                break;
            }
        }
    };
    tokio::select! {
        end = connection => if let Err(error) = end {
            tracing::debug!(%error, "a connection to APNs ended");
        },
        () = dead => tracing::warn!("a connection to APNs is dead"),
    }
}

/// What there is of a body, up to one octet more than counts.
async fn read(mut stream: RecvStream) -> Bytes {
    let mut body = BytesMut::new();
    while body.len() <= MAX_ANSWER
        && let Some(Ok(data)) = stream.data().await
    {
        let room = (MAX_ANSWER + 1).saturating_sub(body.len()).min(data.len());
        body.extend_from_slice(&data[..room]);
        // It fails only when the stream is gone, which the next read tells.
        let _ = stream.flow_control().release_capacity(data.len());
    }
    body.freeze()
}

fn tls_error(error: &io::Error) -> OpenError {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    match inner {
        Some(rustls::Error::InvalidCertificate(_) | rustls::Error::AlertReceived(_)) => {
            OpenError::Misconfigured(format!("TLS: {error}"))
        }
        _ => OpenError::Down(format!("TLS: {error}")),
    }
}

fn http_error(error: &h2::Error) -> OpenError {
    // Of an error below it h2 keeps the text alone. An alert before the first pong is about the certificate.
    let text = error.to_string();
    if error.is_io() && text.contains("received fatal alert") {
        OpenError::Misconfigured(format!("the push certificate is refused: {text}"))
    } else {
        OpenError::Down(text)
    }
}
