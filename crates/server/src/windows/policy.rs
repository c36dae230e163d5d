//! The certificate policy (MS-XCEP, MS-MDE2 section 3.3): what the request for a certificate is to be like.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use ordain_model::windows::enroll::RENEW_PERIOD;
use ordain_windows::soap::{Operation, ResponseBody};
use ordain_windows::xcep::{GetPoliciesResponse, HashAlgorithm};

use super::certificate::VALIDITY;
use super::credentials;
use super::exchange::{Arrived, Problem, answer};
use crate::app::App;
use crate::identity::Peer;

const DAY: u64 = 24 * 60 * 60;

pub(super) async fn get_policies(
    State(app): State<Arc<App>>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    answer(app, peer, Operation::GetPolicies, headers, body, policies).await
}

/// The policy is no secret, but who cannot enroll is told so as early as can be.
async fn policies(arrived: Arrived) -> Result<ResponseBody, Problem> {
    credentials::verify(&arrived.app, arrived.request.security.as_ref()).await?;
    Ok(response())
}

/// What certificate requests are to be like, on either channel.
pub(super) fn response() -> ResponseBody {
    ResponseBody::GetPolicies(GetPoliciesResponse {
        policy_id: "ordain-device".to_owned(),
        common_name: "Ordain device".to_owned(),
        validity_seconds: VALIDITY.unsigned_abs(),
        renewal_seconds: u64::from(RENEW_PERIOD) * DAY,
        minimal_key_length: 2048,
        // The device knows best where its keys are safe.
        crypto_providers: Vec::new(),
        hash: HashAlgorithm::sha256(),
    })
}
