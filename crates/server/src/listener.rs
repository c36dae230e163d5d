//! Connections: a short accept loop with bounds on the handshake, on headers and on what a silent peer may hold.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use http::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use ordain_pki::Certificate;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

use crate::identity::Peer;
use crate::start::stopped;

/// How long a handshake may take, once it is its turn.
const HANDSHAKE: Duration = Duration::from_secs(15);
/// Handshakes at once: were there more of them in a storm, each would take so long that it is thrown away and begun again.
const MOST_HANDSHAKES: usize = 1_024;
/// How long a connection waits for its turn. Devices give up after a minute.
const PATIENCE: Duration = Duration::from_secs(60);
const HEADERS: Duration = Duration::from_secs(30);
/// How long requests under way may take when the server stops.
const GRACE: Duration = Duration::from_secs(7);
/// Connections at once, some 50 KiB each; more wait in the kernel's queue.
const MOST_CONNECTIONS: usize = 10_000;

/// Connections that wait in the kernel, which may allow fewer: who finds no place there tries again after seconds.
const BACKLOG: u32 = 4_096;

/// Listens on `address`.
pub(crate) fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    // A server that was restarted takes its address over from connections that linger.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves `router` until `stop` turns true, then lets requests under way finish.
pub(crate) async fn serve(
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    router: Router,
    mut stop: watch::Receiver<bool>,
) {
    let turns = Arc::new(Semaphore::new(MOST_HANDSHAKES));
    let acceptor = tls.map(|tls| (TlsAcceptor::from(tls), turns));
    let graceful = Arc::new(GracefulShutdown::new());
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    loop {
        let next = async {
            let place = places.clone().acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            next = next => next,
            () = stopped(&mut stop) => break,
        };
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of descriptors, most likely: trying again at once would only burn the processor.
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let (acceptor, router, watcher) = (acceptor.clone(), router.clone(), graceful.watcher());
        tokio::spawn(async move {
            let _place = place;
            // A peer that breaks off is no news.
            let _ = connection(stream, address, acceptor, router, watcher).await;
        });
    }
    drop(listener);
    let Some(graceful) = Arc::into_inner(graceful) else {
        return;
    };
    if tokio::time::timeout(GRACE, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests did not finish in time");
    }
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

async fn connection(
    stream: TcpStream,
    address: SocketAddr,
    acceptor: Option<(TlsAcceptor, Arc<Semaphore>)>,
    router: Router,
    watcher: hyper_util::server::graceful::Watcher,
) -> Result<(), BoxError> {
    stream.set_nodelay(true)?;
    let mut peer = Peer {
        address: address.ip().to_canonical(),
        certificates: Vec::new(),
    };
    let Some((acceptor, turns)) = acceptor else {
        return http(stream, peer, router, watcher).await;
    };
    let turn = tokio::time::timeout(PATIENCE, turns.acquire()).await??;
    let stream = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await??;
    drop(turn);
    let shown = stream.get_ref().1.peer_certificates().unwrap_or_default();
    // One that cannot be read identifies nobody.
    peer.certificates = shown
        .iter()
        .map_while(|der| Certificate::from_der(der).ok())
        .collect();
    http(stream, peer, router, watcher).await
}

async fn http(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: Peer,
    router: Router,
    watcher: hyper_util::server::graceful::Watcher,
) -> Result<(), BoxError> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(HEADERS)
        .max_concurrent_streams(64);
    // Not a layer: that would make every route anew for each connection.
    let service = router.map_request(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer.clone());
        request
    });
    let service = TowerToHyperService::new(service);
    let connection = builder
        .serve_connection(TokioIo::new(stream), service)
        .into_owned();
    watcher.watch(connection).await
}
