//! F3: the linked enrollment, over a server of raw XML and JSON.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ordain_catalog::windows::Join;
use ordain_twin::windows::{EnrollError, Event, Quirks, Response, Standing, Twin};
use ordain_windows::soap::{Request, Token};
use roxmltree::Document;
use serde_json::Value;

use crate::fake::{
    DAY, DEVICE, Fake, NOW, PROVIDER, SERVER, TENANT, code, command, context, converse, enrolled, get, join,
    linked, linked_converse, member, order, results, run, say, statuses, way,
};

const MINUTE: i64 = 60;

fn status(twin: &mut Twin, fake: &mut Fake) -> (String, String) {
    let commands = [
        get(100, &format!("{PROVIDER}/EnrollStatus")),
        get(101, &format!("{PROVIDER}/LastError")),
    ];
    let messages = converse(twin, fake, [say(commands.concat())], NOW);
    let one = |id| results(&messages[1], id).remove(0).2;
    (one(100), one(101))
}

fn exec(twin: &mut Twin, fake: &mut Fake, name: &str) -> Vec<String> {
    let exec = command("Exec", 100, &format!("{PROVIDER}/{name}"), "null", "");
    converse(twin, fake, [say(exec)], NOW)
}

fn is(twin: &mut Twin, fake: &mut Fake, status: &str, error: u32) {
    assert_eq!(self::status(twin, fake), (status.to_owned(), error.to_string()));
}

/// F3.1: without an endpoint there is no task.
#[test]
fn enrolling_without_an_endpoint_is_refused_at_once() {
    let (mut twin, mut fake) = enrolled();
    twin.join(member(), Join::Joined);
    let version = "./Device/Vendor/MSFT/DMClient/Provider/ExampleMDM/SyncApplicationVersion";
    order(&mut twin, &mut fake, "Replace", version, "chr", "3.0");
    is(&mut twin, &mut fake, "0", 0);
    let messages = exec(&mut twin, &mut fake, "Enroll");
    assert_eq!(
        statuses(&messages[1], 100),
        [(500, Some("0x80070002".to_owned()))]
    );
    assert!(fake.bodies("/linked/discovery").is_empty());
    is(&mut twin, &mut fake, "0", 0);
    assert_eq!(twin.linked().map(|_| ()), None);
}

/// F3.2 to F3.5.
#[test]
fn a_joined_device_shows_a_token_for_itself() {
    let (mut twin, mut fake) = join(Join::Joined);
    let enroll = command("Exec", 100, &format!("{PROVIDER}/Enroll"), "null", "");
    let look = get(101, &format!("{PROVIDER}/EnrollStatus"));
    let messages = converse(&mut twin, &mut fake, [say(enroll), say(look)], NOW);
    assert_eq!(code(&messages[1], 100), 200);
    assert_eq!(
        results(&messages[2], 101)[0].2,
        "1",
        "in the session it is not begun"
    );

    let asked: Value = serde_json::from_str(&fake.bodies("/linked/discovery")[0]).unwrap();
    assert_eq!(
        asked,
        serde_json::json!({
            "userDomain": "example.org", "tenantId": TENANT, "emmDeviceId": "emm-000042",
            "enrollmentType": "Device", "osVersion": twin.pc().version,
        })
    );
    let request = fake
        .requests
        .iter()
        .find(|one| one.url.contains("/linked/discovery"))
        .unwrap();
    assert!(request.identity.is_none() && request.url.ends_with("?api-version=1.0"));
    for path in ["/linked/policy", "/linked/enroll"] {
        let body = fake.bodies(path).pop().unwrap();
        let token = token(&body);
        assert_eq!(
            (
                token["aud"].as_str(),
                token["tid"].as_str(),
                token["deviceid"].as_str(),
                token.get("upn")
            ),
            (Some("https://dc.example.org"), Some(TENANT), Some(DEVICE), None)
        );
    }
    let body = fake.bodies("/linked/enroll").pop().unwrap();
    let document = Document::parse(&body).unwrap();
    assert_eq!(context(&document, "EnrollmentType"), "Device");
    assert_eq!(context(&document, "EmmDeviceId"), "emm-000042");
    assert_eq!(context(&document, "HWDevID"), twin.pc().hardware_id);

    let (primary, linked) = (twin.account().unwrap().clone(), twin.linked().unwrap().clone());
    assert!(linked.is_linked && !primary.is_linked);
    assert_eq!(
        (primary.provider_id.as_str(), linked.provider_id.as_str()),
        ("ExampleMDM", "ExampleDC")
    );
    assert_ne!(primary.device_id, linked.device_id);
    assert_ne!(primary.identity.certificate, linked.identity.certificate);
    assert_eq!(
        (twin.sessions(), linked.sessions()),
        (4, 1),
        "its first session is at once"
    );
    is(&mut twin, &mut fake, "4", 0);
    let entra = "./Device/Vendor/MSFT/DMClient/Provider/ExampleMDM/AADDeviceID";
    assert_eq!(twin.value(entra, NOW).unwrap().data, DEVICE);
    assert_eq!(twin.complaints().kept(), []);
    // Once more is an error, and changes nothing ([U]).
    exec(&mut twin, &mut fake, "Enroll");
    is(&mut twin, &mut fake, "4", 0x8018_000b);
    assert_eq!(
        twin.linked().unwrap().identity.certificate,
        linked.identity.certificate
    );
}

fn token(body: &str) -> Value {
    let document = Document::parse(body).unwrap();
    let all = document.descendants();
    let mut tokens = all.filter(|node| {
        node.tag_name().name() == "BinarySecurityToken"
            && node.attribute("ValueType") == Some("urn:ietf:params:oauth:token-type:jwt")
    });
    let text: String = tokens
        .next()
        .unwrap()
        .text()
        .unwrap()
        .split_whitespace()
        .collect();
    let token = String::from_utf8(STANDARD.decode(text).unwrap()).unwrap();
    let claims = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
}

#[test]
fn a_registered_device_tells_its_user_when_asked_and_shows_its_certificate() {
    let (mut twin, mut fake) = join(Join::Registered);
    twin.pc_mut().version = "10.0.26100.1301".to_owned();
    let wants = r#"{"EnrollmentServiceUrl":"","EnrollmentPolicyServiceUrl":"","AuthenticationServiceUrl":"","AuthPolicy":"","errorCode":"UPNRequired","message":"Send upn"}"#;
    fake.discoveries
        .push_back(Response::new(200, "application/json", wants));
    exec(&mut twin, &mut fake, "Enroll");
    let asked = fake.bodies("/linked/discovery");
    let upn = |body: &String| serde_json::from_str::<Value>(body).unwrap().get("upn").cloned();
    assert_eq!(
        asked.iter().map(upn).collect::<Vec<_>>(),
        [None, Some("ada@example.org".into())]
    );
    assert!(asked[0].contains(r#""enrollmentType":"User""#));
    let shown = STANDARD.encode(twin.account().unwrap().identity.certificate.der());
    for path in ["/linked/policy", "/linked/enroll"] {
        let body = fake.bodies(path).pop().unwrap();
        assert!(body.contains(&shown), "its certificate");
        let signed = Request::parse(body.as_bytes()).unwrap();
        let Some(Token::Certificate {
            signature: Some(signature),
            ..
        }) = signed.security.unwrap().token
        else {
            panic!("without a signature: {body}");
        };
        let certificate = &twin.account().unwrap().identity.certificate;
        assert!(certificate.verifies_rsa_sha256(&signature.signed_info, &signature.value));
        let other = body.replace("mdm.example.org", "other.example.org");
        assert!(Request::parse(other.as_bytes()).is_err(), "of this message");
    }
    is(&mut twin, &mut fake, "4", 0);
}

/// F3.2, F3.3: whatever is wrong with discovery, the enrollment fails, and the primary one goes on.
#[test]
fn what_discovery_must_be() {
    let json = |text: &str| Response::new(200, "application/json", text);
    let good = |old: &str, new: &str| {
        let text = format!(
            r#"{{"EnrollmentServiceUrl":"{SERVER}/linked/enroll","EnrollmentPolicyServiceUrl":"{SERVER}/linked/policy","AuthenticationServiceUrl":"{SERVER}/linked/auth","AuthPolicy":"Federated"}}"#
        );
        assert!(text.contains(old));
        json(&text.replacen(old, new, 1))
    };
    let mut unsized_answer = good("", "");
    unsized_answer.content_length = None;
    for answer in [
        json("{}"),
        json("no"),
        good("EnrollmentServiceUrl", "Other"),
        good("EnrollmentPolicyServiceUrl", "Other"),
        good("AuthenticationServiceUrl", "Other"),
        good("\"AuthPolicy\"", "\"Other\""),
        good("Federated", "Certificate"),
        good("Federated", "OnPremise"),
        good(
            "https://mdm.example.org/linked/enroll",
            "http://mdm.example.org/linked/enroll",
        ),
        good(
            "https://mdm.example.org/linked/policy",
            "https://other.example.org/linked/policy",
        ),
        json(r#"{"errorCode":"TenantUnknown","message":"no"}"#),
        Response::new(500, "application/json", "{}"),
        Response::new(200, "text/html", good("", "").body),
        unsized_answer,
    ] {
        let (mut twin, mut fake) = join(Join::Joined);
        fake.discoveries.push_back(answer.clone());
        exec(&mut twin, &mut fake, "Enroll");
        assert!(twin.linked().is_none(), "{answer:?}");
        assert!(matches!(twin.history().last(), Some(Event::LinkFailed(_))));
        assert!(fake.bodies("/linked/policy").is_empty());
        is(&mut twin, &mut fake, "3", 0x8000_4005);
        // And may be tried again.
        exec(&mut twin, &mut fake, "Enroll");
        is(&mut twin, &mut fake, "4", 0);
    }
    // Asked for the name twice: it was told.
    let (mut twin, mut fake) = join(Join::Joined);
    for _ in 0..2 {
        fake.discoveries.push_back(json(r#"{"errorCode":"UPNRequired"}"#));
    }
    exec(&mut twin, &mut fake, "Enroll");
    assert_eq!(
        twin.history().last(),
        Some(&Event::LinkFailed(EnrollError::Discovery {
            code: "UPNRequired".to_owned(),
            message: String::new()
        }))
    );
}

#[test]
fn a_server_that_puts_it_off_is_asked_again_and_sessions_go_on_meanwhile() {
    for status in [429, 500, 503] {
        let (mut twin, mut fake) = join(Join::Joined);
        let mut later = Response::new(status, "application/json", "{}");
        later.retry_after = Some(700);
        fake.discoveries.push_back(later);
        exec(&mut twin, &mut fake, "Enroll");
        is(&mut twin, &mut fake, "2", 0);
        assert_eq!(twin.due(), Some(NOW + 700));
        twin.wake(NOW + 700);
        run(&mut twin, &mut fake, NOW + 700);
        assert!(twin.linked().is_some(), "{status}");
    }
}

/// F3.7.
#[test]
fn who_cannot_have_one() {
    let enroll = |join_state, edition, version: &str| {
        let (mut twin, mut fake) = join(Join::Joined);
        twin.pc_mut().join = join_state;
        twin.pc_mut().edition = edition;
        twin.pc_mut().version = version.to_owned();
        let messages = exec(&mut twin, &mut fake, "Enroll");
        let status = twin
            .value(&format!("{PROVIDER}/EnrollStatus"), NOW)
            .map(|value| value.data);
        (code(&messages[1], 100), twin.linked().is_some(), status)
    };
    // The nodes are not there, or the attempt fails.
    assert!(!enroll(Join::Neither, 48, "10.0.22631.3958").1);
    assert_eq!(enroll(Join::Joined, 48, "10.0.19041.1").0, 404);
    assert_eq!(enroll(Join::Registered, 48, "10.0.22631.3957").0, 404);
    assert_eq!(
        enroll(Join::Joined, 101, "10.0.22631.3958"),
        (200, false, Some("3".to_owned()))
    );
    assert_eq!(
        enroll(Join::Joined, 48, "10.0.22631.3958"),
        (200, true, Some("4".to_owned()))
    );
    // Without a place in Entra there is no token.
    let (mut twin, mut fake) = enrolled();
    twin.pc_mut().join = Join::Joined;
    let endpoint = format!("{SERVER}/linked/discovery");
    order(
        &mut twin,
        &mut fake,
        "Replace",
        &format!("{PROVIDER}/DiscoveryEndpoint"),
        "chr",
        &endpoint,
    );
    exec(&mut twin, &mut fake, "Enroll");
    assert_eq!(
        twin.history().last(),
        Some(&Event::LinkFailed(EnrollError::NoToken))
    );
}

#[test]
fn the_linked_provisioning_document_is_checked_as_any_other() {
    for (old, new) in [
        ("ExampleDC", "ExampleMDM"),
        (
            "type=\"System\"><characteristic type=\"",
            "type=\"User\"><characteristic type=\"A",
        ),
        ("My%5CSystem", "My%5CUser"),
    ] {
        let (mut twin, mut fake) = join(Join::Joined);
        fake.document.push((old.to_owned(), new.to_owned()));
        exec(&mut twin, &mut fake, "Enroll");
        assert!(twin.linked().is_none(), "{old}");
        assert_eq!(twin.standing(), Standing::Enrolled);
    }
}

#[test]
fn the_status_may_stay_failed_although_it_works() {
    let quirks = Quirks {
        link_status_stays_failed: true,
        ..Quirks::default()
    };
    let (mut twin, mut fake) = join(Join::Joined);
    *twin.quirks_mut() = quirks;
    exec(&mut twin, &mut fake, "Enroll");
    is(&mut twin, &mut fake, "3", 0);
    let held = twin.linked().unwrap().sessions();
    linked_converse(&mut twin, &mut fake, [], NOW);
    assert_eq!(twin.linked().unwrap().sessions(), held + 1);
}

/// F3.5: sessions of the one are not those of the other.
#[test]
fn two_accounts_have_sessions_schedules_and_certificates_of_their_own() {
    let (mut twin, mut fake) = linked();
    twin.push(NOW);
    run(&mut twin, &mut fake, NOW);
    assert_eq!(
        (fake.messages().len(), fake.bodies("/linked/session").len()),
        (1, 0)
    );
    linked_converse(&mut twin, &mut fake, [], NOW);
    assert_eq!(
        (fake.messages().len(), fake.bodies("/linked/session").len()),
        (0, 1)
    );
    let shown = fake.requests[0].identity.as_ref().unwrap().certificate.clone();
    assert_eq!(shown, twin.linked().unwrap().identity.certificate);
    // Every 8 hours by its own schedule.
    let mut held = Vec::new();
    while let Some(due) = twin.due().filter(|due| *due < NOW + 2 * DAY) {
        fake.requests.clear();
        twin.wake(due);
        run(&mut twin, &mut fake, due);
        if !fake.bodies("/linked/session").is_empty() {
            held.push((due - NOW) / MINUTE);
        }
    }
    assert_eq!(held, [480, 960, 1440, 1920, 2400]);
    // Neither reaches what is the other's.
    let policy = "./Device/Vendor/MSFT/Policy/Config/Camera/AllowCamera";
    let other = "./Device/Vendor/MSFT/DMClient/Provider/ExampleMDM/EntDMID";
    let own = "./Device/Vendor/MSFT/DMClient/Provider/ExampleDC/EntDMID";
    let link = "./Device/Vendor/MSFT/DMClient/Provider/ExampleDC/LinkedEnrollment/EnrollStatus";
    let documents = "./Device/Vendor/MSFT/DeclaredConfiguration/Host/Complete/Documents";
    let commands = [
        get(100, policy),
        get(101, other),
        get(102, own),
        get(103, link),
        get(104, documents),
    ];
    let messages = linked_converse(&mut twin, &mut fake, [say(commands.concat())], NOW);
    assert_eq!(
        [100, 101, 102, 103, 104].map(|id| code(&messages[1], id)),
        [404, 404, 200, 404, 200]
    );
    let messages = converse(
        &mut twin,
        &mut fake,
        [say(get(100, own) + &get(101, documents))],
        NOW,
    );
    assert_eq!([100, 101].map(|id| code(&messages[1], id)), [404, 404]);
}

/// F3.4 and F3.6.
#[test]
fn each_end_of_a_linked_enrollment() {
    // By the primary server: nobody else is told.
    let (mut twin, mut fake) = linked();
    let unenroll = command("Exec", 100, &format!("{PROVIDER}/Unenroll"), "null", "");
    let look = get(101, &format!("{PROVIDER}/EnrollStatus"));
    let messages = converse(&mut twin, &mut fake, [say(unenroll), say(look)], NOW);
    assert_eq!(results(&messages[2], 101)[0].2, "5");
    assert!(twin.linked().is_none());
    assert!(fake.bodies("/linked/session").is_empty());
    assert_eq!(twin.history().last(), Some(&Event::Unlinked));
    let store = twin
        .value("./Device/Vendor/MSFT/CertificateStore/My/System", NOW)
        .unwrap();
    assert_eq!(store.data, "", "its certificate is gone");
    is(&mut twin, &mut fake, "8", 0);
    exec(&mut twin, &mut fake, "Unenroll");
    is(&mut twin, &mut fake, "7", 0x8007_0490);
    exec(&mut twin, &mut fake, "Enroll");
    is(&mut twin, &mut fake, "4", 0);

    // By its own server ([U]): one last message there.
    let own = "./Device/Vendor/MSFT/DMClient/Provider/ExampleDC/Unenroll";
    let messages = linked_converse(
        &mut twin,
        &mut fake,
        [say(command("Exec", 100, own, "chr", "ExampleDC"))],
        NOW,
    );
    assert!(messages.last().unwrap().contains("<Data>1226</Data>"));
    assert!(twin.linked().is_none());
    assert_eq!(twin.standing(), Standing::Enrolled, "the primary one stays");
    is(&mut twin, &mut fake, "8", 0);

    // With the primary one.
    exec(&mut twin, &mut fake, "Enroll");
    twin.unenroll();
    run(&mut twin, &mut fake, NOW);
    assert!(twin.linked().is_none() && twin.account().is_none());
    assert_eq!(twin.standing(), Standing::Unenrolled);
    twin.enroll(way()).unwrap();
    run(&mut twin, &mut fake, NOW);
    assert!(twin.linked().is_none(), "and does not come back by itself");
}

/// F1.8 for the second certificate.
#[test]
fn each_certificate_is_renewed_by_itself() {
    let (mut twin, mut fake) = linked();
    let before = [twin.account(), twin.linked()].map(|account| account.unwrap().identity.certificate.clone());
    let at = twin.linked().unwrap().identity.certificate.not_after() - 42 * DAY;
    fake.now = at;
    twin.wake(at);
    run(&mut twin, &mut fake, at);
    let after = [twin.account(), twin.linked()].map(|account| account.unwrap().identity.certificate.clone());
    assert!(before[0] != after[0] && before[1] != after[1]);
    let renewals = twin
        .history()
        .iter()
        .filter(|event| **event == Event::Renewed)
        .count();
    assert_eq!(renewals, 2);
    assert_eq!(twin.complaints().kept(), []);
}
