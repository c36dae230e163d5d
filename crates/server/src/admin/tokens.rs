//! Tokens: administrators' own, and those with which devices enroll.

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use http::StatusCode;
use ordain_model::ids::Digest;
use ordain_store::{Actor, AuditRecord, NewToken as StoredToken, StoreError, TokenRecord, TokenRole};
use serde_json::json;

use super::extract::{self, Path, has_control, printable};
use super::fault::Fault;
use crate::api::{CreatedToken, NewToken, Problem, TokenRow};
use crate::app::App;
use crate::house::{new_secret, short_id};

/// How long an enrollment token works unless said otherwise, in seconds.
const ENROLLMENT_VALIDITY: i64 = 7 * 24 * 60 * 60;
/// The longest that a token may be asked to work, in seconds: ten years.
const LONGEST: i64 = 10 * 366 * 24 * 60 * 60;
const MOST_USES: i64 = 100_000;
/// In the audit these are the server itself, the token that it makes at its first start,
const RESERVED: [&str; 2] = ["server", "admin.token"];
/// and devices that enroll, and users of Entra whose devices do.
const RESERVED_BEGINNINGS: [&str; 2] = ["enrollment token", "Entra user"];

/// Every token, the newest first. Secrets are not among it.
#[utoipa::path(get, path = "/tokens", responses((status = 200, body = Vec<TokenRow>)))]
pub(crate) async fn tokens(State(app): State<Arc<App>>) -> Result<Json<Vec<TokenRow>>, Fault> {
    Ok(Json(app.store.tokens().await?.into_iter().map(row).collect()))
}

/// Makes a token. Its secret is in this answer, and nowhere else.
#[utoipa::path(
    post, path = "/tokens", request_body = NewToken,
    responses(
        (status = 200, body = CreatedToken), (status = 400, body = Problem),
        (status = 409, body = Problem, description = "the name is taken")
    )
)]
pub(crate) async fn create_token(
    State(app): State<Arc<App>>,
    Extension(actor): Extension<Actor>,
    extract::Json(asked): extract::Json<NewToken>,
) -> Result<Json<CreatedToken>, Fault> {
    let now = app.now();
    let is_enrollment = asked.role == TokenRole::Enrollment.word();
    let mut record = record(asked, now)?;
    if is_enrollment && record.topic.is_none() {
        // Without a push certificate it is good for Windows devices alone.
        let certificate = app.push_certificate().await?;
        record.topic = certificate.map(|certificate| certificate.topic.clone());
    }
    is_free(&app, &record).await?;
    let secret = new_secret();
    let audit = AuditRecord {
        at: now,
        actor,
        action: "create-token".into(),
        detail: json!({"id": record.id, "name": record.name, "role": record.role.word(),
            "expires_at": record.expires_at, "uses": record.uses_left, "serial": record.serial}),
    };
    let token = StoredToken {
        record: record.clone(),
        hash: Digest::of(secret.as_bytes()),
    };
    app.store.create_token(&token, &audit).await?;
    let url = record
        .topic
        .is_some()
        .then(|| format!("{}/enroll/{secret}", app.public_url));
    Ok(Json(CreatedToken {
        row: row(record),
        token: secret,
        url,
    }))
}

/// Ends a token at once.
#[utoipa::path(
    delete, path = "/tokens/{id}", params(("id" = String, Path, description = "its public name")),
    responses((status = 204), (status = 404, body = Problem))
)]
pub(crate) async fn revoke_token(
    State(app): State<Arc<App>>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
) -> Result<StatusCode, Fault> {
    let unknown = || Fault::NotFound(format!("there is no token {id}"));
    if has_control(&id) {
        return Err(unknown());
    }
    let audit = AuditRecord {
        at: app.now(),
        actor,
        action: "revoke-token".into(),
        detail: json!({"id": id}),
    };
    match app.store.revoke_token(&id, &audit).await {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(StoreError::Conflict) => Err(unknown()),
        Err(error) => Err(error.into()),
    }
}

/// Refuses an administrator's token by whose name the audit would not tell who did it.
async fn is_free(app: &App, record: &TokenRecord) -> Result<(), Fault> {
    let name = &record.name;
    if RESERVED.contains(&name.as_str())
        || RESERVED_BEGINNINGS
            .iter()
            .any(|beginning| name.starts_with(beginning))
    {
        return Err(Fault::Conflict(format!(
            "the name {name} is the server's own; choose another"
        )));
    }
    // What an enrollment token does, the audit tells with the token's id.
    let is_namesake = |other: &TokenRecord| other.role == TokenRole::Admin && other.name == *name;
    if record.role == TokenRole::Admin && app.store.tokens().await?.iter().any(is_namesake) {
        return Err(Fault::Conflict(format!(
            "there is a token {name} already; choose another name"
        )));
    }
    Ok(())
}

fn record(asked: NewToken, now: i64) -> Result<TokenRecord, Fault> {
    let invalid = |what: &str| Fault::Invalid(what.to_owned());
    if asked.name.is_empty() || asked.name.len() > 255 {
        return Err(invalid("a token needs a name of at most 255 octets"));
    }
    if asked.name.trim() != asked.name {
        return Err(invalid("a token's name neither begins nor ends with a space"));
    }
    printable("a token's name", Some(&asked.name))?;
    printable("a serial number", asked.serial.as_deref())?;
    printable("the push topic", asked.topic.as_deref())?;
    if asked.topic.as_deref() == Some("") {
        return Err(invalid("a push topic is not empty"));
    }
    let valid_for = asked.valid_for.map(|seconds| match seconds {
        1..=LONGEST => Ok(seconds),
        _ => Err(invalid(
            "a token works for at least a second and at most ten years",
        )),
    });
    let valid_for = valid_for.transpose()?;
    let record = TokenRecord {
        id: short_id(),
        name: asked.name,
        role: TokenRole::Admin,
        created_at: now,
        expires_at: valid_for.map(|seconds| now + seconds),
        uses_left: None,
        serial: None,
        topic: None,
    };
    match asked.role.as_str() {
        "admin" if asked.uses.is_none() && asked.serial.is_none() && asked.topic.is_none() => Ok(record),
        "admin" => Err(invalid("uses, serial and topic belong to enrollment tokens")),
        "enrollment" => Ok(TokenRecord {
            role: TokenRole::Enrollment,
            expires_at: Some(now + valid_for.unwrap_or(ENROLLMENT_VALIDITY)),
            uses_left: Some(match asked.uses.unwrap_or(1) {
                uses @ 1..=MOST_USES => uses,
                _ => return Err(invalid("uses must be between 1 and 100,000")),
            }),
            topic: asked.topic,
            serial: asked.serial,
            ..record
        }),
        _ => Err(invalid("role must be admin or enrollment")),
    }
}

fn row(record: TokenRecord) -> TokenRow {
    TokenRow {
        id: record.id,
        name: record.name,
        role: record.role.word().to_owned(),
        created_at: record.created_at,
        expires_at: record.expires_at,
        uses_left: record.uses_left,
        serial: record.serial,
        topic: record.topic,
    }
}
