use ordain_pki::key::KeyKind;
use ordain_pki::{Certificate, KeyPair};
use proptest::prelude::*;

use super::*;
use crate::soap::{Request, RequestBody, Security, Subcode, Timestamp, Token};
use crate::tests::with;
use crate::wstep::{AdditionalContext, CertificateRequest, RequestSecurityToken, RequestType};

/// Made and signed with lxml: the digest is that of Canonical XML, since no transform says otherwise.
const SIGNED: &str = include_str!("../../../fixtures/signed.xml");
/// Likewise, with Exclusive XML Canonicalization and lists of prefixes wherever there can be some.
const EXCLUSIVELY: &str = include_str!("../../../fixtures/signed-exclusive.xml");
/// The digest of [`SIGNED`] by Exclusive XML Canonicalization, also by lxml.
const EXCLUSIVE_DIGEST: &str = "cngh8SSRacV+UCaGJdutt7+d51jF2LyBGyqmbN0BS18=";
const EVIL: &str = "https://evil.test/";

fn read(octets: &[u8]) -> Result<Request, Error> {
    Request::parse(octets).map_err(|unreadable| {
        assert!(matches!(
            unreadable.subcode,
            Subcode::InvalidSecurity | Subcode::MessageFormat
        ));
        unreadable.error
    })
}

/// The signature of a request, and whether it is by the key of the certificate beside it.
fn signature(request: &Request) -> Option<(Signature, bool)> {
    match request.security.as_ref()?.token.as_ref()? {
        Token::Certificate {
            certificate,
            signature: Some(signature),
        } => {
            let certificate = Certificate::from_der(certificate).ok()?;
            let verified = certificate.verifies_rsa_sha256(&signature.signed_info, &signature.value);
            Some((signature.clone(), verified))
        }
        _ => None,
    }
}

fn is_verified(text: &str) -> Result<bool, Error> {
    read(text.as_bytes()).map(|request| signature(&request).unwrap().1)
}

fn change(old: &str, new: &str) -> Result<bool, Error> {
    is_verified(std::str::from_utf8(&with(SIGNED, old, new)).unwrap())
}

#[test]
fn signatures_of_others_are_verified() {
    assert_eq!(is_verified(SIGNED), Ok(true));
    assert_eq!(is_verified(EXCLUSIVELY), Ok(true));
    let (signature, _) = signature(&read(SIGNED.as_bytes()).unwrap()).unwrap();
    let info = String::from_utf8(signature.signed_info).unwrap();
    assert!(
        info.starts_with("<ds:SignedInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">\n"),
        "{info}"
    );
    assert_eq!(signature.value.len(), 256);
    // The other form that the one reference may mean. The value was of another digest.
    let digest = SIGNED
        .split("DigestValue>")
        .nth(1)
        .unwrap()
        .trim_end_matches("</ds:");
    assert_eq!(change(digest, EXCLUSIVE_DIGEST), Ok(false));
    let digest = EXCLUSIVELY
        .split("DigestValue>")
        .nth(1)
        .unwrap()
        .trim_end_matches("</ds:");
    let confused = with(EXCLUSIVELY, digest, EXCLUSIVE_DIGEST);
    assert_eq!(read(&confused).unwrap_err(), Error::Value("DigestValue"));
}

#[test]
fn what_says_the_same_is_the_same() {
    for (old, new) in [
        ("<!-- a comment -->", "<!-- another -->"),
        ("<u:Created>2026", "<u:Created><!-- cut -->2026"),
        ("/policy?a=1&amp;b='2'", "/policy?a=1&#38;b=<![CDATA['2']]>"),
        (
            "<lastUpdate xsi:nil=\"true\"/>",
            "<lastUpdate   xsi:nil = 'true'></lastUpdate>",
        ),
        (
            "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\"",
            "xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"",
        ),
        ("<s:Envelope", "<?xml version=\"1.0\"?>\n<s:Envelope"),
    ] {
        assert_eq!(change(old, new), Ok(true), "{new}");
    }
    assert_eq!(is_verified(&SIGNED.replace('\n', "\r\n")), Ok(true));
}

#[test]
fn what_says_anything_else_is_refused() {
    for (old, new) in [
        ("https://mdm.lab.test/", EVIL),
        ("000000000002</a:MessageID>", "000000000003</a:MessageID>"),
        ("10:05:00Z", "11:05:00Z"),
        (
            "wsse:BinarySecurityToken u:Id=\"uuid-4",
            "wsse:BinarySecurityToken u:Id=\"uuid-5",
        ),
        ("<client>", "<client a=\"\">"),
        ("<client>", " <client>"),
        ("<requestFilter xsi:nil=\"true\"/>", ""),
        ("xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\"", ""),
        ("</s:Body>", "</s:Body><?a b?>"),
        ("</s:Header>", "<a:FaultTo/></s:Header>"),
        ("\n      <ds:Signature", "<ds:Signature"),
    ] {
        assert_eq!(change(old, new), Err(Error::Value("DigestValue")), "{new}");
    }
    // Another certificate has another key, and is another message.
    let token = SIGNED
        .split("#base64binary\">")
        .nth(1)
        .unwrap()
        .split('<')
        .next()
        .unwrap();
    assert_eq!(change(token, "MAA="), Err(Error::Value("DigestValue")));
}

#[test]
fn other_signatures_are_refused() {
    const DIGEST: &str = "http://www.w3.org/2001/04/xmlenc#sha256";
    let algorithm = Err(Error::Value("Algorithm"));
    for (old, new) in [
        (EXCLUSIVE, "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"),
        (EXCLUSIVE, "http://www.w3.org/2001/10/xml-exc-c14n#WithComments"),
        (RSA_SHA256, "http://www.w3.org/2000/09/xmldsig#rsa-sha1"),
        (RSA_SHA256, "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"),
        (
            RSA_SHA256,
            "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1",
        ),
        (RSA_SHA256, "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"),
        (RSA_SHA256, ""),
        (DIGEST, "http://www.w3.org/2000/09/xmldsig#sha1"),
        (ENVELOPED, "http://www.w3.org/TR/1999/REC-xpath-19991116"),
        (ENVELOPED, "http://www.w3.org/TR/1999/REC-xslt-19991116"),
        (ENVELOPED, EXCLUSIVE),
    ] {
        assert_eq!(change(old, new), algorithm, "{new}");
    }
    let transform = |algorithm: &str| format!("<ds:Transform Algorithm=\"{algorithm}\"/></ds:Transforms>");
    for (added, error) in [
        (ENVELOPED, Error::Value("Algorithm")),
        (
            "http://www.w3.org/2000/09/xmldsig#base64",
            Error::Value("Algorithm"),
        ),
        // Over the other form.
        (EXCLUSIVE, Error::Value("DigestValue")),
    ] {
        assert_eq!(
            change("</ds:Transforms>", &transform(added)),
            Err(error),
            "{added}"
        );
    }
    let three = transform(EXCLUSIVE).replace("</ds:Transforms>", &transform(EXCLUSIVE));
    assert_eq!(
        change("</ds:Transforms>", &three),
        Err(Error::Value("Transforms"))
    );
    for (old, new, error) in [
        ("URI=\"\"", "URI=\"#body\"", Error::Value("Reference")),
        ("URI=\"\"", "URI=\"#xpointer(/)\"", Error::Value("Reference")),
        (
            "<ds:Reference URI=\"\">",
            "<ds:Reference>",
            Error::Value("Reference"),
        ),
        (
            "</ds:Reference>",
            "</ds:Reference><ds:Reference URI=\"\"/>",
            Error::Repeated("Reference"),
        ),
        (
            "<ds:DigestValue>",
            "<ds:DigestValue>AAAA</ds:DigestValue><ds:DigestValue>",
            Error::Repeated("DigestValue"),
        ),
        (
            "<ds:DigestValue>",
            "<ds:DigestValue>A?",
            Error::Value("DigestValue"),
        ),
        (
            "<ds:SignatureValue>",
            "<ds:SignatureValue>?",
            Error::Value("SignatureValue"),
        ),
        (
            "<ds:SignedInfo>",
            "<ds:SignedInfo/><ds:SignedInfo>",
            Error::Repeated("SignedInfo"),
        ),
        (
            "<ds:KeyInfo>",
            "<ds:Object/><ds:KeyInfo>",
            Error::Value("Signature"),
        ),
        ("<ds:KeyInfo>", "<x/><ds:KeyInfo>", Error::Value("Signature")),
        (
            "</ds:SignedInfo>",
            "<ds:New/></ds:SignedInfo>",
            Error::Value("SignedInfo"),
        ),
        (
            "<ds:DigestMethod",
            "<x/><ds:DigestMethod",
            Error::Value("Reference"),
        ),
        (
            "xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"",
            "xmlns:ds=\"urn:ds\"",
            Error::Value("Signature"),
        ),
        (
            "#rsa-sha256\"/>",
            "#rsa-sha256\"><ds:HMACOutputLength>1</ds:HMACOutputLength></ds:SignatureMethod>",
            Error::Value("Algorithm"),
        ),
        (
            "#enveloped-signature\"/>",
            "#enveloped-signature\"><ds:XPath>1</ds:XPath></ds:Transform>",
            Error::Value("Algorithm"),
        ),
        (
            "c14n#\"></ds:Can",
            "c14n#\"><x/></ds:Can",
            Error::Value("InclusiveNamespaces"),
        ),
    ] {
        assert_eq!(change(old, new), Err(error), "{new}");
    }
    let prefixes = |count: usize| {
        let list = "a ".repeat(count);
        let list =
            format!("c14n#\"><e:InclusiveNamespaces xmlns:e=\"{EXCLUSIVE}\" PrefixList=\"{list}\"/></ds:Can");
        change("c14n#\"></ds:Can", &list)
    };
    assert_eq!(prefixes(MAX_INCLUSIVE), Ok(false));
    assert_eq!(
        prefixes(MAX_INCLUSIVE + 1),
        Err(Error::Refused("that many prefixes"))
    );
}

#[test]
fn nothing_is_read_that_is_not_signed() {
    let start = SIGNED.find("<ds:Signature ").unwrap();
    let end = SIGNED.find("</ds:Signature>").unwrap() + "</ds:Signature>".len();
    let own = &SIGNED[start..end];
    let evil = SIGNED.replace("https://mdm.lab.test/", EVIL);
    // The signed message inside of the signature of another one: in an object, or where keys are described.
    let wrapped = |into: &str| with(&evil, into, &format!("{into}<ds:Object>{SIGNED}</ds:Object>"));
    assert_eq!(
        read(&wrapped("</ds:KeyInfo>")).unwrap_err(),
        Error::Repeated("Signature")
    );
    let message = SIGNED.replace(own, "");
    let once = |into: &str| with(&evil, into, &format!("{into}<ds:Object>{message}</ds:Object>"));
    assert_eq!(
        read(&once("</ds:KeyInfo>")).unwrap_err(),
        Error::Value("Signature")
    );
    assert_eq!(
        read(&once("<ds:KeyInfo>")).unwrap_err(),
        Error::Value("DigestValue")
    );
    // And what is put there beside the right message is not read.
    let evil = evil.replace(own, "");
    let beside = with(SIGNED, "<ds:KeyInfo>", &format!("<ds:KeyInfo>{evil}"));
    let beside = read(&beside).unwrap();
    assert_eq!(signature(&beside).map(|(_, verified)| verified), Some(true));
    assert!(beside.to.unwrap().starts_with("https://mdm.lab.test/"));
    // Elsewhere it is the signature of nothing.
    let lone = own.replace("wsse:", "");
    let elsewhere = message.replace("</client>", &format!("</client>{lone}"));
    assert_eq!(signature(&read(elsewhere.as_bytes()).unwrap()), None);
    for twice in [
        SIGNED.replace(own, &own.repeat(2)),
        SIGNED.replace("</client>", &format!("</client>{lone}")),
        SIGNED.replace("<ds:KeyInfo>", &format!("<ds:KeyInfo>{lone}")),
    ] {
        assert_eq!(read(twice.as_bytes()).unwrap_err(), Error::Repeated("Signature"));
    }
}

/// A request of a twin, whose key is `key`.
fn request(certificate: Vec<u8>) -> Request {
    Request {
        message_id: "urn:uuid:1".to_owned(),
        to: Some("https://dc.lab.test/EnrollmentServer/Linked/Enrollment.svc".to_owned()),
        security: Some(Security {
            timestamp: Some(Timestamp {
                created: 1_795_255_200,
                expires: 1_795_255_500,
            }),
            token: Some(Token::Certificate {
                certificate,
                signature: None,
            }),
        }),
        body: RequestBody::RequestSecurityToken(RequestSecurityToken {
            request_type: RequestType::Issue,
            request: CertificateRequest::Pkcs10(vec![7; 100]),
            context: AdditionalContext(vec![("DeviceID".to_owned(), "a<b>&\"\u{fc}".to_owned())]),
        }),
    }
}

#[test]
fn what_is_signed_is_verified() {
    let key = KeyPair::generate(KeyKind::Rsa2048).unwrap();
    let unsigned = request(b"certificate".to_vec());
    let mut info = Vec::new();
    let sign = |octets: &[u8]| {
        info = octets.to_vec();
        key.sign(octets).ok()
    };
    let written = unsigned.to_signed_xml(sign).unwrap();
    let mut read = read(&written).unwrap();
    let Some(Token::Certificate { signature, .. }) = &mut read.security.as_mut().unwrap().token.as_mut()
    else {
        panic!()
    };
    let signature = signature.take().unwrap();
    assert_eq!(signature.signed_info, info);
    assert_eq!(signature.value, key.sign(&info).unwrap());
    // Nothing but the signature was added.
    assert_eq!(read, unsigned);
    // It is not written again: it would be of another message.
    assert_eq!(unsigned.to_xml(), read.to_xml());

    assert_eq!(unsigned.to_signed_xml(|_| None), Err(Unwritable));
    for security in [
        None,
        Some(Security {
            timestamp: None,
            token: None,
        }),
    ] {
        let other = Request {
            security,
            ..unsigned.clone()
        };
        assert_eq!(
            other.to_signed_xml(|octets| Some(octets.to_vec())),
            Err(Unwritable)
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_changed_message_is_refused_or_the_same(
        exclusively in any::<bool>(),
        changes in proptest::collection::vec(
            (any::<proptest::sample::Index>(), 0..20_usize, "[ -~\n]{0,3}|<ds:Object>|</ds:Object>|<ds:KeyInfo/>|<!-- -->|<a/>"),
            1..4,
        ),
    ) {
        let text = if exclusively { EXCLUSIVELY } else { SIGNED };
        let original = Request::parse(text.as_bytes()).unwrap();
        let mut octets = text.as_bytes().to_vec();
        for (at, removed, inserted) in changes {
            let at = at.index(octets.len());
            let end = (at + removed).min(octets.len());
            octets.splice(at..end, inserted.bytes());
        }
        if let Ok(changed) = Request::parse(&octets)
            && let Some((_, true)) = signature(&changed)
        {
            prop_assert_eq!(changed, original);
        }
    }
}
