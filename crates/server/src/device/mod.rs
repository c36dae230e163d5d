//! The devices' side: one file for each of the protocol's parts.

mod answer;
pub(crate) mod checkin;
pub(crate) mod command;
mod ddm;
mod downloads;
pub(crate) mod fault;
mod give;
pub(crate) mod mdm;
pub(crate) mod scene;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, put};

use crate::app::App;

/// Where devices go. `/mdm` serves as ServerURL and CheckInURL alike; `/mdm/checkin` is for those who keep them
/// apart.
pub(crate) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/mdm", put(mdm::both))
        .route("/mdm/checkin", put(mdm::check_in))
        .route("/assets/{digest}", get(downloads::download))
        .route("/profiles/{digest}", get(downloads::download))
}
