//! The server without its sockets: its routes, called in the same process.

use std::net::{IpAddr, Ipv4Addr};

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::Request;
use ordain_pki::Certificate;
use tower::ServiceExt;

use crate::identity::Peer;

/// The routes of a running server. Everything behind them is the server's own: what is read, let in, decided and
/// committed is what it is over the wire, TLS and HTTP's framing aside.
///
/// Whoever holds this speaks for any certificate without its key, as TLS would have proven it: it is for seeding and
/// measuring, and must not be reachable from outside.
#[derive(Clone)]
pub struct Local {
    router: Router,
}

impl Local {
    pub(crate) fn new(router: Router) -> Self {
        Self { router }
    }

    /// Answers `request` as if it had come from this machine, on a connection that showed `certificate`.
    pub async fn answer(&self, certificate: Option<&Certificate>, mut request: Request<Body>) -> Response {
        request.extensions_mut().insert(Peer {
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            certificates: certificate.into_iter().cloned().collect(),
        });
        let Ok(response) = self.router.clone().oneshot(request).await;
        response
    }
}
