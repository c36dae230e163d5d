//! Enrollment (MS-WSTEP, MS-MDE2 section 3.4): a certificate and a provisioning document, for who is vouched for.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use ordain_model::checkin::Refusal;
use ordain_model::device::DeviceFacts;
use ordain_model::ids::{Channel, EnrollmentId};
use ordain_model::windows::enroll::{self as model, Enrolling};
use ordain_store::{AuditRecord, StoreError};
use ordain_windows::soap::{ErrorType, Operation, RequestBody, ResponseBody, Subcode, Timestamp};
use ordain_windows::wstep::{
    CertificateRequest, RequestSecurityToken, RequestSecurityTokenResponse, RequestType,
};
use serde_json::json;

use super::credentials::{self, SignedIn, Sponsor};
use super::exchange::{Arrived, Problem, answer};
use super::provisioning::{self, Account};
use super::{certificate, context, linked, renew};
use crate::app::App;
use crate::device::scene::ATTEMPTS;
use crate::identity::Peer;

/// For how long the sender may believe an answer, in seconds.
const FRESH: i64 = 5 * 60;

pub(super) async fn request_security_token(
    State(app): State<Arc<App>>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let operation = Operation::RequestSecurityToken;
    let requested = async |arrived: Arrived| respond(&arrived, Channel::Device).await;
    answer(app, peer, operation, headers, body, requested).await
}

/// What is answered to the request for a certificate of such a channel.
pub(super) async fn respond(arrived: &Arrived, channel: Channel) -> Result<ResponseBody, Problem> {
    let RequestBody::RequestSecurityToken(token) = &arrived.request.body else {
        return Err(Problem::unavailable("not a RequestSecurityToken"));
    };
    let document = match (token.request_type, &token.request) {
        (RequestType::Issue, CertificateRequest::Pkcs10(request)) => match channel {
            Channel::Linked => linked::enroll::issue(arrived, token, request).await?,
            Channel::Device | Channel::User => issue(arrived, token, request).await?,
        },
        (RequestType::Renew, CertificateRequest::Pkcs7(message)) => {
            renew::renew(arrived, channel, token, message).await?
        }
        (RequestType::Recovery, _) => {
            let reason = "A certificate that has expired is not renewed: enroll again.";
            return Err(Problem::new(Subcode::EnrollmentServer, reason).with(ErrorType::NotEligibleToRenew));
        }
        (RequestType::Issue, CertificateRequest::Pkcs7(_))
        | (RequestType::Renew, CertificateRequest::Pkcs10(_)) => {
            let reason = "An enrollment takes a PKCS#10 request, a renewal one in PKCS#7.";
            return Err(Problem::new(Subcode::CertificateRequest, reason));
        }
    };
    let created = arrived.app.now();
    let expires = created + FRESH;
    Ok(ResponseBody::RequestSecurityToken(RequestSecurityTokenResponse {
        timestamp: Timestamp { created, expires },
        document,
    }))
}

/// Enrolls the device, and tells it how to go on.
async fn issue(arrived: &Arrived, token: &RequestSecurityToken, request: &[u8]) -> Result<Vec<u8>, Problem> {
    let app = &arrived.app;
    let signed_in = credentials::verify(app, arrived.request.security.as_ref()).await?;
    let facts = context::facts(&token.context, &signed_in);
    let windows = facts.windows.as_deref().cloned().unwrap_or_default();
    let id = windows.enrollment_id().ok_or_else(|| {
        let reason = "The device says neither HWDevID nor DeviceID.";
        Problem::new(Subcode::MessageFormat, reason).with(ErrorType::InvalidEnrollmentData)
    })?;
    let (certificate, presented) = certificate::issue(app, &id, request.to_vec()).await?;
    let account = Account::new();
    // Held until the commit, so that a rotation of keys waits for it.
    let ring = app.seal.ring();
    let sealed = account.seal(&ring, &id)?;
    let root = app.trust.own.certificate();
    let document = provisioning::of_enrollment(&app.public_url, &id, &windows, root, &certificate, &account)?;
    let enrolling = Enrolling {
        id: &id,
        facts,
        certificate: presented,
        serial: match &signed_in.sponsor {
            Sponsor::Token(token) => token.serial.clone(),
            Sponsor::Entra(_) => None,
        },
        account: sealed,
    };
    commit(arrived, &signed_in, enrolling).await?;
    tracing::info!(enrollment = %id, "a Windows device was given its certificate");
    Ok(document)
}

/// Makes the device's row, takes a use of the token for it, and notes both, all or none.
async fn commit(arrived: &Arrived, signed_in: &SignedIn, enrolling: Enrolling<'_>) -> Result<(), Problem> {
    let (app, id) = (&arrived.app, enrolling.id);
    let token = match &signed_in.sponsor {
        Sponsor::Token(token) => Some(&token.id),
        Sponsor::Entra(_) => None,
    };
    let audit = AuditRecord {
        at: app.now(),
        actor: signed_in.actor(&arrived.peer),
        action: "enroll".into(),
        detail: detail(id, &enrolling.facts, token),
    };
    for _ in 0..ATTEMPTS {
        let state = app.store.channel(id).await?;
        let names = enrolling.facts.names(id);
        let claimed_elsewhere = app.store.claimed_elsewhere(names, id).await?;
        let decision = model::enroll(
            &app.world(),
            state.device(),
            claimed_elsewhere,
            enrolling.clone(),
            app.enrollment,
            app.now(),
        );
        let writes = decision.map_err(refused)?.writes;
        let token = token.map(String::as_str);
        match app.store.enroll(&state, &writes, token, &audit).await {
            Ok(()) => {
                app.wrote(&writes);
                return Ok(());
            }
            // The device has changed meanwhile, or the token: that is looked at again, too.
            Err(StoreError::Conflict) => {
                app.metrics.conflicts.inc();
                credentials::verify(app, arrived.request.security.as_ref()).await?;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(Problem::unavailable("too many enrollments at the same time"))
}

fn detail(id: &EnrollmentId, facts: &DeviceFacts, token: Option<&String>) -> serde_json::Value {
    let windows = facts.windows.as_ref();
    json!({
        "enrollment": id,
        "system": facts.system(),
        "name": facts.name,
        "user": windows.and_then(|windows| windows.user.as_ref()),
        "token": token,
    })
}

fn refused(refusal: Refusal) -> Problem {
    match refusal {
        Refusal::WrongSerial => Problem::new(
            Subcode::Authorization,
            "The enrollment token is for a serial number, which Windows does not tell when it enrolls.",
        ),
        _ => Problem::new(Subcode::Authorization, "This device may not enroll."),
    }
}
