//! Webhooks: whom events are sent to.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use http::StatusCode;
use ordain_store::{Actor, AuditRecord, Progress, StoreError, Webhook};
use serde_json::json;
use url::{Host, Url};

use super::events::kinds;
use super::extract::{self, Path, has_control};
use super::fault::Fault;
use crate::api::{CreatedWebhook, NewWebhook, Problem, WebhookRow};
use crate::app::App;
use crate::events::webhook::seal;
use crate::house::{new_secret, short_id};

/// Each has a task on every node.
const MOST: usize = 50;
const LONGEST_URL: usize = 2_000;
/// When a receiver has failed for so long, in seconds, it is called failing: three days.
const FAILING: i64 = 3 * 24 * 60 * 60;

/// Every receiver of events, the oldest first. Secrets are not among it.
#[utoipa::path(get, path = "/webhooks", responses((status = 200, body = Vec<WebhookRow>)))]
pub(crate) async fn webhooks(State(app): State<Arc<App>>) -> Result<Json<Vec<WebhookRow>>, Fault> {
    let now = app.now();
    let webhooks = app.store.webhooks().await?;
    Ok(Json(
        webhooks.into_iter().map(|webhook| row(webhook, now)).collect(),
    ))
}

/// Sets up a receiver of the events from now on. The secret is in this answer, and nowhere else.
#[utoipa::path(
    post, path = "/webhooks", request_body = NewWebhook,
    responses(
        (status = 200, body = CreatedWebhook), (status = 400, body = Problem),
        (status = 409, body = Problem, description = "there are as many as there may be")
    )
)]
pub(crate) async fn create_webhook(
    State(app): State<Arc<App>>,
    Extension(actor): Extension<Actor>,
    extract::Json(asked): extract::Json<NewWebhook>,
) -> Result<Json<CreatedWebhook>, Fault> {
    let url = receiver(&asked.url)?;
    let kinds = kinds(asked.kinds.iter().map(String::as_str))?;
    let secret = match asked.secret {
        Some(secret) if !(16..=255).contains(&secret.len()) || has_control(&secret) => {
            let what = "a secret has 16 to 255 octets, and no control characters";
            return Err(Fault::Invalid(what.into()));
        }
        Some(secret) => secret,
        None => new_secret(),
    };
    if app.store.webhooks().await?.len() >= MOST {
        return Err(Fault::Conflict(format!(
            "there are {MOST} webhooks already; remove one"
        )));
    }
    let (now, id) = (app.now(), short_id());
    let audit = AuditRecord {
        at: now,
        actor,
        action: "create-webhook".into(),
        // The rest of a URL may be what only the receiver is to know.
        detail: json!({"id": id, "origin": url.origin().ascii_serialization(), "kinds": kinds}),
    };
    // Held until the secret is stored, so that a rotation of keys waits for it.
    let ring = app.seal.ring();
    let webhook = Webhook {
        secret: seal(&ring, &id, &secret).map_err(|error| Fault::Unavailable(error.to_string()))?,
        id,
        url: url.into(),
        kinds,
        created_at: now,
        after: app.store.newest_event().await?,
        progress: Progress::default(),
    };
    app.store.create_webhook(&webhook, &audit).await?;
    Ok(Json(CreatedWebhook {
        row: row(webhook, now),
        secret,
    }))
}

/// Ends a receiver. What it does not have yet it is not sent.
#[utoipa::path(
    delete, path = "/webhooks/{id}", params(("id" = String, Path, description = "its name")),
    responses((status = 204), (status = 404, body = Problem))
)]
pub(crate) async fn remove_webhook(
    State(app): State<Arc<App>>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
) -> Result<StatusCode, Fault> {
    let unknown = || Fault::NotFound(format!("there is no webhook {id}"));
    if has_control(&id) {
        return Err(unknown());
    }
    let audit = AuditRecord {
        at: app.now(),
        actor,
        action: "remove-webhook".into(),
        detail: json!({"id": id}),
    };
    match app.store.remove_webhook(&id, &audit).await {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(StoreError::Conflict) => Err(unknown()),
        Err(error) => Err(error.into()),
    }
}

/// Where events may be sent: over TLS, or to this machine.
fn receiver(text: &str) -> Result<Url, Fault> {
    let wrong = |what: &str| Fault::Invalid(format!("the URL of a webhook: {what}"));
    if text.len() > LONGEST_URL {
        return Err(wrong("it is longer than 2,000 octets"));
    }
    let url = Url::parse(text).map_err(|error| wrong(&error.to_string()))?;
    let is_local = match url.host() {
        None => return Err(wrong("it names no host")),
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => IpAddr::from(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::from(address).is_loopback(),
    };
    match url.scheme() {
        "https" => {}
        "http" if is_local => {}
        "http" => {
            return Err(wrong(
                "http is for receivers on the server's own machine only; use https",
            ));
        }
        _ => return Err(wrong("give https://…")),
    }
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err(wrong("give scheme, host, port, path and query only"));
    }
    Ok(url)
}

fn row(webhook: Webhook, now: i64) -> WebhookRow {
    let Progress {
        delivered_at,
        attempts,
        next_at,
        failing_since,
        problem,
    } = webhook.progress;
    let state = match failing_since {
        None => "delivering",
        Some(since) if now.saturating_sub(since) < FAILING => "retrying",
        Some(_) => "failing",
    };
    WebhookRow {
        id: webhook.id,
        url: webhook.url,
        kinds: webhook.kinds.iter().map(|kind| kind.word().to_owned()).collect(),
        created_at: webhook.created_at,
        cursor: webhook.after.to_string(),
        state: state.to_owned(),
        delivered_at,
        attempts,
        failing_since,
        next_at: failing_since.map(|_| next_at),
        problem,
    }
}
