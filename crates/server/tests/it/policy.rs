//! Policies to publish.

use std::fmt::Write as _;

use serde_json::json;

/// A policy directory.
pub(crate) type Files = Vec<(&'static str, String)>;

/// A passcode policy: the declaration that tests change.
pub(crate) fn passcode(minimum_length: u32) -> (&'static str, String) {
    let declaration = json!({
        "Type": "com.apple.configuration.passcode.settings",
        "Identifier": "passcode",
        "Payload": {"RequirePasscode": true, "MinimumLength": minimum_length},
    });
    ("declarations/passcode.json", declaration.to_string())
}

/// A management declaration.
pub(crate) fn organization(name: &str) -> (&'static str, String) {
    let declaration = json!({
        "Type": "com.apple.management.organization-info",
        "Identifier": "organization",
        "Payload": {"Name": name},
    });
    ("declarations/organization.json", declaration.to_string())
}

/// A blueprint of `declarations` for the group `include`.
pub(crate) fn blueprint(name: &str, include: &str, declarations: &[&str]) -> String {
    let mut yaml = format!("name: {name}\ninclude: [{include}]\ndeclarations:\n");
    for declaration in declarations {
        writeln!(yaml, "  - {declaration}").expect("a string");
    }
    yaml
}

/// A passcode and the organisation, for all.
pub(crate) fn small(minimum_length: u32) -> Files {
    vec![
        passcode(minimum_length),
        organization("Example"),
        (
            "blueprints/all.yaml",
            blueprint("base", "all", &["passcode", "organization"]),
        ),
    ]
}

/// One of everything: each kind, an asset, a profile, a user's declaration, and a listed group with what only its
/// members get.
pub(crate) fn rich(member: &str) -> Files {
    let all = [
        "in-force",
        "organization",
        "company-ca",
        "org.example.dns",
        "calendar",
    ];
    vec![
        passcode(8),
        organization("Example"),
        (
            "declarations/in-force.json",
            json!({
                "Type": "com.apple.activation.simple",
                "Identifier": "in-force",
                "Payload": {"StandardConfigurations": ["passcode"]},
            })
            .to_string(),
        ),
        (
            "declarations/company-ca.json",
            json!({
                "Type": "com.apple.configuration.security.certificate",
                "Identifier": "company-ca",
                "Payload": {"CredentialAssetReference": "company-ca.certificate"},
            })
            .to_string(),
        ),
        ("assets/company-ca.yaml", certificate_asset("company-ca")),
        ("assets/company-ca.pem", crate::identity::V1_CA.to_owned()),
        ("profiles/dns.mobileconfig", PROFILE.to_owned()),
        (
            "declarations/calendar.json",
            json!({
                "Type": "com.apple.configuration.account.caldav",
                "Identifier": "calendar",
                "scope": "user",
                "Payload": {"HostName": "calendar.example.org"},
            })
            .to_string(),
        ),
        (
            "declarations/properties.json",
            json!({
                "Type": "com.apple.management.properties",
                "Identifier": "lab-properties",
                "Payload": {"room": "lab"},
            })
            .to_string(),
        ),
        ("blueprints/all.yaml", blueprint("base", "all", &all)),
        (
            "declarations/lab-ca.json",
            json!({
                "Type": "com.apple.configuration.security.certificate",
                "Identifier": "lab-ca",
                "Payload": {"CredentialAssetReference": "lab-ca.certificate"},
            })
            .to_string(),
        ),
        ("assets/lab-ca.yaml", certificate_asset("lab-ca")),
        ("assets/lab-ca.pem", crate::identity::TRUSTED.pem()),
        (
            "blueprints/lab.yaml",
            blueprint("lab", "lab", &["lab-properties", "lab-ca"]),
        ),
        ("groups/lab.yaml", format!("name: lab\nmembers: [{member}]\n")),
    ]
}

fn certificate_asset(name: &str) -> String {
    format!(
        "Type: com.apple.asset.credential.certificate\nIdentifier: {name}.certificate\nfile: assets/{name}.pem\n"
    )
}

const PROFILE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0"><dict>
<key>PayloadType</key><string>Configuration</string>
<key>PayloadVersion</key><integer>1</integer>
<key>PayloadIdentifier</key><string>org.example.dns</string>
<key>PayloadUUID</key><string>5C3DF1B5-6B6B-4C6D-9D2A-000000000001</string>
<key>PayloadContent</key><array><dict>
<key>PayloadType</key><string>com.apple.dnsSettings.managed</string>
<key>PayloadVersion</key><integer>1</integer>
<key>PayloadIdentifier</key><string>org.example.dns.settings</string>
<key>PayloadUUID</key><string>5C3DF1B5-6B6B-4C6D-9D2A-000000000002</string>
<key>DNSSettings</key><dict><key>DNSProtocol</key><string>TLS</string>
<key>ServerName</key><string>dns.example.org</string></dict>
</dict></array>
</dict></plist>
"#;
