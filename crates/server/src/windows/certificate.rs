//! Device certificates for Windows (MS-WSTEP): from Ordain's own device CA, for a public key that the device proved to
//! have.

use std::borrow::Cow;
use std::sync::Arc;

use ordain_model::checkin::Presented;
use ordain_model::ids::{Digest, EnrollmentId};
use ordain_pki::Certificate;
use ordain_pki::authority::{Request, Usage, Validity};
use ordain_pki::csr::Csr;
use ordain_windows::soap::Subcode;

use super::exchange::Problem;
use crate::app::App;

/// How long a certificate is valid, in seconds: devices renew them by themselves.
pub(super) const VALIDITY: i64 = 365 * 24 * 60 * 60;
/// It begins a little before now, since clocks differ.
const BEFORE: i64 = 60 * 60;

/// The subject of the certificates of a channel, which Windows finds them by: the device's identifier, which is also what
/// people see; of a linked channel another text of the same length, since both may be in one store.
pub(super) fn subject(id: &EnrollmentId) -> Cow<'_, str> {
    match id.is_device() {
        true => id.device_part().into(),
        false => Digest::of(id.to_string().as_bytes()).to_string().into(),
    }
}

/// A certificate for the key of `request`, a PKCS#10 request, under the channel's [`subject`]: what subject and extensions
/// are asked for does not count. The same subject each time, since devices find their certificates by it.
pub(super) async fn issue(
    app: &Arc<App>,
    id: &EnrollmentId,
    request: Vec<u8>,
) -> Result<(Certificate, Presented), Problem> {
    let (app, id) = (app.clone(), id.clone());
    let made = tokio::task::spawn_blocking(move || {
        let csr = Csr::from_der(&request).map_err(|error| {
            tracing::info!(%error, "a certificate request");
            Problem::new(
                Subcode::CertificateRequest,
                "The certificate request is not valid.",
            )
        })?;
        let now = app.now();
        let certificate = app.trust.own.issue(&Request {
            public_key: &csr.public_key,
            common_name: &subject(&id),
            organization: None,
            serial_number: None,
            usage: Usage::Device,
            validity: Validity {
                not_before: now - BEFORE,
                not_after: now + VALIDITY,
            },
        });
        let certificate = certificate.map_err(Problem::unavailable)?;
        let presented = app.trust.own_presented(&certificate);
        Ok((certificate, presented))
    });
    made.await.map_err(Problem::unavailable)?
}
