use proptest::prelude::*;

use super::*;

#[test]
fn requests() {
    let joined = br#"{"userDomain":"lab.test","upn":"","tenantId":"t","emmDeviceId":"emm-7","enrollmentType":"Device","osVersion":"10.0.22631.3958","new":[1]}"#;
    let joined = LinkedDiscover::parse(joined).unwrap();
    assert_eq!(joined.emm_device_id.as_deref(), Some("emm-7"));
    assert_eq!(joined.auth_policy(), Some(AuthPolicy::Federated));
    assert_eq!(LinkedDiscover::parse(&joined.to_json()), Ok(joined.clone()));
    let of = |kind: Option<&str>| {
        LinkedDiscover {
            enrollment_type: kind.map(str::to_owned),
            ..joined.clone()
        }
        .auth_policy()
    };
    assert_eq!(of(Some("User")), Some(AuthPolicy::Certificate));
    assert_eq!(
        (of(Some("")), of(None)),
        (Some(AuthPolicy::Federated), Some(AuthPolicy::Federated))
    );
    assert_eq!(of(Some("Toaster")), None);
    for bad in [
        "{}",
        "[]",
        r#"{"osVersion":""}"#,
        r#"{"osVersion":1}"#,
        r#"{"osVersion":"a","osVersion":"b"}"#,
    ] {
        assert_eq!(LinkedDiscover::parse(bad.as_bytes()), Err(Malformed), "{bad}");
    }
    let deep = format!("{{\"osVersion\":\"a\",\"b\":{}", "[".repeat(30_000));
    assert_eq!(LinkedDiscover::parse(deep.as_bytes()), Err(Malformed));
    let long = format!("{{\"osVersion\":\"{}\"}}", "a".repeat(MAX_OCTETS));
    assert_eq!(LinkedDiscover::parse(long.as_bytes()), Err(Malformed));
}

#[test]
fn answers() {
    let found = br#"{"EnrollmentServiceUrl":"https://dc.lab.test/enroll","EnrollmentPolicyServiceUrl":"https://dc.lab.test/policy",
        "AuthenticationServiceUrl":"https://dc.lab.test/auth","AuthPolicy":"Certificate","EnrollmentVersion":"4.0",
        "ManagementResource":"https://dc.lab.test","TouUrl":""}"#;
    let expected = LinkedDiscoverResponse::Found(LinkedEndpoints {
        enrollment_url: "https://dc.lab.test/enroll".to_owned(),
        policy_url: "https://dc.lab.test/policy".to_owned(),
        authentication_url: "https://dc.lab.test/auth".to_owned(),
        auth_policy: AuthPolicy::Certificate,
        enrollment_version: Some(Version::V4),
        management_resource: Some("https://dc.lab.test".to_owned()),
        terms_url: None,
    });
    assert_eq!(LinkedDiscoverResponse::parse(found), Ok(expected.clone()));
    assert_eq!(LinkedDiscoverResponse::parse(&expected.to_json()), Ok(expected));

    let failed = LinkedDiscoverResponse::Failed {
        code: UPN_REQUIRED.to_owned(),
        message: "who?".to_owned(),
    };
    let json = r#"{"EnrollmentServiceUrl":"","EnrollmentPolicyServiceUrl":"","AuthenticationServiceUrl":"","AuthPolicy":"","errorCode":"UPNRequired","message":"who?"}"#;
    assert_eq!(String::from_utf8(failed.to_json()).unwrap(), json);
    assert_eq!(LinkedDiscoverResponse::parse(json.as_bytes()), Ok(failed));
    assert_eq!(LinkedDiscoverResponse::parse(b"{}"), Err(Malformed));
}

proptest! {
    #[test]
    fn random_octets_never_panic(octets in proptest::collection::vec(any::<u8>(), 0..100)) {
        let _ = LinkedDiscover::parse(&octets);
        let _ = LinkedDiscoverResponse::parse(&octets);
    }
}
