//! Tokens of Microsoft Entra: which of them let a Windows device enroll. The issuer here is the test's own.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ordain_server::EntraSettings;
use ordain_testbed::Database;
use rcgen::{KeyPair, PublicKeyData, SigningKey};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::house::House;
use crate::windows_wire::*;

crate::on_each_database!(
    a_token_enrolls,
    tokens_that_are_refused,
    keys_are_fetched,
    settings_that_make_no_sense,
);

pub(crate) const TENANT: &str = "11111111-2222-3333-4444-555555555555";
pub(crate) const AUDIENCE: &str = "https://mdm.example.org/";

fn base64(octets: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(octets)
}

/// A set with the public half of `key` in it.
pub(crate) fn key_set(key: &KeyPair, kid: &str) -> Value {
    let info = key.subject_public_key_info();
    let bits = children(&info)[1];
    // BIT STRING with no unused bits, of 257 to 65,535 octets: four of head, one of those bits.
    let numbers = children(&bits[5..]);
    let number = |der: &[u8]| {
        let head = if der[1] < 0x80 {
            2
        } else {
            2 + usize::from(der[1] - 0x80)
        };
        let content: Vec<u8> = der[head..]
            .iter()
            .copied()
            .skip_while(|octet| *octet == 0)
            .collect();
        base64(content)
    };
    json!({"keys": [{"kty": "RSA", "use": "sig", "kid": kid, "n": number(numbers[0]), "e": number(numbers[1])}]})
}

pub(crate) fn claims(now: i64) -> Value {
    json!({
        "aud": AUDIENCE, "iss": format!("https://sts.windows.net/{TENANT}/"), "tid": TENANT,
        "iat": now, "nbf": now, "exp": now + 3_600, "scp": "mdm_delegation", "upn": "ada@example.org",
        "oid": "99999999-0000-0000-0000-000000000000", "deviceid": "77777777-0000-0000-0000-000000000000",
    })
}

pub(crate) fn changed(mut claims: Value, name: &str, value: Value) -> Value {
    claims[name] = value;
    claims
}

pub(crate) fn signed(header: &Value, claims: &Value, key: &KeyPair) -> String {
    let message = format!("{}.{}", base64(header.to_string()), base64(claims.to_string()));
    let signature = key.sign(message.as_bytes()).expect("a signature");
    format!("{message}.{}", base64(signature))
}

pub(crate) fn token_of(claims: &Value, key: &KeyPair) -> String {
    signed(&json!({"typ": "JWT", "alg": "RS256", "kid": "k1"}), claims, key)
}

/// A server that takes tokens signed with the last one of [`KEYS`].
pub(crate) async fn house(database: Database) -> House {
    believing(database, &key_set(&KEYS[2], "k1")).await
}

/// A server that takes tokens of the tenant that are signed with one of `keys`.
pub(crate) async fn believing(database: Database, keys: &Value) -> House {
    let mut house = House::closed(database);
    let jwks = house.file("keys.json", &keys.to_string());
    house.settings().entra = Some(EntraSettings {
        tenant: TENANT.to_owned(),
        audience: AUDIENCE.to_owned(),
        jwks: jwks.to_str().expect("a path").to_owned(),
    });
    house.start().await.expect("a server");
    house
}

async fn a_token_enrolls(database: Database) {
    let house = house(database).await;
    let pc = Pc::new(&house, "PC-1");
    let token = token_of(&claims(house.now()), &KEYS[2]);
    let security = binary(JWT, &token);
    pc.post(POLICY, get_policies(&security).as_bytes(), None)
        .await
        .with(200);
    let answer = pc.enroll(&security, &KEYS[0]).await.with(200);
    let provisioned = Provisioned::read(&answer, &KEYS[0]);
    assert!(
        provisioned
            .document
            .contains(r#"name="UPN" value="ada@example.org""#)
    );
    let device = house.device("PC-1").await;
    assert_eq!(device["windows"]["user"], "ada@example.org");
    assert_eq!(device["windows"]["entra_tenant"], TENANT);
    assert_eq!(
        device["windows"]["entra_device"],
        "77777777-0000-0000-0000-000000000000"
    );
    let audit = house.get("/audit").await;
    assert_eq!(
        (&audit[0]["action"], &audit[0]["who"]),
        (&json!("enroll"), &json!("Entra user ada@example.org"))
    );
    // The other version of the tokens.
    let issuer = format!("https://login.microsoftonline.com/{TENANT}/v2.0");
    let second = token_of(&changed(claims(house.now()), "iss", json!(issuer)), &KEYS[2]);
    Pc::new(&house, "PC-2")
        .enroll(&binary(JWT, &second), &KEYS[0])
        .await
        .with(200);
    // No administrator's token goes by such a name.
    let name = json!({"name": "Entra user ada@example.org", "role": "admin"});
    house.admin("POST", "/tokens", Some(name)).await.with(409);
}

async fn tokens_that_are_refused(database: Database) {
    let house = house(database).await;
    let pc = Pc::new(&house, "PC-1");
    let now = house.now();
    let good = claims(now);
    let key = &KEYS[2];
    let with = |name: &str, value: Value| token_of(&changed(good.clone(), name, value), key);
    let header = |header: Value| signed(&header, &good, key);
    let genuine = token_of(&good, key);
    let (message, _) = genuine.rsplit_once('.').expect("a token");
    // The algorithm of a shared secret, with the public key for one.
    let public = KEYS[2].subject_public_key_info();
    let hs256 = format!(
        "{}.{}",
        base64(json!({"alg": "HS256", "kid": "k1"}).to_string()),
        base64(good.to_string())
    );
    let mac = ordain_pki::mac::hmac_sha256(&public, hs256.as_bytes());
    let none = |alg: &str| {
        format!(
            "{}.{}.",
            base64(json!({"alg": alg, "kid": "k1"}).to_string()),
            base64(good.to_string())
        )
    };
    let own_key = key_set(&KEYS[1], "k1")["keys"][0].clone();
    let mut without_scope = good.clone();
    without_scope.as_object_mut().expect("claims").remove("scp");
    let mut without_audience = good.clone();
    without_audience.as_object_mut().expect("claims").remove("aud");
    let mut without_end = good.clone();
    without_end.as_object_mut().expect("claims").remove("exp");
    for (what, token) in [
        ("another key", token_of(&good, &KEYS[1])),
        ("no signature", format!("{message}.")),
        ("a part of a signature", genuine[..genuine.len() - 20].to_owned()),
        ("other claims", {
            let (_, signature) = genuine.rsplit_once('.').expect("a token");
            let (head, _) = message.split_once('.').expect("a token");
            format!(
                "{head}.{}.{signature}",
                base64(changed(good.clone(), "upn", json!("eve@example.org")).to_string())
            )
        }),
        ("none", none("none")),
        ("None", none("None")),
        ("HS256", format!("{hs256}.{}", base64(mac))),
        ("another algorithm", header(json!({"alg": "RS512", "kid": "k1"}))),
        ("no key named", header(json!({"alg": "RS256"}))),
        ("an unknown key", header(json!({"alg": "RS256", "kid": "k2"}))),
        (
            "a key that it brings along",
            signed(
                &json!({"alg": "RS256", "kid": "k1", "jwk": own_key}),
                &good,
                &KEYS[1],
            ),
        ),
        ("expired", with("exp", json!(now - 301))),
        ("not yet", with("nbf", json!(now + 301))),
        ("no end", token_of(&without_end, key)),
        (
            "another audience",
            with("aud", json!("https://other.example.org/")),
        ),
        ("no audience", token_of(&without_audience, key)),
        (
            "another tenant's issuer",
            with("iss", json!("https://sts.windows.net/other/")),
        ),
        ("any issuer", with("iss", json!("https://evil.example/"))),
        (
            "another tenant",
            with("tid", json!("66666666-2222-3333-4444-555555555555")),
        ),
        ("another purpose", with("scp", json!("User.Read"))),
        ("no purpose", token_of(&without_scope, key)),
        ("nothing", String::new()),
        ("rubbish", "a.b.c".to_owned()),
    ] {
        let answer = pc.enroll(&binary(JWT, &token), &KEYS[0]).await;
        assert_eq!(fault(&answer).0, "s:Authentication", "{what}");
        let answer = pc
            .post(POLICY, get_policies(&binary(JWT, &token)).as_bytes(), None)
            .await;
        assert_eq!(fault(&answer).0, "s:Authentication", "{what}");
    }
    house.admin("GET", "/devices/PC-1", None).await.with(404);
    pc.enroll(&binary(JWT, &genuine), &KEYS[0]).await.with(200);
    // A token of Entra is no password and no ticket, and the other way round.
    let secret = token(&house, "lab", 1).await;
    for security in [
        password("ada@example.org", &genuine),
        binary(USER_TOKEN, &genuine),
        binary(JWT, &secret),
    ] {
        assert_eq!(fault(&pc.enroll(&security, &KEYS[0]).await).0, "s:Authentication");
    }
    let who = changed(good.clone(), "upn", json!("a\u{1b}[31m\u{0}b"));
    Pc::new(&house, "PC-3")
        .enroll(&binary(JWT, &token_of(&who, key)), &KEYS[0])
        .await
        .with(200);
    assert_eq!(house.device("PC-3").await["windows"]["user"], Value::Null);
}

/// Serves one set of keys after the other; counts how often it is asked.
async fn serve(sets: Vec<Value>) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
    let url = format!("http://{}/keys", listener.local_addr().expect("an address"));
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let number = count.fetch_add(1, Ordering::SeqCst);
            let mut request = [0; 4_096];
            let read = stream.read(&mut request).await.unwrap_or_default();
            assert!(request[..read].starts_with(b"GET /keys HTTP/1.1\r\n"));
            let answer = match sets.get(number) {
                Some(set) => format!(
                    "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{set}",
                    set.to_string().len()
                ),
                None => "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned(),
            };
            // Who has gone needs no answer.
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (url, asked)
}

async fn keys_are_fetched(database: Database) {
    let (jwks, asked) = serve(vec![key_set(&KEYS[2], "k1"), key_set(&KEYS[1], "k2")]).await;
    let mut house = House::closed(database);
    house.settings().entra = Some(EntraSettings {
        tenant: TENANT.to_owned(),
        audience: AUDIENCE.to_owned(),
        jwks,
    });
    house.start().await.expect("a server");
    let pc = Pc::new(&house, "PC-1");
    let asks = async |kid: &str, key: &KeyPair| {
        let token = signed(&json!({"alg": "RS256", "kid": kid}), &claims(house.now()), key);
        pc.post(POLICY, get_policies(&binary(JWT, &token)).as_bytes(), None)
            .await
    };
    assert_eq!(asked.load(Ordering::SeqCst), 0, "only when they are needed");
    for _ in 0..3 {
        asks("k1", &KEYS[2]).await.with(200);
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    // A key that is not known is asked for, but not with each token that names one.
    for _ in 0..3 {
        assert_eq!(fault(&asks("k2", &KEYS[1]).await).0, "s:Authentication");
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    house.pass(60);
    asks("k2", &KEYS[1]).await.with(200);
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    assert_eq!(
        fault(&asks("k1", &KEYS[2]).await).0,
        "s:Authentication",
        "withdrawn"
    );
    // While nobody answers, those that are known go on to count; others cannot be judged.
    house.pass(24 * 60 * 60);
    asks("k2", &KEYS[1]).await.with(200);
    assert_eq!(asked.load(Ordering::SeqCst), 3);
    house.pass(60);
    assert_eq!(fault(&asks("k3", &KEYS[0]).await).0, "a:InternalServiceFault");
    assert_eq!(asked.load(Ordering::SeqCst), 4);
}

async fn settings_that_make_no_sense(database: Database) {
    let mut house = House::closed(database);
    let nonsense = house.file("nonsense.json", "hello");
    let nonsense = nonsense.to_str().expect("a path").to_owned();
    for (tenant, jwks, what) in [
        ("not a tenant/", nonsense.as_str(), "--entra-tenant"),
        ("", nonsense.as_str(), "--entra-tenant"),
        (TENANT, nonsense.as_str(), "no JSON web key set"),
        (TENANT, "/nonexistent/keys.json", "/nonexistent/keys.json"),
    ] {
        house.settings().entra = Some(EntraSettings {
            tenant: tenant.to_owned(),
            audience: AUDIENCE.to_owned(),
            jwks: jwks.to_owned(),
        });
        let error = house.start().await.expect_err(what).to_string();
        assert!(error.contains(what), "{error}");
    }
}
