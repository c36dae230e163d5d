use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ordain_pki::certificate::{CertificateError, MAX_LEN};
use ordain_pki::header::{HeaderError, client_certificate};
use ordain_pki::key::KeyKind;
use ordain_pki::{Certificate, KeyPair};
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::prelude::*;

use crate::build::{Draft, ca, p256};
use crate::{fixture, fixture_certificate};

const EC_PEM: &[u8] = fixture!("ec.pem");

#[test]
fn what_a_certificate_says() {
    let certificate = fixture_certificate(EC_PEM);
    assert_eq!(certificate.common_name(), Some("ec device"));
    assert_eq!(certificate.subject_serial_number(), Some("C02ec"));
    assert!(!certificate.is_ca());
    assert!(certificate.not_before() < certificate.not_after());
    let authority = fixture_certificate(fixture!("ca.pem"));
    assert!(authority.is_ca());
    assert_eq!(certificate.issuer(), authority.subject());
    assert_eq!(authority.issuer(), authority.subject());
    let key = KeyPair::from_pem(std::str::from_utf8(fixture!("ec.key")).unwrap()).unwrap();
    assert_eq!(certificate.public_key(), key.public_key());
    assert_eq!(Certificate::from_der(certificate.der()).unwrap(), certificate);
    assert_eq!(fixture_certificate(certificate.to_pem().as_bytes()), certificate);
    assert_ne!(certificate.fingerprint(), authority.fingerprint());
    // openssl x509 -fingerprint -sha1
    let rsa = fixture_certificate(fixture!("rsa.pem"));
    assert_eq!(rsa.thumbprint(), "955E795F626CDB10D67F72346468F0F859620DE7");
}

#[test]
fn signatures_by_its_key() {
    let rsa = KeyPair::generate(KeyKind::Rsa2048).unwrap();
    let certificate = Draft::new("rsa", "rsa", &rsa).sign(&p256());
    let signature = rsa.sign(b"message").unwrap();
    assert!(certificate.verifies_rsa_sha256(b"message", &signature));
    assert!(!certificate.verifies_rsa_sha256(b"massage", &signature));
    assert!(!certificate.verifies_rsa_sha256(b"message", &signature[1..]));
    assert!(!certificate.verifies_rsa_sha256(b"message", b""));
    assert!(!fixture_certificate(fixture!("rsa.pem")).verifies_rsa_sha256(b"message", &signature));
    // A good signature, and not of this kind.
    let ec = p256();
    let certificate = Draft::new("ec", "ec", &ec).sign(&ec);
    assert!(!certificate.verifies_rsa_sha256(b"message", &ec.sign(b"message").unwrap()));
}

#[test]
fn several_in_one_text() {
    let text = [fixture!("ca.pem"), fixture!("ec.key"), EC_PEM].concat();
    let certificates = Certificate::from_pem(std::str::from_utf8(&text).unwrap()).unwrap();
    assert_eq!(
        certificates,
        [
            fixture_certificate(fixture!("ca.pem")),
            fixture_certificate(EC_PEM)
        ]
    );
    assert_eq!(Certificate::from_pem(""), Err(CertificateError::NotPem));
    assert_eq!(
        Certificate::from_pem(&String::from_utf8_lossy(EC_PEM).repeat(257)),
        Err(CertificateError::TooLarge)
    );
}

#[test]
fn what_is_no_certificate() {
    let der = fixture_certificate(EC_PEM).der().to_vec();
    for length in 0..der.len() {
        assert_eq!(
            Certificate::from_der(&der[..length]),
            Err(CertificateError::Malformed),
            "{length}"
        );
    }
    assert_eq!(
        Certificate::from_der(&[&der[..], &[0]].concat()),
        Err(CertificateError::Malformed)
    );
    assert_eq!(
        Certificate::from_der(&vec![0x30; MAX_LEN + 1]),
        Err(CertificateError::TooLarge)
    );
    let key = p256();
    let draft = Draft::new("root", "root", &key).with(ca(None)).with(ca(None));
    assert!(
        std::panic::catch_unwind(|| draft.sign(&key)).is_err(),
        "an extension twice"
    );
}

/// What nginx leaves unescaped.
const NGINX: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
/// What AWS load balancers escape.
const AWS: &AsciiSet = &CONTROLS.add(b' ');

#[test]
fn headers_of_all_kinds() {
    let certificate = fixture_certificate(EC_PEM);
    let pem = certificate.to_pem();
    for value in [
        format!(":{}:", STANDARD.encode(certificate.der())),
        format!("  :{}: ", STANDARD.encode(certificate.der())),
        utf8_percent_encode(&pem, NGINX).to_string(),
        utf8_percent_encode(&pem, AWS).to_string(),
        utf8_percent_encode(pem.trim_end(), NGINX).to_string(),
        pem.replace('\n', " "),
        pem.replace('\n', "\t"),
        pem.replace('\n', ""),
        pem.clone(),
    ] {
        assert_eq!(
            client_certificate(value.as_bytes()).as_ref(),
            Ok(&certificate),
            "{value}"
        );
    }
}

#[test]
fn headers_without_one_certificate() {
    let certificate = fixture_certificate(EC_PEM);
    let packed = STANDARD.encode(certificate.der());
    for value in [
        String::new(),
        "(null)".to_owned(),
        ":".to_owned(),
        "::".to_owned(),
        packed.clone(),
        format!(":{packed}"),
        format!(":{packed}:, :{packed}:"),
        format!(":{}:", &packed[4..]),
        format!(":{}:", packed.replace('A', "%41")),
        certificate.to_pem().repeat(2),
        certificate.to_pem().replace("CERTIFICATE", "PRIVATE KEY"),
        "%ff%fe".to_owned(),
    ] {
        assert_eq!(
            client_certificate(value.as_bytes()),
            Err(HeaderError::Malformed),
            "{value}"
        );
    }
    assert_eq!(client_certificate(&[b'A'; 70_000]), Err(HeaderError::TooLong));
}

proptest! {
    #[test]
    fn random_certificates_and_headers(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
        prop_assert!(Certificate::from_der(&bytes).is_err());
        prop_assert!(client_certificate(&bytes).is_err());
        let wrapped = format!(":{}:", STANDARD.encode(&bytes));
        prop_assert!(client_certificate(wrapped.as_bytes()).is_err());
    }

    #[test]
    fn mangled_certificates_do_not_panic(
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut der = fixture_certificate(EC_PEM).der().to_vec();
        for (position, byte) in edits {
            let position = position.index(der.len());
            der[position] = byte;
        }
        let _ = Certificate::from_der(&der);
    }
}
