//! Linked enrollments of registered PCs, which show the certificate of their own enrollment and sign the message: whose
//! signature counts, and whose does not.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ordain_testbed::Database;
use ordain_windows::soap::{Request, Timestamp};
use rcgen::{KeyPair, SigningKey};

use crate::client::Answer;
use crate::house::House;
use crate::identity::Identity;
use crate::windows_linked::package;
use crate::windows_wire::*;

crate::on_each_database!(
    a_signature_is_enough,
    signatures_that_prove_nothing,
    a_message_is_good_for_minutes,
);

const MINUTE: i64 = 60;
const DAY: i64 = 24 * 60 * MINUTE;
const X509: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509v3";

/// A PC whose own enrollment, by an enrollment token, is complete.
async fn enrolled(house: &House, hardware: &str, key: &KeyPair) -> (Pc, Provisioned) {
    let secret = token(house, hardware, 1).await;
    let pc = Pc::new(house, hardware);
    let own = pc.enrolled(&secret, key).await;
    let message = package("9C2D7B1E5A", 1, "");
    pc.post(PRIMARY, message.as_bytes(), Some(&own.identity))
        .await
        .with(200);
    (pc, own)
}

/// The header with a certificate, and no signature.
fn certificate(der: &[u8]) -> String {
    let der = STANDARD.encode(der);
    format!(
        r#"<wsse:Security s:mustUnderstand="1"><wsse:BinarySecurityToken ValueType="{X509}"
        EncodingType="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd#base64binary">{der}</wsse:BinarySecurityToken></wsse:Security>"#
    )
}

/// `message` with a signature by `key`, meant from `at` on.
fn sign(message: &str, key: &KeyPair, at: Option<i64>) -> String {
    let mut request = Request::parse(message.as_bytes()).expect("a message");
    let security = request.security.as_mut().expect("a header");
    security.timestamp = at.map(|created| Timestamp {
        created,
        expires: created + 5 * MINUTE,
    });
    let signed = request.to_signed_xml(|octets| key.sign(octets).ok());
    String::from_utf8(signed.expect("a signature")).expect("text")
}

/// What asks for a linked enrollment.
fn asking(pc: &Pc, certificate: &str) -> String {
    let pc = pc.clone().with("DeviceID", "5E5E5E5E5E");
    request(certificate, "Issue", PKCS10, &csr(&KEYS[1]), &pc.items())
}

async fn post(pc: &Pc, message: &str, identity: Option<&Identity>) -> Answer {
    pc.post(LINKED_ENROLLMENT, message.as_bytes(), identity).await
}

async fn a_signature_is_enough(database: Database) {
    let house = House::open(database).await;
    let (pc, own) = enrolled(&house, "PC-1", &KEYS[0]).await;
    let shown = certificate(&own.certificate);
    let policy = sign(&get_policies(&shown), &KEYS[0], Some(house.now()));
    pc.post(LINKED_POLICY, policy.as_bytes(), None).await.with(200);
    let message = sign(&asking(&pc, &shown), &KEYS[0], Some(house.now()));
    let answer = post(&pc, &message, None).await.with(200);
    let linked = Provisioned::read(&answer, &KEYS[1]);
    let audit = house.get("/audit").await;
    assert_eq!(
        (&audit[0]["action"], &audit[0]["who"]),
        (&"link".into(), &"device PC-1".into())
    );
    let says = package("5E5E5E5E5E", 1, "");
    pc.post(LINKED, says.as_bytes(), Some(&linked.identity))
        .await
        .with(200);
    // Sent again, it gets nothing, and ends nothing.
    assert_eq!(fault(&post(&pc, &message, None).await).0, "s:Authorization");
    assert_eq!(house.get("/audit").await[0], audit[0]);
    let says = package("5E5E5E5E5E", 2, "");
    pc.post(LINKED, says.as_bytes(), Some(&linked.identity))
        .await
        .with(200);
    // What TLS shows beside must be the same.
    house.pass(1);
    let message = sign(&asking(&pc, &shown), &KEYS[0], Some(house.now()));
    post(&pc, &message, Some(&own.identity)).await.with(200);
    house.pass(1);
    let message = sign(&asking(&pc, &shown), &KEYS[0], Some(house.now()));
    assert_eq!(
        fault(&post(&pc, &message, Some(&linked.identity)).await).0,
        "s:Authentication"
    );
}

async fn signatures_that_prove_nothing(database: Database) {
    let mut house = House::open(database).await;
    let (pc, own) = enrolled(&house, "PC-1", &KEYS[0]).await;
    let (_, others) = enrolled(&house, "PC-2", &KEYS[2]).await;
    let now = Some(house.now());
    let message = asking(&pc, &certificate(&own.certificate));
    let refused = async |message: &str| fault(&post(&pc, message, None).await).0;
    let good = sign(&message, &KEYS[0], now);
    assert_eq!(refused(&message).await, "s:Authentication", "no signature");
    assert_eq!(
        refused(&sign(&message, &KEYS[1], now)).await,
        "s:Authentication",
        "another key"
    );
    // The signature of another message: of another device, for another key, of another time.
    let other = sign(
        &asking(
            &pc.clone().with("DeviceName", "EVIL"),
            &certificate(&own.certificate),
        ),
        &KEYS[0],
        now,
    );
    let signature = |text: &str| {
        format!(
            "<ds:Signature{}</ds:Signature>",
            between(text, "<ds:Signature", "</ds:Signature>")
        )
    };
    let moved = good.replace(&signature(&good), &signature(&other));
    assert_ne!(moved, good);
    for (what, text) in [
        ("moved", moved),
        ("changed", good.replace("LAB-PC-01", "LAB-PC-02")),
        (
            "twice",
            good.replace(&signature(&good), &signature(&good).repeat(2)),
        ),
    ] {
        assert_ne!(text, good, "{what}");
        assert_eq!(post(&pc, &text, None).await.status, 500, "{what}");
    }
    // The other device, under its own name and key, and under the name of this one.
    let theirs = sign(&asking(&pc, &certificate(&others.certificate)), &KEYS[2], now);
    assert_eq!(refused(&theirs).await, "s:Authorization", "HWDevID is another's");
    let mixed = sign(&asking(&pc, &certificate(&own.certificate)), &KEYS[2], now);
    assert_eq!(refused(&mixed).await, "s:Authentication");
    // Certificates that are of no enrollment.
    let foreign = crate::windows_renewal::self_signed(&KEYS[2]);
    let foreign = sign(&asking(&pc, &certificate(&foreign)), &KEYS[2], now);
    assert_eq!(refused(&foreign).await, "s:Authentication", "of nobody's CA");
    let answer = post(&pc, &good, None).await.with(200);
    let linked = Provisioned::read(&answer, &KEYS[1]);
    let of_linked = sign(&asking(&pc, &certificate(&linked.certificate)), &KEYS[1], now);
    assert_eq!(
        refused(&of_linked).await,
        "s:Authentication",
        "the linked one's own"
    );
    // At the primary's endpoints none is taken.
    let answer = pc.post(ENROLLMENT, good.as_bytes(), None).await;
    assert_eq!(fault(&answer).0, "s:Authentication");
    // One that has expired holds sessions, and begins nothing.
    house.pass(366 * DAY);
    house.restart().await;
    let late = sign(&message, &KEYS[0], Some(house.now()));
    assert_eq!(
        fault(&post(&pc, &late, None).await).0,
        "s:Authorization",
        "expired"
    );
    // One that was replaced.
    let (_, anew) = enrolled(&house, "PC-1", &KEYS[2]).await;
    let late = sign(&message, &KEYS[0], Some(house.now()));
    assert_eq!(
        fault(&post(&pc, &late, None).await).0,
        "s:Authentication",
        "retired"
    );
    let fresh = sign(
        &asking(&pc, &certificate(&anew.certificate)),
        &KEYS[2],
        Some(house.now()),
    );
    post(&pc, &fresh, None).await.with(200);
}

async fn a_message_is_good_for_minutes(database: Database) {
    let house = House::open(database).await;
    let (pc, own) = enrolled(&house, "PC-1", &KEYS[0]).await;
    let message = asking(&pc, &certificate(&own.certificate));
    let undated = sign(&message, &KEYS[0], None);
    assert_eq!(fault(&post(&pc, &undated, None).await).0, "s:Authentication");
    for (ahead, is_taken) in [(-11, false), (-4, true), (0, true), (4, true), (6, false)] {
        let message = sign(&message, &KEYS[0], Some(house.now() + ahead * MINUTE));
        assert_eq!(
            post(&pc, &message, None).await.status == 200,
            is_taken,
            "{ahead} min"
        );
    }
    // None that is older than one that was answered.
    let older = sign(&message, &KEYS[0], Some(house.now()));
    assert_eq!(fault(&post(&pc, &older, None).await).0, "s:Authorization");
    house.pass(5 * MINUTE);
    let kept = sign(&message, &KEYS[0], Some(house.now()));
    post(&pc, &kept, None).await.with(200);
    house.pass(11 * MINUTE);
    assert_eq!(fault(&post(&pc, &kept, None).await).0, "s:Authentication");
}
