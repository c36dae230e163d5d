use std::net::IpAddr;

use ordain_pki::authority::{IssueError, Request, Usage, Validity};
use ordain_pki::csr::{self, Csr, CsrError};
use ordain_pki::key::KeyKind;
use ordain_pki::pkcs12::{Identity, Pkcs12Error};
use ordain_pki::{Authority, Certificate, KeyPair};
use proptest::prelude::*;

use crate::build::p256;
use crate::{NOW, fixture, fixture_certificate};

const VALIDITY: Validity = Validity {
    not_before: NOW,
    not_after: NOW + 1000,
};

fn authority() -> Authority {
    Authority::new(p256(), "Ordain device CA", VALIDITY).unwrap()
}

fn request<'a>(key: &'a KeyPair, common_name: &'a str) -> Request<'a> {
    Request {
        public_key: key.public_key(),
        common_name,
        organization: None,
        serial_number: None,
        usage: Usage::Device,
        validity: VALIDITY,
    }
}

#[test]
fn a_push_certificate_has_its_topic_as_user_id() {
    let key = p256();
    let issue = |usage| {
        let request = Request {
            usage,
            ..request(&key, "APSP:1")
        };
        authority().issue(&request)
    };
    let topic = "com.apple.mgmt.External.f0f0".to_owned();
    let usage = Usage::Push { topic: topic.clone() };
    let certificate = issue(usage).unwrap();
    assert_eq!(certificate.user_id(), Some(topic.as_str()));
    assert_eq!(certificate.common_name(), Some("APSP:1"));
    assert_eq!(issue(Usage::Device).unwrap().user_id(), None);
    let topic = "x".repeat(65);
    assert!(matches!(issue(Usage::Push { topic }), Err(IssueError::Subject)));
}

#[test]
fn what_was_asked_for_is_issued() {
    let (authority, key) = (authority(), p256());
    let issue = || {
        authority.issue(&Request {
            organization: Some("Acme"),
            serial_number: Some("C02X"),
            validity: Validity {
                not_before: NOW + 1,
                not_after: NOW + 9999,
            },
            ..request(&key, "Mac 7")
        })
    };
    let certificate = issue().unwrap();
    assert_eq!(certificate.common_name(), Some("Mac 7"));
    assert_eq!(certificate.subject_serial_number(), Some("C02X"));
    assert_eq!(certificate.public_key(), key.public_key());
    assert_eq!(certificate.not_before(), NOW + 1);
    assert_eq!(
        certificate.not_after(),
        NOW + 1000,
        "never longer than the authority"
    );
    assert!(!certificate.is_ca());
    assert_ne!(certificate, issue().unwrap(), "serial numbers differ");
}

#[test]
fn what_cannot_be_issued() {
    let (authority, key) = (authority(), p256());
    let long = "x".repeat(65);
    let validity = |not_before, not_after| Validity {
        not_before,
        not_after,
    };
    assert!(matches!(
        authority.issue(&request(&key, &long)),
        Err(IssueError::Subject)
    ));
    assert!(matches!(
        authority.issue(&request(&key, "")),
        Err(IssueError::Subject)
    ));
    for validity in [
        validity(NOW + 1001, NOW + 2000),
        validity(NOW, NOW - 1),
        validity(-1, NOW),
    ] {
        let request = Request {
            validity,
            ..request(&key, "x")
        };
        assert!(
            matches!(authority.issue(&request), Err(IssueError::Validity)),
            "{validity:?}"
        );
    }
    let request = Request {
        public_key: b"key",
        ..request(&key, "x")
    };
    assert!(matches!(authority.issue(&request), Err(IssueError::PublicKey)));
}

#[test]
fn server_certificates_name_their_servers() {
    let key = p256();
    let addresses = ["127.0.0.1", "::1"]
        .map(|address| address.parse::<IpAddr>().unwrap())
        .to_vec();
    let usage = Usage::Server {
        names: vec!["mdm.example.com".into()],
        addresses,
    };
    let certificate = authority()
        .issue(&Request {
            usage,
            ..request(&key, "mdm")
        })
        .unwrap();
    let names = [
        b"\x82\x0fmdm.example.com".as_slice(),
        b"\x87\x04\x7f\0\0\x01\x87\x10",
    ]
    .concat();
    assert!(
        certificate
            .der()
            .windows(names.len())
            .any(|window| window == names)
    );
    let usage = Usage::Server {
        names: vec!["müde".into()],
        addresses: vec![],
    };
    let refused = authority().issue(&Request {
        usage,
        ..request(&key, "mdm")
    });
    assert!(matches!(refused, Err(IssueError::ServerName)));
}

#[test]
fn an_authority_comes_back_from_its_parts() {
    let first = authority();
    let again = Authority::from_parts(first.certificate().clone(), first.key().clone()).unwrap();
    assert!(again.issue(&request(&p256(), "x")).is_ok());
    let leaf = first.issue(&request(first.key(), "x")).unwrap();
    assert!(matches!(
        Authority::from_parts(leaf, first.key().clone()),
        Err(IssueError::NotAnAuthority)
    ));
    let other = Authority::from_parts(first.certificate().clone(), p256());
    assert!(matches!(other, Err(IssueError::NotAnAuthority)));
}

#[test]
fn keys_of_openssl() {
    let read = |pem: &[u8]| KeyPair::from_pem(std::str::from_utf8(pem).unwrap()).unwrap();
    let certified = |pem| fixture_certificate(pem).public_key().to_vec();
    assert_eq!(
        read(fixture!("ec.key")).public_key(),
        certified(fixture!("ec.pem"))
    );
    assert_eq!(
        read(fixture!("ec-sec1.key")).public_key(),
        certified(fixture!("ec.pem"))
    );
    assert_eq!(
        read(fixture!("rsa-pkcs1.key")).public_key(),
        certified(fixture!("rsa.pem"))
    );
}

#[test]
fn certification_requests() {
    for (request, name, certificate) in [
        (fixture!("ec.csr"), "ec device", fixture!("ec.pem")),
        (fixture!("rsa.csr"), "rsa device", fixture!("rsa.pem")),
    ] {
        let csr = Csr::from_pem(std::str::from_utf8(request).unwrap()).unwrap();
        assert_eq!(csr.common_name.as_deref(), Some(name));
        assert_eq!(csr.public_key, fixture_certificate(certificate).public_key());
    }
    for kind in [KeyKind::P256, KeyKind::Rsa2048] {
        let key = KeyPair::generate(kind).unwrap();
        let csr = Csr::from_der(&csr::create(&key, "twin 1").unwrap()).unwrap();
        assert_eq!(
            csr,
            Csr {
                public_key: key.public_key().to_vec(),
                common_name: Some("twin 1".into())
            }
        );
    }
}

#[test]
fn requests_without_the_key() {
    let (own, foreign) = (p256(), p256());
    let mut der = csr::create(&own, "x").unwrap();
    let at = der
        .windows(own.public_key().len())
        .position(|window| window == own.public_key())
        .unwrap();
    der[at..at + own.public_key().len()].copy_from_slice(foreign.public_key());
    assert_eq!(Csr::from_der(&der), Err(CsrError::WrongSignature));
    assert_eq!(Csr::from_der(&vec![0x30; 70_000]), Err(CsrError::TooLarge));
    assert_eq!(Csr::from_pem("hello"), Err(CsrError::Malformed));
    assert!(csr::create(&own, "").is_err());
}

#[test]
fn identities_of_openssl() {
    let identity = Identity::from_pkcs12(fixture!("ec.p12"), "secret").unwrap();
    assert_eq!(identity.certificate, fixture_certificate(fixture!("ec.pem")));
    assert_eq!(identity.chain, [fixture_certificate(fixture!("ca.pem"))]);
    let refused = Identity::from_pkcs12(fixture!("ec.p12"), "Secret").unwrap_err();
    assert_eq!(refused, Pkcs12Error::WrongPassword);
}

#[test]
fn identities_come_back() {
    for kind in [KeyKind::P256, KeyKind::Rsa2048] {
        let (authority, key) = (authority(), KeyPair::generate(kind).unwrap());
        let certificate = authority.issue(&request(&key, "x")).unwrap();
        for chain in [vec![], vec![authority.certificate().clone()]] {
            let identity = Identity {
                key: key.clone(),
                certificate: certificate.clone(),
                chain,
            };
            for password in ["", "pässword 😀"] {
                let file = identity.to_pkcs12(password).unwrap();
                let again = Identity::from_pkcs12(&file, password).unwrap();
                assert_eq!(again.certificate, identity.certificate);
                assert_eq!(again.chain, identity.chain);
                assert_eq!(again.key.public_key(), key.public_key());
                assert_eq!(
                    Identity::from_pkcs12(&file, "no").unwrap_err(),
                    Pkcs12Error::WrongPassword
                );
            }
        }
    }
}

#[test]
fn broken_identities() {
    let file = fixture!("ec.p12");
    for length in 0..file.len() {
        assert!(
            Identity::from_pkcs12(&file[..length], "secret").is_err(),
            "{length}"
        );
    }
    // An iteration count that would keep a processor busy for hours.
    let mut greedy = file.to_vec();
    let end = greedy.len();
    assert_eq!(greedy[end - 4..], [2, 2, 8, 0]);
    greedy.splice(end - 4.., [2, 4, 0x7f, 0xff, 0xff, 0xff]);
    for at in [2, 2] {
        let length = u16::from_be_bytes([greedy[at], greedy[at + 1]]) + 1;
        greedy[at..at + 2].copy_from_slice(&length.to_be_bytes());
    }
    let at = greedy.windows(3).rposition(|window| window == [0x30, 0x31, 0x30]);
    let at = at.expect("the MAC's sequence");
    greedy[at + 1] += 2;
    assert_eq!(
        Identity::from_pkcs12(&greedy, "secret").unwrap_err(),
        Pkcs12Error::TooLarge
    );
}

proptest! {
    #[test]
    fn random_requests_and_identities(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
        prop_assert!(Csr::from_der(&bytes).is_err());
        prop_assert!(Identity::from_pkcs12(&bytes, "").is_err());
        prop_assert!(KeyPair::from_der(&bytes).is_err());
    }
}

#[test]
fn certificates_are_der_all_through() {
    let certificate = authority().certificate().clone();
    assert_eq!(
        Certificate::from_pem(&certificate.to_pem()).unwrap(),
        [certificate]
    );
}
