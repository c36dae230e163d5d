//! All routes, and what holds for each of them.

use std::sync::Arc;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{StatusCode, header};

use crate::app::App;
use crate::metrics::Metrics;
use crate::{admin, device, enroll, windows};

/// The whole server.
pub(crate) fn router(app: Arc<App>) -> Router {
    Router::new()
        .merge(device::router())
        .merge(enroll::router())
        .merge(windows::router())
        .merge(admin::router(app.clone()))
        .route("/healthz", get(|| async { StatusCode::OK }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .layer(middleware::from_fn_with_state(app.metrics.clone(), measure))
        .with_state(app)
}

/// Whether requests can be served: the database answers.
async fn ready(State(app): State<Arc<App>>) -> Response {
    match app.store.ping().await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(error) => {
            tracing::warn!(%error, "not ready");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

async fn metrics(State(app): State<Arc<App>>) -> Response {
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    app.metrics.evaluated(app.world().conditions().evaluations());
    ([(header::CONTENT_TYPE, content_type)], app.metrics.text()).into_response()
}

/// Counts each answer, and how long it took.
#[expect(
    clippy::disallowed_methods,
    reason = "durations are measured for operators, and decide nothing"
)]
pub(crate) async fn measure(State(metrics): State<Arc<Metrics>>, request: Request, next: Next) -> Response {
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map(|path| path.as_str().to_owned());
    let begin = std::time::Instant::now();
    let response = next.run(request).await;
    let route = route.as_deref().unwrap_or("none");
    metrics.answered(route, response.status().as_u16(), begin.elapsed().as_secs_f64());
    response
}
