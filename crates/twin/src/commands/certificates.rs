//! CertificateList: the device's identity, and what profiles brought.

use ordain_apple::plist::{Dictionary, Value};
use ordain_pki::Certificate;

use super::call::{Answer, Call, Done, dictionaries, dictionary};

pub(super) fn list(call: Call<'_>) -> Answer {
    // All that a twin has is managed.
    call.flag("ManagedOnly")?;
    let identity = call.device.identity.iter().map(|identity| entry(identity, true));
    let brought = call
        .device
        .state()
        .profiles
        .iter()
        .filter(|profile| profile.scope == call.scope)
        .flat_map(|profile| &profile.certificates)
        .map(|certificate| entry(certificate, false));
    Ok(Done::said(
        "CertificateList",
        dictionaries(identity.chain(brought)),
    ))
}

fn entry(certificate: &Certificate, is_identity: bool) -> Dictionary {
    dictionary([
        ("CommonName", certificate.common_name().unwrap_or_default().into()),
        ("Data", Value::Data(certificate.der().to_vec())),
        ("IsIdentity", is_identity.into()),
    ])
}
