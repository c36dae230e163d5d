//! Enrollment profiles, and identities in bulk.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header;
use ordain_apple::profile::CONTENT_TYPE;
use ordain_pki::csr::Csr;
use ordain_store::{Actor, AuditRecord};
use serde_json::json;

use super::extract::{self, printable};
use super::fault::Fault;
use crate::api::{Identities, NewEnrollmentProfile, NewIdentities};
use crate::app::App;
use crate::issue::{IssueFailed, IssuedFor};

const MOST_REQUESTS: usize = 1_000;

impl From<IssueFailed> for Fault {
    fn from(error: IssueFailed) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// Makes an enrollment profile with an identity inside. It is a secret until it is installed.
#[utoipa::path(
    post, path = "/enrollment-profiles", request_body = NewEnrollmentProfile,
    responses((status = 200, description = "the profile", content_type = "application/x-apple-aspen-config"))
)]
pub(crate) async fn enrollment_profile(
    State(app): State<Arc<App>>,
    Extension(actor): Extension<Actor>,
    extract::Json(asked): extract::Json<NewEnrollmentProfile>,
) -> Result<Response, Fault> {
    printable("the push topic", asked.topic.as_deref())?;
    printable("a serial number", asked.serial.as_deref())?;
    printable("an organization", asked.organization.as_deref())?;
    let renews = match &asked.renew {
        Some(name) => Some(super::devices::find(&app, name).await?),
        None => None,
    };
    let issued_for = IssuedFor {
        serial: asked.serial,
        renews,
    };
    let topic = super::push::topic(&app, asked.topic).await?;
    let audit = AuditRecord {
        at: app.now(),
        actor,
        action: "issue-enrollment-profile".into(),
        detail: json!({"serial": issued_for.serial, "renews": issued_for.renews, "topic": topic}),
    };
    let made = {
        let app = app.clone();
        let work = move || app.enrollment_profile(&topic, asked.organization.as_deref(), &issued_for);
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|error| Fault::Unavailable(error.to_string()))?
    };
    let (profile, identity) = made?;
    app.store.issue(vec![identity], None, &audit).await?;
    Ok(([(header::CONTENT_TYPE, CONTENT_TYPE)], profile).into_response())
}

/// Certifies keys that others have made, as identities that may each enroll one device.
#[utoipa::path(
    post, path = "/identities", request_body = NewIdentities, responses((status = 200, body = Identities))
)]
pub(crate) async fn identities(
    State(app): State<Arc<App>>,
    Extension(actor): Extension<Actor>,
    extract::Json(asked): extract::Json<NewIdentities>,
) -> Result<Json<Identities>, Fault> {
    let count = asked.requests.len();
    if count == 0 || count > MOST_REQUESTS {
        return Err(Fault::Invalid(format!(
            "give between 1 and {MOST_REQUESTS} requests"
        )));
    }
    let issued = {
        let app = app.clone();
        let work = move || {
            asked
                .requests
                .iter()
                .map(|request| certify(&app, request))
                .collect::<Result<Vec<_>, _>>()
        };
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|error| Fault::Unavailable(error.to_string()))?
    };
    let (certificates, identities) = issued?.into_iter().unzip();
    let audit = AuditRecord {
        at: app.now(),
        actor,
        action: "issue-identities".into(),
        detail: json!({"count": count}),
    };
    app.store.issue(identities, None, &audit).await?;
    Ok(Json(Identities { certificates }))
}

fn certify(app: &App, request: &str) -> Result<(String, ordain_model::decision::Identity), Fault> {
    let invalid = |error: &dyn std::fmt::Display| Fault::Invalid(format!("a certificate request: {error}"));
    let der = STANDARD.decode(request).map_err(|error| invalid(&error))?;
    let csr = Csr::from_der(&der).map_err(|error| invalid(&error))?;
    let name = csr.common_name.as_deref().unwrap_or("Ordain device");
    let (certificate, identity) = app.certify(&csr.public_key, name, &IssuedFor::default())?;
    Ok((STANDARD.encode(certificate.der()), identity))
}
