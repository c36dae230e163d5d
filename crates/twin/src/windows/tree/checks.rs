//! What CSPs check of values beyond format and range.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ordain_pki::Certificate;
use ordain_windows::syncml::loc_uri::LocUri;
use roxmltree::{Document, ParsingOptions};

use super::facts::MAX_SYNC_APPLICATION_VERSION;
use super::{Refusal, Tree, Value, admx};
use crate::windows::account::Account;

/// Refuses a value that the CSP of the node would refuse.
pub(super) fn check(tree: &Tree, account: &Account, uri: &LocUri, value: &Value) -> Result<(), Refusal> {
    let names: Vec<_> = uri.segments.iter().map(String::as_str).collect();
    let ["Vendor", "MSFT", csp, below @ ..] = &*names else {
        return Ok(());
    };
    let is_fine = match (*csp, below) {
        ("RootCATrustedCertificates" | "CertificateStore", [.., thumbprint, "EncodedCertificate"]) => {
            is_certificate(&value.data, thumbprint)
        }
        ("WiFi", ["Profile", ssid, "WlanXml"]) => is_wlan_profile(&value.data, ssid),
        ("DMClient", ["Provider", _, "SyncApplicationVersion"]) => {
            let now = tree.provider_text(&account.provider_id, &["SyncApplicationVersion"]);
            is_next_version(now, &value.data)
        }
        ("Policy", ["ConfigOperations", "ADMXInstall", _, "Policy", _]) => {
            admx::Definitions::parse(&value.data).is_some_and(|definitions| definitions.is_allowed())
        }
        ("Policy", ["Config", area, policy]) if area.contains("~Policy~") => {
            if !admx::is_ingested(tree, uri.scope, area, policy) {
                return Err(Refusal::missing());
            }
            admx::is_payload(&value.data)
        }
        _ => true,
    };
    if is_fine { Ok(()) } else { Err(Refusal::invalid()) }
}

fn is_certificate(data: &str, thumbprint: &str) -> bool {
    let dense: String = data.split_ascii_whitespace().collect();
    let certificate = STANDARD.decode(dense).ok().map(|der| Certificate::from_der(&der));
    matches!(certificate, Some(Ok(certificate)) if certificate.thumbprint().eq_ignore_ascii_case(thumbprint))
}

/// A document without DTD, and with bounds.
pub(super) fn xml(text: &str) -> Option<Document<'_>> {
    let options = ParsingOptions {
        allow_dtd: false,
        nodes_limit: 50_000,
        ..ParsingOptions::default()
    };
    // Real policy files have few prefixes; each costs with each element.
    if text.matches("xmlns:").count() > 64 {
        return None;
    }
    Document::parse_with_options(text, options).ok()
}

/// The profile's name is the node's.
fn is_wlan_profile(text: &str, ssid: &str) -> bool {
    xml(text).is_some_and(|document| {
        let root = document.root_element();
        let name = root.children().find(|child| child.tag_name().name() == "name");
        root.tag_name().name() == "WLANProfile" && name.and_then(|name| name.text()) == Some(ssid)
    })
}

/// `SyncApplicationVersion` knows versions up to the client's, and once at 2.0 never goes back to 1.0.
fn is_next_version(now: Option<&str>, next: &str) -> bool {
    let number = |text: &str| text.parse::<f32>().ok().filter(|number| *number >= 1.0);
    let at_least_two = now.and_then(number).is_some_and(|now| now >= 2.0);
    let newest = number(MAX_SYNC_APPLICATION_VERSION);
    number(next).is_some_and(|next| Some(next) <= newest && (next >= 2.0 || !at_least_two))
}
