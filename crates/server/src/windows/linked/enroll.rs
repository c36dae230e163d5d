//! XCEP and WSTEP of linked enrollments: as for primary ones, for who proves to be a device that is enrolled here.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use ordain_model::checkin::Refusal;
use ordain_model::ids::Channel;
use ordain_model::windows::link::{self as model, Linking, NotLinked};
use ordain_model::windows::{CertificateStore, WindowsFacts};
use ordain_store::{Actor, AuditRecord, StoreError};
use ordain_windows::soap::{Operation, ResponseBody};
use ordain_windows::wstep::RequestSecurityToken;
use serde_json::json;

use super::super::exchange::{Arrived, Problem, answer};
use super::super::provisioning::{self, Account};
use super::super::{certificate, context, enroll, policy};
use super::credentials::{self, Proven};
use crate::app::App;
use crate::identity::Peer;

pub(super) async fn get_policies(
    State(app): State<Arc<App>>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let policies = async |arrived: Arrived| {
        credentials::verify(&arrived).await?;
        Ok(policy::response())
    };
    answer(app, peer, Operation::GetPolicies, headers, body, policies).await
}

pub(super) async fn request_security_token(
    State(app): State<Arc<App>>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let operation = Operation::RequestSecurityToken;
    let requested = async |arrived: Arrived| -> Result<ResponseBody, Problem> {
        enroll::respond(&arrived, Channel::Linked).await
    };
    answer(app, peer, operation, headers, body, requested).await
}

/// Gives the device its linked channel, and tells it how to go on.
pub(in crate::windows) async fn issue(
    arrived: &Arrived,
    token: &RequestSecurityToken,
    request: &[u8],
) -> Result<Vec<u8>, Problem> {
    let app = &arrived.app;
    let proven = credentials::verify(arrived).await?;
    let parent = credentials::parent(arrived, &proven, &token.context).await?;
    let id = parent.to_linked();
    let windows = WindowsFacts {
        device_id: token.context.get("DeviceID").and_then(context::text),
        // \[U\]: it is the device that enrolls and nobody has to be logged in, so the certificate is the device's, whatever
        // the request says of its type.
        store: CertificateStore::System,
        ..WindowsFacts::default()
    };
    let (certificate, presented) = certificate::issue(app, &id, request.to_vec()).await?;
    let account = Account::new();
    // Held until the commit, so that a rotation of keys waits for it.
    let ring = app.seal.ring();
    let sealed = account.seal(&ring, &id)?;
    let root = app.trust.own.certificate();
    let document = provisioning::of_enrollment(&app.public_url, &id, &windows, root, &certificate, &account)?;
    let state = app.store.channel(&id).await?;
    // What was verified is the device of the certificate that it has now.
    if let Proven::Certificate(shown, ..) = &proven
        && state.device().and_then(|device| device.identity) != Some(shown.pin)
    {
        return Err(credentials::refused(NotLinked::Differs));
    }
    let linking = Linking {
        windows,
        certificate: presented,
        account: sealed,
        signed_at: match &proven {
            Proven::Certificate(.., at) => Some(*at),
            Proven::Entra(_) => None,
        },
    };
    let decision = model::link(state.device(), state.channel(), linking, app.now());
    let writes = decision
        .map_err(|refusal| {
            credentials::refused(match refusal {
                Refusal::Replayed => NotLinked::Replayed,
                _ => NotLinked::NoParent,
            })
        })?
        .writes;
    let audit = AuditRecord {
        at: app.now(),
        actor: Actor {
            name: credentials::actor(&proven, &parent),
            origin: arrived.peer.address.to_string(),
        },
        action: "link".into(),
        detail: json!({"enrollment": id, "certificate": presented.pin.fingerprint}),
    };
    match app.store.commit(&state, &writes, Some(&audit)).await {
        Ok(()) => {
            app.wrote(&writes);
            tracing::info!(enrollment = %id, "a Windows device was given its linked enrollment");
            Ok(document)
        }
        Err(StoreError::Conflict) => Err(Problem::unavailable("the device has changed meanwhile")),
        Err(error) => Err(error.into()),
    }
}
