//! F1: enrolling, and whom it is refused with.

use std::sync::Arc;

use ordain_pki::KeyPair;
use ordain_pki::key::KeyKind;
use ordain_twin::windows::{About, Complaint, EnrollError, Event, KeyPool, Pc, Settings, Standing, Twin};
use ordain_windows::discovery::AuthPolicy;
use roxmltree::Document;

use crate::fake::{Fake, NOW, Tweak, context, enrolled, fault, run, twin, way};

/// The error that enrolling ends with.
fn refusal(mut fake: Fake) -> EnrollError {
    let mut twin = twin();
    twin.enroll(way()).unwrap();
    run(&mut twin, &mut fake, NOW);
    assert_eq!(twin.standing(), Standing::Refused);
    assert!(twin.account().is_none());
    assert!(fake.messages().is_empty(), "no session without enrollment");
    twin.error().unwrap().clone()
}

fn complaint(fake: Fake) -> String {
    match refusal(fake) {
        EnrollError::Complaint(complaint) => complaint.to_string(),
        other => panic!("{other}"),
    }
}

/// F1.1, F1.5: the messages in their order, and what they say.
#[test]
fn on_premise_from_the_probe_to_the_first_session() {
    let (mut twin, mut fake) = (twin(), Fake::new());
    twin.enroll(way()).unwrap();
    run(&mut twin, &mut fake, NOW);
    assert_eq!(twin.standing(), Standing::Enrolled);
    assert_eq!(twin.history(), [Event::Enrolled, Event::Session]);
    let asked: Vec<_> = fake
        .requests
        .iter()
        .map(|request| {
            (
                request.method.as_str(),
                request.url.as_str(),
                request.identity.is_some(),
            )
        })
        .collect();
    let discovery = "https://mdm.example.org/EnrollmentServer/Discovery.svc";
    assert_eq!(
        asked,
        [
            ("GET", discovery, false),
            ("POST", discovery, false),
            ("POST", "https://mdm.example.org/mde2/policy", false),
            ("POST", "https://mdm.example.org/mde2/enroll", false),
            (
                "POST",
                "https://mdm.example.org/omadm?mode=Maintenance&Platform=WoA",
                true
            ),
        ]
    );
    for (path, action) in [
        ("Discovery.svc", "IDiscoveryService/Discover"),
        ("/policy", "IPolicy/GetPolicies"),
        ("/enroll", "RST/wstep"),
    ] {
        let body = fake.bodies(path).pop().unwrap();
        assert!(body.contains(&format!("{action}</a:Action>")), "{body}");
        assert_eq!(body.contains("correct-horse"), path != "Discovery.svc", "{body}");
    }
    let body = fake.bodies("/enroll").pop().unwrap();
    let document = Document::parse(&body).unwrap();
    for (name, value) in [
        ("OSEdition", "48"),
        ("OSVersion", "10.0.22631.3958"),
        ("DeviceName", "LAB-PC-00000"),
        ("EnrollmentType", "Full"),
        ("DeviceType", "CIMClient_Windows"),
        ("Locale", "en-US"),
        ("TargetedUserLoggedIn", "true"),
        ("HWDevID", &twin.pc().hardware_id),
        ("DeviceID", &twin.account().unwrap().device_id),
    ] {
        assert_eq!(context(&document, name), value);
    }
    assert_eq!(body.matches("Name=\"MAC\"").count(), 2);
    let token = document
        .descendants()
        .find(|node| node.tag_name().name() == "BinarySecurityToken")
        .and_then(|node| node.text())
        .unwrap();
    assert!(token.contains('\n'), "base64 with line breaks");
}

/// F1.1
#[test]
fn only_answers_as_windows_takes_them() {
    let discovery = "Discovery.svc";
    let cases: [(&str, Tweak, Complaint); 7] = [
        (
            discovery,
            |response| response.status = 302,
            Complaint::Status {
                about: About::Probe,
                status: 302,
            },
        ),
        (
            discovery,
            |response| response.content_length = None,
            Complaint::NoLength(About::Probe),
        ),
        (
            "/policy",
            |response| response.is_chunked = true,
            Complaint::Chunked(About::GetPolicies),
        ),
        (
            "/policy",
            |response| response.body.push(b' '),
            Complaint::WrongLength(About::GetPolicies),
        ),
        (
            "/policy",
            |response| response.content_type = Some("text/xml".to_owned()),
            Complaint::ContentType {
                about: About::GetPolicies,
                found: "text/xml".to_owned(),
            },
        ),
        (
            "/enroll",
            |response| response.status = 403,
            Complaint::Status {
                about: About::Enroll,
                status: 403,
            },
        ),
        (
            "/enroll",
            |response| response.status = 500,
            Complaint::Status {
                about: About::Enroll,
                status: 500,
            },
        ),
    ];
    for (path, tweak, expected) in cases {
        let mut fake = Fake::new();
        fake.tweak = Some((path, tweak));
        assert_eq!(refusal(fake), EnrollError::Complaint(expected));
    }
}

/// F1.1: `RelatesTo`, and URLs on one https host. F1.2: an AuthPolicy that was offered. F1.4: the policy.
#[test]
fn only_what_was_asked_for() {
    for (path, old, new, expected) in [
        ("Discovery.svc", "urn:uuid:", "urn:uuid:0", "RelatesTo is not"),
        (
            "Discovery.svc",
            ">OnPremise<",
            ">Certificate<",
            "none that the device offered",
        ),
        (
            "Discovery.svc",
            ">OnPremise<",
            ">Federated<",
            "without an https AuthenticationServiceUrl",
        ),
        ("Discovery.svc", ">4.0<", ">6.0<", "newer than RequestVersion"),
        (
            "Discovery.svc",
            "https://mdm.example.org/mde2/policy",
            "http://mdm.example.org/mde2/policy",
            "not an https URL",
        ),
        (
            "Discovery.svc",
            "https://mdm.example.org/mde2/enroll",
            "/mde2/enroll",
            "not an https URL",
        ),
        (
            "Discovery.svc",
            "https://mdm.example.org/mde2/policy",
            "https://other.example.org/mde2/policy",
            "different hosts",
        ),
        (
            "Discovery.svc",
            "EnrollmentPolicyServiceUrl>https://mdm.example.org/mde2/policy</EnrollmentPolicyServiceUrl",
            "X/",
            "SHA-1",
        ),
        (
            "/policy",
            "GetPoliciesResponse</a:Action>",
            "X</a:Action>",
            "Action is not",
        ),
        (
            "/policy",
            "<policySchema>3",
            "<policySchema>2",
            "policySchema is not",
        ),
        (
            "/policy",
            "<generalFlags xsi:nil=\"true\"/>",
            "",
            "generalFlags is missing",
        ),
        (
            "/policy",
            "2.16.840.1.101.3.4.2.1",
            "1.3.14.3.2.29",
            "not SHA-256",
        ),
        (
            "/enroll",
            "T09:05:00.000Z",
            "T08:05:00.000Z",
            "ends before it begins",
        ),
        ("/enroll", "ProvisionDoc", "OtherDoc", "ValueType is not"),
    ] {
        let found = complaint(Fake::new().change(path, old, new));
        assert!(found.contains(expected), "{new}: {found}");
    }
}

/// F1.2
#[test]
fn a_device_that_offers_one_way_is_enrolled_in_no_other() {
    let mut fake = Fake::new();
    let mut twin = twin();
    let mut way = way();
    way.offers = vec![AuthPolicy::Federated];
    twin.enroll(way).unwrap();
    run(&mut twin, &mut fake, NOW);
    assert!(
        twin.error()
            .unwrap()
            .to_string()
            .contains("none that the device offered")
    );
}

/// F1.4: the key has the length that the policy asks for.
#[test]
fn the_key_is_as_long_as_the_policy_wants_it() {
    let asks = |bits: &str| {
        Fake::new().change(
            "/policy",
            "<minimalKeyLength>2048",
            &format!("<minimalKeyLength>{bits}"),
        )
    };
    assert_eq!(refusal(asks("4096")), EnrollError::NoKey(4096));
    let long = KeyPair::generate(KeyKind::Rsa3072).unwrap();
    let short = KeyPair::generate(KeyKind::Rsa2048).unwrap();
    let pool = KeyPool::new(vec![long.clone(), short.clone()]);
    for (bits, key) in [("1024", &short), ("2048", &short), ("3072", &long)] {
        let mut twin = Twin::new(Pc::new(1, 0), Settings::default(), Arc::new(pool.clone()));
        twin.enroll(way()).unwrap();
        run(&mut twin, &mut asks(bits), NOW);
        let account = twin.account().unwrap();
        assert_eq!(
            account.identity.certificate.public_key(),
            key.public_key(),
            "{bits}"
        );
    }
}

/// F1.6
#[test]
fn a_provisioning_document_is_taken_whole_or_not_at_all() {
    let other = Fake::new();
    let stranger = other.authority.certificate();
    for (old, new, expected) in [
        ("version=\"1.1\"", "version=\"1.0\"", "wap-provisioningdoc is not"),
        (
            "</wap-provisioningdoc>",
            "<characteristic type=\"Policy\"/></wap-provisioningdoc>",
            "characteristic is not",
        ),
        ("name=\"ADDR\"", "name=\"addr\"", "has no ADDR"),
        (
            "name=\"PROVIDER-ID\"",
            "name=\"Provider-Id\"",
            "PROVIDER-ID is missing",
        ),
        ("value=\"ExampleMDM\"", "value=\"OtherMDM\"", "PROVIDER-ID is not"),
        (
            "<characteristic type=\"PrivateKeyContainer\"/>",
            "",
            "PrivateKeyContainer is missing",
        ),
        ("value=\"CLIENT\"", "value=\"OTHER\"", "CLIENT is missing"),
        ("value=\"APPSRV\"", "value=\"OTHER\"", "APPSRV is missing"),
        ("value=\"DIGEST\"", "value=\"BASIC\"", "AAUTHTYPE is not"),
        (
            "https://mdm.example.org/omadm",
            "http://mdm.example.org/omadm",
            "ADDR is not an https URL",
        ),
        ("My%5CUser", "My%5CSystem", "does not find the certificate"),
        ("Subject=CN%3D", "Subject=CN%3DX", "does not find the certificate"),
        (
            "<characteristic type=\"User\">",
            "<characteristic type=\"System\">",
            "in the other store",
        ),
        (
            "value=\"application/vnd.syncml.dm+xml\"",
            "value=\"application/vnd.syncml.dm+wbxml\"",
            "DEFAULTENCODING is not",
        ),
        (
            "\"ROBOSupport\" value=\"true\"",
            "\"ROBOSupport\" value=\"false\"",
            "ROBOSupport is not",
        ),
        (
            "\"RenewPeriod\" value=\"42\"",
            "\"RenewPeriod\" value=\"3\"",
            "RetryInterval is not",
        ),
        (
            "type=\"DMClient\"",
            "type=\"RootCATrustedCertificates\"",
            "has no DMClient",
        ),
        ("type=\"Poll\"", "type=\"NoPoll\"", "has no Poll"),
    ] {
        let mut fake = Fake::new();
        fake.document.push((old.to_owned(), new.to_owned()));
        let found = complaint(fake);
        assert!(found.contains(expected), "{new}: {found}");
    }
    // Poll rules: all is zero.
    let mut fake = Fake::new();
    for (name, number) in [
        ("NumberOfFirstRetries", 8),
        ("IntervalForFirstSetOfRetries", 15),
        ("NumberOfSecondRetries", 5),
        ("IntervalForSecondSetOfRetries", 3),
        ("IntervalForRemainingScheduledRetries", 1560),
    ] {
        fake.document.push((
            format!("\"{name}\" value=\"{number}\""),
            format!("\"{name}\" value=\"0\""),
        ));
    }
    assert!(complaint(fake).contains("all is zero"));
    // A root that is under another one's thumbprint, and one that vouches for somebody else.
    let mut fake = Fake::new();
    let own = fake.authority.certificate().thumbprint();
    fake.document.push((own.clone(), stranger.thumbprint()));
    assert!(complaint(fake).contains("not under its thumbprint"));
}

/// F1.6: the certificate is for the device's key, and for now.
#[test]
fn a_certificate_of_another_key_or_time_is_refused() {
    let fake = Fake::new();
    let key = KeyPair::generate(KeyKind::P256).unwrap();
    let other = fake.issue(key.public_key(), "other");
    let encoded = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, other.der());
    let mut fake = fake;
    // The second one in the document is the device's.
    fake.document.push((
        "<characteristic type=\"User\"><characteristic type=\"".to_owned(),
        format!(
            "<characteristic type=\"User\"><characteristic type=\"{}\"><parm name=\"EncodedCertificate\" value=\"{encoded}\"/>
            </characteristic><characteristic type=\"PrivateKeyContainer\"/></characteristic><characteristic type=\"Rest\"><characteristic type=\"",
            other.thumbprint()
        ),
    ));
    assert!(complaint(fake).contains("not for the device's key"));
    let mut fake = Fake::new();
    fake.now = NOW - 500 * crate::fake::DAY;
    assert!(complaint(fake).contains("not one of the root's that is valid now"));
}

/// F1.7
#[test]
fn a_device_enrolls_once() {
    let (mut twin, _) = enrolled();
    let error = twin.enroll(way()).unwrap_err();
    assert_eq!(error, EnrollError::AlreadyEnrolled);
    assert_eq!(error.hresult(), Some(0x8018_0026));
    assert_eq!(twin.standing(), Standing::Enrolled);
}

/// F1.9
#[test]
fn faults_are_numbers_of_windows() {
    for (subcode, error_type, hresult) in [
        ("s:MessageFormat", "", 0x8018_0001),
        ("s:Authentication", "", 0x8018_0002),
        ("s:authorization", "", 0x8018_0003),
        ("s:CertificateRequest", "", 0x8018_0004),
        ("s:EnrollmentServer", "", 0x8018_0005),
        ("a:InternalServiceFault", "", 0x8018_0006),
        ("a:InvalidSecurity", "", 0x8018_0007),
        ("s:Authorization", "DeviceCapReached", 0x8018_0013),
        ("s:Authorization", "DeviceNotSupported", 0x8018_0014),
        ("s:Authorization", "NotSupported", 0x8018_0015),
        ("s:Authorization", "NotEligibleToRenew", 0x8018_0016),
        ("s:Authorization", "InMaintenance", 0x8018_0017),
        ("s:Authorization", "UserLicense", 0x8018_0018),
        ("s:Authorization", "InvalidEnrollmentData", 0x8018_0019),
        ("s:Authorization", "CustomServerError", 0x8018_0032),
    ] {
        for status in [200, 500] {
            let mut fake = Fake::new();
            let body = fault(subcode, error_type);
            fake.changes.push((
                "/enroll",
                "<RequestSecurityTokenResponseCollection".to_owned(),
                format!("{body}<!--"),
            ));
            fake.changes.push((
                "/enroll",
                "</RequestSecurityTokenResponseCollection>".to_owned(),
                "-->".to_owned(),
            ));
            fake.tweak = Some(match status {
                500 => ("/enroll", |response| response.status = 500),
                _ => ("/enroll", |_| {}),
            });
            let error = refusal(fake);
            assert_eq!(error.hresult(), Some(hresult), "{error}");
        }
    }
}

/// F2.12: a server that is busy is asked again.
#[test]
fn an_enrollment_that_is_put_off_goes_on() {
    let (mut twin, mut fake) = (twin(), Fake::new());
    twin.enroll(way()).unwrap();
    fake.tweak = Some(("/enroll", |response| {
        response.status = 429;
        response.retry_after = Some(30);
    }));
    run(&mut twin, &mut fake, NOW);
    assert_eq!(
        (twin.standing(), twin.due()),
        (Standing::Enrolling, Some(NOW + 30))
    );
    assert!(twin.request(NOW + 29).is_none());
    fake.tweak = None;
    run(&mut twin, &mut fake, NOW + 30);
    assert_eq!(twin.standing(), Standing::Enrolled);
}
