//! What an administrator imports as push certificate, and what is made of it.

use ordain_pki::authority::{Request, Usage, Validity};
use ordain_pki::key::KeyKind;
use ordain_pki::pkcs12::Identity;
use ordain_pki::{Authority, Certificate, KeyPair};
use ordain_server::push::PushCertificate;
use ordain_server::push::certificate::{PushCertificateError, Warning};
use proptest::prelude::*;

const TOPIC: &str = "com.apple.mgmt.External.1";
const DAY: i64 = 24 * 60 * 60;
const NOW: i64 = 1_800_000_000;
const END: i64 = NOW + 365 * DAY;

fn authority() -> Authority {
    let key = KeyPair::generate(KeyKind::P256).unwrap();
    let validity = Validity {
        not_before: NOW - DAY,
        not_after: END + DAY,
    };
    Authority::new(key, "Apple", validity).unwrap()
}

fn issue(authority: &Authority, usage: Usage, key: &KeyPair) -> Certificate {
    let request = Request {
        public_key: key.public_key(),
        common_name: "APSP:1",
        organization: None,
        serial_number: None,
        usage,
        validity: Validity {
            not_before: NOW,
            not_after: END,
        },
    };
    authority.issue(&request).unwrap()
}

/// A push certificate, its authority, and the key: each in PEM.
fn made(kind: KeyKind) -> (String, String, String) {
    let (authority, key) = (authority(), KeyPair::generate(kind).unwrap());
    let topic = TOPIC.to_owned();
    let certificate = issue(&authority, Usage::Push { topic }, &key);
    (
        certificate.to_pem(),
        authority.certificate().to_pem(),
        key.to_pem().unwrap(),
    )
}

#[test]
fn one_text_or_several_in_any_order() {
    for kind in [KeyKind::P256, KeyKind::Rsa2048] {
        let (certificate, authority, key) = made(kind);
        let whole = format!("{key}{authority}\nsubject=…\n{certificate}");
        for texts in [
            &[certificate.as_str(), key.as_str()][..],
            &[key.as_str(), certificate.as_str()],
            &[whole.as_str()],
        ] {
            let push = PushCertificate::import(texts, NOW).unwrap();
            assert_eq!((push.topic.as_str(), push.subject.as_str()), (TOPIC, "APSP:1"));
            assert_eq!(push.not_after, END);
            assert_eq!(push.chain[0].to_pem(), certificate);
            let kept = PushCertificate::from_pem(&push.to_pem().unwrap()).unwrap();
            assert_eq!(kept.chain, push.chain);
            assert_eq!(kept.key.public_key(), push.key.public_key());
        }
        let push = PushCertificate::import(&[&whole], NOW).unwrap();
        assert_eq!(push.chain.len(), 2, "with the authority after it");
    }
}

#[test]
fn keys_in_their_older_forms() {
    // The keys alone matter here: no certificate belongs to them.
    for key in [
        include_str!("../../../pki/tests/fixtures/ec-sec1.key"),
        include_str!("../../../pki/tests/fixtures/rsa-pkcs1.key"),
    ] {
        let (certificate, ..) = made(KeyKind::P256);
        let error = PushCertificate::import(&[&certificate, key], NOW).unwrap_err();
        assert!(matches!(error, PushCertificateError::OtherKey), "{error}");
    }
}

#[test]
fn a_pkcs12_file() {
    let (certificate, authority, key) = made(KeyKind::P256);
    let identity = Identity {
        key: KeyPair::from_pem(&key).unwrap(),
        certificate: Certificate::from_pem(&certificate).unwrap().remove(0),
        chain: Certificate::from_pem(&authority).unwrap(),
    };
    let file = identity.to_pkcs12("secret").unwrap();
    let push = PushCertificate::import_pkcs12(&file, "secret", NOW).unwrap();
    assert_eq!((push.topic.as_str(), push.chain.len()), (TOPIC, 2));
    let error = PushCertificate::import_pkcs12(&file, "wrong", NOW).unwrap_err();
    assert!(matches!(error, PushCertificateError::Pkcs12(_)));
}

#[test]
fn what_is_no_push_certificate_is_refused_with_its_reason() {
    let (certificate, authority, key) = made(KeyKind::P256);
    let import = |texts: &[&str], now| PushCertificate::import(texts, now).unwrap_err();
    let (.., other_key) = made(KeyKind::P256);
    assert!(matches!(
        import(&[&certificate, &other_key], NOW),
        PushCertificateError::OtherKey
    ));
    assert!(matches!(
        import(&[&authority, &key], NOW),
        PushCertificateError::OtherKey
    ));
    assert!(matches!(
        import(&[&certificate], NOW),
        PushCertificateError::Key(_)
    ));
    assert!(matches!(
        import(&[&key], NOW),
        PushCertificateError::Certificate(_)
    ));
    assert!(matches!(
        import(&[&certificate, &key], END + 1),
        PushCertificateError::Expired
    ));
    assert!(matches!(
        import(&[&certificate, &key], NOW - 1),
        PushCertificateError::NotYetValid
    ));
    let long = "x".repeat(300_000);
    assert!(matches!(
        import(&[&certificate, &key, &long], NOW),
        PushCertificateError::TooLarge
    ));
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    assert!(matches!(
        import(&[&certificate, encrypted], NOW),
        PushCertificateError::KeyEncrypted
    ));
    let key = KeyPair::generate(KeyKind::P256).unwrap();
    for usage in [
        Usage::Device,
        Usage::Push {
            topic: "com.example.mail".to_owned(),
        },
    ] {
        let other = issue(&self::authority(), usage, &key).to_pem();
        let error = import(&[&other, &key.to_pem().unwrap()], NOW);
        assert!(matches!(error, PushCertificateError::NoTopic), "{error}");
    }
}

#[test]
fn the_end_is_warned_of() {
    let (certificate, _, key) = made(KeyKind::P256);
    let push = PushCertificate::import(&[&certificate, &key], NOW).unwrap();
    assert_eq!(push.warning(NOW), None);
    assert_eq!(push.warning(END - 30 * DAY - 1), None);
    assert_eq!(push.warning(END - 30 * DAY), Some(Warning::Soon { days: 30 }));
    assert_eq!(push.warning(END - 7 * DAY - 1), Some(Warning::Soon { days: 7 }));
    assert_eq!(push.warning(END - 7 * DAY), Some(Warning::Urgent { days: 7 }));
    assert_eq!(push.warning(END), Some(Warning::Urgent { days: 0 }));
    assert_eq!(push.warning(END + 1), Some(Warning::Expired));
    assert!(PushCertificate::from_pem(&push.to_pem().unwrap()).is_ok());
}

proptest! {
    #[test]
    fn any_text_is_read(text in ".{0,200}", block in proptest::collection::vec(any::<u8>(), 0..100)) {
        use base64::Engine as _;
        let block = base64::engine::general_purpose::STANDARD.encode(block);
        let pem = |label: &str| format!("-----BEGIN {label}-----\n{block}\n-----END {label}-----\n");
        let texts = [text, pem("CERTIFICATE"), pem("PRIVATE KEY")];
        prop_assert!(PushCertificate::import(&texts.each_ref().map(String::as_str), NOW).is_err());
    }
}
