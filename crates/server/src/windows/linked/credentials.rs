//! Which device asks for a linked enrollment: what its `Security` header proves, and whether all that it shows is of one
//! device that is enrolled here.

use ordain_model::checkin::Presented;
use ordain_model::ids::{Channel, EnrollmentId};
use ordain_model::windows::WindowsFacts;
use ordain_model::windows::facts::IN_ENTRA;
use ordain_model::windows::link::{NotLinked, Proof, Shown, belongs};
use ordain_pki::Certificate;
use ordain_windows::soap::{ErrorType, Signature, Subcode, Timestamp, Token};
use ordain_windows::wstep::AdditionalContext;

use super::super::exchange::{Arrived, Problem};
use crate::device::fault::Fault;

/// How far a device's clock may be from ours, in seconds,
const CLOCK_TOLERANCE: i64 = 5 * 60;
/// and for how long a message may be meant.
const LONGEST: i64 = 60 * 60;

/// What a message proves of its sender.
#[derive(Debug, Clone)]
pub(super) enum Proven {
    /// It has the key of this certificate, of an enrollment here, and signed the message at this time, in unix seconds.
    Certificate(Presented, EnrollmentId, i64),
    /// Entra says that it is the device of this identifier there.
    Entra(String),
}

/// Finds out what the header of a message proves.
pub(super) async fn verify(arrived: &Arrived) -> Result<Proven, Problem> {
    let app = &arrived.app;
    let security = arrived.request.security.as_ref();
    match security.and_then(|security| security.token.as_ref()) {
        Some(Token::Jwt(token)) => {
            let entra = app.entra.as_ref().ok_or_else(|| {
                Problem::authentication("Tokens of Microsoft Entra are not taken here.")
                    .with(ErrorType::NotSupported)
            })?;
            let device = entra.verify_device(token.expose(), app.now()).await?;
            Ok(Proven::Entra(device))
        }
        Some(Token::Certificate {
            certificate,
            signature: Some(signature),
        }) => {
            let timestamp = security.and_then(|security| security.timestamp);
            by_certificate(arrived, certificate, signature, timestamp).await
        }
        _ => Err(Problem::authentication(
            "A linked enrollment takes a token of Microsoft Entra, or the certificate of the device's enrollment.",
        )),
    }
}

/// Whose certificate it is, if the message is signed with its key, and that of the device's own enrollment here. The
/// signature says when it was made, so that a message that somebody has kept is worth nothing soon, and gets nothing a second
/// time ([`ordain_model::windows::link::link`]); \[U\]: one without
/// that is refused, though published messages all have it.
async fn by_certificate(
    arrived: &Arrived,
    certificate: &[u8],
    signature: &Signature,
    timestamp: Option<Timestamp>,
) -> Result<Proven, Problem> {
    let refused = |reason: String| {
        tracing::info!(reason, "a signed message is refused");
        Problem::authentication("The message is not signed by an enrolled device.")
    };
    let app = &arrived.app;
    let now = app.now();
    let timestamp = timestamp.filter(|Timestamp { created, expires }| {
        (created.saturating_sub(CLOCK_TOLERANCE)..expires.saturating_add(CLOCK_TOLERANCE)).contains(&now)
            && expires.saturating_sub(*created) <= LONGEST
    });
    let created = timestamp
        .ok_or_else(|| refused("it is not of now".to_owned()))?
        .created;
    let certificate = Certificate::from_der(certificate).map_err(|error| refused(error.to_string()))?;
    if !certificate.verifies_rsa_sha256(&signature.signed_info, &signature.value) {
        return Err(refused("the signature is wrong".to_owned()));
    }
    let (peer, headers, body) = (&arrived.peer, &arrived.headers, &arrived.body.octets);
    let presented = app
        .trust
        .identify_signer(&certificate, &[], peer, headers, body, now);
    let presented = presented.map_err(|reason| refused(reason.to_string()))?;
    let scene = app.windows_scene(Channel::Device, &presented).await;
    match scene.and_then(|scene| Ok(scene.device()?.id.clone())) {
        Ok(id) => Ok(Proven::Certificate(presented, id, created)),
        Err(Fault::Refused(reason)) => Err(refused(reason.to_string())),
        Err(other) => Err(Problem::unavailable(other)),
    }
}

/// The device that a message is of, by what it proves and all that it says.
pub(super) async fn parent(
    arrived: &Arrived,
    proven: &Proven,
    context: &AdditionalContext,
) -> Result<EnrollmentId, Problem> {
    let hardware_id = context.get("HWDevID");
    let shown = Shown {
        proof: Some(match proven {
            Proven::Certificate(presented, ..) => Proof::Certificate(presented),
            Proven::Entra(device) => Proof::Entra(device),
        }),
        emm_device_id: context.get("EmmDeviceId"),
        hardware_id,
    };
    let by_hardware = || {
        let windows = WindowsFacts {
            hardware_id: hardware_id.map(str::to_owned),
            ..WindowsFacts::default()
        };
        windows.enrollment_id()
    };
    let id = match proven {
        Proven::Certificate(_, id, _) => Some(id.clone()),
        Proven::Entra(_) => match shown.emm_device_id {
            Some(name) => name.parse().ok().filter(EnrollmentId::is_device),
            None => by_hardware(),
        },
    };
    let app = &arrived.app;
    let Some(id) = id else {
        return Err(refused(NotLinked::NoParent));
    };
    let state = app.store.channel(&id).await?;
    let record = match state.device() {
        Some(_) => Some(app.store.reported(&state).await?),
        None => None,
    };
    let told = record.as_ref().and_then(|record| record.items.get(IN_ENTRA));
    let in_entra = told.and_then(|item| item.as_str()).filter(|id| !id.is_empty());
    belongs(state.device(), in_entra, &shown, app.now()).map_err(refused)?;
    Ok(id)
}

/// Whoever is refused learns no more than that: not even whether there is such a device.
pub(super) fn refused(reason: NotLinked) -> Problem {
    tracing::info!(%reason, "a linked enrollment is refused");
    Problem::new(
        Subcode::Authorization,
        "What this message shows is not of one device that is enrolled here.",
    )
}

/// As which device the audit names the sender.
pub(super) fn actor(proven: &Proven, device: &EnrollmentId) -> String {
    match proven {
        Proven::Certificate(..) => format!("device {device}"),
        Proven::Entra(name) => format!("Entra device {name}"),
    }
}
