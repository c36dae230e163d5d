//! Push: the certificate, and how far the sweep is.

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use ordain_model::enrollment::Service;
use ordain_store::{Actor, AuditRecord};
use serde_json::json;

use super::extract;
use super::fault::Fault;
use crate::api::{
    NewPushCertificate, Problem, PushCertificate, PushProblem, PushProgress, PushRefusals, PushStatus,
    PushSweep,
};
use crate::app::App;
use crate::push::certificate::PushCertificateError;
use crate::push::{self, warning_text};

impl From<PushCertificateError> for Fault {
    fn from(error: PushCertificateError) -> Self {
        Self::Invalid(error.to_string())
    }
}

/// Takes the certificate that devices are pushed with, and its key.
#[utoipa::path(
    post, path = "/push-certificate", request_body = NewPushCertificate,
    responses(
        (status = 200, body = PushCertificate), (status = 400, body = Problem),
        (status = 409, body = Problem, description = "its topic is that of no enrolled device")
    )
)]
pub(crate) async fn import(
    State(app): State<Arc<App>>,
    Extension(actor): Extension<Actor>,
    extract::Json(asked): extract::Json<NewPushCertificate>,
) -> Result<Json<PushCertificate>, Fault> {
    let now = app.now();
    let certificate = push::PushCertificate::import(&[&asked.pem], now)?;
    let others = others(&app, &certificate.topic).await?;
    if others.is_all() && !asked.other_topic {
        return Err(Fault::Conflict(others.refusal(&certificate.topic)));
    }
    let audit = AuditRecord {
        at: now,
        actor,
        action: "import-push-certificate".into(),
        detail: json!({"topic": certificate.topic, "expires_at": certificate.not_after,
            "channels_of_other_topics": others.elsewhere}),
    };
    app.keep_push_certificate(&certificate, &audit).await?;
    Ok(Json(row(&certificate, &others, now)))
}

/// The certificate that devices are pushed with; never its key.
#[utoipa::path(
    get, path = "/push-certificate",
    responses((status = 200, body = PushCertificate), (status = 404, body = Problem))
)]
pub(crate) async fn certificate(State(app): State<Arc<App>>) -> Result<Json<PushCertificate>, Fault> {
    let certificate = app.push_certificate().await?;
    let certificate = certificate.ok_or_else(|| Fault::NotFound(NONE.to_owned()))?;
    let others = others(&app, &certificate.topic).await?;
    Ok(Json(row(&certificate, &others, app.now())))
}

/// How it stands with the pushes.
#[utoipa::path(get, path = "/push", responses((status = 200, body = PushStatus)))]
pub(crate) async fn status(State(app): State<Arc<App>>) -> Result<Json<PushStatus>, Fault> {
    let now = app.now();
    let certificate = match app.push_certificate().await? {
        Some(certificate) => {
            let others = others(&app, &certificate.topic).await?;
            Some(row(&certificate, &others, now))
        }
        None => None,
    };
    let progress = progress(&app, Service::Apns, certificate.is_some()).await?;
    Ok(Json(PushStatus {
        note: certificate.is_none().then(|| NONE.to_owned()),
        certificate,
        progress,
    }))
}

/// How far the pushes through `service` are.
pub(super) async fn progress(app: &App, service: Service, is_equipped: bool) -> Result<PushProgress, Fault> {
    let now = app.now();
    let counts = app.store.wake_counts(service, now).await?;
    let sweep = app.store.sweep(service).await?;
    let trouble = app.trouble(service).await?.filter(|_| is_equipped);
    let refused = counts.refused.into_iter();
    Ok(PushProgress {
        problem: trouble.map(|trouble| PushProblem {
            reason: trouble.reason,
            since: trouble.since,
            tried_again_at: trouble.until,
        }),
        sweep: (sweep.revision > 0).then(|| {
            let end = sweep.finished_at.unwrap_or(now);
            let seconds = (end - sweep.started_at).max(1);
            let looked_at = sweep.tally.looked_at();
            let per_second = looked_at / seconds.unsigned_abs();
            let left = sweep.total.saturating_sub(looked_at);
            PushSweep {
                revision: sweep.revision,
                channels: sweep.total,
                passed: looked_at,
                pushed: sweep.tally.pushed,
                waiting: sweep.tally.waiting,
                up_to_date: sweep.tally.up_to_date,
                unreachable: sweep.tally.unreachable,
                started_at: sweep.started_at,
                finished_at: sweep.finished_at,
                per_second,
                seconds_left: match sweep.finished_at {
                    None => left.checked_div(per_second),
                    Some(_) => Some(0),
                },
            }
        }),
        due: counts.due,
        unanswered: counts.unanswered,
        dead: counts.dead,
        refused: refused
            .map(|(reason, channels)| PushRefusals { reason, channels })
            .collect(),
    })
}

/// The push topic that is asked for, else that of the push certificate.
pub(super) async fn topic(app: &App, asked: Option<String>) -> Result<String, Fault> {
    if let Some(topic) = asked.filter(|topic| !topic.is_empty()) {
        return Ok(topic);
    }
    let missing =
        || Fault::Invalid("give the push topic, since there is no push certificate to take it from".into());
    let certificate = app.push_certificate().await?.ok_or_else(missing)?;
    Ok(certificate.topic.clone())
}

const NONE: &str = "there is no push certificate: no device is told of anything, and each learns of changes only when it \
                    asks by itself; `ordain push-certificate import` takes one";

/// The channels that have told a push topic.
struct Others {
    /// Those with the topic in question.
    here: u64,
    /// The others.
    elsewhere: u64,
    /// The topic that most of these have told.
    most: String,
}

async fn others(app: &App, topic: &str) -> Result<Others, Fault> {
    let (mut others, mut most) = (
        Others {
            here: 0,
            elsewhere: 0,
            most: String::new(),
        },
        0,
    );
    for (told, channels) in app.store.topics().await? {
        if told == topic {
            others.here = channels;
            continue;
        }
        others.elsewhere += channels;
        if channels > most {
            most = channels;
            others.most = told;
        }
    }
    Ok(others)
}

impl Others {
    fn is_all(&self) -> bool {
        self.here == 0 && self.elsewhere > 0
    }

    fn refusal(&self, topic: &str) -> String {
        format!(
            "the certificate is for the topic {topic}, but no enrolled device has that: all {} channels have others, most \
             {}. With it none of them could ever be pushed again, and each would have to enroll anew. To renew the \
             certificate that they enrolled with, choose that very one at https://identity.apple.com, with the Apple \
             Account that made it, and `Renew`; a new one always has another topic. To take this one all the same, \
             say that another topic is meant (--other-topic)",
            self.elsewhere, self.most
        )
    }

    fn warning(&self) -> Option<String> {
        (self.elsewhere > 0).then(|| {
            format!(
                "{} channels enrolled with another topic ({}) and cannot be pushed with this certificate: they must enroll anew",
                self.elsewhere, self.most
            )
        })
    }
}

fn row(certificate: &push::PushCertificate, others: &Others, now: i64) -> PushCertificate {
    let warnings = certificate.warning(now).map(warning_text);
    PushCertificate {
        topic: certificate.topic.clone(),
        subject: certificate.subject.clone(),
        expires_at: certificate.not_after,
        days_left: (certificate.not_after - now).div_euclid(24 * 60 * 60),
        is_expired: certificate.not_after < now,
        channels: others.here,
        warnings: warnings.into_iter().chain(others.warning()).collect(),
    }
}
