//! What a device says of itself when it enrolls.

use ordain_model::device::DeviceFacts;
use ordain_model::windows::{CertificateStore, WindowsFacts};
use ordain_windows::wstep::AdditionalContext;

use super::credentials::{SignedIn, Sponsor};

/// The longest text that is kept, in octets.
const MAX_TEXT: usize = 255;

/// `said`, if it is worth keeping: not empty, not too long, and without control characters.
pub(super) fn text(said: &str) -> Option<String> {
    let said = said.trim();
    let is_text = !said.is_empty() && said.len() <= MAX_TEXT && !said.chars().any(char::is_control);
    is_text.then(|| said.to_owned())
}

/// Whose certificate store the device wants its certificate in, if it says so.
pub(super) fn store(context: &AdditionalContext) -> Option<CertificateStore> {
    match context.get("EnrollmentType")? {
        "Full" => Some(CertificateStore::User),
        "Device" => Some(CertificateStore::System),
        _ => None,
    }
}

/// The facts of a device that enrolls. Each item that is missing, or makes no sense, is unknown; no other depends on it.
pub(super) fn facts(context: &AdditionalContext, signed_in: &SignedIn) -> DeviceFacts {
    let item = |name| context.get(name).and_then(text);
    let version = |name| item(name).and_then(|version| version.parse().ok());
    let windows = WindowsFacts {
        hardware_id: item("HWDevID"),
        device_id: item("DeviceID"),
        edition: item("OSEdition").and_then(|number| number.parse().ok()),
        store: store(context).unwrap_or_default(),
        user: signed_in.user.clone(),
        entra: match &signed_in.sponsor {
            Sponsor::Token(_) => None,
            Sponsor::Entra(entra) => Some(entra.clone()),
        },
        linked_by: None,
    };
    DeviceFacts {
        name: item("DeviceName"),
        os_version: version("OSVersion").or_else(|| version("ApplicationVersion")),
        windows: Some(Box::new(windows)),
        ..DeviceFacts::default()
    }
}
