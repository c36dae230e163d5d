use super::*;
use crate::discovery::{AuthPolicy, Version};
use crate::secret::Secret;
use crate::tests::{infoset, with};
use crate::wstep::{AdditionalContext, CertificateRequest, RequestType};
use crate::xcep::HashAlgorithm;

const DISCOVER: &str = include_str!("../../fixtures/discover.xml");
const DISCOVER_RESPONSE: &str = include_str!("../../fixtures/discover-response.xml");
const GET_POLICIES: &str = include_str!("../../fixtures/get-policies.xml");
const GET_POLICIES_RESPONSE: &str = include_str!("../../fixtures/get-policies-response.xml");
const ENROLL: &str = include_str!("../../fixtures/enroll.xml");
const ENROLL_RESPONSE: &str = include_str!("../../fixtures/enroll-response.xml");

pub(super) fn relates_to(number: u8) -> Option<String> {
    Some(format!("urn:uuid:00000000-0000-4000-8000-00000000000{number}"))
}

/// What is read is `expected`, and what is written of that means the same as `fixture`.
pub(super) fn is_response(fixture: &str, expected: &Response) {
    assert_eq!(Response::parse(fixture.as_bytes()).as_ref(), Ok(expected));
    let written = expected.to_xml().unwrap();
    assert_eq!(infoset(&written), infoset(fixture.as_bytes()));
    assert_eq!(expected.to_xml().unwrap(), written);
}

fn request(fixture: &[u8]) -> Request {
    let read = Request::parse(fixture).unwrap();
    assert_eq!(Request::parse(&read.to_xml().unwrap()).unwrap(), read);
    read
}

fn refusal(fixture: Vec<u8>) -> (Subcode, Error) {
    let refused = Request::parse(&fixture).unwrap_err();
    (refused.subcode, refused.error)
}

#[test]
fn discovery() {
    let read = request(DISCOVER.as_bytes());
    assert_eq!(Some(&read.message_id), relates_to(1).as_ref());
    assert_eq!(
        read.to.as_deref(),
        Some("https://EnterpriseEnrollment.lab.test/EnrollmentServer/Discovery.svc")
    );
    assert_eq!(read.security, None);
    let RequestBody::Discover(discover) = read.body else {
        panic!("{read:?}")
    };
    assert_eq!(
        discover,
        Discover {
            email_address: "ida@lab.test".to_owned(),
            os_edition: Some(48),
            request_version: Version { major: 5, minor: 0 },
            device_type: "CIMClient_Windows".to_owned(),
            application_version: Some("10.0.22631.3958".to_owned()),
            os_version: None,
            auth_policies: vec![AuthPolicy::OnPremise, AuthPolicy::Federated],
        }
    );
    is_response(
        DISCOVER_RESPONSE,
        &Response {
            relates_to: relates_to(1),
            activity_id: Some("00000000-0000-4000-8000-0000000000aa".to_owned()),
            body: ResponseBody::Discover(DiscoverResponse {
                auth_policy: AuthPolicy::Federated,
                enrollment_version: Some(Version::V4),
                policy_url: Some("https://mdm.lab.test/policy".to_owned()),
                enrollment_url: "https://mdm.lab.test/enroll".to_owned(),
                authentication_url: Some("https://mdm.lab.test/sts".to_owned()),
            }),
        },
    );
}

#[test]
fn discovery_tolerates_what_clients_differ_in() {
    let discover = |fixture: Vec<u8>| match request(&fixture).body {
        RequestBody::Discover(discover) => discover,
        other => panic!("{other:?}"),
    };
    let of = |old, new| discover(with(DISCOVER, old, new));
    assert_eq!(of("01/enrollment/\"", "01/enrollment\"").os_edition, Some(48));
    assert_eq!(of("<OSEdition>48</OSEdition>", "").os_edition, None);
    assert_eq!(
        of("<EmailAddress>ida@lab.test</EmailAddress>", "<EmailAddress/>").email_address,
        ""
    );
    assert_eq!(of("5.0", "9.0").request_version, Version { major: 9, minor: 0 });
    assert_eq!(
        of("<OSEdition>", "<New>thing</New><OSEdition>").os_edition,
        Some(48)
    );
    assert_eq!(
        of("Federated", "Telepathy").auth_policies[1],
        AuthPolicy::Other("Telepathy".to_owned())
    );
    let old_envelope = with(
        DISCOVER,
        "http://www.w3.org/2003/05/soap-envelope",
        "http://schemas.xmlsoap.org/soap/envelope/",
    );
    assert_eq!(discover(old_envelope).os_edition, Some(48));
    let action = DISCOVER.lines().nth(2).unwrap();
    assert_eq!(of(action, "").os_edition, Some(48));
}

#[test]
fn what_is_not_a_request_is_refused() {
    let of = |old, new| refusal(with(DISCOVER, old, new));
    let malformed = |error| (Subcode::MessageFormat, error);
    assert_eq!(
        of("IDiscoveryService/Discover", "IDiscoveryService/Other"),
        malformed(Error::Value("Action"))
    );
    assert_eq!(
        of("2012/01/enrollment/\"", "2112/01/enrollment\""),
        malformed(Error::Value("Discover"))
    );
    assert_eq!(
        of("soap-envelope", "sauce-envelope"),
        malformed(Error::Value("Envelope"))
    );
    assert_eq!(
        of("<RequestVersion>5.0", "<RequestVersion>+5.0"),
        malformed(Error::Value("RequestVersion"))
    );
    assert_eq!(
        of("<OSEdition>", "<DeviceType/><OSEdition>"),
        malformed(Error::Repeated("DeviceType"))
    );
    assert_eq!(of("</s:Body>", "<x/></s:Body>"), malformed(Error::Value("Body")));
    assert_eq!(
        of("<s:Body>", "<s:Body/><s:Body>"),
        malformed(Error::Repeated("Body"))
    );
    // The fault relates to the message wherever that is known.
    let unreadable = Request::parse(&with(DISCOVER, "5.0", "")).unwrap_err();
    assert_eq!(unreadable.message_id, relates_to(1));
    let unreadable =
        Request::parse(&with(DISCOVER, "<a:MessageID>", "<a:MessageID/><a:MessageID>")).unwrap_err();
    assert_eq!(unreadable.message_id, None);
}

#[test]
fn policies() {
    let read = request(GET_POLICIES.as_bytes());
    assert_eq!(read.body, RequestBody::GetPolicies);
    let username = |password: &str| Security {
        timestamp: None,
        token: Some(Token::Username {
            username: "ida@lab.test".to_owned(),
            password: Secret::new(password),
        }),
    };
    assert_eq!(read.security, Some(username("open sesame")));
    assert!(!format!("{read:?}").contains("sesame"));
    let spaces = request(&with(GET_POLICIES, "open sesame", " \t"));
    assert_eq!(spaces.security, Some(username(" \t")));

    let mut expected = GetPoliciesResponse {
        policy_id: "one".to_owned(),
        common_name: "device".to_owned(),
        validity_seconds: 31_536_000,
        renewal_seconds: 3_628_800,
        minimal_key_length: 2048,
        crypto_providers: Vec::new(),
        hash: HashAlgorithm::sha256(),
    };
    let response = |body| Response {
        relates_to: relates_to(2),
        activity_id: None,
        body: ResponseBody::GetPolicies(body),
    };
    is_response(GET_POLICIES_RESPONSE, &response(expected.clone()));
    expected.crypto_providers = vec!["Platform".to_owned(), "Software".to_owned()];
    let providers = with(
        GET_POLICIES_RESPONSE,
        "<cryptoProviders xsi:nil=\"true\"/>",
        "<cryptoProviders><provider>Platform</provider><provider>Software</provider></cryptoProviders>",
    );
    is_response(std::str::from_utf8(&providers).unwrap(), &response(expected));
    for (old, new) in [
        ("<policySchema>3", "<policySchema>2"),
        ("<oIDReferenceID>0", "<oIDReferenceID>1"),
        ("<generalFlags xsi:nil=\"true\"/>", ""),
        ("<minimalKeyLength>2048", "<minimalKeyLength>many"),
    ] {
        assert!(
            Response::parse(&with(GET_POLICIES_RESPONSE, old, new)).is_err(),
            "{old}"
        );
    }
}

#[test]
fn security_headers() {
    const START: &str = "<wsse:UsernameToken";
    let header = |content: &str| {
        let end = GET_POLICIES.find("</wsse:Security>").unwrap();
        let start = GET_POLICIES.find(START).unwrap();
        format!("{}{content}{}", &GET_POLICIES[..start], &GET_POLICIES[end..])
    };
    let token = |kind: &str, content: &str| {
        format!("<wsse:BinarySecurityToken ValueType=\"{kind}\">{content}</wsse:BinarySecurityToken>")
    };
    let read = |content: &str| request(header(content).as_bytes()).security.unwrap();
    let user =
        "http://schemas.microsoft.com/5.0.0.0/ConfigurationManager/Enrollment/DeviceEnrollmentUserToken";
    assert_eq!(
        read(&token(user, "b3Bh\r\n cXVl")).token,
        Some(Token::User(Secret::new("opaque")))
    );
    let jwt = "urn:ietf:params:oauth:token-type:jwt";
    assert_eq!(
        read(&token(jwt, "YS5iLmM")).token,
        Some(Token::Jwt(Secret::new("a.b.c")))
    );
    assert_eq!(read("").token, None);

    let x509 = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509v3";
    let timestamp = "<u:Timestamp><u:Created>2026-11-21T10:00:00Z</u:Created>
        <u:Expires>2026-11-21T10:05:00.500Z</u:Expires></u:Timestamp>";
    let security = read(&format!("{timestamp}{}", token(x509, "MAA=")));
    let unsigned = Token::Certificate {
        certificate: vec![0x30, 0],
        signature: None,
    };
    assert_eq!(security.token, Some(unsigned));
    let expected = Timestamp {
        created: 1_795_255_200,
        expires: 1_795_255_500,
    };
    assert_eq!(security.timestamp, Some(expected));

    let invalid = |content: &str| refusal(header(content).into_bytes());
    let invalid_security = |error| (Subcode::InvalidSecurity, error);
    assert_eq!(
        invalid(&token("other", "MAA=")),
        invalid_security(Error::Value("ValueType"))
    );
    assert_eq!(
        invalid(&token(user, "M?A=")),
        invalid_security(Error::Value("BinarySecurityToken"))
    );
    assert_eq!(
        invalid(&token(user, "/w==")),
        invalid_security(Error::Value("BinarySecurityToken"))
    );
    let twice = token(user, "MAA=").repeat(2);
    assert_eq!(
        invalid(&twice),
        invalid_security(Error::Repeated("BinarySecurityToken"))
    );
    let both = format!(
        "<wsse:UsernameToken><wsse:Username>a</wsse:Username></wsse:UsernameToken>{}",
        token(user, "MAA=")
    );
    assert_eq!(invalid(&both), invalid_security(Error::Repeated("a token")));
}

#[test]
fn enrollment() {
    let read = request(ENROLL.as_bytes());
    let RequestBody::RequestSecurityToken(token) = read.body else {
        panic!("{read:?}")
    };
    assert_eq!(token.request_type, RequestType::Issue);
    assert_eq!(token.request, CertificateRequest::Pkcs10(vec![0x30, 3, 2, 1, 5]));
    assert_eq!(token.context.get("DeviceID"), Some("7F00"));
    assert_eq!(token.context.all("MAC").count(), 2);
    assert_eq!(
        (token.context.get("IMEI"), token.context.get("HWDevID")),
        (None, None)
    );
    assert_eq!(token.context.0.len(), 8);
    is_response(
        ENROLL_RESPONSE,
        &Response {
            relates_to: relates_to(3),
            activity_id: None,
            body: ResponseBody::RequestSecurityToken(RequestSecurityTokenResponse {
                timestamp: Timestamp {
                    created: 1_795_251_600,
                    expires: 1_795_251_900,
                },
                document: b"<a></a>".to_vec(),
            }),
        },
    );
}

#[test]
fn certificate_requests_are_written_in_lines() {
    let request = Request {
        message_id: "urn:uuid:1".to_owned(),
        to: None,
        security: None,
        body: RequestBody::RequestSecurityToken(RequestSecurityToken {
            request_type: RequestType::Issue,
            request: CertificateRequest::Pkcs10(vec![7; 100]),
            context: AdditionalContext(vec![("DeviceID".to_owned(), "a<b>&\"".to_owned())]),
        }),
    };
    let written = request.to_xml().unwrap();
    assert_eq!(Request::parse(&written).unwrap(), request);
    assert_eq!(std::str::from_utf8(&written).unwrap().lines().count(), 3);
}

#[test]
fn renewal() {
    let pkcs10 = "http://schemas.microsoft.com/windows/pki/2009/01/enrollment#PKCS10";
    let renewal = |kind: &str, content: &str| {
        let text = ENROLL
            .replace("200512/Issue", "200512/Renew")
            .replace(pkcs10, kind);
        request(text.replace("MAMC\nAQU=", content).as_bytes())
    };
    let new = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd#PKCS7";
    let old = "http://schemas.microsoft.com/windows/pki/2009/01/enrollment#PKCS7";
    // Base64 once, and twice.
    for (kind, content) in [(new, "MAMCAQU="), (old, "MAMCAQU="), (new, "TUFNQ0FRVT0=")] {
        let RequestBody::RequestSecurityToken(token) = renewal(kind, content).body else {
            panic!()
        };
        assert_eq!(token.request_type, RequestType::Renew);
        assert_eq!(token.request, CertificateRequest::Pkcs7(vec![0x30, 3, 2, 1, 5]));
    }
    let text = ENROLL.replace(pkcs10, new).replace("MAMC\nAQU=", "AAAA");
    assert_eq!(
        refusal(text.into_bytes()),
        (Subcode::MessageFormat, Error::Value("BinarySecurityToken"))
    );
    // Whatever the header is like, the message is read; what proves the device is elsewhere.
    let empty = with(ENROLL, "open sesame", "");
    assert!(request(&empty).security.is_some());
    let start = ENROLL.find("<wsse:Security").unwrap();
    let end = ENROLL.find("</s:Header>").unwrap();
    let none = format!("{}{}", &ENROLL[..start], &ENROLL[end..]);
    assert_eq!(request(none.as_bytes()).security, None);
}

#[test]
fn times_beyond_four_digits_are_not_written() {
    let response = |expires| Response {
        relates_to: None,
        activity_id: None,
        body: ResponseBody::RequestSecurityToken(RequestSecurityTokenResponse {
            timestamp: Timestamp { created: 0, expires },
            document: Vec::new(),
        }),
    };
    assert!(response(253_402_207_200).to_xml().is_ok());
    assert_eq!(response(253_402_300_800).to_xml(), Err(Unwritable));
    assert_eq!(response(i64::MAX).to_xml(), Err(Unwritable));
    assert_eq!(response(i64::MIN).to_xml(), Err(Unwritable));
}
