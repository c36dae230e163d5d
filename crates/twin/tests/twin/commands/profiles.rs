//! Profiles, provisioning profiles, certificates, restrictions.

use ordain_apple::command::Status;
use ordain_apple::plist::Dictionary;
use ordain_catalog::{Platform, Scope};
use ordain_pki::authority::Validity;
use ordain_pki::key::KeyKind;
use ordain_pki::{Authority, KeyPair};
use ordain_twin::commands::Afterwards;
use ordain_twin::state::ENROLLMENT_PROFILE;
use serde_json::json;

use super::{Case, case, device, keys_of, order, refusal, tell};
use crate::fake::profile;

/// A profile with one payload, which has these keys too.
fn payload(type_name: &str, keys: &str) -> serde_json::Value {
    let profile = String::from_utf8(profile(type_name)).unwrap();
    let place = profile.find("</dict></array>").unwrap();
    let (before, after) = profile.split_at(place);
    json!({"Payload": format!("data:{before}{keys}{after}")})
}

fn provisioning() -> serde_json::Value {
    let plist = r#"<?xml version="1.0" encoding="UTF-8"?><plist version="1.0"><dict>
        <key>Name</key><string>Team</string><key>UUID</key><string>P-1</string></dict></plist>"#;
    json!({"ProvisioningProfile": format!("data:signed around: {plist} and more")})
}

const RESTRICTIONS: &str = "<key>allowCamera</key><false/><key>maxGrace</key><integer>5</integer>\
    <key>apps</key><array><string>a</string></array>";

fn count(results: &Dictionary, list: &str) -> usize {
    results[list].as_array().unwrap().len()
}

pub(super) fn cases() -> Vec<Case> {
    let wifi = || payload("com.apple.wifi.managed", "");
    vec![
        case("InstallProfile", Platform::Ios, wifi())
            .does("profile com.example.p installed")
            .leaves(|device, _| device.state().profiles[0].identifier == "com.example.p"),
        case("InstallProfile", Platform::MacOs, wifi())
            .after("InstallProfile", wifi())
            .on_user_channel()
            .does("profile com.example.p installed")
            .leaves(|device, _| {
                device.state().profiles.len() == 1 && device.state().profiles[0].scope == Scope::User
            }),
        case("ProfileList", Platform::Ios, json!({"ManagedOnly": true}))
            .after("InstallProfile", wifi())
            .says(&["ProfileList"])
            .leaves(|_, results| {
                let profile = results["ProfileList"].as_array().unwrap()[1]
                    .as_dictionary()
                    .unwrap();
                let content = profile["PayloadContent"].as_array().unwrap()[0]
                    .as_dictionary()
                    .unwrap();
                profile["PayloadIdentifier"] == "com.example.p".into()
                    && content["PayloadType"] == "com.apple.wifi.managed".into()
            }),
        case(
            "RemoveProfile",
            Platform::Ios,
            json!({"Identifier": "com.example.p"}),
        )
        .after("InstallProfile", wifi())
        .does("profile com.example.p removed")
        .leaves(|device, _| device.state().profiles.is_empty()),
        case(
            "RemoveProfile",
            Platform::WatchOs,
            json!({"Identifier": ENROLLMENT_PROFILE}),
        )
        .does("the enrollment profile removed")
        .then(Afterwards::CheckOut),
        case("InstallProvisioningProfile", Platform::Ios, provisioning())
            .does("provisioning profile P-1 installed")
            .leaves(|device, _| device.state().provisioning["P-1"].name == "Team"),
        case("ProvisioningProfileList", Platform::Ios, json!({}))
            .after("InstallProvisioningProfile", provisioning())
            .says(&["ProvisioningProfileList"])
            .leaves(|_, results| count(results, "ProvisioningProfileList") == 1),
        case("RemoveProvisioningProfile", Platform::Ios, json!({"UUID": "P-1"}))
            .after("InstallProvisioningProfile", provisioning())
            .does("provisioning profile P-1 removed")
            .leaves(|device, _| device.state().provisioning.is_empty()),
        case("CertificateList", Platform::Ios, json!({"ManagedOnly": true}))
            .says(&["CertificateList"])
            .leaves(|_, results| count(results, "CertificateList") == 0),
        case(
            "Restrictions",
            Platform::Ios,
            json!({"ProfileRestrictions": true}),
        )
        .after(
            "InstallProfile",
            payload("com.apple.applicationaccess", RESTRICTIONS),
        )
        .says(&["GlobalRestrictions", "ProfileRestrictions"])
        .leaves(|_, results| {
            let global = results["GlobalRestrictions"].as_dictionary().unwrap();
            let camera = global["restrictedBool"].as_dictionary().unwrap()["allowCamera"]
                .as_dictionary()
                .unwrap();
            let by_profile = results["ProfileRestrictions"].as_dictionary().unwrap();
            camera["value"] == false.into() && by_profile["com.example.p"].as_dictionary() == Some(global)
        }),
        case("ClearRestrictionsPassword", Platform::Ios, json!({})).does("the restrictions password cleared"),
    ]
}

#[test]
fn certificates_are_the_identity_and_what_profiles_brought() {
    let key = KeyPair::generate(KeyKind::P256).unwrap();
    let always = Validity {
        not_before: 0,
        not_after: 253_402_300_799,
    };
    let certificate = Authority::new(key, "an authority", always)
        .unwrap()
        .certificate()
        .clone();
    let mut phone = device(Platform::Ios);
    phone.identity = Some(certificate.clone());
    let pem = certificate.to_pem();
    // A PEM text within the base64 of a property list.
    let base64 = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, pem);
    let content = format!("<key>PayloadContent</key><data>{base64}</data>");
    let installed = tell(
        &mut phone,
        "InstallProfile",
        payload("com.apple.security.root", &content),
    );
    assert_eq!(installed.status, Status::Acknowledged, "{installed:?}");
    let listed = tell(&mut phone, "CertificateList", json!({})).results;
    let listed = listed["CertificateList"].as_array().unwrap();
    let [identity, brought] = &listed[..] else {
        panic!("{listed:?}");
    };
    for (entry, is_identity) in [(identity, true), (brought, false)] {
        let entry = entry.as_dictionary().unwrap();
        assert_eq!(entry["CommonName"], "an authority".into());
        assert_eq!(entry["Data"].as_data(), Some(certificate.der()));
        assert_eq!(entry["IsIdentity"], is_identity.into());
    }
}

#[test]
fn what_is_no_profile_or_not_there_is_refused() {
    let mut mac = device(Platform::MacOs);
    for bad in [
        json!({"Payload": "data:nonsense"}),
        json!({"Payload": "hex:3080"}),
        payload("com.apple.mdm", ""),
    ] {
        let outcome = tell(&mut mac, "InstallProfile", bad);
        assert_eq!(refusal(&outcome).1, 4001);
    }
    let removed = tell(&mut mac, "RemoveProfile", json!({"Identifier": "com.example.p"}));
    assert_eq!(refusal(&removed).1, 12008);
    // Each channel has its own.
    let wifi = keys_of(&payload("com.apple.wifi.managed", ""));
    order(&mut mac, Scope::User, "InstallProfile", wifi);
    let removed = tell(&mut mac, "RemoveProfile", json!({"Identifier": "com.example.p"}));
    assert_eq!(removed.status, Status::Error);
    let other = tell(&mut mac, "RemoveProvisioningProfile", json!({"UUID": "P-1"}));
    assert_eq!(other.status, Status::Error);
}
