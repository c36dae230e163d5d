//! Publishing: a policy directory, or an older revision again.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::{Extension, Json};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use ordain_store::{Actor, Source, SourceFile};

use super::extract::Path;
use super::fault::Fault;
use crate::api::{Policy, Problem, Published};
use crate::app::App;
use crate::body;
use crate::publish::Outcome;

/// The largest policy directory, in octets of its JSON form.
const MAX_POLICY: usize = 384 << 20;

/// Publishes a policy directory as one revision, or nothing of it.
#[utoipa::path(
    post, path = "/policy", request_body = Policy,
    responses((status = 200, body = Published), (status = 422, body = Problem))
)]
pub(crate) async fn publish(
    State(app): State<Arc<App>>,
    Extension(actor): Extension<Actor>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Published>, Fault> {
    let body = body::read(&app.in_flight, &headers, body, MAX_POLICY).await?;
    let policy: Policy =
        serde_json::from_slice(&body.octets).map_err(|error| Fault::Invalid(error.to_string()))?;
    if policy.files.is_empty() {
        let what = "the policy has no files, and would take everything from every device; to do that, publish a \
                    blueprint without declarations";
        return Err(Fault::Invalid(what.into()));
    }
    let mut paths = BTreeSet::new();
    let mut files = Vec::with_capacity(policy.files.len());
    for file in policy.files {
        let body = STANDARD
            .decode(&file.content)
            .map_err(|error| Fault::Invalid(format!("{}: content is not base64: {error}", file.path)))?;
        if !paths.insert(file.path.clone()) {
            return Err(Fault::Invalid(format!("{}: this path comes twice", file.path)));
        }
        files.push(SourceFile {
            path: file.path,
            body,
        });
    }
    let source = Source {
        files,
        allow_unknown: policy.allow_unknown,
    };
    let outcome = app.publish(source, &actor).await?;
    published(&app, outcome).await
}

/// Publishes the files of an older revision as a new one, checked as they would be today.
#[utoipa::path(
    post, path = "/revisions/{number}/publish",
    params(("number" = u64, Path, description = "the number of the older revision")),
    responses(
        (status = 200, body = Published), (status = 404, body = Problem), (status = 422, body = Problem)
    )
)]
pub(crate) async fn publish_again(
    State(app): State<Arc<App>>,
    Extension(actor): Extension<Actor>,
    Path(number): Path<u64>,
) -> Result<Json<Published>, Fault> {
    let outcome = app.publish_again(number, &actor).await?;
    published(&app, outcome).await
}

async fn published(app: &App, outcome: Outcome) -> Result<Json<Published>, Fault> {
    Ok(Json(Published {
        revision: outcome.revision,
        published: outcome.published,
        changes: outcome.changes,
        warnings: outcome.warnings.iter().map(ToString::to_string).collect(),
        memberships_due: app.due(&app.world()).await?,
    }))
}
