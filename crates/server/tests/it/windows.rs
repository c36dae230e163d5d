//! Enrollment of Windows devices with a token as the password, and what is known of them then.

use ordain_testbed::Database;
use serde_json::{Value, json};

use crate::device::Device;
use crate::house::House;
use crate::identity::TRUSTED;
use crate::policy::small;
use crate::windows_wire::*;

crate::on_each_database!(
    with_a_token_as_the_password,
    ways_that_are_not_offered,
    tokens_that_do_not_count,
    a_token_is_used_up_once,
    the_same_hardware_again,
    nothing_of_apples_is_for_it,
    certificate_requests_that_are_refused,
);

const HARDWARE: &str = "00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF";

async fn with_a_token_as_the_password(database: Database) {
    let house = House::open(database).await;
    let secret = token(&house, "lab", 1).await;
    let pc = Pc::new(&house, HARDWARE);

    let probe = house.client().send("GET", DISCOVERY, &[], b"").await.with(200);
    assert_eq!(probe.header("content-type"), Some("text/html"));
    assert_eq!((probe.header("content-length"), probe.body.len()), (Some("0"), 0));

    let answer = pc
        .post(DISCOVERY, discover(&["OnPremise"]).as_bytes(), None)
        .await
        .with(200);
    let text = answer.text();
    assert_eq!(
        answer.header("content-type"),
        Some("application/soap+xml; charset=utf-8")
    );
    assert_eq!(
        between(text, "<a:RelatesTo>", "<"),
        "urn:uuid:11111111-0000-4000-8000-000000000003"
    );
    assert!(
        text.contains("/enrollment/IDiscoveryService/DiscoverResponse</a:Action>"),
        "{text}"
    );
    let said = |name: &str| between(text, &format!("<{name}>"), "<");
    assert_eq!(
        (said("AuthPolicy"), said("EnrollmentVersion")),
        ("OnPremise", "4.0")
    );
    assert_eq!(
        said("EnrollmentPolicyServiceUrl"),
        format!("https://mdm.example.org{POLICY}")
    );
    assert_eq!(
        said("EnrollmentServiceUrl"),
        format!("https://mdm.example.org{ENROLLMENT}")
    );
    assert!(!text.contains("AuthenticationServiceUrl"), "{text}");

    let security = password("ada@example.org", &secret);
    let answer = pc
        .post(POLICY, get_policies(&security).as_bytes(), None)
        .await
        .with(200);
    let text = answer.text();
    for part in [
        "<policySchema>3</policySchema>",
        "<minimalKeyLength>2048</minimalKeyLength>",
        "<value>2.16.840.1.101.3.4.2.1</value>",
        "<validityPeriodSeconds>31536000</validityPeriodSeconds>",
        "<renewalPeriodSeconds>3628800</renewalPeriodSeconds>",
        r#"<policyFriendlyName xsi:nil="true"/>"#,
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }

    let answer = pc.enroll(&security, &KEYS[0]).await.with(200);
    assert!(
        answer
            .text()
            .contains("<u:Created>2027-01-15T08:00:00.000Z</u:Created>"),
        "{answer:?}"
    );
    let provisioned = Provisioned::read(&answer, &KEYS[0]);
    let document = &provisioned.document;
    for part in [
        r#"<wap-provisioningdoc version="1.1">"#.to_owned(),
        r#"<characteristic type="Root"><characteristic type="System">"#.to_owned(),
        r#"<characteristic type="My"><characteristic type="User">"#.to_owned(),
        r#"<parm name="ROBOSupport" value="true" datatype="boolean"/>"#.to_owned(),
        r#"<parm name="RenewPeriod" value="42" datatype="integer"/>"#.to_owned(),
        r#"<parm name="APPID" value="w7"/>"#.to_owned(),
        r#"<parm name="ADDR" value="https://mdm.example.org/ManagementServer/MDM.svc"/>"#.to_owned(),
        format!(r#"value="Subject=CN%3D{HARDWARE}&amp;Stores=My%5CUser""#),
        r#"<parm name="AAUTHLEVEL" value="CLIENT"/><parm name="AAUTHTYPE" value="DIGEST"/>"#.to_owned(),
        r#"<parm name="AAUTHLEVEL" value="APPSRV"/><parm name="AAUTHTYPE" value="DIGEST"/>"#.to_owned(),
        r#"<parm name="UPN" value="ada@example.org" datatype="string"/>"#.to_owned(),
        format!(r#"<parm name="EntDMID" value="{HARDWARE}" datatype="string"/>"#),
        r#"<parm name="NumberOfRemainingScheduledRetries" value="0" datatype="integer"/>"#.to_owned(),
    ] {
        assert!(document.contains(&part), "{part} in {document}");
    }
    let provider = between(document, r#"name="PROVIDER-ID" value=""#, "\"");
    assert!(document.contains(&format!(
        r#"<characteristic type="Provider"><characteristic type="{provider}">"#
    )));
    let certificate = &provisioned.identity.certificate;
    assert_eq!(certificate.common_name(), Some(HARDWARE));
    assert_eq!(certificate.not_before(), house.now() - 3_600);
    assert_eq!(certificate.not_after(), house.now() + 365 * 24 * 60 * 60);

    let device = house.device(HARDWARE).await;
    assert_eq!(
        (&device["platform"], &device["os_version"], &device["name"]),
        (&json!("Windows"), &json!("10.0.22631.3958"), &json!("LAB-PC-01"))
    );
    assert_eq!(
        device["windows"],
        json!({
            "hardware_id": HARDWARE, "device_id": "9C2D7B1E5A", "edition": "pro", "user": "ada@example.org",
            "entra_tenant": null, "entra_device": null,
        })
    );
    assert_eq!(device["certificate"], provisioned.identity.fingerprint());
    assert_eq!(
        (&device["generation"], &device["memberships"]),
        (&json!(1), &json!("granted"))
    );
    assert_eq!(
        device["channels"][0]["phase"], "authenticated",
        "nothing came from it yet"
    );
    assert!(
        device["notes"]
            .to_string()
            .contains("nothing came under its certificate"),
        "{device}"
    );
    let audit = house.get("/audit").await;
    assert_eq!(
        (&audit[0]["action"], &audit[0]["who"]),
        (&json!("enroll"), &json!("enrollment token lab"))
    );
    assert_eq!(audit[0]["detail"]["enrollment"], HARDWARE);
    assert_eq!(token_row(&house, "lab").await["uses_left"], 0);

    // Neither step works again, and what was given stays.
    let answer = pc.post(POLICY, get_policies(&security).as_bytes(), None).await;
    assert_eq!(fault(&answer), ("s:Authentication".into(), None));
    let answer = pc.enroll(&security, &KEYS[1]).await;
    assert_eq!(fault(&answer), ("s:Authentication".into(), None));
    assert!(!answer.text().contains(&secret));
    assert_eq!(
        house.device(HARDWARE).await["certificate"],
        provisioned.identity.fingerprint()
    );
}

async fn ways_that_are_not_offered(database: Database) {
    let house = House::open(database).await;
    let pc = Pc::new(&house, HARDWARE);
    for offers in [&["Certificate"][..], &[], &["Telepathy"]] {
        let answer = pc.post(DISCOVERY, discover(offers).as_bytes(), None).await;
        assert_eq!(
            fault(&answer),
            ("s:EnrollmentServer".into(), Some("NotSupported".into())),
            "{offers:?}"
        );
    }
    let x509 = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509v3";
    for security in [binary(x509, "a certificate"), binary(JWT, "a.b.c")] {
        let answer = pc.post(POLICY, get_policies(&security).as_bytes(), None).await;
        assert_eq!(
            fault(&answer),
            ("s:Authentication".into(), Some("NotSupported".into()))
        );
    }
    for security in ["", r#"<wsse:Security s:mustUnderstand="1"/>"#] {
        let answer = pc.enroll(security, &KEYS[0]).await;
        assert_eq!(fault(&answer), ("s:Authentication".into(), None));
    }
    let answer = pc.enroll(&binary("urn:telepathy", "x"), &KEYS[0]).await;
    assert_eq!(fault(&answer), ("a:InvalidSecurity".into(), None));
    let recovery = request(
        "",
        "Recovery",
        "http://schemas.microsoft.com/windows/pki/2009/01/enrollment#PKCS10",
        b"x",
        &[],
    );
    let answer = pc.post(ENROLLMENT, recovery.as_bytes(), None).await;
    assert_eq!(
        fault(&answer),
        ("s:EnrollmentServer".into(), Some("NotEligibleToRenew".into()))
    );
}

async fn tokens_that_do_not_count(database: Database) {
    let house = House::open(database).await;
    let pc = Pc::new(&house, HARDWARE);
    let make = async |asked: Value| {
        let made = house.admin("POST", "/tokens", Some(asked)).await.with(200).json();
        made["token"].as_str().expect("a token").to_owned()
    };
    let short = make(json!({"name": "short", "role": "enrollment", "valid_for": 60})).await;
    let bound = make(json!({"name": "bound", "role": "enrollment", "serial": "S1"})).await;
    let admin = house.admin_token();
    house.pass(60);
    for secret in ["", "wrong", &admin, &short] {
        let answer = pc.enroll(&password("ada@example.org", secret), &KEYS[0]).await;
        assert_eq!(fault(&answer), ("s:Authentication".into(), None), "{secret}");
    }
    // It is for a serial number, and Windows says none.
    let answer = pc.enroll(&password("ada@example.org", &bound), &KEYS[0]).await;
    assert_eq!(fault(&answer), ("s:Authorization".into(), None));
    assert_eq!(token_row(&house, "bound").await["uses_left"], 1);
    house
        .admin("GET", &format!("/devices/{HARDWARE}"), None)
        .await
        .with(404);
}

async fn a_token_is_used_up_once(database: Database) {
    let house = House::open(database).await;
    let secret = token(&house, "lab", 3).await;
    let security = password("ada@example.org", &secret);
    let pcs: Vec<Pc> = (0..8)
        .map(|number| Pc::new(&house, &format!("PC-{number}")))
        .collect();
    let answers = futures_util::future::join_all(pcs.iter().map(|pc| pc.enroll(&security, &KEYS[0]))).await;
    let enrolled: Vec<_> = answers
        .iter()
        .filter(|answer| answer.status.as_u16() == 200)
        .collect();
    assert_eq!(enrolled.len(), 3, "{answers:?}");
    let refused = answers.iter().filter(|answer| answer.status.as_u16() != 200);
    for answer in refused {
        assert_eq!(fault(answer).0, "s:Authentication");
    }
    let devices = house.get("/devices").await;
    assert_eq!(devices["matching"], 3);
    assert_eq!(token_row(&house, "lab").await["uses_left"], 0);
}

async fn the_same_hardware_again(database: Database) {
    let house = House::open(database).await;
    let secret = token(&house, "lab", 9).await;
    let group = ("groups/lab.yaml", format!("name: lab\nmembers: [{HARDWARE}]\n"));
    let mut files = small(8);
    files.push(group);
    let blueprint = "name: for-the-lab\ninclude: [lab]\ndeclarations: [passcode]\n";
    files.push(("blueprints/for-the-lab.yaml", blueprint.to_owned()));
    house.publish(&files).await;
    let pc = Pc::new(&house, HARDWARE);
    let first = pc.enrolled(&secret, &KEYS[0]).await;
    let groups = house.device(HARDWARE).await["groups"].clone();
    assert_eq!(groups, json!(["all", "lab"]), "its hardware is a name");
    // The answer was lost: the enrollment was never complete, so that there is nothing to inherit.
    let second = pc
        .clone()
        .with("DeviceID", "another")
        .enrolled(&secret, &KEYS[1])
        .await;
    let device = house.device(HARDWARE).await;
    assert_eq!(
        (&device["generation"], &device["memberships"]),
        (&json!(2), &json!("granted"))
    );
    assert_eq!(device["windows"]["device_id"], "another");
    assert_eq!(device["certificate"], second.identity.fingerprint());
    assert_ne!(first.identity.fingerprint(), second.identity.fingerprint());
    // Once it is complete, another one who says to be this hardware waits for an administrator.
    house.pass(330 * 24 * 60 * 60);
    let next = token(&house, "later", 1).await;
    crate::windows_renewal::renew(&pc, &second, &KEYS[1], &KEYS[2])
        .await
        .with(200);
    let third = pc.enrolled(&next, &KEYS[0]).await;
    let device = house.device(HARDWARE).await;
    assert_eq!(
        (&device["generation"], &device["memberships"]),
        (&json!(3), &json!("waiting"))
    );
    assert_eq!(device["groups"], json!(["all"]));
    // The certificates of before are nobody's.
    let answer = crate::windows_renewal::renew(&pc, &second, &KEYS[1], &KEYS[2]).await;
    assert_eq!(fault(&answer).0, "s:Authentication");
    house
        .admin("POST", &format!("/devices/{HARDWARE}/approve"), None)
        .await
        .with(204);
    let device = house.device(HARDWARE).await;
    assert_eq!(
        (&device["groups"], &device["certificate"]),
        (&json!(["all", "lab"]), &json!(third.identity.fingerprint()))
    );
    assert_eq!(house.get("/devices").await["matching"], 1);
}

async fn nothing_of_apples_is_for_it(database: Database) {
    let house = House::open(database).await;
    house.publish(&small(8)).await;
    let secret = token(&house, "lab", 9).await;
    let pc = Pc::new(&house, "PC-1");
    let provisioned = pc.enrolled(&secret, &KEYS[0]).await;
    let device = house.device("PC-1").await;
    let channel = &device["channels"][0];
    assert_eq!(channel["declarations"], json!([]));
    assert!(
        channel["omissions"]
            .to_string()
            .contains("it is for Apple devices"),
        "{channel}"
    );
    assert!(!device["notes"].to_string().contains("too old"), "{device}");
    let order = |body: Value| house.admin("POST", "/commands", Some(body));
    order(
        json!({"request_type": "DeviceInformation", "keys": {"Queries": ["OSVersion"]}, "devices": ["PC-1"]}),
    )
    .await
    .with(409);
    // Its certificate opens nothing of Apple's protocol, under no name.
    for name in ["PC-1", "D"] {
        let intruder = Device::of(&house, name, &provisioned.identity);
        assert!(intruder.authenticate().await.with(403).body.is_empty());
        assert!(intruder.token_update().await.with(403).body.is_empty());
        assert!(intruder.ddm("tokens").await.with(403).body.is_empty());
    }
    // Nor does a device of Apple's become it, or it one of those.
    Device::of(&house, "PC-1", &TRUSTED.ec())
        .authenticate()
        .await
        .with(403);
    let mac = Device::mac(&house, "D");
    mac.enroll().await;
    let answer = Pc::new(&house, "D")
        .enroll(&password("ada@example.org", &secret), &KEYS[1])
        .await;
    assert_eq!(fault(&answer), ("s:Authorization".into(), None));
    mac.ddm("tokens").await.with(200);
    assert_eq!(house.get("/devices?platform=windows").await["matching"], 1);
    // An order for all reaches the Mac alone.
    let made = order(
        json!({"request_type": "DeviceInformation", "keys": {"Queries": ["OSVersion"]}, "group": "all"}),
    );
    let id = made.await.with(200).json()["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let reached = loop {
        let order = house.get(&format!("/commands/{id}")).await;
        if order["reaching"] == false {
            break order["deliveries"].clone();
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    };
    assert_eq!(reached.as_array().expect("deliveries").len(), 1);
    assert_eq!(reached[0]["enrollment"], "D");
}

async fn certificate_requests_that_are_refused(database: Database) {
    let house = House::open(database).await;
    let secret = token(&house, "lab", 1).await;
    let pc = Pc::new(&house, HARDWARE);
    let security = password("ada@example.org", &secret);
    let pkcs10 = "http://schemas.microsoft.com/windows/pki/2009/01/enrollment#PKCS10";
    let pkcs7 = format!(
        "{}#PKCS7",
        "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
    );
    let mut cut = csr(&KEYS[0]);
    cut.truncate(200);
    for (what, kind, format, content) in [
        (
            "another one's signature",
            "Issue",
            pkcs10,
            csr_signed_by(&KEYS[0], &KEYS[1]),
        ),
        ("nothing", "Issue", pkcs10, Vec::new()),
        ("rubbish", "Issue", pkcs10, vec![0x30; 5_000]),
        ("a part", "Issue", pkcs10, cut),
        ("CMS", "Issue", &pkcs7, csr(&KEYS[0])),
        ("no CMS", "Renew", &pkcs7, csr(&KEYS[0])),
        ("no CMS by name", "Renew", pkcs10, csr(&KEYS[0])),
    ] {
        let message = request(&security, kind, format, &content, &pc.items());
        let answer = pc.post(ENROLLMENT, message.as_bytes(), None).await;
        assert_eq!(fault(&answer).0, "s:CertificateRequest", "{what}");
    }
    let nobody = request(&security, "Issue", pkcs10, &csr(&KEYS[0]), &[("DeviceName", "x")]);
    let answer = pc.post(ENROLLMENT, nobody.as_bytes(), None).await;
    assert_eq!(
        fault(&answer),
        ("s:MessageFormat".into(), Some("InvalidEnrollmentData".into()))
    );
    assert_eq!(
        token_row(&house, "lab").await["uses_left"],
        1,
        "the token waits for a good one"
    );
    pc.enrolled(&secret, &KEYS[0]).await;
}
