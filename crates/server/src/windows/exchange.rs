//! One SOAP exchange: read the request within its bounds, and answer it with what was asked for or with a fault.

use std::sync::Arc;

use axum::body::Body;
use axum::response::{IntoResponse, Response as HttpResponse};
use http::{HeaderMap, StatusCode, header};
use ordain_store::StoreError;
use ordain_windows::soap::{
    CONTENT_TYPE, Detail, ErrorType, Fault, Operation, Request, Response, ResponseBody, Subcode,
};
use uuid::Uuid;

use crate::admission::Urgency;
use crate::app::App;
use crate::body::{self, Received};
use crate::device::fault::Fault as Refused;
use crate::identity::Peer;

/// The largest message, in octets: those with attestation have some tens of KiB.
const MAX_MESSAGE: usize = 256 << 10;

/// A request as it came.
pub(super) struct Arrived {
    pub(super) app: Arc<App>,
    pub(super) peer: Peer,
    pub(super) headers: HeaderMap,
    pub(super) body: Received,
    pub(super) request: Request,
}

/// Why a device does not get what it asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Problem {
    /// It is told this.
    Fault {
        subcode: Subcode,
        /// For people, and in the log and the counters.
        reason: &'static str,
        /// What exactly is the matter.
        error_type: Option<ErrorType>,
    },
    /// The server cannot do it now, and why.
    Unavailable(String),
}

impl Problem {
    pub(super) fn new(subcode: Subcode, reason: &'static str) -> Self {
        Self::Fault {
            subcode,
            reason,
            error_type: None,
        }
    }

    /// The same, and what exactly is the matter.
    pub(super) fn with(self, exactly: ErrorType) -> Self {
        match self {
            Self::Fault { subcode, reason, .. } => Self::Fault {
                subcode,
                reason,
                error_type: Some(exactly),
            },
            unavailable => unavailable,
        }
    }

    /// The device has no credentials that count.
    pub(super) fn authentication(reason: &'static str) -> Self {
        Self::new(Subcode::Authentication, reason)
    }

    pub(super) fn unavailable(error: impl ToString) -> Self {
        Self::Unavailable(error.to_string())
    }

    /// What the device is told, with `trace` to find it in the log.
    fn told(self, app: &App, trace: &str) -> Fault {
        match self {
            Self::Fault {
                subcode,
                reason,
                error_type,
            } => {
                app.metrics.refused(reason);
                tracing::info!(trace, reason, "a Windows device is refused");
                let detail = |error_type| Detail {
                    error_type,
                    message: reason.to_owned(),
                    trace_id: trace.to_owned(),
                };
                Fault {
                    subcode,
                    reason: reason.to_owned(),
                    detail: error_type.map(detail),
                }
            }
            Self::Unavailable(error) => {
                tracing::error!(trace, error, "a Windows device is not answered");
                let later = "The server cannot do it now. Try again in a minute.";
                Fault::new(Subcode::InternalServiceFault, later)
            }
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::unavailable(error)
    }
}

/// Answers the one `operation` of an endpoint by `work`.
pub(super) async fn answer(
    app: Arc<App>,
    peer: Peer,
    operation: Operation,
    headers: HeaderMap,
    body: Body,
    work: impl AsyncFnOnce(Arrived) -> Result<ResponseBody, Problem>,
) -> HttpResponse {
    let received = async {
        let body = body::read(&app.in_flight, &headers, body, MAX_MESSAGE).await?;
        let place = app.admission.enter(|| Urgency::Enrolling).await?;
        Ok::<_, Refused>((body, place))
    };
    let (body, _place) = match received.await {
        Ok(received) => received,
        Err(refused) => {
            refused.note(&app, "Windows enrollment");
            return refused.into_response();
        }
    };
    let (relates_to, outcome) = match Request::parse(&body.octets) {
        Ok(request) if request.body.operation() == operation => {
            let relates_to = request.message_id.clone();
            let arrived = Arrived {
                app: app.clone(),
                peer,
                headers,
                body,
                request,
            };
            (Some(relates_to), work(arrived).await)
        }
        Ok(request) => {
            let reason = "Another operation than that of this endpoint.";
            (
                Some(request.message_id),
                Err(Problem::new(Subcode::MessageFormat, reason)),
            )
        }
        Err(unreadable) => {
            let reason = "The message cannot be read.";
            tracing::info!(error = %unreadable.error, "an unreadable message of a Windows device");
            (
                unreadable.message_id,
                Err(Problem::new(unreadable.subcode, reason)),
            )
        }
    };
    let trace = Uuid::new_v4().to_string();
    let (status, body) = match outcome {
        Ok(body) => (StatusCode::OK, body),
        Err(problem) => (
            StatusCode::INTERNAL_SERVER_ERROR,
            ResponseBody::Fault(operation, problem.told(&app, &trace)),
        ),
    };
    let response = Response {
        relates_to,
        activity_id: Some(trace),
        body,
    };
    match response.to_xml() {
        Ok(xml) => (status, [(header::CONTENT_TYPE, CONTENT_TYPE)], xml).into_response(),
        // What the device says is written back only where it was read from XML.
        Err(error) => {
            tracing::error!(%error, "an answer to a Windows device");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
