use ordain_pki::cms::{CmsError, Form, sign_attached, sign_detached, verify_attached, verify_detached};
use ordain_pki::key::KeyKind;
use ordain_pki::{Certificate, KeyPair};
use proptest::prelude::*;

use crate::build::{Draft, ecdsa_sha256, extension, name, oid, p256, sequence, streamed, tlv};
use crate::{NOW, fixture, fixture_certificate};

const CONTENT: &[u8] = fixture!("content");

const GENUINE: &[(&str, &[u8], &[u8])] = &[
    (
        "rsa sha1",
        fixture!("rsa-sha1-attributes.der"),
        fixture!("rsa.pem"),
    ),
    (
        "rsa sha1 bare",
        fixture!("rsa-sha1-bare.der"),
        fixture!("rsa.pem"),
    ),
    ("rsa", fixture!("rsa-sha256-attributes.der"), fixture!("rsa.pem")),
    ("rsa bare", fixture!("rsa-sha256-bare.der"), fixture!("rsa.pem")),
    (
        "rsa stream",
        fixture!("rsa-sha256-stream.ber"),
        fixture!("rsa.pem"),
    ),
    (
        "rsa sha512 key id",
        fixture!("rsa-sha512-keyid.der"),
        fixture!("rsa.pem"),
    ),
    ("rsa pss", fixture!("rsa-sha256-pss.der"), fixture!("rsa.pem")),
    ("rsa smime", fixture!("rsa-smime.der"), fixture!("rsa.pem")),
    ("ec sha1", fixture!("ec-sha1-attributes.der"), fixture!("ec.pem")),
    ("ec sha1 bare", fixture!("ec-sha1-bare.der"), fixture!("ec.pem")),
    ("ec", fixture!("ec-sha256-attributes.der"), fixture!("ec.pem")),
    ("ec bare", fixture!("ec-sha256-bare.der"), fixture!("ec.pem")),
    ("ec stream", fixture!("ec-sha256-stream.ber"), fixture!("ec.pem")),
    ("p384", fixture!("p384-sha384.der"), fixture!("p384.pem")),
];

#[test]
fn openssl_messages_verify() {
    for (what, message, signer) in GENUINE {
        let signed = verify_detached(message, CONTENT).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(signed.signer, fixture_certificate(signer), "{what}");
        assert_eq!(signed.signing_time.is_some(), !what.contains("bare"), "{what}");
        assert_eq!(
            signed.others.len(),
            usize::from(what.contains("stream")),
            "{what}"
        );
    }
    let signed = verify_detached(fixture!("ec-sha256-stream.ber"), CONTENT).unwrap();
    assert_eq!(signed.others, [fixture_certificate(fixture!("ca.pem"))]);
}

#[test]
fn streamed_messages_verify() {
    for (what, message, signer) in GENUINE.iter().filter(|(what, ..)| !what.contains("stream")) {
        let signed =
            verify_detached(&streamed(message), CONTENT).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(signed.signer, fixture_certificate(signer), "{what}");
    }
}

#[test]
fn content_inside_is_what_was_signed_or_nothing() {
    for (what, message, signer) in GENUINE {
        if !what.contains("stream") {
            assert_eq!(
                verify_attached(message).unwrap_err(),
                CmsError::NoContent,
                "{what}"
            );
            continue;
        }
        let (signed, content) = verify_attached(message).unwrap();
        assert_eq!(signed.signer, fixture_certificate(signer), "{what}");
        assert_eq!(content, CONTENT, "{what}");
        let at = message
            .windows(CONTENT.len())
            .position(|part| part == CONTENT)
            .unwrap();
        let mut changed = message.to_vec();
        changed[at] ^= 1;
        assert_eq!(
            verify_attached(&changed).unwrap_err(),
            CmsError::WrongSignature,
            "{what}"
        );
    }
    assert_eq!(verify_attached(b"").unwrap_err(), CmsError::Malformed);
    assert_eq!(verify_attached(&[0x30; 200_000]).unwrap_err(), CmsError::TooLarge);
}

#[test]
fn other_content_is_refused() {
    for (what, message, _) in GENUINE {
        for content in [&CONTENT[1..], b"", &[CONTENT, b" "].concat()] {
            let error = verify_detached(message, content).unwrap_err();
            assert_eq!(error, CmsError::WrongSignature, "{what}");
        }
    }
}

#[test]
fn cut_messages_are_refused() {
    for (what, message, _) in GENUINE {
        for length in 0..message.len() {
            assert!(
                verify_detached(&message[..length], CONTENT).is_err(),
                "{what} cut at {length}"
            );
        }
        assert!(
            verify_detached(&[message, [0].as_slice()].concat(), CONTENT).is_err(),
            "{what}"
        );
    }
}

#[test]
fn whatever_byte_changes_nobody_else_signs() {
    for (what, message, signer) in [GENUINE[10], GENUINE[12]] {
        let signer = fixture_certificate(signer);
        for position in 0..message.len() {
            let mut changed = message.to_vec();
            changed[position] ^= 0x11;
            // Some bytes say nothing (other certificates, what they call the version); the certificate's
            // own signature is the chain's to check. The key that signed stays the same.
            if let Ok(signed) = verify_detached(&changed, CONTENT) {
                assert_eq!(
                    signed.signer.public_key(),
                    signer.public_key(),
                    "{what} at {position}"
                );
            }
        }
    }
}

#[test]
fn messages_of_the_wrong_kind() {
    for (message, error) in [
        (fixture!("two-signers.der"), CmsError::NotOneSigner),
        (fixture!("no-certificate.der"), CmsError::NoCertificate),
        (fixture!("ec.p12"), CmsError::Malformed),
        (b"", CmsError::Malformed),
    ] {
        assert_eq!(verify_detached(message, CONTENT).unwrap_err(), error);
    }
    assert_eq!(
        verify_detached(&[0x30; 200_000], CONTENT).unwrap_err(),
        CmsError::TooLarge
    );
    let nested = [0x30, 0x80].repeat(60_000);
    assert_eq!(
        verify_detached(&nested, CONTENT).unwrap_err(),
        CmsError::Malformed
    );
}

#[test]
fn own_messages_verify() {
    for kind in [KeyKind::P256, KeyKind::Rsa2048] {
        let key = KeyPair::generate(kind).unwrap();
        let signing = p256();
        let certificate = Draft::new("root", "device", &key).sign(&signing);
        for (form, time) in [(Form::Bare, None), (Form::WithAttributes { at: NOW }, Some(NOW))] {
            let message = sign_detached(&key, &certificate, b"body", form).unwrap();
            let signed = verify_detached(&message, b"body").unwrap();
            assert_eq!((signed.signer, signed.signing_time), (certificate.clone(), time));
            assert!(verify_detached(&message, b"Body").is_err());
            let whole = sign_attached(&key, &certificate, b"body", form).unwrap();
            assert!(
                whole.windows(6).any(|part| part == b"\x04\x04body"),
                "an OCTET STRING"
            );
            assert!(verify_detached(&whole, b"body").is_ok());
        }
        // A GET is signed over nothing.
        let message = sign_detached(&key, &certificate, b"", Form::Bare).unwrap();
        assert!(verify_detached(&message, b"").is_ok());
    }
}

#[test]
fn the_key_must_be_the_certificates() {
    let (key, other) = (p256(), p256());
    let certificate = Draft::new("root", "victim", &other).sign(&other);
    for form in [Form::Bare, Form::WithAttributes { at: NOW }] {
        let message = sign_detached(&key, &certificate, b"body", form).unwrap();
        assert_eq!(
            verify_detached(&message, b"body").unwrap_err(),
            CmsError::WrongSignature
        );
    }
}

/// A message put together by hand.
struct Message {
    certificates: Vec<Vec<u8>>,
    signer: Vec<u8>,
    digest: Vec<u8>,
    attributes: Option<Vec<u8>>,
    algorithm: Vec<u8>,
    signature: Vec<u8>,
}

const SHA256: &str = "608648016503040201";

impl Message {
    fn new(certificate: &Certificate, signature: Vec<u8>) -> Self {
        Self {
            certificates: vec![certificate.der().to_vec()],
            signer: sequence(&[certificate.issuer(), &[2, 1, 7]]),
            digest: sequence(&[&oid(SHA256)]),
            attributes: None,
            algorithm: ecdsa_sha256(),
            signature,
        }
    }

    fn der(&self) -> Vec<u8> {
        let attributes = self
            .attributes
            .as_ref()
            .map(|list| tlv(0xa0, &[list]))
            .unwrap_or_default();
        let info = sequence(&[
            &[2, 1, 1],
            &self.signer,
            &self.digest,
            &attributes,
            &self.algorithm,
            &tlv(4, &[&self.signature]),
        ]);
        let data = sequence(&[
            &[2, 1, 1],
            &tlv(0x31, &[&self.digest]),
            &sequence(&[&oid("2a864886f70d010701")]),
            &tlv(0xa0, &[&self.certificates.concat()]),
            &tlv(0x31, &[&info]),
        ]);
        sequence(&[&oid("2a864886f70d010702"), &tlv(0xa0, &[&data])])
    }
}

fn attribute(id: &str, value: &[u8]) -> Vec<u8> {
    sequence(&[&oid(id), &tlv(0x31, &[value])])
}

fn content_type() -> Vec<u8> {
    attribute("2a864886f70d010903", &oid("2a864886f70d010701"))
}

fn message_digest(content: &[u8]) -> Vec<u8> {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, content);
    attribute("2a864886f70d010904", &tlv(4, &[digest.as_ref()]))
}

#[test]
fn attributes_signed_in_any_order() {
    let key = p256();
    let certificate = Draft::new("root", "device", &key).sign(&key);
    let sorted = [content_type(), message_digest(b"body")].concat();
    let reversed = [message_digest(b"body"), content_type()].concat();
    for (signed, sent, outcome) in [
        (&sorted, &sorted, true),
        (&sorted, &reversed, true),
        (&reversed, &reversed, true),
        (&reversed, &sorted, false),
    ] {
        let signature = key.sign(&tlv(0x31, &[signed])).unwrap();
        let message = Message {
            attributes: Some(sent.clone()),
            ..Message::new(&certificate, signature)
        };
        assert_eq!(verify_detached(&message.der(), b"body").is_ok(), outcome);
    }
}

#[test]
fn attributes_must_speak_of_the_content() {
    let key = p256();
    let certificate = Draft::new("root", "device", &key).sign(&key);
    for attributes in [
        vec![],
        content_type(),
        message_digest(b"body"),
        [content_type(), message_digest(b"other")].concat(),
        [content_type(), content_type(), message_digest(b"body")].concat(),
        [content_type(), message_digest(b"other"), message_digest(b"body")].concat(),
        [
            attribute("2a864886f70d010903", &oid("2a864886f70d010702")),
            message_digest(b"body"),
        ]
        .concat(),
        [content_type(), attribute("2a864886f70d010904", &[])].concat(),
    ] {
        let signature = key.sign(&tlv(0x31, &[&attributes])).unwrap();
        let message = Message {
            attributes: Some(attributes),
            ..Message::new(&certificate, signature)
        };
        assert!(verify_detached(&message.der(), b"body").is_err());
    }
}

#[test]
fn signed_attributes_do_not_pass_for_content() {
    let key = p256();
    let certificate = Draft::new("root", "device", &key).sign(&key);
    let attributes = tlv(0x31, &[&content_type(), &message_digest(b"body")]);
    let message = Message::new(&certificate, key.sign(&attributes).unwrap());
    assert_eq!(
        verify_detached(&message.der(), &attributes).unwrap_err(),
        CmsError::WrongSignature
    );
}

#[test]
fn algorithms() {
    let key = p256();
    let certificate = Draft::new("root", "device", &key).sign(&key);
    let message = || Message::new(&certificate, key.sign(b"body").unwrap());
    let verify = |message: Message| verify_detached(&message.der(), b"body").map(drop);
    assert_eq!(verify(message()), Ok(()));
    let bare_key = sequence(&[&oid("2a8648ce3d0201")]);
    assert_eq!(
        verify(Message {
            algorithm: bare_key.clone(),
            ..message()
        }),
        Ok(())
    );
    let sha512 = sequence(&[&oid("608648016503040203")]);
    for (digest, algorithm) in [
        (sha512.clone(), ecdsa_sha256()), // contradiction
        (
            sequence(&[&oid(SHA256)]),
            sequence(&[&oid("2a864886f70d010101"), &[5, 0]]),
        ), // RSA
        (sequence(&[&oid("2a864886f70d0205")]), bare_key), // MD5
    ] {
        let message = Message {
            digest,
            algorithm,
            ..message()
        };
        assert_eq!(verify(message), Err(CmsError::UnsupportedAlgorithm));
    }
}

#[test]
fn signers_are_found_by_either_name() {
    let (key, other) = (p256(), p256());
    let key_id = extension("551d0e", false, &tlv(4, &[b"key id"]));
    let certificate = Draft::new("root", "device", &key).with(key_id).sign(&key);
    let extra = Draft::new("elsewhere", "device", &other).sign(&other);
    let message = |signer| Message {
        certificates: vec![
            extra.der().to_vec(),
            certificate.der().to_vec(),
            tlv(0xa1, &[&[5, 0]]),
        ],
        signer,
        ..Message::new(&certificate, key.sign(b"body").unwrap())
    };
    for signer in [tlv(0x80, &[b"key id"]), sequence(&[&name("root"), &[2, 1, 7]])] {
        let signed = verify_detached(&message(signer).der(), b"body").unwrap();
        assert_eq!(
            (signed.signer, signed.others),
            (certificate.clone(), vec![extra.clone()])
        );
    }
    for signer in [tlv(0x80, &[b"key"]), sequence(&[&name("root"), &[2, 1, 8]])] {
        assert_eq!(
            verify_detached(&message(signer).der(), b"body").unwrap_err(),
            CmsError::NoCertificate
        );
    }
}

#[test]
fn certificates_are_counted() {
    let key = p256();
    let certificate = Draft::new("root", "device", &key).sign(&key);
    let message = |count| Message {
        certificates: vec![certificate.der().to_vec(); count],
        ..Message::new(&certificate, key.sign(b"body").unwrap())
    };
    assert!(verify_detached(&message(16).der(), b"body").is_ok());
    assert_eq!(
        verify_detached(&message(17).der(), b"body").unwrap_err(),
        CmsError::TooLarge
    );
}

proptest! {
    #[test]
    fn random_bytes_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
        prop_assert!(verify_detached(&bytes, CONTENT).is_err());
        prop_assert!(verify_attached(&bytes).is_err());
    }

    #[test]
    fn mangled_messages_do_not_panic(
        which in 0..GENUINE.len(),
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut message = GENUINE[which].1.to_vec();
        for (position, byte) in edits {
            let position = position.index(message.len());
            message[position] = byte;
        }
        let _ = verify_detached(&message, CONTENT);
        let _ = verify_attached(&message);
    }
}
