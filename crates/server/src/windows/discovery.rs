//! Discovery (MS-MDE2 section 3.1): which way to enroll, and where.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, header};
use ordain_windows::discovery::{AuthPolicy, Discover, DiscoverResponse, Version};
use ordain_windows::soap::{ErrorType, Operation, RequestBody, ResponseBody, Subcode};

use super::exchange::{Arrived, Problem, answer};
use super::{ENROLLMENT, POLICY, SIGN_IN};
use crate::app::App;
use crate::identity::Peer;

/// What a device sends first, to see whether somebody is there: 200, and nothing.
pub(super) async fn probe() -> Response {
    [(header::CONTENT_TYPE, "text/html")].into_response()
}

pub(super) async fn discover(
    State(app): State<Arc<App>>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    answer(app, peer, Operation::Discover, headers, body, discovered).await
}

async fn discovered(arrived: Arrived) -> Result<ResponseBody, Problem> {
    match &arrived.request.body {
        RequestBody::Discover(discover) => respond(discover, &arrived.app.public_url),
        _ => Err(Problem::unavailable("not a Discover")),
    }
}

/// Both ways lead to the same tokens. On a page users can be told what they are to do, so it comes first.
fn respond(discover: &Discover, public_url: &str) -> Result<ResponseBody, Problem> {
    const OFFERED: [AuthPolicy; 2] = [AuthPolicy::Federated, AuthPolicy::OnPremise];
    let chosen = OFFERED
        .into_iter()
        .find(|policy| discover.auth_policies.contains(policy));
    let auth_policy = chosen.ok_or_else(|| {
        let reason = "Devices enroll with an enrollment token here: by Federated or OnPremise sign-in.";
        Problem::new(Subcode::EnrollmentServer, reason).with(ErrorType::NotSupported)
    })?;
    let authentication_url = (auth_policy == AuthPolicy::Federated).then(|| format!("{public_url}{SIGN_IN}"));
    Ok(ResponseBody::Discover(DiscoverResponse {
        auth_policy,
        enrollment_version: Some(Version::V4),
        policy_url: Some(format!("{public_url}{POLICY}")),
        enrollment_url: format!("{public_url}{ENROLLMENT}"),
        authentication_url,
    }))
}
