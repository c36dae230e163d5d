//! Windows' side: enrollment by Microsoft's protocol (MS-MDE2), one file for each of its parts.
//!
//! The endpoints answer without any setting. Who may enroll is decided by what a device shows for its user
//! ([`credentials`]).

pub(crate) mod actions;
mod certificate;
mod context;
mod credentials;
mod declared;
mod discovery;
mod door;
mod enroll;
pub(crate) mod entra;
mod exchange;
pub(crate) mod linked;
mod policy;
mod provisioning;
mod renew;
mod session;
mod sign_in;
mod ticket;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use ordain_model::windows::session::Session;
use ordain_windows::discovery::PATH as DISCOVERY;

use crate::app::App;

/// Where devices ask what their certificate requests are to be like,
const POLICY: &str = "/EnrollmentServer/Policy.svc";
/// where they enroll, and renew their certificates,
const ENROLLMENT: &str = "/EnrollmentServer/Enrollment.svc";
/// and where their users sign in.
const SIGN_IN: &str = "/EnrollmentServer/SignIn";
/// Where they hold their management sessions: their provisioning document says so.
const MANAGEMENT: &str = "/ManagementServer/MDM.svc";

/// Where Windows devices go.
pub(crate) fn router() -> Router<Arc<App>> {
    Router::new()
        .route(DISCOVERY, get(discovery::probe).post(discovery::discover))
        .route(POLICY, post(policy::get_policies))
        .route(ENROLLMENT, post(enroll::request_security_token))
        .route(SIGN_IN, get(sign_in::page).post(sign_in::sign_in))
        .route(MANAGEMENT, post(session::manage::<Session>))
        .merge(linked::router())
}
