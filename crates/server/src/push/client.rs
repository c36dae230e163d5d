//! What a sweep pushes with: a client of the service that it is for.

use std::sync::Arc;

use ordain_apple::push::Notification;
use ordain_model::enrollment::{Push, Service};
use ordain_model::wake::Outcome;
use ordain_store::StoreError;

use super::apns::Apns;
use super::certificate::PushCertificate;
use super::wns::{Credentials, Wns};
use crate::app::App;

/// For how long a service keeps a push for a device that is not connected, in seconds: longer than the longest pause.
const KEPT: u32 = 2 * 24 * 60 * 60;

/// A client, with what it shows to its service.
#[derive(Clone)]
pub(super) enum Client {
    Apns(Arc<PushCertificate>, Arc<Apns>),
    Wns(Arc<Credentials>, Arc<Wns>),
}

/// What there is to push with.
pub(super) enum Found {
    /// Nothing.
    Nothing,
    /// What there was before.
    Same,
    /// Something else; the error says what to do.
    Another(Result<Client, String>),
}

impl Client {
    /// Looks what there is to push with through `service`, where `before` is what there was.
    pub(super) async fn find(
        app: &App,
        service: Service,
        before: Option<&Self>,
    ) -> Result<Found, StoreError> {
        Ok(match service {
            Service::Apns => match app.push_certificate().await? {
                None => Found::Nothing,
                Some(now) => match before {
                    Some(Self::Apns(before, _)) if Arc::ptr_eq(before, &now) => Found::Same,
                    _ => {
                        let client = app.push.client(&now);
                        Found::Another(client.map(|client| Self::Apns(now, Arc::new(client))))
                    }
                },
            },
            Service::Wns => match app.wns().await? {
                None => Found::Nothing,
                Some(now) => match before {
                    Some(Self::Wns(before, _)) if Arc::ptr_eq(before, &now) => Found::Same,
                    _ => {
                        let client = app.push.wns_client(&now);
                        Found::Another(client.map(|client| Self::Wns(now, Arc::new(client))))
                    }
                },
            },
        })
    }

    /// Pushes to where a device says, once, at `now` in unix seconds.
    pub(super) async fn push(&self, to: &Push, now: i64) -> Outcome {
        match (self, to) {
            (Self::Apns(_, apns), Push::Apns(to)) => {
                let notification = Notification {
                    // What is no hexadecimal number is no token that APNs could take.
                    token: hex::decode(&to.token).unwrap_or_default(),
                    topic: to.topic.clone(),
                    magic: to.magic.clone(),
                    expiration: now.saturating_add(KEPT.into()),
                };
                apns.push(&notification).await
            }
            (Self::Wns(_, wns), Push::Wns(to)) => wns.push(to, KEPT).await,
            (Self::Apns(..), Push::Wns(_)) | (Self::Wns(..), Push::Apns(_)) => Outcome::Refused {
                reason: "the device is pushed through another service".to_owned(),
            },
        }
    }
}
