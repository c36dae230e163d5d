//! Renewal of Windows devices' certificates, and who gets none.

use ordain_testbed::Database;
use rcgen::KeyPair;
use serde_json::json;

use crate::client::Answer;
use crate::device::Device;
use crate::house::House;
use crate::identity::Identity;
use crate::windows_wire::*;

crate::on_each_database!(a_certificate_is_renewed, renewals_that_are_refused);

const DAY: i64 = 24 * 60 * 60;
const PKCS7: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd#PKCS7";

/// A message that asks for a certificate for `new`, signed with `old`, which claims to be the key of `certificate`.
pub(crate) fn message(pc: &Pc, certificate: &[u8], old: &KeyPair, new: &KeyPair) -> String {
    let signed = cms(&csr(new), old, certificate);
    request(&password("", ""), "Renew", PKCS7, &signed, &pc.items())
}

/// Renews as Windows does: by TLS and by signature.
pub(crate) async fn renew(pc: &Pc, held: &Provisioned, old: &KeyPair, new: &KeyPair) -> Answer {
    let message = message(pc, &held.certificate, old, new);
    pc.post(ENROLLMENT, message.as_bytes(), Some(&held.identity))
        .await
}

async fn a_certificate_is_renewed(database: Database) {
    let mut house = House::open(database).await;
    let secret = token(&house, "lab", 1).await;
    let pc = Pc::new(&house, "PC-1");
    let first = pc.enrolled(&secret, &KEYS[0]).await;
    house.pass(323 * DAY);
    let answer = renew(&pc, &first, &KEYS[0], &KEYS[1]).await.with(200);
    let second = Provisioned::read(&answer, &KEYS[1]);
    let document = &second.document;
    assert!(
        document.contains(r#"<characteristic type="My"><characteristic type="User">"#),
        "{document}"
    );
    assert!(
        document.contains(r#"<parm name="PROVIDER-ID" value="Ordain"/>"#),
        "{document}"
    );
    for part in ["Root", "WSTEP", "DMClient", "APPAUTH", "ADDR"] {
        assert!(!document.contains(part), "{part} in {document}");
    }
    assert_eq!(
        second.identity.certificate.subject(),
        first.identity.certificate.subject()
    );
    // The first message under its certificate completed the enrollment, by the way.
    let device = house.device("PC-1").await;
    assert_eq!(device["channels"][0]["phase"], "enrolled");
    assert_eq!(
        device["certificate"],
        first.identity.fingerprint(),
        "until the next one is used"
    );
    let audit = house.get("/audit").await;
    assert_eq!(audit[0]["action"], "renew-certificate");
    assert_eq!(
        audit[0]["detail"],
        json!({"enrollment": "PC-1", "certificate": second.identity.fingerprint()})
    );
    // The answer was lost, so it asks again, and the server was restarted.
    house.restart().await;
    let answer = renew(&pc, &first, &KEYS[0], &KEYS[1]).await.with(200);
    let third = Provisioned::read(&answer, &KEYS[1]);
    // By signature alone, as where a proxy ends TLS; and the first use of a new one retires the old one.
    house.pass(330 * DAY);
    let message = message(&pc, &third.certificate, &KEYS[1], &KEYS[2]);
    let answer = pc.post(ENROLLMENT, message.as_bytes(), None).await.with(200);
    Provisioned::read(&answer, &KEYS[2]);
    let device = house.device("PC-1").await;
    assert_eq!(device["certificate"], third.identity.fingerprint());
    assert_eq!(
        (&device["generation"], &device["memberships"]),
        (&json!(1), &json!("granted"))
    );
    let answer = renew(&pc, &first, &KEYS[0], &KEYS[1]).await;
    assert_eq!(fault(&answer).0, "s:Authentication");
}

async fn renewals_that_are_refused(database: Database) {
    let house = House::open(database).await;
    let secret = token(&house, "lab", 2).await;
    let (pc, other) = (Pc::new(&house, "PC-1"), Pc::new(&house, "PC-2"));
    let held = pc.enrolled(&secret, &KEYS[0]).await;
    let others = other.enrolled(&secret, &KEYS[1]).await;
    let not_now = (
        "s:CertificateRequest".to_owned(),
        Some("NotEligibleToRenew".to_owned()),
    );
    house.pass(321 * DAY);
    assert_eq!(
        fault(&renew(&pc, &held, &KEYS[0], &KEYS[2]).await),
        not_now,
        "too early"
    );
    house.pass(10 * DAY);

    let stranger = self_signed(&KEYS[2]);
    let mac = Device::mac(&house, "D");
    mac.enroll().await;
    let send = async |message: String, shown: Option<&Identity>| {
        fault(&pc.post(ENROLLMENT, message.as_bytes(), shown).await).0
    };
    let genuine = || message(&pc, &held.certificate, &KEYS[0], &KEYS[2]);
    assert_eq!(
        send(genuine(), Some(&others.identity)).await,
        "s:Authentication",
        "another one's TLS"
    );
    let forged = message(&pc, &held.certificate, &KEYS[1], &KEYS[2]);
    assert_eq!(
        send(forged.clone(), None).await,
        "s:CertificateRequest",
        "another one's key"
    );
    assert_eq!(send(forged, Some(&held.identity)).await, "s:CertificateRequest");
    let unknown = message(&pc, &stranger, &KEYS[2], &KEYS[2]);
    assert_eq!(
        send(unknown.clone(), None).await,
        "s:Authentication",
        "of another authority"
    );
    assert_eq!(send(unknown, Some(&held.identity)).await, "s:Authentication");
    let not_its_key = cms(&csr_signed_by(&KEYS[2], &KEYS[1]), &KEYS[0], &held.certificate);
    let not_its_key = request(&password("", ""), "Renew", PKCS7, &not_its_key, &pc.items());
    assert_eq!(
        send(not_its_key, Some(&held.identity)).await,
        "s:CertificateRequest",
        "no possession"
    );
    // An identity of Ordain's that is a Mac's.
    let identity = crate::issue::issued(&house, None).await;
    Device::of(&house, "E", &identity).enroll().await;
    assert_eq!(send(genuine(), Some(&identity)).await, "s:Authentication");

    house.pass(40 * DAY);
    assert_eq!(
        fault(&renew(&pc, &held, &KEYS[0], &KEYS[2]).await),
        not_now,
        "too late"
    );
    for name in ["PC-1", "PC-2"] {
        assert_eq!(house.device(name).await["generation"], 1);
    }
    let audit = house.get("/audit").await;
    let renewed = audit
        .as_array()
        .expect("rows")
        .iter()
        .filter(|row| row["action"] == "renew-certificate");
    assert_eq!(renewed.count(), 0);
}

/// A certificate of nobody's but its own key.
fn self_signed(key: &KeyPair) -> Vec<u8> {
    let params = rcgen::CertificateParams::new(vec!["PC-1".to_owned()]).expect("parameters");
    params.self_signed(key).expect("a certificate").der().to_vec()
}
