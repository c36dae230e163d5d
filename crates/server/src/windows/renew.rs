//! Renewal of certificates (MS-MDE2 section 3.5), on behalf of the device itself: by its old certificate, which
//! signs the request for the next one.

use ordain_model::ids::Channel;
use ordain_model::windows::enroll::{self as model, NotRenewable};
use ordain_pki::cms;
use ordain_store::{Actor, AuditRecord, StoreError};
use ordain_windows::soap::{ErrorType, Subcode};
use ordain_windows::wstep::RequestSecurityToken;
use serde_json::json;

use super::exchange::{Arrived, Problem};
use super::{certificate, context, provisioning};
use crate::device::fault::Fault;

/// Issues the next certificate of such a channel. `message` is CMS: the request for it, signed with the key of the present one. What TLS
/// shows must be the same; the credentials of the header, which may be empty, do not count.
pub(super) async fn renew(
    arrived: &Arrived,
    channel: Channel,
    token: &RequestSecurityToken,
    message: &[u8],
) -> Result<Vec<u8>, Problem> {
    let app = &arrived.app;
    let (signed, request) = cms::verify_attached(message).map_err(|error| {
        tracing::info!(%error, "a request for renewal");
        Problem::new(
            Subcode::CertificateRequest,
            "The request is not signed as it must be.",
        )
    })?;
    let (peer, headers, body) = (&arrived.peer, &arrived.headers, &arrived.body.octets);
    let presented = app
        .trust
        .identify_signer(&signed.signer, &signed.others, peer, headers, body, app.now())
        .map_err(|reason| refused(reason.into()))?;
    let scene = app.windows_scene(channel, &presented).await.map_err(refused)?;
    model::may_renew(&presented, scene.now).map_err(not_now)?;
    let channel = scene.channel().map_err(refused)?;
    let (certificate, successor) = certificate::issue(app, &channel.id, request).await?;
    let kept = channel.facts.windows.as_ref().map(|windows| windows.store);
    let said = context::store(&token.context).filter(|_| channel.id.is_device());
    let store = said.or(kept).unwrap_or_default();
    let document = provisioning::of_renewal(&channel.id, store, &certificate)?;
    let fingerprint = successor.pin.fingerprint;
    let decision = model::renew(channel, &presented, fingerprint, scene.now).map_err(not_now)?;
    let audit = AuditRecord {
        at: scene.now,
        actor: Actor {
            name: "server".into(),
            origin: peer.address.to_string(),
        },
        action: "renew-certificate".into(),
        detail: json!({"enrollment": channel.id, "certificate": fingerprint}),
    };
    match app
        .store
        .commit(&scene.state, &decision.writes, Some(&audit))
        .await
    {
        Ok(()) => {
            app.wrote(&decision.writes);
            tracing::info!(enrollment = %channel.id, "the certificate of a Windows device was renewed");
            Ok(document)
        }
        Err(StoreError::Conflict) => Err(Problem::unavailable("the device has changed meanwhile")),
        Err(error) => Err(error.into()),
    }
}

/// Whoever is not let in learns no more than that.
fn refused(fault: Fault) -> Problem {
    match fault {
        Fault::Refused(_) | Fault::Unidentified(_) => {
            tracing::info!(reason = %fault, "a renewal is refused");
            Problem::authentication("The certificate is not that of an enrolled device.")
        }
        other => Problem::unavailable(other),
    }
}

fn not_now(reason: NotRenewable) -> Problem {
    let reason = match reason {
        NotRenewable::TooEarly => "The certificate is not in its renewal period yet.",
        NotRenewable::Expired => "The certificate has expired: enroll again.",
    };
    Problem::new(Subcode::CertificateRequest, reason).with(ErrorType::NotEligibleToRenew)
}
