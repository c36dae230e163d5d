//! Linked enrollments: the second channel of a Windows device, for its declared-configuration documents. Its primary
//! session orders it (`LinkedEnrollment`, DMClient CSP); then the device discovers, enrolls and holds sessions here, with
//! a certificate that opens nothing else.

mod credentials;
mod discovery;
pub(super) mod enroll;
mod session;
mod standing;

pub(crate) use standing::Linked;

use std::sync::Arc;

use axum::Router;
use axum::routing::post;

use ordain_model::windows::documents::Session;

use super::session::manage;
use crate::app::App;

/// Where devices ask where to enroll: `LinkedEnrollment/DiscoveryEndpoint`.
pub(super) const DISCOVERY: &str = "/EnrollmentServer/Linked/Discovery";
const POLICY: &str = "/EnrollmentServer/Linked/Policy.svc";
const ENROLLMENT: &str = "/EnrollmentServer/Linked/Enrollment.svc";
/// Where they hold their linked sessions.
pub(super) const MANAGEMENT: &str = "/ManagementServer/Linked.svc";

/// Where devices go for their linked enrollments.
pub(super) fn router() -> Router<Arc<App>> {
    Router::new()
        .route(DISCOVERY, post(discovery::discover))
        .route(POLICY, post(enroll::get_policies))
        .route(ENROLLMENT, post(enroll::request_security_token))
        .route(MANAGEMENT, post(manage::<Session>))
}
