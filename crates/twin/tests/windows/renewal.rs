//! F1.8: renewing the certificate.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ordain_pki::cms::verify_detached;
use ordain_twin::windows::{EnrollError, Event, Twin};
use roxmltree::Document;

use crate::fake::{DAY, Fake, NOW, command, converse, enrolled, fault, inside, order, run, say};

const RENEW: &str = "./Device/Vendor/MSFT/CertificateStore/My/WSTEP/Renew";

fn renewals(fake: &Fake) -> usize {
    fake.bodies("/enroll").len()
}

fn value(twin: &Twin, name: &str, now: i64) -> String {
    twin.value(&format!("{RENEW}/{name}"), now).unwrap().data
}

#[test]
fn in_its_window_over_the_service_signed_with_the_old_key() {
    let (mut twin, mut fake) = enrolled();
    let before = twin.account().unwrap().identity.clone();
    let end = before.certificate.not_after();
    let early = end - 42 * DAY - 1;
    twin.wake(early);
    run(&mut twin, &mut fake, early);
    assert_eq!(renewals(&fake), 0, "not before the window");
    let now = early + 1;
    assert_eq!(twin.due(), Some(now));
    fake.now = now;
    twin.wake(now);
    run(&mut twin, &mut fake, now);
    assert_eq!(twin.error(), None);
    assert_eq!(renewals(&fake), 1);
    let request = fake
        .requests
        .iter()
        .find(|request| request.url.ends_with("/enroll"))
        .unwrap();
    assert_eq!(
        request.identity.as_ref().unwrap().certificate,
        before.certificate,
        "TLS shows the old one"
    );
    let body = String::from_utf8(request.body.clone()).unwrap();
    assert!(body.contains("200512/Renew<") && body.contains("#PKCS7"));
    assert!(body.contains("<u:Timestamp>") && body.contains("UsernameToken"));
    let document = Document::parse(&body).unwrap();
    let token = document
        .descendants()
        .find(|node| node.tag_name().name() == "BinarySecurityToken")
        .and_then(|node| node.text())
        .unwrap();
    let message = STANDARD
        .decode(token.split_whitespace().collect::<String>())
        .unwrap();
    let signed = verify_detached(&message, &inside(&message)).unwrap();
    assert_eq!(signed.signer, before.certificate);
    let after = twin.account().unwrap().identity.clone();
    assert_ne!(after.certificate, before.certificate);
    assert_ne!(after.key.public_key(), before.key.public_key(), "a new key");
    assert_eq!(after.certificate.not_after(), now + 365 * DAY);
    assert_eq!(value(&twin, "Status", now), "2");
    assert_eq!(
        value(&twin, "CertThumbprint", now),
        after.certificate.thumbprint()
    );
    let stored = |thumbprint: &str| {
        twin.value(
            &format!("./Vendor/MSFT/CertificateStore/My/User/{thumbprint}"),
            now,
        )
    };
    assert!(stored(&after.certificate.thumbprint()).is_some());
    assert_eq!(stored(&before.certificate.thumbprint()), None);
    // Sessions show the new one.
    fake.requests.clear();
    twin.push(now + 1);
    run(&mut twin, &mut fake, now + 1);
    let shown = fake.requests[0].identity.as_ref().unwrap();
    assert_eq!(shown.certificate, after.certificate);
    assert_eq!(renewals(&fake), 0, "once");
}

#[test]
fn a_failed_attempt_is_made_again_after_the_interval_and_none_after_the_end() {
    let (mut twin, mut fake) = enrolled();
    let end = twin.account().unwrap().identity.certificate.not_after();
    let begin = end - 42 * DAY;
    let body = fault("s:Authorization", "NotEligibleToRenew");
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
    let attempts: Vec<i64> = (0..60)
        .filter(|day| {
            let now = begin + day * DAY;
            let before = renewals(&fake);
            fake.now = now;
            twin.wake(now);
            run(&mut twin, &mut fake, now);
            renewals(&fake) > before
        })
        .collect();
    assert_eq!(
        attempts,
        [0, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40],
        "none after day 42"
    );
    assert!(
        twin.history()
            .iter()
            .any(|event| matches!(event, Event::RenewalFailed(_)))
    );
    assert_eq!(twin.error().unwrap().hresult(), Some(0x8018_0016));
    assert_eq!(value(&twin, "Status", end), "3");
    assert_eq!(value(&twin, "ErrorCode", end), 0x8018_0016_u32.to_string());
}

#[test]
fn the_server_may_want_it_now_or_elsewhere() {
    let (mut twin, mut fake) = enrolled();
    let change = |id, name: &str, data: &str, format: &str| {
        command("Replace", id, &format!("{RENEW}/{name}"), format, data)
    };
    assert_eq!(
        order(
            &mut twin,
            &mut fake,
            "Replace",
            &format!("{RENEW}/RetryInterval"),
            "int",
            "5"
        ),
        500
    );
    let atomic = format!(
        "<Atomic><CmdID>100</CmdID>{}{}</Atomic>",
        change(101, "RetryInterval", "5", "int"),
        command(
            "Add",
            102,
            &format!("{RENEW}/ServerURL"),
            "chr",
            "https://mdm.example.org/other/mde2/enroll"
        ),
    );
    let messages = converse(&mut twin, &mut fake, [say(atomic)], NOW);
    assert_eq!(crate::fake::code(&messages[1], 100), 200, "{}", messages[1]);
    fake.requests.clear();
    assert_eq!(
        order(&mut twin, &mut fake, "Exec", &format!("{RENEW}/RenewNow"), "", ""),
        200
    );
    let last = fake.requests.last().unwrap();
    assert_eq!(last.url, "https://mdm.example.org/other/mde2/enroll");
}

#[test]
fn what_a_renewal_brings_is_checked_as_well() {
    for (old, new, expected) in [
        (
            "value=\"ExampleMDM\"",
            "value=\"OtherMDM\"",
            "PROVIDER-ID is another one",
        ),
        (
            "<characteristic type=\"PrivateKeyContainer\"/>",
            "",
            "PrivateKeyContainer is missing",
        ),
        ("type=\"User\"", "type=\"System\"", "in the other store"),
    ] {
        let (mut twin, mut fake) = enrolled();
        let before = twin.account().unwrap().identity.certificate.clone();
        fake.document.push((old.to_owned(), new.to_owned()));
        order(&mut twin, &mut fake, "Exec", &format!("{RENEW}/RenewNow"), "", "");
        let error = twin.error().unwrap();
        assert!(matches!(error, EnrollError::Complaint(_)), "{error}");
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(twin.account().unwrap().identity.certificate, before);
    }
}
