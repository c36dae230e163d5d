//! JSON discovery: where a device enrolls that its primary session sent. Nobody knows who asks, so that everybody gets the
//! same answer, whichever device, user or tenant the request names.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, header};
use ordain_windows::discovery::{AuthPolicy, Version};
use ordain_windows::linked::{
    LinkedDiscover, LinkedDiscoverResponse, LinkedEndpoints, MAX_OCTETS, UPN_REQUIRED,
};

use super::super::SIGN_IN;
use super::{DISCOVERY, ENROLLMENT, POLICY};
use crate::admission::Urgency;
use crate::app::App;
use crate::body;
use crate::device::fault::Fault;

/// Answers a request; one that comes when there are too many others is told when to come back (Retry-After).
pub(super) async fn discover(State(app): State<Arc<App>>, headers: HeaderMap, body: Body) -> Response {
    let answer = async {
        let body = body::read(&app.in_flight, &headers, body, MAX_OCTETS).await?;
        let _place = app.admission.enter(|| Urgency::Enrolling).await?;
        LinkedDiscover::parse(&body.octets).map_err(|error| Fault::Unreadable(error.to_string()))
    };
    match answer.await {
        Ok(request) => {
            let resource = app.entra.as_ref().map(|entra| entra.audience());
            let answer = respond(&request, &app.public_url, resource).to_json();
            ([(header::CONTENT_TYPE, "application/json")], answer).into_response()
        }
        Err(fault) => {
            fault.note(&app, DISCOVERY);
            fault.into_response()
        }
    }
}

/// `resource` is whom tokens of Entra must be for; none are taken without.
fn respond(request: &LinkedDiscover, public_url: &str, resource: Option<&str>) -> LinkedDiscoverResponse {
    let failed = |code: &str, message: &str| LinkedDiscoverResponse::Failed {
        code: code.to_owned(),
        message: message.to_owned(),
    };
    let auth_policy = match request.auth_policy() {
        // As published: who is registered is somebody's, and asks once more with that name. \[U\] what devices send that
        // have none to tell; an empty one is taken, since the name decides nothing.
        Some(AuthPolicy::Certificate) if request.upn.is_none() => {
            return failed(UPN_REQUIRED, "Ask again with the user's name (upn).");
        }
        Some(AuthPolicy::Federated) if resource.is_none() => {
            return failed("NotSupported", "Tokens of Microsoft Entra are not taken here.");
        }
        Some(policy) => policy,
        None => {
            return failed(
                "NotSupported",
                "Devices are joined to Microsoft Entra, or registered.",
            );
        }
    };
    LinkedDiscoverResponse::Found(LinkedEndpoints {
        enrollment_url: format!("{public_url}{ENROLLMENT}"),
        policy_url: format!("{public_url}{POLICY}"),
        // It has to be there. \[U\] what a device does with it, which gets its token from Entra.
        authentication_url: format!("{public_url}{SIGN_IN}"),
        management_resource: resource
            .filter(|_| auth_policy == AuthPolicy::Federated)
            .map(str::to_owned),
        auth_policy,
        enrollment_version: Some(Version::V4),
        terms_url: None,
    })
}
