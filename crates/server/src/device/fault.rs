//! What goes wrong on a device's request, and the one place where it becomes an HTTP answer.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use ordain_model::checkin::Refusal;
use ordain_model::sync::Behind;
use ordain_store::StoreError;

use crate::admission::Crowded;
use crate::body::BodyError;
use crate::identity::Unidentified;
use crate::keys::Unopened;

/// Why a device does not get what it asked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// The identity may not do this.
    #[error("refused: {0}")]
    Refused(#[from] Refusal),
    /// There is no identity.
    #[error("refused: {0}")]
    Unidentified(#[from] Unidentified),
    /// The message cannot be read. The device should not repeat it.
    #[error("unreadable: {0}")]
    Unreadable(String),
    /// Not there, or not for this enrollment: the two look alike.
    #[error("not found")]
    NotFound,
    /// The body is larger than any message may be.
    #[error("the body is too large")]
    TooLarge,
    /// The user is not managed (UserAuthenticate).
    #[error("network and mobile users are not managed")]
    UserNotManaged,
    /// This node must learn the newest revision first.
    #[error(transparent)]
    Behind(#[from] Behind),
    /// Too many others are before it; it should come back.
    #[error(transparent)]
    Crowded(#[from] Crowded),
    /// The server cannot do it now. Nothing is acknowledged; the device tries again.
    #[error("not now: {0}")]
    Unavailable(String),
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<Unopened> for Fault {
    fn from(error: Unopened) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<BodyError> for Fault {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge => Self::TooLarge,
            BodyError::Broken(_) => Self::Unreadable(error.to_string()),
            BodyError::Busy => Self::Crowded(Crowded),
        }
    }
}

impl IntoResponse for Fault {
    /// Never 401 and never an unrecognized-device error: both make real devices leave, so that one mistake in a
    /// proxy would cost the fleet.
    fn into_response(self) -> Response {
        let status = match &self {
            Self::Refused(_) | Self::Unidentified(_) => StatusCode::FORBIDDEN,
            Self::Unreadable(_) => StatusCode::BAD_REQUEST,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UserNotManaged => StatusCode::GONE,
            Self::Crowded(_) | Self::Behind(_) | Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        let mut response = status.into_response();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(retry_after()));
        }
        response
    }
}

/// When to come back, in seconds: not all at the same time.
fn retry_after() -> u64 {
    20 + RandomState::new().build_hasher().finish() % 40
}

impl Fault {
    /// Notes the fault where operators look: refusals as counters, what is the server's own as errors.
    pub(crate) fn note(&self, app: &crate::app::App, route: &str) {
        match self {
            Self::Refused(reason) => {
                app.metrics.refused(&reason.to_string());
                tracing::info!(route, %reason, "refused");
            }
            Self::Unidentified(reason) => {
                app.metrics.refused(&reason.to_string());
                tracing::info!(route, %reason, "refused");
            }
            Self::Unreadable(reason) => tracing::info!(route, reason, "unreadable message"),
            Self::Crowded(reason) => {
                app.metrics.refused(&reason.to_string());
                tracing::debug!(route, %reason, "sent away");
            }
            Self::Behind(_) | Self::Unavailable(_) => tracing::error!(route, error = %self, "not done"),
            Self::NotFound | Self::TooLarge | Self::UserNotManaged => tracing::debug!(route, error = %self),
        }
    }
}
