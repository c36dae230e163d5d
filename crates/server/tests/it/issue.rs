//! Identities that the server issues: by an administrator's request, for an enrollment token, in bulk.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ordain_pki::key::KeyKind;
use ordain_pki::{Certificate, KeyPair, csr, pkcs12};
use ordain_testbed::Database;
use serde_json::{Value, json};

use crate::device::Device;
use crate::house::House;
use crate::identity::Identity;
use crate::message::{octets, value_of};

crate::on_each_database!(
    a_successor_retires_the_certificate,
    an_enrollment_token,
    identities_in_bulk
);

/// An identity that the server issues by an administrator's request, as bound as `serial` says.
pub(crate) async fn issued(house: &House, serial: Option<&str>) -> Identity {
    identity_of(
        &profile(
            house,
            json!({"topic": "com.apple.mgmt.External.test", "serial": serial}),
        )
        .await,
    )
}

/// An identity that renews that of `device`.
pub(crate) async fn renewed(house: &House, device: &str) -> Identity {
    identity_of(
        &profile(
            house,
            json!({"topic": "com.apple.mgmt.External.test", "renew": device}),
        )
        .await,
    )
}

async fn profile(house: &House, asked: Value) -> String {
    let answer = house
        .admin("POST", "/enrollment-profiles", Some(asked))
        .await
        .with(200);
    assert_eq!(
        answer.header("content-type"),
        Some("application/x-apple-aspen-config")
    );
    answer.text().to_owned()
}

/// The identity in an enrollment profile, found as a device finds it.
fn identity_of(profile: &str) -> Identity {
    let payload = profile
        .split("<dict>")
        .find(|payload| payload.contains("<string>com.apple.security.pkcs12</string>"))
        .expect("an identity");
    let password = value_of(payload, "Password", "string").expect("a password");
    let file = octets(value_of(payload, "PayloadContent", "data").expect("a file"));
    let inside = pkcs12::Identity::from_pkcs12(&file, password).expect("an identity");
    Identity {
        key: inside.key,
        certificate: inside.certificate,
    }
}

async fn a_successor_retires_the_certificate(database: Database) {
    let house = House::open(database).await;
    let old = issued(&house, Some("S-D")).await;
    let device = Device::of(&house, "D", &old);
    device.enroll().await;
    device.told().await;
    Device::mac(&house, "E").enroll().await;
    let new = renewed(&house, "D").await;
    // Until its first message, the old one goes on; and it is for nobody else.
    device.ddm("tokens").await.with(200);
    for endpoint in ["tokens", "declaration-items"] {
        Device::of(&house, "E", &new).ddm(endpoint).await.with(403);
    }
    Device::of(&house, "E", &new).authenticate().await.with(403);
    device.ddm("tokens").await.with(200);

    let device = Device::of(&house, "D", &new);
    device.ddm("tokens").await.with(200);
    let shown = house.device("D").await;
    assert_eq!(
        (&shown["generation"], &shown["certificate"]),
        (&json!(1), &json!(new.fingerprint()))
    );
    let before = Device::of(&house, "D", &old);
    before.ddm("tokens").await.with(403);
    before.authenticate().await.with(403);
    device.ddm("tokens").await.with(200);
    // One that was not used in time takes nobody's place.
    let late = renewed(&house, "D").await;
    house.pass(31 * 24 * 60 * 60);
    Device::of(&house, "D", &late).ddm("tokens").await.with(403);
    device.ddm("tokens").await.with(200);
}

async fn an_enrollment_token(database: Database) {
    let house = House::open(database).await;
    let client = house.client();
    let get = async |token: &str| client.send("GET", &format!("/enroll/{token}"), &[], b"").await;
    let create = async |asked: Value| {
        let created: Value = house.admin("POST", "/tokens", Some(asked)).await.with(200).json();
        let secret = created["token"].as_str().expect("a secret").to_owned();
        assert_eq!(
            created["url"],
            format!("{}/enroll/{secret}", crate::house::PUBLIC_URL)
        );
        secret
    };
    let new = |more: Value| {
        let mut asked = json!({"name": "t", "role": "enrollment", "topic": "com.apple.mgmt.External.test"});
        asked
            .as_object_mut()
            .expect("an object")
            .extend(more.as_object().expect("an object").clone());
        asked
    };
    let invalid = get("nothing").await.with(404).told();
    // Used up.
    let twice = create(new(json!({"uses": 2}))).await;
    let first = get(&twice).await.with(200);
    assert_eq!(
        first.header("content-type"),
        Some("application/x-apple-aspen-config")
    );
    let first = identity_of(first.text());
    Device::of(&house, "D", &first).enroll().await;
    let second = identity_of(get(&twice).await.with(200).text());
    assert_ne!(first.fingerprint(), second.fingerprint());
    assert_eq!(get(&twice).await.told(), invalid, "used up");
    // Bound to a serial number.
    let bound = create(new(json!({"serial": "S-E"}))).await;
    let identity = identity_of(get(&bound).await.with(200).text());
    Device::of(&house, "F", &identity).authenticate().await.with(403);
    Device::of(&house, "E", &identity).enroll().await;
    // Over.
    let short = create(new(json!({"valid_for": 60}))).await;
    let week = create(new(json!({}))).await;
    house.pass(60);
    assert_eq!(get(&short).await.told(), invalid, "expired");
    house.pass(7 * 24 * 60 * 60);
    assert_eq!(get(&week).await.told(), invalid, "they all end");
    // Revoked, and none for this.
    let revoked = create(new(json!({}))).await;
    let tokens = house.get("/tokens").await;
    let id = tokens[0]["id"].as_str().expect("an id");
    house
        .admin("DELETE", &format!("/tokens/{id}"), None)
        .await
        .with(204);
    assert_eq!(get(&revoked).await.told(), invalid);
    assert_eq!(get(&house.admin_token()).await.told(), invalid);
    let audit = house.get("/audit").await;
    let issues: Vec<_> = audit
        .as_array()
        .expect("rows")
        .iter()
        .filter(|row| row["action"] == "issue-enrollment-profile")
        .map(|row| (row["who"].clone(), row["origin"].clone()))
        .collect();
    assert_eq!(issues, vec![(json!("enrollment token t"), json!("127.0.0.1")); 3]);
}

async fn identities_in_bulk(database: Database) {
    let house = House::open(database).await;
    let keys: Vec<_> = (0..3)
        .map(|_| KeyPair::generate(KeyKind::P256).expect("a key"))
        .collect();
    let requests: Vec<_> = keys
        .iter()
        .map(|key| STANDARD.encode(csr::create(key, "bulk").expect("a request")))
        .collect();
    let answer = house
        .admin("POST", "/identities", Some(json!({"requests": requests})))
        .await
        .with(200)
        .json();
    let certificates = answer["certificates"].as_array().expect("certificates");
    assert_eq!(certificates.len(), keys.len());
    for (index, (key, certificate)) in keys.into_iter().zip(certificates).enumerate() {
        let der = STANDARD
            .decode(certificate.as_str().expect("a text"))
            .expect("base64");
        let certificate = Certificate::from_der(&der).expect("a certificate");
        Device::of(&house, &format!("D{index}"), &Identity { key, certificate })
            .enroll()
            .await;
    }
    for bad in [
        json!([]),
        json!(["AAAA"]),
        json!(["%"]),
        json!(vec!["AAAA"; 1_001]),
    ] {
        house
            .admin("POST", "/identities", Some(json!({"requests": bad})))
            .await
            .with(400);
    }
    assert_eq!(house.get("/audit").await[0]["detail"], json!({"count": 3}));
}
