use ordain_pki::authority::{Authority, Request, Usage, Validity};
use ordain_pki::chain::{ChainError, Expiry, verify};
use ordain_pki::key::KeyKind;
use ordain_pki::{Certificate, KeyPair};

use crate::build::{Draft, ca, extension, key_usage, p256};
use crate::{NOW, fixture, fixture_certificate};

const KEY_CERT_SIGN: u8 = 0x04;
const DIGITAL_SIGNATURE: u8 = 0x80;

fn check(leaf: &Certificate, between: &[Certificate], anchors: &[Certificate]) -> Result<(), ChainError> {
    verify(leaf, between, anchors, NOW, Expiry::Enforced).map(drop)
}

fn root(key: &KeyPair) -> Certificate {
    Draft::new("root", "root", key)
        .with(ca(None))
        .with(key_usage(KEY_CERT_SIGN))
        .sign(key)
}

#[test]
fn openssl_certificates_chain() {
    let anchors = [fixture_certificate(fixture!("ca.pem"))];
    for leaf in [fixture!("rsa.pem"), fixture!("ec.pem"), fixture!("p384.pem")] {
        let leaf = fixture_certificate(leaf);
        assert_eq!(
            verify(&leaf, &[], &anchors, NOW, Expiry::Enforced),
            Ok(&anchors[0])
        );
        assert_eq!(check(&leaf, &[], &[]), Err(ChainError::UnknownIssuer));
    }
}

#[test]
fn own_authorities_of_both_kinds_chain() {
    let validity = Validity {
        not_before: NOW - 10,
        not_after: NOW + 10,
    };
    for kind in [KeyKind::P256, KeyKind::Rsa2048] {
        let authority = Authority::new(KeyPair::generate(kind).unwrap(), "Ordain", validity).unwrap();
        let leaf = authority
            .issue(&Request {
                public_key: p256().public_key(),
                common_name: "device",
                organization: None,
                serial_number: None,
                usage: Usage::Device,
                validity,
            })
            .unwrap();
        assert_eq!(check(&leaf, &[], &[authority.certificate().clone()]), Ok(()));
    }
}

#[test]
fn paths_over_intermediates() {
    let (root_key, one, two, key) = (p256(), p256(), p256(), p256());
    let anchor = root(&root_key);
    let first = Draft::new("root", "one", &one).with(ca(Some(1))).sign(&root_key);
    let second = Draft::new("one", "two", &two).with(ca(Some(0))).sign(&one);
    let leaf = Draft::new("two", "device", &key).sign(&two);
    let between = [second.clone(), first.clone()];
    assert_eq!(check(&leaf, &between, std::slice::from_ref(&anchor)), Ok(()));
    assert_eq!(
        check(&leaf, &between[..1], &[anchor]),
        Err(ChainError::UnknownIssuer)
    );
    // Trust may begin at an intermediate.
    assert_eq!(check(&leaf, &between, &[first]), Ok(()));
    assert_eq!(check(&leaf, &[], &[second]), Ok(()));
}

#[test]
fn a_leaf_cannot_act_as_an_authority() {
    let (root_key, owned, key) = (p256(), p256(), p256());
    let anchors = [root(&root_key)];
    let plain = Draft::new("root", "device", &owned);
    let not_ca = Draft::new("root", "device", &owned).with(extension("551d13", true, &[0x30, 0]));
    let no_usage = Draft::new("root", "device", &owned)
        .with(ca(None))
        .with(key_usage(DIGITAL_SIGNATURE));
    let forged = Draft::new("device", "victim", &key).sign(&owned);
    for draft in [plain, not_ca, no_usage] {
        let middle = draft.sign(&root_key);
        assert_eq!(
            check(&forged, std::slice::from_ref(&middle), &anchors),
            Err(ChainError::NotAnAuthority)
        );
        // Not even when it is named as an anchor.
        assert_eq!(check(&forged, &[], &[middle]), Err(ChainError::NotAnAuthority));
    }
}

#[test]
fn path_lengths_are_kept() {
    let (root_key, one, two, key) = (p256(), p256(), p256(), p256());
    let anchor = Draft::new("root", "root", &root_key)
        .with(ca(Some(0)))
        .sign(&root_key);
    let first = Draft::new("root", "one", &one).with(ca(None)).sign(&root_key);
    let leaf = Draft::new("one", "device", &key).sign(&one);
    assert_eq!(check(&leaf, &[first], &[anchor]), Err(ChainError::NotAnAuthority));

    let anchors = [root(&root_key)];
    let first = Draft::new("root", "one", &one).with(ca(Some(0))).sign(&root_key);
    let second = Draft::new("one", "two", &two).with(ca(None)).sign(&one);
    let leaf = Draft::new("two", "device", &key).sign(&two);
    assert_eq!(
        check(&leaf, &[first, second], &anchors),
        Err(ChainError::NotAnAuthority)
    );
}

#[test]
fn a_name_alone_proves_nothing() {
    let (root_key, impostor, key) = (p256(), p256(), p256());
    let anchors = [root(&root_key)];
    let leaf = Draft::new("root", "device", &key).sign(&impostor);
    assert_eq!(check(&leaf, &[], &anchors), Err(ChainError::WrongSignature));
    // The impostor brings its own root of that name.
    assert_eq!(
        check(&leaf, &[root(&impostor)], &anchors),
        Err(ChainError::WrongSignature)
    );
    let leaf = Draft::new("elsewhere", "device", &key).sign(&root_key);
    assert_eq!(check(&leaf, &[], &anchors), Err(ChainError::UnknownIssuer));
    // With both of the name known, the right one is found.
    let leaf = Draft::new("root", "device", &key).sign(&impostor);
    let anchors = [anchors[0].clone(), root(&impostor)];
    assert_eq!(
        verify(&leaf, &[], &anchors, NOW, Expiry::Enforced),
        Ok(&anchors[1])
    );
}

#[test]
fn a_changed_certificate_is_noticed() {
    let anchors = [fixture_certificate(fixture!("ca.pem"))];
    let leaf = fixture_certificate(fixture!("ec.pem"));
    let mut der = leaf.der().to_vec();
    let at = der.windows(9).position(|window| window == b"ec device").unwrap();
    der[at] = b'E';
    let changed = Certificate::from_der(&der).unwrap();
    assert_eq!(changed.common_name(), Some("Ec device"));
    assert_eq!(check(&changed, &[], &anchors), Err(ChainError::WrongSignature));
}

#[test]
fn dates() {
    let (root_key, key) = (p256(), p256());
    let anchors = [root(&root_key)];
    let old = ("20200101000000Z", "20210101000000Z");
    let future = ("20390101000000Z", "20400101000000Z");
    let leaf = |(from, to)| Draft::new("root", "device", &key).valid(from, to).sign(&root_key);
    assert_eq!(check(&leaf(old), &[], &anchors), Err(ChainError::Expired));
    assert_eq!(check(&leaf(future), &[], &anchors), Err(ChainError::NotYetValid));
    let pinned = |leaf: &Certificate, anchors: &[Certificate]| {
        verify(leaf, &[], anchors, NOW, Expiry::Ignored).map(drop)
    };
    assert_eq!(pinned(&leaf(old), &anchors), Ok(()));
    assert_eq!(pinned(&leaf(future), &anchors), Err(ChainError::NotYetValid));

    let expired = [Draft::new("root", "root", &root_key)
        .with(ca(None))
        .valid(old.0, old.1)
        .sign(&root_key)];
    let leaf = Draft::new("root", "device", &key).sign(&root_key);
    assert_eq!(check(&leaf, &[], &expired), Err(ChainError::Expired));
    assert_eq!(pinned(&leaf, &expired), Ok(()));
    // Both ends are inclusive.
    let (from, to) = (leaf.not_before(), leaf.not_after());
    for (at, outcome) in [
        (from - 1, Err(ChainError::NotYetValid)),
        (from, Ok(())),
        (to, Ok(())),
        (to + 1, Err(ChainError::Expired)),
    ] {
        assert_eq!(
            verify(&leaf, &[], &anchors, at, Expiry::Enforced).map(drop),
            outcome,
            "{at}"
        );
    }
}

#[test]
fn authorities_are_not_devices() {
    let (root_key, key) = (p256(), p256());
    let anchors = [root(&root_key)];
    assert_eq!(
        check(&anchors[0], &[], &anchors),
        Err(ChainError::LeafIsAuthority)
    );
    let issued = Draft::new("root", "sub", &key).with(ca(None)).sign(&root_key);
    assert_eq!(check(&issued, &[], &anchors), Err(ChainError::LeafIsAuthority));
    // A self-signed device named as an anchor would vouch for itself.
    let own = Draft::new("device", "device", &key).sign(&key);
    assert_eq!(
        check(&own, &[], std::slice::from_ref(&own)),
        Err(ChainError::LeafIsAuthority)
    );
    assert_eq!(check(&own, &[], &anchors), Err(ChainError::UnknownIssuer));
}

#[test]
fn purposes_and_extensions() {
    let (root_key, key) = (p256(), p256());
    let anchors = [root(&root_key)];
    let outcome = |extension| {
        check(
            &Draft::new("root", "device", &key).with(extension).sign(&root_key),
            &[],
            &anchors,
        )
    };
    let purpose = |last: u8| [0x30, 10, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, last];
    assert_eq!(outcome(extension("551d25", true, &purpose(2))), Ok(()));
    assert_eq!(
        outcome(extension("551d25", false, &[0x30, 6, 6, 4, 0x55, 0x1d, 0x25, 0])),
        Ok(())
    );
    assert_eq!(
        outcome(extension("551d25", false, &purpose(1))),
        Err(ChainError::WrongPurpose)
    );
    assert_eq!(outcome(extension("2a0304", false, &[5, 0])), Ok(()));
    assert_eq!(
        outcome(extension("2a0304", true, &[5, 0])),
        Err(ChainError::UnsupportedExtension)
    );
    let constrained = Draft::new("root", "root", &root_key)
        .with(ca(None))
        .with(extension("551d1e", false, &[0x30, 0]));
    let leaf = Draft::new("root", "device", &key).sign(&root_key);
    assert_eq!(
        check(&leaf, &[], &[constrained.sign(&root_key)]),
        Err(ChainError::UnsupportedExtension)
    );
}

#[test]
fn the_search_is_bounded() {
    let (root_key, loop_key, key) = (p256(), p256(), p256());
    let anchors = [root(&root_key)];
    // Genuine signatures in a circle, many times over.
    let circle: Vec<_> = (0..100)
        .flat_map(|_| {
            [("a", "b"), ("b", "a")].map(|(issuer, subject)| {
                Draft::new(issuer, subject, &loop_key)
                    .with(ca(None))
                    .sign(&loop_key)
            })
        })
        .collect();
    let leaf = Draft::new("a", "device", &key).sign(&loop_key);
    assert_eq!(check(&leaf, &circle, &anchors), Err(ChainError::TooComplex));

    let mut keys: Vec<KeyPair> = vec![root_key];
    keys.extend((0..5).map(|_| p256()));
    let names = ["root", "1", "2", "3", "4", "5"];
    let between: Vec<_> = (1..6)
        .map(|level| {
            Draft::new(names[level - 1], names[level], &keys[level])
                .with(ca(None))
                .sign(&keys[level - 1])
        })
        .collect();
    let deep = |level: usize| Draft::new(names[level], "device", &key).sign(&keys[level]);
    assert_eq!(check(&deep(4), &between, &anchors), Ok(()));
    assert_eq!(check(&deep(5), &between, &anchors), Err(ChainError::TooComplex));
}
