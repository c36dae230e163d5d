//! What goes wrong on an administrator's request, and the one place where it becomes an HTTP answer.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use ordain_model::sync::Behind;
use ordain_store::StoreError;

use crate::api::Problem;
use crate::body::BodyError;
use crate::orders::OrderError;
use crate::publish::PublishError;

/// Why a request was not done, in words for the administrator.
#[derive(Debug)]
pub(crate) enum Fault {
    /// No token, or one that is good for nothing here.
    NotAuthorized,
    /// The request does not make sense.
    Invalid(String),
    /// The request is larger than it may be.
    TooLarge(String),
    /// There is no such thing.
    NotFound(String),
    /// There is, but that is not what can be done with it.
    NoMethod,
    /// It cannot be done as things are.
    Conflict(String),
    /// The policy is wrong.
    Policy(Vec<String>),
    /// The command is wrong.
    Command(Vec<String>),
    /// It cannot be done for these devices as things are.
    Refused(String, Vec<String>),
    /// It takes something from these devices, and whoever asks must say that this is meant.
    Unconfirmed(String, Vec<String>),
    /// The server cannot do it now.
    Unavailable(String),
    /// It does as much of this as it may already.
    Busy(String),
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict => Self::Conflict(format!("{error}; try again")),
            StoreError::Unavailable(_) | StoreError::Corrupt(_) => Self::Unavailable(error.to_string()),
        }
    }
}

impl From<Behind> for Fault {
    fn from(error: Behind) -> Self {
        Self::Conflict(format!("{error}; try again"))
    }
}

impl From<PublishError> for Fault {
    fn from(error: PublishError) -> Self {
        match error {
            PublishError::Policy(problems) => {
                Self::Policy(problems.iter().map(ToString::to_string).collect())
            }
            PublishError::NoRevision(_) => Self::NotFound(error.to_string()),
            PublishError::Store(error) => error.into(),
            PublishError::Failed(_) => Self::Unavailable(error.to_string()),
        }
    }
}

impl From<OrderError> for Fault {
    fn from(error: OrderError) -> Self {
        let what = error.to_string();
        match error {
            OrderError::Unconfirmed { devices, .. } => Self::Unconfirmed(what, devices),
            OrderError::Refused { devices, .. } => Self::Refused(what, devices),
            OrderError::Store(error) => error.into(),
            OrderError::Seal(_) => Self::Unavailable(what),
        }
    }
}

impl From<BodyError> for Fault {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge => Self::TooLarge(error.to_string()),
            BodyError::Broken(_) => Self::Invalid(error.to_string()),
            BodyError::Busy => Self::Unavailable(format!("{error}; try again")),
        }
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let (status, error, details) = match self {
            Self::NotAuthorized => {
                let what = "a valid administrator's token is needed: Authorization: Bearer TOKEN";
                (StatusCode::UNAUTHORIZED, what.to_owned(), vec![])
            }
            Self::Invalid(what) => (StatusCode::BAD_REQUEST, what, vec![]),
            Self::TooLarge(what) => (StatusCode::PAYLOAD_TOO_LARGE, what, vec![]),
            Self::NotFound(what) => (StatusCode::NOT_FOUND, what, vec![]),
            Self::NoMethod => {
                let what = "this path does not take this method; /api/v1/openapi.json tells all".to_owned();
                (StatusCode::METHOD_NOT_ALLOWED, what, vec![])
            }
            Self::Conflict(what) => (StatusCode::CONFLICT, what, vec![]),
            Self::Policy(details) => {
                let what = "the policy has errors; nothing was published".to_owned();
                (StatusCode::UNPROCESSABLE_ENTITY, what, details)
            }
            Self::Command(details) => {
                let what = "the command has errors; nothing was ordered".to_owned();
                (StatusCode::UNPROCESSABLE_ENTITY, what, details)
            }
            Self::Refused(what, details) => (StatusCode::CONFLICT, what, details),
            Self::Unconfirmed(what, details) => (StatusCode::PRECONDITION_REQUIRED, what, details),
            Self::Unavailable(what) => {
                tracing::error!(error = what, "an administrator's request was not done");
                (StatusCode::SERVICE_UNAVAILABLE, what, vec![])
            }
            Self::Busy(error) => {
                let details = vec![];
                let problem = Json(Problem { error, details });
                let again = [(header::RETRY_AFTER, "30")];
                return (StatusCode::SERVICE_UNAVAILABLE, again, problem).into_response();
            }
        };
        (status, Json(Problem { error, details })).into_response()
    }
}
