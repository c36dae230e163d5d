//! The stack that devices meet, with no server behind it: what the server's own work is measured against.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::put;
use axum::{Extension, Router, middleware};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, Uri};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

use crate::app::IN_FLIGHT_KIB;
use crate::device::mdm::MAX_MESSAGE;
use crate::identity::Peer;
use crate::metrics::Metrics;
use crate::settings::{Settings, StartError};
use crate::start::{local_url, own_names};
use crate::{body, clock, listener, router, tls};

/// A listener with everything that stands before the server's thoughts, and an answer that needs none: TLS with
/// client certificates (or plain, as behind a proxy), HTTP, routes, counting, bodies within their bounds.
pub struct Stack {
    url: String,
    ca: Option<PathBuf>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

/// What is answered, by the request's URI and body.
type Answer = Arc<dyn Fn(&Uri, &Bytes) -> Response + Send + Sync>;

#[derive(Clone)]
struct Shared {
    in_flight: Arc<Semaphore>,
    answer: Answer,
}

impl Stack {
    /// Listens as `settings` say (`listen`, `http`, `data_dir` and the server's certificate count), and answers each
    /// request of at most 4 MiB by `answer`.
    pub async fn start(
        settings: &Settings,
        answer: impl Fn(&Uri, &Bytes) -> Response + Send + Sync + 'static,
    ) -> Result<Self, StartError> {
        std::fs::create_dir_all(&settings.data_dir).map_err(StartError::file(&settings.data_dir))?;
        let listener = listener::listen(settings.listen);
        let listener = listener.map_err(|error| StartError::Listen {
            address: settings.listen,
            error,
        })?;
        let address = listener
            .local_addr()
            .map_err(StartError::file(&settings.data_dir))?;
        let url = local_url(settings, address);
        let identity = match settings.http {
            true => None,
            false => {
                let (names, addresses) = own_names(address, &url);
                Some(tls::identity(settings, names, addresses, clock::system()())?)
            }
        };
        let (config, made_by) = identity
            .map(|identity| (identity.config, identity.made_by))
            .unzip();
        let shared = Shared {
            in_flight: Arc::new(Semaphore::new(IN_FLIGHT_KIB)),
            answer: Arc::new(answer),
        };
        let router = Router::new()
            .route("/mdm", put(answered))
            .fallback(answered)
            .layer(middleware::from_fn_with_state(
                Arc::<Metrics>::default(),
                router::measure,
            ))
            .with_state(shared);
        let (stop, stopped) = watch::channel(false);
        Ok(Self {
            url,
            ca: made_by.flatten().map(|(path, _)| path),
            stop,
            task: tokio::spawn(listener::serve(listener, config, router, stopped)),
        })
    }

    /// Where it answers, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The certificate to trust, when it made its own.
    pub fn ca(&self) -> Option<&Path> {
        self.ca.as_deref()
    }

    /// Lets requests under way finish.
    pub async fn stop(self) {
        // It may have ended already.
        let _ = self.stop.send(true);
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the stack had failed");
        }
    }
}

/// Takes a request apart as `device::mdm` does.
async fn answered(
    State(shared): State<Shared>,
    Extension(_): Extension<Peer>,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Response {
    match body::read(&shared.in_flight, &headers, body, MAX_MESSAGE).await {
        Ok(body) => (shared.answer)(&uri, &body.octets),
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}
